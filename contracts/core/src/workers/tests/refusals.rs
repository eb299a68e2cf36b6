//! Every message against every reason to refuse it; a refusal leaves no trace.

use super::*;
use prag_protocol::ledger::coin::AMOUNT_MAX;
use prag_protocol::ledger::workers::{FieldError, MEASUREMENTS_MAX, WINDOWS_KEPT};

/// Nothing runs, and nothing is answered, before the contract has its terms, which it gets once.
#[test]
fn terms_come_first_and_once() {
    let mut world = World::new();
    let again = workers::instantiate(&mut world.map, LEDGER, init(|_| {}));
    assert_eq!(again, Err(WorkersError::Instantiated));

    world.map = Map::default();
    let message = world.register("ann", |_| {});
    world.refuses("ann", message, WorkersError::NotInstantiated);
    let asked = workers::query(&world.map, &world.env, WorkersQuery::Config {});
    assert_eq!(asked, Err(WorkersError::NotInstantiated));
    let mut bad = |ledger: &str, init| {
        let result = workers::instantiate(&mut world.map, ledger, init);
        assert!(matches!(result, Err(WorkersError::Field(_))), "{result:?}");
        assert_eq!(world.map, Map::default());
    };
    bad("", init(|_| {}));
    bad(&"l".repeat(257), init(|_| {}));
    bad(LEDGER, init(|terms| terms.missed_ppm = 0));
}

/// A field out of bounds is refused before any state is read.
#[test]
fn bounds() {
    let mut world = World::empty();
    world.map = Map::default();
    for message in [
        world.register("ann", |r| r.capacity = 0),
        world.register("ann", |r| r.ip_address = "192.0.0.1".to_owned()),
        slash("ann", 0),
    ] {
        let result = world.run("ann", &[], message);
        assert!(matches!(result, Err(WorkersError::Field(_))), "{result:?}");
    }
    let query = WorkersQuery::Count { model: Some(String::new()) };
    let result = workers::query(&world.map, &world.env, query);
    assert!(matches!(result, Err(WorkersError::Field(FieldError::Bound(_)))), "{result:?}");
}

/// Stakes come in one coin of the denomination, cover the capacity, and end somewhere.
#[test]
fn funds() {
    let mut world = World::new();
    let message = world.register("cyd", |r| r.capacity = 2);
    for funds in [
        &[(2 * UNIT, "uatom")][..],
        &[(2 * UNIT, "USCRT")],
        &[(2 * UNIT, "")],
        &[(0, "uscrt")],
        &[(UNIT, "uscrt"), (UNIT, "uscrt")],
        &[(2 * UNIT, "uscrt"), (1, "uatom")],
    ] {
        world.refuses_with("cyd", funds, message.clone(), WorkersError::Funds);
    }
    let needed = 2 * UNIT;
    let short = WorkersError::Stake { needed };
    world.refuses("cyd", message.clone(), short);
    world.refuses_with("cyd", &[(needed - 1, "uscrt")], message.clone(), short);
    for amount in [AMOUNT_MAX + 1, u128::MAX] {
        world.refuses_with("cyd", &[(amount, "uscrt")], message.clone(), WorkersError::StakeFull);
    }
    world.paid("cyd", AMOUNT_MAX, message.clone());
    world.refuses_with("cyd", &[(1, "uscrt")], message.clone(), WorkersError::StakeFull);
    world.refuses_with("cyd", &[(u128::MAX, "uscrt")], message, WorkersError::StakeFull);

    let report = world.report("ann");
    for message in [
        set_wallet("ann", "w"),
        set_address("ann", "new"),
        set_type("ann", "large"),
        remove("ann"),
        WorkersMsg::WithdrawStake {},
        report,
        missed("ann", FIRST - 1),
        WorkersMsg::AcceptAdmin {},
    ] {
        world.refuses_with("ann", &[(1, "uscrt")], message, WorkersError::Funds);
    }
    for message in [approve(1), retire(1), WorkersMsg::SetParties { parties: parties("r", "t") }] {
        world.refuses_with("admin", &[(1, "uscrt")], message, WorkersError::Funds);
    }
    world.refuses_with("rewards", &[(1, "uscrt")], slash("ann", 1), WorkersError::Funds);
}

