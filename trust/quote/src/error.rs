//! Why evidence is refused.
//!
//! Layer: `prag-quote`.
//! Holds: one enum for all kinds of evidence, each variant naming the check that failed; the checks that all share.
//! Never: bytes of the evidence in a message.
//! Invariant: every check has its own variant or its own text, so that two refusals are never confused.

use x509_cert::time::Validity;

/// Why evidence is refused. Not retryable with the same evidence, unless said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuoteError {
    /// Larger than the bound, which was checked before anything was parsed.
    #[error("{field} has {bytes} bytes, allowed are {max}")]
    Size {
        /// Which part.
        field: &'static str,
        /// Its length.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// Does not parse as what it should be.
    #[error("{0} does not parse")]
    Format(&'static str),
    /// A kind or version that is not verified here.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// A certificate chain does not lead to the root.
    #[error("certificate chain of {0} does not lead to its root")]
    Chain(&'static str),
    /// A certificate, or collateral, is not valid yet or no longer.
    #[error("{0} is outside its dates")]
    Dates(&'static str),
    /// A certificate was revoked.
    #[error("certificate of {0} was revoked")]
    Revoked(&'static str),
    /// A signature does not hold.
    #[error("signature of {0} does not hold")]
    Signature(&'static str),
    /// The certificate is another chip's.
    #[error("{0} is not that of the certificate")]
    Chip(&'static str),
    /// The guest can be read from outside.
    #[error("{0} allows debugging")]
    Debug(&'static str),
    /// A flag or field that must not have this value.
    #[error("{0} is not allowed")]
    Forbidden(&'static str),
    /// The platform's firmware is older than the rules allow. Retry after an update.
    #[error("{0} is below the minimum")]
    Tcb(&'static str),
    /// The event log does not replay to the measured register.
    #[error("event log does not give {0}")]
    EventLog(&'static str),
    /// The GPU's report answers another nonce.
    #[error("{0} answers another nonce")]
    Nonce(&'static str),
}

/// Refuse what is larger than its bound, before anything is parsed.
pub(crate) fn bounded(field: &'static str, bytes: &[u8], max: usize) -> Result<(), QuoteError> {
    let bytes = bytes.len();
    if bytes > max { Err(QuoteError::Size { field, bytes, max }) } else { Ok(()) }
}

/// Refuse a certificate outside its dates; both ends are within.
pub(crate) fn dated(name: &'static str, dates: &Validity, now: u64) -> Result<(), QuoteError> {
    let from = dates.not_before.to_unix_duration().as_secs();
    let until = dates.not_after.to_unix_duration().as_secs();
    if (from..=until).contains(&now) { Ok(()) } else { Err(QuoteError::Dates(name)) }
}
