//! A laboratory: a real worker in this process, and people with homes of their own who talk to it.
//!
//! Layer: tests; the tests across crates are in `tests/`, the black-box tests of the programs in `demo/tests`.
//! Holds: [`Lab`], [`ask`] for requests that the SDK would not make, [`Wiretap`] for what the network sees,
//! [`copy_folder`] and [`host`] for what a host keeps and changes, [`SetClock`] for what it says the time is.
//! Never: a mock. Store, model, channel and ledger are the shipped ones; only the TEE is simulated, or made of the test
//! PKI ([`Ground`]).
//! Invariant: a lab shares nothing with another one; its folder goes when it is dropped.

#![allow(clippy::unwrap_used, clippy::panic)]

mod asking;
mod clock;
mod documents;
mod folders;
mod ground;
pub mod host;
pub mod leakage;
mod machine;
mod people;
mod power;
mod readers;
pub mod threats;
mod waiting;
mod wiretap;

pub use asking::{ask, code, get, json};
pub use clock::SetClock;
pub use documents::{document, find};
pub use folders::copy_folder;
pub use ground::Ground;
pub use people::{account_in, hour_grant};
pub use readers::SimReader;
pub use waiting::{compact, follow};
pub use wiretap::Wiretap;

use machine::{Leaps, Mortal};
use prag_client::ledger::Ledger;
use prag_server::boot::{Booted, Machine, Platform, boot_on};
use prag_server::http::serve;
use prag_server::settings::Settings;
use prag_store::{Engine, RocksEngine};
use prag_trust::evidence::Verifier;
use prag_trust::sim::SimVerifier;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A worker on RocksDB in a folder of its own, and the homes of those who use it.
///
/// Needs tokio's multi-threaded runtime: `#[tokio::test(flavor = "multi_thread", worker_threads = 2)]`.
pub struct Lab {
    folder: TempDir,
    settings: Settings,
    ground: Ground,
    /// In place of the embedded one, where several workers follow one.
    ledger: Option<Arc<dyn Ledger>>,
    mortal: Option<Mortal>,
    leaps: Leaps,
    serving: Option<Serving>,
    /// What the host says the time is; a worker asks when it boots.
    pub host_clock: SetClock,
    /// What the clocks of all clients say.
    pub clients_clock: SetClock,
}

struct Serving {
    /// Where it was not sealed at its boot.
    worker: Option<prag_server::flow::Worker>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

impl Lab {
    /// A worker with the default settings, serving on a free port of loopback.
    ///
    /// The model is the folder in `PRAG_MODEL_DIR`, or where `make model` puts it.
    ///
    /// # Panics
    /// With what to do next where the model is absent.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// As [`Lab::start`], with settings that `change` may adjust (`plain`, `freeze_rows`, `concurrency`, ...).
    ///
    /// # Panics
    /// As [`Lab::start`].
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_on(Ground::simulated(), change).await
    }

    /// As [`Lab::start_with`]; the worker judges evidence, its own and its readers', with what `verifier` makes.
    ///
    /// # Panics
    /// As [`Lab::start`].
    pub async fn start_judging(
        verifier: fn() -> Box<dyn Verifier>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::start_on(Ground::simulated_as(VERSION, verifier), change).await
    }

    /// As [`Lab::start_with`]: a worker of the image `version` that obeys `ledger`.
    ///
    /// # Panics
    /// As [`Lab::start`].
    pub async fn start_under(
        ledger: Option<Arc<dyn Ledger>>,
        version: &'static str,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let ground = Ground::simulated_as(version, || Box::new(SimVerifier));
        Self::start_as(ground, (ledger, None), |settings, _| change(settings)).await
    }

    /// As [`Lab::start_with`], on a store in memory that dies when it is told to.
    ///
    /// # Panics
    /// As [`Lab::start`].
    pub async fn start_mortal(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_mortal_for(|settings, _| change(settings)).await
    }

    /// As [`Lab::start_mortal`], of a worker that obeys `ledger`, which lives on when the machine dies.
    ///
    /// # Panics
    /// As [`Lab::start`].
    pub async fn start_mortal_under(
        ledger: Arc<dyn Ledger>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let parts = (Some(ledger), Some(Mortal::new()));
        Self::start_as(Ground::simulated(), parts, |settings, _| change(settings)).await
    }

    /// As [`Lab::start_mortal`]; `change` is also told where the homes are, for [`account_in`].
    ///
    /// # Panics
    /// As [`Lab::start`].
    pub async fn start_mortal_for(change: impl FnOnce(&mut Settings, &Path)) -> Self {
        let parts = (None, Some(Mortal::new()));
        Self::start_as(Ground::simulated(), parts, change).await
    }

    /// As [`Lab::start_with`], on other ground.
    ///
    /// # Panics
    /// As [`Lab::start`].
    pub async fn start_on(ground: Ground, change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_for(ground, |settings, _| change(settings)).await
    }

