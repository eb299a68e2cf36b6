//! What the access ledger is told and asked.
//!
//! Layer: protocol, ledger part.
//! Holds: messages, queries, replies.
//! Never: who may send them (contracts/core decides).
//! Invariant: everything is refused by field and limit before any state is read.

use super::grants::GrantRecord;
use super::hex32;
use super::offer::Offer;
use super::records::{
    Admission, Anchor, CollectionRecord, Placement, PolicyRecord, ShardOf, WriterRecord,
};
#[cfg(feature = "schema")]
use super::schema::Hex32;
use crate::{Address, CollectionId, Epoch};
use serde::{Deserialize, Serialize};

/// A transition. "Owner" is the collection's owner; "worker" the account of its live placement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccessMsg {
    /// Anybody: a new collection, owned by the sender.
    CreateCollection {
        /// Random; never used before.
        collection: CollectionId,
        /// Commitment to the first key.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        commitment: [u8; 32],
        /// Always 1.
        epoch: Epoch,
    },
    /// Owner: ends a collection for good.
    DestroyCollection {
        /// Which.
        collection: CollectionId,
    },
    /// Owner: grants, or replaces the grant as a whole (use starts at zero again). A delegate: the same, within its own
    /// grant, to whom nobody else has granted.
    Grant {
        /// Which.
        collection: CollectionId,
        /// To whom; neither the owner nor the sender.
        grantee: Address,
        /// May query. At least one of `read` and `write` is true.
        read: bool,
        /// May put and delete.
        write: bool,
        /// Most hits of one query, 1 to [`crate::limits::K_MAX`].
        max_k: u32,
        /// Units in all; absent is unlimited.
        #[serde(default)]
        quota: Option<u64>,
        /// Unix seconds, in the future.
        expires: u64,
        /// What it is narrowed to, a filter's JSON or its sealed form; absent is everything.
        #[serde(default)]
        scope: Option<String>,
        /// How many grants of its own the grantee may give within this one, at most [`super::DELEGATED_MAX`]. Only the owner
        /// says more than 0.
        #[serde(default, skip_serializing_if = "is_zero")]
        delegate: u32,
    },
    /// Owner: voids a grant, for delegates as well. A delegate: voids one that it gave. Again is no error.
    Revoke {
        /// Which.
        collection: CollectionId,
        /// Whose.
        grantee: Address,
    },
    /// Anybody: voids a permit that the sender signed. Again is no error.
    RevokePermit {
        /// The permit's name.
        permit_name: String,
    },
    /// Owner: hands the collection over. Grants and placements stay until the new owner changes them.
    Transfer {
        /// Which.
        collection: CollectionId,
        /// To whom.
        to: Address,
    },
    /// Owner: the next key epoch is current from now on. Again with the same commitment is no error.
    RotateEpoch {
        /// Which.
        collection: CollectionId,
        /// The current key epoch plus one: a message that was sent twice turns the epoch once.
        epoch: Epoch,
        /// Commitment to the new key.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        commitment: [u8; 32],
    },
    /// Owner: lets a worker hold a shard's key, or renews that. Replaces the shard's placement.
    Place {
        /// The placement.
        placement: Placement,
    },
    /// Owner: takes the placement back. Again is no error.
    Unplace {
        /// Which.
        collection: CollectionId,
        /// Which shard.
        shard: u32,
    },
    /// Worker: has booted, and has another signing key from now on. The lease stays as it is.
    Rebind {
        /// Which.
        collection: CollectionId,
        /// Which shard.
        shard: u32,
        /// The signing key of this boot.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        worker: [u8; 32],
    },
    /// Worker: becomes the shard's writer; fences the one before.
    ClaimWriter {
        /// Which.
        collection: CollectionId,
        /// Which shard.
        shard: u32,
        /// The current writer epoch plus one.
        epoch: u64,
    },
    /// Worker: publishes a root for its own account, if `previous` is the last one.
    Anchor {
        /// A shard through whose live placement it acts. Absent only on a ledger that is the worker's own, where nobody
        /// else anchors; no chain takes it so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shard: Option<ShardOf>,
        /// The worker's signing key.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        worker: [u8; 32],
        /// The new root, not zeros.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        root: [u8; 32],
        /// The root before; zeros for the first.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        previous: [u8; 32],
    },
    /// Owner: which images may serve and read.
    SetPolicy {
        /// Which.
        collection: CollectionId,
        /// Worker measurements, no two alike.
        #[serde(with = "hex32::list")]
        #[cfg_attr(feature = "schema", schemars(with = "Vec<Hex32>"))]
        measurements: Vec<[u8; 32]>,
        /// Reader measurements, no two alike.
        #[serde(with = "hex32::list")]
        #[cfg_attr(feature = "schema", schemars(with = "Vec<Hex32>"))]
        readers: Vec<[u8; 32]>,
    },
    /// Owner: for how much anybody may buy a grant, or that nobody may.
    SetPrice {
        /// Which.
        collection: CollectionId,
        /// Absent: not for sale.
        #[serde(default)]
        offer: Option<Offer>,
    },
    /// Worker: takes units from a grant, before they are served; also from that of the delegate who gave it.
    Consume {
        /// Which.
        collection: CollectionId,
        /// The shard through whose placement the worker acts.
        shard: u32,
        /// Whose grant.
        grantee: Address,
        /// How many, at least 1.
        units: u64,
    },
}

