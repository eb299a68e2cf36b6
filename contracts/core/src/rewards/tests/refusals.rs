//! What is refused, why, and that nothing changes.

use super::*;
use prag_protocol::ledger::rewards::{REPORT_LEAVES_MAX, UsageReport};
use prag_protocol::ledger::{BoundError, INTEGER_MAX};

fn early(seconds: u64) -> RewardsError {
    RewardsError::Early { from: GENESIS + seconds }
}

fn late(seconds: u64) -> RewardsError {
    RewardsError::Late { until: GENESIS + seconds }
}

fn amount(exactly: u128) -> RewardsError {
    RewardsError::Amount { min: exactly, max: exactly }
}

/// Reports of "ann" and "bob" in epoch 0, with 1,000 units in the pool, at the first second of reports.
fn reported() -> (World, Book) {
    let mut world = World::new();
    world.ok("payer", 1_000, RewardsMsg::Fund {});
    let ann = book("ann");
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &ann));
    world.ok("bob", BOND, presence("bob", 0));
    (world, ann)
}

/// A contract is set up once, and answers nothing before.
#[test]
fn set_up_once() {
    let (mut map, env, sender) = (Map::default(), World::new().env, account("admin"));
    let host = Host { verify: &Toy, peers: &Around::default() };
    let verdict = rewards::execute(&mut map, &env, &sender, &[], host, close(0));
    assert_eq!(verdict, Err(RewardsError::NotSetUp));
    let reply = rewards::query(&map, &env, RewardsQuery::Pool {});
    assert_eq!(reply, Err(RewardsError::NotSetUp));
    let short = RewardsInit { epoch_seconds: 59, ..init() };
    let verdict = rewards::instantiate(&mut map, &env, &sender, short);
    assert!(matches!(verdict, Err(RewardsError::Bound(BoundError { field: "epoch_seconds", .. }))));
    assert_eq!(map, Map::default());
    rewards::instantiate(&mut map, &env, &sender, init()).unwrap();
    let before = map.clone();
    let verdict = rewards::instantiate(&mut map, &env, &sender, init());
    assert_eq!(verdict, Err(RewardsError::Exists));
    assert_eq!(map, before);
}

/// One coin of the one denomination, in the amount that the message takes.
#[test]
fn money_is_exact() {
    let (mut world, ann) = reported();
    let least = RewardsError::Amount { min: 1, max: u128::MAX >> 1 };
    world.refuses("payer", 0, RewardsMsg::Fund {}, least);
    world.refuses("payer", u128::MAX, RewardsMsg::Fund {}, least);
    let full = RewardsError::Exhausted("the pool");
    world.refuses("payer", (u128::MAX >> 1) - 1_000, RewardsMsg::Fund {}, full);
    for wrong in [0, BOND - 1, BOND + 1] {
        world.refuses("cyd", wrong, presence("cyd", 0), amount(BOND));
    }
    for wrong in [0, DEPOSIT - 1, DEPOSIT + 1] {
        world.refuses("eve", wrong, demand("ann", Tree::Usage, 0), amount(DEPOSIT));
    }
    world.ok("eve", DEPOSIT, demand("ann", Tree::Usage, 0));
    for message in [
        reveal(&ann, Tree::Usage, 0),
        unanswered("ann", Tree::Usage, 0),
        close(0),
        claim(0),
        claim_royalty("ann", &ann, 0),
        settle(0, "ann", &ann, 0),
        sweep(0),
        RewardsMsg::SetAdmin { admin: account("heir") },
        RewardsMsg::AcceptAdmin {},
        RewardsMsg::SetConfig { config: config() },
    ] {
        world.refuses("ann", 1, message, amount(0));
    }

    let host = Host { verify: &Toy, peers: &world.around };
    let coin = |denom: &str| Funds { denom: denom.to_owned(), amount: BOND };
    for funds in [vec![coin("uatom")], vec![coin("uscrt"), coin("uscrt")], vec![coin("")]] {
        for (who, message) in [("cyd", presence("cyd", 0)), ("payer", RewardsMsg::Fund {})] {
            let before = world.map.clone();
            let (map, env) = (&mut world.map, &world.env);
            let verdict = rewards::execute(map, env, &account(who), &funds, host, message);
            assert_eq!(verdict, Err(RewardsError::Denom));
            assert_eq!(world.map, before);
        }
    }
}

