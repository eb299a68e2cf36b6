//! The frozen raw rows, rows that do not read back, and what messages and queries cost.

use super::*;
use crate::workers::seats::BENCHES;
use prag_protocol::ledger::workers::EvidencePart;
use std::cell::Cell;

/// Other chains prove membership under these keys.
#[test]
fn golden_keys() {
    let mut world = World::empty();
    world.enlist("ann", 5);
    world.ok("admin", approve(1));
    let row = |parts: &[&[u8]]| parts.concat();
    let number = 1_u64.to_be_bytes();
    let expected = [
        row(&[b"\x02a", &[0]]),
        row(&[b"\x02a", &[1], &[0; 4]]),
        row(&[b"\x02a", &[2], b"secret1ann"]),
        row(&[b"\x02c"]),
        row(&[b"\x02esecret1ann"]),
        row(&[b"\x02h"]),
        row(&[b"\x02l"]),
        row(&[b"\x02m"]),
        row(&[b"\x02n", &number]),
        row(&[b"\x02s", &[1], b"retrieval"]),
        row(&[b"\x02t\x05small", &[0]]),
        row(&[b"\x02t\x05small", &[1], &[0; 4]]),
        row(&[b"\x02t\x05small", &[2], b"secret1ann"]),
        row(&[b"\x02wsecret1ann"]),
        row(&[b"\x02x\x0asecret1ann", &[0], &[0; 4]]),
        row(&[b"\x02x\x0asecret1ann", &[1], &[0; 4]]),
        row(&[b"\x02y", &[0]]),
        row(&[b"\x02y", &[1], &[0; 4]]),
        row(&[b"\x02y", &[2], b"small"]),
    ];
    let keys: Vec<_> = world.map.0.keys().cloned().collect();
    assert_eq!(keys, expected);
}

/// The bytes of the records that proofs will be read from.
#[test]
fn golden_values() {
    let mut world = World::empty();
    world.enlist("ann", 5);
    world.ok("admin", approve(1));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let worker = [
        &b"\x01\x0asecret1ann\x01\x13https://ann.example\x0dsecret1annpay\x05small"[..],
        b"\x09retrieval\x05\x40",
        hex(&key("ann")).as_bytes(),
        b"\x40",
        hex(&[7; 32]).as_bytes(),
        // Stake as text, not attested, expiry 1,206,000, first window 2,000.
        b"\x045000\x00\xf0\xcd\x49\xd0\x0f",
        // Answered 2,000, punished never, live until 1,201,200, staying, waiting for nobody.
        b"\xd0\x0f\x01\x00\x00\xb0\xa8\x49\x00\x00",
    ]
    .concat();
    assert_eq!(world.map.get(b"\x02wsecret1ann").unwrap(), worker);
    let seat = b"\x01\x01\x01\x05\xb0\xa8\x49\x00";
    assert_eq!(world.map.get(b"\x02s\x01retrieval").unwrap(), seat);
    let measurements =
        [b"\x01\x01\x01\x01\x40", hex(&[1; 32]).as_bytes(), b"\xe8\xa6\x49"].concat();
    assert_eq!(world.map.get(b"\x02m").unwrap(), measurements);
    assert_eq!(world.map.get(b"\x02h").unwrap(), b"\x01\xd0\x0f\x01");
}

/// A record that was cut, stretched, or written in another format is damage, not an answer.
#[test]
fn damage_is_named() {
    for (key, table) in [
        (&b"\x02wsecret1ann"[..], "workers"),
        (b"\x02c", "configs"),
        (b"\x02h", "windows"),
        (b"\x02s\x01retrieval", "seats"),
    ] {
        let mut world = World::new();
        world.pass(1);
        let report = world.report("ann");
        let good = world.map.get(key).unwrap();
        let mut other_format = good.clone();
        other_format[0] = 2;
        let stretched = [good.as_slice(), &[0]].concat();
        let mut cuts: Vec<_> = (0..good.len()).map(|end| good[..end].to_vec()).collect();
        cuts.extend([other_format, stretched]);
        for bad in cuts {
            world.map.0.insert(key.to_vec(), bad);
            world.refuses("ann", report.clone(), WorkersError::Damaged(table));
        }
        world.map.0.insert(key.to_vec(), good);
        world.ok("ann", report);
    }
}

