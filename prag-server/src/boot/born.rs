//! The part of a worker that needs no sealing root, and what it becomes with one.
//!
//! Layer: server, `boot`.
//! Holds: evidence, keys of this boot, TLS, model and clock; then own shard, ledger and vaults, in this order.
//! Never: a secret that outlives the boot.
//! Invariant: a root that does not open what is there changes nothing, and another one may be tried.

use super::BootError;
use crate::archives::Archives;
use crate::attestation::POLICY_EPOCH;
use crate::channel::KeyRing;
use crate::clock::WorkerClock;
use crate::components::Components;
use crate::flow::Worker;
use crate::image::own_image;
use crate::meter::{Meter, Vouching};
use crate::sessions::Sessions;
use crate::settings::{Metering, Settings, SettingsError, VaultKind};
use crate::tls::Certificates;
use crate::vault::{
    Anchors, Catalog, ChainShares, ChainVault, Genesis, LocalVault, PeerVault, Portrait, Reports,
    UsageRows, Vaults,
};
use ed25519_dalek::SigningKey;
use prag_client::ledger::Ledger;
use prag_client::system::OsEntropy;
use prag_client::vault::{KeyVault, VaultError};
use prag_embedder::{BertEmbedder, Embedder, ModelFiles, Options, Preset, Source};
use prag_protocol::Address;
use prag_protocol::problem::Code;
use prag_store::{Engine, Open, Shard, ShardName, StoreError};
use prag_trust::entropy::{Clock, Entropy, random};
use prag_trust::evidence::{Tee, Verifier};
use prag_trust::key::{Key, Vault};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a worker's state lies on. Cheap to clone.
#[derive(Clone)]
pub struct Base {
    /// Where shards lie.
    pub engine: Arc<dyn Engine>,
    /// The ledger that the worker obeys; without one, that of the settings.
    pub ledger: Option<Arc<dyn Ledger>>,
}

/// What is born with the process. Cheap to clone.
#[derive(Clone)]
pub struct Born {
    /// Numbers and paths.
    pub settings: Settings,
    /// Gives evidence.
    pub tee: Arc<dyn Tee>,
    /// The key of this boot, never stored.
    pub signing: SigningKey,
    /// Short-lived channel and release keys.
    pub ring: Arc<KeyRing>,
    /// The worker's time.
    pub clock: Arc<WorkerClock>,
    /// Digest of the settings, as the evidence binds it.
    pub config_digest: [u8; 32],
    tls: Option<Arc<Certificates>>,
    verifier: Arc<dyn Verifier>,
    embedder: Arc<dyn Embedder>,
    model_files: [String; 3],
}

impl Born {
    /// Loads the model, and makes or reads the keys of this boot.
    ///
    /// # Errors
    /// [`BootError::Model`]; [`BootError::Tls`]; [`BootError::State`] without randomness.
    pub fn new(
        settings: Settings,
        tee: Arc<dyn Tee>,
        verifier: Box<dyn Verifier>,
        clock: WorkerClock,
    ) -> Result<Self, BootError> {
        let clock = Arc::new(clock);
        let (embedder, model_files) = load_model(&settings)?;
        let config_digest = settings.digest(&model_files);
        let seed: [u8; 32] = random(&mut OsEntropy).map_err(|error| state(&error))?;
        let seed = Zeroizing::new(seed);
        let ring = KeyRing::new(entropy(), clock.now()).map_err(|error| state(&error))?;
        let tls = settings.tls.as_ref();
        let tls = tls.map(|tls| Certificates::open(tls, Arc::<WorkerClock>::clone(&clock)));
        Ok(Self {
            tee,
            signing: SigningKey::from_bytes(&seed),
            ring: Arc::new(ring),
            clock,
            config_digest,
            tls: tls.transpose()?,
            verifier: Arc::from(verifier),
            embedder,
            model_files,
            settings,
        })
    }

