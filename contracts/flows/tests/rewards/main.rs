//! The rewards contract among workers, owners and the bank, with vouchers that are really signed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

mod vouched;
mod world;

use ed25519_dalek::Signer;
use prag_protocol::ledger::rewards::{RewardsMsg, RoyaltyClaim, Shown, Tree};
use prag_protocol::ledger::workers::WorkersMsg;
use world::*;

/// Fund, report, demand, reveal, close, claim, royalty: every unit arrives where it belongs.
#[test]
fn a_true_report_is_paid() {
    let mut world = World::new();
    let book = book(false);
    for _ in 0..2 {
        world.network.wait(6 * 3600);
        world.answer();
    }
    world.network.wait(7 * DAY - 12 * 3600);
    assert!(world.report(&book, &key(9)).is_err(), "another key");
    world.report(&book, &key(1)).unwrap();
    world.conserves();
    assert_eq!(world.epoch().record.standing.answers, 2, "the registration's window began earlier");
    let worker = address("ann");
    world.network.wait(DAY);
    let demand =
        RewardsMsg::Demand { epoch: 0, worker: worker.clone(), tree: Tree::Usage, index: 0 };
    assert!(world.tell("rich", &demand, 9).is_err());
    world.tell("rich", &demand, 10).unwrap();
    let shown = Shown::Usage(Box::new(book.usage(0).unwrap()));
    let before = world.has("ann");
    world.tell("ann", &RewardsMsg::Reveal { epoch: 0, shown }, 0).unwrap();
    assert_eq!(world.has("ann"), before + 10);
    let refused = world.tell("watcher", &challenge(&book), 0).unwrap_err();
    assert_eq!(refused, "the evidence shows nothing false");
    world.network.wait(3 * DAY);
    let treasury = world.has("treasury");
    world.tell("watcher", &RewardsMsg::CloseEpoch { epoch: 0 }, 0).unwrap();
    assert_eq!(world.has("treasury"), treasury + 500);
    let before = world.has("ann");
    world.tell("ann", &RewardsMsg::Claim { epoch: 0, royalty: None }, 0).unwrap();
    assert_eq!(world.has("ann"), before + 6500 + 1000 + BOND);
    let shown = book.royalty(0).unwrap();
    let royalty = Some(RoyaltyClaim { worker, shown });
    let claim = RewardsMsg::Claim { epoch: 0, royalty };
    assert!(world.tell("stranger", &claim, 0).is_err());
    world.tell("owner", &claim, 0).unwrap();
    assert_eq!(world.has("owner"), 2000);
    assert!(world.tell("owner", &claim, 0).is_err());
    let pool = world.conserves();
    assert_eq!(world.network.has(&world.rewards), 0, "{pool:?}");
}

/// A forged voucher voids the report, pays the watcher, and costs a tenth of the stake.
#[test]
fn a_false_report_is_slashed() {
    let mut world = World::new();
    world.allow_slashing();
    world.network.wait(7 * DAY);
    let book = book(true);
    world.report(&book, &key(1)).unwrap();
    let done = world.tell("watcher", &challenge(&book), 0).unwrap();
    assert!(!format!("{done:?}").contains("slash_failed"));
    assert_eq!(world.stake(), 4500);
    assert_eq!(world.has("treasury"), 500);
    assert_eq!(world.has("watcher"), 400);
    assert_eq!(world.epoch().record.standing.reports, 0);
    world.conserves();
    let again = world.tell("watcher", &challenge(&book), 0).unwrap_err();
    assert_eq!(again, "the report is void");
}

/// A workers contract that refuses does not save a false report, and the failure is seen.
#[test]
fn a_challenge_stands_where_the_slashing_fails() {
    let mut world = World::new();
    world.network.wait(7 * DAY);
    let book = book(true);
    world.report(&book, &key(1)).unwrap();
    let done = world.tell("watcher", &challenge(&book), 0).unwrap();
    assert!(format!("{done:?}").contains("slash_failed"));
    assert_eq!(world.stake(), 5000);
    assert_eq!(world.has("watcher"), 400);
    assert_eq!(world.epoch().record.standing.reports, 0);
    world.conserves();
}

/// A bank that does not pay takes the whole message with it, the slashing too.
#[test]
fn a_payment_that_fails_leaves_everything_as_it_was() {
    let mut world = World::new();
    world.allow_slashing();
    world.network.wait(7 * DAY);
    let book = book(true);
    world.report(&book, &key(1)).unwrap();
    let before = (world.pool(), world.epoch(), world.stake());
    let rewards = world.rewards.clone();
    world.network.app.init_modules(|router, _, storage| {
        router.bank.init_balance(storage, &rewards, coins(5)).unwrap();
    });
    assert!(world.tell("watcher", &challenge(&book), 0).is_err());
    assert_eq!((world.pool(), world.epoch(), world.stake()), before);
    assert_eq!(world.has("watcher"), 0);
}

/// What nobody has verified is paid nothing: a worker that nobody approved, or that registered anew, or was retired.
#[test]
fn unverified_workers_report_nothing() {
    let mut world = World::new();
    world.network.wait(7 * DAY);
    let book = book(false);
    let refused = "the sender is not a registered worker";
    world.register(&[]);
    assert_eq!(world.report(&book, &key(1)).unwrap_err(), refused);
    world.approve();
    let (workers, retire) =
        (world.network.workers.clone(), WorkersMsg::RetireWorker { worker: address("ann") });
    world.network.tell("deployer", &workers, &retire, &[]).unwrap();
    assert_eq!(world.report(&book, &key(1)).unwrap_err(), refused);
    assert_eq!(world.has("ann"), 5000);
    world.approve();
    world.report(&book, &key(1)).unwrap();
    world.conserves();
}

/// Whoever is no worker reports nothing, and a contract that answers no question of ours is no peer.
#[test]
fn strangers_are_no_workers() {
    let mut world = World::new();
    world.network.wait(7 * DAY);
    let report = book(false).report();
    let bytes = report.signed_bytes(&LEDGER, &address("rich"), 0);
    let signature = key(1).sign(&bytes).to_bytes();
    let message = RewardsMsg::ReportUsage { epoch: 0, report, signature };
    let refused = world.tell("rich", &message, BOND).unwrap_err();
    assert_eq!(refused, "the sender is not a registered worker");
    world.conserves();
    world.network.workers = world.network.relay.clone();
    assert_eq!(world.network.rewards(init()).unwrap_err(), "another contract did not answer");
}