/// A seat or a list that names a worker that is not there is damage, and says so.
#[test]
fn torn_rows() {
    let mut world = World::empty();
    world.enlist("ann", 1);
    let next = WorkersQuery::GetNextWorker {
        signature: None,
        subscriber_public_key: "x".to_owned(),
        service: "retrieval".to_owned(),
    };
    let rows = WorkersQuery::GetWorkers {
        signature: None,
        subscriber_public_key: None,
        offset: 0,
        limit: 9,
    };
    world.map.0.remove(&b"\x02wsecret1ann"[..]);
    for (query, table) in [(next, "seats"), (rows, "lists")] {
        let seen = workers::query(&world.map, &world.env, query);
        assert_eq!(seen, Err(WorkersError::Damaged(table)));
    }
    let mut world = World::empty();
    world.enlist("ann", 1);
    world.map.0.remove(&b"\x02t\x05small\x02secret1ann"[..]);
    world.refuses("ann", remove("ann"), WorkersError::Damaged("lists"));
}

/// Counters that are at their end say so.
#[test]
fn counters_end() {
    let mut world = World::empty();
    keys::last_number().save(&mut world.map, &u64::MAX).unwrap();
    let message = world.register("ann", |_| {});
    let end = WorkersError::Exhausted("the numbers of workers");
    world.refuses_with("ann", &[(UNIT, "uscrt")], message, end);
    world.env.time = u64::MAX;
    world.refuses("admin", approve(1), WorkersError::Exhausted("time"));
}

/// A store whose every touch, and every byte that is touched, is counted.
struct Counted {
    map: Map,
    rows: Cell<u32>,
    bytes: Cell<usize>,
}

impl Counted {
    fn touch(&self, bytes: usize) {
        self.rows.set(self.rows.get() + 1);
        self.bytes.set(self.bytes.get() + bytes);
    }

    fn counted(&self) -> (u32, usize) {
        (self.rows.replace(0), self.bytes.replace(0))
    }
}

impl Kv for Counted {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let value = self.map.get(key);
        self.touch(value.as_ref().map_or(0, Vec::len));
        value
    }
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.touch(value.len());
        self.map.put(key, value);
    }
    fn delete(&mut self, key: &[u8]) {
        self.touch(0);
        self.map.delete(key);
    }
}

/// One of each message but the last of all, in an order in which each is accepted.
fn messages(world: &World) -> Vec<(&'static str, WorkersMsg)> {
    let register = world.register("new", |r| {
        r.attestation_report = "r".repeat(10_000);
        r.collateral = "c".repeat(20_000);
    });
    let again = world.register("ann", |r| {
        (r.capacity, r.service, r.worker_type) = (5, "other".to_owned(), "large".to_owned());
    });
    vec![
        ("new", register),
        ("bob", world.report("bob")),
        ("ann", missed("ann", FIRST + 1)),
        ("rewards", slash("bob", 1000)),
        ("ann", again),
        ("ann", set_wallet("ann", "purse")),
        ("ann", set_address("ann", "moved")),
        ("ann", set_type("moved", "small")),
        ("ann", remove("moved")),
        ("admin", approve(2)),
        ("admin", retire(1)),
        ("admin", WorkersMsg::SetParties { parties: parties("court", "vault") }),
        ("admin", WorkersMsg::SetAdmin { admin: account("heir") }),
        ("heir", WorkersMsg::AcceptAdmin {}),
    ]
}

fn queries() -> Vec<WorkersQuery> {
    let (worker, part, chunk) = (account("bob"), EvidencePart::Report, 0);
    let (signature, subscriber_public_key, offset, limit) = (None::<String>, None, 0, 1);
    vec![
        WorkersQuery::Config {},
        WorkersQuery::Measurements {},
        WorkersQuery::Count { model: None },
        WorkersQuery::GetWorkers {
            signature: signature.clone(),
            subscriber_public_key: subscriber_public_key.clone(),
            offset,
            limit: 2,
        },
        WorkersQuery::GetModels {
            signature: signature.clone(),
            subscriber_public_key: subscriber_public_key.clone(),
            offset,
            limit,
        },
        WorkersQuery::GetUrls {
            signature: signature.clone(),
            subscriber_public_key,
            model: Some("small".to_owned()),
            offset,
            limit,
        },
        WorkersQuery::GetNextWorker {
            signature,
            subscriber_public_key: "k".to_owned(),
            service: "retrieval".to_owned(),
        },
        WorkersQuery::Worker { worker: worker.clone() },
        WorkersQuery::Reporter { worker: worker.clone(), from: 0, until: NOW },
        WorkersQuery::GetLivelinessChallenge { worker: worker.clone() },
        WorkersQuery::Evidence { worker: worker.clone() },
        WorkersQuery::EvidenceChunk { worker, part, chunk },
    ]
}

