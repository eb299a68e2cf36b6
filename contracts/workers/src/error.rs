//! Why this shell refuses before the core is asked.
//!
//! Layer: bottom of the workers shell.
//! Holds: one enum.
//! Never: content of evidence.
//! Invariant: a quote that the chain refuses is an error, never evidence that is only stored.

/// Why the core was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShellError {
    /// Terms that no worker of this chain could meet, or that would let in workers that nobody has verified.
    #[error("{term} has to be {must} on this chain")]
    Terms {
        /// Which.
        term: &'static str,
        /// What it has to be.
        must: bool,
    },
    /// No TDX quote of a known version and kind. Not retryable as it is.
    #[cfg(any(feature = "secret", test))]
    #[error("the report is no TDX quote: {0}")]
    Quote(&'static str),
    /// A guest that its host can look into or replace. Launch it otherwise.
    #[cfg(any(feature = "secret", test))]
    #[error("the quote is of a guest with {0}")]
    Guest(&'static str),
    /// The collateral is not that of `dcap-qvl` in JSON.
    #[cfg(any(feature = "secret", test))]
    #[error("the collateral does not parse: {0}")]
    Collateral(&'static str),
    /// Forged, outdated, revoked, or not of this collateral; the chain does not say which.
    #[cfg(any(feature = "secret", test))]
    #[error("the chain refuses the quote")]
    Refused,
}
