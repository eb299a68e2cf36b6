//! Where each record lies.
//!
//! Layer: core, access.
//! Holds: the frozen raw keys. Membership proofs of other chains name these keys, so they never change.
//! Never: rules.
//! Invariant: no key is the key of two things: fields are of fixed length, length-prefixed, or last.
//!
//! Key = [`MODULE`] ‖ table byte ‖ fields, big-endian.

use super::placements::Left;
use crate::list::List;
use crate::rows::{self, Row, text};
use prag_protocol::ledger::{
    Anchor, CollectionRecord, GrantRecord, Offer, Placement, PolicyRecord, Pulse, WriterRecord,
};
use prag_protocol::{Address, CollectionId};
use serde::{Serialize, de::DeserializeOwned};

pub(super) fn collection(id: CollectionId) -> Row<CollectionRecord> {
    row("collections", b'c', &[&id.0])
}

pub(super) fn grant(id: CollectionId, grantee: &Address) -> Row<GrantRecord> {
    row("grants", b'g', &[&id.0, text(grantee)]).of_format(GRANT_FORMAT)
}

/// What a grant of a live collection costs; there is no row where none is for sale.
pub(super) fn offer(id: CollectionId) -> Row<Offer> {
    row("prices", b'e', &[&id.0])
}

/// True where `account` revoked the permit; there is no row otherwise.
pub(super) fn permit(account: &Address, name: &str) -> Row<bool> {
    let fields: [&[u8]; 3] = [&account.length_byte(), text(account), name.as_bytes()];
    row("permits", b'r', &fields)
}

pub(super) fn placement(id: CollectionId, shard: u32) -> Row<Placement> {
    row("placements", b'p', &[&id.0, &shard.to_be_bytes()])
}

/// Who was placed before the worker that is.
pub(super) fn left(id: CollectionId, shard: u32) -> Row<Left> {
    row("leaving", b'd', &[&id.0, &shard.to_be_bytes()])
}

pub(super) fn writer(id: CollectionId, shard: u32) -> Row<WriterRecord> {
    row("writers", b'w', &[&id.0, &shard.to_be_bytes()])
}

pub(super) fn anchor(account: &Address) -> Row<Anchor> {
    row("anchors", b'a', &[text(account)])
}

pub(super) fn policy(id: CollectionId) -> Row<PolicyRecord> {
    row("policies", b'y', &[&id.0])
}

/// The greatest sequence of a relayed message that `session_key` signed for `account`.
pub(super) fn sequence(account: &Address, session_key: &[u8; 32]) -> Row<u64> {
    let fields: [&[u8]; 3] = [&account.length_byte(), text(account), session_key];
    row("sequences", b'q', &fields)
}

/// The last pulse of an account.
pub(super) fn pulse(account: &Address) -> Row<Pulse> {
    row("pulses", b'h', &[text(account)])
}

/// Live collections of an owner.
pub(super) fn owned(owner: &Address) -> List {
    List::new(key(b'o', &[&owner.length_byte(), text(owner)]))
}

/// Grantees with an unrevoked grant.
pub(super) fn granted(id: CollectionId) -> List {
    List::new(key(b'l', &[&id.0]))
}

/// Collections that a grantee has an unrevoked grant for.
pub(super) fn shared(grantee: &Address) -> List {
    List::new(key(b's', &[&grantee.length_byte(), text(grantee)]))
}

fn key(table: u8, fields: &[&[u8]]) -> Vec<u8> {
    rows::key(MODULE, table, fields)
}

fn row<T: Serialize + DeserializeOwned>(table: &'static str, byte: u8, fields: &[&[u8]]) -> Row<T> {
    Row::new(table, key(byte, fields))
}

/// First byte of every key: other contracts of one ledger take other bytes.
const MODULE: u8 = 1;
/// Grants know of delegates and sales since format 2.
const GRANT_FORMAT: u8 = 2;
