//! Which sessions make room for others, and what becomes of those that come back.

use super::*;

/// An account uses one session key after the other and pays for each: none is locked out by the earlier ones, though all
/// permits live. Where the ledger takes reports, as soon as they were reported.
#[test]
fn settled_sessions_lock_nobody_out() {
    for reports in [false, true] {
        let mut scene = Scene::on(1, reports);
        let of = |number: u8| Who { consumer: who(0).consumer, ..who(number) };
        for number in 1..=40u8 {
            let offer = scene.ask(&of(number), None, None, cost(1)).unwrap();
            scene.meter.hand_in(&of(number), Some(sign(offer, number))).unwrap();
            if reports {
                let entries = scene.meter.entries();
                assert_eq!(entries.len(), 1, "each is reported once");
                scene.meter.reported(&entries).unwrap();
            }
            if number == 20 {
                scene.reboot();
            }
        }
    }
}

/// Who owes makes no room, whatever the ledger takes; nor does who pays make room for another account while its permit lives.
#[test]
fn debts_are_not_forgotten() {
    let scene = Scene::on(1, false);
    let of = |number: u8| Who { consumer: who(0).consumer, ..who(number) };
    let most = u8::try_from(METERED_SESSIONS_PER_ACCOUNT_MAX).unwrap();
    for number in 1..=most {
        scene.ask(&of(number), None, None, cost(1)).unwrap();
    }
    assert_eq!(scene.ask(&of(99), None, None, cost(1)).unwrap_err(), MeterError::Full);
    assert!(scene.ask(&who(98), None, None, cost(1)).is_ok(), "another account has room");
}

/// A session that was forgotten after its report, and asks before it brings its voucher, is not reported anew.
#[test]
fn a_late_voucher_is_not_reported_twice() {
    let scene = Scene::new(2);
    let of = |number: u8| Who { consumer: who(0).consumer, ..who(number) };
    let most = u8::try_from(METERED_SESSIONS_PER_ACCOUNT_MAX).unwrap();
    let old = sign(scene.ask(&of(1), None, None, cost(5)).unwrap(), 1);
    scene.meter.hand_in(&of(1), Some(old.clone())).unwrap();
    scene.meter.reported(&scene.meter.entries()).unwrap();
    for number in 2..=most + 1 {
        scene.ask(&of(number), None, None, cost(1)).unwrap();
    }
    // Only a place that somebody gives up lets it in again.
    let standing = scene.meter.hand_in(&of(2), None).unwrap().unwrap();
    scene.meter.hand_in(&of(2), standing.offered.map(|offer| sign(offer, 2))).unwrap();
    scene.meter.reported(&scene.meter.entries()).unwrap();
    // It may even have used exactly as much again.
    let late = Who { now: NOW + 60, ..of(1) };
    let fresh = scene.ask(&late, None, None, cost(5)).unwrap();
    assert_eq!((number(&fresh), fresh.voucher.used), (1, old.voucher.used), "it was forgotten");
    let standing = scene.meter.hand_in(&late, Some(old.clone())).unwrap().unwrap();
    let back = standing.offered.unwrap();
    assert!(back.voucher.supersedes(&old.voucher));
    assert_eq!(back.voucher.used.queries, 10, "what it owed since is not forgiven");
    scene.meter.hand_in(&late, Some(sign(back, 1))).unwrap();
    let [entry] = scene.meter.entries().try_into().unwrap();
    assert_eq!(entry.start, old.voucher.used);
}

/// Sessions make room when they are over: nothing owed, nothing to report; the oldest first. Whoever comes back begins where
/// its voucher says, and what it was reported for is not reported again.
#[test]
fn sessions_make_room() {
    let scene = Scene::new(9);
    let own = |number: u8, expires| Who { consumer: who(0).consumer, expires, ..who(number) };
    let most = u8::try_from(METERED_SESSIONS_PER_ACCOUNT_MAX).unwrap();
    let mut vouchers = Vec::new();
    for number in 1..=most {
        let expires = NOW + u64::from(number);
        let offer = scene.ask(&own(number, expires), None, None, cost(1)).unwrap();
        vouchers.push(sign(offer, number));
    }
    let late = Who { now: NOW + 10, ..own(90, NOW + 99) };
    let ask = || scene.ask(&late, None, None, cost(1));
    assert_eq!(ask().unwrap_err(), MeterError::Full, "all owe");
    // Three are settled, and two of them reported.
    for (number, voucher) in [1, 2, 12].into_iter().zip([0, 1, 11].map(|at| &vouchers[at])) {
        scene.meter.hand_in(&own(number, 0), Some(voucher.clone())).unwrap();
    }
    assert_eq!(ask().unwrap_err(), MeterError::Full, "all are to be reported");
    let entries = scene.meter.entries();
    assert_eq!(entries.len(), 3);
    let reported: Vec<Entry> = entries
        .into_iter()
        .filter(|entry| entry.signed.voucher.session != own(1, 0).session)
        .collect();
    scene.meter.reported(&reported).unwrap();
    assert_eq!(scene.meter.entries().len(), 1);
    ask().unwrap();
    let next = Who { now: NOW + 10, ..own(91, NOW + 99) };
    scene.ask(&next, None, None, cost(1)).unwrap();
    let third = Who { now: NOW + 10, ..own(92, NOW + 99) };
    assert_eq!(scene.ask(&third, None, None, cost(1)).unwrap_err(), MeterError::Full);
    assert!(scene.ask(&who(0), None, None, cost(1)).is_err(), "of the same account");
    assert!(scene.ask(&who(99), None, None, cost(1)).is_ok(), "another account has room");

    // Session 2 was forgotten. It makes room for itself in turn, and goes on where it stood.
    scene.meter.hand_in(&own(1, 0), None).unwrap();
    scene.meter.reported(&scene.meter.entries()).unwrap();
    let back = Who { now: NOW + 10, ..own(2, NOW + 99) };
    let offer = scene.ask(&back, Some(vouchers[1].clone()), None, cost(1)).unwrap();
    assert_eq!((number(&offer), offer.voucher.used.queries), (2, 2));
    let signed = sign(offer, 2);
    scene.meter.hand_in(&back, Some(signed)).unwrap();
    let entries = scene.meter.entries();
    let entry = entries.iter().find(|entry| entry.signed.voucher.session == back.session).unwrap();
    assert_eq!(entry.start, vouchers[1].voucher.used);
}

