#![allow(clippy::unwrap_used, clippy::panic)]

mod fuzz;

use super::*;
use proptest::prelude::*;

/// One token a word, and one for each further eight bytes of a long word.
fn words(text: &str) -> usize {
    text.split_whitespace().map(|word| word.len().div_ceil(8)).sum()
}

fn cut(format: Format, source: &str, max_tokens: usize) -> Vec<Piece> {
    chunk(format, source, &words, &Params::new(max_tokens)).unwrap()
}

fn texts(pieces: &[Piece]) -> Vec<&str> {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

/// Sections keep their headings, and a piece that begins with its heading does not embed it twice.
#[test]
fn markdown_heading_paths() {
    let body = "alpha beta gamma delta ".repeat(12);
    let source = format!("# Guide\n\n## Dose\n\n{body}\n\n## Storage `cold`\n\nKeep cool.\n");
    let pieces = cut(Format::Markdown, &source, 24);
    assert!(pieces.len() > 2);
    assert_eq!(pieces[0].heading_path, ["Guide"]);
    let dose: Vec<&Piece> =
        pieces.iter().filter(|piece| piece.heading_path == ["Guide", "Dose"]).collect();
    assert!(dose[0].embedded_text().starts_with("Guide\n## Dose"));
    assert!(dose[1].embedded_text().starts_with("Guide > Dose\nalpha"));
    let last = pieces.last().unwrap();
    assert_eq!(last.heading_path, ["Guide", "Storage cold"]);
    assert_eq!(last.text, "## Storage `cold`\n\nKeep cool.");
    assert_eq!(last.embedded_text(), format!("Guide\n{}", last.text));
}

/// Small sections join those beside and below them, never those above.
#[test]
fn small_sections_join() {
    let source = "# A\n\n## B\n\none\n\n## C\n\ntwo\n\n# D\n\nthree\n";
    let pieces = cut(Format::Markdown, source, 16);
    assert_eq!(texts(&pieces), ["# A\n\n## B\n\none", "## C\n\ntwo", "# D\n\nthree"]);
    assert_eq!(pieces[0].heading_path, ["A"]);
    assert_eq!(pieces[1].heading_path, ["A", "C"]);
    assert_eq!(pieces[2].heading_path, ["D"]);
}

/// Headings in code, quotes and front matter are no headings.
#[test]
fn markdown_false_headings() {
    let source = "---\ntitle: x\n---\n\n```\n# code\n```\n\n> # quote\n\nReal\n====\n\ntext\n";
    let pieces = cut(Format::Markdown, source, 64);
    let paths: Vec<_> = pieces.iter().map(|piece| &piece.heading_path).collect();
    assert_eq!(paths, [&Vec::<String>::new(), &vec!["Real".to_owned()]]);
}

/// HTML gives the visible text, collapsed, and spans that point at its source.
#[test]
fn html_text_and_spans() {
    let source = "<html><head><title>t</title><style>p{}</style></head><body><nav><a>menu</a></nav>\
        <h1>Big &amp; <b>bold</b></h1><p>Fish\n   &lt;3 caf&eacute;</p><script>if (a<b) {}</script>\
        <ul><li>one<li>two</ul><!-- no --><pre>x\n  y</pre></body></html>";
    let pieces = cut(Format::Html, source, 64);
    assert_eq!(pieces.len(), 1);
    let piece = &pieces[0];
    assert_eq!(piece.text, "Big & bold\n\nFish <3 café\n\none\ntwo\n\nx\n  y");
    assert_eq!(piece.heading_path, ["Big & bold"]);
    let raw = &source[piece.span.clone()];
    assert!(raw.starts_with("Big &amp;") && raw.ends_with("x\n  y"));
}

/// Each piece of an HTML document stands in its own place.
#[test]
fn html_pieces_keep_their_place() {
    let source: String = (0..40)
        .map(|n| {
            format!("<h2>Part {n}</h2>\r\n<p>fact{n} &eacute;t&eacute; and more words here</p>")
        })
        .collect();
    let pieces = cut(Format::Html, &source, 20);
    assert!(pieces.len() >= 20);
    for (number, piece) in pieces.iter().enumerate() {
        let raw = &source[piece.span.clone()];
        let fact = piece.text.split("fact").nth(1).unwrap();
        let n = fact.split(' ').next().unwrap();
        assert!(raw.contains(&format!("fact{n} &eacute;t&eacute;")), "{number}");
    }
}

/// Broken HTML costs text at most, never more: unclosed navigation, a tag cut off, wild nesting.
#[test]
fn html_survives_its_authors() {
    let text = |source: &str| {
        let pieces = cut(Format::Html, source, 64);
        texts(&pieces).join("|")
    };
    assert_eq!(text("<nav>menu<main>body</main>"), "body");
    assert_eq!(text("before <a href='x"), "before");
    assert_eq!(text("a < b & c &unknown; d"), "a < b & c &unknown; d");
    assert_eq!(text("<h1>open <p>never closed"), "open\n\nnever closed");
    assert_eq!(text(&"<div>".repeat(100_000)), "");
    assert_eq!(text(&format!("{}deep", "<svg>".repeat(50_000))), "");
    assert_eq!(text(&format!("{}x", "<b>".repeat(50_000))), "x");
}

/// A JSON line is a record: its text, its title, its place.
#[test]
fn jsonl_records() {
    let source = "{\"id\":1,\"title\":\"Caf\\u00e9\",\"text\":\"one \\\"two\\\" \\ud83d\\ude00 end\"}\r\n\n\
        {\"body\":\"the longest wins\",\"tag\":\"x\"}\n\"bare\"\n";
    let pieces = cut(Format::Jsonl, source, 64);
    assert_eq!(texts(&pieces), ["one \"two\" 😀 end", "the longest wins", "bare"]);
    assert_eq!(pieces[0].heading_path, ["Café"]);
    assert!(pieces[0].embedded_text().starts_with("Café\none"));
    let raw: Vec<&str> = pieces.iter().map(|p| &source[p.span.clone()]).collect();
    assert_eq!(raw, ["one \\\"two\\\" \\ud83d\\ude00 end", "the longest wins", "bare"]);
}

/// A bad line is named, and nothing is returned in part.
#[test]
fn jsonl_bad_lines() {
    for (source, line) in [
        ("{\"text\":\"a\"}\n{\"text\":\n", 2),
        ("[1,2]", 1),
        ("{\"n\":1}", 1),
        ("{\"text\":\"  \"}", 1),
        ("\n\n\"x", 3),
    ] {
        let result = chunk(Format::Jsonl, source, &words, &Params::new(64));
        assert_eq!(result.unwrap_err(), ChunkError::Record { line });
    }
}

/// Limits and parameters are refused by name, on the far side of the line only.
#[test]
fn limits() {
    let params = Params::new(64);
    let with = |params: Params| chunk(Format::Text, "x", &words, &params).map(|p| p.len());
    assert_eq!(with(params), Ok(1));
    assert_eq!(with(Params::new(TOKENS_MIN)), Ok(1));
    let bad = [
        (Params::new(TOKENS_MIN - 1), "max_tokens"),
        (Params::new(usize::MAX), "max_tokens"),
        (Params { version: 2, ..params }, "version"),
        (Params { max_bytes: 63, ..params }, "max_bytes"),
        (Params { max_bytes: 4097, ..params }, "max_bytes"),
        (Params { overlap_tokens: 32, ..params }, "overlap_tokens"),
    ];
    for (params, name) in bad {
        assert_eq!(with(params), Err(ChunkError::Params(name)));
    }
    let long = "a ".repeat(SOURCE_BYTES_MAX / 2);
    let many = chunk(Format::Text, &long, &words, &params).unwrap_err();
    assert_eq!(many, ChunkError::TooManyPieces { max: PIECES_MAX });
    let longer = chunk(Format::Text, &(long + "a"), &words, &params).unwrap_err();
    assert!(matches!(longer, ChunkError::SourceTooLong { .. }));
    let heavy = |_: &str| 100;
    let error = chunk(Format::Text, "abc", &heavy, &params).unwrap_err();
    assert_eq!(error, ChunkError::Unsplittable { at: 0 });
}

/// Text without any boundary, or of one token only, is cut by bytes.
#[test]
fn boundless_text_is_cut_by_bytes() {
    let one_token = |_: &str| 1;
    let solid = "é".repeat(100_000);
    let pieces = chunk(Format::Text, &solid, &one_token, &Params::new(64)).unwrap();
    assert!(pieces.iter().all(|piece| piece.text.len() <= 4096));
    let joined: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(joined, solid);
}

/// Overlap repeats the end of the piece before, within the budget.
#[test]
fn overlap_repeats() {
    let source: String = (0..200).map(|n| format!("w{n} ")).collect();
    let params = Params { overlap_tokens: 4, ..Params::new(16) };
    let pieces = chunk(Format::Text, &source, &words, &params).unwrap();
    assert!(pieces.windows(2).all(|p| p[1].span.start < p[0].span.end));
    assert!(pieces.iter().all(|piece| piece.tokens <= 16));
}

/// A very long heading, or very many of them, leaves room for text.
#[test]
fn heading_floods() {
    let long = format!("# {}\n\nbody\n", "word ".repeat(2000));
    let pieces = cut(Format::Markdown, &long, 32);
    assert!(pieces.iter().all(|p| p.heading_path[0].len() <= HEADING_BYTES_MAX));
    let many = "# h\n".repeat(50_000);
    assert!(!cut(Format::Markdown, &many, 256).is_empty());
    assert_eq!(texts(&cut(Format::Text, " \n\t\n", 32)), [""; 0]);
}

const FORMATS: [Format; 4] = [Format::Markdown, Format::Html, Format::Text, Format::Jsonl];

/// Order, boundaries, budget; and for what is cited as written, exactness and coverage.
fn check(format: Format, source: &str, max_tokens: usize) {
    let Ok(pieces) = chunk(format, source, &words, &Params::new(max_tokens)) else {
        assert_eq!(format, Format::Jsonl);
        return;
    };
    let mut covered = 0;
    for piece in &pieces {
        assert!(piece.span.start >= covered && piece.span.end >= piece.span.start);
        let raw = source.get(piece.span.clone()).unwrap();
        assert!(piece.tokens <= max_tokens);
        assert_eq!(piece.tokens, words(&piece.embedded_text()));
        assert!(!piece.text.trim().is_empty());
        if matches!(format, Format::Markdown | Format::Text) {
            assert_eq!(raw, piece.text);
            assert!(source[covered..piece.span.start].trim().is_empty());
        }
        covered = piece.span.end;
    }
    if matches!(format, Format::Markdown | Format::Text) {
        assert!(source[covered..].trim().is_empty());
    }
}

fn fragment() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "# One\n",
        "## Two\n\n",
        "### ",
        "====\n",
        "\n\n",
        "\n",
        "\r\n",
        " ",
        "word ",
        "sentence ends. ",
        "```\n",
        "- item\n",
        "> ",
        "| a | b |\n",
        "<p>",
        "</p>",
        "<h1>",
        "</h2>",
        "<h3>",
        "<div>",
        "<pre>",
        "</pre>",
        "<nav>",
        "</nav>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "&amp;",
        "&#x1F600;",
        "&",
        "&fjlig;",
        "<",
        ">",
        "</",
        "\"",
        "'",
        "é",
        "日本語",
        "e\u{301}",
        "👩‍👩‍👧",
        "\u{0}",
        "\u{feff}",
        "{\"text\":\"a b\"}\n",
        "{\"text\":",
        "\\u00e9",
        "\\",
        "}",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]);
    prop::collection::vec(pieces, 0..120).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is put together from the pieces of our formats, every property holds.
    #[test]
    fn properties_hold_on_fragments(source in fragment(), max in TOKENS_MIN..64) {
        for format in FORMATS {
            check(format, &source, max);
        }
    }

    /// Random text, and random bytes read as text, never panic.
    #[test]
    fn properties_hold_on_noise(
        text in any::<String>(),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let lossy = String::from_utf8_lossy(&bytes);
        for format in FORMATS {
            check(format, &text, TOKENS_MIN);
            check(format, &lossy, TOKENS_MIN);
        }
    }

    /// A JSON string comes back as it was written, wherever its escapes stand.
    #[test]
    fn jsonl_round_trip(text in "[a-z \\\\\"\n\té😀]{1,80}") {
        prop_assume!(!text.trim().is_empty());
        let line = serde_json::json!({ "n": 1, "text": text }).to_string();
        let pieces = cut(Format::Jsonl, &line, 1024);
        prop_assert_eq!(pieces.len(), 1);
        prop_assert_eq!(&pieces[0].text, text.trim());
    }
}
