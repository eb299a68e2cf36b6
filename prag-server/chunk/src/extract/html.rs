//! HTML: the text that a reader sees, with the place of every run.
//!
//! Layer: a leaf of the server.
//! Holds: a walk over tokens; text is what lies between them.
//! Never: a tree (depth costs nothing), attributes, scripts, network.
//! Invariant: white space is collapsed outside `pre`, and blocks stand apart by an empty line.

use super::{Extract, Heading, title};
use crate::map::{Map, Runs};
use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Error, Token, Tokenizer};
use std::borrow::Cow;
use std::ops::Range;

/// The visible text of an HTML document or fragment.
pub(crate) fn html(source: &str) -> Extract<'static> {
    let mut reader = Reader::new(source);
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut cursor = 0;
    let mut cut_off = false;
    for Ok(token) in Tokenizer::new_with_emitter(source, emitter) {
        let (span, name, opens) = match &token {
            Token::StartTag(tag) => (tag.span, Some(&tag.name), true),
            Token::EndTag(tag) => (tag.span, Some(&tag.name), false),
            Token::Comment(comment) => (comment.span, None, false),
            Token::Doctype(doctype) => (doctype.span, None, false),
            Token::Error(error) => {
                cut_off |= matches!(error.value, Error::EofInTag);
                continue;
            }
            Token::String(_) => continue,
        };
        reader.between(cursor..span.start);
        cursor = cursor.max(span.end);
        if let Some(name) = name.and_then(|name| std::str::from_utf8(name).ok()) {
            reader.tag(name, opens);
        }
    }
    let rest = source.get(cursor..).unwrap_or_default();
    // A tag that the end cuts off is no text.
    let end = if cut_off { unfinished_tag(rest).unwrap_or(rest.len()) } else { rest.len() };
    reader.between(cursor..cursor + end);
    reader.finish()
}

