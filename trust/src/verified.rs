//! A value that was checked.
//!
//! Layer: bottom of `trust`; depends on nothing of ours.
//! Holds: one wrapper whose constructor only this crate's checks reach.
//! Never: a way in from outside, nor `Deserialize`, `Default` or `From`.
//! Invariant: whoever holds a `Verified<T>` got it from the check that made it.

use std::fmt;
use std::ops::Deref;

/// A `T` that passed the check which returned it.
///
/// Only a check of this crate makes one:
///
/// ```compile_fail,E0603
/// let forged = prag_trust::verified::Verified(7u32);
/// ```
///
/// ```compile_fail,E0624
/// let forged = prag_trust::verified::Verified::new(7u32);
/// ```
///
/// What a check returned can be read and taken apart:
///
/// ```
/// fn seven(checked: prag_trust::verified::Verified<u32>) -> u32 {
///     *checked + checked.into_inner()
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Wraps what has just been checked. Callers: the checks of this crate, and nobody else.
    pub(crate) fn new(checked: T) -> Self {
        Self(checked)
    }

    /// Takes the value out; it is no longer known to be checked.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Verified<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Verified").field(&self.0).finish()
    }
}
