//! The contracts around one another, with money that is counted.

#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

mod model;
mod scene;

use super::*;
use crate::bank::BankError;
use crate::rewards::RewardsError;
use crate::subscription::SubscriptionError;
use crate::workers::WorkersError;
use prag_protocol::ledger::bank::BankMsg;
use prag_protocol::ledger::rewards::{Evidence, RoyaltyClaim, Shown};
use scene::{BOND, EPOCH, Enveloped, NOW, STAKE, Scene, coins};

/// A plan is bought, use is reported, the epoch closed, worker and owner claim: every unit is where it belongs.
#[test]
fn a_whole_epoch_conserves() {
    let mut scene = Scene::begun();
    scene.register(NOW);
    scene.run("subscriber", NOW, 500, scene.subscribe()).unwrap();
    scene.run("payer", NOW, 10_000, RewardsMsg::Fund {}).unwrap();
    let book = scene.book(7);
    scene.run("worker", NOW + EPOCH, BOND, scene.report(&book, 0)).unwrap();
    let late = NOW + 2 * EPOCH - 1;
    scene.run("anybody", late, 0, RewardsMsg::CloseEpoch { epoch: 0 }).unwrap();
    let before = scene.has("worker");
    scene.run("worker", late, 0, RewardsMsg::Claim { epoch: 0, royalty: None }).unwrap();
    // 10,000 less 5 % fee, 20 % royalty; all of the work and its answer are this worker's.
    assert_eq!(scene.has("worker"), before + 7_500 + BOND);
    assert_eq!(scene.has("admin"), 500);
    let royalty =
        Some(RoyaltyClaim { worker: scene.worker.clone(), shown: book.royalty(0).unwrap() });
    let claim = RewardsMsg::Claim { epoch: 0, royalty };
    let thief = scene.run("thief", late, 0, claim.clone()).unwrap_err();
    assert_eq!(thief, MarketError::Rewards(RewardsError::NotOwner));
    scene.run("owner", late, 0, claim.clone()).unwrap();
    assert_eq!(scene.has("owner"), 2_000);
    let again = scene.run("owner", late, 0, claim).unwrap_err();
    assert_eq!(again, MarketError::Rewards(RewardsError::Claimed));
    scene.run("subscriber", late, 0, SubscriptionMsg::Cancel {}).unwrap();
    scene.accounts_add_up();
}

/// Nobody else's evidence is verified here, so nobody else registers: who did could report vouchers of its own making, and
/// take the pool.
#[test]
fn only_the_ledgers_own_worker_registers() {
    let mut scene = Scene::begun();
    let message = scene.registration(NOW);
    let before = scene.map.clone();
    assert_eq!(scene.run("thief", NOW, 0, message.clone()).unwrap_err(), MarketError::Stranger);
    assert_eq!(scene.map, before);
    scene.run("worker", NOW, STAKE, message).unwrap();
}

/// A false report is void, its bond lost, and its worker's stake cut, in one transition; where nothing is left to cut the
/// report is void all the same.
#[test]
fn a_false_report_costs_a_stake() {
    for broke in [false, true] {
        let mut scene = Scene::begun();
        scene.register(NOW);
        let book = scene.false_book();
        scene.run("worker", NOW + EPOCH, BOND, scene.report(&book, 0)).unwrap();
        if broke {
            let url = "http://worker.example".to_owned();
            let leave = WorkersMsg::RemoveWorker { ip_address: url };
            scene.run("worker", NOW + EPOCH, 0, leave).unwrap();
            let gone = NOW + EPOCH + 11;
            scene.run("worker", gone, 0, WorkersMsg::WithdrawStake {}).unwrap();
        }
        let shown = Box::new(book.usage(0).unwrap());
        let evidence = Evidence::Leaf(Shown::Usage(shown));
        let worker = scene.worker.clone();
        let challenge = RewardsMsg::Challenge { epoch: 0, worker, evidence };
        scene.run("watcher", NOW + EPOCH + 12, 0, challenge).unwrap();
        assert_eq!(scene.has("watcher"), BOND * 4 / 10);
        assert_eq!(scene.has("admin"), if broke { 0 } else { STAKE / 10 });
        scene.accounts_add_up();
    }
}

/// Each refusal, by whichever contract, leaves every row and every balance as it was.
#[test]
fn refusals_change_nothing() {
    let mut scene = Scene::begun();
    scene.register(NOW);
    let fund = || RewardsMsg::Fund {}.enveloped();
    let send = BankMsg::Send { to: scene.worker.clone(), coin: coins(5)[0].clone() };
    let price = MarketError::Subscription(SubscriptionError::Price { price: 500 });
    let short = |has, needs| MarketError::Bank(BankError::Short { has, needs });
    for (sender, amount, message, expected) in [
        ("poor", 5, fund(), short(0, 5)),
        ("payer", 1_000_001, fund(), short(1_000_000, 1_000_001)),
        ("payer", 5, MarketMsg::Bank(send), MarketError::Funds),
        ("payer", 499, scene.subscribe().enveloped(), price),
        (
            "payer",
            5,
            WorkersMsg::WithdrawStake {}.enveloped(),
            MarketError::Workers(WorkersError::Funds),
        ),
    ] {
        let before = scene.map.clone();
        let refused = scene.send(sender, NOW, amount, message).unwrap_err();
        assert_eq!(refused, expected);
        assert_eq!(scene.map, before);
    }
    let many = vec![coins(1)[0].clone(); FUNDS_MAX + 1];
    let before = scene.map.clone();
    assert_eq!(scene.send_all("payer", NOW, &many, fund()), Err(MarketError::Coins));
    assert_eq!(scene.map, before);
}

/// A contract that cannot pay, as no sound ledger has it, pays nobody anything: the claim has not happened.
#[test]
fn who_cannot_pay_has_not_acted() {
    let mut scene = Scene::begun();
    scene.register(NOW);
    scene.run("payer", NOW, 10_000, RewardsMsg::Fund {}).unwrap();
    let book = scene.book(7);
    scene.run("worker", NOW + EPOCH, BOND, scene.report(&book, 0)).unwrap();
    let late = NOW + 2 * EPOCH - 1;
    scene.run("anybody", late, 0, RewardsMsg::CloseEpoch { epoch: 0 }).unwrap();
    let rewards = "secret1rewards".parse().unwrap();
    let left = scene.has("rewards") - 1;
    let thief = "secret1thief".parse().unwrap();
    bank::transfer(&mut scene.map, &rewards, &thief, "uprag", left).unwrap();
    let before = scene.map.clone();
    let claim = RewardsMsg::Claim { epoch: 0, royalty: None };
    let refused = scene.run("worker", late, 0, claim).unwrap_err();
    assert_eq!(refused, MarketError::Bank(BankError::Short { has: 1, needs: 7_500 + BOND }));
    assert_eq!(scene.map, before);
}
