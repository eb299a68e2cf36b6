//! Books of use that were reported to the ledger, kept for as long as somebody may ask to see a leaf.
//!
//! Layer: vault.
//! Holds: for each epoch the entries of its report, in parts, and then a row that makes them whole.
//! Never: a report that was sent before its book was kept.
//! Invariant: a book without its last row does not exist; one that exists is the one that was sent.

use super::rows::Rows;
use prag_client::vault::VaultError;
use prag_contracts_core::rewards::book::Entry;
use prag_protocol::CollectionId;
use prag_protocol::ledger::voucher::{Counters, SignedVoucher};
use prag_store::Shard;
use prag_trust::entropy::Entropy;
use prag_trust::key::{Key, Vault};
use std::sync::Arc;

/// The books of one worker.
pub struct Reports(Rows);

/// A book that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptBook {
    /// Of which epoch.
    pub epoch: u64,
    /// The ledger has it, and the meter knows.
    pub taken: bool,
}

impl Reports {
    /// The books in `shard`.
    #[must_use]
    pub fn new(key: Arc<Key<Vault>>, shard: Arc<dyn Shard>, entropy: Box<dyn Entropy>) -> Self {
        Self(Rows::new(0x18, key, shard, entropy))
    }

    /// Keep a book, durably; it is not taken yet.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: there is no book then.
    pub fn keep(&self, epoch: u64, entries: &[Entry]) -> Result<(), VaultError> {
        let parts = entries.chunks(PART_ENTRIES);
        for (part, entries) in (0u32..).zip(parts) {
            let rows: Vec<(&SignedVoucher, &Counters)> =
                entries.iter().map(|entry| (&entry.signed, &entry.start)).collect();
            let row = postcard::to_extend(&rows, vec![VERSION]);
            self.0.put_at(NOBODY, &key(epoch, part), row.map_err(|_| VaultError::Storage)?)?;
        }
        self.mark(epoch, count(entries)?, false)
    }

    /// The ledger has it, and the meter knows.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn taken(&self, epoch: u64) -> Result<(), VaultError> {
        match self.head(epoch)? {
            Some((parts, _)) => self.mark(epoch, parts, true),
            None => Err(VaultError::Missing),
        }
    }

    /// All books, oldest first.
    ///
    /// # Errors
    /// [`VaultError::Tampered`] if a row fails its check.
    pub fn all(&self) -> Result<Vec<KeptBook>, VaultError> {
        let rows = self.0.all_keyed()?;
        let heads = rows.into_iter().filter_map(|(_, at, row)| {
            let (epoch, part) = at.split_first_chunk::<8>()?;
            let epoch = u64::from_be_bytes(*epoch);
            (*part == HEAD.to_be_bytes()).then(|| (epoch, row.expose().to_vec()))
        });
        let read = |(epoch, row): (u64, Vec<u8>)| {
            let (_, taken) = read_head(&row)?;
            Ok(KeptBook { epoch, taken })
        };
        heads.map(read).collect()
    }

    /// The entries of an epoch's book; `None` where there is none.
    ///
    /// # Errors
    /// [`VaultError::Tampered`] if a row fails its check, or one is missing.
    pub fn entries(&self, epoch: u64) -> Result<Option<Vec<Entry>>, VaultError> {
        let Some((parts, _)) = self.head(epoch)? else { return Ok(None) };
        let mut entries = Vec::new();
        for part in 0..parts {
            let row = self.0.get_at(NOBODY, &key(epoch, part))?.ok_or(VaultError::Tampered)?;
            let rows =
                row.expose().strip_prefix(&[VERSION]).and_then(
                    |row| match postcard::take_from_bytes::<Vec<(SignedVoucher, Counters)>>(row) {
                        Ok((rows, [])) => Some(rows),
                        Ok(_) | Err(_) => None,
                    },
                );
            let rows = rows.ok_or(VaultError::Tampered)?;
            entries.extend(rows.into_iter().map(|(signed, start)| Entry { signed, start }));
        }
        Ok(Some(entries))
    }

    /// Forget a book that nobody may ask about any more, or that was never taken.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn forget(&self, epoch: u64) -> Result<(), VaultError> {
        let Some((parts, _)) = self.head(epoch)? else { return Ok(()) };
        // The last row first: without it the others are nothing, and the next book of this epoch writes over them.
        self.0.delete_at(NOBODY, &key(epoch, HEAD))?;
        (0..parts).try_for_each(|part| self.0.delete_at(NOBODY, &key(epoch, part)))
    }

    fn mark(&self, epoch: u64, parts: u32, taken: bool) -> Result<(), VaultError> {
        let row = [&[VERSION][..], &parts.to_be_bytes(), &[u8::from(taken)]].concat();
        self.0.put_at(NOBODY, &key(epoch, HEAD), row)
    }

    fn head(&self, epoch: u64) -> Result<Option<(u32, bool)>, VaultError> {
        let row = self.0.get_at(NOBODY, &key(epoch, HEAD))?;
        row.map(|row| read_head(row.expose())).transpose()
    }
}

fn read_head(row: &[u8]) -> Result<(u32, bool), VaultError> {
    match row {
        [VERSION, a, b, c, d, taken @ (0 | 1)] => {
            Ok((u32::from_be_bytes([*a, *b, *c, *d]), *taken == 1))
        }
        _ => Err(VaultError::Tampered),
    }
}

fn count(entries: &[Entry]) -> Result<u32, VaultError> {
    u32::try_from(entries.len().div_ceil(PART_ENTRIES)).map_err(|_| VaultError::Storage)
}

fn key(epoch: u64, part: u32) -> Vec<u8> {
    [&epoch.to_be_bytes()[..], &part.to_be_bytes()].concat()
}

/// Books are of no collection.
const NOBODY: CollectionId = CollectionId([0; 16]);
const VERSION: u8 = 1;
/// Entries of one row, of about 700 bytes each.
const PART_ENTRIES: usize = 512;
/// The number of the row that makes a book whole.
const HEAD: u32 = u32::MAX;

#[cfg(test)]
mod tests;