/// After a slashing a worker must make up for the loss before it can attest anew.
#[test]
fn a_slashed_stake_is_short() {
    let mut world = World::new();
    world.ok("rewards", slash("ann", 100_000));
    let again = world.register("ann", |r| r.capacity = 5);
    world.refuses("ann", again.clone(), WorkersError::Stake { needed: 5000 });
    world.paid("ann", 500, again);
}

/// An account changes its own worker only, by the URL that it has.
#[test]
fn only_the_owner() {
    let mut world = World::new();
    for message in
        [set_wallet("ann", "w"), set_address("ann", "new"), set_type("ann", "x"), remove("ann")]
    {
        world.refuses("bob", message.clone(), WorkersError::NotYours);
        world.refuses("annpay", message.clone(), WorkersError::NoWorker);
        world.refuses("admin", message, WorkersError::NoWorker);
    }
    let report = world.report("ann");
    world.pass(1);
    world.refuses("bob", report, WorkersError::Window { current: FIRST + 1 });
    let report = world.report("ann");
    world.refuses("bob", report.clone(), WorkersError::Signature);
    world.refuses("stranger", report, WorkersError::NoWorker);
}

/// A registration is proven by the key that it names, for its account and the running window.
#[test]
fn unproven_registrations() {
    let mut world = World::empty();
    let paid = [(UNIT, "uscrt")];
    let signed = |world: &World, change: fn(&mut Registration)| {
        let WorkersMsg::RegisterWorker(mut registration) = world.register("ann", |_| {}) else {
            panic!()
        };
        change(&mut registration);
        WorkersMsg::RegisterWorker(registration)
    };
    let changes: [fn(&mut Registration); 5] = [
        |r| r.signing_key = key("bob"),
        |r| r.hpke_key = [8; 32],
        |r| r.ip_address = url("bob"),
        |r| r.payment_wallet = account("bobpay"),
        |r| r.proof[63] ^= 1,
    ];
    for change in changes {
        let message = signed(&world, change);
        world.refuses_with("ann", &paid, message, WorkersError::Signature);
    }
    let current = FIRST;
    for window in [FIRST - 1, FIRST + 1] {
        let message = world.register("ann", |r| r.window = window);
        world.refuses_with("ann", &paid, message, WorkersError::Window { current });
    }
    let message = world.register("ann", |_| {});
    world.pass(1);
    let current = FIRST + 1;
    world.refuses_with("ann", &paid, message, WorkersError::Window { current });
}

/// One answer per window, in it, by the registered key, over this ledger's challenge, with live evidence.
#[test]
fn answers() {
    let mut world = World::new();
    let old = world.report("ann");
    world.refuses("ann", old.clone(), WorkersError::Answered);
    world.pass(1);
    let current = FIRST + 1;
    world.refuses("ann", old.clone(), WorkersError::Window { current });
    // The signature of the window before, under the number of this one.
    let WorkersMsg::ReportLiveliness { signature, .. } = old else { panic!() };
    let replayed = WorkersMsg::ReportLiveliness { window: current, signature };
    world.refuses("ann", replayed, WorkersError::Signature);
    let message = challenge("test-2/secret1contract", &account("ann"), current);
    let signature = sign(&message, &key("ann"));
    let elsewhere = WorkersMsg::ReportLiveliness { window: current, signature };
    world.refuses("ann", elsewhere, WorkersError::Signature);

    let good = world.report("ann");
    world.ok("ann", good.clone());
    world.refuses("ann", good, WorkersError::Answered);

    // A key that was replaced answers no more.
    let rekeyed = world.register("ann", |r| (r.signing_key, r.capacity) = ([9; 32], 5));
    world.ok("ann", rekeyed);
    world.pass(1);
    let report = world.report("ann");
    world.refuses("ann", report, WorkersError::Signature);

    let signature = |world: &World, who: &str| world.report(who);
    world.env.time = world.record("bob").unwrap().evidence_expires;
    let late = signature(&world, "bob");
    world.refuses("bob", late.clone(), WorkersError::Expired);
    world.env.time -= 1;
    let late = signature(&world, "bob");
    world.ok("bob", late);
}