    /// As [`Lab::start_on`]; `change` is also told where the homes are, for [`account_in`].
    ///
    /// # Panics
    /// As [`Lab::start`].
    pub async fn start_for(ground: Ground, change: impl FnOnce(&mut Settings, &Path)) -> Self {
        Self::start_as(ground, (None, None), change).await
    }

    async fn start_as(
        ground: Ground,
        (ledger, mortal): (Option<Arc<dyn Ledger>>, Option<Mortal>),
        change: impl FnOnce(&mut Settings, &Path),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            dev: true,
            // Tests look at the ledger's height: no anchor moves it meanwhile.
            anchor_s: 86_400,
            data: folder.path().join("data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            model: model_folder(),
            ..Settings::default()
        };
        change(&mut settings, &folder.path().join("homes"));
        let (host_clock, clients_clock) = (SetClock::default(), SetClock::default());
        let serving = None;
        let leaps = Leaps::default();
        let mut lab = Self {
            folder,
            settings,
            ground,
            ledger,
            mortal,
            leaps,
            serving,
            host_clock,
            clients_clock,
        };
        lab.serve().await;
        lab
    }

    /// The digest of the worker's image.
    #[must_use]
    pub fn image(&self) -> [u8; 32] {
        (self.ground.trusted)().policy.measurements[0]
    }

    /// What the worker was told at its last boot.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The worker's data directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.settings.data
    }

    /// A folder for a test's own files, outside the data directory.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// Where it listens; the same after [`Lab::restart`].
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.settings.listen
    }

    /// `http://` and the address; `https://` with `tls`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.settings.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// Has the worker check all leases now.
    ///
    /// # Panics
    /// Where it serves not, or its vault fails.
    pub async fn check_leases(&self) {
        self.worker().check_leases().await.unwrap();
    }

    /// Has the worker anchor now; true if any head had moved.
    ///
    /// # Panics
    /// Where it serves not, or ledger or storage fail.
    pub async fn anchor(&self) -> bool {
        self.worker().anchor().await.unwrap()
    }

    /// The worker itself, to be called without a socket.
    ///
    /// # Panics
    /// Where it serves not, or was sealed at its boot.
    #[must_use]
    pub fn worker(&self) -> &prag_server::flow::Worker {
        self.serving.as_ref().unwrap().worker.as_ref().unwrap()
    }

    /// Has the worker look at its certificate's files now, instead of within two seconds; true if they were others.
    ///
    /// # Panics
    /// Where it serves not, or the files hold no pair.
    pub fn refresh_tls(&self) -> bool {
        self.worker().tls().unwrap().refresh().unwrap()
    }

    /// As the worker does by itself at its cadence; true if an anchor was written.
    ///
    /// # Panics
    /// As [`Lab::anchor`].
    pub async fn anchor_on_time(&self) -> bool {
        self.worker().anchor_on_time().await.unwrap()
    }

    async fn serve(&mut self) {
        let booted = self.boot().await;
        let listener = TcpListener::bind(self.settings.listen).await.unwrap();
        self.settings.listen = listener.local_addr().unwrap();
        let http = serve::Settings {
            plain: self.settings.plain,
            concurrency: self.settings.concurrency,
            work: Duration::from_secs(self.settings.timeout_s),
            ..serve::Settings::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async move {
            // A dropped sender means the same: stop.
            let _ = stopped.await;
        };
        let (worker, ended) = match booted {
            Booted::Open(worker) => {
                let serving = serve::serve_until(worker.clone(), listener, http, until);
                (Some(worker), tokio::spawn(serving))
            }
            Booted::Sealed(sealed) => {
                (None, tokio::spawn(serve::serve_until(*sealed, listener, http, until)))
            }
        };
        self.serving = Some(Serving { worker, stop, ended });
    }

    fn machine(&self) -> Machine {
        let engine: Arc<dyn Engine> = match &self.mortal {
            Some(mortal) => mortal.engine(),
            None => {
                std::fs::create_dir_all(self.path()).unwrap();
                Arc::new(RocksEngine::open(self.path()).unwrap())
            }
        };
        Machine { engine, ledger: self.ledger.clone(), counter: self.leaps.counter() }
    }

    async fn boot(&self) -> Booted {
        let host_clock = self.host_clock.clone();
        let platform = Platform {
            host_time: Box::new(move || host_clock.time()),
            ..(self.ground.platform)(&self.settings)
        };
        let booted = boot_on(self.machine(), self.settings.clone(), platform).await;
        booted.unwrap_or_else(|error| panic!("{error}"))
    }
}

fn model_folder() -> PathBuf {
    let folder =
        std::env::var_os("PRAG_MODEL_DIR").map_or(Settings::default().model, PathBuf::from);
    let present = folder.join("model.safetensors").exists();
    assert!(present, "no model in {}: run `make model`", folder.display());
    folder
}

/// The image of every lab that names no other.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
