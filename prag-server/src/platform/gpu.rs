//! Evidence of the GPU, through a helper.
//!
//! Layer: server, `platform`.
//! Holds: what the configured command is told, and the form of its answer.
//! Never: a driver library in the worker's process; a judgement of the answer.
//! Invariant: the nonce goes in; only what has a report and a chain comes out.
//!
//! A helper prints `{"report": "<base64>", "chain": "<PEM>"}`; other keys are ignored. NVIDIA's management library has
//! both: `nvmlDeviceGetConfComputeGpuAttestationReport`, `nvmlDeviceGetConfComputeGpuCertificate`.

#[cfg(test)]
mod tests;

use super::PlatformError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prag_client::program::{self, Bounds};
use serde::Deserialize;
use std::process::Command;
use std::time::Duration;

/// What the helper gave; nothing of it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// SPDM request and response.
    pub report: Vec<u8>,
    /// Certificates, PEM, the signing one first.
    pub chain: String,
}

/// The command that asks the GPU.
#[derive(Clone, Debug)]
pub struct Helper {
    /// Program and arguments; `{nonce}` in an argument becomes the nonce in hex, which is in `PRAG_GPU_NONCE` too.
    pub command: Vec<String>,
    /// Longest run; usually [`TIMEOUT`].
    pub timeout: Duration,
}

impl Helper {
    /// Ask the GPU for evidence that answers `nonce`. Blocks; call it off the async runtime.
    ///
    /// The helper runs with `PATH`, `LD_LIBRARY_PATH` and the nonce as its whole environment; what it writes to the
    /// standard error goes to the worker's. At the time limit it is killed, though not what it has started itself.
    ///
    /// # Errors
    /// [`PlatformError::Helper`], above [`ANSWER_BYTES_MAX`] too; [`PlatformError::Malformed`].
    pub fn report(&self, nonce: &[u8; 32]) -> Result<Report, PlatformError> {
        let nonce = hex::encode(nonce);
        let (name, arguments) = self
            .command
            .split_first()
            .ok_or(PlatformError::Malformed("the GPU helper's command"))?;
        let mut command = Command::new(name);
        command.args(arguments.iter().map(|argument| argument.replace("{nonce}", &nonce)));
        command.env("PRAG_GPU_NONCE", &nonce);
        let bounds = Bounds { time: self.timeout, bytes: ANSWER_BYTES_MAX };
        let answer = program::answer(command, bounds);
        parse(&answer.map_err(|error| PlatformError::Helper(name.clone(), error.why()))?)
    }
}

fn parse(answer: &[u8]) -> Result<Report, PlatformError> {
    #[derive(Deserialize)]
    struct Answer {
        report: String,
        chain: String,
    }
    let malformed = PlatformError::Malformed("the GPU helper's answer");
    let Ok(Answer { report, chain }) = serde_json::from_slice(answer) else {
        return Err(malformed);
    };
    match STANDARD.decode(report) {
        Ok(report) if !report.is_empty() && !chain.is_empty() => Ok(Report { report, chain }),
        _ => Err(malformed),
    }
}

/// How long a helper may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// What a helper may print.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;
