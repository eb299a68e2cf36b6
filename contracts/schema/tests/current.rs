//! The schemas that are checked in are those of the code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use prag_contracts_schema::{files, place};
use serde_json::Value;

#[test]
fn files_are_current() {
    for file in files() {
        let stored = std::fs::read_to_string(place(&file)).unwrap_or_default();
        assert!(stored == file.text, "{} is not current: run `make contracts-schema`", file.path);
    }
}

/// Unknown fields are refused in every variant, and every variant is described.
#[test]
fn messages_are_closed_and_described() {
    for file in files().iter().filter(|file| file.path.ends_with("execute.json")) {
        let schema: Value = serde_json::from_str(&file.text).unwrap();
        let variants = schema["oneOf"].as_array().unwrap();
        assert!(!variants.is_empty());
        for variant in variants {
            assert!(variant["description"].is_string(), "{variant}");
            assert_eq!(variant["additionalProperties"], false, "{variant}");
            for body in variant["properties"].as_object().unwrap().values() {
                let named = body["$ref"].as_str().and_then(|to| schema.pointer(&to[1..]));
                let body = named.unwrap_or(body);
                assert_eq!(body["additionalProperties"], false, "{body}");
            }
        }
    }
}
