//! Random histories against the model: same verdicts, same payments, same sums, and not a unit lost or made
//! at any step (`World::run` checks that after each).

use super::model::{Act, KINDS, Model, WORKERS, library};
use super::*;
use prag_protocol::ledger::rewards::Claimable;

fn draw(chance: &mut Chance, model: &Model, now: u64) -> (&'static str, Act) {
    let e = (now / EPOCH).saturating_sub(chance.one(&[0, 1, 1, 1, 2, 2, 3]));
    let (who, worker) = (chance.one(&NAMES), chance.one(&WORKERS));
    let tree = chance.one(&[Tree::Usage, Tree::Usage, Tree::Royalty]);
    let index = chance.below(3);
    // Half the time something that this part of an epoch is for.
    let last = (now / EPOCH).saturating_sub(1);
    if chance.below(2) == 0 {
        let waiting = model.waiting(last);
        if !waiting.is_empty() && chance.below(2) == 0 {
            let (worker, tree, index) = chance.one(&waiting);
            return if now % EPOCH < 50 {
                (worker, Act::Reveal(last, tree, index))
            } else {
                (who, Act::Unanswered(last, worker, tree, index))
            };
        }
        return match (now % EPOCH, chance.below(6)) {
            (..30, 0..3) => (worker, Act::Report(last, chance.one(&KINDS))),
            (..40, ..4) => (who, Act::Demand(last, worker, tree, index)),
            (..60, _) => (who, Act::Challenge(last, worker)),
            (_, 0) => (who, Act::Close(last)),
            (_, 1 | 2) => (worker, Act::Claim(last)),
            (_, 3 | 4) => {
                (chance.one(&["owner1", "owner2"]), Act::Royalty(last, worker, chance.below(2)))
            }
            _ => (who, Act::Unanswered(last, worker, tree, index)),
        };
    }
    match chance.below(24) {
        0..=2 => (who, Act::Fund(chance.one(&[0, 1, 7, 999, 100_000]))),
        3..=7 => (chance.one(&[worker, worker, worker, who]), Act::Report(e, chance.one(&KINDS))),
        8 | 9 => (who, Act::Demand(e, worker, tree, index)),
        10..=12 => (worker, Act::Reveal(e, tree, index)),
        13 => (who, Act::Challenge(e, worker)),
        14 | 15 => (who, Act::Unanswered(e, worker, tree, index)),
        16 | 17 => (who, Act::Close(e)),
        18 | 19 => (worker, Act::Claim(e)),
        20 | 21 => (chance.one(&["owner1", "owner2"]), Act::Royalty(e, worker, chance.below(2))),
        22 => (who, Act::Settle(e, worker, index)),
        _ => (who, Act::Sweep(e)),
    }
}

/// The message that does it. Where there is no report, its leaves are made up.
fn message(model: &Model, who: &str, act: Act) -> (u128, RewardsMsg) {
    let book = |e: u64, worker: &str| {
        let report = model.epochs.get(&e).and_then(|epoch| epoch.reports.get(worker));
        report.map_or_else(|| library(worker, 1), |report| report.book.clone())
    };
    let usage = |e: u64, worker: &str, index: u64| {
        let made_up = || Proven { index, ..library("ann", 1).usage(2).unwrap() };
        Box::new(book(e, worker).usage(index).unwrap_or_else(made_up))
    };
    let royalty = |e: u64, worker: &str, index: u64| {
        let made_up = || Proven { index, ..library("ann", 1).royalty(1).unwrap() };
        Box::new(book(e, worker).royalty(index).unwrap_or_else(made_up))
    };
    match act {
        Act::Fund(amount) => (amount, RewardsMsg::Fund {}),
        Act::Report(epoch, kind) => (BOND, report(who, epoch, &library(who, kind))),
        Act::Demand(epoch, worker, tree, index) => {
            (DEPOSIT, RewardsMsg::Demand { epoch, worker: account(worker), tree, index })
        }
        Act::Reveal(epoch, tree, index) => {
            let shown = match tree {
                Tree::Usage => Shown::Usage(usage(epoch, who, index)),
                Tree::Royalty => Shown::Royalty(royalty(epoch, who, index)),
            };
            (0, RewardsMsg::Reveal { epoch, shown })
        }
        Act::Challenge(epoch, worker) => {
            let evidence = Evidence::Leaf(Shown::Usage(usage(epoch, worker, 0)));
            (0, RewardsMsg::Challenge { epoch, worker: account(worker), evidence })
        }
        Act::Unanswered(epoch, worker, tree, index) => {
            let evidence = Evidence::Unanswered { tree, index };
            (0, RewardsMsg::Challenge { epoch, worker: account(worker), evidence })
        }
        Act::Close(epoch) => (0, close(epoch)),
        Act::Claim(epoch) => (0, claim(epoch)),
        Act::Royalty(epoch, worker, index) => {
            let shown = *royalty(epoch, worker, index);
            let claim = RoyaltyClaim { worker: account(worker), shown };
            (0, RewardsMsg::Claim { epoch, royalty: Some(claim) })
        }
        Act::Settle(epoch, worker, index) => {
            let shown = usage(epoch, worker, index);
            (0, RewardsMsg::Settle { epoch, worker: account(worker), shown })
        }
        Act::Sweep(epoch) => (0, sweep(epoch)),
    }
}

