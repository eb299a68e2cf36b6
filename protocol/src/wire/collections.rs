//! Collections: creation, key release, description.
//!
//! Layer: protocol, wire.
//! Holds: creation, key release and the profile.
//! Never: a share in plain bytes; a vector.
//! Invariant: a grantee's view has neither the name nor the head.

use crate::{Address, CollectionId, Epoch};
use serde::{Deserialize, Serialize};

/// `POST /v1/collections`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateCollection {
    /// Chosen by the owner, random; the same id again is a conflict.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: CollectionId,
    /// 1 to 128 bytes; unique among the owner's collections.
    pub name: String,
    /// Where vectors come from. Frozen from the first document on.
    #[serde(default)]
    pub vectors: VectorSource,
    /// `owner_share` for epoch 1, sealed to the worker's release key (`trust::release`).
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub share: serde_json::Value,
    /// Let the ledger keep the owner's share too, so that workers get it back without the owner. Only ledgers that
    /// keep shares take it.
    #[serde(default)]
    pub managed: bool,
    /// By whose stop words and stemmer texts and queries become terms for BM25, such as `german`; `none` leaves words
    /// as they are. English if absent. Frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How it is searched. Frozen.
    #[serde(default, skip_serializing_if = "Search::is_standard")]
    pub search: Search,
    /// Where its texts lie while it is open. Frozen.
    #[serde(default, skip_serializing_if = "Residency::is_memory")]
    pub residency: Residency,
    /// What is kept of each component of its vectors. Frozen.
    #[serde(default, skip_serializing_if = "Precision::is_f16")]
    pub precision: Precision,
}

/// What is kept of each component of a vector, beside what walks go by. An oblivious collection keeps all 32 bits, and
/// says the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 16 bits: scores are those of the vectors to three digits.
    #[default]
    F16,
    /// 8 bits: less than half the memory, and of the nearest ones some are mistaken for others nearly as near. Not for
    /// oblivious collections.
    I8,
}

impl Precision {
    /// Whether it is the default.
    #[must_use]
    pub fn is_f16(&self) -> bool {
        *self == Self::F16
    }

    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::I8 => "i8",
        }
    }
}

/// Where the texts of an open collection lie; vectors, words and metadata lie in memory always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Residency {
    /// In memory: nothing is read from disk to answer.
    #[default]
    Memory,
    /// Sealed on disk, but for what was written last: read to answer, so that the worker's host sees which groups of
    /// neighbouring passages an answer took, and when (`docs/leakage.md`). Not for oblivious collections.
    Disk,
}

impl Residency {
    /// Whether it is the default.
    #[must_use]
    pub fn is_memory(&self) -> bool {
        *self == Self::Memory
    }

    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }
}

/// How a collection is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// By vectors, words, or both.
    #[default]
    Standard,
    /// By vectors alone, exactly, looking at every row, so that neither which ones are read nor for how long tells the
    /// worker's host what was sought. Slower; `docs/oblivious.md` says what remains visible.
    Oblivious,
}

impl Search {
    /// Whether it is the default.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        *self == Self::Standard
    }

    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Oblivious => "oblivious",
        }
    }
}

/// Where a collection's vectors come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VectorSource {
    /// The worker embeds with this model; an empty name means the worker's default.
    Model(String),
    /// The owner supplies vectors of this many dimensions, 1 to 4096.
    Supplied(u32),
}

impl Default for VectorSource {
    fn default() -> Self {
        Self::Model(String::new())
    }
}

/// A collection as its owner or a grantee sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collection {
    /// The id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: CollectionId,
    /// The name; empty for a grantee.
    pub name: String,
    /// The owner's address.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub owner: Address,
    /// The key epoch.
    pub epoch: Epoch,
    /// `ready`, `locked` (no key) or `quarantined`.
    pub state: CollectionState,
    /// Live documents; 0 for a scoped grantee, and where the memory limit leaves no room to look into a shard that was
    /// not open since the worker's boot.
    pub documents: u64,
    /// Live chunks; 0 for a scoped grantee.
    pub chunks: u64,
    /// Sealed segments; the tail is not counted.
    pub segments: u32,
    /// Vectors: model and dimension, and the profile's digest.
    pub profile: Profile,
    /// Unix seconds until which this worker may hold the key, if the owner does not renew that; absent for a grantee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<u64>,
    /// The current head; absent for a grantee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub head: Option<serde_json::Value>,
    /// Where the worker's key came from, and what was tried; absent for a grantee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeyReport>,
}

