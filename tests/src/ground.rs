//! What a lab's worker runs on, and what its clients believe.
//!
//! Layer: tests.
//! Holds: the simulated TEE, by image and by who judges its readers; tests bring other grounds.
//! Never: hardware.
//! Invariant: another image has another sealing key, as on a machine that has one.

use crate::VERSION;
use prag_client::trusted::Trusted;
use prag_server::boot::Platform;
use prag_server::clock::host_time;
use prag_server::settings::Settings;
use prag_trust::evidence::{Policy, Verifier};
use prag_trust::sim::{SimTee, SimVerifier, sim_measurement};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the worker runs on, and what its clients believe.
pub struct Ground {
    /// The machine at a boot. What its host says the time is, the lab says instead.
    pub platform: Box<dyn Fn(&Settings) -> Platform + Send + Sync>,
    /// What a client trusts; the first measurement is the worker's image.
    pub trusted: Box<dyn Fn() -> Trusted + Send + Sync>,
}

impl Ground {
    /// A simulated TEE, and clients that believe it.
    #[must_use]
    pub fn simulated() -> Self {
        Self::simulated_as(VERSION, || Box::new(SimVerifier))
    }

    /// The same of the image `version`; the worker judges evidence, its own and its readers', with what `verifier` makes.
    #[must_use]
    pub fn simulated_as(version: &'static str, verifier: fn() -> Box<dyn Verifier>) -> Self {
        let root = if version == VERSION { [7; 32] } else { [8; 32] };
        let platform = move |_: &Settings| Platform {
            tee: Arc::new(SimTee::new(version)),
            verifier: verifier(),
            sealing_root: Box::new(move |_| Ok(Zeroizing::new(root))),
            host_time: Box::new(host_time),
            simulated: true,
        };
        let trusted = move || Trusted {
            verifier: Box::new(SimVerifier),
            policy: Policy { measurements: vec![sim_measurement(version)], ..Policy::default() },
            first_use: true,
            warning: None,
        };
        Self { platform: Box::new(platform), trusted: Box::new(trusted) }
    }
}
