//! What each message does.

use super::*;
use prag_protocol::ledger::rewards::{Claimable, Schedule};

/// One epoch from money to money: every amount by hand.
#[test]
fn one_epoch() {
    let mut world = World::new();
    world.ok("payer", 60_000, RewardsMsg::Fund {});
    world.at(99).ok("payer", 40_000, RewardsMsg::Fund {});
    let (ann, bob) = (book("ann"), Book::new(vec![entry("bob", 1, 7, [0; 5], [0, 20, 0, 0, 0])]));
    let bob = bob.unwrap();
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &ann));
    world.ok("bob", BOND, report("bob", 0, &bob));
    world.ok("cyd", BOND, presence("cyd", 0));
    let standing = world.epoch(0).record.standing;
    assert_eq!(
        (standing.reports, standing.weight, standing.units, standing.answers),
        (3, 675, 120, 4)
    );

    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    let split = world.epoch(0).record.split.unwrap();
    assert_eq!(
        (split.fee, split.royalty, split.uptime, split.work),
        (5_000, 20_000, 10_000, 65_000)
    );
    assert_eq!(world.got["treasury"], 5_000);

    // Ann: 635 of 675 by weight, 3 of 4 answers, her bond.
    let account_of_ann = account("ann");
    let claimable = RewardsQuery::Claimable { account: account_of_ann, epoch: 0 };
    let expected = Claimable { work: 61_148, uptime: 7_500, bond: BOND };
    assert_eq!(world.ask(claimable.clone()), RewardsReply::Claimable(expected));
    world.ok("ann", 0, claim(0));
    assert_eq!(world.got["ann"], 61_148 + 7_500 + BOND);
    let nothing = Claimable { work: 0, uptime: 0, bond: 0 };
    assert_eq!(world.ask(claimable), RewardsReply::Claimable(nothing));
    world.ok("bob", 0, claim(0));
    assert_eq!(world.got["bob"], 3_851 + 2_500 + BOND);
    world.ok("cyd", 0, claim(0));
    assert_eq!(world.got["cyd"], BOND);

    // Owners: 30, 70 and 20 of 120 units.
    world.ok("owner1", 0, claim_royalty("ann", &ann, 0));
    world.ok("owner1", 0, claim_royalty("bob", &bob, 0));
    assert_eq!(world.got["owner1"], 5_000 + 3_333);
    world.ok("owner2", 0, claim_royalty("ann", &ann, 1));
    assert_eq!(world.got["owner2"], 11_666);

    // Two units were lost by flooring: they are dust of a later epoch.
    assert_eq!(world.pool().unclaimed, 2);
    world.at(CLAIMS_END).ok("anybody", 0, sweep(0));
    assert_eq!((world.pool().unclaimed, world.pool().carry, world.held), (0, 2, 2));
}

/// A replaced weight, on record: the weights of a report are those of its epoch's config.
#[test]
fn configs_hold_from_the_next_epoch() {
    let mut world = World::new();
    let heavier = RewardsConfig { query_weight: 1_000, ..config() };
    world.ok("admin", 0, RewardsMsg::SetConfig { config: heavier.clone() });
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &book("ann")));
    assert_eq!(world.report(0, "ann").weight, 635);
    let again =
        Book::new(vec![entry("ann", 1, 7, [10, 20, 0, 10, 5], [11, 20, 0, 10, 5])]).unwrap();
    world.at(200).ok("ann", BOND, report("ann", 1, &again));
    assert_eq!(world.report(1, "ann").weight, 1_000);

    // Two configs in one epoch: the last one holds, and never more than three are kept.
    for n in 1..20u32 {
        world.at(200 + u64::from(n) * EPOCH);
        for query_weight in [0, n] {
            let config = RewardsConfig { query_weight, ..config() };
            world.ok("admin", 0, RewardsMsg::SetConfig { config });
        }
        world.ok("payer", 1, RewardsMsg::Fund {});
        let running = 2 + u64::from(n);
        let expected = if n == 1 { 1_000 } else { n - 1 };
        assert_eq!(world.epoch(running).record.config.query_weight, expected, "{n}");
        let RewardsReply::Config { settings, epoch } = world.ask(RewardsQuery::Config {}) else {
            panic!()
        };
        assert_eq!(epoch, running);
        assert!(settings.versions.len() <= 3);
    }
    // The epoch before is still opened by a report, under its own config.
    world.at(200 + 20 * EPOCH).ok("ann", BOND, presence("ann", 21));
    assert_eq!(world.epoch(21).record.config.query_weight, 18);
}

