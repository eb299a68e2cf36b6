//! JSON by the chain's own library, which knows no floats.
//!
//! Layer: shell.
//! Holds: the two directions under one name.
//! Never: `serde_json`: it holds floats, which Secret refuses.
//! Invariant: what is written is what the library writes for its own types.

use crate::Refusal;
use crate::std::Binary;
use serde::{Serialize, de::DeserializeOwned};

/// A reply.
///
/// # Errors
/// [`Refusal::Json`] where the value has no JSON.
pub fn binary<T: Serialize>(value: &T) -> Result<Binary, Refusal> {
    #[cfg(feature = "secret")]
    let written = crate::std::to_binary(value);
    #[cfg(not(feature = "secret"))]
    let written = crate::std::to_json_binary(value);
    written.map_err(|_| Refusal::Json)
}

/// A message inside a message.
///
/// # Errors
/// [`Refusal::Json`] where the bytes are no such message.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    #[cfg(feature = "secret")]
    let read = crate::std::from_slice(bytes);
    #[cfg(not(feature = "secret"))]
    let read = crate::std::from_json(bytes);
    read.map_err(|_| Refusal::Json)
}
