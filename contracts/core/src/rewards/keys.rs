//! Where each record lies.
//!
//! Layer: core, rewards.
//! Holds: the frozen raw keys. Membership proofs of other chains name these keys, so they never change.
//! Never: rules.
//! Invariant: no key is the key of two things: fields are of fixed length, or last.
//!
//! Key = [`MODULE`] ‖ table byte ‖ fields, big-endian.

use crate::rows::{self, Row, text};
use prag_protocol::ledger::rewards::{
    DemandRecord, EpochRecord, PoolRecord, ReportRecord, RewardsSettings, Tree,
};
use prag_protocol::ledger::voucher::Counters;
use prag_protocol::{Address, CollectionId};
use serde::{Serialize, de::DeserializeOwned};

pub(super) fn settings() -> Row<RewardsSettings> {
    row("settings", b'c', &[])
}

pub(super) fn pool() -> Row<PoolRecord> {
    row("pool", b'p', &[])
}

pub(super) fn epoch(number: u64) -> Row<EpochRecord> {
    row("epochs", b'e', &[&number.to_be_bytes()])
}

pub(super) fn report(epoch: u64, worker: &Address) -> Row<ReportRecord> {
    row("reports", b'r', &[&epoch.to_be_bytes(), text(worker)])
}

pub(super) fn demand(epoch: u64, tree: Tree, index: u64, worker: &Address) -> Row<DemandRecord> {
    let tree = match tree {
        Tree::Usage => [1],
        Tree::Royalty => [2],
    };
    let fields: [&[u8]; 4] = [&epoch.to_be_bytes(), &tree, &index.to_be_bytes(), text(worker)];
    row("demands", b'd', &fields)
}

/// True where the royalty of a report's leaf is claimed; there is no row otherwise.
pub(super) fn royalty(epoch: u64, index: u64, worker: &Address) -> Row<bool> {
    let fields: [&[u8]; 3] = [&epoch.to_be_bytes(), &index.to_be_bytes(), text(worker)];
    row("royalties", b'y', &fields)
}

/// Up to where a session is on record as billed.
pub(super) fn settled(
    collection: CollectionId,
    session: &[u8; 32],
    worker: &Address,
) -> Row<Counters> {
    row("settled", b's', &[&collection.0, session, text(worker)])
}

fn row<T: Serialize + DeserializeOwned>(table: &'static str, byte: u8, fields: &[&[u8]]) -> Row<T> {
    Row::new(table, rows::key(MODULE, byte, fields))
}

/// First byte of every key: other contracts of one ledger take other bytes.
const MODULE: u8 = 4;
