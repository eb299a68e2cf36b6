//! A laboratory: a real worker in this process, and people with homes of their own who talk to it.
//!
//! Layer: tests; the tests across crates are in `tests/`, the black-box tests of the programs in `demo/tests`.
//! Holds: [`Lab`], [`ask`] for requests that the SDK would not make, [`Wiretap`] for what the network sees, [`copy_folder`] for what a host keeps,
//! [`SetClock`] for what it says the time is.
//! Never: a mock. Store, model, channel and ledger are the shipped ones; only the TEE is simulated.
//! Invariant: a lab shares nothing with another one; its folder goes when it is dropped.

#![allow(clippy::unwrap_used, clippy::panic)]

mod asking;
mod clock;
mod folders;
pub mod leakage;
mod machine;
mod people;
mod readers;
pub mod threats;
mod wiretap;

pub use asking::{ask, get, json};
pub use clock::SetClock;
pub use folders::copy_folder;
pub use readers::SimReader;
pub use wiretap::Wiretap;

use machine::{Leaps, Mortal};
use prag_client::ledger::Ledger;
use prag_server::boot::{Machine, Platform, boot_on};
use prag_server::http::serve;
use prag_server::settings::Settings;
use prag_store::{Engine, RocksEngine};
use prag_trust::evidence::Verifier;
use prag_trust::sim::{SimTee, SimVerifier, sim_measurement};
use std::fs::File;
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
    verifier: fn() -> Box<dyn Verifier>,
    /// Names the image.
    version: &'static str,
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
    worker: prag_server::flow::Worker,
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
        Self::start_judging(|| Box::new(SimVerifier), change).await
    }

    /// As [`Lab::start_with`]; the worker judges evidence, its own and its readers', with what `verifier` makes.
    ///
    /// # Panics
    /// As [`Lab::start`].
    pub async fn start_judging(
        verifier: fn() -> Box<dyn Verifier>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::start_as(verifier, (None, None), VERSION, change).await
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
        Self::start_as(|| Box::new(SimVerifier), (ledger, None), version, change).await
    }

    /// As [`Lab::start_with`], on a store in memory that dies when it is told to.
    ///
    /// # Panics
    /// As [`Lab::start`].
    pub async fn start_mortal(change: impl FnOnce(&mut Settings)) -> Self {
        let ground = (None, Some(Mortal::new()));
        Self::start_as(|| Box::new(SimVerifier), ground, VERSION, change).await
    }

    async fn start_as(
        verifier: fn() -> Box<dyn Verifier>,
        (ledger, mortal): (Option<Arc<dyn Ledger>>, Option<Mortal>),
        version: &'static str,
        change: impl FnOnce(&mut Settings),
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
        change(&mut settings);
        let (host_clock, clients_clock) = (SetClock::default(), SetClock::default());
        let serving = None;
        let mut lab = Self {
            folder,
            settings,
            verifier,
            version,
            ledger,
            mortal,
            leaps: Leaps::default(),
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
        sim_measurement(self.version)
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

    /// Stops the worker in good order and boots it again on the same data and address. Clients go on working.
    ///
    /// # Panics
    /// Where it does not stop or boot.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.serve().await;
    }

    /// Stops the worker in good order; its files stay until the lab is dropped.
    ///
    /// # Panics
    /// Where serving had failed.
    pub async fn stop(&mut self) {
        let Some(serving) = self.serving.take() else {
            return;
        };
        drop(serving.stop);
        drop(serving.worker);
        serving.ended.await.unwrap().unwrap();
        self.let_go().await;
    }

    /// Time goes on by so many seconds at once, for the worker and for everybody else.
    pub fn pass(&self, seconds: u64) {
        self.leaps.pass(seconds);
        self.host_clock.pass(seconds);
        self.clients_clock.pass(seconds);
    }

    /// The store of [`Lab::start_mortal`] does so many durable steps more, and then nothing.
    ///
    /// # Panics
    /// In any other lab.
    pub fn die_after(&self, steps: u64) {
        self.mortal.as_ref().unwrap().die_after(steps);
    }

    /// Whether it has died.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.mortal.as_ref().is_some_and(Mortal::is_dead)
    }

    /// The machine comes back: what was not durable is lost, and the worker boots on the rest.
    ///
    /// # Panics
    /// As [`Lab::restart`].
    pub async fn revive(&mut self) {
        self.stop().await;
        self.mortal.as_ref().unwrap().revive();
        self.serve().await;
    }

    /// Has the worker check all leases now.
    ///
    /// # Panics
    /// Where it serves not, or its vault fails.
    pub async fn check_leases(&self) {
        self.serving.as_ref().unwrap().worker.check_leases().await.unwrap();
    }

    /// Waits until the stopped worker holds no shard: its last work may outlive its listener a little.
    async fn let_go(&self) {
        if self.mortal.is_some() {
            return;
        }
        for shard in std::fs::read_dir(self.path().join("shards")).unwrap() {
            let lock = File::open(shard.unwrap().path().join("LOCK")).unwrap();
            let mut left = BOOT_ATTEMPTS;
            while lock.try_lock().is_err() {
                left -= 1;
                assert!(left > 0, "a stopped worker still holds a shard");
                tokio::time::sleep(BOOT_PAUSE).await;
            }
        }
    }

    /// Boots the worker again, after [`Lab::stop`]; `dev` as in `prag-server serve --dev`.
    ///
    /// # Panics
    /// Where it does not boot.
    pub async fn resume(&mut self, dev: bool) {
        self.settings.dev = dev;
        self.serve().await;
    }

    /// Has the worker anchor now; true if any head had moved.
    ///
    /// # Panics
    /// Where it serves not, or ledger or storage fail.
    pub async fn anchor(&self) -> bool {
        self.serving.as_ref().unwrap().worker.anchor().await.unwrap()
    }

    /// The worker itself, to be called without a socket.
    ///
    /// # Panics
    /// Where it serves not.
    #[must_use]
    pub fn worker(&self) -> &prag_server::flow::Worker {
        &self.serving.as_ref().unwrap().worker
    }

    /// Has the worker look at its certificate's files now, instead of within two seconds; true if they were others.
    ///
    /// # Panics
    /// Where it serves not, or the files hold no pair.
    pub fn refresh_tls(&self) -> bool {
        self.serving.as_ref().unwrap().worker.tls().unwrap().refresh().unwrap()
    }

    /// As the worker does by itself at its cadence; true if an anchor was written.
    ///
    /// # Panics
    /// As [`Lab::anchor`].
    pub async fn anchor_on_time(&self) -> bool {
        self.serving.as_ref().unwrap().worker.anchor_on_time().await.unwrap()
    }

    async fn serve(&mut self) {
        let worker = self.boot().await;
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
        let ended = tokio::spawn(serve::serve_until(worker.clone(), listener, http, until));
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

    /// Boots; work of the worker before may hold the store's lock a little longer than its listener.
    async fn boot(&self) -> prag_server::flow::Worker {
        let mut left = BOOT_ATTEMPTS;
        loop {
            let platform = Platform {
                tee: Box::new(SimTee::new(self.version)),
                verifier: (self.verifier)(),
                // As a sealing key of the machine would: another image, another key.
                sealing_root: if self.version == VERSION {
                    |_| Ok([7; 32])
                } else {
                    |_| Ok([8; 32])
                },
                host_time: {
                    let clock = self.host_clock.clone();
                    Box::new(move || clock.time())
                },
                simulated: true,
            };
            left -= 1;
            match boot_on(self.machine(), self.settings.clone(), platform).await {
                Ok(worker) => return worker,
                Err(error) if left == 0 => panic!("{error}"),
                Err(_) => tokio::time::sleep(BOOT_PAUSE).await,
            }
        }
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
const BOOT_ATTEMPTS: u32 = 50;
const BOOT_PAUSE: Duration = Duration::from_millis(100);
