//! Counting, vouching and settling, over a store that may die.

#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

mod model;
mod pays;
mod room;

use super::*;
use crate::fixture::Counting;
use prag_protocol::limits::{REQUEST_IDS_MAX, REQUEST_REPEATS_MAX};
use prag_store::{Engine, FaultyEngine, MemoryEngine, Open, ShardName};
use prag_trust::address::SessionKey;
use prag_trust::entropy::Entropy;
use prag_trust::key::Key;
use prag_trust::voucher::{countersign, verify_offer};

const ID: CollectionId = CollectionId([7; 16]);
const WORKER: &str = "secret1worker";
const LEDGER: [u8; 32] = [0x1d; 32];
const NOW: u64 = 1_700_000_000;

/// A worker's counters on a disk that may die, through boots with keys of their own.
struct Scene {
    memory: MemoryEngine,
    engine: FaultyEngine,
    boots: u8,
    credit: u64,
    /// Whether the ledger takes reports.
    reports: bool,
    meter: Arc<Meter>,
}

impl Scene {
    fn new(credit: u64) -> Self {
        Self::on(credit, true)
    }

    fn on(credit: u64, reports: bool) -> Self {
        let memory = MemoryEngine::new();
        let engine = FaultyEngine::new(Arc::new(memory.clone()));
        let meter = open(&engine, 1, credit, reports);
        Self { memory, engine, boots: 1, credit, reports, meter }
    }

    /// The machine dies, if it has not, and the worker boots with another key on what was durable.
    fn reboot(&mut self) {
        self.boots += 1;
        self.memory.crash();
        self.engine.die_after(u64::MAX);
        self.meter = open(&self.engine, self.boots, self.credit, self.reports);
    }

    fn ask(
        &self,
        who: &Who,
        voucher: Option<SignedVoucher>,
        mark: Option<Mark>,
        cost: Counters,
    ) -> Result<OfferedVoucher, MeterError> {
        self.meter.admit(who.clone(), voucher, mark)?.count(&cost)
    }

    fn used(&self, who: &Who) -> Counters {
        let standing = self.meter.hand_in(who, None).unwrap();
        let offered = standing.and_then(|standing| standing.offered);
        offered.map_or_else(Counters::default, |offer| offer.voucher.used)
    }
}

fn open(engine: &dyn Engine, boot: u8, credit: u64, reports: bool) -> Arc<Meter> {
    let shard = engine.open(ShardName([0; 16]), Open::Writer { expected_epoch: 0, claim: 1 });
    let signing = SigningKey::from_bytes(&[boot; 32]);
    let chance = || -> Box<dyn Entropy> { Box::new(Counting(boot)) };
    let key = Arc::new(Key::from_root(&[5; 32]));
    let own = signing.verifying_key().to_bytes();
    let rows = UsageRows::open(&key, &shard.unwrap(), chance, own).unwrap();
    let worker = WORKER.parse().unwrap();
    let vouching = Vouching { ledger: LEDGER, worker, signing, reports };
    Arc::new(Meter::open(credit, vouching, rows).unwrap())
}

fn key(session: u8) -> SessionKey {
    SessionKey::from_bytes(&[session; 32])
}

fn who(session: u8) -> Who {
    Who {
        collection: ID,
        consumer: format!("secret1reader{session}").parse().unwrap(),
        session: key(session).public_key(),
        expires: NOW + 100,
        now: NOW,
    }
}

fn cost(queries: u64) -> Counters {
    Counters { queries, chunks: 10, embedded: 5, input: 100, output: 0 }
}

/// Which voucher of its session it is, from 1.
fn number(offer: &OfferedVoucher) -> u64 {
    offer.voucher.sequence & 0x0fff_ffff
}

fn sign(offer: OfferedVoucher, session: u8) -> SignedVoucher {
    countersign(verify_offer(offer).unwrap(), &key(session))
}

/// A session is served up to its credit, then not, and again once it has countersigned; a refusal counts nothing.
#[test]
fn credit_has_an_end() {
    let scene = Scene::new(2);
    let reader = who(1);
    scene.ask(&reader, None, None, cost(1)).unwrap();
    let second = scene.ask(&reader, None, None, cost(1)).unwrap();
    assert_eq!((number(&second), second.voucher.used.queries), (2, 2));
    let due = scene.ask(&reader, None, None, cost(1)).unwrap_err();
    assert_eq!(due, MeterError::Due { owed: 2, credit: 2 });
    assert_eq!(scene.used(&reader), second.voucher.used);

    let third = scene.ask(&reader, Some(sign(second, 1)), None, cost(1)).unwrap();
    assert_eq!(third.voucher.used.queries, 3);
    // Another session has a credit of its own.
    assert!(scene.ask(&who(2), None, None, cost(1)).is_ok());
}

