//! Hostile documents of every format.

use super::*;
use prag_fuzz::fuzz;
use std::time::{Duration, Instant};

/// Pieces lie in the source, in order, within the budget; and each document takes milliseconds.
#[test]
fn documents_of_every_format() {
    let markdown = "---\ntitle: x\n---\n# Guide\n\n## Dose `cold`\n\n- one\n  1. two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted *text* [link](x)\n\n```rust\nfn main() {}\n```\n\nReal\n====\n\ncafé \u{1f600} text\n";
    let html = "<!doctype html><html><head><title>t</title><style>p{}</style></head><body><h1>Big &amp; <b>bold</b></h1><table><tr><td>1<td>2</table><p>Fish &lt;3 caf&eacute;</p><script>if (a<b) {}</script><!-- gone --><pre> kept </pre></body></html>";
    let jsonl =
        "{\"text\": \"one \\u00e9 \\n two\", \"title\": \"T\"}\n\n{\"text\":\"three\",\"n\":1}\n";
    let text = "First paragraph.\n\nSecond, longer: caf\u{e9} \u{200d}\u{202e} end.\n";
    for (format, good) in [
        (Format::Markdown, markdown),
        (Format::Html, html),
        (Format::Jsonl, jsonl),
        (Format::Text, text),
    ] {
        fuzz(2, &[good.as_bytes().to_vec()], |bytes| {
            let source = String::from_utf8_lossy(bytes);
            let start = Instant::now();
            if let Ok(pieces) = chunk(format, &source, &words, &Params::new(24)) {
                assert!(pieces.len() <= PIECES_MAX);
                for piece in &pieces {
                    assert!(source.get(piece.span.clone()).is_some(), "{piece:?}");
                    assert!(words(&piece.embedded_text()) <= 24, "{piece:?}");
                    assert!(
                        piece.heading_path.iter().all(|title| title.len() <= HEADING_BYTES_MAX)
                    );
                }
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        });
    }
}
