//! Evidence of the GPU, through a helper.
//!
//! Layer: server, `platform`.
//! Holds: one run of a configured command, with a time limit and a bound on its answer.
//! Never: a shell, the worker's environment, a driver library in the worker's process.
//! Invariant: within the time limit there is an answer, or the helper was killed.
//!
//! A helper prints `{"report": "<base64>", "chain": "<PEM>"}`; other keys are ignored. NVIDIA's management library has
//! both: `nvmlDeviceGetConfComputeGpuAttestationReport`, `nvmlDeviceGetConfComputeGpuCertificate`.

#[cfg(test)]
mod tests;

use super::{PlatformError, bounded};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

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
    /// [`PlatformError::Helper`], [`PlatformError::Size`] above [`ANSWER_BYTES_MAX`], [`PlatformError::Malformed`].
    pub fn report(&self, nonce: &[u8; 32]) -> Result<Report, PlatformError> {
        let nonce = hex::encode(nonce);
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or(PlatformError::Malformed("the GPU helper's command"))?;
        let failed = |why| PlatformError::Helper(program.clone(), why);

        let mut command = Command::new(program);
        command.args(arguments.iter().map(|argument| argument.replace("{nonce}", &nonce)));
        command.env_clear().env("PRAG_GPU_NONCE", &nonce);
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = Running(command.spawn().map_err(|_| failed("does not start"))?);
        let output = child.0.stdout.take().ok_or(failed("has no output"))?;

        let deadline = Instant::now() + self.timeout;
        let (send, receive) = mpsc::channel();
        // Not joined: what the helper has started may hold its output open after its end.
        thread::spawn(move || {
            send.send(bounded(output, "the GPU helper's answer", ANSWER_BYTES_MAX))
        });
        let answer = receive
            .recv_timeout(self.timeout)
            .map_err(|_| failed("did not answer within its time"))??;
        match child.wait(deadline) {
            Some(status) if status.success() => parse(&answer),
            Some(_) => Err(failed("ended with an error")),
            None => Err(failed("did not end within its time")),
        }
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

/// Killed when it goes, and always waited for.
struct Running(Child);

impl Running {
    fn wait(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            match self.0.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both do nothing if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How long a helper may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// What a helper may print.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;
const POLL: Duration = Duration::from_millis(5);
