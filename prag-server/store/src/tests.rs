#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::*;

const SHARD: ShardName = ShardName([1; 16]);
const CLONE: ShardName = ShardName([2; 16]);

type Twin = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    /// Keys with a value to put, or to delete.
    Commit(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Durable,
    Get(Vec<Vec<u8>>),
    Scan {
        start: Vec<u8>,
        end: Option<Vec<u8>>,
        after: Option<Vec<u8>>,
        limit: usize,
    },
    Checkpoint,
    At(usize),
    Reopen,
    Crash(usize),
    Clone {
        start: Vec<u8>,
        end: Option<Vec<u8>>,
    },
}

/// Few different bytes and short keys, so that steps meet.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0_u8), Just(1), Just(2), Just(0xff)], 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![vec(any::<u8>(), 0..20), Just(vec![9; 3000])];
    let end = || proptest::option::of(key());
    prop_oneof![
        6 => vec((key(), proptest::option::weighted(0.7, value)), 0..8).prop_map(Step::Commit),
        2 => Just(Step::Durable),
        2 => vec(key(), 0..6).prop_map(Step::Get),
        3 => (key(), end(), end(), 1..10_usize)
            .prop_map(|(start, end, after, limit)| Step::Scan { start, end, after, limit }),
        1 => Just(Step::Checkpoint),
        1 => any::<usize>().prop_map(Step::At),
        1 => Just(Step::Reopen),
        1 => (0..4_usize).prop_map(Step::Crash),
        1 => (key(), end()).prop_map(|(start, end)| Step::Clone { start, end }),
    ]
}

/// An engine that can be stopped and, if it knows how, crashed: it then returns how many batches survived.
trait Machine {
    fn engine(&self) -> &dyn Engine;
    fn reopen(&mut self);
    fn crash(&mut self, _kept: usize) -> bool {
        false
    }
}

impl Machine for MemoryEngine {
    fn engine(&self) -> &dyn Engine {
        self
    }
    fn reopen(&mut self) {}
    fn crash(&mut self, kept: usize) -> bool {
        self.crash_keeping(kept);
        true
    }
}

struct Rocks {
    folder: tempfile::TempDir,
    engine: RocksEngine,
}

impl Machine for Rocks {
    fn engine(&self) -> &dyn Engine {
        &self.engine
    }
    fn reopen(&mut self) {
        self.engine = RocksEngine::open(self.folder.path()).unwrap();
    }
}

/// What the shard must be: its rows after each batch, and how many of them are durable.
struct Model {
    history: Vec<Twin>,
    durable: usize,
    checkpoints: BTreeMap<CheckpointId, Twin>,
    epoch: u64,
}

impl Model {
    fn now(&self) -> &Twin {
        self.history.last().unwrap()
    }

    fn committed(&self) -> usize {
        self.history.len() - 1
    }
}

