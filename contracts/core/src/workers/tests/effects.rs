//! What accepted messages leave behind.

use super::*;
use prag_protocol::ledger::workers::{
    Approval, Leaving, LivelinessChallenge, WindowSet, WorkersConfig,
};

pub(super) fn config(world: &World) -> WorkersConfig {
    match world.ask(WorkersQuery::Config {}) {
        WorkersReply::Config(config) => *config,
        other => panic!("{other:?}"),
    }
}

fn measurements(world: &World) -> Vec<Approval> {
    match world.ask(WorkersQuery::Measurements {}) {
        WorkersReply::Measurements(rows) => rows,
        other => panic!("{other:?}"),
    }
}

fn models(world: &World) -> Vec<String> {
    let (signature, subscriber_public_key, offset, limit) = (None, None, 0, 100);
    match world.ask(WorkersQuery::GetModels { signature, subscriber_public_key, offset, limit }) {
        WorkersReply::Models(mut models) => {
            models.sort();
            models
        }
        other => panic!("{other:?}"),
    }
}

fn urls(world: &World, model: Option<&str>) -> Vec<String> {
    let (signature, subscriber_public_key, offset, limit) = (None, None, 0, 100);
    let model = model.map(str::to_owned);
    let query = WorkersQuery::GetUrls { signature, subscriber_public_key, model, offset, limit };
    match world.ask(query) {
        WorkersReply::Urls(mut urls) => {
            urls.sort();
            urls
        }
        other => panic!("{other:?}"),
    }
}

fn workers(world: &World, offset: u32, limit: u32) -> Vec<String> {
    let (signature, subscriber_public_key) = (None, None);
    let query = WorkersQuery::GetWorkers { signature, subscriber_public_key, offset, limit };
    match world.ask(query) {
        WorkersReply::Workers(rows) => rows.iter().map(|row| name(&row.worker)).collect(),
        other => panic!("{other:?}"),
    }
}

fn count(world: &World, model: Option<&str>) -> u32 {
    match world.ask(WorkersQuery::Count { model: model.map(str::to_owned) }) {
        WorkersReply::Count(count) => count,
        other => panic!("{other:?}"),
    }
}

