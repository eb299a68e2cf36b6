//! The best of many, by a network of exchanges whose places are fixed beforehand.
//!
//! Layer: index, oblivious.
//! Holds: a bitonic sorter and merger (Batcher 1968) over keys of one word.
//! Never: an exchange whose places depend on a key.
//! Invariant: `best` holds the greatest keys of all blocks so far, in descending order.

use super::choice::{choice, less};
use super::trace::{Event, Trace};
use subtle::ConditionallySelectable;

/// The greatest keys of what came, as many as fit.
pub(super) struct Best {
    keys: Vec<u64>,
    block: Vec<u64>,
    filled: usize,
}

impl Best {
    /// Room for `k` keys or a few more: a power of two.
    pub(super) fn new(k: usize) -> Self {
        let room = k.max(MIN).next_power_of_two();
        Self { keys: vec![0; room], block: vec![0; room], filled: 0 }
    }

    #[inline(always)]
    pub(super) fn push<T: Trace>(&mut self, key: u64, trace: &mut T) {
        self.block[self.filled] = key;
        self.filled += 1;
        if self.filled == self.block.len() {
            self.fold(trace);
        }
    }

    /// All keys, descending; zeros where fewer came.
    pub(super) fn finish<T: Trace>(mut self, trace: &mut T) -> Vec<u64> {
        self.block[self.filled..].fill(0);
        self.fold(trace);
        self.keys
    }

    /// Take the greater of both halves: with one ascending and one descending, those are the greatest of all, and
    /// bitonic.
    fn fold<T: Trace>(&mut self, trace: &mut T) {
        let room = self.block.len();
        sort(&mut self.block, trace);
        for (place, key) in self.keys.iter_mut().enumerate() {
            trace.note(Event::Exchange(place, room - 1 - place));
            let other = self.block[room - 1 - place];
            let swap = choice(less(*key, other));
            key.conditional_assign(&other, swap);
        }
        merge(&mut self.keys, room, trace);
        self.filled = 0;
    }
}

/// Descending.
fn sort<T: Trace>(keys: &mut [u64], trace: &mut T) {
    let mut run = 2;
    while run <= keys.len() {
        let mut stride = run / 2;
        while stride > 0 {
            for left in (0..keys.len()).filter(|left| left & stride == 0) {
                let (greater, lesser) =
                    if left & run == 0 { (left, left + stride) } else { (left + stride, left) };
                exchange(keys, greater, lesser, trace);
            }
            stride /= 2;
        }
        run *= 2;
    }
}

/// A bitonic sequence, descending.
fn merge<T: Trace>(keys: &mut [u64], room: usize, trace: &mut T) {
    let mut stride = room / 2;
    while stride > 0 {
        for left in (0..room).filter(|left| left & stride == 0) {
            exchange(keys, left, left + stride, trace);
        }
        stride /= 2;
    }
}

/// Put the greater key to the first place.
#[inline(always)]
fn exchange<T: Trace>(keys: &mut [u64], greater: usize, lesser: usize, trace: &mut T) {
    trace.note(Event::Exchange(greater, lesser));
    let (mut high, mut low) = (keys[greater], keys[lesser]);
    let swap = choice(less(high, low));
    u64::conditional_swap(&mut high, &mut low, swap);
    keys[greater] = high;
    keys[lesser] = low;
}

/// Smaller blocks would cost more in calls than they save.
const MIN: usize = 8;
