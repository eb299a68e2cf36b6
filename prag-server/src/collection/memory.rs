//! What the worker's memory is used for, counted as it is taken and given back.
//!
//! Layer: collection, at its bottom; one instance for all shards of a worker.
//! Holds: a counter for each component, their sum, and the limit.
//! Never: an allocation on behalf of anybody; a number that tells collections apart.
//! Invariant: what a [`Charge`] stands for is counted exactly as long as the charge lives, and the sum is that of the
//! components.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

mod footprint;

use super::CollectionError;
pub use footprint::{Footprint, SegmentCharge};
pub(super) use footprint::{build_bytes, digest_bytes, tail_row_bytes, view_bytes};

/// What memory is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// Vectors of segments, with their codes.
    Vectors,
    /// Graphs of segments.
    Graph,
    /// Term indexes of segments.
    Words,
    /// Metadata indexes of segments.
    Fields,
    /// Documents of segments, and where each lies.
    Texts,
    /// Merkle trees over chunk hashes.
    Trees,
    /// Records of segments of oblivious collections.
    Veils,
    /// Everything about rows that are in no segment yet.
    Tails,
    /// Segments being built.
    Builds,
    /// Writes under way.
    Requests,
    /// The store: its caches, and what an open shard costs.
    Storage,
    /// The process before it opened a shard: code, model, ledger.
    Base,
}

impl Component {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 12] = [
        Self::Vectors,
        Self::Graph,
        Self::Words,
        Self::Fields,
        Self::Texts,
        Self::Trees,
        Self::Veils,
        Self::Tails,
        Self::Builds,
        Self::Requests,
        Self::Storage,
        Self::Base,
    ];

    /// Its name, as metrics label it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vectors => "vectors",
            Self::Graph => "graph",
            Self::Words => "words",
            Self::Fields => "fields",
            Self::Texts => "texts",
            Self::Trees => "trees",
            Self::Veils => "veils",
            Self::Tails => "tails",
            Self::Builds => "builds",
            Self::Requests => "requests",
            Self::Storage => "storage",
            Self::Base => "base",
        }
    }
}

/// The limit leaves no room. Nothing was taken; worth a retry once something was given back. Shown in whole MiB: to the
/// byte, it would tell any writer how long the texts of all others are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} MiB more, with {} MiB in use, are over the limit of {} MiB",
    .needed.div_ceil(MIB), .used.div_ceil(MIB), .limit / MIB
)]
pub struct Full {
    /// What was asked for.
    pub needed: u64,
    /// What is in use.
    pub used: u64,
    /// `memory.limit`, or the part of it that writes may use.
    pub limit: u64,
}

/// The counters.
#[derive(Debug)]
pub struct Accounts {
    used: [AtomicU64; Component::ALL.len()],
    total: AtomicU64,
    limit: u64,
    open: AtomicU64,
    open_max: u64,
    /// Bytes of documents' originals in segments, as they are and as they are kept.
    plain_texts: AtomicU64,
    kept_texts: AtomicU64,
    /// Reads of texts on disk.
    text_reads: AtomicU64,
}

impl Accounts {
    /// Counters under a limit, bytes.
    #[must_use]
    pub fn new(limit: u64) -> Arc<Self> {
        Self::with_shards(limit, u64::MAX)
    }

    /// As [`Accounts::new`], with so many shards open at most.
    #[must_use]
    pub fn with_shards(limit: u64, open_max: u64) -> Arc<Self> {
        let (plain_texts, kept_texts, text_reads, open) = Default::default();
        let (used, total) = Default::default();
        Arc::new(Self { used, total, limit, open, open_max, plain_texts, kept_texts, text_reads })
    }

    /// Counters that refuse nothing.
    #[must_use]
    pub fn unlimited() -> Arc<Self> {
        Self::new(u64::MAX)
    }

    /// The limit, bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// What of the limit writes may use, bytes. The rest is left to builds, which turn tails into less.
    #[must_use]
    pub fn write_limit(&self) -> u64 {
        self.limit - self.limit / BUILDS_SHARE
    }

    /// In use by one component, bytes.
    #[must_use]
    pub fn used(&self, component: Component) -> u64 {
        self.used[component as usize].load(Ordering::Relaxed)
    }

    /// In use by all, bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Count what is there already, whatever the limit says.
    #[must_use]
    pub fn charge(self: &Arc<Self>, component: Component, bytes: u64) -> Charge {
        self.add(component, bytes);
        Charge { accounts: Arc::clone(self), component, bytes }
    }

    /// Take `bytes` within the limit.
    ///
    /// # Errors
    /// [`Full`].
    pub fn reserve(self: &Arc<Self>, component: Component, bytes: u64) -> Result<Charge, Full> {
        self.reserve_below(self.limit, component, bytes)
    }

    /// Take `bytes` for a write that is under way.
    ///
    /// # Errors
    /// [`Full`].
    pub fn reserve_write(self: &Arc<Self>, bytes: u64) -> Result<Charge, Full> {
        self.reserve_below(self.write_limit(), Component::Requests, bytes)
    }

    /// Take one more open shard, which costs `bytes` of storage.
    ///
    /// # Errors
    /// [`CollectionError::Crowded`], [`CollectionError::Memory`]; nothing was taken.
    pub fn open_shard(self: &Arc<Self>, bytes: u64) -> Result<OpenShard, CollectionError> {
        let charge = self.reserve(Component::Storage, bytes)?;
        let more = |open: u64| (open < self.open_max).then_some(open + 1);
        let taken = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.map_err(|_| CollectionError::Crowded { max: self.open_max })?;
        Ok(OpenShard(charge))
    }

