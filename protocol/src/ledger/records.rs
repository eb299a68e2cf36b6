//! What the access ledger stores.
//!
//! Layer: protocol, ledger part.
//! Holds: one struct per stored record.
//! Never: who may change them (contracts/core decides).
//! Invariant: integers only.

#[cfg(feature = "schema")]
use super::schema::Hex32;
use super::{GrantRecord, hex32};
use crate::{Address, CollectionId, Epoch};
use serde::{Deserialize, Serialize};

/// A collection: whose it is, and which key is current.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CollectionRecord {
    /// Who may do everything with it.
    pub owner: Address,
    /// Current key epoch; 1 is the first.
    pub epoch: Epoch,
    /// Commitment to the key of `epoch`.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub commitment: [u8; 32],
    /// Destroyed for good: nobody is admitted, and the id is never used again.
    pub destroyed: bool,
}

/// The owner's word that one worker may hold the key of one shard. Nothing is released without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// Whose shard.
    pub collection: CollectionId,
    /// Which shard, below [`super::SHARDS_MAX`].
    pub shard: u32,
    /// Key epoch that may be released: the current one, or the next while a rotation is prepared.
    pub epoch: Epoch,
    /// The worker's attested signing key.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub worker: [u8; 32],
    /// The ledger account that claims, anchors and meters for this worker.
    pub account: Address,
    /// Unix seconds; void from this second on.
    pub lease_until: u64,
}

/// One shard of one collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ShardOf {
    /// Which collection.
    pub collection: CollectionId,
    /// Which shard, below [`super::SHARDS_MAX`].
    pub shard: u32,
}

/// Who writes a shard now. The writer epoch is not the key epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WriterRecord {
    /// Writer epoch; 1 is the first claim. It only grows.
    pub epoch: u64,
    /// The signing key of the worker that claimed it.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub worker: [u8; 32],
    /// Ledger height of the claim.
    pub height: u64,
}

/// The last root that one worker account published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The signing key that the account's worker had.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub worker: [u8; 32],
    /// Root over blinded heads.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub root: [u8; 32],
    /// The root before; zeros for the first.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub previous: [u8; 32],
    /// Ledger height of the anchor.
    pub height: u64,
}

/// Which measured images may serve a collection, and which may pull context from it.
///
/// A worker that is not listed serves nothing of the collection; an empty list locks it everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyRecord {
    /// Policy epoch; grows by one with every change, 1 is the first.
    pub epoch: u64,
    /// Measurements of workers that may serve.
    #[serde(with = "hex32::list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Hex32>"))]
    pub measurements: Vec<[u8; 32]>,
    /// Measurements of inference workers that may read; while it is empty, grantees need not attest.
    #[serde(with = "hex32::list")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Hex32>"))]
    pub readers: Vec<[u8; 32]>,
}

/// All that one admission needs, at one height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// Ledger height.
    pub height: u64,
    /// Time of that height's header, Unix seconds.
    pub time: u64,
    /// The collection, if it was ever created.
    pub collection: Option<CollectionRecord>,
    /// The caller's grant, if there is one.
    pub grant: Option<GrantRecord>,
    /// The grant of whoever gave that grant, where this was a delegate.
    #[serde(default)]
    pub through: Option<Box<GrantRecord>>,
    /// True if the caller revoked this permit.
    pub permit_revoked: bool,
    /// The collection's policy, if one was ever set.
    pub policy: Option<PolicyRecord>,
}

impl Admission {
    /// The caller's grant as far as it reaches: one that a delegate gave never reaches beyond the delegate's own. `None`
    /// where there is none, or where that of its delegate does not carry it.
    ///
    /// What it is narrowed to is the scope of this grant and, where there is one, that of [`Admission::through`].
    #[must_use]
    pub fn reach(&self) -> Option<GrantRecord> {
        self.grant.as_ref()?.reach(self.through.as_deref())
    }
}