/// Requests that are being served count against the credit; one that fails gives its place back.
#[test]
fn credit_covers_what_is_being_served() {
    let scene = Scene::new(2);
    let reader = who(1);
    let first = scene.meter.admit(reader.clone(), None, None).unwrap();
    let second = scene.meter.admit(reader.clone(), None, None).unwrap();
    let due = scene.meter.admit(reader.clone(), None, None).err().unwrap();
    assert_eq!(due, MeterError::Due { owed: 2, credit: 2 });
    drop(first);
    assert!(scene.meter.admit(reader.clone(), None, None).is_ok());
    second.count(&cost(1)).unwrap();
    assert_eq!(scene.used(&reader).queries, 1);
}

/// A retry is served and not counted, also when nothing more is lent and after a reboot; not for ever, and another
/// request is no retry.
#[test]
fn a_retry_counts_once() {
    let mut scene = Scene::new(1);
    let reader = who(1);
    let first = scene.ask(&reader, None, Some([1; 16]), cost(1)).unwrap();
    for repeat in 0..REQUEST_REPEATS_MAX {
        if repeat == 3 {
            scene.reboot();
        }
        let again = scene.ask(&reader, None, Some([1; 16]), cost(1)).unwrap();
        assert_eq!((again.voucher.used, number(&again)), (first.voucher.used, 1));
    }
    let refused = scene.ask(&reader, None, Some([1; 16]), cost(1)).unwrap_err();
    assert_eq!(refused, MeterError::Repeats);
    let refused = scene.ask(&reader, None, Some([2; 16]), cost(1)).unwrap_err();
    assert!(matches!(refused, MeterError::Due { .. }));
}

/// So many requests are remembered, and one more forgets the oldest.
#[test]
fn request_ids_are_bounded() {
    let scene = Scene::new(1_000);
    let reader = who(1);
    let ask = |mark: usize| {
        let mark = u128::try_from(mark).unwrap().to_be_bytes();
        scene.ask(&reader, None, Some(mark), cost(1)).unwrap().voucher.used.queries
    };
    for mark in 1..=REQUEST_IDS_MAX {
        assert_eq!(ask(mark), mark as u64);
    }
    assert_eq!(ask(1), 64, "still known");
    assert_eq!(ask(65), 65);
    assert_eq!(ask(2), 65, "still known");
    assert_eq!(ask(1), 66, "forgotten");
}

/// Foreign, tampered, too large and older vouchers are refused, each by its name, and nothing changes. The same one again is
/// no error: its reply may have been lost.
#[test]
fn vouchers_are_checked() {
    let scene = Scene::new(10);
    let (reader, other) = (who(1), who(2));
    let old = sign(scene.ask(&reader, None, None, cost(1)).unwrap(), 1);
    let new = sign(scene.ask(&reader, None, None, cost(1)).unwrap(), 1);
    let offered = scene.ask(&other, None, None, cost(1)).unwrap();
    scene.meter.hand_in(&reader, Some(new.clone())).unwrap();
    let before = scene.meter.hand_in(&reader, None).unwrap();

    let changed = |change: &dyn Fn(&mut SignedVoucher)| {
        let mut signed = new.clone();
        signed.voucher.sequence += 1;
        change(&mut signed);
        signed
    };
    // What an honest worker signs, but another one: its key is none of ours.
    let thief = |voucher: Voucher| {
        let stolen = prag_trust::voucher::offer(voucher, &SigningKey::from_bytes(&[99; 32]));
        sign(stolen, 1)
    };
    let rows = [
        (MeterError::Old, old),
        (MeterError::Foreign, sign(offered, 2)),
        (MeterError::Foreign, changed(&|it| it.voucher.ledger = [0; 32])),
        (MeterError::Foreign, changed(&|it| it.voucher.worker = "secret1other".parse().unwrap())),
        (MeterError::Foreign, changed(&|it| it.voucher.collection = CollectionId([8; 16]))),
        (MeterError::Foreign, changed(&|it| it.voucher.consumer = other.consumer.clone())),
        (MeterError::Foreign, changed(&|it| it.voucher.session = other.session)),
        (MeterError::Foreign, thief(new.voucher.clone())),
        (MeterError::Invalid, changed(&|_| ())),
        (MeterError::Invalid, changed(&|it| it.voucher.used.queries += 1)),
        (MeterError::Invalid, changed(&|it| it.voucher.used.queries = 1 << 53)),
        (MeterError::Invalid, changed(&|it| it.worker_signature[0] ^= 1)),
        (MeterError::Invalid, changed(&|it| it.consumer_signature[0] ^= 1)),
    ];
    for (row, (expected, voucher)) in rows.into_iter().enumerate() {
        let refused = scene.meter.hand_in(&reader, Some(voucher.clone())).unwrap_err();
        assert_eq!(refused, expected, "row {row}");
        assert_eq!(scene.meter.hand_in(&reader, None).unwrap(), before, "row {row}");
        // In a request an older one is passed over, as requests overtake each other; any other fault refuses it.
        let asked = scene.meter.admit(reader.clone(), Some(voucher), None).err();
        assert_eq!(asked, (expected != MeterError::Old).then_some(expected), "row {row}");
        assert_eq!(scene.meter.hand_in(&reader, None).unwrap(), before, "row {row}");
    }
    assert_eq!(scene.meter.hand_in(&reader, Some(new)).unwrap(), before);
}

