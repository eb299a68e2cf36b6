//! What ends a run.
//!
//! Layer: benches, bottom.
//! Holds: one error that names the step, for every cause.
//! Never: a figure: a run that failed has none.
//! Invariant: the step's name says what to look at.

use std::fmt::Display;

/// A step of a run failed; its figures are lost. Worth a second run only after the reason is gone.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {reason}")]
pub struct BenchError {
    step: String,
    reason: String,
}

impl BenchError {
    /// `step` failed for `reason`.
    #[must_use]
    pub fn new(step: &str, reason: impl Display) -> Self {
        Self { step: step.to_owned(), reason: reason.to_string() }
    }
}

/// Names the step of what may fail.
pub trait Step<T> {
    /// The value, or the failure of `step`.
    ///
    /// # Errors
    /// [`BenchError`] with the cause's own text.
    fn step(self, step: &str) -> Result<T, BenchError>;
}

impl<T, E: Display> Step<T> for Result<T, E> {
    fn step(self, step: &str) -> Result<T, BenchError> {
        self.map_err(|cause| BenchError::new(step, cause))
    }
}

impl<T> Step<T> for Option<T> {
    fn step(self, step: &str) -> Result<T, BenchError> {
        self.ok_or_else(|| BenchError::new(step, "it is not there"))
    }
}
