//! Bodies to values, with a problem that names the place.
//!
//! Layer: `http`.
//! Holds: bounds before parsing, and the map from parse errors to problem codes.
//! Never: a value of the request in a problem; only field paths, positions and what was expected.
//! Invariant: bytes are measured (size, nesting) before serde sees them.

use prag_protocol::limits::{BODY_BYTES_MAX, JSON_DEPTH_MAX};
use prag_protocol::problem::{Code, Problem};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// The value that a JSON body holds.
///
/// # Errors
/// `too-large`, `too-deep`, `malformed`, `unknown-field`, `bad-vector`, `bad-filter`, `invalid-field`.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    measure(body)?;
    // serde reads a struct from a list too, field by position: a list has no names to refuse.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::new(Code::InvalidField, "expected an object"));
    }
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    // Read once more, for the place: following it costs more than reading does.
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| explain(&error))?;
    reader.end().map_err(|_| Problem::new(Code::Malformed, "something follows the JSON value"))?;
    Ok(value)
}

/// Size and nesting, over bytes.
fn measure(body: &[u8]) -> Result<(), Problem> {
    if body.len() > BODY_BYTES_MAX {
        let problem = Problem::new(Code::TooLarge, "bytes of the body");
        return Err(problem.limit(BODY_BYTES_MAX));
    }
    let (mut depth, mut rest) = (0usize, body);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = after_text(after),
            b'[' | b'{' => {
                depth += 1;
                if depth > JSON_DEPTH_MAX {
                    let problem = Problem::new(Code::TooDeep, "levels of arrays and objects");
                    return Err(problem.limit(JSON_DEPTH_MAX));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// What follows the text that has just begun. Nothing, where it does not end.
fn after_text(mut rest: &[u8]) -> &[u8] {
    // A vector in base64 is most of a query: it is passed over by the register, not by the byte.
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let ends = rest[at] == b'"';
        let past = if ends { at + 1 } else { at + 2 };
        rest = rest.get(past..).unwrap_or_default();
        if ends {
            return rest;
        }
    }
    &[]
}

fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    let path = bounded(error.path().to_string());
    let message = inner.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let number = message.starts_with("number out of range");
    match inner.classify() {
        Category::Data => {}
        Category::Syntax if number => {}
        Category::Syntax | Category::Eof | Category::Io => {
            let place = format!("no JSON at line {}, column {}", inner.line(), inner.column());
            return Problem::new(Code::Malformed, place);
        }
    }
    let at_root = path == ".";
    if let Some(name) = quoted_after(message, "missing field ") {
        let field = if at_root { name.to_owned() } else { format!("{path}.{name}") };
        return Problem::new(data_code(&path), "the field is missing").field(field);
    }
    let problem = if message.starts_with("unknown field ") {
        let code = match data_code(&path) {
            Code::InvalidField => Code::UnknownField,
            other => other,
        };
        Problem::new(code, "the route does not know this field")
    } else if number {
        Problem::new(data_code(&path), "the number is out of range")
    } else if let Some((_, expected)) = message.rsplit_once(", expected ") {
        // What stands before is the value that was sent: it stays out.
        Problem::new(data_code(&path), format!("expected {}", bounded(expected.to_owned())))
    } else {
        Problem::new(data_code(&path), bounded(message.to_owned()))
    };
    if at_root { problem } else { problem.field(path) }
}

/// The code of a field that does not fit, by where it stands.
fn data_code(path: &str) -> Code {
    // A query among several is a query: `queries[7].filter`.
    let path = path
        .strip_prefix("queries[")
        .and_then(|rest| rest.split_once("]."))
        .map_or(path, |(_, path)| path);
    let first = path.split(['.', '[']).next().unwrap_or_default();
    let vector = path.split(['.', '[']).any(|part| part == "vector");
    match first {
        "filter" | "scope" => Code::BadFilter,
        _ if vector => Code::BadVector,
        _ => Code::InvalidField,
    }
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split('`').nth(1)
}

/// Paths hold keys that the sender chose: cut them.
fn bounded(mut text: String) -> String {
    if let Some((cut, _)) = text.char_indices().nth(PLACE_CHARS_MAX) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

const PLACE_CHARS_MAX: usize = 160;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use prag_protocol::wire::documents::PutDocument;
    use prag_protocol::wire::search::{ContextRequest, QueryRequest};

    fn refused<T: DeserializeOwned>(body: &str) -> Problem {
        match parse::<T>(body.as_bytes()) {
            Ok(_) => panic!("accepted: {body}"),
            Err(problem) => problem,
        }
    }

    /// Nesting is counted outside strings only, and refused one level above the limit.
    #[test]
    fn depth_has_an_edge() {
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n - 1), "]".repeat(n - 1));
        assert!(parse::<serde_json::Value>(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
        let problem = refused::<serde_json::Value>(&nested(JSON_DEPTH_MAX + 1));
        assert_eq!(problem.code, Code::TooDeep);
        assert_eq!(problem.limit, Some(JSON_DEPTH_MAX as u64));
        let text = format!("\"\\\"{}\"", "[{".repeat(500));
        assert!(parse::<String>(text.as_bytes()).is_ok());
    }

    /// Nesting of whatever bytes is what one that looks at each of them in turn finds.
    #[test]
    fn depth_is_that_of_a_naive_twin() {
        let twin = |body: &[u8]| {
            let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
            for &byte in body {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    b'[' | b'{' if !quoted => depth += 1,
                    b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
                    _ => {}
                }
                deepest = deepest.max(depth);
            }
            deepest > JSON_DEPTH_MAX
        };
        let (mut seed, mut refused) = (7u64, 0);
        for round in 0..20_000 {
            let mut draw = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 33) as usize
            };
            let length = draw() % 300;
            let body: Vec<u8> = (0..length).map(|_| b"[[[[[{]}\"\\a"[draw() % 11]).collect();
            assert_eq!(measure(&body).is_err(), twin(&body), "{round}");
            refused += usize::from(twin(&body));
        }
        assert!((1000..19_000).contains(&refused), "{refused} of both kinds");
    }

    /// Each way to fail has its code and its place, and repeats nothing that was sent.
    #[test]
    fn problems_name_places_not_values() {
        let long = format!("{{\"prompt\":\"hush, expected\",\"budget\":\"{}\"}}", "hush");
        for (body, code, field) in [
            ("{\"k\":", Code::Malformed, None),
            ("{} hush", Code::Malformed, None),
            ("{\"hush\":1}", Code::UnknownField, Some("hush")),
            ("{\"k\":\"hush\"}", Code::InvalidField, Some("k")),
            ("{\"k\":-7}", Code::InvalidField, Some("k")),
            ("{\"k\":1e999}", Code::InvalidField, Some("k")),
            ("{\"mode\":\"hush\"}", Code::InvalidField, Some("mode")),
            ("{\"vector\":[0.5,1e999]}", Code::BadVector, Some("vector[1]")),
            ("{\"vector\":[null]}", Code::BadVector, Some("vector[0]")),
            ("{\"fusion\":{\"rrf\":{}}}", Code::InvalidField, Some("fusion.rrf.k")),
        ] {
            let problem = refused::<QueryRequest>(body);
            assert_eq!((problem.code, problem.field.as_deref()), (code, field), "{body}");
            assert!(!problem.detail.contains("hush"), "{}", problem.detail);
        }
        let problem = refused::<PutDocument>(" [\"hush\",\"\",\"text\",\"b\",{},null]");
        assert_eq!(problem.code, Code::InvalidField);
        let problem = refused::<ContextRequest>(&long);
        assert_eq!(problem.field.as_deref(), Some("budget"));
        assert!(!problem.detail.contains("hush"), "{}", problem.detail);
        let problem = refused::<ContextRequest>("{\"prompt\":\"x\"}");
        assert_eq!(problem.field.as_deref(), Some("budget"));
        let line = "{\"id\":\"a\",\"content\":\"b\",\"chunks\":[{\"start\":0,\"end\":1,\"vector\":[1e999]}]}";
        let problem = refused::<PutDocument>(line);
        assert_eq!(problem.code, Code::BadVector);
        assert_eq!(problem.field.as_deref(), Some("chunks[0].vector[0]"));
    }

    /// A body one byte over the limit is refused by its size, not parsed.
    #[test]
    fn size_has_an_edge() {
        let fits = format!("\"{}\"", "a".repeat(BODY_BYTES_MAX - 2));
        assert!(parse::<String>(fits.as_bytes()).is_ok());
        assert_eq!(refused::<String>(&format!("{fits} ")).code, Code::TooLarge);
    }
}
