//! Seeded entropy for tests.

use crate::entropy::{Entropy, EntropyError};

/// The stream of a seed.
pub(crate) struct Seeded(blake3::OutputReader);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_be_bytes());
        Self(hasher.finalize_xof())
    }

    /// A number below `bound`; slightly uneven, which tests do not mind.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        (u64::from_be_bytes(bytes) % bound as u64) as usize
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        self.0.fill(&mut out);
        out
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        self.0.fill(out);
        Ok(())
    }
}

/// A source that gives so many fills, and then fails.
pub(crate) struct Failing(pub(crate) usize);

impl Entropy for Failing {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyError> {
        self.0 = self.0.checked_sub(1).ok_or(EntropyError)?;
        Ok(())
    }
}