/// Who leaves cannot act as a worker, withdraw early, or withdraw twice.
#[test]
fn leaving() {
    let mut world = World::new();
    world.refuses("ann", WorkersMsg::WithdrawStake {}, WorkersError::NotLeaving);
    world.refuses("stranger", WorkersMsg::WithdrawStake {}, WorkersError::NoWorker);
    world.ok("ann", remove("ann"));
    let report = world.report("ann");
    for message in [report, remove("ann"), set_wallet("ann", "w"), set_type("ann", "x")] {
        world.refuses("ann", message, WorkersError::Leaving);
    }
    let withdraw_from = NOW + 5000;
    world.env.time = withdraw_from - 1;
    let early = WorkersError::Unbonding { withdraw_from };
    world.refuses("ann", WorkersMsg::WithdrawStake {}, early);
    world.env.time = withdraw_from;
    world.ok("ann", WorkersMsg::WithdrawStake {});
    world.refuses("ann", WorkersMsg::WithdrawStake {}, WorkersError::NoWorker);
}

/// A window costs only if it is over, known, owed, unanswered, unpaid, and the ledger was there.
#[test]
fn misses() {
    let mut world = World::empty();
    world.pass(1);
    world.enlist("ann", 5);
    world.refuses("bob", missed("stranger", FIRST), WorkersError::NoWorker);
    world.refuses("bob", missed("ann", FIRST), WorkersError::NotOwed);
    world.refuses("bob", missed("ann", FIRST + 1), WorkersError::NotOver);
    world.refuses("bob", missed("ann", FIRST + 2), WorkersError::NotOver);
    // Nobody sends anything in the next window, so it may be the ledger that stood still.
    world.pass(2);
    world.refuses("bob", missed("ann", FIRST + 1), WorkersError::Answered);
    world.refuses("bob", missed("ann", FIRST + 2), WorkersError::Unheard);
    world.enlist("bob", 1);
    world.pass(1);
    world.ok("bob", missed("ann", FIRST + 3));
    world.refuses("bob", missed("ann", FIRST + 3), WorkersError::Punished);

    // What is too old is forgotten, not punished.
    world.pass(1);
    let report = world.report("bob");
    world.ok("bob", report);
    let heard = world.window();
    world.pass(WINDOWS_KEPT - 1);
    world.ok("bob", missed("ann", heard));
    world.pass(1);
    world.refuses("bob", missed("ann", heard), WorkersError::TooOld);

    world.ok("ann", remove("ann"));
    world.pass(1);
    world.refuses("bob", missed("ann", heard + WINDOWS_KEPT), WorkersError::NotOwed);
    world.refuses("bob", missed("ann", heard + 2), WorkersError::Unheard);
}

/// A stake of nothing cannot be cut.
#[test]
fn nothing_to_take() {
    let mut world = World::new();
    world.ok("rewards", slash("ann", 1_000_000));
    world.refuses("rewards", slash("ann", 1), WorkersError::NoStake);
    world.refuses("rewards", slash("stranger", 1), WorkersError::NoWorker);
    world.pass(1);
    let report = world.report("bob");
    world.ok("bob", report);
    world.pass(1);
    world.refuses("bob", missed("ann", FIRST + 1), WorkersError::NoStake);
}

/// The admin's messages are the admin's, and slashing is the rewards contract's alone.
#[test]
fn who_is_in_charge() {
    let mut world = World::new();
    world.ok("admin", approve(9));
    let set_parties = WorkersMsg::SetParties { parties: parties("ann", "ann") };
    let set_admin = WorkersMsg::SetAdmin { admin: account("ann") };
    for message in [approve(1), retire(9), set_parties, set_admin, WorkersMsg::AcceptAdmin {}] {
        for who in ["ann", "rewards", "treasury", "stranger"] {
            world.refuses(who, message.clone(), WorkersError::Forbidden);
        }
    }
    for who in ["admin", "ann", "treasury", "stranger"] {
        world.refuses(who, slash("ann", 1), WorkersError::Forbidden);
    }
    let mut nobody = World::empty();
    nobody.map = Map::default();
    let mut init = init(|_| {});
    init.parties.rewards = None;
    workers::instantiate(&mut nobody.map, LEDGER, init).unwrap();
    nobody.enlist("ann", 1);
    nobody.refuses("rewards", slash("ann", 1), WorkersError::Forbidden);
}

/// The list of measurements is bounded; a retired one makes room.
#[test]
fn measurements_end() {
    let mut world = World::empty();
    let max = MEASUREMENTS_MAX;
    for n in 0..max {
        world.ok("admin", approve(u8::try_from(n).unwrap()));
    }
    world.refuses("admin", approve(200), WorkersError::MeasurementsFull { max });
    world.ok("admin", retire(3));
    world.ok("admin", approve(200));
}