/// A key that another account already uses is refused: a voucher has one consumer.
#[test]
fn a_session_has_one_account() {
    let scene = Scene::new(9);
    scene.ask(&who(1), None, None, cost(1)).unwrap();
    let thief = Who { consumer: who(2).consumer, ..who(1) };
    assert_eq!(scene.ask(&thief, None, None, cost(1)).unwrap_err(), MeterError::Foreign);
    assert_eq!(scene.meter.hand_in(&thief, None).unwrap_err(), MeterError::Foreign);
}

/// A voucher of an earlier boot is known again, and counters go on under the new key.
#[test]
fn boots_are_one_worker() {
    let mut scene = Scene::new(1);
    let reader = who(1);
    let first = scene.ask(&reader, None, None, cost(1)).unwrap();
    scene.reboot();
    let second = scene.ask(&reader, Some(sign(first.clone(), 1)), None, cost(1)).unwrap();
    assert_ne!(second.voucher.worker_key, first.voucher.worker_key);
    assert!(second.voucher.supersedes(&first.voucher));
    assert_eq!(second.voucher.used.queries, 2);
}

/// A host that puts an old disk back gains nothing: a voucher that both have signed counts again.
#[test]
fn an_old_disk_is_caught_up() {
    let scene = Scene::new(9);
    let reader = who(1);
    scene.ask(&reader, None, None, cost(1)).unwrap();
    let later = scene.ask(&reader, None, None, cost(3)).unwrap();
    // As if the second request had never been: another disk with the same keys.
    let restored = Scene::new(9);
    restored.ask(&reader, None, None, cost(1)).unwrap();
    let offer = restored.ask(&reader, Some(sign(later.clone(), 1)), None, cost(1)).unwrap();
    assert!(offer.voucher.supersedes(&later.voucher));
    assert_eq!(offer.voucher.used.queries, later.voucher.used.queries + 1);
}

/// Counters end before they would no longer be kept exactly.
#[test]
fn counters_have_an_end() {
    let scene = Scene::new(u64::MAX);
    let most = Counters { queries: (1 << 53) - 1, ..Counters::default() };
    scene.ask(&who(1), None, None, most).unwrap();
    assert_eq!(scene.ask(&who(1), None, None, cost(1)).unwrap_err(), MeterError::Exhausted);
    assert_eq!(scene.used(&who(1)), most);
}

/// Rows are frozen: version 1, then postcard; and a row of another version or with more behind it is none.
#[test]
fn golden_row() {
    let mut session = Session::new("secret1reader".parse().unwrap(), 0);
    session.count(Some([9; 16]), &cost(1)).unwrap();
    session.count(Some([9; 16]), &cost(1)).unwrap();
    session.expires = 300;
    let row = session.to_row().unwrap();
    let spelled = [
        &[1, 13][..],
        b"secret1reader",
        &[1, 10, 5, 100, 0],
        // Sequence, no voucher, nothing reported, expiry.
        &[1, 0, 0, 0, 0, 0, 0, 0xac, 0x02],
        // One mark, served again once.
        &[1],
        &[9; 16],
        &[1],
    ];
    assert_eq!(row, spelled.concat());
    assert_eq!(Session::from_row(&row), Some(session));
    assert_eq!(Session::from_row(&[&row[..], &[0]].concat()), None);
    assert_eq!(Session::from_row(&[&[2], &row[1..]].concat()), None);
}

/// What the host sees of a row names neither collection nor session, and a row in another's place is refused.
#[test]
fn rows_have_blind_names() {
    let scene = Scene::new(9);
    let (one, two) = (who(1), who(2));
    for who in [&one, &two] {
        scene.ask(who, None, None, cost(1)).unwrap();
    }
    let mode = Open::Writer { expected_epoch: 0, claim: 1 };
    let shard = scene.memory.open(ShardName([0; 16]), mode).unwrap();
    let rows = shard.scan(&prag_store::KeyRange::prefix(&[0x16]), None, 9).unwrap().rows;
    assert_eq!(rows.len(), 2);
    for (name, value) in &rows {
        let all = [&name[..], value].concat();
        for secret in [&ID.0[..], &one.session, &two.session, b"secret1reader"] {
            assert!(!all.windows(secret.len()).any(|part| part == secret));
        }
    }
    let mut swap = prag_store::Batch::new();
    swap.put(rows[0].0.clone(), rows[1].1.clone()).unwrap();
    let seq = shard.commit(swap).unwrap();
    shard.durable(seq).unwrap();
    let key = Arc::new(Key::from_root(&[5; 32]));
    let rows = UsageRows::open(&key, &shard, || Box::new(Counting(3)), [3; 32]).unwrap();
    assert!(matches!(rows.all(), Err(VaultError::Tampered)));
}
