//! The `prag` command line that believes a simulated TEE: for demos and tests, never for secrets.
//!
//! Layer: demo.
//! Holds: the simulated verifier, the one image it accepts, the warning, and a simulated TEE for `prag-sim reader`.
//! Never: part of a release.
//! Invariant: every command says on standard error that nothing is private.

use prag_client::attester::Attester;
use prag_client::error::ClientError;
use prag_client::trusted::Trusted;
use prag_trust::evidence::{Evidence, Policy, ReaderBinding};
use prag_trust::sim::{SimTee, SimVerifier, sim_measurement};

/// An LLM worker's TEE, whose image is named by `PRAG_SIM_IMAGE`: another name is another image.
struct SimReader(SimTee);

impl Attester for SimReader {
    fn evidence(&self, binding: &ReaderBinding) -> Result<Evidence, ClientError> {
        Ok(self.0.read(binding))
    }
}

fn main() -> std::process::ExitCode {
    let measurements = vec![sim_measurement(env!("CARGO_PKG_VERSION"))];
    let trusted = Trusted {
        verifier: Box::new(SimVerifier),
        policy: Policy { measurements, ..Policy::default() },
        first_use: true,
        warning: Some("SIMULATED TEE: NOTHING HERE IS PRIVATE. Use no real documents."),
    };
    let image = std::env::var("PRAG_SIM_IMAGE").unwrap_or_else(|_| "an LLM worker".to_owned());
    prag_client::cli::main_as(trusted, Some(Box::new(SimReader(SimTee::new(&image)))))
}
