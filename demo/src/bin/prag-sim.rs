//! The `prag` command line that believes a simulated TEE: for demos and tests, never for secrets.
//!
//! Layer: demo.
//! Holds: the simulated verifier, the one image it accepts, and the warning.
//! Never: part of a release.
//! Invariant: every command says on standard error that nothing is private.

use prag_client::trusted::Trusted;
use prag_trust::evidence::Policy;
use prag_trust::sim::{SimVerifier, sim_measurement};

fn main() -> std::process::ExitCode {
    let measurements = vec![sim_measurement(env!("CARGO_PKG_VERSION"))];
    prag_client::cli::main_with(Trusted {
        verifier: Box::new(SimVerifier),
        policy: Policy { measurements, ..Policy::default() },
        first_use: true,
        warning: Some("SIMULATED TEE: NOTHING HERE IS PRIVATE. Use no real documents."),
    })
}