    /// The certificate of the worker's own TLS, the same while it is sealed and once it is open.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<Certificates>> {
        self.tls.as_ref()
    }

    /// The worker whose state on `base` is sealed under `root`; a new data directory is born under it.
    ///
    /// # Errors
    /// [`BootError::Root`] for another root than that of the state; [`BootError::Platform`] where the worker's own
    /// evidence does not hold; [`BootError::Memory`]; [`BootError::State`].
    pub async fn open(&self, base: Base, root: &Zeroizing<[u8; 32]>) -> Result<Worker, BootError> {
        let (born, root) = (self.clone(), root.clone());
        let work = move || born.parts(base, &root);
        let parts = tokio::task::spawn_blocking(work).await.map_err(|error| state(&error))??;
        let started = Worker::start(self.settings.clone(), parts).await;
        started.map_err(|problem| match problem.code {
            Code::MemoryLimit => BootError::Memory(problem.detail),
            _ => BootError::State(problem.to_string()),
        })
    }

    /// The whole worker. Blocks.
    fn parts(self, base: Base, root: &[u8; 32]) -> Result<Components, BootError> {
        let Base { engine, ledger } = base;
        let own = own_shard(engine.as_ref()).map_err(|error| state(&error))?;
        let key = Arc::new(Key::<Vault>::from_root(root));
        let genesis = Genesis::load_or_make(Arc::clone(&key), Arc::clone(&own), entropy());
        let genesis = genesis.map_err(|error| match error {
            VaultError::Tampered => BootError::Root,
            other => state(&other),
        })?;
        let ledger = match ledger {
            Some(ledger) => ledger,
            None => self.ledger(&genesis, &key, &own)?,
        };
        let archives = Archives::open(&self.settings.snapshots).map_err(BootError::Target)?;
        let portrait = Arc::new(self.portrait(ledger.id()));
        let chain =
            || ChainVault::new(Arc::clone(&ledger), genesis.account.clone(), Arc::clone(&portrait));
        let local = || LocalVault::new(Arc::clone(&key), Arc::clone(&own), entropy());
        Ok(Components {
            image: own_image(&portrait)?,
            sessions: Sessions::new(&mut OsEntropy).map_err(|error| state(&error))?,
            vaults: vaults(&self.settings, &portrait, local, chain),
            chain: chain(),
            ledger: Arc::clone(&ledger),
            portrait: Arc::clone(&portrait),
            chain_shares: ChainShares::new(Arc::clone(&key), Arc::clone(&own), entropy()),
            anchors: Anchors::new(Arc::clone(&key), Arc::clone(&own), entropy()),
            meter: self
                .meter(&ledger, &genesis.account, &key, &own)
                .map_err(|error| state(&error))?,
            reports: Reports::new(Arc::clone(&key), Arc::clone(&own), entropy()),
            catalog: Catalog::new(key, own, entropy()),
            archives,
            engine,
            tee: self.tee,
            verifier: self.verifier,
            signing: self.signing,
            ring: self.ring,
            tls: self.tls,
            embedder: self.embedder,
            model_files: self.model_files,
            clock: self.clock,
            account: genesis.account,
            config_digest: self.config_digest,
        })
    }

    /// What grantees have used, where the settings have it metered.
    fn meter(
        &self,
        ledger: &Arc<dyn Ledger>,
        worker: &Address,
        key: &Arc<Key<Vault>>,
        own: &Arc<dyn Shard>,
    ) -> Result<Option<Arc<Meter>>, VaultError> {
        let Some(Metering { credit }) = self.settings.metering else {
            return Ok(None);
        };
        let signing = self.signing.clone();
        let rows = UsageRows::open(key, own, entropy, signing.verifying_key().to_bytes())?;
        let market = self.settings.market.as_ref();
        let reports = ledger.has_market() && market.is_some_and(|market| market.worker.is_some());
        let worker = ledger.spelled(worker);
        let vouching = Vouching { ledger: ledger.id(), worker, signing, reports };
        Meter::open(credit, vouching, rows).map(|meter| Some(Arc::new(meter)))
    }

    /// What this worker is to others that follow `ledger_id`.
    fn portrait(&self, ledger_id: [u8; 32]) -> Portrait {
        Portrait {
            tee: Arc::clone(&self.tee),
            verifier: Arc::clone(&self.verifier),
            signing: self.signing.clone(),
            clock: Arc::<WorkerClock>::clone(&self.clock),
            ledger_id,
            config_digest: self.config_digest,
            policy_epoch: POLICY_EPOCH,
            platform: self.settings.peer_platform.policy(),
        }
    }
}

/// The configured kinds in order, one vault for each peer.
fn vaults(
    settings: &Settings,
    portrait: &Arc<Portrait>,
    local: impl Fn() -> LocalVault,
    chain: impl Fn() -> ChainVault,
) -> Vaults {
    let mut vaults: Vec<Box<dyn KeyVault>> = Vec::new();
    for kind in &settings.vault {
        match kind {
            VaultKind::Local => vaults.push(Box::new(local())),
            VaultKind::Chain => vaults.push(Box::new(chain())),
            VaultKind::Peer => {
                for peer in &settings.peer {
                    let vault = PeerVault::new(peer.url.clone(), Arc::clone(portrait));
                    vaults.push(Box::new(vault));
                }
            }
            VaultKind::Owner => break,
        }
    }
    Vaults::new(vaults)
}

pub(super) fn entropy() -> Box<dyn Entropy> {
    Box::new(OsEntropy)
}

fn load_model(settings: &Settings) -> Result<(Arc<dyn Embedder>, [String; 3]), BootError> {
    let failed = |why: String| BootError::Model(settings.model.display().to_string(), why);
    let mut preset = Preset::by_name(&settings.model_name).ok_or_else(|| {
        failed(format!("`{}` is not a model that this build knows", settings.model_name))
    })?;
    if !settings.model_blake3.is_empty() {
        let digest = hex::decode(&settings.model_blake3).ok();
        let digest = digest.and_then(|digest| <[u8; 32]>::try_from(digest).ok());
        let digest = digest.ok_or(SettingsError::Bounds("model_blake3", "64 hex digits"))?;
        preset.expected.weights_blake3 = Some(digest);
    }
    let source = Source::Folder(settings.model.clone());
    let files = ModelFiles::read(&source).map_err(|error| failed(error.to_string()))?;
    let embedder = BertEmbedder::load(files, &preset, &Options::default())
        .map_err(|error| failed(error.to_string()))?;
    let card = embedder.model();
    let files = [card.weights_blake3, card.tokenizer_blake3, card.config_blake3].map(hex::encode);
    Ok((Arc::new(embedder), files))
}

/// The worker's own shard: ledger, vault, catalogue. It has one writer epoch; a boot that died while it made the shard
/// leaves it without one.
fn own_shard(engine: &dyn Engine) -> Result<Arc<dyn Shard>, StoreError> {
    engine.open(OWN, Open::Writer { expected_epoch: 0, claim: 1 })
}

pub(super) fn state(error: &dyn std::error::Error) -> BootError {
    BootError::State(error.to_string())
}

const OWN: ShardName = ShardName([0; 16]);
