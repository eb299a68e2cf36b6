//! Locks: what to do with a poisoned one.
//!
//! Layer: flow.
//! Holds: one function.
//! Never: hides a half-made change: what is guarded here is replaced whole, so it is whole after a panic.
//! Invariant: none of its own.

use std::sync::PoisonError;

/// The guard of a poisoned lock.
pub(super) fn ignore_poison<G>(poisoned: PoisonError<G>) -> G {
    poisoned.into_inner()
}
