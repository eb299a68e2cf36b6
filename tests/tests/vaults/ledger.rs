//! One ledger for several workers, and a clock that tests can set.

use prag_client::ledger::Ledger;
use prag_client::system::{OsEntropy, SystemClock};
use prag_server::ledger::{EmbeddedLedger, Opening};
use prag_store::{Engine, MemoryEngine, Open, ShardName};
use prag_trust::entropy::Clock;
use prag_trust::key::{Key, Vault};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// This machine's time, and so many seconds.
#[derive(Clone, Default)]
pub(crate) struct Shifted(Arc<AtomicI64>);

impl Shifted {
    pub(crate) fn by(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for Shifted {
    fn now(&self) -> u64 {
        SystemClock::default().now().saturating_add_signed(self.0.load(Ordering::Relaxed))
    }
}

/// The contract's state machine on a store of its own, outside every worker.
pub(crate) fn ledger(genesis: u8, clock: &Shifted) -> Arc<dyn Ledger> {
    let mode = Open::Writer { expected_epoch: 0, claim: 1 };
    let shard = MemoryEngine::new().open(ShardName([genesis; 16]), mode).unwrap();
    let key = Key::<Vault>::from_root(&[genesis; 32]).derive();
    let (clock, chance) = (Arc::new(clock.clone()), Box::new(OsEntropy));
    let opening = Opening { genesis: [genesis; 32], confirmed: true, market: None };
    Arc::new(EmbeddedLedger::open(opening, key, shard, clock, chance).unwrap())
}
