//! A shard that dies after every durable step of what is done to it, and is opened again.

use super::super::renew;
use super::super::shard::Home;
use super::super::tiers::Shape;
use super::super::upkeep::Upkeep;
use super::life::{claim, expected, lived_in, open, text, wrap_of};
use super::*;
use prag_store::FaultyEngine;
use std::collections::BTreeMap;

/// What is done to a shard at a time; it may be cut short anywhere, and is then done again.
type Deed = fn(&CollectionShard) -> Result<(), CollectionError>;

fn rotate(shard: &CollectionShard) -> Result<(), CollectionError> {
    shard.prepare_epoch(2, wrap_of(2), &mut OsEntropy)?;
    // Here the ledger speaks.
    shard.settle_epoch(2)
}

fn reencrypt(shard: &CollectionShard) -> Result<(), CollectionError> {
    renew::reencrypt(shard, &|_, _| (), &mut OsEntropy)
}

fn purge(shard: &CollectionShard) -> Result<(), CollectionError> {
    renew::purge(shard, &mut OsEntropy)
}

fn maintain(shard: &CollectionShard) -> Result<(), CollectionError> {
    freeze::maintain(shard, &mut OsEntropy)
}

fn merge(shard: &CollectionShard) -> Result<(), CollectionError> {
    freeze::compact(shard, true, &mut OsEntropy)
}

/// Crashed after any step, with or without what was not yet durable: everything acknowledged is there, and doing it
/// again ends as if nothing had happened.
#[test]
fn a_crash_after_any_step_loses_nothing() {
    for (name, first, deed) in [
        ("rotate", 1, rotate as Deed),
        ("reencrypt", 2, reencrypt as Deed),
        ("compact after a rotation", 2, merge as Deed),
        ("purge", 1, purge as Deed),
        ("merge all", 1, merge as Deed),
        ("merge what is wounded", 1, maintain as Deed),
    ] {
        for kept in [0, 1, usize::MAX] {
            let mut steps = 0;
            while crashes(deed, first, name == "rotate", steps, kept) {
                steps += 1;
            }
            assert!(steps >= 2, "{name} has {steps} steps");
        }
    }
}

/// True if the deed was cut short after `steps`.
fn crashes(deed: Deed, first: u32, turns: bool, steps: u64, kept: usize) -> bool {
    let memory = MemoryEngine::new();
    let engine = FaultyEngine::new(Arc::new(memory.clone()));
    let shard = lived_in(&engine);
    if first == 2 {
        rotate(&shard).unwrap();
    }
    let head = shard.head();
    engine.die_after(steps);
    let done = deed(&shard);
    let died = engine.is_dead();
    // A blob that is not deleted at the end is an orphan, and no failure.
    assert!(done.is_ok() || died, "{done:?}");
    drop(shard);
    memory.crash_keeping(kept);
    engine.die_after(u64::MAX);

    // The ledger is at one epoch or the other; whatever was not settled opens in both.
    let opened: Vec<u32> = (1..=2).filter(|epoch| open(&engine, *epoch).is_ok()).collect();
    assert!(!opened.is_empty(), "locked out after {steps} steps");
    assert!(turns || opened == [first]);
    for epoch in opened {
        let shard = open(&engine, epoch).unwrap();
        assert_eq!(contents(&shard.read()), expected(), "epoch {epoch}, {steps} steps");
        assert_eq!((shard.head(), shard.read().chunks()), (head, 5));
    }
    let current = if open(&engine, 1).is_ok() { 1 } else { 2 };
    let shard = open(&engine, current).unwrap();
    put(&shard, "g", &text("g"));
    deed(&shard).unwrap();
    delete(&shard, "g");
    assert_eq!(contents(&shard.read()), expected());
    let epoch = shard.epoch();
    drop(shard);
    assert_eq!(contents(&open(&engine, epoch).unwrap().read()), expected());
    died
}

/// The machine dies while segments are built and swapped and writes come in: whatever was acknowledged is there, and of
/// the rest at most the write that was under way.
#[test]
fn an_acknowledged_write_outlives_a_swap() {
    for steps in 0..60 {
        for kept in [0, 1, usize::MAX] {
            let memory = MemoryEngine::new();
            let engine = FaultyEngine::new(Arc::new(memory.clone()));
            let upkeep = Arc::new(Upkeep::new(Shape { freeze_rows: 4, fan: 2 }, 1, 0));
            let home = Home { upkeep, ..Home::from(claim(&engine, 0).unwrap()) };
            let shard =
                CollectionShard::create(IDENTITY, profile(), wrap_of(1), home, &mut OsEntropy)
                    .unwrap();
            engine.die_after(steps);
            let (acknowledged, under_way) = std::thread::scope(|scope| {
                scope.spawn(|| while !engine.is_dead() && maintain(&shard).is_ok() {});
                until_it_dies(&shard)
            });
            drop(shard);
            memory.crash_keeping(kept);
            engine.die_after(u64::MAX);
            let shard = open(&engine, 1).unwrap();
            let found: BTreeMap<String, String> = contents(&shard.read()).into_iter().collect();
            assert!(found == acknowledged || found == under_way, "{steps} steps, kept {kept}");
            maintain(&shard).unwrap();
            assert_eq!(contents(&shard.read()).into_iter().collect::<BTreeMap<_, _>>(), found);
        }
    }
}

/// Documents as they were acknowledged, and as they would be with the write that failed.
fn until_it_dies(shard: &CollectionShard) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut acknowledged = BTreeMap::new();
    for number in 0u32.. {
        let id = format!("d{}", number * 7 % 10);
        let mut next = acknowledged.clone();
        let op = if number % 5 == 4 {
            next.remove(&id);
            Op::Delete(id.parse().unwrap())
        } else {
            next.insert(id.clone(), text(&number.to_string()));
            Op::Put { document: document(&id, &text(&number.to_string())), vectors: vec![0.6, 0.8] }
        };
        let batch = batch(vec![op], None, 5, &mut OsEntropy).unwrap();
        if shard.write(vec![batch], &mut OsEntropy).is_err() {
            return (acknowledged, next);
        }
        acknowledged = next;
    }
    unreachable!()
}
