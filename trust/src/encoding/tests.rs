#![allow(clippy::unwrap_used, clippy::panic)]

use super::{base64_bytes, digest, hex_bytes, hex_list, transcript};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Fields {
    #[serde(with = "hex_bytes")]
    fixed: [u8; 2],
    #[serde(with = "hex_list")]
    list: Vec<[u8; 32]>,
    #[serde(with = "base64_bytes")]
    bytes: Vec<u8>,
}

/// Moving a byte from one part to the next changes the transcript.
#[test]
fn parts_do_not_run_together() {
    assert_eq!(transcript("D", &[b"ab", b""]), b"D\0\0\0\x02ab\0\0\0\0");
    assert_ne!(transcript("D", &[b"ab", b"c"]), transcript("D", &[b"a", b"bc"]));
    assert_ne!(transcript("D", &[b"ab"]), transcript("D", &[b"ab", b""]));
    assert_ne!(digest("D", &[b"ab"]), digest("E", &[b"ab"]));
}

/// What is written reads back, and nothing but the canonical text reads.
#[test]
fn text_is_canonical() {
    let fields = Fields { fixed: [0xab, 1], list: vec![[7; 32]], bytes: b"prag".to_vec() };
    let text = serde_json::to_string(&fields).unwrap();
    let row = "07".repeat(32);
    assert_eq!(text, format!(r#"{{"fixed":"ab01","list":["{row}"],"bytes":"cHJhZw=="}}"#));
    let back: Fields = serde_json::from_str(&text).unwrap();
    assert_eq!((back.fixed, back.list, back.bytes), (fields.fixed, fields.list, fields.bytes));

    for (from, to) in [("ab01", "AB01"), ("ab01", "ab0"), ("ab01", "ab0101"), ("ab01", "zz01")] {
        assert!(serde_json::from_str::<Fields>(&text.replace(from, to)).is_err(), "{to}");
    }
    for to in ["cHJhZw", "cHJhZw=", "cHJhZx==", "cHJh Zw=="] {
        assert!(serde_json::from_str::<Fields>(&text.replace("cHJhZw==", to)).is_err(), "{to}");
    }
}

/// Lists and bytes at their bound are read; one more is refused.
#[test]
fn bounds_hold() {
    let with = |values: usize, bytes: usize| {
        let fields = Fields { fixed: [0; 2], list: vec![[1; 32]; values], bytes: vec![2; bytes] };
        serde_json::from_str::<Fields>(&serde_json::to_string(&fields).unwrap()).is_ok()
    };
    assert!(with(hex_list::VALUES_MAX, base64_bytes::BYTES_MAX));
    assert!(!with(hex_list::VALUES_MAX + 1, 0));
    assert!(!with(0, base64_bytes::BYTES_MAX + 4));
}
