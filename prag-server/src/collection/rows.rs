//! Row keys of a shard: a table byte, then ids in big-endian order.
//!
//! Layer: collection.
//! Holds: the only place that spells a key (key format 2; table 6 came later and changes no other).
//! Never: a name, a document id or anything else of content: numbers and random ids only.
//! Invariant: ascending key order is ascending sequence order within a table.

use prag_protocol::Epoch;
use prag_store::KeyRange;

/// A row's key.
pub type Key = Vec<u8>;

/// The sealed manifest.
#[must_use]
pub fn manifest() -> Key {
    vec![1]
}

/// Part `part` of the sealed manifest of this version, where one row is too small for it.
#[must_use]
pub fn manifest_part(version: u64, part: u16) -> Key {
    [&[6], &version.to_be_bytes()[..], &part.to_be_bytes()].concat()
}

/// Every part of the manifest of this version.
#[must_use]
pub fn manifest_parts(version: u64) -> KeyRange {
    KeyRange::prefix(&[&[6], &version.to_be_bytes()[..]].concat())
}

/// Every part of every manifest.
#[must_use]
pub fn all_manifest_parts() -> KeyRange {
    KeyRange::prefix(&[6])
}

/// `(version, part)` of a manifest part's key.
#[must_use]
pub fn parse_manifest_part(bytes: &[u8]) -> Option<(u64, u16)> {
    let (version, part) = bytes.strip_prefix(&[6])?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*version), u16::from_be_bytes(part.try_into().ok()?)))
}

/// The DEK `id`, wrapped in `epoch`.
#[must_use]
pub fn dek(id: [u8; 16], epoch: Epoch) -> Key {
    [&[2], &id[..], &epoch.to_be_bytes()].concat()
}

/// Every wrapped key.
#[must_use]
pub fn deks() -> KeyRange {
    KeyRange::prefix(&[2])
}

/// `(id, epoch)` of a wrapped key's row.
#[must_use]
pub fn parse_dek(bytes: &[u8]) -> Option<([u8; 16], Epoch)> {
    let (id, epoch) = bytes.strip_prefix(&[2])?.split_first_chunk::<16>()?;
    Some((*id, Epoch::from_be_bytes(epoch.try_into().ok()?)))
}

/// Part `part` of the sealed batch `seq`.
#[must_use]
pub fn batch(seq: u64, part: u16) -> Key {
    [&[3], &seq.to_be_bytes()[..], &part.to_be_bytes()].concat()
}

/// The sealed head.
#[must_use]
pub fn head() -> Key {
    vec![4]
}

/// The salted digest of batch `seq`.
#[must_use]
pub fn digest(seq: u64) -> Key {
    [&[5], &seq.to_be_bytes()[..]].concat()
}

/// Every part of every batch before `seq`.
#[must_use]
pub fn batches_before(seq: u64) -> KeyRange {
    KeyRange { start: vec![3], end: Some([&[3], &seq.to_be_bytes()[..]].concat()) }
}

/// Every part of every batch from `seq` on.
#[must_use]
pub fn batches_from(seq: u64) -> KeyRange {
    KeyRange { start: batch(seq, 0), ..KeyRange::prefix(&[3]) }
}

/// Every part of batch `seq`.
#[must_use]
pub fn batch_parts(seq: u64) -> KeyRange {
    KeyRange::prefix(&[&[3], &seq.to_be_bytes()[..]].concat())
}

/// Every digest.
#[must_use]
pub fn digests() -> KeyRange {
    KeyRange::prefix(&[5])
}

/// `(seq, part)` of a batch row's key.
#[must_use]
pub fn parse_batch(bytes: &[u8]) -> Option<(u64, u16)> {
    let rest = bytes.strip_prefix(&[3])?;
    let (seq, part) = rest.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*seq), u16::from_be_bytes(part.try_into().ok()?)))
}

/// The sequence number in a digest row's key.
#[must_use]
pub fn parse_digest(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.strip_prefix(&[5])?.try_into().ok()?))
}