/// The admin's office moves in two steps.
#[test]
fn admins_accept() {
    let mut world = World::new();
    let name_heir = RewardsMsg::SetAdmin { admin: account("heir") };
    world.ok("admin", 0, name_heir.clone());
    assert_eq!(world.ok("admin", 0, name_heir).event, None);
    world.ok("admin", 0, RewardsMsg::SetConfig { config: config() });
    world.ok("heir", 0, RewardsMsg::AcceptAdmin {});
    world.refuses("admin", 0, RewardsMsg::SetConfig { config: config() }, RewardsError::NotAdmin);
    world.refuses("heir", 0, RewardsMsg::AcceptAdmin {}, RewardsError::NotNamed);
    world.ok("heir", 0, RewardsMsg::SetConfig { config: config() });
}

/// A demanded report counts again once all is shown, and the deposits are the worker's.
#[test]
fn demands_are_answered() {
    let mut world = World::new();
    let ann = book("ann");
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &ann));
    world.ok("bob", BOND, presence("bob", 0));
    let whole = world.epoch(0).record.standing;
    world.ok("eve", DEPOSIT, demand("ann", Tree::Usage, 1));
    assert_eq!(world.epoch(0).record.standing.weight, 0);
    world.ok("dan", DEPOSIT, demand("ann", Tree::Royalty, 1));
    world.ok("ann", 0, reveal(&ann, Tree::Usage, 1));
    assert_eq!(world.epoch(0).record.standing.reports, 1);
    world.at(ANSWERS_END - 1).ok("ann", 0, reveal(&ann, Tree::Royalty, 1));
    assert_eq!(world.epoch(0).record.standing, whole);
    assert_eq!(world.got["ann"], 2 * DEPOSIT);
    assert_eq!(world.ok("ann", 0, reveal(&ann, Tree::Royalty, 1)).event, None);
    assert_eq!(world.got["ann"], 2 * DEPOSIT, "an answer is paid once");
}

/// Who asked in vain gets its deposit back, and the first one to show it brings its demander the bounty.
#[test]
fn silence_voids() {
    let mut world = World::new();
    let ann = book("ann");
    world.ok("payer", 1_000, RewardsMsg::Fund {});
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &ann));
    world.at(DEMANDS_END - 1).ok("eve", DEPOSIT, demand("ann", Tree::Usage, 0));
    world.ok("dan", DEPOSIT, demand("ann", Tree::Usage, 2));
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    assert_eq!(world.pool().carry, 1_000, "nobody earned, so nobody pays a fee");
    let outcome = world.ok("anybody", 0, unanswered("ann", Tree::Usage, 2));
    assert_eq!(outcome.slash, None, "silence proves nothing false");
    assert_eq!(world.got["dan"], 400 + DEPOSIT);
    world.at(10_000).ok("anybody", 0, unanswered("ann", Tree::Usage, 0));
    assert_eq!(world.got["eve"], DEPOSIT);
    assert_eq!(world.pool().carry, 1_600, "the rest of the bond is for the pool");
    world.refuses("ann", 0, claim(0), RewardsError::Void);
}