/// Reports come from workers, once, in their window, and with vouchers behind their totals.
#[test]
fn reports() {
    let (mut world, ann) = reported();
    world.refuses("ann", BOND, report("ann", 0, &ann), RewardsError::Reported);
    world.refuses("stranger", BOND, presence("stranger", 0), RewardsError::NotWorker);
    world.at(REPORTS - 1).refuses("cyd", BOND, presence("cyd", 0), early(100));
    world.at(129).ok("cyd", BOND, presence("cyd", 0));
    world.around.answers.insert(account("dan"), INTEGER_MAX + 1);
    let reason = RewardsError::Exhausted("the liveness answers");
    world.refuses("dan", BOND, presence("dan", 0), reason);
    world.around.answers.insert(account("dan"), INTEGER_MAX);
    world.at(130).refuses("dan", BOND, presence("dan", 0), late(130));
    world.refuses("dan", BOND, presence("dan", 1), early(200));
    let far = RewardsError::Exhausted("the time");
    for epoch in [INTEGER_MAX, INTEGER_MAX / EPOCH] {
        world.refuses("dan", BOND, presence("dan", epoch), far);
    }

    let good = ann.report();
    let signature = [0; 64];
    let totals = used([0, 0, 0, 0, 1]);
    for (field, report) in [
        ("totals", UsageReport { totals, ..Book::new(Vec::new()).unwrap().report() }),
        ("leaves", UsageReport { leaves: REPORT_LEAVES_MAX + 1, ..good.clone() }),
        ("collections", UsageReport { collections: 0, ..good.clone() }),
        ("collections", UsageReport { collections: 4, ..good.clone() }),
        ("output", UsageReport { totals: used([0, 0, 0, 0, INTEGER_MAX + 1]), ..good }),
    ] {
        let before = world.map.clone();
        let verdict =
            world.run("dan", BOND, RewardsMsg::ReportUsage { epoch: 0, report, signature });
        let Err(RewardsError::Bound(error)) = verdict else { panic!("{field}: {verdict:?}") };
        assert_eq!(error.field, field);
        assert_eq!(world.map, before);
    }
}

/// Whoever has the wallet but not the attested key reports nothing, nor what it signed for something else.
#[test]
fn wallets_alone_report_nothing() {
    let mut world = World::new();
    world.at(REPORTS);
    let ann = book("ann");
    let RewardsMsg::ReportUsage { report: good, signature, .. } = report("ann", 0, &ann) else {
        panic!()
    };
    let said = |report: &UsageReport, signature| {
        let report = report.clone();
        RewardsMsg::ReportUsage { epoch: 0, report, signature }
    };
    let more = used([30, 100, 5, 50, 21]);
    for bad in [
        UsageReport { totals: more, ..good.clone() },
        UsageReport { root: [1; 32], ..good.clone() },
        UsageReport { royalty_root: [1; 32], ..good.clone() },
        UsageReport { leaves: 4, ..good.clone() },
        UsageReport { collections: 1, ..good.clone() },
    ] {
        world.refuses("ann", BOND, said(&bad, signature), RewardsError::Unsigned);
    }
    let own = |key: &[u8; 32], ledger: &[u8; 32], epoch| {
        toy_signature(&good.signed_bytes(ledger, &account("ann"), epoch), key)
    };
    for wrong in
        [own(&[0x11; 32], &LEDGER, 0), own(&SIGNING, &[0; 32], 0), own(&SIGNING, &LEDGER, 1)]
    {
        world.refuses("ann", BOND, said(&good, wrong), RewardsError::Unsigned);
    }
    world.refuses("bob", BOND, said(&good, signature), RewardsError::Unsigned);
    world.ok("ann", BOND, said(&good, signature));
}

