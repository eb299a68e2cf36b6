//! How far the shard was acknowledged, kept apart from RocksDB's own files.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: writer epoch and seq of the last acknowledgement, and RocksDB's list of files as it was then.
//! Never: a sync of its own while writing: it costs no commit anything, and is as exact as the page cache.
//! Invariant: the mark never runs ahead of what is durable in RocksDB, so no crash makes a sound shard look damaged.
//!
//! RocksDB forgives a log, and a list of files, whose end does not parse, as a crash leaves it. A flipped length of
//! a record looks the same, and everything behind it would be dropped in silence. So whatever opens behind its mark
//! is refused. After a loss of power the mark may be a few writes old; it is then a weaker check, never a wrong one.
//! It has no key: who can write the disk can put back an older mark with older files. Heads and anchors find that.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::folder::{ROWS, io as io_of, owned};
use super::manifest::{self, Listed, Watch};
use super::state::{self, StateRow};
use crate::error::StoreError;
use crate::names::ShardName;

/// The mark of one shard, live or at a checkpoint.
pub(super) struct Mark {
    file: File,
    last: Mutex<Last>,
}

struct Last {
    noted: Noted,
    slot: usize,
    watch: Watch,
}

/// What a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Noted {
    state: StateRow,
    listed: Listed,
}

impl Mark {
    /// Write the first mark of a shard that is being made in `folder`, durably.
    pub(super) fn create(folder: &Path, state: StateRow) -> io::Result<()> {
        let listed = Watch::new(&folder.join(ROWS)).look()?;
        let slot = Noted { state, listed }.to_bytes();
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(folder.join(NAME))?;
        file.write_all(&[slot, slot].concat())?;
        file.sync_all()
    }

    /// The mark of the shard in `folder`, before RocksDB opens it.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] if the mark is gone, of another length or without a sound slot, or if RocksDB's list
    /// of files is not what was noted.
    pub(super) fn open(shard: ShardName, folder: &Path) -> Result<Self, StoreError> {
        let tampered = StoreError::Tampered(shard);
        let file = OpenOptions::new().read(true).write(true).open(folder.join(NAME));
        let file = file.map_err(owned(shard))?;
        let len = file.metadata().map_err(io_of(shard))?.len();
        if len != FILE_BYTES as u64 {
            return Err(tampered);
        }
        let mut bytes = [0u8; FILE_BYTES];
        file.read_exact_at(&mut bytes, 0).map_err(io_of(shard))?;
        let (slots, _) = bytes.as_chunks::<SLOT_BYTES>();
        let sound =
            slots.iter().enumerate().filter_map(|(at, slot)| Some((Noted::from_bytes(slot)?, at)));
        let (noted, slot) = sound.max_by_key(|(noted, _)| noted.order()).ok_or(tampered)?;
        let mut watch = Watch::new(&folder.join(ROWS));
        let holds = watch.confirms(noted.listed).map_err(owned(shard))?;
        if !holds {
            return Err(tampered);
        }
        Ok(Self { file, last: Mutex::new(Last { noted, slot, watch }) })
    }

    /// Whether a shard that opened with `found` holds all that was acknowledged.
    pub(super) fn reaches(&self, found: StateRow) -> bool {
        let noted = self.lock().noted.state;
        found.epoch >= noted.epoch && found.seq >= noted.seq
    }

    /// Everything up to `state` is durable. Call before it is acknowledged.
    pub(super) fn raise(&self, state: StateRow) -> io::Result<()> {
        let mut last = self.lock();
        let noted = Noted { state, listed: last.watch.look()? };
        if noted.order() <= last.noted.order() {
            return Ok(());
        }
        let slot = (last.slot + 1) % SLOTS;
        self.file.write_all_at(&noted.to_bytes(), (slot * SLOT_BYTES) as u64)?;
        (last.noted, last.slot) = (noted, slot);
        Ok(())
    }

    /// Make the mark itself durable: before the shard closes.
    pub(super) fn settle(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    /// Each part only grows.
    fn order(&self) -> (u64, u64, u64, u64) {
        (self.state.epoch, self.state.seq, self.listed.number, self.listed.len)
    }

    /// State row, list of files, check sum.
    fn to_bytes(self) -> [u8; SLOT_BYTES] {
        let mut out = [0; SLOT_BYTES];
        out[..state::LEN].copy_from_slice(&self.state.to_bytes());
        out[state::LEN..BODY_BYTES].copy_from_slice(&self.listed.to_bytes());
        let sum = sum(&out[..BODY_BYTES]);
        out[BODY_BYTES..].copy_from_slice(&sum);
        out
    }

    fn from_bytes(slot: &[u8; SLOT_BYTES]) -> Option<Self> {
        let (body, found) = slot.split_at(BODY_BYTES);
        let (state, listed) = body.split_at(state::LEN);
        let sound = found == sum(body);
        let noted = Self {
            state: StateRow::from_bytes(state)?,
            listed: Listed::from_bytes(listed.try_into().ok()?),
        };
        sound.then_some(noted)
    }
}

/// Against accidents, not adversaries.
fn sum(body: &[u8]) -> [u8; SUM_BYTES] {
    let mut out = [0; SUM_BYTES];
    out.copy_from_slice(&blake3::hash(body).as_bytes()[..SUM_BYTES]);
    out
}

/// The name of the file in a shard's folder.
const NAME: &str = "acknowledged";
/// Two slots, written in turn: a torn write leaves the other.
const SLOTS: usize = 2;
const BODY_BYTES: usize = state::LEN + manifest::LEN;
const SUM_BYTES: usize = 8;
const SLOT_BYTES: usize = BODY_BYTES + SUM_BYTES;
/// Length of the file.
const FILE_BYTES: usize = SLOTS * SLOT_BYTES;

#[cfg(test)]
mod tests {
    use super::{Listed, Noted, StateRow};

    /// The layout is frozen; a slot with any bit flipped is none.
    #[test]
    fn layout() {
        let noted = Noted {
            state: StateRow { epoch: 2, seq: 3 },
            listed: Listed { number: 4, len: 5, digest: [6; 16] },
        };
        let bytes = noted.to_bytes();
        let body = [
            &[1][..],
            &2u64.to_be_bytes(),
            &3u64.to_be_bytes(),
            &4u64.to_be_bytes(),
            &5u64.to_be_bytes(),
            &[6; 16],
        ]
        .concat();
        assert_eq!(bytes[..49], body);
        assert_eq!(bytes[49..], blake3::hash(&body).as_bytes()[..8]);
        assert_eq!(Noted::from_bytes(&bytes), Some(noted));
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Noted::from_bytes(&other), None);
        }
    }
}
