//! What a lab's worker stands on where it is not this machine: a store that dies, time that leaps.
//!
//! Layer: tests.
//! Holds: the memory engine behind one that dies after so many steps; leaps of the machine's counter.
//! Never: a step half done; time that goes back.
//! Invariant: after a revival the store holds what was durable, and nothing else.

use prag_server::clock::{Counter, counter};
use prag_store::{Engine, FaultyEngine, MemoryEngine};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A store in memory that can die and be revived.
pub(crate) struct Mortal {
    memory: MemoryEngine,
    engine: FaultyEngine,
}

impl Mortal {
    pub(crate) fn new() -> Self {
        let memory = MemoryEngine::new();
        let engine = FaultyEngine::new(Arc::new(memory.clone()));
        Self { memory, engine }
    }

    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(self.engine.clone())
    }

    pub(crate) fn die_after(&self, steps: u64) {
        self.engine.die_after(steps);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.engine.is_dead()
    }

    pub(crate) fn revive(&self) {
        self.memory.crash();
        self.engine.die_after(u64::MAX);
    }
}

/// Time that goes on by leaps. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Leaps(Arc<AtomicU64>);

impl Leaps {
    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A machine's counter, started now.
    pub(crate) fn counter(&self) -> Counter {
        let (steady, leaps) = (counter(), Arc::clone(&self.0));
        let start = leaps.load(Ordering::SeqCst);
        Box::new(move || steady() + Duration::from_secs(leaps.load(Ordering::SeqCst) - start))
    }
}
