//! Every unit is somewhere: examples by hand, and random histories with hostile numbers.

use super::*;
use prag_protocol::ledger::coin::AMOUNT_MAX;
use prag_protocol::ledger::subscription::PERIOD_SECONDS_MAX;

/// Whole unused days, rounded down, less the fee: 30 days for 3000, a tenth is kept.
#[test]
fn refunds_by_hand() {
    for (passed, refund) in [
        (0, 2700),
        (1, 2610),
        (DAY, 2610),
        (DAY + 1, 2520),
        (29 * DAY, 90),
        (29 * DAY + 1, 0),
        (30 * DAY, 0),
        (34 * DAY, 0),
    ] {
        let mut world = World::with_ann();
        world.after(passed);
        assert_eq!(world.subscription("ann").unwrap().refund, refund, "{passed}");
        world.ok("ann", &[], cancel());
        assert_eq!(world.sent_to("ann", "uscrt"), refund, "{passed}");
        let account = world.account("uscrt");
        assert_eq!((account.refunded, account.reserved), (refund, 0));
        if refund < 3000 {
            world.refuses(
                "admin",
                &[],
                withdraw("uscrt", 3001 - refund),
                SubscriptionError::NotEarned { earned: 3000 - refund },
            );
            world.ok("admin", &[], withdraw("uscrt", 3000 - refund));
        }
        assert_eq!(world.bank["uscrt"], 0);
    }
}

/// Periods that have not begun are refunded whole, the running one by its days.
#[test]
fn refunds_ahead() {
    let mut world = World::with_ann();
    world.ok("ann", PRICE, renew());
    world.ok("ann", PRICE, renew());
    world.after(10 * DAY + 5);
    // 19 whole days of the running period at 100, two whole periods, less a tenth.
    assert_eq!(world.subscription("ann").unwrap().refund, (1900 + 6000) * 9 / 10);
    world.ok("ann", &[], cancel());
    assert_eq!(world.sent_to("ann", "uscrt"), 7110);
}

/// Both roundings go down: 100 for 7 days, 3 of them unused, 33.33 % kept.
#[test]
fn rounding() {
    let mut world = World::empty();
    world.ok("admin", &[], plan(1, 100, "uscrt", 7 * DAY, 0, 3333, 1));
    world.ok("ann", &[("uscrt", 100)], subscribe(1));
    world.after(4 * DAY);
    // 300 / 7 = 42.86; 42 × 0.6667 = 28.0014.
    world.ok("ann", &[], cancel());
    assert_eq!(world.sent_to("ann", "uscrt"), 28);
}

/// A period shorter than a day has no whole day: it is served, and nothing of it is refunded.
#[test]
fn short_periods() {
    let mut world = World::empty();
    world.ok("admin", &[], plan(1, 100, "uscrt", 3600, 0, 0, 1));
    world.ok("ann", &[("uscrt", 100)], subscribe(1));
    world.ok("ann", &[("uscrt", 100)], renew());
    world.after(10).ok("ann", &[], cancel());
    assert_eq!(world.sent_to("ann", "uscrt"), 100, "the period that has not begun");
    world.env.time = NOW + 3599;
    assert!(world.active("ann"));
    world.env.time = NOW + 3600;
    assert!(!world.active("ann"));
}

/// Whoever is removed is refunded without the fee.
#[test]
fn removal_takes_no_fee() {
    let mut world = World::with_ann();
    world.after(15 * DAY).ok("admin", &[], remove("ann"));
    assert_eq!(world.sent_to("ann", "uscrt"), 1500);
    assert_eq!(world.account("uscrt").reserved, 0);
}

/// An upgrade refunds in the old denomination and is paid in the new one.
#[test]
fn upgrades_refund() {
    let mut world = World::with_ann();
    world.after(10 * DAY).ok("ann", OTHER_PRICE, upgrade(2));
    assert_eq!(world.sent_to("ann", "uscrt"), 1800);
    assert_eq!(world.account("uatom").paid_in, 700);
    assert_eq!(world.bank["uscrt"], 1200);
    world.ok("admin", &[], withdraw("uscrt", 1200));
    world.refuses("admin", &[], withdraw("uatom", 1), SubscriptionError::NotEarned { earned: 0 });
}

/// The admin gets at what time has earned only after a settlement, which anybody may ask for.
#[test]
fn settlement() {
    let mut world = World::with_ann();
    world.after(3 * DAY);
    let nothing = SubscriptionError::NotEarned { earned: 0 };
    world.refuses("admin", &[], withdraw("uscrt", 1), nothing);
    let (subscriber, earned) = (account("ann"), 300);
    let settled = [Event::Settled { subscriber, earned }];
    assert_eq!(world.ok("stranger", &[], settle("ann")), settled);
    assert_eq!(world.ok("stranger", &[], settle("ann")), [], "again is no event");
    world.ok("admin", &[], withdraw("uscrt", 300));
    assert_eq!(world.sent_to("treasury", "uscrt"), 300);
    world.refuses("admin", &[], withdraw("uscrt", 1), nothing);
    assert_eq!(world.subscription("ann").unwrap().refund, 2430);
}

/// A clock that went back cannot raise a claim over what is reserved for it.
#[test]
fn clocks_that_go_back() {
    let mut world = World::with_ann();
    world.after(20 * DAY).ok("stranger", &[], settle("ann"));
    world.ok("admin", &[], withdraw("uscrt", 2000));
    world.env.time = NOW - 5;
    assert_eq!(world.subscription("ann").unwrap().refund, 900);
    world.ok("ann", PRICE, renew());
    assert_eq!(world.account("uscrt").reserved, 4000);
    world.ok("admin", &[], remove("ann"));
    assert_eq!((world.sent_to("ann", "uscrt"), world.bank["uscrt"]), (4000, 0));
}

