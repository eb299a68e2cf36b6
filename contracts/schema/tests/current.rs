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
    for file in files().iter().filter(|file| file.path.contains("/execute")) {
        let schema: Value = serde_json::from_str(&file.text).unwrap();
        let variants = variants(&schema);
        assert!(!variants.is_empty(), "{}", file.path);
        for variant in variants {
            assert!(variant["description"].is_string(), "{variant}");
            assert_eq!(variant["additionalProperties"], false, "{variant}");
            for body in variant["properties"].as_object().unwrap().values() {
                let body = named(&schema, body);
                assert_eq!(body["additionalProperties"], false, "{body}");
            }
        }
    }
}

/// The ledger's, and beside them the shell's own where it has one.
fn variants(schema: &Value) -> Vec<&Value> {
    let kinds = schema["anyOf"]
        .as_array()
        .map_or(vec![schema], |kinds| kinds.iter().map(|kind| named(schema, kind)).collect());
    kinds.iter().flat_map(|kind| kind["oneOf"].as_array().unwrap()).collect()
}

/// What a reference stands for, which may have a description of its own.
fn named<'a>(schema: &'a Value, part: &'a Value) -> &'a Value {
    let all = part["allOf"].as_array().and_then(|all| all.first()).unwrap_or(part);
    all["$ref"].as_str().and_then(|to| schema.pointer(&to[1..])).unwrap_or(part)
}
