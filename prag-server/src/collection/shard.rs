//! A collection's shard at work: one writer, many readers.
//!
//! Layer: collection.
//! Holds: the order commit → durable → visible, and read access to the live view.
//! Never: decides who may write; `flow` has.
//! Invariant: a reader sees a write only after it is on disk; after a failed write the shard is closed.

use super::CollectionError;
use super::keys::Keys;
use super::log::Log;
use super::manifest::{FORMAT, Manifest};
use super::memory::{Charge, Component, OpenShard, digest_bytes};
use super::profile::Shape;
use super::record::{Batch, Idempotency};
use super::segment::load_segments;
use super::shelf::Retired;
use super::state::Live;
use prag_client::vault::Shares;
use prag_protocol::wire::collections::Profile;
use prag_protocol::{CollectionId, Epoch, Lineage};
use prag_store::Batch as StoreBatch;
use prag_trust::entropy::Entropy;
use prag_trust::head::Head;
use prag_trust::key::{Key, Wrap};
use prag_trust::receipt::Batch as ProvenBatch;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

pub use super::batches::{batch, put_batches};
pub use super::rest::{Counts, Home, Rest};

/// Idempotency keys are remembered this long, seconds.
pub const IDEMPOTENCY_SECONDS: u64 = 24 * 3600;

/// So many of them are remembered at most.
pub const IDEMPOTENCY_KEYS_MAX: usize = 300_000;

/// A collection's only shard, open for writing.
pub struct CollectionShard {
    pub(super) keys: RwLock<Arc<Keys>>,
    pub(super) profile: Profile,
    pub(super) shape: Shape,
    pub(super) live: RwLock<Live>,
    pub(super) writer: Mutex<Writer>,
    /// Held while a freeze runs: there is one at a time.
    pub(super) freezing: Mutex<()>,
    /// What it stands on: its store, and what it shares with other shards.
    pub(super) home: Home,
    /// Texts that are read a last time.
    pub(super) retired: Arc<Retired>,
    /// Whether it stands in the line for freezes and merges.
    pub(super) lined_up: AtomicBool,
    /// What the store takes for an open shard.
    _open: OpenShard,
    /// Where another worker may ask for them; they go when this shard's other keys go.
    pub(super) shares: Mutex<Option<(Epoch, Shares)>>,
}

pub(super) struct Writer {
    pub(super) log: Log,
    pub(super) manifest: Manifest,
    pub(super) recent: HashMap<[u8; 32], Idempotency>,
    pub(super) failed: bool,
    /// The log's tree.
    digests: Charge,
}

/// What names a shard: which collection, which data, which key epoch, who writes.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Whose.
    pub collection: CollectionId,
    /// Which data.
    pub lineage: Lineage,
    /// Key epoch.
    pub epoch: Epoch,
    /// Writer epoch, part of every head.
    pub writer_epoch: u64,
}