/// A question. The core answers all; who may ask is the shell's matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccessQuery {
    /// One collection.
    Collection {
        /// Which.
        collection: CollectionId,
    },
    /// One grant.
    Grant {
        /// Which collection.
        collection: CollectionId,
        /// Whose.
        grantee: Address,
    },
    /// Whether `address` revoked the permit.
    PermitRevoked {
        /// Who signed the permit.
        address: Address,
        /// The permit's name.
        permit_name: String,
    },
    /// A shard's placement, live or not.
    Placement {
        /// Which collection.
        collection: CollectionId,
        /// Which shard.
        shard: u32,
    },
    /// A shard's writer.
    Writer {
        /// Which collection.
        collection: CollectionId,
        /// Which shard.
        shard: u32,
    },
    /// The last anchor of a worker account.
    Anchor {
        /// Whose.
        account: Address,
    },
    /// A collection's policy.
    Policy {
        /// Which collection.
        collection: CollectionId,
    },
    /// What a grant of the collection costs.
    Price {
        /// Which collection.
        collection: CollectionId,
    },
    /// Collection, policy, and grant and permit of one caller, at one height.
    Admission {
        /// Which collection.
        collection: CollectionId,
        /// Who asks to be admitted.
        caller: Address,
        /// The permit that was shown.
        permit_name: String,
    },
    /// A page of an owner's live collections, in no particular order.
    Collections {
        /// Whose.
        owner: Address,
        /// Rows to skip.
        offset: u32,
        /// Rows at most, 1 to [`super::LEDGER_PAGE_ROWS_MAX`].
        limit: u32,
    },
    /// A page of a collection's unrevoked grants, in no particular order.
    Grants {
        /// Which collection.
        collection: CollectionId,
        /// Rows to skip.
        offset: u32,
        /// Rows at most, 1 to [`super::LEDGER_PAGE_ROWS_MAX`].
        limit: u32,
    },
    /// A page of the collections that a grantee has an unrevoked grant for; some may be destroyed.
    Shared {
        /// Whose.
        grantee: Address,
        /// Rows to skip.
        offset: u32,
        /// Rows at most, 1 to [`super::LEDGER_PAGE_ROWS_MAX`].
        limit: u32,
    },
}

/// The answer to the [`AccessQuery`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccessReply {
    /// `None` if never created; a destroyed one says so itself.
    Collection(Option<CollectionRecord>),
    /// `None` if never granted; a revoked one says so itself.
    Grant(Option<GrantRecord>),
    /// True once revoked.
    PermitRevoked(bool),
    /// `None` if never placed, or taken back.
    Placement(Option<Placement>),
    /// `None` before the first claim.
    Writer(Option<WriterRecord>),
    /// `None` before the first anchor.
    Anchor(Option<Anchor>),
    /// `None` before the first policy: placements alone decide who serves, grants alone who reads.
    Policy(Option<PolicyRecord>),
    /// `None` where it is not for sale, destroyed, or absent.
    Price(Option<Offer>),
    /// For [`AccessQuery::Admission`].
    Admission(Admission),
    /// For [`AccessQuery::Collections`] and [`AccessQuery::Shared`].
    Collections {
        /// Rows in all.
        total: u32,
        /// This page.
        rows: Vec<CollectionId>,
    },
    /// For [`AccessQuery::Grants`].
    Grants {
        /// Rows in all.
        total: u32,
        /// This page.
        rows: Vec<GrantRecord>,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
