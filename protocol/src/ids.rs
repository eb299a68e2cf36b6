//! Identifiers: collections, lineages, documents, addresses.
//!
//! Layer: protocol.
//! Holds: validated newtypes; a value that exists is a value that parses.
//! Never: meaning. An id on disk is opaque; names live inside sealed records.
//! Invariant: text form and bytes are in bijection (lowercase hex of fixed length).

use crate::hex;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Birth count of a collection's key tree; 1 is the first.
pub type Epoch = u32;

/// Why text is not an id. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Not exactly 32 lowercase hexadecimal digits.
    #[error("id must be 32 lowercase hexadecimal digits")]
    Hex,
    /// A document id is 1 to [`DocumentId::BYTES_MAX`] bytes without control characters.
    #[error("document id must be 1 to 256 bytes of UTF-8 without control characters")]
    Document,
    /// An address is bech32 text of at most [`Address::BYTES_MAX`] bytes.
    #[error("address must be lowercase bech32 text such as secret1…, at most 90 bytes")]
    Address,
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                hex::decode(text).map(Self).ok_or(IdError::Hex)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

hex_id!(
    /// One owner's corpus: the unit of the key tree. Random, 16 bytes.
    CollectionId
);
hex_id!(
    /// The immutable id of a shard's data. Random, 16 bytes.
    Lineage
);
hex_id!(
    /// What a client calls one request of its, and every retry of it. Random, 16 bytes.
    RequestId
);

impl CollectionId {
    /// Under this id a worker's sealing root is released to it; no collection has it.
    pub const WORKER_ROOT: Self = Self(*b"prag/worker-root");
}

/// What the owner calls a document: 1 to 256 bytes of UTF-8 without control characters.
///
/// Secret: it never reaches a URL, a log line or a file name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DocumentId(String);

impl DocumentId {
    /// Most bytes of a document id.
    pub const BYTES_MAX: usize = 256;

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DocumentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DocumentId(…)")
    }
}

impl TryFrom<String> for DocumentId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        let fits = (1..=Self::BYTES_MAX).contains(&text.len());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text))
        } else {
            Err(IdError::Document)
        }
    }
}

impl FromStr for DocumentId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.to_owned().try_into()
    }
}

impl From<DocumentId> for String {
    fn from(id: DocumentId) -> String {
        id.0
    }
}

/// A ledger account: bech32 text. Its checksum is verified by `trust`, where addresses are made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

impl Address {
    /// Most bytes of an address (BIP 173).
    pub const BYTES_MAX: usize = 90;

    /// The address's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The length of the text in bytes, for layouts that put it before the text.
    #[must_use]
    pub fn length_byte(&self) -> [u8; 1] {
        // It is at most 90, so the last byte of the length is the length.
        let [.., last] = self.0.len().to_be_bytes();
        [last]
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for Address {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let fits = (8..=Self::BYTES_MAX).contains(&text.len());
        if plain && fits && text.contains('1') { Ok(Self(text)) } else { Err(IdError::Address) }
    }
}

impl FromStr for Address {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.to_owned().try_into()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.0
    }
}
