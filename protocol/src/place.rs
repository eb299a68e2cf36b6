//! Where a sealed record belongs: the bytes that its seal is bound to.
//!
//! Layer: protocol.
//! Holds: the closed list of record kinds and the frozen 61-byte layout of a place.
//! Never: keys, or what a record says.
//! Invariant: two different places have different bytes (fixed widths, big-endian).

use crate::ids::{CollectionId, Epoch, Lineage};
use std::fmt;

/// What a sealed record is. Closed: an unknown byte is refused, and no byte is ever reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// One atomic write batch of a shard's tail.
    Batch = 1,
    /// A shard's manifest: segments, tombstones, wrapped keys.
    Manifest = 2,
    /// A large object stored outside the rows.
    Blob = 3,
    /// A data key or name key, wrapped.
    DekWrap = 4,
    /// A shard's head, as the worker last made it durable.
    HeadRow = 5,
    /// One document of a sealed corpus file.
    CorpusRecord = 6,
    /// The manifest of a sealed corpus file.
    CorpusManifest = 7,
    /// The embedded ledger's state.
    LedgerState = 8,
    /// One half of a collection's key in one epoch.
    Share = 9,
    /// A part of an immutable index segment.
    Segment = 10,
    /// An entry of a worker's local key vault.
    VaultEntry = 11,
    /// A snapshot's index, or rows of a shard packed for one.
    Snapshot = 12,
    /// What a grant is narrowed to, as a ledger carries it that others read.
    Scope = 13,
}

impl Kind {
    /// Every kind, in the order of its byte.
    pub const ALL: [Self; 13] = [
        Self::Batch,
        Self::Manifest,
        Self::Blob,
        Self::DekWrap,
        Self::HeadRow,
        Self::CorpusRecord,
        Self::CorpusManifest,
        Self::LedgerState,
        Self::Share,
        Self::Segment,
        Self::VaultEntry,
        Self::Snapshot,
        Self::Scope,
    ];

    /// The kind's byte in every layout.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        self as u8
    }

    /// The kind of this byte; `None` for a byte that no kind has.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.to_byte() == byte)
    }
}

/// The one place where a record opens.
///
/// Opaque to the host: `id` is random or a keyed name, never a name that a person chose.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Whose record it is.
    pub collection: CollectionId,
    /// Which data of that collection; unchanged by splits and moves.
    pub lineage: Lineage,
    /// What the record is.
    pub kind: Kind,
    /// Which record of that kind; zeros where there is only one.
    pub id: [u8; 16],
    /// Which write of that record, so that an old copy put back does not open.
    pub seq: u64,
    /// Birth epoch of the key that seals it.
    pub epoch: Epoch,
}

impl Place {
    /// Length of [`Place::to_bytes`].
    pub const BYTES: usize = 61;

    /// The frozen layout, all integers big-endian:
    /// collection 16, lineage 16, kind 1, id 16, seq 8, epoch 4.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0u8; Self::BYTES];
        out[..16].copy_from_slice(&self.collection.0);
        out[16..32].copy_from_slice(&self.lineage.0);
        out[32] = self.kind.to_byte();
        out[33..49].copy_from_slice(&self.id);
        out[49..57].copy_from_slice(&self.seq.to_be_bytes());
        out[57..].copy_from_slice(&self.epoch.to_be_bytes());
        out
    }

    /// Read [`Place::to_bytes`] back; `None` if the kind's byte is unknown.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        Some(Self {
            collection: CollectionId(array(&bytes[..16])?),
            lineage: Lineage(array(&bytes[16..32])?),
            kind: Kind::from_byte(bytes[32])?,
            id: array(&bytes[33..49])?,
            seq: u64::from_be_bytes(array(&bytes[49..57])?),
            epoch: Epoch::from_be_bytes(array(&bytes[57..])?),
        })
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collection, lineage, kind, id, seq, epoch } = self;
        let id = u128::from_be_bytes(*id);
        write!(out, "{kind:?}/{collection}/{lineage}/{id:032x}/seq {seq}/epoch {epoch}")
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn place() -> Place {
        Place {
            collection: CollectionId([0xc0; 16]),
            lineage: Lineage([0x11; 16]),
            kind: Kind::Manifest,
            id: [0x1d; 16],
            seq: 0x0102_0304_0506_0708,
            epoch: 0x0a0b_0c0d,
        }
    }

    /// The layout is frozen: every sealed record in the world is bound to it.
    #[test]
    fn golden_bytes() {
        let hex: String = place().to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = concat!(
            "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0",
            "11111111111111111111111111111111",
            "02",
            "1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d",
            "0102030405060708",
            "0a0b0c0d",
        );
        assert_eq!(hex, expected);
    }

    /// Each field moves the bytes, so no two places are alike.
    #[test]
    fn every_field_counts() {
        let here = place();
        let others = [
            Place { collection: CollectionId([1; 16]), ..here },
            Place { lineage: Lineage([1; 16]), ..here },
            Place { kind: Kind::Batch, ..here },
            Place { id: [1; 16], ..here },
            Place { seq: 1, ..here },
            Place { epoch: 1, ..here },
        ];
        for other in others {
            assert_ne!(other.to_bytes(), here.to_bytes());
            assert_eq!(Place::from_bytes(&other.to_bytes()), Some(other));
        }
    }

    /// Kinds have the bytes 1 to 13, and no other byte is a kind.
    #[test]
    fn kinds_are_closed() {
        for byte in 0..=u8::MAX {
            match Kind::from_byte(byte) {
                Some(kind) => assert_eq!(kind.to_byte(), byte),
                None => assert!(!(1..=13).contains(&byte)),
            }
        }
        let bytes: Vec<u8> = Kind::ALL.iter().map(|kind| kind.to_byte()).collect();
        assert_eq!(bytes, (1..=13).collect::<Vec<u8>>());

        let mut unknown = place().to_bytes();
        unknown[32] = 14;
        assert_eq!(Place::from_bytes(&unknown), None);
    }
}