/// A false report earns nothing, costs its bond, and is told to the workers contract.
#[test]
fn falsehood_costs() {
    let mut world = World::new();
    world.ok("payer", 100_000, RewardsMsg::Fund {});
    let honest = book("bob");
    let mut leaves = book("ann").usage_leaves().to_vec();
    leaves[1].signed.voucher.used.output += 1_000_000;
    let bad =
        Book::of(leaves, book("ann").royalty_leaves().to_vec(), used([30, 100, 5, 50, 1_000_020]));
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &bad));
    world.ok("bob", BOND, report("bob", 0, &honest));
    // Demands that are open when a report falls give their deposits back at once.
    world.ok("dan", DEPOSIT, demand("ann", Tree::Usage, 2));
    let evidence = Evidence::Leaf(Shown::Usage(usage(&bad, 1)));
    let outcome = world.at(CHALLENGES_END - 1).ok("eve", 0, challenge("ann", evidence));
    assert_eq!(outcome.slash, Some(Slash { worker: account("ann"), epoch: 0, ppm: 100_000 }));
    assert_eq!(world.got["eve"], 400);
    world.ok("dan", 0, unanswered("ann", Tree::Usage, 2));
    assert_eq!(world.got["dan"], DEPOSIT);
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    world.refuses("ann", 0, claim(0), RewardsError::Void);
    world.refuses("owner1", 0, claim_royalty("ann", &bad, 0), RewardsError::Void);
    world.ok("bob", 0, claim(0));
    let pool = 100_000 + 600;
    assert_eq!(world.got["bob"], BOND + pool * 65 / 100 + pool / 10, "all of work and uptime");
}

/// What was billed once is on record, whoever asks, and lower starts are false from then on.
#[test]
fn billing_twice_is_false() {
    let mut world = World::new();
    let first = book("ann");
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &first));
    world.refuses("eve", 0, settle(0, "ann", &first, 0), RewardsError::NotClosed);
    world.at(CHALLENGES_END).ok("eve", 0, close(0));
    // (1, 7) ended at [10, 20, 0, 10, 5].
    let again =
        Book::new(vec![entry("ann", 1, 7, [10, 19, 0, 10, 5], [12, 30, 0, 10, 5])]).unwrap();
    world.at(200).ok("ann", BOND, report("ann", 1, &again));
    let evidence = || Evidence::Leaf(Shown::Usage(usage(&again, 0)));
    let worker = account("ann");
    let challenge =
        || RewardsMsg::Challenge { epoch: 1, worker: worker.clone(), evidence: evidence() };
    world.refuses("eve", 0, challenge(), RewardsError::NotFalse);
    world.ok("eve", 0, settle(0, "ann", &first, 0));
    assert_eq!(world.ok("eve", 0, settle(0, "ann", &first, 0)).event, None);
    let session = [7; 32];
    let settled = RewardsQuery::Settled { worker: worker.clone(), collection: id(1), session };
    assert_eq!(world.ask(settled), RewardsReply::Settled(Some(used([10, 20, 0, 10, 5]))));
    world.ok("eve", 0, challenge());
    assert!(world.report(1, "ann").void);
}

/// Honest books of later epochs go on where the last one ended.
#[test]
fn billing_on_is_true() {
    let mut world = World::new();
    let first = book("ann");
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &first));
    world.at(CHALLENGES_END).ok("eve", 0, close(0));
    for index in 0..3 {
        world.ok("eve", 0, settle(0, "ann", &first, index));
    }
    let next = Book::new(vec![entry("ann", 1, 7, [10, 20, 0, 10, 5], [12, 30, 0, 10, 5])]).unwrap();
    world.at(200).ok("ann", BOND, report("ann", 1, &next));
    let evidence = Evidence::Leaf(Shown::Usage(usage(&next, 0)));
    let worker = account("ann");
    let challenge = RewardsMsg::Challenge { epoch: 1, worker, evidence };
    world.refuses("eve", 0, challenge, RewardsError::NotFalse);
}

