//! Where each record lies.
//!
//! Layer: core, workers.
//! Holds: the frozen raw keys. Membership proofs of other chains name these keys, so they never change.
//! Never: rules.
//! Invariant: no key is the key of two things: fields are of fixed length, length-prefixed, or last.
//!
//! Key = [`MODULE`] ‖ table byte ‖ fields, big-endian.

use super::measurements::Approvals;
use super::seats::Seat;
use crate::list::List;
use crate::rows::{self, Row, text};
use prag_protocol::Address;
use prag_protocol::ledger::workers::{
    Attested, EvidencePart, EvidenceRecord, WindowSet, WorkerRecord, WorkersConfig,
};
use serde::{Serialize, de::DeserializeOwned};

pub(super) fn config() -> Row<WorkersConfig> {
    row("configs", b'c', &[])
}

/// The last number that was given to a worker.
pub(super) fn last_number() -> Row<u64> {
    row("numbers", b'l', &[])
}

/// Windows in which any message was taken.
pub(super) fn heard() -> Row<WindowSet> {
    row("windows", b'h', &[])
}

pub(super) fn approvals() -> Row<Approvals> {
    row("measurements", b'm', &[])
}

pub(super) fn worker(worker: &Address) -> Row<WorkerRecord> {
    row("workers", b'w', &[text(worker)])
}

/// The image that the approver has vouched for.
pub(super) fn vouched(worker: &Address) -> Row<Attested> {
    row("approvals", b'v', &[text(worker)])
}

/// Who has a number.
pub(super) fn numbered(number: u64) -> Row<Address> {
    row("numbers", b'n', &[&number.to_be_bytes()])
}

pub(super) fn evidence(worker: &Address) -> Row<EvidenceRecord> {
    row("evidence", b'e', &[text(worker)])
}

pub(super) fn chunk(worker: &Address, part: EvidencePart, number: u32) -> Row<String> {
    let part = match part {
        EvidencePart::Report => 0,
        EvidencePart::Collateral => 1,
    };
    let number = number.to_be_bytes();
    row("evidence", b'x', &[&worker.length_byte(), text(worker), &[part], &number])
}

/// A bench of the seats of a service.
pub(super) fn bench(service: &str, number: u8) -> Row<Vec<Seat>> {
    row("seats", b's', &[&[number], service.as_bytes()])
}

/// All workers that stay.
pub(super) fn all() -> List {
    List::new(key(b'a', &[]))
}

/// Types that a worker that stays is of.
pub(super) fn types() -> List {
    List::new(key(b'y', &[]))
}

/// Workers of a type that stay.
pub(super) fn typed(worker_type: &str) -> List {
    // A type is at most 64 bytes long, so the last byte of its length is the length.
    let [.., length] = worker_type.len().to_be_bytes();
    List::new(key(b't', &[&[length], worker_type.as_bytes()]))
}

fn key(table: u8, fields: &[&[u8]]) -> Vec<u8> {
    rows::key(MODULE, table, fields)
}

fn row<T: Serialize + DeserializeOwned>(table: &'static str, byte: u8, fields: &[&[u8]]) -> Row<T> {
    Row::new(table, key(byte, fields))
}

/// First byte of every key: other contracts of one ledger take other bytes.
const MODULE: u8 = 2;