/// The contract's books and the bank agree, and what is held covers every refund.
fn sound(world: &World, at: &str) {
    for denom in DENOMS {
        let AccountRecord { paid_in, refunded, withdrawn, reserved } = world.account(denom);
        let held = paid_in - refunded - withdrawn;
        assert_eq!(world.bank.get(denom).copied().unwrap_or(0), held, "{at}");
        let mut sum = 0;
        for who in NAMES {
            let Some(subscription) = world.subscription(who) else { continue };
            let Some(running) = subscription.running else { continue };
            if denom_of(world, running.plan) == denom {
                assert!(subscription.refund <= running.reserved, "{at}");
                sum += running.reserved;
            }
        }
        assert_eq!(sum, reserved, "{at}");
        assert!(reserved <= held, "{at}");
    }
}

fn denom_of(world: &World, plan: u32) -> String {
    match world.ask("nobody", SubscriptionQuery::Plan { plan }) {
        SubscriptionReply::Plan(Some(plan)) => plan.denom.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Plans with awkward numbers: indivisible, tiny, huge, of no whole day.
fn awkward_plan(chance: &mut Chance, id: u32) -> (SubscriptionMsg, u128, &'static str) {
    let price = chance.one(&[1, 2, 7, 997, 1 << 64, AMOUNT_MAX - 1, AMOUNT_MAX]);
    let period = chance.one(&[
        1,
        59,
        DAY - 1,
        DAY,
        DAY + 1,
        3 * DAY / 2,
        7 * DAY,
        30 * DAY + 12_345,
        PERIOD_SECONDS_MAX,
    ]);
    let grace = chance.below(period + 1);
    let fee = chance.one(&[0, 1, 333, 9_999, 10_000]);
    let denom = chance.one(&DENOMS);
    (plan(id, price, denom, period, grace, fee, 3), price, denom)
}

/// Paid in = refunded + withdrawn + held, after every message of random histories; and in the end
/// everybody has everything, to the last unit.
#[test]
fn conservation() {
    let mut payments = 0;
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let mut world = World::empty();
        let mut plans = Vec::new();
        for id in 0..4 {
            let (message, price, denom) = awkward_plan(&mut chance, id);
            world.ok("admin", &[], message);
            plans.push((price, denom));
        }
        for step in 0..150 {
            let leap = chance.one(&[0, 1, 3600, DAY, 5 * DAY, 40 * DAY]);
            world.after(leap + chance.below(3));
            let who = chance.one(&NAMES);
            let id = u32::try_from(chance.below(4)).unwrap();
            let running = world.subscription(who).and_then(|s| s.running);
            let paying = |plan: u32| plans[usize::try_from(plan).unwrap()];
            let (price, denom) = match (chance.below(3), &running) {
                (0, Some(running)) => paying(running.plan),
                _ => paying(id),
            };
            let coin = [(denom, price)];
            let all = world.account(denom);
            let earned = all.paid_in - all.refunded - all.withdrawn - all.reserved;
            let (sender, funds, message): (_, Coins, _) = match chance.below(12) {
                0..=2 => (who, &coin, subscribe(id)),
                3 | 4 => (who, &coin, renew()),
                5 => (who, &coin, upgrade(id)),
                6 => (who, &[], cancel()),
                7 if chance.below(2) == 0 => ("admin", &[], remove(who)),
                7 => ("admin", &[], register(who)),
                8 | 9 => ("anybody", &[], settle(who)),
                _ if earned == 0 => ("admin", &[], withdraw(denom, 1)),
                _ => {
                    let some = earned.min(AMOUNT_MAX);
                    let some = chance.one(&[1, some, some.div_ceil(2)]);
                    ("admin", &[], withdraw(denom, some))
                }
            };
            let at = format!("seed {seed} step {step} {sender} {message:?}");
            if let Ok(done) = world.run(sender, funds, message) {
                payments += done.payments.len();
            }
            sound(&world, &at);
        }
        all_goes_out(&mut world, &mut chance);
    }
    assert!(payments > 5_000, "the walk paid {payments} times");
}

/// Everything is settled and withdrawn, then everybody leaves: nothing is missing, nothing is left.
fn all_goes_out(world: &mut World, chance: &mut Chance) {
    let drain = |world: &mut World| {
        for denom in DENOMS {
            loop {
                let AccountRecord { paid_in, refunded, withdrawn, reserved } = world.account(denom);
                let earned = paid_in - refunded - withdrawn - reserved;
                if earned == 0 {
                    break;
                }
                world.ok("admin", &[], withdraw(denom, earned.min(AMOUNT_MAX)));
            }
        }
    };
    for who in NAMES {
        let _ = world.run("anybody", &[], settle(who));
    }
    drain(world);
    sound(world, "drained");
    for who in NAMES {
        let message = if chance.below(2) == 0 { remove(who) } else { cancel() };
        let sender = if matches!(message, SubscriptionMsg::Cancel {}) { who } else { "admin" };
        let owed = world.subscription(who).map_or(0, |s| s.refund);
        let before: u128 = DENOMS.iter().map(|denom| world.sent_to(who, denom)).sum();
        let _ = world.run(sender, &[], message);
        let after: u128 = DENOMS.iter().map(|denom| world.sent_to(who, denom)).sum();
        assert!(after - before >= owed, "{who} was owed {owed}");
        let _ = world.run("anybody", &[], settle(who));
    }
    drain(world);
    assert!(world.bank.values().all(|left| *left == 0), "{:?}", world.bank);
}

const NAMES: [&str; 3] = ["ann", "bob", "cyd"];
const DENOMS: [&str; 2] = ["uscrt", "uatom"];