fn asked(world: &World, who: &str) -> LivelinessChallenge {
    match world.ask(WorkersQuery::GetLivelinessChallenge { worker: account(who) }) {
        WorkersReply::Challenge(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

/// A registration is on record as it was sent, live at once, and costs nothing but its stake.
#[test]
fn registration() {
    let mut world = World::empty();
    let done = world.enlist("ann", 5);
    let worker = account("ann");
    assert_eq!(done.events, [Event::WorkerRegistered { worker: worker.clone(), seated: true }]);
    assert_eq!(done.payments, []);
    let expected = WorkerRecord {
        worker,
        number: 1,
        ip_address: url("ann"),
        payment_wallet: account("annpay"),
        worker_type: "small".to_owned(),
        service: "retrieval".to_owned(),
        capacity: 5,
        signing_key: key("ann"),
        hpke_key: [7; 32],
        stake: 5 * UNIT,
        attested: None,
        evidence_expires: NOW + 10 * WINDOW,
        since: FIRST,
        answered: WindowSet { last: FIRST, bits: 1 },
        punished: WindowSet::default(),
        live_until: NOW + 2 * WINDOW,
        leaving: None,
        pending: false,
    };
    assert_eq!(world.record("ann"), Some(expected));
    assert_eq!(world.record("bob"), None);
    assert_eq!(world.next("x").as_deref(), Some("ann"));
}

/// Registering again replaces everything but number, first window and stake, to which funds are added.
#[test]
fn registering_again() {
    let mut world = World::new();
    world.pass(1);
    let again = world.register("ann", |r| {
        r.signing_key = [9; 32];
        r.ip_address = url("moved");
        r.worker_type = "large".to_owned();
        r.capacity = 7;
    });
    world.paid("ann", 2 * UNIT, again);
    let record = world.record("ann").unwrap();
    assert_eq!((record.number, record.since, record.stake), (1, FIRST, 7 * UNIT));
    assert_eq!((record.signing_key, record.ip_address), ([9; 32], url("moved")));
    assert_eq!(record.answered, WindowSet { last: FIRST + 1, bits: 3 });
    assert_eq!(record.evidence_expires, NOW + 11 * WINDOW);
    assert_eq!(models(&world), ["large", "small"]);
    // Less capacity leaves the stake where it is.
    let less = world.register("ann", |_| {});
    world.ok("ann", less);
    assert_eq!(world.record("ann").unwrap().stake, 7 * UNIT);
    assert_eq!(models(&world), ["small"]);
}

/// Wallet, URL and type change by themselves, and repetitions are no events.
#[test]
fn changes() {
    let mut world = World::new();
    let worker = account("ann");
    assert_eq!(world.ok("ann", set_wallet("ann", "annpay")).events, []);
    assert_eq!(
        world.ok("ann", set_wallet("ann", "purse")).events,
        [Event::WalletSet { worker: worker.clone() }]
    );
    assert_eq!(world.ok("ann", set_address("ann", "ann")).events, []);
    assert_eq!(
        world.ok("ann", set_address("ann", "new")).events,
        [Event::AddressSet { worker: worker.clone() }]
    );
    assert_eq!(world.ok("ann", set_type("new", "small")).events, []);
    assert_eq!(world.ok("ann", set_type("new", "large")).events, [Event::TypeSet { worker }]);
    let record = world.record("ann").unwrap();
    assert_eq!(record.payment_wallet, account("purse"));
    assert_eq!((record.ip_address, record.worker_type), (url("new"), "large".to_owned()));
    assert_eq!(urls(&world, Some("large")), [url("new")]);
    assert_eq!(urls(&world, Some("small")), [url("bob")]);
    assert_eq!(urls(&world, None), [url("bob"), url("new")]);
}

/// Types are listed while they have a worker, and URLs while theirs is live.
#[test]
fn lists() {
    let mut world = World::new();
    world.ok("bob", set_type("bob", "large"));
    assert_eq!(models(&world), ["large", "small"]);
    assert_eq!((count(&world, None), count(&world, Some("large"))), (2, 1));
    world.pass(1);
    let report = world.report("bob");
    world.ok("bob", report);
    world.pass(1);
    assert_eq!(urls(&world, None), [url("bob")], "ann let a window pass");
    assert_eq!(world.chosen(), ["bob"]);
    assert_eq!(workers(&world, 0, 100).len(), 2, "but it is a worker");
    world.ok("bob", remove("bob"));
    assert_eq!((models(&world), urls(&world, None)), (vec!["small".to_owned()], vec![]));
    assert_eq!((count(&world, None), count(&world, Some("large"))), (1, 0));
    assert_eq!(workers(&world, 0, 100), ["ann"]);
}

/// Pages cover all workers once, and end at their end.
#[test]
fn pages() {
    let mut world = World::empty();
    for n in 0..25 {
        world.enlist(&format!("w{n}"), 1);
    }
    for limit in [1, 7, 25, 100] {
        let mut seen = std::collections::BTreeSet::new();
        for offset in (0..30).step_by(usize::try_from(limit).unwrap()) {
            for row in workers(&world, offset, limit) {
                assert!(seen.insert(row), "a row came twice");
            }
        }
        assert_eq!(seen.len(), 25);
    }
    assert!(workers(&world, u32::MAX, 100).is_empty());
}

/// An answer keeps a worker live for its window and the next, to the second.
#[test]
fn liveness() {
    let mut world = World::new();
    assert!(asked(&world, "ann").answered, "a registration answers");
    world.pass(1);
    let seen = asked(&world, "ann");
    assert_eq!((seen.window, seen.closes), (FIRST + 1, NOW + 2 * WINDOW));
    assert_eq!(seen.challenge, challenge(LEDGER, &account("ann"), FIRST + 1));
    assert!(!seen.answered);
    world.env.time += 599;
    let report = world.report("ann");
    let worker = account("ann");
    let expected = Event::LivelinessReported { worker, window: FIRST + 1, seated: true };
    assert_eq!(world.ok("ann", report).events, [expected]);
    assert!(asked(&world, "ann").answered);
    world.env.time = NOW + 3 * WINDOW - 1;
    assert_eq!(world.chosen(), ["ann"]);
    world.env.time += 1;
    assert_eq!(world.next("anybody"), None);
    assert!(!asked(&world, "stranger").answered, "anybody may ask, to register");
}

/// Evidence that ends takes liveness with it, in the middle of a window.
#[test]
fn evidence_ends() {
    let mut world = World::with(|terms| terms.evidence_seconds = 2 * WINDOW);
    world.env.time += 10;
    world.enlist("ann", 1);
    world.pass(1);
    let report = world.report("ann");
    world.ok("ann", report);
    assert_eq!(world.record("ann").unwrap().live_until, NOW + 10 + 2 * WINDOW);
    world.env.time = NOW + 9 + 2 * WINDOW;
    assert_eq!(world.chosen(), ["ann"]);
    world.env.time += 1;
    assert_eq!(world.next("anybody"), None);
}

/// A missed window costs its part, once, and goes to the treasury; so does a proven false report.
#[test]
fn slashing() {
    let mut world = World::new();
    world.pass(1);
    let report = world.report("bob");
    world.ok("bob", report);
    world.pass(1);
    let done = world.ok("anybody", missed("ann", FIRST + 1));
    let worker = account("ann");
    assert_eq!(done.events, [Event::MissReported { worker: worker.clone(), window: FIRST + 1 }]);
    assert_eq!(done.payments, treasury(50));
    let record = world.record("ann").unwrap();
    assert_eq!((record.stake, record.punished.last), (4950, FIRST + 1));

    let done = world.ok("rewards", slash("ann", 500_000));
    let reason = "root 3 was wrong".to_owned();
    assert_eq!(done.events, [Event::Slashed { worker, reason }]);
    assert_eq!(done.payments, treasury(2475));
    assert_eq!(world.ok("rewards", slash("ann", 1)).payments, treasury(1), "at least one unit");
    assert_eq!(world.ok("rewards", slash("ann", 1_000_000)).payments, treasury(2474));
    assert_eq!(world.record("ann").unwrap().stake, 0);
}

/// Who leaves is out of sight at once, at risk until the end, and then has the stake back and leaves no row.
#[test]
fn leaving() {
    let mut world = World::empty();
    world.enlist("bob", 1);
    let empty = world.map.clone();
    world.enlist("ann", 5);
    world.pass(1);
    let report = world.report("bob");
    world.ok("bob", report);
    world.pass(1);
    let withdraw_from = NOW + 2 * WINDOW + 5000;
    let worker = account("ann");
    let done = world.ok("ann", remove("ann"));
    let removed = Event::WorkerRemoved { worker: worker.clone(), withdraw_from };
    assert_eq!((done.events, done.payments), (vec![removed], vec![]));
    let leaving = Some(Leaving { window: FIRST + 2, withdraw_from });
    assert_eq!(world.record("ann").unwrap().leaving, leaving);
    assert_eq!(workers(&world, 0, 100), ["bob"]);
    assert_eq!(world.chosen(), ["bob"]);

    assert_eq!(world.ok("anybody", missed("ann", FIRST + 1)).payments, treasury(50));
    assert_eq!(world.ok("rewards", slash("ann", 100_000)).payments, treasury(495));
    world.env.time = withdraw_from;
    let done = world.ok("ann", WorkersMsg::WithdrawStake {});
    assert_eq!(done.events, [Event::StakeWithdrawn { worker }]);
    assert_eq!(done.payments, payment("ann", 4455));
    assert_eq!(world.record("ann"), None);
    let mut rows: Vec<_> = world.map.0.keys().collect();
    let before: Vec<_> = empty.0.keys().collect();
    rows.retain(|key| !before.contains(key));
    assert!(rows.is_empty(), "{rows:?}");
    // The number is not used again.
    world.enlist("cyd", 1);
    assert_eq!(world.record("cyd").unwrap().number, 3);
}

/// A worker that lost everything leaves without a payment.
#[test]
fn leaving_with_nothing() {
    let mut world = World::new();
    world.ok("rewards", slash("ann", 1_000_000));
    world.ok("ann", remove("ann"));
    world.env.time += 5000;
    assert_eq!(world.ok("ann", WorkersMsg::WithdrawStake {}).payments, []);
}

/// Who comes back keeps stake and number, and is excused for the time between only.
#[test]
fn coming_back() {
    let mut world = World::new();
    for _ in 0..2 {
        world.pass(1);
        let report = world.report("bob");
        world.ok("bob", report);
    }
    world.ok("ann", remove("ann"));
    for _ in 0..3 {
        world.pass(1);
        let report = world.report("bob");
        world.ok("bob", report);
    }
    let again = world.register("ann", |r| r.capacity = 5);
    world.ok("ann", again);
    let record = world.record("ann").unwrap();
    assert_eq!((record.number, record.stake, record.leaving), (1, 5 * UNIT, None));
    assert_eq!(world.chosen(), ["ann", "bob"]);
    // It was there in the first window, missed the next, and was away in those after.
    world.refuses("anybody", missed("ann", FIRST), WorkersError::Answered);
    assert_eq!(world.ok("anybody", missed("ann", FIRST + 1)).payments, treasury(50));
    for away in 2..5 {
        world.refuses("anybody", missed("ann", FIRST + away), WorkersError::Punished);
    }
    // Being away is no answer: rewards count those.
    let record = world.record("ann").unwrap();
    assert_eq!((record.answered.last, record.answered.bits), (FIRST + 5, 0b10_0001));
}

/// The admin changes hands in two steps, and a proposal can be replaced and withdrawn.
#[test]
fn admins() {
    let mut world = World::empty();
    let set = |who: &str| WorkersMsg::SetAdmin { admin: account(who) };
    world.ok("admin", set("wrong"));
    let proposed = world.ok("admin", set("heir")).events;
    assert_eq!(proposed, [Event::AdminProposed { admin: account("heir") }]);
    assert_eq!(world.ok("admin", set("heir")).events, []);
    world.ok("admin", set("admin"));
    assert_eq!(config(&world).proposed, None);
    world.refuses("heir", WorkersMsg::AcceptAdmin {}, WorkersError::Forbidden);
    world.ok("admin", set("heir"));
    let done = world.ok("heir", WorkersMsg::AcceptAdmin {});
    assert_eq!(done.events, [Event::AdminSet { admin: account("heir") }]);
    let config = config(&world);
    assert_eq!((config.admin, config.proposed), (account("heir"), None));
    world.refuses("admin", approve(1), WorkersError::Forbidden);
    world.ok("heir", approve(1));
}

/// Other parties are in force once the timelock has passed, and not a second before.
#[test]
fn other_parties() {
    let mut world = World::new();
    let message = WorkersMsg::SetParties { parties: parties("court", "vault") };
    let effective = NOW + 1000;
    assert_eq!(world.ok("admin", message).events, [Event::PartiesSet { effective }]);
    world.env.time = effective - 1;
    world.refuses("court", slash("ann", 1000), WorkersError::Forbidden);
    assert_eq!(world.ok("rewards", slash("ann", 1000)).payments, treasury(5));
    world.env.time = effective;
    world.refuses("rewards", slash("ann", 1000), WorkersError::Forbidden);
    assert_eq!(world.ok("court", slash("ann", 1000)).payments, payment("vault", 4));
    // A third proposal does not bring the first parties back.
    let nobody = Parties { rewards: None, treasury: account("vault"), approver: None };
    world.ok("admin", WorkersMsg::SetParties { parties: nobody });
    world.ok("court", slash("ann", 1000));
    world.env.time += 1000;
    world.refuses("court", slash("ann", 1000), WorkersError::Forbidden);
}

/// Approvals are numbered for good; repetitions are no events.
#[test]
fn approvals() {
    let mut world = World::empty();
    let effective = NOW + 1000;
    let first = Event::MeasurementApproved { number: 1, effective };
    assert_eq!(world.ok("admin", approve(1)).events, [first]);
    world.env.time += 1;
    assert_eq!(world.ok("admin", approve(1)).events, [], "the timelock does not start anew");
    world.ok("admin", approve(2));
    assert_eq!(world.ok("admin", retire(1)).events, [Event::MeasurementRetired { number: 1 }]);
    assert_eq!(world.ok("admin", retire(1)).events, []);
    world.ok("admin", approve(1));
    let effective = effective + 1;
    let expected = [(2, 2), (3, 1)].map(|(number, byte)| {
        let measurement = [byte; 32];
        Approval { number, measurement, effective }
    });
    assert_eq!(measurements(&world), expected);
}
