//! The access contract on a real chain, which `make chain-test` starts.
//!
//! Layer: tests.
//! Holds: one story, of the access contract and a node that lies about it (`access`).
//! Never: an answer of the node that was not proven, but for the trusted header: the test plays the owner who checked it.
//! Invariant: without a chain it does not compile in (feature `chain`), so it never passes by not running.

#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod node;
mod reader;

use prag_trust::address::WalletKey;

/// The account of a seed. The chain begins with money for 11 and 13.
fn wallet(seed: u8) -> WalletKey {
    WalletKey::from_bytes(&[seed; 32]).unwrap()
}
