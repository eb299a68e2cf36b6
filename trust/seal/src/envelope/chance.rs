//! Our fallible entropy as the infallible generator that HPKE asks for.
//!
//! Layer: `prag-seal::envelope`.
//! Holds: the caller's entropy, and whether it ever failed.
//! Never: randomness of its own.
//! Invariant: after [`Chance::finish`] says yes, every byte that was handed out was the caller's entropy.

use crate::entropy::{Entropy, EntropyError};
use hpke::rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;

pub(super) struct Chance<'a> {
    entropy: &'a mut dyn Entropy,
    verdict: Result<(), EntropyError>,
}

impl<'a> Chance<'a> {
    pub(super) fn new(entropy: &'a mut dyn Entropy) -> Self {
        Self { entropy, verdict: Ok(()) }
    }

    /// Whether the entropy held. Whatever was made with it is void otherwise.
    pub(super) fn finish(self) -> Result<(), EntropyError> {
        self.verdict
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0u8; N];
        self.fill(&mut out);
        out
    }

    fn fill(&mut self, out: &mut [u8]) {
        if let Err(error) = self.entropy.fill(out) {
            self.verdict = Err(error);
            // Not zeros, which the curve might refuse: any bytes do, since nothing made of them is used.
            out.fill(1);
        }
    }
}

impl TryRng for Chance<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.take()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.take()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Chance<'_> {}