/// Epochs without reports, and parts without claimants, carry everything, and nothing pays a fee twice.
#[test]
fn nothing_earned_is_carried() {
    let mut world = World::new();
    world.ok("payer", 1_000, RewardsMsg::Fund {});
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    assert_eq!((world.pool().carry, world.pool().fees), (1_000, 0));
    world.ok("payer", 9_000, RewardsMsg::Fund {});
    // Only uptime is earned in epoch 1: a tenth of the pool, and its part of the fee.
    world.at(200).ok("ann", BOND, presence("ann", 1));
    world.at(260).ok("anybody", 0, close(1));
    let split = world.epoch(1).record.split.unwrap();
    assert_eq!((split.uptime, split.work, split.royalty), (1_000, 0, 0));
    assert_eq!(split.fee, 500 * 1_000 / 9_500);
    assert_eq!(world.pool().carry, 10_000 - 1_000 - split.fee);
    // Weights of zero: the worker gets its bond.
    world.at(300).ok("cyd", BOND, presence("cyd", 2));
    world.at(360).ok("anybody", 0, close(2));
    let carry = world.pool().carry;
    assert_eq!(carry, 10_000 - 1_000 - split.fee);
    world.ok("cyd", 0, claim(2));
    assert_eq!(world.got["cyd"], BOND);
}

/// Dust goes to the latest epoch that can be closed: closing an older one late brings nothing but its own.
#[test]
fn waiting_pays_nobody() {
    for (seconds, work) in [(CHALLENGES_END + EPOCH - 1, 1_300), (CHALLENGES_END + EPOCH, 650)] {
        let mut world = World::new();
        world.ok("payer", 1_000, RewardsMsg::Fund {});
        world.at(REPORTS).ok("ann", BOND, report("ann", 0, &book("ann")));
        let dusty = PoolRecord { paid_in: 3_000, carry: 1_000, ..world.pool() };
        keys::pool().save(&mut world.map, &dusty).unwrap();
        world.held += 1_000;
        world.at(seconds).ok("ann", 0, close(0));
        assert_eq!(world.epoch(0).record.split.unwrap().work, work);
    }
}

/// A bond is never lost by being late; a share is.
#[test]
fn bonds_outlive_claims() {
    let mut world = World::new();
    world.ok("payer", 1_000, RewardsMsg::Fund {});
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &book("ann")));
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    world.at(CLAIMS_END).ok("ann", 0, claim(0));
    assert_eq!(world.got["ann"], BOND);
    world.ok("anybody", 0, sweep(0));
    assert_eq!(world.pool().carry, 950);
    assert_eq!(world.held, 950);
}

/// Royalties follow the collection.
#[test]
fn royalties_are_the_owners() {
    let mut world = World::new();
    world.ok("payer", 1_000, RewardsMsg::Fund {});
    let ann = book("ann");
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &ann));
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    world.around.owners.insert(id(1), account("heir"));
    world.refuses("owner1", 0, claim_royalty("ann", &ann, 0), RewardsError::NotOwner);
    world.ok("heir", 0, claim_royalty("ann", &ann, 0));
    assert_eq!(world.got["heir"], 60);
}

/// The windows, to the second.
#[test]
fn schedule() {
    let mut world = World::new();
    world.at(REPORTS).ok("ann", BOND, presence("ann", 0));
    let moments = |closed: Option<u64>| Schedule {
        start: GENESIS,
        end: GENESIS + 100,
        reports_until: GENESIS + 130,
        demands_until: GENESIS + DEMANDS_END,
        answers_until: GENESIS + ANSWERS_END,
        challenges_until: GENESIS + CHALLENGES_END,
        claims_until: closed.map(|closed| GENESIS + closed + 50),
    };
    assert_eq!(world.epoch(0).schedule, moments(None));
    world.at(170).ok("anybody", 0, close(0));
    assert_eq!(world.epoch(0).schedule, moments(Some(170)));
}
