//! JSON schemas of what has its own spelling: hex, ids, addresses.
//!
//! Layer: protocol, ledger part; feature `schema`, for the files that wallets and explorers read.
//! Holds: one schema per text form.
//! Never: part of a contract: schemas are made natively.
//! Invariant: a schema takes no text that its reader refuses, but for an address's checksum and an amount's bound.

mod money;

pub use money::AmountText;

use crate::{Address, CollectionId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Exactly 32 bytes as 64 lowercase hexadecimal digits.
pub struct Hex32;

impl JsonSchema for Hex32 {
    fn schema_name() -> Cow<'static, str> {
        "Hex32".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "32 bytes as lowercase hexadecimal text",
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
        })
    }
}

/// Exactly 64 bytes as 128 lowercase hexadecimal digits.
pub struct Hex64;

impl JsonSchema for Hex64 {
    fn schema_name() -> Cow<'static, str> {
        "Hex64".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "64 bytes as lowercase hexadecimal text",
            "type": "string",
            "pattern": "^[0-9a-f]{128}$",
        })
    }
}

impl JsonSchema for CollectionId {
    fn schema_name() -> Cow<'static, str> {
        "CollectionId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "16 random bytes as lowercase hexadecimal text",
            "type": "string",
            "pattern": "^[0-9a-f]{32}$",
        })
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "an account or contract: lowercase bech32 text",
            "type": "string",
            "minLength": 8,
            "maxLength": Address::BYTES_MAX,
            "pattern": "^[0-9a-z]*1[0-9a-z]*$",
        })
    }
}
