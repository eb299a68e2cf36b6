#![allow(clippy::unwrap_used, clippy::panic)]

use super::MemoryEngine;
use crate::conformance;
use crate::{Batch, Closed, Engine, Open, ShardName, StoreError};

const SHARD: ShardName = ShardName([7; 16]);
const FIRST: Open = Open::Writer { expected_epoch: 0, claim: 1 };
const AGAIN: Open = Open::Writer { expected_epoch: 1, claim: 1 };

struct Memory(MemoryEngine);

impl conformance::Subject for Memory {
    fn engine(&self) -> &dyn Engine {
        &self.0
    }

    fn restart(&mut self) {
        self.0.crash_keeping(usize::MAX);
    }
}

/// The engine passes the suite of all engines.
#[test]
fn conforms() {
    conformance::run(&|| Box::new(Memory(MemoryEngine::new())));
}

/// A crash loses what was not durable, keeps what was, and closes the handles.
#[test]
fn crash_loses_only_what_was_not_durable() {
    for kept in 0..=3 {
        let engine = MemoryEngine::new();
        let shard = engine.open(SHARD, FIRST).unwrap();
        for value in 1..=5_u8 {
            let mut batch = Batch::new();
            batch.put([b'k'], [value]).unwrap();
            batch.put([b'k', value], [value]).unwrap();
            let seq = shard.commit(batch).unwrap();
            if value == 2 {
                shard.durable(seq).unwrap();
            }
        }
        engine.crash_keeping(kept);
        assert_eq!(shard.status().closed, Some(Closed::Io));
        assert!(shard.get_many(&[b"k"]).is_err());

        let shard = engine.open(SHARD, AGAIN).unwrap();
        let last = 2 + u8::try_from(kept).unwrap();
        assert_eq!(shard.status().committed, u64::from(last));
        assert_eq!(shard.get_many(&[b"k"]).unwrap(), [Some(vec![last])]);
        for value in 1..=5_u8 {
            let there = shard.get_many(&[&[b'k', value]]).unwrap()[0].is_some();
            assert_eq!(there, value <= last);
        }
    }
}

/// A failed sync closes the shard; opened again it holds what was durable.
#[test]
fn failed_sync_closes() {
    let engine = MemoryEngine::new();
    let shard = engine.open(SHARD, FIRST).unwrap();
    let kept = shard.commit(Batch::new()).unwrap();
    shard.durable(kept).unwrap();
    engine.fail_next_sync(SHARD);
    let lost = shard.commit(Batch::new()).unwrap();
    assert!(matches!(shard.durable(lost), Err(StoreError::Io { .. })));
    assert!(matches!(shard.durable(kept), Err(StoreError::Closed { why: Closed::Io, .. })));
    assert!(shard.commit(Batch::new()).is_err());
    assert_eq!(engine.open(SHARD, AGAIN).unwrap().status().committed, kept);
}