/// Demands and answers, each in its window, for leaves that there are.
#[test]
fn demands() {
    let (mut world, ann) = reported();
    let ask = || demand("ann", Tree::Usage, 0);
    let elsewhere =
        RewardsMsg::Demand { epoch: 9, worker: account("ann"), tree: Tree::Usage, index: 0 };
    world.refuses("eve", DEPOSIT, elsewhere, RewardsError::NoEpoch);
    world.refuses("eve", DEPOSIT, demand("cyd", Tree::Usage, 0), RewardsError::NoReport);
    for (who, tree, leaves) in
        [("ann", Tree::Usage, 3), ("ann", Tree::Royalty, 2), ("bob", Tree::Usage, 0)]
    {
        let none = RewardsError::NoLeaf { leaves };
        world.refuses("eve", DEPOSIT, demand(who, tree, leaves), none);
    }
    world.refuses("ann", 0, reveal(&ann, Tree::Usage, 0), RewardsError::NotDemanded);
    world.ok("eve", DEPOSIT, ask());
    world.refuses("dan", DEPOSIT, ask(), RewardsError::Demanded);
    world.refuses("ann", 0, reveal(&ann, Tree::Royalty, 0), RewardsError::NotDemanded);
    world.refuses("bob", 0, reveal(&ann, Tree::Usage, 0), RewardsError::NotDemanded);
    world.refuses("cyd", 0, reveal(&ann, Tree::Usage, 0), RewardsError::NoReport);
    let other = book("bob");
    world.refuses("ann", 0, reveal(&other, Tree::Usage, 0), RewardsError::Proof);
    world.refuses("eve", 0, unanswered("ann", Tree::Usage, 1), RewardsError::NotDemanded);
    world.at(ANSWERS_END - 1).refuses("eve", 0, unanswered("ann", Tree::Usage, 0), early(150));
    world.at(DEMANDS_END).refuses("dan", DEPOSIT, demand("ann", Tree::Usage, 1), late(140));
    world.clone().ok("ann", 0, reveal(&ann, Tree::Usage, 0));
    world.at(ANSWERS_END).refuses("ann", 0, reveal(&ann, Tree::Usage, 0), late(150));
    world.ok("eve", 0, unanswered("ann", Tree::Usage, 0));
    world.refuses("eve", 0, unanswered("ann", Tree::Usage, 0), RewardsError::NotDemanded);

    // Void reports are not asked any more, and answers to them earn nothing.
    let (mut world, ann) = reported();
    world.ok("eve", DEPOSIT, ask());
    let mut row = world.report(0, "ann");
    row.void = true;
    keys::report(0, &account("ann")).save(&mut world.map, &row).unwrap();
    world.refuses("dan", DEPOSIT, demand("ann", Tree::Usage, 1), RewardsError::Void);
    world.refuses("ann", 0, reveal(&ann, Tree::Usage, 0), RewardsError::Void);
}

/// An answered demand is no evidence.
#[test]
fn answered_is_not_unanswered() {
    let (mut world, ann) = reported();
    world.ok("eve", DEPOSIT, demand("ann", Tree::Usage, 0));
    world.ok("ann", 0, reveal(&ann, Tree::Usage, 0));
    let message = unanswered("ann", Tree::Usage, 0);
    world.at(ANSWERS_END).refuses("eve", 0, message, RewardsError::NotFalse);
}

/// Challenges end with their window, and need a report that stands.
#[test]
fn challenges() {
    let mut made = book("ann").usage_leaves().to_vec();
    made[0].signed.worker_signature[0] ^= 1;
    let ann = book("ann");
    let bad = Book::of(made, ann.royalty_leaves().to_vec(), ann.report().totals);
    let mut world = World::new();
    let evidence = || Evidence::Leaf(Shown::Usage(usage(&bad, 0)));
    world.refuses("eve", 0, challenge("ann", evidence()), RewardsError::NoEpoch);
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &bad));
    world.refuses("eve", 0, challenge("bob", evidence()), RewardsError::NoReport);
    world.at(CHALLENGES_END).refuses("eve", 0, challenge("ann", evidence()), late(160));
    world.at(CHALLENGES_END - 1).ok("eve", 0, challenge("ann", evidence()));
    world.refuses("eve", 0, challenge("ann", evidence()), RewardsError::Void);
}

/// A close comes after the challenges, once, and only where there is something.
#[test]
fn closes() {
    let (mut world, _) = reported();
    world.at(CHALLENGES_END - 1).refuses("anybody", 0, close(0), early(160));
    world.refuses("anybody", 0, close(1), RewardsError::NoEpoch);
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    world.refuses("anybody", 0, close(0), RewardsError::Closed);
}