struct Reader<'source> {
    source: &'source str,
    text: String,
    runs: Runs,
    headings: Vec<Heading>,
    /// What to put before the next visible character.
    gap: Gap,
    /// Where the source of the last character ended.
    read: usize,
    /// Depth inside `pre`.
    pre: u32,
    /// The element that is left out, and how often it is open.
    skip: Option<(&'static str, u32)>,
    /// The open heading: level, and where its text began.
    heading: Option<(u8, Option<usize>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Line,
    Block,
}

impl<'source> Reader<'source> {
    fn new(source: &'source str) -> Self {
        Self {
            source,
            text: String::new(),
            runs: Runs::default(),
            headings: Vec::new(),
            gap: Gap::None,
            read: 0,
            pre: 0,
            skip: None,
            heading: None,
        }
    }

    fn tag(&mut self, name: &str, opens: bool) {
        if let Some((skipped, depth)) = self.skip {
            // A page that forgets to close its navigation still has a body.
            let body = opens && skipped == "nav" && matches!(name, "main" | "article");
            let depth = match (name == skipped, opens) {
                (true, true) => depth.saturating_add(1),
                (true, false) => depth - 1,
                (false, _) => depth,
            };
            self.skip = (depth > 0 && !body).then_some((skipped, depth));
            if self.skip.is_some() || !body {
                return;
            }
        }
        if let Some(skipped) = SKIPPED.iter().find(|skipped| **skipped == name) {
            self.skip = opens.then_some((skipped, 1));
            self.gap = self.gap.max(Gap::Space);
            return;
        }
        if let Some(level) = heading_level(name) {
            self.close_heading();
            self.gap = Gap::Block;
            self.heading = opens.then_some((level, None));
        } else if name == "pre" {
            self.gap = Gap::Block;
            self.pre = if opens { self.pre.saturating_add(1) } else { self.pre.saturating_sub(1) };
        } else if BLOCKS.contains(&name) {
            self.gap = Gap::Block;
        } else if LINES.contains(&name) {
            self.gap = self.gap.max(Gap::Line);
        } else if CELLS.contains(&name) {
            self.gap = self.gap.max(Gap::Space);
        }
    }

    /// Takes the text between two tags.
    fn between(&mut self, place: Range<usize>) {
        let raw = self.source.get(place.clone()).unwrap_or_default();
        if self.skip.is_some() {
            return;
        }
        let mut at = 0;
        while let Some(first) = raw[at..].chars().next() {
            let rest = &raw[at..];
            let from = place.start + at;
            at += if first == '&' {
                self.entity(rest, from)
            } else if is_space(first) {
                let run = rest.find(|c| !is_space(c)).unwrap_or(rest.len());
                if self.pre > 0 {
                    self.exact(&rest[..run], from);
                } else {
                    self.gap = self.gap.max(Gap::Space);
                }
                run
            } else {
                let ends = |c: char| c == '&' || is_space(c);
                let run = rest.find(ends).unwrap_or(rest.len());
                self.exact(&rest[..run], from);
                run
            };
        }
    }

    /// Takes a character reference, or a plain ampersand; returns the bytes taken.
    fn entity(&mut self, rest: &str, from: usize) -> usize {
        let body = rest[1..]
            .bytes()
            .take(ENTITY_BYTES_MAX)
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#')
            .count();
        let ends = rest.as_bytes().get(1 + body) == Some(&b';');
        let taken = 1 + body + usize::from(ends);
        let raw = &rest[..taken];
        let decoded = decode(raw);
        if decoded == raw {
            self.exact(raw, from);
        } else {
            self.separate(from);
            self.text.push_str(&decoded);
            self.runs.decoded(decoded.len(), from..from + taken);
            self.read = from + taken;
        }
        taken
    }

    fn exact(&mut self, raw: &str, from: usize) {
        self.separate(from);
        self.text.push_str(raw);
        self.runs.exact(raw.len(), from);
        self.read = from + raw.len();
    }

    /// Writes the gap before text that begins at `from`.
    fn separate(&mut self, from: usize) {
        let gap = match self.gap {
            Gap::None => "",
            Gap::Space => " ",
            Gap::Line => "\n",
            Gap::Block => "\n\n",
        };
        self.gap = Gap::None;
        if !gap.is_empty() && !self.text.is_empty() {
            self.text.push_str(gap);
            self.runs.decoded(gap.len(), self.read..from);
        }
        if let Some((_, start @ None)) = &mut self.heading {
            *start = Some(self.text.len());
        }
    }

    fn close_heading(&mut self) {
        if let Some((level, Some(start))) = self.heading.take()
            && let Some(title) = title(&self.text[start..])
        {
            self.headings.push(Heading { start, level, title });
        }
    }

    fn finish(mut self) -> Extract<'static> {
        self.close_heading();
        Extract {
            text: Cow::Owned(self.text),
            map: Map::Runs(self.runs),
            headings: self.headings,
            above: Vec::new(),
            markdown: false,
        }
    }
}

/// What the tokenizer makes of one character reference.
fn decode(raw: &str) -> String {
    let mut text = String::new();
    for Ok(token) in Tokenizer::new(raw) {
        if let Token::String(part) = token {
            text.push_str(&String::from_utf8_lossy(&part));
        }
    }
    text
}

fn unfinished_tag(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    bytes.windows(2).position(|pair| {
        pair[0] == b'<' && (pair[1].is_ascii_alphabetic() || matches!(pair[1], b'/' | b'!' | b'?'))
    })
}

fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

const ENTITY_BYTES_MAX: usize = 40;
const SKIPPED: [&str; 10] = [
    "script", "style", "title", "template", "noscript", "nav", "svg", "iframe", "object", "canvas",
];
#[rustfmt::skip]
const BLOCKS: [&str; 29] = [
    "address", "article", "aside", "blockquote", "body", "caption", "details", "dialog", "div", "dl",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "html", "main", "menu",
    "ol", "p", "search", "section", "summary", "table", "tbody", "ul",
];
const LINES: [&str; 7] = ["br", "dd", "dt", "legend", "li", "option", "tr"];
const CELLS: [&str; 4] = ["td", "th", "label", "button"];
