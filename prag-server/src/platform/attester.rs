//! The attester: a worker's evidence on real hardware.
//!
//! Layer: server, `platform`.
//! Holds: kernel, vendor's part and GPU, asked one after the other for one binding.
//! Never: a guess: without a source for the vendor's part there is no attester; without the GPU's part no evidence.
//! Invariant: a worker with a GPU helper binds the GPU's nonce and signs for the GPU, or gives no evidence.

use super::PlatformError;
use super::collateral::{Collateral, Pccs};
use super::configfs::{self, Files, Provider, Report};
use super::gpu::{Helper, TIMEOUT};
use super::vcek::Certificates;
use crate::settings::EvidenceSources;
use ed25519_dalek::SigningKey;
use prag_client::system::OsEntropy;
use prag_trust::entropy::Clock;
use prag_trust::evidence::{Binding, Evidence, Gpu, Tee, TeeError};
use prag_trust::quote::nvidia;
use std::path::PathBuf;
use std::sync::Arc;

/// Evidence of this machine.
pub struct Attester {
    files: Box<dyn Files + Send + Sync>,
    root: PathBuf,
    clock: Arc<dyn Clock>,
    vendor: Vendor,
    gpu: Option<Helper>,
    probe: Vec<u8>,
}

enum Vendor {
    Intel(Collateral),
    Amd(Certificates),
}

impl Attester {
    /// Ask the kernel at `root` (usually [`super::configfs::ROOT`]) once, to learn which TEE this is.
    ///
    /// # Errors
    /// [`PlatformError`], with what to do next; [`PlatformError::Unset`] where `sources` names nobody who has the
    /// vendor's part.
    pub fn detect(
        files: Box<dyn Files + Send + Sync>,
        root: PathBuf,
        sources: &EvidenceSources,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PlatformError> {
        let report = configfs::report(files.as_ref(), &root, &[0; 64], &mut OsEntropy)?;
        let vendor = match report.provider {
            Provider::Tdx => Vendor::Intel(match (&sources.collateral, &sources.pccs) {
                (Some(path), _) => Collateral::File(path.clone()),
                (None, Some(base)) => Collateral::Pccs(Pccs::new(base)),
                (None, None) => return Err(UNSET),
            }),
            Provider::Snp => {
                Vendor::Amd(Certificates::new(sources.vcek.clone(), sources.kds.as_deref()))
            }
        };
        // What is set wrong is refused now rather than at the first client; a server that is down may come back.
        match vendor.endorse(&report, clock.now()) {
            Ok(_) | Err(PlatformError::Fetch(..)) => {}
            Err(error) => return Err(error),
        }
        let command = sources.gpu_helper.clone();
        let gpu = (!command.is_empty()).then_some(Helper { command, timeout: TIMEOUT });
        Ok(Self { files, root, clock, vendor, gpu, probe: report.outblob })
    }

    /// Which TEE this is.
    #[must_use]
    pub fn provider(&self) -> Provider {
        match self.vendor {
            Vendor::Intel(_) => Provider::Tdx,
            Vendor::Amd(_) => Provider::Snp,
        }
    }

    /// The quote or report, over zeros, of the first question: what it says of the machine is not verified.
    #[must_use]
    pub fn probe(&self) -> &[u8] {
        &self.probe
    }

    /// Evidence that binds `binding`; `worker` signs for the GPU. Blocks; milliseconds to half a minute.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub fn ask(&self, binding: &Binding, worker: &SigningKey) -> Result<Evidence, PlatformError> {
        let inblob = match &self.gpu {
            None => binding.report_data(),
            Some(_) => binding.report_data_with_gpu(),
        };
        let report = configfs::report(self.files.as_ref(), &self.root, &inblob, &mut OsEntropy)?;
        if report.provider != self.provider() {
            return Err(PlatformError::Malformed("provider"));
        }
        let gpu = self.gpu.as_ref().map(|helper| ask_gpu(helper, binding, worker)).transpose()?;
        let endorsed = self.vendor.endorse(&report, self.clock.now())?;
        Ok(match self.vendor {
            Vendor::Intel(_) => Evidence::Tdx { quote: report.outblob, collateral: endorsed, gpu },
            Vendor::Amd(_) => Evidence::Snp { report: report.outblob, vcek: endorsed, gpu },
        })
    }
}

impl Vendor {
    /// The vendor's part for what the kernel gave: collateral, or the signer's certificate.
    fn endorse(&self, report: &Report, now: u64) -> Result<Vec<u8>, PlatformError> {
        match self {
            Self::Intel(collateral) => collateral.of(&report.outblob, now),
            Self::Amd(certificates) => {
                certificates.of(&report.outblob, report.auxblob.as_deref(), now)
            }
        }
    }
}

fn ask_gpu(
    helper: &Helper,
    binding: &Binding,
    worker: &SigningKey,
) -> Result<Box<Gpu>, PlatformError> {
    let nonce = binding.gpu_nonce();
    let answer = helper.report(&nonce)?;
    let chain = answer.chain.into_bytes();
    let fingerprint = nvidia::fingerprint(&chain)?;
    let mut gpu = Gpu { report: answer.report, chain, signature: [0; 64] };
    gpu.sign(worker, &fingerprint, &nonce);
    Ok(Box::new(gpu))
}

impl Tee for Attester {
    fn evidence(&self, binding: &Binding, worker: &SigningKey) -> Result<Evidence, TeeError> {
        self.ask(binding, worker).map_err(|error| {
            tracing::error!(%error, "no evidence");
            TeeError
        })
    }

    fn kind(&self) -> &'static str {
        match self.vendor {
            Vendor::Intel(_) => "tdx",
            Vendor::Amd(_) => "snp",
        }
    }
}

const UNSET: PlatformError = PlatformError::Unset(
    "nobody is named who has Intel's collateral: set `evidence.pccs` (Intel's is https://api.trustedservices.intel.com) \
     or `evidence.collateral` (a file)",
);
