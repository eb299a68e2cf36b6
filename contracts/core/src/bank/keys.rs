//! Where each record lies.
//!
//! Layer: core, bank.
//! Holds: the frozen raw keys, as the replay of a log needs them for ever.
//! Never: rules.
//! Invariant: no key is the key of two things: fields are of fixed length, length-prefixed, or last.
//!
//! Key = [`MODULE`] ‖ table byte ‖ fields.

use crate::rows::{self, Row, text};
use prag_protocol::Address;
use prag_protocol::ledger::bank::BankConfig;
use prag_protocol::ledger::coin::Denom;

pub(super) fn config() -> Row<BankConfig> {
    Row::new("the bank", rows::key(MODULE, b'c', &[]))
}

/// Smallest units; there is no row for nothing.
pub(super) fn balance(account: &Address, denom: &str) -> Row<u128> {
    let fields: [&[u8]; 3] = [&account.length_byte(), text(account), denom.as_bytes()];
    Row::new("balances", rows::key(MODULE, b'b', &fields))
}

/// All that was ever minted.
pub(super) fn supply(denom: &Denom) -> Row<u128> {
    Row::new("supplies", rows::key(MODULE, b's', &[denom.as_str().as_bytes()]))
}

/// True where an account has had its share of the faucet.
pub(super) fn drawn(account: &Address) -> Row<bool> {
    Row::new("the faucet", rows::key(MODULE, b'f', &[text(account)]))
}

/// First byte of every key: other contracts of one ledger take other bytes.
const MODULE: u8 = 5;
