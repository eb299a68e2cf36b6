//! Random histories of everybody over all contracts: money is neither made nor lost, and refusals change nothing.

use super::*;
use crate::tests::Chance;
use prag_protocol::ledger::coin::Amount;
use prag_protocol::ledger::rewards::Tree;

const PEOPLE: [&str; 7] = ["worker", "payer", "subscriber", "owner", "admin", "watcher", "anybody"];

#[test]
fn histories_conserve() {
    let mut kept = 0;
    for seed in 0..30 {
        let mut chance = Chance(seed);
        let mut scene = Scene::begun();
        scene.register(NOW);
        let mut time = NOW;
        for _ in 0..120 {
            time += chance.below(EPOCH / 3);
            let who = chance.one(&PEOPLE);
            let (amount, message) = step(&mut chance, &scene, time);
            let before = scene.map.clone();
            match scene.send(who, time, amount, message) {
                Ok(()) => kept += 1,
                Err(_) => assert_eq!(scene.map, before, "seed {seed}"),
            }
            scene.accounts_add_up();
        }
    }
    assert!(kept > 400, "{kept} of 3,600 messages were taken");
}

fn step(chance: &mut Chance, scene: &Scene, time: u64) -> (u128, MarketMsg) {
    let epoch = (time - NOW) / EPOCH;
    let past = epoch.saturating_sub(1 + chance.below(2));
    let amount =
        u128::from([0u32, 10, 500, 1_000, 7_777][usize::try_from(chance.below(5)).unwrap()]);
    let small: Amount = 5u128.try_into().unwrap();
    match chance.below(13) {
        0 => (amount, RewardsMsg::Fund {}.enveloped()),
        1 | 2 => (BOND, scene.report(&scene.book(1 + chance.below(9)), past).enveloped()),
        3 | 4 => (0, RewardsMsg::CloseEpoch { epoch: past }.enveloped()),
        5 | 6 => (0, RewardsMsg::Claim { epoch: past, royalty: None }.enveloped()),
        7 => {
            let worker = scene.worker.clone();
            let demand = RewardsMsg::Demand { epoch: past, worker, tree: Tree::Usage, index: 0 };
            (10, demand.enveloped())
        }
        8 => (500, scene.subscribe().enveloped()),
        9 => (0, SubscriptionMsg::Cancel {}.enveloped()),
        10 => (0, RewardsMsg::Sweep { epoch: past }.enveloped()),
        11 => {
            let (denom, to) = ("uprag".parse().unwrap(), "secret1admin".parse().unwrap());
            (0, SubscriptionMsg::Withdraw { denom, amount: small, to }.enveloped())
        }
        _ => {
            let coin = Coin { denom: "uprag".parse().unwrap(), amount: small };
            (0, MarketMsg::Bank(BankMsg::Send { to: "secret1owner".parse().unwrap(), coin }))
        }
    }
}
