//! From a document to text, its headings, and the way back to the source.
//!
//! Layer: a leaf of the server.
//! Holds: one extractor a format.
//! Never: counts tokens, cuts.
//! Invariant: headings ascend, and lie on character boundaries of the text.

mod html;
mod jsonl;
mod markdown;

pub(crate) use html::html;
pub(crate) use jsonl::jsonl;
pub(crate) use markdown::markdown;

use crate::HEADING_BYTES_MAX;
use crate::map::Map;
use std::borrow::Cow;

/// A heading, at its place in the extracted text.
pub(crate) struct Heading {
    /// Where its section begins.
    pub(crate) start: usize,
    /// 1 is outermost.
    pub(crate) level: u8,
    /// At most [`HEADING_BYTES_MAX`] bytes, white space collapsed, not empty.
    pub(crate) title: String,
}

/// What a format leaves of a document.
pub(crate) struct Extract<'source> {
    pub(crate) text: Cow<'source, str>,
    pub(crate) map: Map,
    pub(crate) headings: Vec<Heading>,
    /// Headings above the whole text that do not stand in it.
    pub(crate) above: Vec<String>,
    /// Cut along Markdown's structure.
    pub(crate) markdown: bool,
}

/// Plain text, as it is.
pub(crate) fn text(source: &str) -> Extract<'_> {
    Extract {
        text: Cow::Borrowed(source),
        map: Map::Same(0),
        headings: Vec::new(),
        above: Vec::new(),
        markdown: false,
    }
}

/// A heading's title: white space collapsed, cut to [`HEADING_BYTES_MAX`]; `None` if nothing is left.
fn title(text: &str) -> Option<String> {
    let mut title = String::new();
    for word in text.split_whitespace() {
        let gap = usize::from(!title.is_empty());
        let room = HEADING_BYTES_MAX.saturating_sub(title.len() + gap);
        let fits = floor_boundary(word, room);
        if fits == 0 {
            break;
        }
        if gap == 1 {
            title.push(' ');
        }
        title.push_str(&word[..fits]);
        if fits < word.len() {
            break;
        }
    }
    (!title.is_empty()).then_some(title)
}

/// The last character boundary of `text` at or before `at`.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    // A character has at most four bytes, and 0 is a boundary.
    (at.saturating_sub(3)..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
