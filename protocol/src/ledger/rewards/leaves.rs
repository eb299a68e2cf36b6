//! The leaves of a report's two trees.
//!
//! Layer: protocol, ledger part.
//! Holds: their fields, their frozen bytes, and a leaf with its proof of inclusion.
//! Never: hashing; which leaf is false (contracts/core decides).
//! Invariant: two different leaves have different bytes.
//!
//! Usage leaves are sorted by (collection, session), royalty leaves by collection. Each leaf carries the
//! sums of all leaves before it, so that every false sum shows at one leaf or at two neighbours.

use super::super::check::{length, within};
use super::super::voucher::{Counters, SignedVoucher};
use super::super::{BoundError, hex32};
use super::{PROOF_HASHES_MAX, REPORT_LEAVES_MAX, bounded};
use crate::CollectionId;
#[cfg(feature = "schema")]
use crate::ledger::schema::Hex32;
use serde::{Deserialize, Serialize};

/// One session's use in one epoch: from `start` to the voucher's counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UsageLeaf {
    /// What the session has used in all, signed by both sides.
    pub signed: SignedVoucher,
    /// What of it was reported in earlier epochs.
    pub start: Counters,
    /// Number of the collection's royalty leaf.
    pub group: u64,
    /// Sum of the leaves before this one.
    pub before: Counters,
}

/// What was read of one collection in one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RoyaltyLeaf {
    /// Which.
    pub collection: CollectionId,
    /// Number of the collection's first usage leaf.
    pub first: u64,
    /// Sum of the units of the leaves before this one.
    pub before: u64,
    /// Chunks read.
    pub units: u64,
}

/// Which of a report's trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Tree {
    /// Of [`UsageLeaf`]s.
    Usage,
    /// Of [`RoyaltyLeaf`]s.
    Royalty,
}

/// A leaf, and the proof that a report commits to it (RFC 9162, section 2.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Proven<L> {
    /// Number of the leaf, from 0.
    pub index: u64,
    /// The leaf.
    pub leaf: L,
    /// Hashes from the leaf's sibling to the root's child.
    #[serde(with = "hex32::list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Hex32>"))]
    pub proof: Vec<[u8; 32]>,
}

/// A leaf of either tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Of the first.
    Usage(Box<Proven<UsageLeaf>>),
    /// Of the second.
    Royalty(Box<Proven<RoyaltyLeaf>>),
}

impl UsageLeaf {
    /// The frozen layout, integers big-endian: tag 16, the voucher's bytes, worker's signature 64,
    /// consumer's signature 64, start 40, group 8, before 40.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [
            USAGE_TAG.as_slice(),
            &self.signed.voucher.to_bytes(),
            &self.signed.worker_signature,
            &self.signed.consumer_signature,
            &self.start.to_bytes(),
            &self.group.to_be_bytes(),
            &self.before.to_bytes(),
        ]
        .concat()
    }

    /// What the leaf bills; `None` where it starts above its end.
    #[must_use]
    pub fn billed(&self) -> Option<Counters> {
        self.signed.voucher.used.minus(&self.start)
    }

    fn check(&self) -> Result<(), BoundError> {
        self.signed.voucher.check()?;
        self.start.check()?;
        self.before.check()?;
        within("group", self.group, 0, REPORT_LEAVES_MAX)
    }
}

impl RoyaltyLeaf {
    /// The frozen layout, integers big-endian: tag 16, collection 16, first 8, before 8, units 8.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = [self.first, self.before, self.units].map(u64::to_be_bytes).concat();
        [ROYALTY_TAG.as_slice(), &self.collection.0, &numbers].concat()
    }

    fn check(&self) -> Result<(), BoundError> {
        within("first", self.first, 0, REPORT_LEAVES_MAX)?;
        bounded("before", self.before, 0)?;
        bounded("units", self.units, 0)
    }
}

impl<L> Proven<L> {
    fn check_place(&self) -> Result<(), BoundError> {
        check_index(self.index)?;
        length("proof", self.proof.len(), 0, PROOF_HASHES_MAX)
    }
}

impl Proven<UsageLeaf> {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        self.check_place()?;
        self.leaf.check()
    }
}

impl Proven<RoyaltyLeaf> {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        self.check_place()?;
        self.leaf.check()
    }
}

impl Shown {
    pub(super) fn check(&self) -> Result<(), BoundError> {
        match self {
            Self::Usage(shown) => shown.check(),
            Self::Royalty(shown) => shown.check(),
        }
    }
}

/// A leaf's number is below [`REPORT_LEAVES_MAX`].
pub(super) fn check_index(index: u64) -> Result<(), BoundError> {
    within("index", index, 0, REPORT_LEAVES_MAX - 1)
}

const USAGE_TAG: &[u8; 16] = b"PRAG-USAGE/v1\0\0\0";
const ROYALTY_TAG: &[u8; 16] = b"PRAG-ROYALTY/v1\0";