/// What each message and query costs beside `others`, in rows and bytes.
fn cost(others: u32) -> Vec<(String, u32, usize)> {
    let mut world = World::new();
    for n in 0..others {
        world.enlist(&format!("w{n}"), 1);
    }
    world.ok("admin", approve(1));
    world.pass(1);
    let report = world.report("bob");
    world.ok("bob", report);
    world.pass(1);
    let messages = messages(&world);
    let mut env = world.env;
    let mut store = Counted { map: world.map, rows: Cell::new(0), bytes: Cell::new(0) };
    let mut costs = Vec::new();
    let mut run = |store: &mut Counted, env: &Env, who: &str, message: WorkersMsg| {
        let shown = format!("{message:?}");
        let kind = shown.split([' ', '(']).next().unwrap().to_owned();
        let sender = account(who);
        let coin = [Funds { denom: "uscrt".to_owned(), amount: 5 * UNIT }];
        let funds = if kind == "RegisterWorker" { &coin[..] } else { &[] };
        let verdict = Verdict::Stored;
        let call = Call { sender: &sender, funds, verdict, verify: &Chain };
        workers::execute(store, env, &call, message).unwrap();
        let (rows, bytes) = store.counted();
        costs.push((kind, rows, bytes));
    };
    for (who, message) in messages {
        run(&mut store, &env, who, message);
    }
    env.time += 5000;
    run(&mut store, &env, "ann", WorkersMsg::WithdrawStake {});
    env.time -= 5000;

    for query in queries() {
        let shown = format!("{query:?}");
        let kind = shown.split(' ').next().unwrap().to_owned();
        workers::query(&store, &env, query).unwrap();
        let (rows, bytes) = store.counted();
        costs.push((kind, rows, bytes));
    }
    costs
}

/// No message and no query touches more rows among ten thousand workers than among few, and none is dear.
#[test]
fn cost_does_not_grow() {
    let (few, many) = (cost(2), cost(10_000));
    assert_eq!(few.len(), 27);
    for ((kind, rows, bytes), (_, rows_of_many, bytes_of_many)) in few.iter().zip(&many) {
        println!("{kind}: {rows} rows, {bytes_of_many} bytes");
        assert_eq!(rows, rows_of_many, "{kind}");
        // A bench that is full is longer than one that is not.
        let seats = if kind == "GetNextWorker" { usize::from(BENCHES) } else { 3 };
        assert!(*bytes_of_many <= bytes + seats * 400, "{kind}: {bytes}, {bytes_of_many}");
        assert!(*rows <= 40, "{kind} touches {rows} rows");
    }
}

/// The longest evidence costs as many rows as it has chunks, and its successor no more.
#[test]
fn evidence_is_the_dearest() {
    let mut world = World::empty();
    let longest = world.register("ann", |r| {
        r.attestation_report = "r".repeat(EvidencePart::Report.bytes_max());
        r.collateral = "c".repeat(EvidencePart::Collateral.bytes_max());
    });
    let shortest = world.register("ann", |r| r.collateral = String::new());
    let map = std::mem::take(&mut world.map);
    let mut store = Counted { map, rows: Cell::new(0), bytes: Cell::new(0) };
    let sender = account("ann");
    let coin = [Funds { denom: "uscrt".to_owned(), amount: UNIT }];
    let verdict = Verdict::Stored;
    let call = Call { sender: &sender, funds: &coin, verdict, verify: &Chain };
    for message in [longest.clone(), shortest, longest] {
        workers::execute(&mut store, &world.env, &call, message).unwrap();
        let (rows, _) = store.counted();
        assert!(rows <= 50, "{rows}");
    }
}
