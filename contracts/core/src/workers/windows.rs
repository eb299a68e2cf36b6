//! Windows: which one runs, and sets of the last few.
//!
//! Layer: bottom of core, workers.
//! Holds: the arithmetic.
//! Never: what a window is good for.
//! Invariant: a set of the last [`WINDOWS_KEPT`] windows is one row's few bytes, however old it is.

use super::{Step, WorkersError, keys};
use prag_protocol::ledger::workers::{WINDOWS_KEPT, WindowSet, WorkerRecord, WorkersTerms};

/// The window that `time` is in.
pub(super) fn at(terms: &WorkersTerms, time: u64) -> u64 {
    // No contract is instantiated with windows of no length.
    time.checked_div(terms.window_seconds).unwrap_or(0)
}

/// The first second of a window.
pub(super) fn start(terms: &WorkersTerms, window: u64) -> u64 {
    window.saturating_mul(terms.window_seconds)
}

/// Whether `window` is in the set; no for one that is too old to be known.
pub(super) fn has(set: WindowSet, window: u64) -> bool {
    set.last.checked_sub(window).and_then(bit).is_some_and(|bit| set.bits & bit != 0)
}

/// The set with `window`, unless that is too old to be known.
pub(super) fn with(set: WindowSet, window: u64) -> WindowSet {
    match window.checked_sub(set.last) {
        Some(ahead) => {
            let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
            let bits = set.bits.checked_shl(ahead).unwrap_or(0) | 1;
            WindowSet { last: window, bits }
        }
        None => {
            let behind = set.last.saturating_sub(window);
            WindowSet { bits: set.bits | bit(behind).unwrap_or(0), ..set }
        }
    }
}

fn bit(behind: u64) -> Option<u32> {
    let behind = u32::try_from(behind).ok().filter(|_| behind < WINDOWS_KEPT)?;
    1_u32.checked_shl(behind)
}

impl Step<'_> {
    /// The running window.
    pub(super) fn window(&self) -> u64 {
        at(&self.config.terms, self.env.time)
    }

    /// Notes that the ledger takes messages in this window: it does not stand still.
    pub(super) fn hear(&mut self) -> Result<(), WorkersError> {
        let window = self.window();
        let row = keys::heard();
        let heard = row.load(self.kv)?.unwrap_or_default();
        if !has(heard, window) {
            row.save(self.kv, &with(heard, window))?;
        }
        Ok(())
    }
}

/// How many windows a worker answered that begin at `from` or later, and before `until`, unix seconds: each window is of
/// one epoch. A record remembers 32 windows, so that windows should be no shorter than a 32nd of an epoch and the time
/// for its reports.
#[must_use]
pub fn answers(record: &WorkerRecord, window_seconds: u64, from: u64, until: u64) -> u64 {
    let set = record.answered;
    let counts = |behind: u32| {
        let answered = set.bits.checked_shr(behind).unwrap_or(0) & 1 == 1;
        let window = set.last.checked_sub(behind.into()).filter(|window| *window >= record.since);
        let start = window.and_then(|window| window.checked_mul(window_seconds));
        answered && start.is_some_and(|start| (from..until).contains(&start))
    };
    (0..u32::BITS).map(|behind| u64::from(counts(behind))).sum()
}
