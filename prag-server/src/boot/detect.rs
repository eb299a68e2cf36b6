//! From a machine to a platform: which TEE this is, and whether it has a sealing key.
//!
//! Layer: server, `boot`, over `platform`; called by the binary.
//! Holds: the attester of the machine, and the sealing root where there is one.
//! Never: a platform without evidence.
//! Invariant: a machine that is no confidential VM ends here, with what to do next.

use super::{BootError, Platform};
use crate::clock::{WorkerClock, counter, host_time};
use crate::platform::configfs::{Files, Kernel, Provider, ROOT};
use crate::platform::{Attester, PlatformError, sealing_root};
use crate::settings::Settings;
use prag_trust::evidence::CachedVerifier;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The platform of this machine, from the reports at `tsm` (usually [`ROOT`]).
///
/// # Errors
/// [`BootError::Platform`], with what to do next.
pub fn detect(settings: &Settings, tsm: &Path) -> Result<Platform, BootError> {
    detect_through(Box::new(Kernel), settings, tsm)
}

/// The same through `files`.
///
/// # Errors
/// As [`detect`].
pub fn detect_through(
    files: Box<dyn Files + Send + Sync>,
    settings: &Settings,
    tsm: &Path,
) -> Result<Platform, BootError> {
    let clock = Arc::new(WorkerClock::start(&host_time, counter()));
    let attester = Attester::detect(files, PathBuf::from(tsm), &settings.evidence, clock);
    let attester = attester.map_err(|error| BootError::Platform(explain(&error, tsm)))?;
    let (provider, probe) = (attester.provider(), attester.probe().to_vec());
    Ok(Platform {
        tee: Arc::new(attester),
        sealing_root: Box::new(move |data| match provider {
            Provider::Tdx => Err(BootError::NoSealingKey("TDX")),
            Provider::Snp => {
                sealing_root(data, &probe).map_err(|error| BootError::Platform(error.to_string()))
            }
        }),
        verifier: Box::new(CachedVerifier::default()),
        host_time: Box::new(host_time),
        simulated: false,
    })
}

fn explain(error: &PlatformError, tsm: &Path) -> String {
    match error {
        PlatformError::Absent(_) if tsm == Path::new(ROOT) => format!(
            "this machine is no confidential VM: {error}; to try PRAG out without privacy, run prag-server-sim \
             (`make demo`)"
        ),
        _ => error.to_string(),
    }
}
