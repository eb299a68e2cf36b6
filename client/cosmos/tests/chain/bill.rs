//! What a story cost: every message with its gas and fee.
//!
//! Layer: tests.
//! Holds: gas and fees as they were proven, and the latest height at which something happened.
//! Never: what was refused: that costs nothing.
//! Invariant: the sum of the lines is what all accounts paid for gas together.

use crate::node::DENOM;
use prag_cosmos::Executed;
use std::sync::Mutex;
use std::time::Instant;

/// The lines, in the order in which they came.
pub(crate) struct Bill {
    begun: Instant,
    lines: Mutex<Vec<(String, Executed)>>,
}

impl Bill {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), lines: Mutex::default() }
    }

    /// Notes a message that happened.
    pub(crate) fn note(&self, name: &str, done: &Executed) {
        assert!(done.gas_used > 0 && done.gas_used <= done.gas_wanted && done.fee > 0, "{done:?}");
        self.lines.lock().unwrap().push((name.to_owned(), done.clone()));
    }

    /// What was paid for gas.
    pub(crate) fn fees(&self) -> u128 {
        self.lines.lock().unwrap().iter().map(|(_, done)| done.fee).sum()
    }

    /// The latest height at which something happened.
    pub(crate) fn height(&self) -> u64 {
        self.lines.lock().unwrap().iter().map(|(_, done)| done.height).max().unwrap_or(0)
    }

    /// Tells how the story goes on.
    pub(crate) fn say(&self, what: &str) {
        println!("chain-test: {:>6.1} s  {what}", self.begun.elapsed().as_secs_f32());
    }

    /// The table: each message once, at its dearest.
    pub(crate) fn print(&self) {
        let lines = self.lines.lock().unwrap();
        println!(
            "\n{:<28} {:>5} {:>10} {:>10} {:>9}",
            "message", "times", "gas wanted", "gas used", DENOM
        );
        let line = |name: &str, times: usize, wanted: u64, used: u64, fee: u128| {
            println!("{name:<28} {times:>5} {wanted:>10} {used:>10} {fee:>9}");
        };
        let mut names: Vec<&String> = lines.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        for name in names {
            let same = || lines.iter().filter(|(other, _)| other == name).map(|(_, done)| done);
            let Some(most) = same().max_by_key(|done| done.fee) else { continue };
            line(name, same().count(), most.gas_wanted, most.gas_used, most.fee);
        }
        let sum = |of: fn(&Executed) -> u64| lines.iter().map(|(_, done)| of(done)).sum();
        let fees = lines.iter().map(|(_, done)| done.fee).sum();
        line("all", lines.len(), sum(|done| done.gas_wanted), sum(|done| done.gas_used), fees);
        println!();
    }
}
