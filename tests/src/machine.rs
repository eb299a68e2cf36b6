//! What a lab's worker stands on where it is not this machine: a store that dies, a clock that jumps.
//!
//! Layer: tests.
//! Holds: the memory engine behind one that dies after so many steps; an offset to the system's time.
//! Never: a step half done; time that goes back.
//! Invariant: after a revival the store holds what was durable, and nothing else.

use prag_store::{Engine, FaultyEngine, MemoryEngine};
use prag_trust::entropy::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

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

/// The system's time and an offset. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct LabClock(Arc<AtomicU64>);

impl LabClock {
    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for LabClock {
    fn now(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        now + self.0.load(Ordering::SeqCst)
    }
}
