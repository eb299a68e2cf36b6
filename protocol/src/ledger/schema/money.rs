//! JSON schemas of money, and of what subscribers call their keys.
//!
//! Layer: protocol, ledger part; feature `schema`.
//! Holds: one schema per text form.
//! Never: part of a contract.
//! Invariant: a schema takes no text that its reader refuses, but for bounds that are not of the text: the greatest
//! number, bytes of UTF-8.

use crate::ledger::coin::{Amount, Denom};
use crate::ledger::subscription::KeyName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// A number below 2^128 as decimal digits.
pub struct AmountText;

impl JsonSchema for AmountText {
    fn schema_name() -> Cow<'static, str> {
        "AmountText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "smallest units as decimal digits without leading zeros",
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
            "description": "1 to 2^96 - 1 smallest units as decimal digits without leading zeros",
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
            "description": "what a chain calls a currency",
            "type": "string",
            "pattern": "^[a-zA-Z][a-zA-Z0-9/:._-]{2,127}$",
        })
    }
}

impl JsonSchema for KeyName {
    fn schema_name() -> Cow<'static, str> {
        "KeyName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "at most 64 bytes of UTF-8 without control characters",
            "type": "string",
            "minLength": 1,
            "maxLength": KeyName::BYTES_MAX,
            "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$",
        })
    }
}
