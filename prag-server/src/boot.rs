//! From settings to a worker: the order in which parts are born.
//!
//! Layer: server.
//! Holds: the platform seam (real TEE, or the demo's simulation).
//! Never: a fallback; what is missing ends the boot with a reason and a next step.
//! Invariant: nothing is served before every part is there.

use crate::channel::KeyRing;
use crate::clock::{Counter, WorkerClock, counter};
use crate::components::Components;
use crate::flow::{POLICY_EPOCH, Worker};
use crate::image::own_image;
use crate::ledger::EmbeddedLedger;
use crate::sessions::Sessions;
use crate::settings::{Settings, SettingsError, VaultKind};
use crate::tls::{Certificates, TlsError};
use crate::vault::{
    Anchors, Catalog, ChainShares, ChainVault, Genesis, LocalVault, PeerVault, Portrait, Vaults,
};
use ed25519_dalek::SigningKey;
use prag_client::ledger::Ledger;
use prag_client::system::OsEntropy;
use prag_client::vault::KeyVault;
use prag_embedder::{BertEmbedder, Embedder, ModelFiles, Options, Preset, Source};
use prag_store::{Engine, Open, RocksEngine, Shard, ShardName, StoreError};
use prag_trust::entropy::{Clock, Entropy, random};
use prag_trust::evidence::{Policy, Tee, Verifier};
use prag_trust::key::{Key, Vault};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What the machine gives: evidence, and a key that only this TEE can get back.
pub struct Platform {
    /// Gives evidence.
    pub tee: Box<dyn Tee>,
    /// Judges evidence: this worker's own, its readers' and other workers'.
    pub verifier: Box<dyn Verifier>,
    /// Root of everything that the worker seals for itself, from the data directory's platform state.
    pub sealing_root: fn(&Path) -> Result<[u8; 32], BootError>,
    /// What the host says the time is, since 1970-01-01 UTC ([`crate::clock::host_time`]). Asked once, and believed
    /// only where the ledger has seen nothing later.
    pub host_time: Box<dyn Fn() -> Duration + Send + Sync>,
    /// True where nothing is protected.
    pub simulated: bool,
}

/// Why a boot ended, and what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootError {
    /// A setting.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No TEE.
    #[error("{0}")]
    Platform(String),
    /// The data directory.
    #[error("the data directory {0}: {1}")]
    Data(String, String),
    /// The model.
    #[error("the model in {0}: {1}; `make model` fetches it, or set `model` in the settings")]
    Model(String, String),
    /// The worker's own state.
    #[error("the worker's own state: {0}")]
    State(String),
    /// The socket.
    #[error("cannot listen on {0}: {1}")]
    Listen(String, String),
}

/// What a worker stands on besides its TEE: tests bring a store that dies, a ledger of several workers, time that jumps.
pub struct Machine {
    /// Where shards lie.
    pub engine: Arc<dyn Engine>,
    /// The ledger that the worker obeys; without one, an embedded one of its own.
    pub ledger: Option<Arc<dyn Ledger>>,
    /// Time since some moment, that the host cannot set.
    pub counter: Counter,
}

/// Build a worker on the disk and counter of this machine. Blocks for as long as segments take to load.
///
/// # Errors
/// [`BootError`], with what to do next.
pub async fn boot(settings: Settings, platform: Platform) -> Result<Worker, BootError> {
    settings.check()?;
    prepare_data(&settings.data)?;
    let engine = RocksEngine::open(&settings.data).map_err(|error| state(&error))?;
    let machine = Machine { engine: Arc::new(engine), ledger: None, counter: counter() };
    boot_on(machine, settings, platform).await
}

/// As [`boot`], on another machine.
///
/// # Errors
/// As [`boot`].
pub async fn boot_on(
    machine: Machine,
    settings: Settings,
    platform: Platform,
) -> Result<Worker, BootError> {
    settings.check()?;
    let Machine { engine, ledger, counter } = machine;
    let root = (platform.sealing_root)(&settings.data)?;
    let (embedder, model_files) = load_model(&settings)?;
    let config_digest = settings.digest(&model_files);

    let own = own_shard(engine.as_ref()).map_err(|error| state(&error))?;
    let key = Arc::new(Key::<Vault>::from_root(&root));
    let entropy = || -> Box<dyn Entropy> { Box::new(OsEntropy) };
    let genesis = Genesis::load_or_make(Arc::clone(&key), Arc::clone(&own), entropy())
        .map_err(|error| state(&error))?;
    let clock = Arc::new(WorkerClock::start(platform.host_time.as_ref(), counter));
    let embedded = || {
        let (own, told) = (Arc::clone(&own), Arc::<WorkerClock>::clone(&clock));
        EmbeddedLedger::open(genesis.ledger, key.derive(), own, told, entropy(), settings.dev)
    };
    let ledger = match ledger {
        Some(ledger) => ledger,
        None => {
            let ledger = embedded().map_err(|error| state(&error))?;
            clock.raise(ledger.time());
            Arc::new(ledger)
        }
    };
    let tls = settings.tls.as_ref();
    let tls = tls.map(|tls| Certificates::open(tls, Arc::<WorkerClock>::clone(&clock)));
    let tls = tls.transpose()?;
    tls.iter().for_each(Certificates::keep_fresh);
    let told: Arc<dyn Clock> = Arc::<WorkerClock>::clone(&clock);
    let portrait = Arc::new(Portrait {
        ledger_id: ledger.id(),
        config_digest,
        platform: settings.peer_platform.policy(),
        ..portrait(platform, told)?
    });
    let chain =
        || ChainVault::new(Arc::clone(&ledger), genesis.account.clone(), Arc::clone(&portrait));
    let local = || LocalVault::new(Arc::clone(&key), Arc::clone(&own), entropy());
    let vaults = vaults(&settings, &portrait, local, chain);
    let parts = Components {
        tee: Arc::clone(&portrait.tee),
        verifier: Arc::clone(&portrait.verifier),
        image: own_image(&portrait)?,
        sessions: Sessions::new(&mut OsEntropy).map_err(|error| state(&error))?,
        signing: portrait.signing.clone(),
        ring: KeyRing::new(entropy(), clock.now()).map_err(|error| state(&error))?,
        tls,
        vaults,
        chain: chain(),
        ledger: Arc::clone(&ledger),
        portrait: Arc::clone(&portrait),
        chain_shares: ChainShares::new(Arc::clone(&key), Arc::clone(&own), entropy()),
        anchors: Anchors::new(Arc::clone(&key), Arc::clone(&own), entropy()),
        catalog: Catalog::new(key, own, entropy()),
        engine,
        embedder,
        model_files,
        clock,
        account: genesis.account,
        config_digest,
    };
    Worker::start(settings, parts).await.map_err(|problem| BootError::State(problem.to_string()))
}

/// A key of this boot, on this platform; what the worker follows is still blank.
fn portrait(platform: Platform, clock: Arc<dyn Clock>) -> Result<Portrait, BootError> {
    let seed: [u8; 32] = random(&mut OsEntropy).map_err(|error| state(&error))?;
    Ok(Portrait {
        tee: Arc::from(platform.tee),
        verifier: Arc::from(platform.verifier),
        signing: SigningKey::from_bytes(&seed),
        clock,
        ledger_id: [0; 32],
        config_digest: [0; 32],
        policy_epoch: POLICY_EPOCH,
        platform: Policy::default(),
    })
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

fn prepare_data(data: &Path) -> Result<(), BootError> {
    let failed =
        |error: std::io::Error| BootError::Data(data.display().to_string(), error.to_string());
    std::fs::create_dir_all(data).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
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
