//! A shard's surroundings: what it stands on, and what is kept of it while it is closed.
//!
//! Layer: collection, around `shard`.
//! Holds: its home, its rest, and its place in the line for freezes and merges.
//! Never: a rest without the head that the shard had, once it was open.
//! Invariant: a shard that rests and is opened again has the same keys, shares and head.

use super::memory::Accounts;
use super::shard::CollectionShard;
use super::upkeep::Upkeep;
use prag_client::vault::Shares;
use prag_protocol::Epoch;
use prag_store::Shard;
use prag_trust::head::Head;
use prag_trust::key::{Key, Wrap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// What a shard stands on, shared with the other shards of a worker.
#[derive(Clone)]
pub struct Home {
    /// Where its bytes lie; its own.
    pub store: Arc<dyn Shard>,
    /// Where its memory is counted.
    pub accounts: Arc<Accounts>,
    /// How its segments are built.
    pub upkeep: Arc<Upkeep>,
}

impl From<Arc<dyn Shard>> for Home {
    /// A shard alone, without limits.
    fn from(store: Arc<dyn Shard>) -> Self {
        Self { store, accounts: Accounts::unlimited(), upkeep: Arc::default() }
    }
}

/// How much is in a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Documents.
    pub documents: u64,
    /// Chunks.
    pub chunks: u64,
    /// Segments.
    pub segments: u32,
}

/// What is kept of a shard that is closed for want of use.
pub struct Rest {
    /// The key epoch.
    pub epoch: Epoch,
    /// Opens it again.
    pub wrap: Arc<Key<Wrap>>,
    /// What it must continue; none where it was not open yet.
    pub head: Option<Head>,
    /// What was in it.
    pub counts: Counts,
    shares: Mutex<Option<(Epoch, Shares)>>,
}

impl Rest {
    /// A shard that was not opened yet.
    #[must_use]
    pub fn unopened(epoch: Epoch, wrap: Key<Wrap>, shares: Option<(Epoch, Shares)>) -> Self {
        let (wrap, counts) = (Arc::new(wrap), Counts::default());
        Self { epoch, wrap, head: None, counts, shares: Mutex::new(shares) }
    }

    /// The opened shard holds the shares again.
    pub fn hand_back(&self, shard: &CollectionShard) {
        let taken = self.shares.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((epoch, shares)) = taken {
            shard.hold_shares(epoch, shares);
        }
    }
}

impl CollectionShard {
    /// What opens it again, if it may be closed now: no write failed, no rotation is under way.
    pub fn rest(&mut self) -> Option<Rest> {
        let (wrap, counts) = (self.keys().only_wrap()?, self.counts());
        let head = Some(self.durable_head()?);
        let shares = self.shares.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        Some(Rest { epoch: self.epoch(), wrap, head, counts, shares: Mutex::new(shares) })
    }

    /// How much is in it.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let live = self.read();
        Counts {
            documents: live.documents.len() as u64,
            chunks: live.chunks(),
            segments: u32::try_from(live.segments.len()).unwrap_or(u32::MAX),
        }
    }

    /// Take the one place in the line for freezes and merges; false if it is taken.
    pub fn line_up(&self) -> bool {
        !self.lined_up.swap(true, Ordering::SeqCst)
    }

    /// Give up the place.
    pub fn step_out(&self) {
        self.lined_up.store(false, Ordering::SeqCst);
    }
}
