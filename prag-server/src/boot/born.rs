//! The part of a worker that needs no sealing root, and what it becomes with one.
//!
//! Layer: server, `boot`.
//! Holds: evidence, keys of this boot, model and clock; then own shard, ledger and vault, in this order.
//! Never: a secret that outlives the boot.
//! Invariant: a root that does not open what is there changes nothing, and another one may be tried.

use super::BootError;
use crate::channel::KeyRing;
use crate::components::Components;
use crate::flow::Worker;
use crate::ledger::EmbeddedLedger;
use crate::settings::{Settings, SettingsError, VaultKind};
use crate::vault::{Anchors, Catalog, ChainShares, Genesis, LocalVault};
use ed25519_dalek::SigningKey;
use prag_client::system::{OsEntropy, SystemClock};
use prag_client::vault::VaultError;
use prag_embedder::{BertEmbedder, Embedder, ModelFiles, Options, Preset, Source};
use prag_store::{Engine, Open, RocksEngine, Shard, ShardName, StoreError};
use prag_trust::entropy::{Clock, Entropy, random};
use prag_trust::evidence::Tee;
use prag_trust::key::{Key, Vault};
use std::sync::Arc;
use zeroize::Zeroizing;

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
    pub clock: Arc<dyn Clock>,
    /// Digest of the settings, as the evidence binds it.
    pub config_digest: [u8; 32],
    embedder: Arc<dyn Embedder>,
    model_files: [String; 3],
}

impl Born {
    /// Loads the model and makes the keys of this boot.
    ///
    /// # Errors
    /// [`BootError::Model`]; [`BootError::State`] without randomness.
    pub fn new(settings: Settings, tee: Arc<dyn Tee>) -> Result<Self, BootError> {
        let (embedder, model_files) = load_model(&settings)?;
        let config_digest = settings.digest(&model_files);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let seed: [u8; 32] = random(&mut OsEntropy).map_err(|error| state(&error))?;
        let seed = Zeroizing::new(seed);
        let ring = KeyRing::new(entropy(), clock.now()).map_err(|error| state(&error))?;
        Ok(Self {
            tee,
            signing: SigningKey::from_bytes(&seed),
            ring: Arc::new(ring),
            clock,
            config_digest,
            embedder,
            model_files,
            settings,
        })
    }

    /// The worker whose state is sealed under `root`; a new data directory is born under it.
    ///
    /// # Errors
    /// [`BootError::Root`] for another root than that of the state; [`BootError::State`].
    pub async fn open(&self, root: &Zeroizing<[u8; 32]>) -> Result<Worker, BootError> {
        let (born, root) = (self.clone(), root.clone());
        let work = move || born.parts(&root);
        let parts = tokio::task::spawn_blocking(work).await.map_err(|error| state(&error))??;
        let started = Worker::start(self.settings.clone(), parts).await;
        started.map_err(|problem| BootError::State(problem.to_string()))
    }

    fn parts(self, root: &[u8; 32]) -> Result<Components, BootError> {
        let settings = &self.settings;
        let engine: Arc<dyn Engine> =
            Arc::new(RocksEngine::open(&settings.data).map_err(|error| state(&error))?);
        let own = own_shard(engine.as_ref()).map_err(|error| state(&error))?;
        let key = Arc::new(Key::<Vault>::from_root(root));
        let genesis = Genesis::load_or_make(Arc::clone(&key), Arc::clone(&own), entropy());
        let genesis = genesis.map_err(|error| match error {
            VaultError::Tampered => BootError::Root,
            other => state(&other),
        })?;
        let ledger = EmbeddedLedger::open(
            genesis.ledger,
            key.derive(),
            Arc::clone(&own),
            Arc::clone(&self.clock),
            entropy(),
            settings.dev,
        )
        .map_err(|error| state(&error))?;
        let local = settings.vault.contains(&VaultKind::Local);
        Ok(Components {
            tee: self.tee,
            signing: self.signing,
            ring: self.ring,
            ledger: Arc::new(ledger),
            vault: local.then(|| LocalVault::new(Arc::clone(&key), Arc::clone(&own), entropy())),
            chain_shares: ChainShares::new(Arc::clone(&key), Arc::clone(&own), entropy()),
            anchors: Anchors::new(Arc::clone(&key), Arc::clone(&own), entropy()),
            catalog: Catalog::new(key, own, entropy()),
            engine,
            embedder: self.embedder,
            model_files: self.model_files,
            clock: self.clock,
            account: genesis.account,
            config_digest: self.config_digest,
        })
    }
}

fn entropy() -> Box<dyn Entropy> {
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

/// The worker's own shard: ledger, vault, catalogue.
fn own_shard(engine: &dyn Engine) -> Result<Arc<dyn Shard>, StoreError> {
    let present = engine.list()?.contains(&OWN);
    engine.open(OWN, Open::Writer { expected_epoch: u64::from(present), claim: 1 })
}

fn state(error: &dyn std::error::Error) -> BootError {
    BootError::State(error.to_string())
}

const OWN: ShardName = ShardName([0; 16]);
