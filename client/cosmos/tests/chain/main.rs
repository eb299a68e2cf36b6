//! Our contracts on a real chain, which `make chain-test` starts.
//!
//! Layer: tests.
//! Holds: two stories: the access contract and a node that lies about it (`access`), and all four contracts from the
//! first coin to the last (`story`).
//! Never: an answer of the node that was not proven, but for the trusted header (the test plays the owner who checked
//! it), and where it is compared with what was proven.
//! Invariant: without a chain it does not compile in (feature `chain`), so it never passes by not running.

#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod bill;
mod node;
mod reader;
mod story;

use prag_trust::address::WalletKey;

/// The account of a seed. The chain begins with money for 11 and 13.
fn wallet(seed: u8) -> WalletKey {
    WalletKey::from_bytes(&[seed; 32]).unwrap()
}