    /// Whether one more shard may be open.
    ///
    /// # Errors
    /// [`CollectionError::Crowded`].
    pub fn has_place(&self) -> Result<(), CollectionError> {
        let room = self.open.load(Ordering::Relaxed) < self.open_max;
        room.then_some(()).ok_or(CollectionError::Crowded { max: self.open_max })
    }

    fn reserve_below(
        self: &Arc<Self>,
        limit: u64,
        component: Component,
        bytes: u64,
    ) -> Result<Charge, Full> {
        let more = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= limit);
        match self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => {
                self.used[component as usize].fetch_add(bytes, Ordering::Relaxed);
                Ok(Charge { accounts: Arc::clone(self), component, bytes })
            }
            Err(used) => Err(Full { needed: bytes, used, limit }),
        }
    }

    fn add(&self, component: Component, bytes: u64) {
        self.used[component as usize].fetch_add(bytes, Ordering::Relaxed);
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    fn subtract(&self, component: Component, bytes: u64) {
        self.used[component as usize].fetch_sub(bytes, Ordering::Relaxed);
        self.total.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Documents' originals in segments: bytes as they are, and bytes as they are kept.
    #[must_use]
    pub fn texts(&self) -> (u64, u64) {
        (self.plain_texts.load(Ordering::Relaxed), self.kept_texts.load(Ordering::Relaxed))
    }

    /// Texts are about to be read from disk, with one read of a blob.
    pub fn text_read(&self) {
        self.text_reads.fetch_add(1, Ordering::SeqCst);
    }

    /// Reads of blobs for texts, since the worker's boot.
    #[must_use]
    pub fn text_reads(&self) -> u64 {
        self.text_reads.load(Ordering::SeqCst)
    }
}

/// Memory in use. Given back when it is dropped.
#[derive(Debug)]
pub struct Charge {
    accounts: Arc<Accounts>,
    component: Component,
    bytes: u64,
}

impl Charge {
    /// More of it is in use, whatever the limit says: who took it had asked before.
    pub fn grow(&mut self, bytes: u64) {
        self.accounts.add(self.component, bytes);
        self.bytes += bytes;
    }

    /// Less of it is in use.
    pub fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.accounts.subtract(self.component, bytes);
        self.bytes -= bytes;
    }

    /// So much of it is in use.
    pub fn set(&mut self, bytes: u64) {
        let (more, less) = (bytes.saturating_sub(self.bytes), self.bytes.saturating_sub(bytes));
        self.grow(more);
        self.shrink(less);
    }

    fn component(&self) -> Component {
        self.component
    }

    /// How much, bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.accounts.subtract(self.component, self.bytes);
    }
}

/// A shard that is open. Given back when it is dropped.
#[derive(Debug)]
pub struct OpenShard(Charge);

impl Drop for OpenShard {
    fn drop(&mut self) {
        self.0.accounts.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How much text is kept, and in how much. Given back when it is dropped.
#[derive(Debug)]
pub struct TextCharge {
    accounts: Arc<Accounts>,
    plain: u64,
    kept: u64,
}

impl TextCharge {
    /// Count `plain` bytes of text that are kept in `kept`.
    #[must_use]
    pub fn new(accounts: &Arc<Accounts>, plain: u64, kept: u64) -> Self {
        accounts.plain_texts.fetch_add(plain, Ordering::Relaxed);
        accounts.kept_texts.fetch_add(kept, Ordering::Relaxed);
        Self { accounts: Arc::clone(accounts), plain, kept }
    }
}

impl Drop for TextCharge {
    fn drop(&mut self) {
        self.accounts.plain_texts.fetch_sub(self.plain, Ordering::Relaxed);
        self.accounts.kept_texts.fetch_sub(self.kept, Ordering::Relaxed);
    }
}

const MIB: u64 = 1 << 20;
/// One part in so many of the limit is kept from writes.
const BUILDS_SHARE: u64 = 8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Whatever is taken and given back in any order, the sum is that of the living charges, and never over the limit
    /// by a reservation.
    #[test]
    fn the_sum_is_that_of_the_living() {
        let accounts = Accounts::new(1000);
        let mut living: Vec<Charge> = Vec::new();
        let mut seed = 7u64;
        for _ in 0..2000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let component = Component::ALL[(seed >> 33) as usize % Component::ALL.len()];
            let bytes = (seed >> 40) % 300;
            if seed.is_multiple_of(3) && !living.is_empty() {
                living.swap_remove((seed >> 20) as usize % living.len());
            } else {
                let before = accounts.total();
                match accounts.reserve(component, bytes) {
                    Ok(charge) => living.push(charge),
                    Err(full) => {
                        assert_eq!(full, Full { needed: bytes, used: before, limit: 1000 });
                        assert!(before + bytes > 1000);
                    }
                }
            }
            assert_eq!(accounts.total(), living.iter().map(Charge::bytes).sum::<u64>());
            let parts: u64 = Component::ALL.iter().map(|part| accounts.used(*part)).sum();
            assert_eq!(accounts.total(), parts);
            assert!(accounts.total() <= 1000);
        }
        drop(living);
        assert_eq!(accounts.total(), 0);
    }

    /// Writes stop before the limit, so that a build still has room; the last byte is the last.
    #[test]
    fn writes_leave_room_for_builds() {
        let accounts = Accounts::new(800);
        let written = accounts.reserve_write(700).unwrap();
        assert_eq!(accounts.reserve_write(1).unwrap_err().limit, 700);
        let built = accounts.reserve(Component::Builds, 100).unwrap();
        assert_eq!(accounts.reserve(Component::Builds, 1).unwrap_err().limit, 800);
        drop(written);
        drop(built);
        let mut tail = accounts.charge(Component::Tails, 10);
        tail.grow(5000);
        assert_eq!(accounts.used(Component::Tails), 5010, "what is there is counted");
        assert!(accounts.reserve_write(0).is_err());
    }
}