/// Where a worker's keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VaultKind {
    /// Sealed beside the data under a key that only this TEE can derive.
    Local,
    /// Released by another attested worker.
    Peer,
    /// Released by the ledger, where it keeps shares.
    Chain,
    /// Released by the owner.
    Owner,
}

impl VaultKind {
    /// The kind's text, as in JSON and in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Peer => "peer",
            Self::Chain => "chain",
            Self::Owner => "owner",
        }
    }
}

/// How a worker came, or did not come, by a collection's key since its boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyReport {
    /// Where the key in use came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<VaultKind>,
    /// What was tried last and gave none, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<KeyAttempt>,
}

/// A vault that gave no key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyAttempt {
    /// Which kind.
    pub kind: VaultKind,
    /// One word: `missing`, `not-placed`, `unreachable`, `evidence-refused`, `refused`, ...
    pub reason: String,
}

/// Whether a collection serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CollectionState {
    /// Serves.
    Ready,
    /// The worker has no key for it, or its lease has ended: the owner must release it.
    Locked,
    /// A stored byte failed its check.
    Quarantined,
}

/// What is frozen from the first document on (part of every segment and receipt by its digest).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Profile {
    /// Model name, or `supplied`.
    pub model: String,
    /// BLAKE3 of weights, tokenizer and config, hex; empty when supplied.
    pub model_files: [String; 3],
    /// `mean`, `cls` or `supplied`.
    pub pooling: String,
    /// Put before a query before it is embedded.
    pub query_prefix: String,
    /// Put before a passage before it is embedded.
    pub passage_prefix: String,
    /// Length of every vector.
    pub dimension: u32,
    /// `dot` over unit vectors.
    pub metric: String,
    /// Tokens of a chunk, heading path included.
    pub chunk_tokens: u32,
    /// Version of the chunker.
    pub chunker: String,
    /// Language and version of the BM25 analyser.
    pub analyzer: String,
    /// How it is searched; left out where that is standard.
    #[serde(default, skip_serializing_if = "Search::is_standard")]
    pub search: Search,
    /// Where its texts lie; left out where that is memory.
    #[serde(default, skip_serializing_if = "Residency::is_memory")]
    pub residency: Residency,
    /// What is kept of each component; left out where that is 16 bits.
    #[serde(default, skip_serializing_if = "Precision::is_f16")]
    pub precision: Precision,
    /// BLAKE3 over all of the above, hex.
    pub digest: String,
}

impl Profile {
    /// The language of the BM25 analyser, or `none`.
    #[must_use]
    pub fn language(&self) -> &str {
        self.analyzer.split('-').next().unwrap_or_default()
    }
}

/// `PUT /v1/collections/{c}/keys`: release the owner's share again, after a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReleaseKeys {
    /// The share, sealed to the worker's release key.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub share: serde_json::Value,
}

/// `POST /v1/collections/{c}/rotate`: begin the next key epoch, or end a rotation that was cut short.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// The epoch that is to be current: the next one, or the current one again.
    pub epoch: Epoch,
    /// The owner's share of that epoch, sealed to the worker's release key.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub share: serde_json::Value,
}

/// Reply to [`RotateKeys`]: nothing of an earlier epoch is needed any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rotated {
    /// The current epoch.
    pub epoch: Epoch,
    /// The ledger's height at which it is.
    pub height: u64,
}

/// `POST /v1/collections/{c}/corpora`: let the worker open a sealed corpus file's records.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenCorpus {
    /// The corpus id in the file's header.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub corpus: CollectionId,
    /// The signed manifest, sealed, base64.
    pub manifest: String,
    /// The corpus key, sealed to the worker's release key, for collection = the corpus id, epoch 1.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub share: serde_json::Value,
}

/// Reply to [`OpenCorpus`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenedCorpus {
    /// How many records the manifest lists.
    pub records: u64,
}
