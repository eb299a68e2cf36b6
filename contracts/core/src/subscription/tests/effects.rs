//! What accepted messages leave behind, apart from money.

use super::*;
use prag_protocol::ledger::subscription::{PERIODS_AHEAD_MAX, Terms};

/// The admin changes only once the other one has accepted, and a proposal can be taken back.
#[test]
fn admin_in_two_steps() {
    let mut world = World::new();
    let proposed = Some(account("heir"));
    assert_eq!(world.ok("admin", &[], set_admin("heir")), [Event::AdminProposed { proposed }]);
    assert_eq!(world.ok("admin", &[], set_admin("heir")), [], "again is no event");
    world.ok("admin", &[], register("guest"));
    world.ok("admin", &[], set_admin("admin"));
    world.refuses("heir", &[], accept(), SubscriptionError::NotProposed);

    world.ok("admin", &[], set_admin("heir"));
    let admin = account("heir");
    assert_eq!(world.ok("heir", &[], accept()), [Event::AdminSet { admin: admin.clone() }]);
    let reply = world.ask("nobody", SubscriptionQuery::GetAdmin {});
    assert_eq!(reply, SubscriptionReply::Admin(admin));
    world.refuses("admin", &[], register("other"), SubscriptionError::NotAdmin);
    world.refuses("heir", &[], accept(), SubscriptionError::NotProposed);
    world.ok("heir", &[], register("other"));
}

/// A registered account is active until it is removed, whatever the time.
#[test]
fn registered_without_a_plan() {
    let mut world = World::new();
    assert!(!world.active("guest"));
    let subscriber = account("guest");
    assert_eq!(world.ok("admin", &[], register("guest")), [Event::Registered { subscriber }]);
    world.after(10_000 * DAY);
    assert!(world.active("guest"));
    world.ok("guest", &[], add_key(1));
    let status = world.api_key(1).unwrap();
    assert_eq!((status.live, status.terms), (true, None));

    world.ok("admin", &[], remove("guest"));
    assert!(!world.active("guest"));
    assert_eq!(world.api_key(1), None, "keys go with their subscriber");
    assert_eq!(world.subscription("guest"), None);
}

/// A plan runs to its last second, its grace after that, and nothing has to be done to end it.
#[test]
fn ends_by_time() {
    let mut world = World::with_ann();
    world.ok("ann", &[], add_key(1));
    let map = world.map.clone();
    for (days, seconds, live) in
        [(0, 0, true), (29, DAY - 1, true), (30, 0, true), (34, DAY - 1, true), (35, 0, false)]
    {
        world.env.time = NOW + days * DAY + seconds;
        assert_eq!(world.active("ann"), live, "day {days} {seconds}");
        let status = world.api_key(1).unwrap();
        assert_eq!((status.live, status.terms.is_some()), (live, live));
    }
    assert_eq!(world.map, map);

    let mut world = World::new();
    world.ok("bob", OTHER_PRICE, subscribe(2));
    world.env.time = NOW + 7 * DAY - 1;
    assert!(world.active("bob"));
    world.env.time = NOW + 7 * DAY;
    assert!(!world.active("bob"), "plan 2 has no grace");
}

/// Units are of one period: from where it begins to where the next one does.
#[test]
fn terms_of_each_period() {
    let mut world = World::with_ann();
    let month = 30 * DAY;
    let expected = |period: u64, period_end, live_until| Terms {
        plan: 1,
        units: 500,
        period_start: NOW + period * month,
        period_end,
        live_until,
    };
    let terms = |world: &World| world.subscription("ann").unwrap().terms;
    let end = NOW + month;
    assert_eq!(terms(&world), Some(expected(0, end, end + 5 * DAY)));

    world.ok("ann", PRICE, renew());
    world.after(month - 1);
    assert_eq!(terms(&world), Some(expected(0, end, end + month + 5 * DAY)));
    world.after(1);
    assert_eq!(terms(&world), Some(expected(1, end + month, end + month + 5 * DAY)));

    // In the grace, units are those of the period that a renewal pays for.
    world.after(month + DAY);
    let live_until = end + month + 5 * DAY;
    assert_eq!(terms(&world), Some(expected(2, live_until, live_until)));
    world.ok("ann", PRICE, renew());
    let renewed = expected(2, end + 2 * month, live_until + month);
    assert_eq!(terms(&world), Some(renewed), "a renewal in the grace begins where the last ended");
}

