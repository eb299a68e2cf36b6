//! Where each record lies.
//!
//! Layer: core, subscription.
//! Holds: the frozen raw keys. Membership proofs of other chains name these keys, so they never change.
//! Never: rules; API keys, only their hashes.
//! Invariant: no key is the key of two things: fields are of fixed length, length-prefixed, or last.
//!
//! Key = [`MODULE`] ‖ table byte ‖ fields, big-endian.

use crate::list::List;
use crate::rows::{self, Row, text};
use prag_protocol::Address;
use prag_protocol::ledger::coin::Denom;
use prag_protocol::ledger::subscription::{
    AccountRecord, AdminRecord, ApiKeyRecord, PlanRecord, SubscriberRecord,
};
use serde::{Serialize, de::DeserializeOwned};

pub(super) fn admin() -> Row<AdminRecord> {
    row("admins", b'a', &[])
}

pub(super) fn account(denom: &Denom) -> Row<AccountRecord> {
    row("accounts", b'c', &[denom.as_str().as_bytes()])
}

pub(super) fn api_key(hash: &[u8; 32]) -> Row<ApiKeyRecord> {
    row("keys", b'k', &[hash])
}

pub(super) fn plan(id: u32) -> Row<PlanRecord> {
    row("plans", b'p', &[&id.to_be_bytes()])
}

pub(super) fn subscriber(account: &Address) -> Row<SubscriberRecord> {
    row("subscribers", b's', &[text(account)])
}

/// Hashes of all API keys.
pub(super) fn all_api_keys() -> List {
    List::new(key(b'h', &[]))
}

/// Hashes of one account's API keys.
pub(super) fn own_api_keys(account: &Address) -> List {
    List::new(key(b'o', &[&account.length_byte(), text(account)]))
}

/// Ids of all plans.
pub(super) fn plans() -> List {
    List::new(key(b'l', &[]))
}

/// All accounts that have a subscriber's record.
pub(super) fn subscribers() -> List {
    List::new(key(b'm', &[]))
}

fn key(table: u8, fields: &[&[u8]]) -> Vec<u8> {
    rows::key(MODULE, table, fields)
}

fn row<T: Serialize + DeserializeOwned>(table: &'static str, byte: u8, fields: &[&[u8]]) -> Row<T> {
    Row::new(table, key(byte, fields))
}

/// First byte of every key: other contracts of one ledger take other bytes.
const MODULE: u8 = 3;
