//! The command line of the worker.
//!
//! Layer: server; called by the binaries.
//! Holds: flags, logging, and what a person reads at the start.
//! Never: a secret in a flag, a log line or a message.
//! Invariant: an error ends with what to do next, and with exit status 1.

use crate::boot::{BootError, Booted, Born, Platform, boot};
use crate::clock::{WorkerClock, counter};
use crate::http::serve;
use crate::platform::configfs::ROOT;
use crate::sealed;
use crate::settings::{Market, Settings, SettingsError};
use clap::{Parser, Subcommand};
use prag_protocol::problem::Problem;
use prag_trust::permit::Expected;
use prag_trust::release::SEALED_CHAIN;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// PRAG worker: private retrieval inside a TEE.
#[derive(Parser)]
#[command(name = "prag-server", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM.
    Serve(Serve),
    /// Print the attestation that this machine gives, and end: nothing listens, no data folder is touched.
    Attest(Attest),
}

#[derive(clap::Args)]
struct Serve {
    /// TOML settings; every key has a default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Development: the embedded ledger serves unconfirmed after a boot.
    #[arg(long)]
    dev: bool,
    /// Where to listen, instead of the setting; loopback only, unless the settings have `[tls]`.
    #[arg(long, value_name = "ADDRESS", env = "PRAG_LISTEN")]
    listen: Option<SocketAddr>,
    /// Folder for sealed state, instead of the setting.
    #[arg(long, value_name = "FOLDER", env = "PRAG_DATA")]
    data: Option<PathBuf>,
    /// Folder of the model, instead of the setting.
    #[arg(long, value_name = "FOLDER", env = "PRAG_MODEL_DIR")]
    model: Option<PathBuf>,
    /// Where the kernel shows its TEE reports.
    #[arg(long, value_name = "FOLDER", default_value = ROOT)]
    tsm: PathBuf,
}

#[derive(clap::Args)]
struct Attest {
    /// What the evidence answers: 64 hex digits, chosen by whoever will verify it.
    #[arg(long, value_name = "HEX")]
    nonce: String,
    /// TOML settings, as for `serve`: their digest is bound.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the model, instead of the setting; its digest is bound.
    #[arg(long, value_name = "FOLDER", env = "PRAG_MODEL_DIR")]
    model: Option<PathBuf>,
    /// Where the kernel shows its TEE reports.
    #[arg(long, value_name = "FOLDER", default_value = ROOT)]
    tsm: PathBuf,
}

/// Run the command line on the platform that `detect` finds, given the settings and the folder of TEE reports.
/// `PRAG_LOG` filters the log, such as `info` or `prag_server=debug`.
#[must_use]
pub fn main_with(detect: impl FnOnce(&Settings, &Path) -> Result<Platform, BootError>) -> ExitCode {
    let Arguments { command } = Arguments::parse();
    if let Err(error) = crate::process::seclude() {
        return fail(&error.to_string());
    }
    let filter = EnvFilter::try_from_env("PRAG_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match command {
        Command::Serve(flags) => run(flags, detect),
        Command::Attest(flags) => attest(flags, detect).map(|shown| println!("{shown}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn run(
    flags: Serve,
    detect: impl FnOnce(&Settings, &Path) -> Result<Platform, BootError>,
) -> Result<(), BootError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| BootError::Platform(error.to_string()))?;
    let tsm = flags.tsm.clone();
    let settings = settings(flags)?;
    let platform = detect(&settings, &tsm)?;
    runtime.block_on(serve_all(settings, platform))
}

async fn serve_all(settings: Settings, platform: Platform) -> Result<(), BootError> {
    let simulated = platform.simulated;
    let address = settings.listen;
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let http = serve::Settings {
        plain: settings.plain,
        concurrency: settings.concurrency,
        work: Duration::from_secs(settings.timeout_s),
        ..serve::Settings::default()
    };
    let booted = boot(settings, platform).await?;
    let listen = |error: std::io::Error| BootError::Listen(address.to_string(), error.to_string());
    let listener = tokio::net::TcpListener::bind(address).await.map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    if simulated {
        eprintln!(
            "\x1b[1;31mSIMULATED TEE: nothing on this worker is private. For trying PRAG out only.\x1b[0m"
        );
    }
    eprintln!("prag-server {} listens on {scheme}://{bound}", env!("CARGO_PKG_VERSION"));
    match booted {
        Booted::Open(worker) => {
            eprintln!("  documentation  {scheme}://{bound}/docs");
            eprintln!("  next           prag attest {scheme}://{bound}");
            let served = serve::serve(worker.clone(), listener, http).await.map_err(listen);
            worker.attend_last().await;
            served
        }
        Booted::Sealed(sealed) => {
            eprintln!("  sealed: its steward opens it");
            eprintln!("  next           prag --url {scheme}://{bound} unlock");
            serve::serve(*sealed, listener, http).await.map_err(listen)
        }
    }
}

/// What a sealed worker with these settings would show: evidence for a key that ends with this process.
fn attest(
    flags: Attest,
    detect: impl FnOnce(&Settings, &Path) -> Result<Platform, BootError>,
) -> Result<String, BootError> {
    let mut nonce = [0; 32];
    let digits = SettingsError::Bounds("--nonce", "64 hex digits");
    hex::decode_to_slice(&flags.nonce, &mut nonce).map_err(|_| digits)?;
    let mut settings = read(flags.config.as_deref())?;
    settings.model = flags.model.unwrap_or(settings.model);
    settings.check()?;
    let platform = detect(&settings, &flags.tsm)?;
    let clock = WorkerClock::start(platform.host_time.as_ref(), counter());
    let born = Born::new(settings, platform.tee, platform.verifier, clock)?;
    let names = Expected { chain_id: SEALED_CHAIN.to_owned(), contract: String::new() };
    let shown = sealed::attest(&born, nonce, names);
    let failed = |error: Problem| BootError::Platform(error.to_string());
    serde_json::to_string_pretty(&shown.map_err(failed)?)
        .map_err(|error| BootError::Platform(error.to_string()))
}

fn read(config: Option<&Path>) -> Result<Settings, BootError> {
    let Some(path) = config else {
        return Ok(Settings::default());
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        SettingsError::Unreadable(path.display().to_string(), error.to_string())
    })?;
    Ok(Settings::parse(&text)?)
}

fn settings(flags: Serve) -> Result<Settings, BootError> {
    let mut settings = read(flags.config.as_deref())?;
    settings.dev = flags.dev;
    if flags.dev && settings.market.is_none() && settings.ledger.is_embedded() {
        settings.market = Some(Market::dev());
    }
    settings.listen = flags.listen.unwrap_or(settings.listen);
    settings.data = flags.data.unwrap_or(settings.data);
    settings.model = flags.model.unwrap_or(settings.model);
    settings.check()?;
    Ok(settings)
}

fn fail(message: &str) -> ExitCode {
    eprintln!("prag-server: {message}");
    ExitCode::FAILURE
}
