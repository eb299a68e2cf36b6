//! Where each record lies, and how it is written there.
//!
//! Layer: core, access.
//! Holds: the frozen raw keys and the codec of values. Membership proofs of other chains name these
//! keys, so they never change; a changed record gets another value format byte.
//! Never: rules.
//! Invariant: no key is the key of two things: fields are of fixed length, length-prefixed, or last.
//!
//! Key = [`MODULE`] ‖ table byte ‖ fields, big-endian. Value = [`FORMAT`] ‖ postcard.

use super::list::List;
use crate::{AccessError, Kv};
use prag_protocol::ledger::{
    Anchor, CollectionRecord, GrantRecord, Placement, PolicyRecord, WriterRecord,
};
use prag_protocol::{Address, CollectionId};
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;

/// The place of one record of type `T`.
pub(super) struct Row<T> {
    key: Vec<u8>,
    table: &'static str,
    record: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Row<T> {
    fn new(table: &'static str, byte: u8, fields: &[&[u8]]) -> Self {
        let record = PhantomData;
        let key = key(byte, fields);
        Self { key, table, record }
    }

    /// The record, if there is one.
    pub(super) fn load(&self, kv: &dyn Kv) -> Result<Option<T>, AccessError> {
        let Some(value) = kv.get(&self.key) else {
            return Ok(None);
        };
        let damaged = AccessError::Damaged(self.table);
        let body = value.strip_prefix(&[FORMAT]).ok_or(damaged)?;
        match postcard::take_from_bytes(body) {
            Ok((record, [])) => Ok(Some(record)),
            Ok(_) | Err(_) => Err(damaged),
        }
    }

    /// Writes the record.
    pub(super) fn save(&self, kv: &mut dyn Kv, record: &T) -> Result<(), AccessError> {
        let value = postcard::to_extend(record, vec![FORMAT])
            .map_err(|_| AccessError::Damaged(self.table))?;
        kv.put(&self.key, &value);
        Ok(())
    }

    /// Removes the record.
    pub(super) fn remove(&self, kv: &mut dyn Kv) {
        kv.delete(&self.key);
    }
}

pub(super) fn collection(id: CollectionId) -> Row<CollectionRecord> {
    Row::new("collections", b'c', &[&id.0])
}

pub(super) fn grant(id: CollectionId, grantee: &Address) -> Row<GrantRecord> {
    Row::new("grants", b'g', &[&id.0, text(grantee)])
}

/// True where `account` revoked the permit; there is no row otherwise.
pub(super) fn permit(account: &Address, name: &str) -> Row<bool> {
    let fields: [&[u8]; 3] = [&length(account), text(account), name.as_bytes()];
    Row::new("permits", b'r', &fields)
}

pub(super) fn placement(id: CollectionId, shard: u32) -> Row<Placement> {
    Row::new("placements", b'p', &[&id.0, &shard.to_be_bytes()])
}

pub(super) fn writer(id: CollectionId, shard: u32) -> Row<WriterRecord> {
    Row::new("writers", b'w', &[&id.0, &shard.to_be_bytes()])
}

pub(super) fn anchor(account: &Address) -> Row<Anchor> {
    Row::new("anchors", b'a', &[text(account)])
}

pub(super) fn policy(id: CollectionId) -> Row<PolicyRecord> {
    Row::new("policies", b'y', &[&id.0])
}

/// Live collections of an owner.
pub(super) fn owned(owner: &Address) -> List {
    List::new(key(b'o', &[&length(owner), text(owner)]))
}

/// Grantees with an unrevoked grant.
pub(super) fn granted(id: CollectionId) -> List {
    List::new(key(b'l', &[&id.0]))
}

/// Collections that a grantee has an unrevoked grant for.
pub(super) fn shared(grantee: &Address) -> List {
    List::new(key(b's', &[&length(grantee), text(grantee)]))
}

fn key(table: u8, fields: &[&[u8]]) -> Vec<u8> {
    [&[MODULE, table], fields.concat().as_slice()].concat()
}

fn text(address: &Address) -> &[u8] {
    address.as_str().as_bytes()
}

fn length(address: &Address) -> [u8; 1] {
    // An address is at most 90 bytes long, so the last byte of its length is the length.
    let [.., last] = address.as_str().len().to_be_bytes();
    [last]
}

/// First byte of every key: other contracts of one ledger take other bytes.
const MODULE: u8 = 1;
/// First byte of every record.
const FORMAT: u8 = 1;
