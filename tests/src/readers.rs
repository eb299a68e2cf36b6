//! Readers: LLM workers with a simulated TEE.
//!
//! Layer: tests.
//! Holds: an attester whose image a name stands for.
//! Never: hardware.
//! Invariant: the same name is the same image.

use prag_client::attester::Attester;
use prag_client::error::ClientError;
use prag_trust::evidence::{Evidence, ReaderBinding};
use prag_trust::sim::SimTee;

/// Attests as an image of this name; [`prag_trust::sim::sim_measurement`] is its digest.
pub struct SimReader(pub &'static str);

impl Attester for SimReader {
    fn evidence(&self, binding: &ReaderBinding) -> Result<Evidence, ClientError> {
        Ok(SimTee::new(self.0).read(binding))
    }
}
