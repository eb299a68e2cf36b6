//! What a worker does, in order: the only layer that knows the order.
//!
//! Layer: between `http` and the leaves.
//! Holds: one async method of [`Worker`] for each thing a caller can ask.
//! Never: status codes, sockets, sealing details.
//! Invariant: every method admits its caller itself, against a fresh ledger view, before it touches data.

mod acknowledge;
mod admit;
mod adopt;
mod anchor;
mod attend;
mod attest;
mod authorize;
mod births;
mod bulk;
mod challenge;
mod chunking;
mod collections;
mod compact;
mod context;
mod corpus;
mod departure;
mod documents;
mod embed;
mod grants;
mod held;
mod ingest;
mod lease;
mod lock;
mod look;
mod market;
mod memory;
mod opening;
mod operations;
mod peer;
mod plan;
mod policy;
mod prices;
mod probe;
mod problems;
mod profile;
mod prune;
mod query;
mod quota;
mod rate;
mod readers;
mod receipt;
mod rest;
mod restore;
mod room;
mod rotate;
mod scopes;
mod search;
mod sketch;
mod snapshot;
mod upkeep;
mod usage;
mod validate;
mod vaults;
mod veiled;
mod watch;
mod writer;

pub use attest::HeadReply;
pub use authorize::Asker;
pub use corpus::Corpora;
pub use departure::Departure;
pub use held::Held;
pub use readers::Answer;

use crate::channel::KeyRing;
use crate::collection::upkeep::Upkeep;
use crate::components::Components;
use crate::metrics::Metrics;
use crate::room::Room;
use crate::settings::Settings;
use crate::tls::Certificates;
use challenge::Challenges;
use operations::Operations;
use prag_client::ledger::Standing;
use prag_client::system::OsEntropy;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::{Address, CollectionId};
use prag_trust::entropy::Clock;
use prag_trust::permit::{Expected, PermitCache};
use prag_trust::request::NonceCache;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};
use tokio::sync::Semaphore;

/// A worker: cheap to clone, shared by every request.
#[derive(Clone)]
pub struct Worker(Arc<Inner>);

/// Requests remembered for the replay check: 5,000 a second over the window on both sides.
const NONCES_MAX: usize = 1 << 20;

struct Inner {
    settings: Settings,
    parts: Components,
    collections: RwLock<HashMap<CollectionId, Arc<Held>>>,
    corpora: Mutex<Corpora>,
    operations: Mutex<Operations>,
    nonces: Mutex<NonceCache>,
    permits: PermitCache,
    room: Room,
    metrics: Metrics,
    /// Live queries that are run again, to see what they miss.
    probe: probe::Probe,
    /// Somebody whose permit verified has asked since the boot, so the clock is right within the time window.
    heard: AtomicBool,
    challenges: Challenges,
    memory: memory::Memory,
    /// How segments are built.
    upkeep: Arc<Upkeep>,
    /// Shards that wait for a freeze or merge.
    line: upkeep::Line,
    /// Permits for long work.
    works: Arc<Semaphore>,
    /// Anchors are taken one by one.
    anchoring: tokio::sync::Mutex<anchor::Anchoring>,
    /// The worker looks at its part in the market in one place at a time; what failed in the last look.
    attending: tokio::sync::Mutex<Vec<String>>,
    /// Books of reports are read for owners one at a time: they are large.
    books: tokio::sync::Mutex<()>,
    /// Shares of collections whose owners have yet to sign for them.
    births: births::Births,
    /// Units of quotas that were taken ahead.
    slices: quota::Slices,
    /// Collections wait for the ledger to answer: they are opened once it does.
    waiting: AtomicBool,
    /// Held by whoever makes, reads or restores a snapshot.
    archiving: Arc<tokio::sync::Mutex<()>>,
    /// Held by whoever changes a collection's epoch, placement or shares.
    turning: tokio::sync::Mutex<()>,
}

