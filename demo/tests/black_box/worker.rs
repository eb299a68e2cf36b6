//! A worker process on a data folder, and commands against it.

use prag_client::Client;
use prag_client::channel::Channel;
use prag_client::home::Home;
use prag_client::identity::{Identity, ShareStore};
use prag_client::remembered::Remembered;
use prag_client::system::{OsEntropy, SystemClock};
use prag_client::trusted::Trusted;
use prag_trust::evidence::Policy;
use prag_trust::sim::{SimVerifier, sim_measurement};
use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// A running `prag-server-sim`; killed when dropped.
pub(crate) struct Worker {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Worker {
    /// Start on `data`, logging everything at trace level to `log`.
    pub(crate) fn start(data: &Path, log: &Path) -> Self {
        Self::start_with(data, log, None, "trace")
    }

    /// Start with a settings file and a log filter.
    pub(crate) fn start_with(
        data: &Path,
        log: &Path,
        settings: Option<&Path>,
        filter: &str,
    ) -> Self {
        Self::try_start(data, log, settings, filter)
            .unwrap_or_else(|status| panic!("the worker ended; run `make model`? {status:?}"))
    }

    /// Like [`Worker::start_with`]; the exit status of a worker that refuses to start.
    pub(crate) fn try_start(
        data: &Path,
        log: &Path,
        settings: Option<&Path>,
        filter: &str,
    ) -> Result<Self, ExitStatus> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_prag-server-sim"));
        command.args(["serve", "--dev", "--listen", &address.to_string(), "--data"]).arg(data);
        if let Some(settings) = settings {
            command.arg("--config").arg(settings);
        }
        let mut child = command
            .env("PRAG_LOG", filter)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                return Err(status);
            }
            assert!(Instant::now() < deadline, "the worker does not listen");
            std::thread::yield_now();
        }
        Ok(Self { child, address })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGABRT, and wait for the end.
    pub(crate) fn abort(mut self) -> ExitStatus {
        crate::process::abort(self.child.id());
        self.child.wait().unwrap()
    }

    /// SIGKILL, and wait for the end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the simulated TEE of this version is trusted by.
pub(crate) fn trusted() -> Trusted {
    Trusted {
        verifier: Box::new(SimVerifier),
        policy: Policy {
            measurements: vec![sim_measurement(env!("CARGO_PKG_VERSION"))],
            ..Policy::default()
        },
        first_use: true,
        warning: None,
    }
}

/// A user with a home folder, talking to one address.
pub(crate) struct User {
    pub(crate) home: PathBuf,
    pub(crate) address: SocketAddr,
}

impl User {
    /// Run `prag-sim`; its output, whatever the exit status.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_prag-sim"))
            .args(arguments)
            .env("PRAG_HOME", &self.home)
            .env("PRAG_URL", format!("http://{}", self.address))
            .env_remove("PRAG_PASSPHRASE")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// A connected client in this process, with the same home.
    pub(crate) async fn client(&self) -> Client {
        let home = Home::at(&self.home);
        let trusted = trusted();
        let url = format!("http://{}", self.address);
        let (clock, entropy) = (Box::new(SystemClock::default()), Box::new(OsEntropy));
        let remembered = Remembered::new(&home);
        let channel = Channel::connect(&url, trusted, remembered, clock, entropy).await.unwrap();
        let identity = Identity::load(&home, "default", None).unwrap();
        Client::new(channel, identity, ShareStore::new(&home, None))
    }

    /// Run `prag-sim`, which must succeed; its standard output.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }
}
