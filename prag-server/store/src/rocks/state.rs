//! The one row that the engine keeps for itself, and how rows of callers keep clear of it.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: writer epoch and seq, rewritten in every batch, so both are as whole as the batch.
//! Never: anything else; there is no second internal row.
//! Invariant: keys of callers begin with [`CALLERS`], the engine's with [`OWN`].

use crate::names::Seq;

/// First byte of the engine's key.
const OWN: u8 = 0;
/// First byte of a caller's key on disk.
pub(super) const CALLERS: u8 = 1;
/// Key of the state row.
pub(super) const STATE_KEY: [u8; 1] = [OWN];

/// Where a shard stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StateRow {
    pub(super) epoch: u64,
    pub(super) seq: Seq,
}

impl StateRow {
    /// Version, epoch, seq; big-endian.
    pub(super) fn to_bytes(self) -> [u8; LEN] {
        let mut bytes = [VERSION; LEN];
        bytes[1..9].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[9..].copy_from_slice(&self.seq.to_be_bytes());
        bytes
    }

    /// The row, if these bytes are one.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (epoch, seq) = rest.split_first_chunk::<8>()?;
        let seq = <[u8; 8]>::try_from(seq).ok()?;
        (*version == VERSION)
            .then(|| Self { epoch: u64::from_be_bytes(*epoch), seq: Seq::from_be_bytes(seq) })
    }
}

/// A caller's key as it lies on disk.
pub(super) fn on_disk(key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + 1);
    bytes.push(CALLERS);
    bytes.extend_from_slice(key);
    bytes
}

const VERSION: u8 = 1;
/// Length of the row.
pub(super) const LEN: usize = 17;

#[cfg(test)]
mod tests {
    use super::StateRow;

    /// The layout is frozen; other lengths and versions are refused.
    #[test]
    fn layout() {
        let row = StateRow { epoch: 0x0102, seq: 0x0304_0506 };
        let bytes = row.to_bytes();
        assert_eq!(bytes, [1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3, 4, 5, 6]);
        assert_eq!(StateRow::from_bytes(&bytes), Some(row));
        for len in 0..bytes.len() {
            assert_eq!(StateRow::from_bytes(&bytes[..len]), None);
        }
        assert_eq!(StateRow::from_bytes(&[&bytes[..], &[0]].concat()), None);
        let mut other = bytes;
        other[0] = 2;
        assert_eq!(StateRow::from_bytes(&other), None);
    }
}
