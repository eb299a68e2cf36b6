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