fn within(twin: &Twin, range: &KeyRange) -> Vec<Row> {
    let rows = twin.iter().filter(|(key, _)| range.contains(key));
    rows.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn everything(shard: &dyn Shard) -> Vec<Row> {
    let page = shard.scan(&KeyRange::all(), None, 8000).unwrap();
    assert!(!page.more);
    page.rows
}

fn open(machine: &dyn Machine, model: &mut Model) -> Arc<dyn Shard> {
    let mode = Open::Writer { expected_epoch: model.epoch, claim: model.epoch + 1 };
    let shard = machine.engine().open(SHARD, mode).unwrap();
    model.epoch += 1;
    // Opening a writer syncs.
    model.durable = model.committed();
    let status = shard.status();
    assert_eq!(status.committed, model.committed() as u64);
    assert_eq!(everything(&*shard), within(model.now(), &KeyRange::all()));
    shard
}

fn read(shard: &dyn Shard, model: &Model, step: &Step) {
    match step {
        Step::Get(keys) => {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            let expected: Vec<_> = keys.iter().map(|key| model.now().get(*key).cloned()).collect();
            assert_eq!(shard.get_many(&keys).unwrap(), expected);
        }
        Step::Scan { start, end, after, limit } => {
            let range = KeyRange { start: start.clone(), end: end.clone() };
            let page = shard.scan(&range, after.as_deref(), *limit).unwrap();
            let mut expected = within(model.now(), &range);
            expected.retain(|(key, _)| after.as_ref().is_none_or(|after| key > after));
            assert_eq!(page.more, expected.len() > *limit);
            expected.truncate(*limit);
            assert_eq!(page.rows, expected);
        }
        _ => unreachable!("not a read"),
    }
}

fn commit(shard: &dyn Shard, model: &mut Model, operations: &[(Vec<u8>, Option<Vec<u8>>)]) {
    let (mut batch, mut next) = (Batch::new(), model.now().clone());
    for (key, value) in operations {
        match value {
            Some(value) => {
                batch.put(key.clone(), value.clone()).unwrap();
                next.insert(key.clone(), value.clone());
            }
            None => {
                batch.delete(key.clone()).unwrap();
                next.remove(key);
            }
        }
    }
    model.history.push(next);
    assert_eq!(shard.commit(batch).unwrap(), model.committed() as u64);
}

fn run(machine: &mut dyn Machine, steps: &[Step]) {
    let mut model =
        Model { history: vec![Twin::new()], durable: 0, checkpoints: BTreeMap::new(), epoch: 0 };
    let mut shard = open(machine, &mut model);
    for step in steps {
        match step {
            Step::Commit(operations) => commit(&*shard, &mut model, operations),
            Step::Durable => {
                shard.durable(model.committed() as u64).unwrap();
                model.durable = model.committed();
            }
            Step::Get(_) | Step::Scan { .. } => read(&*shard, &model, step),
            Step::Checkpoint => {
                let id = shard.checkpoint().unwrap();
                assert_eq!(id.0, model.committed() as u64);
                model.durable = model.committed();
                model.checkpoints.insert(id, model.now().clone());
            }
            Step::At(pick) => {
                let Some((id, twin)) =
                    model.checkpoints.iter().nth(pick % (model.checkpoints.len() + 1))
                else {
                    continue;
                };
                let at = machine.engine().open(SHARD, Open::At(*id)).unwrap();
                assert_eq!(everything(&*at), within(twin, &KeyRange::all()));
            }
            Step::Reopen => {
                drop(shard);
                machine.reopen();
                shard = open(machine, &mut model);
            }
            Step::Crash(kept) => {
                if machine.crash(*kept) {
                    model.history.truncate(model.durable + kept + 1);
                    shard = open(machine, &mut model);
                }
            }
            Step::Clone { start, end } => {
                let range = KeyRange { start: start.clone(), end: end.clone() };
                let seq = machine.engine().clone_range(SHARD, CLONE, &range).unwrap();
                assert_eq!(seq, model.committed() as u64);
                let copy = machine.engine().open(CLONE, Open::Follower).unwrap();
                assert_eq!(everything(&*copy), within(model.now(), &range));
                machine.engine().destroy(CLONE).unwrap();
            }
        }
    }
    let ids: Vec<_> = model.checkpoints.keys().copied().collect();
    assert_eq!(shard.checkpoints().unwrap(), ids);
    assert_eq!(everything(&*shard), within(model.now(), &KeyRange::all()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The memory engine does what a map with a history does, through crashes.
    #[test]
    fn memory_agrees_with_a_map(steps in vec(step(), 0..60)) {
        run(&mut MemoryEngine::new(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The RocksDB engine does what a map with a history does.
    #[test]
    fn rocks_agrees_with_a_map(steps in vec(step(), 0..60)) {
        let folder = tempfile::tempdir().unwrap();
        let engine = RocksEngine::open(folder.path()).unwrap();
        run(&mut Rocks { folder, engine }, &steps);
    }
}

/// Trait objects cross threads.
#[test]
fn objects_are_send_and_sync() {
    fn check<T: Send + Sync + ?Sized>() {}
    check::<dyn Engine>();
    check::<dyn Shard>();
    check::<dyn Blobs>();
}

/// Names are lowercase hex of one length, and nothing else is a name.
#[test]
fn names_are_strict() {
    let name = ShardName([0x0f; 16]);
    assert_eq!(name.to_string(), "0f".repeat(16));
    assert_eq!(ShardName::from_hex(&name.to_string()), Some(name));
    for text in [
        "",
        "0f",
        &"0F".repeat(16),
        &"0g".repeat(16),
        &"0f".repeat(17),
        "../../../../../../../../../../etc",
    ] {
        assert_eq!(ShardName::from_hex(text), None);
    }
    assert_eq!(CheckpointId::from_hex("00000000000000ff"), Some(CheckpointId(255)));
    assert_eq!(CheckpointId(255).to_string(), "00000000000000ff");
    assert_eq!(BlobName::from_hex(&"ab".repeat(32)), Some(BlobName([0xab; 32])));
}

/// `Debug` of what carries keys or values shows neither.
#[test]
fn debug_is_quiet() {
    let mut batch = Batch::new();
    batch.put(*b"kk", *b"vv").unwrap();
    assert_eq!(format!("{batch:?}"), "Batch(1 operations, 20 bytes)");
    assert_eq!(format!("{:?}", KeyRange::prefix(b"kk")), "KeyRange(..)");
    let page = Page { rows: vec![(b"kk".to_vec(), b"vv".to_vec())], more: false };
    assert_eq!(format!("{page:?}"), "Page(1 rows, more: false)");
}