/// The contract and the model agree on every verdict, every payment and every sum.
#[test]
fn agrees_with_a_model_that_scans() {
    let mut accepted = BTreeMap::<String, (u32, u32)>::new();
    for seed in 0..60 {
        let mut chance = Chance(seed);
        let (mut world, mut model) = (World::new(), Model::default());
        let mut now = 0;
        for step in 0..400 {
            now += chance.below(9);
            world.at(now);
            let (who, act) = draw(&mut chance, &model, now);
            let (amount, message) = message(&model, who, act);
            let before = world.map.clone();
            let verdict = world.run(who, amount, message);
            let expected =
                if matches!(act, Act::Fund(0)) { None } else { model.run(who, now, act) };
            let at = format!("seed {seed} step {step} second {now} {who} {act:?}: {verdict:?}");
            assert_eq!(verdict.is_ok(), expected.is_some(), "{at}");
            match (&verdict, &expected) {
                (Ok(outcome), Some(paid)) => {
                    let seen = outcome.payments.iter().map(|paid| (name(&paid.to), paid.amount));
                    let paid = paid.iter().filter(|(_, amount)| *amount > 0);
                    let paid = paid.map(|(to, amount)| ((*to).to_owned(), *amount));
                    assert!(seen.eq(paid), "{at}: {expected:?}");
                    assert!(outcome.event.is_some() || world.map == before, "{at}");
                }
                _ => assert_eq!(world.map, before, "{at}"),
            }
            if step % 8 == 0 {
                model.agrees(&world);
            }
            let kind = format!("{act:?}").split('(').next().unwrap().to_owned();
            let count = accepted.entry(kind).or_default();
            if verdict.is_ok() { count.0 += 1 } else { count.1 += 1 }
        }
        model.agrees(&world);
        everything_comes_out(&mut world, &mut model, now);
    }
    // The walk is worth something only if it saw both sides of every line.
    assert_eq!(accepted.len(), 11);
    for (kind, (yes, no)) in accepted {
        println!("{kind}: {yes} accepted, {no} refused");
        assert!(yes > 40, "{kind} was accepted {yes} times");
        assert!(no > 20, "{kind} was refused {no} times");
    }
}

/// After every last claim, refund and sweep the contract holds dust and nothing else.
fn everything_comes_out(world: &mut World, model: &mut Model, now: u64) {
    let epochs: Vec<u64> = model.epochs.keys().copied().collect();
    world.at(now + 10 * EPOCH);
    for &e in &epochs {
        let _ = world.run("anybody", 0, close(e));
        for worker in WORKERS {
            for tree in [Tree::Usage, Tree::Royalty] {
                for index in 0..3 {
                    let evidence = Evidence::Unanswered { tree, index };
                    let worker = account(worker);
                    let message = RewardsMsg::Challenge { epoch: e, worker, evidence };
                    let _ = world.run("anybody", 0, message);
                }
            }
            let _ = world.run(worker, 0, claim(e));
        }
    }
    world.at(now + 20 * EPOCH);
    for &e in &epochs {
        let _ = world.run("anybody", 0, sweep(e));
        for worker in WORKERS {
            let (account, epoch) = (account(worker), e);
            let nothing = Claimable { work: 0, uptime: 0, bond: 0 };
            let seen = world.ask(RewardsQuery::Claimable { account, epoch });
            assert_eq!(seen, RewardsReply::Claimable(nothing));
        }
    }
    let PoolRecord { bonds, deposits, open, unclaimed, carry, .. } = world.pool();
    assert_eq!((bonds, deposits, open, unclaimed), (0, 0, 0, 0));
    assert_eq!(carry, world.held);
}

const NAMES: [&str; 5] = ["ann", "bob", "eve", "dan", "owner1"];
