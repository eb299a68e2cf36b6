//! Vouchers: what one consumer session has used of one collection on one worker, in all so far.
//!
//! Layer: protocol, ledger part.
//! Holds: the counters, and the frozen bytes that worker and consumer sign.
//! Never: signing, hashing; what was asked or answered.
//! Invariant: a voucher counts from the session's beginning, so the latest one replaces all before
//! it: a repetition or a lost reply bills nothing twice. Two different vouchers have different bytes.
//!
//! The worker signs a voucher and sends it with its reply; the consumer's session key signs it in turn
//! and sends it back with its next request. Both sign `tag ‖ role ‖ voucher`.

use super::rewards::bounded;
use super::{BoundError, hex32, hex64};
#[cfg(feature = "schema")]
use crate::ledger::schema::{Hex32, Hex64};
use crate::{Address, CollectionId};
use serde::{Deserialize, Serialize};

/// Units of use. In a voucher: all of its session; in a report: those of one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Queries answered; a page or a document counts as the queries that could have returned it.
    pub queries: u64,
    /// Chunks read.
    pub chunks: u64,
    /// Tokens embedded.
    pub embedded: u64,
    /// Input tokens of the inference worker; of a retrieval worker, tokens of the contexts that it served for one.
    pub input: u64,
    /// Output tokens of the inference worker.
    pub output: u64,
}

impl Counters {
    /// Length of [`Counters::to_bytes`].
    pub const BYTES: usize = 40;

    /// The five, in the order of their fields.
    #[must_use]
    pub const fn values(&self) -> [u64; 5] {
        [self.queries, self.chunks, self.embedded, self.input, self.output]
    }

    /// Each in its sum; `None` where one overflows.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Option<Self> {
        self.with(other, u64::checked_add)
    }

    /// Each less the other's; `None` where one would be below zero.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.with(other, u64::checked_sub)
    }

    /// The lesser of each.
    #[must_use]
    pub fn least(&self, other: &Self) -> Self {
        self.each(other, u64::min)
    }

    /// The greater of each.
    #[must_use]
    pub fn greatest(&self, other: &Self) -> Self {
        self.each(other, u64::max)
    }

    /// The frozen layout: five big-endian integers, in the order of the fields.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        for (place, value) in out.chunks_exact_mut(8).zip(self.values()) {
            place.copy_from_slice(&value.to_be_bytes());
        }
        out
    }

    fn each(&self, other: &Self, verb: fn(u64, u64) -> u64) -> Self {
        Self {
            queries: verb(self.queries, other.queries),
            chunks: verb(self.chunks, other.chunks),
            embedded: verb(self.embedded, other.embedded),
            input: verb(self.input, other.input),
            output: verb(self.output, other.output),
        }
    }

    fn with(&self, other: &Self, verb: fn(u64, u64) -> Option<u64>) -> Option<Self> {
        Some(Self {
            queries: verb(self.queries, other.queries)?,
            chunks: verb(self.chunks, other.chunks)?,
            embedded: verb(self.embedded, other.embedded)?,
            input: verb(self.input, other.input)?,
            output: verb(self.output, other.output)?,
        })
    }
}

/// What one session has used, in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Voucher {
    /// The ledger whose rewards contract pays it: a voucher of one ledger is void on every other.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub ledger: [u8; 32],
    /// The worker's account.
    pub worker: Address,
    /// The attested key that signs for the worker. A new boot has a new key; counters go on.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub worker_key: [u8; 32],
    /// What was read.
    pub collection: CollectionId,
    /// The account that the session acts for.
    pub consumer: Address,
    /// The consumer's session key.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub session: [u8; 32],
    /// Number of this voucher within its session, from 1.
    pub sequence: u64,
    /// Everything used so far.
    pub used: Counters,
}

/// Who signs a voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// The worker, with [`Voucher::worker_key`].
    Worker = 1,
    /// The consumer, with [`Voucher::session`].
    Consumer = 2,
}

/// A voucher that the worker has signed: what it claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferedVoucher {
    /// What it signed.
    pub voucher: Voucher,
    /// Ed25519 under [`Voucher::worker_key`].
    #[serde(with = "hex64")]
    pub worker_signature: [u8; 64],
}

/// A voucher that both have signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignedVoucher {
    /// What they signed.
    pub voucher: Voucher,
    /// Ed25519 under [`Voucher::worker_key`].
    #[serde(with = "hex64")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex64"))]
    pub worker_signature: [u8; 64],
    /// Ed25519 under [`Voucher::session`].
    #[serde(with = "hex64")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex64"))]
    pub consumer_signature: [u8; 64],
}

impl Voucher {
    /// The frozen bytes that `role` signs:
    /// [`TAG`] 16, role 1, then [`Voucher::to_bytes`].
    #[must_use]
    pub fn signed_bytes(&self, role: Role) -> Vec<u8> {
        [TAG.as_slice(), &[role as u8], &self.to_bytes()].concat()
    }

    /// The frozen layout, integers big-endian: ledger 32, worker (length 1, text), worker key 32,
    /// collection 16, consumer (length 1, text), session 32, sequence 8, counters 40.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [
            self.ledger.as_slice(),
            &self.worker.length_byte(),
            self.worker.as_str().as_bytes(),
            &self.worker_key,
            &self.collection.0,
            &self.consumer.length_byte(),
            self.consumer.as_str().as_bytes(),
            &self.session,
            &self.sequence.to_be_bytes(),
            &self.used.to_bytes(),
        ]
        .concat()
    }

    /// Whether this one takes the place of `older`: of the same worker, collection and session, later,
    /// and with no counter lower. Keep the older one otherwise.
    #[must_use]
    pub fn supersedes(&self, older: &Self) -> bool {
        let same = self.ledger == older.ledger
            && self.worker == older.worker
            && self.collection == older.collection
            && self.consumer == older.consumer
            && self.session == older.session;
        same && self.sequence > older.sequence && self.used.minus(&older.used).is_some()
    }

    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        bounded("sequence", self.sequence, 1)?;
        self.used.check()
    }
}

impl Counters {
    /// Checks that every reader keeps each of them exactly.
    ///
    /// # Errors
    /// [`BoundError`] names the first counter above [`super::INTEGER_MAX`].
    pub fn check(&self) -> Result<(), BoundError> {
        bounded("queries", self.queries, 0)?;
        bounded("chunks", self.chunks, 0)?;
        bounded("embedded", self.embedded, 0)?;
        bounded("input", self.input, 0)?;
        bounded("output", self.output, 0)
    }
}

/// Before every signed voucher, so that its signatures mean nothing elsewhere.
pub const TAG: &[u8; 16] = b"PRAG-VOUCHER/v1\0";

#[cfg(test)]
mod tests;
