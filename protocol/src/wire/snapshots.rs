//! Snapshots of collections: made, listed, verified, restored, pruned.
//!
//! Layer: protocol, wire.
//! Holds: requests and replies; a snapshot is named by the hash of its index, 64 hex digits.
//! Never: a path, an address or a credential: targets are names from the worker's settings.
//! Invariant: everything here is the owner's alone; no grant allows any of it.

use crate::{CollectionId, Epoch};
use serde::{Deserialize, Serialize};

/// `POST /v1/collections/{c}/snapshots`, and `…/snapshots/list`: which target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AtTarget {
    /// Its name in the worker's settings; the first one there if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A snapshot, as the worker that has the keys sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// BLAKE3 of its index, hex.
    pub id: String,
    /// Where it lies.
    pub target: String,
    /// Unix seconds, by the clock of the worker that made it.
    pub created: u64,
    /// The head that it holds: lineage, writer epoch, size, root.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub head: serde_json::Value,
    /// Key epoch: when that ends, the snapshot opens no more.
    pub epoch: Epoch,
    /// Digest of the profile, hex.
    pub profile: String,
    /// Live documents.
    pub documents: u64,
    /// Live chunks.
    pub chunks: u64,
    /// Objects that it consists of.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that were written for it; the others were there. 0 in listings.
    #[serde(default)]
    pub new_objects: u64,
    /// Their bytes. 0 in listings.
    #[serde(default)]
    pub new_bytes: u64,
    /// The newest one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// A snapshot that does not open here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClosedSnapshot {
    /// BLAKE3 of its index, hex.
    pub id: String,
    /// Why: its keys are of an ended epoch, or its index is damaged.
    pub reason: String,
}

/// Reply to `POST /v1/collections/{c}/snapshots/list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Snapshots {
    /// Where they lie.
    pub target: String,
    /// Every target of the worker.
    pub targets: Vec<String>,
    /// Oldest first.
    pub data: Vec<Snapshot>,
    /// Those that do not open.
    pub closed: Vec<ClosedSnapshot>,
}

/// `POST /v1/collections/{c}/snapshots/verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VerifySnapshot {
    /// As in [`AtTarget`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Which one; the newest if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The head that the caller remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub remembered: Option<serde_json::Value>,
}

/// `POST /v1/collections/{c}/snapshots/restore`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RestoreSnapshot {
    /// As in [`AtTarget`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Which one; the newest that opens if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The owner's share of the current key epoch, sealed to the worker's release key, where the owner has it at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub share: Option<serde_json::Value>,
    /// The head that the caller remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub remembered: Option<serde_json::Value>,
    /// Go back behind the head that is remembered or anchored: what was written since is lost.
    #[serde(default)]
    pub older: bool,
    /// Put it in the place of the collection's shard that this worker has.
    #[serde(default)]
    pub replace: bool,
}

/// `POST /v1/collections/{c}/snapshots/prune`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PruneSnapshots {
    /// As in [`AtTarget`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How many of the newest stay, at least 1.
    pub keep: u32,
}

/// Reply to [`PruneSnapshots`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pruned {
    /// Where.
    pub target: String,
    /// Snapshots that went, by their ids.
    pub removed: Vec<String>,
    /// Objects that no snapshot needed any more.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// How a snapshot's head stands to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing to compare with.
    Unknown,
    /// The same.
    Equal,
    /// It continues the other one.
    Newer,
    /// The other one continues it, or is longer, and nobody here can tell.
    Older,
    /// Another history.
    Other,
}

/// What a verification or restoration found; part of its operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Checked {
    /// Whose.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub collection: CollectionId,
    /// The snapshot.
    pub snapshot: Snapshot,
    /// How it stands to the head that the caller remembers.
    pub standing: Standing,
    /// The writer epoch from now on, where it was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer_epoch: Option<u64>,
}
