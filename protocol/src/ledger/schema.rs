//! JSON schemas of what has its own spelling: hex, ids, addresses.
//!
//! Layer: protocol, ledger part; feature `schema`, for the files that wallets and explorers read.
//! Holds: one schema per text form.
//! Never: part of a contract: schemas are made natively.
//! Invariant: a schema takes no text that its reader refuses, but for an address's checksum and an amount's bound.

use super::coin::{Amount, Denom};
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

/// An amount that may be zero.
pub struct AmountText;

impl JsonSchema for AmountText {
    fn schema_name() -> Cow<'static, str> {
        "AmountText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "0 to 2^128 - 1 smallest units as decimal digits",
            "type": "string",
            "pattern": "^(0|[1-9][0-9]{0,38})$",
        })
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "1 to 2^96 - 1 smallest units as decimal digits",
            "type": "string",
            "pattern": "^[1-9][0-9]{0,28}$",
        })
    }
}

impl JsonSchema for Denom {
    fn schema_name() -> Cow<'static, str> {
        "Denom".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "what the chain calls a currency",
            "type": "string",
            "pattern": "^[A-Za-z][A-Za-z0-9/:._-]{2,127}$",
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
