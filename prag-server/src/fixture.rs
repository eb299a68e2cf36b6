//! What the leaves' own tests share.

use prag_trust::entropy::{Entropy, EntropyError};

/// 0, 1, 2, … as if it were chance.
pub(crate) struct Counting(pub(crate) u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}
