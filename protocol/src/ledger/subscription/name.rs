//! What a subscriber calls an API key.
//!
//! Layer: protocol, ledger part.
//! Holds: short text for people.
//! Never: control characters; on a public chain, anything that may not be read by all.
//! Invariant: a name that exists is 1 to [`KeyName::BYTES_MAX`] bytes.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Not a name for a key. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key name must be 1 to 64 bytes of UTF-8 without control characters")]
pub struct KeyNameError;

/// What a subscriber calls an API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyName(String);

impl KeyName {
    /// Most bytes of a name.
    pub const BYTES_MAX: usize = 64;

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyName {
    type Error = KeyNameError;
    fn try_from(text: String) -> Result<Self, KeyNameError> {
        let fits = (1..=Self::BYTES_MAX).contains(&text.len());
        if fits && !text.chars().any(char::is_control) { Ok(Self(text)) } else { Err(KeyNameError) }
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;
    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        text.to_owned().try_into()
    }
}

impl From<KeyName> for String {
    fn from(name: KeyName) -> String {
        name.0
    }
}
