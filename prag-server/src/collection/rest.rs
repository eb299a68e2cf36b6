//! A shard's surroundings: what it stands on, and what is kept of it while it is closed.
//!
//! Layer: collection, around `shard`.
//! Holds: its home, its rest, and its place in the line for freezes and merges.
//! Never: a rest without the head that the shard had.
//! Invariant: a shard that rests and is opened again has the same keys, shares and head.

use super::CollectionError;
use super::keys::Keys;
use super::log::Log;
use super::manifest::Manifest;
use super::memory::Accounts;
use super::shard::{CollectionShard, Identity};
use super::upkeep::Upkeep;
use prag_client::vault::Shares;
use prag_protocol::Epoch;
use prag_store::Shard;
use prag_trust::head::Head;
use prag_trust::key::{Key, Wrap};
use prag_trust::merkle::MerkleLog;
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
    /// What it must continue.
    pub head: Head,
    /// What was in it; `None` where it was not open since the boot.
    pub counts: Option<Counts>,
    shares: Mutex<Option<(Epoch, Shares)>>,
}

impl Rest {
    /// A shard that was not opened yet.
    #[must_use]
    pub fn unopened(
        epoch: Epoch,
        wrap: Arc<Key<Wrap>>,
        head: Head,
        shares: Option<(Epoch, Shares)>,
    ) -> Self {
        Self { epoch, wrap, head, counts: None, shares: Mutex::new(shares) }
    }

    /// What `give` makes of the shares of `epoch`, if they are held.
    pub fn with_shares<T>(&self, epoch: Epoch, give: impl FnOnce(&Shares) -> T) -> Option<T> {
        let held = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().filter(|(of, _)| *of == epoch).map(|(_, shares)| give(shares))
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
    /// The head of a stored shard, and the root at earlier sizes, without opening it: manifest, digests and head are
    /// authenticated, segments and batches not looked at. Blocks.
    ///
    /// # Errors
    /// As [`CollectionShard::open`].
    pub fn stored_head(
        identity: Identity,
        wrap: Arc<Key<Wrap>>,
        store: &Arc<dyn Shard>,
    ) -> Result<(Head, MerkleLog), CollectionError> {
        let Identity { collection, lineage, epoch, writer_epoch } = identity;
        let keys = Keys::load(collection, lineage, epoch, wrap, store.as_ref())?;
        let manifest = Manifest::load(&keys, store.as_ref())?;
        let keys = keys.begin(&manifest.roots)?;
        let log = Log::load_tree(Arc::clone(store), writer_epoch, &keys)?;
        Ok((log.head(&keys), log.into_tree()))
    }

    /// What opens it again, if it may be closed now: no write failed, no rotation is under way.
    pub fn rest(&mut self) -> Option<Rest> {
        let (wrap, counts) = (self.keys().only_wrap()?, Some(self.counts()));
        let head = self.durable_head()?;
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
