//! Markdown: the text as it is, and where its headings stand.
//!
//! Layer: a leaf of the server.
//! Holds: a walk over CommonMark events.
//! Never: renders; a piece of Markdown is cited as it was written.
//! Invariant: only headings of the document itself count, not those inside quotes and lists.

use super::{Extract, Heading, title};
use crate::HEADING_BYTES_MAX;
use crate::map::Map;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::borrow::Cow;

/// Markdown with its top-level headings, ATX and setext. A YAML block at the start holds none.
pub(crate) fn markdown(source: &str) -> Extract<'_> {
    Extract {
        text: Cow::Borrowed(source),
        map: Map::Same(0),
        headings: headings(source),
        above: Vec::new(),
        markdown: true,
    }
}

fn headings(source: &str) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut containers = 0usize;
    let mut open: Option<(usize, u8, String)> = None;
    let options = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    for (event, range) in Parser::new_ext(source, options).into_offset_iter() {
        match event {
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => containers += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => {
                containers = containers.saturating_sub(1);
            }
            Event::Start(Tag::Heading { level, .. }) if containers == 0 => {
                open = Some((range.start, level as u8, String::new()));
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((start, level, text)) = open.take()
                    && let Some(title) = title(&text)
                {
                    found.push(Heading { start, level, title });
                }
            }
            Event::Text(text) | Event::Code(text) => append(&mut open, &text),
            Event::SoftBreak | Event::HardBreak => append(&mut open, " "),
            _ => {}
        }
    }
    found
}

fn append(open: &mut Option<(usize, u8, String)>, text: &str) {
    if let Some((_, _, title)) = open
        && title.len() <= HEADING_BYTES_MAX
    {
        title.push_str(text);
    }
}
