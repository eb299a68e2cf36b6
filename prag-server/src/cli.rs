//! The command line of the worker.
//!
//! Layer: server; called by the binaries.
//! Holds: flags, logging, and what a person reads at the start.
//! Never: a secret in a flag, a log line or a message.
//! Invariant: an error ends with what to do next, and with exit status 1.

use crate::boot::{BootError, Platform, boot};
use crate::http::serve;
use crate::settings::{Settings, SettingsError};
use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
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
}

/// Run the command line on `platform`. `PRAG_LOG` filters the log, such as `info` or `prag_server=debug`.
#[must_use]
pub fn main_with(platform: impl FnOnce() -> Result<Platform, BootError>) -> ExitCode {
    let Arguments { command: Command::Serve(flags) } = Arguments::parse();
    if let Err(error) = crate::process::seclude() {
        return fail(&error.to_string());
    }
    let filter = EnvFilter::try_from_env("PRAG_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    let served = settings(flags).and_then(|settings| {
        let platform = platform()?;
        runtime.block_on(serve_all(settings, platform))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
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
    let worker = boot(settings, platform).await?;
    let listen = |error: std::io::Error| BootError::Listen(address.to_string(), error.to_string());
    let listener = tokio::net::TcpListener::bind(address).await.map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    if simulated {
        eprintln!(
            "\x1b[1;31mSIMULATED TEE: nothing on this worker is private. For trying PRAG out only.\x1b[0m"
        );
    }
    eprintln!("prag-server {} listens on {scheme}://{bound}", env!("CARGO_PKG_VERSION"));
    eprintln!("  documentation  {scheme}://{bound}/docs");
    eprintln!("  next           prag attest {scheme}://{bound}");
    serve::serve(worker, listener, http).await.map_err(listen)
}

fn settings(flags: Serve) -> Result<Settings, BootError> {
    let mut settings = match &flags.config {
        None => Settings::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                SettingsError::Unreadable(path.display().to_string(), error.to_string())
            })?;
            Settings::parse(&text)?
        }
    };
    settings.dev = flags.dev;
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