/// Claims come after the close, once, and from whom the share is.
#[test]
fn claims() {
    let (mut world, ann) = reported();
    world.refuses("ann", 0, claim(0), RewardsError::NotClosed);
    world.refuses("owner1", 0, claim_royalty("ann", &ann, 0), RewardsError::NotClosed);
    world.refuses("ann", 0, settle(0, "ann", &ann, 0), RewardsError::NotClosed);
    world.refuses("anybody", 0, sweep(0), RewardsError::NotClosed);
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    world.refuses("cyd", 0, claim(0), RewardsError::NoReport);
    world.refuses("ann", 0, claim(1), RewardsError::NoEpoch);
    world.ok("ann", 0, claim(0));
    world.refuses("ann", 0, claim(0), RewardsError::Claimed);

    world.refuses("ann", 0, claim_royalty("ann", &ann, 0), RewardsError::NotOwner);
    world.refuses("owner2", 0, claim_royalty("ann", &ann, 0), RewardsError::NotOwner);
    world.refuses("owner1", 0, claim_royalty("bob", &ann, 0), RewardsError::Proof);
    world.refuses("owner1", 0, claim_royalty("cyd", &ann, 0), RewardsError::NoReport);
    let other = Book::new(vec![entry("ann", 1, 7, [0; 5], [0, 9, 0, 0, 0])]).unwrap();
    world.refuses("owner1", 0, claim_royalty("ann", &other, 0), RewardsError::Proof);
    world.refuses("eve", 0, settle(0, "ann", &other, 0), RewardsError::Proof);
    world.ok("owner1", 0, claim_royalty("ann", &ann, 0));
    world.refuses("owner1", 0, claim_royalty("ann", &ann, 0), RewardsError::Claimed);
    world.at(CLAIMS_END - 1).refuses("anybody", 0, sweep(0), early(210));
    world.clone().ok("owner2", 0, claim_royalty("ann", &ann, 1));
    world.at(CLAIMS_END).refuses("owner2", 0, claim_royalty("ann", &ann, 1), late(210));
    world.ok("anybody", 0, sweep(0));
    world.refuses("anybody", 0, sweep(0), RewardsError::Swept);
}

/// A share of less than one unit is no claim.
#[test]
fn nothing_is_not_claimed() {
    let mut world = World::new();
    world.ok("payer", 6, RewardsMsg::Fund {});
    let ann = book("ann");
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &ann));
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    assert_eq!(world.epoch(0).record.split.unwrap().royalty, 1);
    world.refuses("owner1", 0, claim_royalty("ann", &ann, 0), RewardsError::Nothing);
    let unread = Book::new(vec![entry("ann", 1, 7, [0; 5], [1, 0, 0, 0, 0])]).unwrap();
    world.at(200).ok("ann", BOND, report("ann", 1, &unread));
    world.at(260).ok("anybody", 0, close(1));
    let royalty = RoyaltyClaim { worker: account("ann"), shown: *royalty(&unread, 0) };
    let message = RewardsMsg::Claim { epoch: 1, royalty: Some(royalty) };
    world.refuses("owner1", 0, message, RewardsError::Nothing);
}

/// A false report that nobody challenged still pays its owners no more than its total.
#[test]
fn no_claim_over_the_share() {
    let ann = book("ann");
    let mut leaves = ann.royalty_leaves().to_vec();
    leaves[0].units = 60;
    let bad = Book::of(ann.usage_leaves().to_vec(), leaves, ann.report().totals);
    let mut world = World::new();
    world.ok("payer", 1_000, RewardsMsg::Fund {});
    world.at(REPORTS).ok("ann", BOND, report("ann", 0, &bad));
    world.ok("bob", BOND, report("bob", 0, &book("bob")));
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    world.ok("owner1", 0, claim_royalty("ann", &bad, 0));
    let message = claim_royalty("ann", &bad, 1);
    world.refuses("owner2", 0, message, RewardsError::Overclaimed);
    world.ok("owner2", 0, claim_royalty("bob", &book("bob"), 1));
}

/// Only the admin sets, and only what fits.
#[test]
fn settings() {
    let mut world = World::new();
    let set = |config| RewardsMsg::SetConfig { config };
    world.refuses("eve", 0, set(config()), RewardsError::NotAdmin);
    let admin = account("eve");
    world.refuses("eve", 0, RewardsMsg::SetAdmin { admin }, RewardsError::NotAdmin);
    world.refuses("admin", 0, RewardsMsg::AcceptAdmin {}, RewardsError::NotNamed);
    let long = RewardsConfig { report_seconds: 71, ..config() };
    world.refuses("admin", 0, set(long), RewardsError::Windows { max: EPOCH });
    world.ok("admin", 0, set(RewardsConfig { report_seconds: 70, ..config() }));
}

/// What does not add up is damage, not a payment.
#[test]
fn damage_is_named() {
    let (mut world, _) = reported();
    world.at(CHALLENGES_END).ok("anybody", 0, close(0));
    let whole = world.pool();
    let short = PoolRecord { unclaimed: 1, ..whole.clone() };
    keys::pool().save(&mut world.map, &short).unwrap();
    world.at(CLAIMS_END).refuses("anybody", 0, sweep(0), RewardsError::Damaged("pool"));
    keys::pool().save(&mut world.map, &whole).unwrap();
    let key = [&b"\x04e"[..], &0u64.to_be_bytes()].concat();
    world.map.rows.insert(key, vec![2]);
    world.refuses("anybody", 0, sweep(0), RewardsError::Damaged("epochs"));
}
