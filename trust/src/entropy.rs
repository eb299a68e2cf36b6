//! Chance and time, as arguments.
//!
//! Layer: bottom of `trust`; depends on nothing of ours.
//! Holds: the two traits through which callers lend randomness and the time of day.
//! Never: a source of either; a failing seed must replay.
//! Invariant: what is not filled whole is an error, never a short answer.

/// No randomness to be had. Fail the operation; worth a retry only by a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no entropy")]
pub struct EntropyError;

/// A source of uniformly random bytes, fit for keys and nonces.
pub trait Entropy: Send {
    /// Fill all of `out`.
    ///
    /// # Errors
    /// [`EntropyError`] if the source fails; `out` must then not be used.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError>;
}

/// The time of day as the caller came to trust it; never decreasing.
pub trait Clock: Send + Sync {
    /// Now, in seconds since 1970-01-01 UTC.
    fn now(&self) -> u64;
}

/// `N` public random bytes: a nonce, an id, a salt. Secrets come from `Key::random`.
///
/// # Errors
/// [`EntropyError`] if the source fails.
pub fn random<const N: usize>(entropy: &mut dyn Entropy) -> Result<[u8; N], EntropyError> {
    let mut out = [0u8; N];
    entropy.fill(&mut out)?;
    Ok(out)
}

/// Chance that replays, and its absence.
#[cfg(test)]
pub(crate) mod testing {
    use super::{Entropy, EntropyError};

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
}
