//! How far a build is, and the way to stop it.
//!
//! Layer: index.
//! Holds: two atomics that a builder and its owner share.
//! Never: a lock, or a wait.
//! Invariant: a build that was told to stop ends between two batches of rows, and leaves nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Looks at a build from outside.
#[derive(Debug, Default)]
pub struct Watch {
    stop: AtomicBool,
    rows: AtomicU64,
}

impl Watch {
    /// End the build soon, within some thousand rows: it answers [`IndexError::Stopped`].
    ///
    /// [`IndexError::Stopped`]: crate::IndexError::Stopped
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Rows that were linked so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }
}