impl CollectionShard {
    /// Write a new, empty shard into `store`.
    ///
    /// # Errors
    /// What the store says; nothing is there then.
    pub fn create(
        identity: Identity,
        profile: Profile,
        wrap: Key<Wrap>,
        home: impl Into<Home>,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, CollectionError> {
        let Identity { collection, lineage, epoch, writer_epoch } = identity;
        let shape = Shape::of(&profile)?;
        let home = home.into();
        let open = home.accounts.open_shard(OPEN_SHARD_BYTES)?;
        let mut write = StoreBatch::new();
        let keys = Keys::create(collection, lineage, epoch, wrap, &mut write, entropy)?;
        let mut manifest = Manifest {
            format: FORMAT,
            profile: serde_json::to_string(&profile).unwrap_or_default(),
            roots: keys.listed(),
            ..Manifest::default()
        };
        let none = Manifest::default();
        manifest.put(&none, (&keys, home.store.as_ref()), &mut write, entropy)?;
        let seq = home.store.commit(write)?;
        home.store.durable(seq)?;
        let log = Log::create(Arc::clone(&home.store), writer_epoch);
        let live = Live::counted(shape, Vec::new(), &home.accounts);
        let digests = home.accounts.charge(Component::Trees, 0);
        let writer = Writer { log, manifest, recent: HashMap::new(), failed: false, digests };
        Ok(Self::assemble(keys, (profile, shape), live, writer, home, open))
    }

    /// Open a stored shard: manifest, segments, then the tail, each authenticated at its place.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] names what failed; the caller quarantines this shard and serves the others.
    /// [`CollectionError::Memory`] where its segments do not fit: nothing is wrong with it.
    pub fn open(
        identity: Identity,
        wrap: impl Into<Arc<Key<Wrap>>>,
        home: impl Into<Home>,
    ) -> Result<Self, CollectionError> {
        let Identity { collection, lineage, epoch, writer_epoch } = identity;
        let home = home.into();
        let Home { store, accounts, .. } = &home;
        let open = accounts.open_shard(OPEN_SHARD_BYTES)?;
        let keys = Keys::load(collection, lineage, epoch, wrap.into(), store.as_ref())?;
        let manifest = Manifest::load(&keys, store.as_ref())?;
        let keys = keys.begin(&manifest.roots)?;
        let profile: Profile = serde_json::from_str(&manifest.profile)
            .map_err(|_| CollectionError::Tampered("profile"))?;
        let shape = Shape::of(&profile)?;
        let segments = load_segments(&keys, &manifest, &profile, &home)?;
        let mut live = Live::counted(shape, segments, accounts);
        let mut recent: HashMap<_, _> =
            manifest.idempotency.iter().map(|entry| (entry.key, entry.clone())).collect();
        let mut apply = |batch: Batch| {
            if let Some(entry) = &batch.idempotency {
                recent.insert(entry.key, entry.clone());
            }
            live.apply(batch)?;
            // A tail is counted as it grows; one that does not fit is refused, as a segment is.
            accounts.reserve(Component::Tails, 0)?;
            Ok(())
        };
        let log = Log::load(Arc::clone(store), writer_epoch, &keys, manifest.base, &mut apply)?;
        live.sweep_staged();
        let digests = accounts.reserve(Component::Trees, digest_bytes(log.size()))?;
        let writer = Writer { log, manifest, recent, failed: false, digests };
        Ok(Self::assemble(keys, (profile, shape), live, writer, home, open))
    }

    /// Commit, make durable, then show. All batches or, if the first fails, none.
    ///
    /// Returns the head after the last batch. Blocks on the disk.
    ///
    /// # Errors
    /// After a failure past the first commit the shard is closed until it is reopened.
    pub fn write(
        &self,
        batches: Vec<Batch>,
        entropy: &mut dyn Entropy,
    ) -> Result<Head, CollectionError> {
        let mut writer = self.writer();
        if writer.failed {
            return Err(CollectionError::Closed);
        }
        if batches.iter().any(|batch| batch.idempotency.is_some()) {
            writer.room_for_keys()?;
        }
        let keys = self.keys();
        let mut last = None;
        for batch in &batches {
            match writer.log.append(&keys, batch, entropy) {
                Ok(seq) => last = Some(seq),
                Err(error) => {
                    let untouched =
                        last.is_none() && matches!(error, CollectionError::TooLarge { .. });
                    writer.failed = !untouched;
                    return Err(error);
                }
            }
        }
        if let Some(seq) = last
            && let Err(error) = writer.log.durable(seq)
        {
            writer.failed = true;
            return Err(error);
        }
        writer.digests.grow(digest_bytes(batches.len() as u64));
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        for batch in batches {
            if let Some(entry) = &batch.idempotency {
                writer.recent.insert(entry.key, entry.clone());
            }
            if let Err(error) = live.apply(batch) {
                writer.failed = true;
                return Err(error.into());
            }
        }
        Ok(writer.log.head(&keys))
    }

    /// The live view; writers wait while it is held, so hold it for one search.
    pub fn read(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`CollectionShard::read`], unless a writer is at it.
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, Live>> {
        self.live.try_read().ok()
    }

    /// The live view together with the durable head that it shows.
    ///
    /// Waits for a write that is being made durable, as [`CollectionShard::head`] does.
    ///
    /// # Errors
    /// [`CollectionError::Closed`] after a failed write: nobody knows which head is on disk.
    pub fn snapshot(&self) -> Result<(Head, RwLockReadGuard<'_, Live>), CollectionError> {
        // Locked in the writers' own order: what is shown cannot change before the view is held.
        let writer = self.writer();
        if writer.failed {
            return Err(CollectionError::Closed);
        }
        Ok((writer.log.head(&self.keys()), self.read()))
    }

    /// Whose data.
    #[must_use]
    pub fn collection(&self) -> CollectionId {
        self.keys().collection
    }

    /// The frozen profile.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Whether scans must tell nothing of what is sought.
    #[must_use]
    pub fn oblivious(&self) -> bool {
        self.shape.oblivious
    }

    /// The shard's lineage.
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        self.keys().lineage
    }