impl Worker {
    /// A worker over its components; opens what its vault can open.
    ///
    /// # Errors
    /// A [`Problem`] where the catalogue itself cannot be read; a bad shard is only quarantined.
    pub async fn start(settings: Settings, parts: Components) -> Result<Self, Problem> {
        let challenges = Challenges::new(&mut OsEntropy)
            .map_err(|_| Problem::new(Code::Internal, "no randomness"))?;
        let line = upkeep::Line::start()
            .map_err(|_| Problem::new(Code::Internal, "no thread for freezes and merges"))?;
        let (memory, upkeep) = (memory::Memory::new(&settings)?, upkeep::builds(&settings));
        let inner = Inner {
            settings,
            parts,
            collections: RwLock::default(),
            corpora: Mutex::default(),
            operations: Mutex::default(),
            nonces: Mutex::new(NonceCache::new(NONCES_MAX)),
            permits: PermitCache::default(),
            room: Room::default(),
            metrics: Metrics::default(),
            probe: probe::Probe::new(),
            heard: AtomicBool::new(false),
            challenges,
            memory,
            upkeep: Arc::new(upkeep),
            line,
            works: Arc::new(Semaphore::new(compact::WORKS_MAX)),
            anchoring: tokio::sync::Mutex::default(),
            attending: tokio::sync::Mutex::default(),
            books: tokio::sync::Mutex::default(),
            births: births::Births::default(),
            slices: quota::Slices::default(),
            waiting: AtomicBool::new(false),
            archiving: Arc::default(),
            turning: tokio::sync::Mutex::default(),
        };
        let worker = Self(Arc::new(inner));
        worker.open_all().await?;
        worker.keep_anchoring();
        worker.keep_leases();
        worker.keep_resting();
        worker.keep_attending();
        Ok(worker)
    }

    /// The worker's clock, unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.parts.clock.now()
    }

    /// The Ed25519 key of this boot.
    #[must_use]
    pub fn worker_key(&self) -> [u8; 32] {
        self.0.parts.signing.verifying_key().to_bytes()
    }

    /// The ledger that it obeys.
    #[must_use]
    pub fn ledger_id(&self) -> [u8; 32] {
        self.0.parts.ledger.id()
    }

    /// What a permit must name to be meant for this worker.
    #[must_use]
    pub fn expected(&self) -> Expected {
        let ledger = &self.0.parts.ledger;
        Expected { chain_id: ledger.chain_id(), contract: ledger.contract() }
    }

    /// Nonces seen within the time window.
    #[must_use]
    pub fn nonces(&self) -> &Mutex<NonceCache> {
        &self.0.nonces
    }

    /// Permits that verified before.
    #[must_use]
    pub fn permits(&self) -> &PermitCache {
        &self.0.permits
    }

    /// How much room a hit is given in a reply.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.0.room
    }

    /// The channel's keys.
    #[must_use]
    pub fn ring(&self) -> &Arc<KeyRing> {
        &self.0.parts.ring
    }

    /// The certificate of the worker's own TLS, if it has one.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<Certificates>> {
        self.0.parts.tls.as_ref()
    }

    /// The worker's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.parts.clock
    }

    /// The settings of this boot.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Counters and gauges, without any id.
    #[must_use]
    pub fn counters(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Prometheus text: totals only, no names and no ids.
    #[must_use]
    pub fn metrics(&self) -> String {
        let collections = self.0.collections.read().unwrap_or_else(lock::ignore_poison);
        let quarantined = collections.values().filter(|held| held.quarantined()).count();
        let locked = collections.values().filter(|held| held.locked()).count();
        let resting = collections.values().filter(|held| held.resting().is_some()).count();
        let reads = self.0.parts.engine.reads();
        // Counted before they are read, and looked at after.
        let texts = self.0.memory.accounts.text_reads();
        let held = [collections.len(), locked, quarantined, resting];
        let mut out = self.0.metrics.render(held, reads, texts);
        self.0.memory.render(&mut out);
        out
    }

    /// Whether the worker can answer, and where its ledger stands.
    ///
    /// # Errors
    /// `ledger-unavailable`, with the reason; `ledger-stale`.
    pub async fn ready(&self) -> Result<Standing, Problem> {
        self.0.parts.ledger.standing().await.map_err(problems::ledger)
    }

    /// The worker's account on the ledger.
    #[must_use]
    pub fn account(&self) -> &Address {
        &self.0.parts.account
    }
}
