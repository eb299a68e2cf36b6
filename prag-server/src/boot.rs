//! From settings to a worker: the order in which parts are born.
//!
//! Layer: server.
//! Holds: the platform seam (real TEE, or the demo's simulation), and the choice between an open and a sealed boot.
//! Never: a fallback; what is missing ends the boot with a reason and a next step.
//! Invariant: nothing is served before every part is there; a worker without its sealing root is [`Sealed`] and nothing
//! else.

mod born;
mod detect;
mod ledger;

pub use born::{Base, Born};
pub use detect::{detect, detect_through};

use crate::clock::{Counter, WorkerClock, counter};
use crate::flow::Worker;
use crate::machine;
use crate::sealed::Sealed;
use crate::settings::{Settings, SettingsError};
use crate::tls::{Certificates, TlsError};
use prag_client::ledger::Ledger;
use prag_store::{Engine, RocksEngine};
use prag_trust::evidence::{Tee, Verifier};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// What the machine gives: evidence, and a key that only this TEE can get back.
pub struct Platform {
    /// Gives evidence.
    pub tee: Arc<dyn Tee>,
    /// Judges evidence: this worker's own, its readers' and other workers'.
    pub verifier: Box<dyn Verifier>,
    /// Root of everything that the worker seals for itself in a data directory; asked only where no steward is set.
    pub sealing_root: SealingRoot,
    /// What the host says the time is, since 1970-01-01 UTC ([`crate::clock::host_time`]). Asked once, and believed
    /// only where the ledger has seen nothing later.
    pub host_time: Box<dyn Fn() -> Duration + Send + Sync>,
    /// True where nothing is protected.
    pub simulated: bool,
}

/// Asks for the sealing root of a data directory, where the TEE has one.
pub type SealingRoot = Box<dyn FnOnce(&Path) -> Result<Zeroizing<[u8; 32]>, BootError> + Send>;

/// A worker that came up.
pub enum Booted {
    /// It serves.
    Open(Worker),
    /// It waits for its sealing root.
    Sealed(Box<Sealed>),
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
    /// The TEE gives evidence, but no key to seal with.
    #[error(
        "{0} has no sealing key: set `steward = \"secret1…\"` in the settings; that account then opens the worker after \
         each boot with `prag unlock`"
    )]
    NoSealingKey(&'static str),
    /// The data directory.
    #[error("the data directory {0}: {1}")]
    Data(String, String),
    /// The model.
    #[error("the model in {0}: {1}; `make model` fetches it, or set `model` in the settings")]
    Model(String, String),
    /// What is there was sealed under another root. Nothing was changed.
    #[error(
        "the worker's own state does not open under this sealing root: another image or chip sealed it, or another \
         steward's root"
    )]
    Root,
    /// The worker's own state.
    #[error("the worker's own state: {0}")]
    State(String),
    /// The memory limit is too small.
    #[error("settings: {0}")]
    Memory(String),
    /// A target for snapshots.
    #[error("settings: [[snapshots]]: {0}")]
    Target(String),
    /// The socket.
    #[error("cannot listen on {0}: {1}")]
    Listen(String, String),
}

/// What a worker stands on besides its TEE: tests bring a store that dies, a ledger of several workers, time that jumps.
pub struct Machine {
    /// Where shards lie.
    pub engine: Arc<dyn Engine>,
    /// The ledger that the worker obeys; without one, that of the settings.
    pub ledger: Option<Arc<dyn Ledger>>,
    /// Time since some moment, that the host cannot set.
    pub counter: Counter,
}

/// Bring up a worker on the disk and counter of this machine: sealed where the settings name a steward, else with the
/// TEE's own sealing root.
///
/// Blocks for as long as segments take to load.
///
/// # Errors
/// [`BootError`], with what to do next.
pub async fn boot(settings: Settings, platform: Platform) -> Result<Booted, BootError> {
    settings.check()?;
    prepare_data(&settings.data)?;
    if let Some(files) = machine::raise_open_files().filter(|files| *files < FILES_WANTED) {
        tracing::warn!(files, "few files may be open; an open shard takes nine (`ulimit -n`)");
    }
    let engine = RocksEngine::open(&settings.data);
    let engine = engine.map_err(|error| BootError::State(error.to_string()))?;
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
) -> Result<Booted, BootError> {
    settings.check()?;
    let Machine { engine, ledger, counter } = machine;
    let base = Base { engine, ledger };
    let Platform { tee, verifier, sealing_root, host_time, simulated: _ } = platform;
    let steward = settings.steward.clone();
    let data = settings.data.clone();
    let clock = WorkerClock::start(host_time.as_ref(), counter);
    let born = || {
        let born = Born::new(settings, tee, verifier, clock)?;
        born.tls().into_iter().for_each(Certificates::keep_fresh);
        Ok::<_, BootError>(born)
    };
    match steward {
        None => {
            let root = sealing_root(&data)?;
            born()?.open(base, &root).await.map(Booted::Open)
        }
        Some(steward) => {
            Sealed::new(born()?, base, steward).map(|sealed| Booted::Sealed(Box::new(sealed)))
        }
    }
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

/// For two thousand open shards.
const FILES_WANTED: u64 = 20_000;
