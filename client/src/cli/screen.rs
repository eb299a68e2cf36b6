//! What the command line shows.
//!
//! Layer: client, below `cli`.
//! Holds: text or one JSON value on standard output; warnings, errors and progress on standard error.
//! Never: control characters that came from a document: a terminal obeys them.
//! Invariant: with `--json`, standard output holds exactly one JSON value, also after an error.

use crate::error::ClientError;
use indicatif::{ProgressBar, ProgressStyle};
use prag_protocol::metadata::format_rfc3339;
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// How to show things.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    json: bool,
    colour: bool,
    colour_errors: bool,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        let allowed = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            json,
            colour: allowed && !json && std::io::stdout().is_terminal(),
            colour_errors: allowed && std::io::stderr().is_terminal(),
        }
    }

    /// Shows `value` as JSON, or else the text.
    pub(super) fn show(self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            match serde_json::to_string(value) {
                Ok(line) => print_out(&line),
                Err(_) => print_out("null"),
            }
        } else {
            print_out(text().trim_end());
        }
    }

    /// A remark for people, on standard error; silent with `--json`.
    pub(super) fn note(self, text: &str) {
        if !self.json {
            print_err(text);
        }
    }

    /// A warning, in red on a terminal.
    pub(super) fn warn(self, text: &str) {
        print_err(&paint(self.colour_errors, RED_BOLD, text));
    }

    /// Why the command failed, and what to do next.
    pub(super) fn fail(self, error: &ClientError) {
        let next = error.next();
        if self.json {
            let value = serde_json::json!({
                "error": { "kind": error.kind(), "message": error.to_string(), "next": next }
            });
            print_out(&value.to_string());
            return;
        }
        let mut text = format!("{} {error}", paint(self.colour_errors, RED_BOLD, "error:"));
        if let ClientError::Problem(problem) = error {
            if let Some(field) = &problem.field {
                text.push_str(&format!("\n  field: {}", clean(field)));
            }
            if let Some(limit) = problem.limit {
                text.push_str(&format!("\n  limit: {limit}"));
            }
        }
        if let Some(next) = next {
            text.push_str(&format!("\n{} {next}", paint(self.colour_errors, BOLD, "next:")));
        }
        print_err(&text);
    }

    /// `text` in bold on a terminal.
    pub(super) fn bold(self, text: &str) -> String {
        paint(self.colour, BOLD, text)
    }

    /// `text` in grey on a terminal.
    pub(super) fn dim(self, text: &str) -> String {
        paint(self.colour, DIM, text)
    }

    /// A bar over `total` documents; hidden with `--json` and where standard error is no terminal.
    pub(super) fn progress(self, total: u64) -> ProgressBar {
        self.bar(total, "{bar:30} {pos}/{len} documents  {msg}  ETA {eta}")
    }

    /// A bar from 0 to 100 percent; hidden as [`Screen::progress`] is.
    pub(super) fn percent(self) -> ProgressBar {
        self.bar(100, "{bar:30} {pos} %  ETA {eta}")
    }

    /// Bytes read so far; hidden as [`Screen::progress`] is.
    pub(super) fn bytes(self) -> ProgressBar {
        self.bar(0, "{bytes} read, {bytes_per_sec}")
    }

    fn bar(self, length: u64, template: &str) -> ProgressBar {
        if self.json {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(length);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    }
}

/// A Unix second as a date and time in UTC.
pub(super) fn instant(seconds: u64) -> String {
    let micros = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1_000_000));
    micros.map_or_else(|| seconds.to_string(), format_rfc3339)
}

/// A title, and one named fact a line.
pub(super) fn facts(title: &str, rows: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let rows = rows.into_iter().map(|(name, text)| vec![name.to_owned(), text]);
    table(&[title, ""], &rows.collect::<Vec<_>>())
}

/// Rows in aligned columns under their names.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        widest.max(head.get(column).map_or(0, |name| name.len()))
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| {
            let fill = width.saturating_sub(cell.chars().count());
            format!("{cell}{}", " ".repeat(fill))
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut out = line(head.to_vec());
    for row in rows {
        out.push('\n');
        out.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    out
}

/// `text` on one line, without control characters.
pub(super) fn clean(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !is_unsafe(*c)).collect()
}

/// `text` with its lines, without other control characters.
pub(super) fn clean_lines(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || *c == '\t' || !is_unsafe(*c)).collect()
}

/// Controls, and the marks that reverse the direction of text.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn paint(on: bool, code: &str, text: &str) -> String {
    if on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A reader that went away (`prag … | head`) is no error.
fn print_out(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn print_err(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

const RED_BOLD: &str = "1;31";
const BOLD: &str = "1";
const DIM: &str = "2";

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns line up by characters, not bytes.
    #[test]
    fn tables_align() {
        let rows = [vec!["é".to_owned(), "1".to_owned()], vec!["abc".to_owned(), "2".to_owned()]];
        assert_eq!(table(&["n", "k"], &rows), "n    k\né    1\nabc  2");
    }

    /// A second is told as people read it, and one that no calendar has as it is.
    #[test]
    fn seconds_are_dates() {
        assert_eq!(instant(1_764_374_400), "2025-11-29T00:00:00Z");
        assert_eq!(instant(u64::MAX), u64::MAX.to_string());
    }

    /// A document cannot drive the terminal.
    #[test]
    fn control_characters_are_dropped() {
        assert_eq!(clean("a\x1b[31m\nb\u{202e}c"), "a[31m bc");
        assert_eq!(clean_lines("a\x1b\n\tb\r"), "a\n\tb");
    }
}
