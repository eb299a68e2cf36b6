//! Pulses: what tells an account that an answer is not of an old state, where proofs show ciphertext only.
//!
//! Layer: protocol, ledger part.
//! Holds: the message, its record, and an answer that comes with the record.
//! Never: anything about a collection; chance (whoever sends a pulse draws its nonce).
//! Invariant: an account has one pulse, the last one; a state that shows it is not older than the message, also where it
//! has no answer for who asks.

use super::AccessReply;
use super::hex32;
#[cfg(feature = "schema")]
use super::schema::Hex32;
use serde::{Deserialize, Serialize};

/// Anybody, for its own account: has this nonce stand in every answer that it asks for, until the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PulseMsg {
    /// Random; not zeros.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub nonce: [u8; 32],
}

/// The last pulse of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Pulse {
    /// What it said.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub nonce: [u8; 32],
    /// Ledger height of the message.
    pub height: u64,
}

/// An answer, and the last pulse of who asked, out of one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FreshReply {
    /// The answer; `None` where it is hidden from who asked: absent, or not for this account.
    pub reply: Option<AccessReply>,
    /// Absent where the account sent none yet.
    pub pulse: Option<Pulse>,
}