    /// The key epoch that its DEKs are wrapped in.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.keys().epoch()
    }

    /// The durable head.
    #[must_use]
    pub fn head(&self) -> Head {
        self.writer().log.head(&self.keys())
    }

    /// The head, unless a write failed half-way: then nobody knows what of it is on disk.
    #[must_use]
    pub fn durable_head(&self) -> Option<Head> {
        let writer = self.writer();
        (!writer.failed).then(|| writer.log.head(&self.keys()))
    }

    /// The root as it was after `size` batches; `None` if there are fewer.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<[u8; 32]> {
        self.writer().log.root_at(size)
    }

    /// Consistency proof from an earlier size.
    #[must_use]
    pub fn consistency(&self, from: u64) -> Option<Vec<[u8; 32]>> {
        self.writer().log.consistency(from)
    }

    /// Proofs that batches `seqs` are among the first `size`; `None` if one is not.
    #[must_use]
    pub fn inclusions(&self, seqs: &[u64], size: u64) -> Option<Vec<ProvenBatch>> {
        let writer = self.writer();
        seqs.iter().map(|seq| writer.log.inclusion(*seq, size)).collect()
    }

    /// What an idempotency key was answered with, if it is younger than a day at `now`.
    #[must_use]
    pub fn recall(&self, key: &[u8; 32], now: u64) -> Option<[u8; 32]> {
        let writer = self.writer();
        let entry = writer.recent.get(key)?;
        (entry.time.saturating_add(IDEMPOTENCY_SECONDS) > now).then_some(entry.digest)
    }

    /// Hold the shares of a key epoch, for as long as this shard is open.
    pub fn hold_shares(&self, epoch: Epoch, shares: Shares) {
        *self.shares.lock().unwrap_or_else(PoisonError::into_inner) = Some((epoch, shares));
    }

    /// What `give` makes of the shares of `epoch`, if they are held.
    pub fn with_shares<T>(&self, epoch: Epoch, give: impl FnOnce(&Shares) -> T) -> Option<T> {
        let held = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().filter(|(of, _)| *of == epoch).map(|(_, shares)| give(shares))
    }

    /// Write nothing more, for good: the keys are to go. Who searches finishes.
    pub fn close(&self) {
        self.writer().failed = true;
    }

    /// The keys as they are now. Under the writer's lock they stay so.
    pub(super) fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Other keys from now on; the caller holds the writer's lock.
    pub(super) fn change_keys(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Commit and make durable, or close the shard: nobody knows then what is on disk.
    pub(super) fn commit(
        &self,
        writer: &mut Writer,
        write: StoreBatch,
    ) -> Result<(), CollectionError> {
        if writer.failed {
            return Err(CollectionError::Closed);
        }
        let done = self.home.store.commit(write).and_then(|seq| self.home.store.durable(seq));
        writer.failed = done.is_err();
        Ok(done?)
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn assemble(
        keys: Keys,
        (profile, shape): (Profile, Shape),
        live: Live,
        writer: Writer,
        home: Home,
        open: OpenShard,
    ) -> Self {
        Self {
            keys: RwLock::new(Arc::new(keys)),
            profile,
            shape,
            live: RwLock::new(live),
            writer: Mutex::new(writer),
            freezing: Mutex::new(()),
            home,
            retired: Arc::default(),
            lined_up: AtomicBool::new(false),
            _open: open,
            shares: Mutex::default(),
        }
    }
}

impl Writer {
    /// Every key that is remembered is to fit the manifest.
    fn room_for_keys(&mut self) -> Result<(), CollectionError> {
        if self.recent.len() < IDEMPOTENCY_KEYS_MAX {
            return Ok(());
        }
        self.forget_expired();
        let room = self.recent.len() < IDEMPOTENCY_KEYS_MAX;
        room.then_some(()).ok_or(CollectionError::Keys { max: IDEMPOTENCY_KEYS_MAX })
    }

    /// Idempotency keys go that are a day older than the newest: no clock finds them any more.
    pub(super) fn forget_expired(&mut self) {
        let newest = self.recent.values().map(|entry| entry.time).max().unwrap_or_default();
        self.recent.retain(|_, entry| entry.time.saturating_add(IDEMPOTENCY_SECONDS) > newest);
    }
}

/// What an open shard takes in the store, measured with the example `tiny_collections`, bytes.
const OPEN_SHARD_BYTES: u64 = 256 << 10;