/// Renewals append, up to a bound; a new period makes room for another.
#[test]
fn paid_ahead() {
    let mut world = World::with_ann();
    for n in 1..=PERIODS_AHEAD_MAX {
        let paid_until = NOW + (n + 1) * 30 * DAY;
        let subscriber = account("ann");
        assert_eq!(world.ok("ann", PRICE, renew()), [Event::Renewed { subscriber, paid_until }]);
    }
    let reason = SubscriptionError::PaidAhead { max: PERIODS_AHEAD_MAX };
    world.after(30 * DAY - 1).refuses("ann", PRICE, renew(), reason);
    world.after(1).ok("ann", PRICE, renew());
}

/// A cancelled plan is served to the end of the day that has begun, without grace; then anew.
#[test]
fn cancelled() {
    let mut world = World::with_ann();
    world.after(10 * DAY + 100);
    let (subscriber, paid_until) = (account("ann"), NOW + 11 * DAY);
    assert_eq!(world.ok("ann", &[], cancel()), [Event::Cancelled { subscriber, paid_until }]);
    assert_eq!(world.ok("ann", &[], cancel()), [], "again is no event");
    assert!(world.active("ann"));
    world.refuses("ann", PRICE, renew(), SubscriptionError::NotRunning);
    world.refuses("ann", OTHER_PRICE, upgrade(2), SubscriptionError::NotRunning);
    world.env.time = paid_until - 1;
    assert!(world.active("ann"));
    world.env.time = paid_until;
    assert!(!world.active("ann"));
    world.ok("ann", PRICE, subscribe(1));
    assert!(world.active("ann"));
}

/// What is retired runs on and takes nobody new, nor another period.
#[test]
fn retired() {
    let mut world = World::with_ann();
    assert_eq!(world.ok("admin", &[], retire(1)), [Event::PlanRetired { plan: 1 }]);
    assert_eq!(world.ok("admin", &[], retire(1)), []);
    world.after(20 * DAY);
    assert!(world.active("ann"));
    assert_eq!(world.subscription("ann").unwrap().refund, 900);
    world.ok("ann", &[], add_key(1));
    world.refuses("bob", PRICE, subscribe(1), SubscriptionError::PlanRetired);
    world.refuses("ann", PRICE, renew(), SubscriptionError::PlanRetired);
    world.ok("bob", OTHER_PRICE, subscribe(2));
    world.refuses("bob", PRICE, upgrade(1), SubscriptionError::PlanRetired);
    world.ok("ann", &[], cancel());
    assert_eq!(world.sent_to("ann", "uscrt"), 900);
}

/// An upgrade begins at once, and the keys go on under the other plan.
#[test]
fn upgraded() {
    let mut world = World::with_ann();
    world.ok("ann", &[], add_key(1));
    world.after(15 * DAY);
    let (subscriber, paid_until) = (account("ann"), world.env.time + 7 * DAY);
    let events = world.ok("ann", OTHER_PRICE, upgrade(2));
    assert_eq!(events, [Event::Upgraded { subscriber, plan: 2, paid_until }]);
    assert_eq!(world.api_key(1).unwrap().terms.unwrap().plan, 2);
}

/// A revoked key is nobody's, and may be anybody's again.
#[test]
fn revoked_keys() {
    let mut world = World::with_ann();
    world.ok("bob", OTHER_PRICE, subscribe(2));
    world.ok("ann", &[], add_key(1));
    assert_eq!(world.api_key(1).unwrap().subscriber, account("ann"));
    let subscriber = account("ann");
    assert_eq!(world.ok("ann", &[], revoke_key(1)), [Event::ApiKeyRevoked { subscriber }]);
    assert_eq!(world.api_key(1), None);
    world.ok("bob", &[], add_key(1));
    world.ok("admin", &[], revoke_key(1));
    world.ok("admin", &[], add_key_for(2, "bob"));
    assert_eq!(world.api_key(2).unwrap().subscriber, account("bob"));
}

/// Keys sleep while nothing is paid, can be revoked meanwhile, and wake with the next subscription.
#[test]
fn keys_sleep() {
    let mut world = World::with_ann();
    world.ok("ann", &[], add_key(1));
    world.ok("ann", &[], add_key(2));
    world.after(40 * DAY);
    assert!(!world.api_key(1).unwrap().live);
    world.ok("ann", &[], revoke_key(2));
    world.ok("ann", PRICE, subscribe(1));
    assert!(world.api_key(1).unwrap().live);
    assert_eq!(world.api_key(2), None);
}
