//! Sharing out texts among threads.
//!
//! Layer: bottom of `embedder`; depends on nothing of ours.
//! Holds: nothing.
//! Never: splits a text.
//! Invariant: every text is in exactly one batch, and none is lost or doubled.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Batches of texts (their numbers), longest first, of at most `budget` tokens, or of one text.
pub(crate) fn plan(lengths: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order = (0..lengths.len()).collect::<Vec<_>>();
    order.sort_by_key(|&index| std::cmp::Reverse(lengths[index]));
    let mut batches = Vec::<Vec<usize>>::new();
    let mut room = 0;
    for index in order {
        match batches.last_mut() {
            Some(batch) if lengths[index] <= room => batch.push(index),
            Some(_) | None => {
                room = budget.max(lengths[index]);
                batches.push(vec![index]);
            }
        }
        room -= lengths[index];
    }
    batches
}

/// Run `work` for each number below `count` on up to `threads` threads, each with a state of its
/// own, and return the results in order. With one thread, or one number, the caller's thread works.
pub(crate) fn spread<S, T: Send>(
    count: usize,
    threads: NonZeroUsize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> T + Sync,
) -> Vec<T> {
    if threads.get() == 1 || count <= 1 {
        let mut state = state();
        return (0..count).map(|index| work(&mut state, index)).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let run = || {
        let mut state = state();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            let result = work(&mut state, index);
            // A poisoned lock means that another thread's push panicked; the scope panics then.
            if let Ok(mut done) = done.lock() {
                done.push((index, result));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.get().min(count) {
            scope.spawn(run);
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|&(index, _)| index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The budget that keeps all threads busy without making batches tiny.
pub(crate) fn budget(tokens: usize, threads: NonZeroUsize, max: usize) -> usize {
    tokens.div_ceil(threads.get()).clamp(BATCH_TOKENS_MIN.min(max), max)
}

/// Below this many tokens a second thread is not worth starting.
const BATCH_TOKENS_MIN: usize = 48;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every text is in one batch; a batch of two or more keeps the budget.
        #[test]
        fn plan_loses_nothing(lengths in prop::collection::vec(1_usize..300, 0..60), budget in 1_usize..600) {
            let batches = plan(&lengths, budget);
            let mut all = batches.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..lengths.len()).collect::<Vec<_>>());
            for batch in batches {
                let tokens = batch.iter().map(|&index| lengths[index]).sum::<usize>();
                prop_assert!(batch.len() == 1 || tokens <= budget);
            }
        }
    }

    /// Results come back in order on any number of threads.
    #[test]
    fn spread_keeps_order() {
        for threads in [1, 2, 7] {
            let threads = NonZeroUsize::new(threads).unwrap();
            let squares = spread(100, threads, || (), |(), index| index * index);
            assert_eq!(squares, (0..100).map(|index| index * index).collect::<Vec<_>>());
        }
    }
}
