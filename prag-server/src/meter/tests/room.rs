//! Which sessions make room for others, and what becomes of those that come back.

use super::*;

/// A session of account 0.
fn of(session: u16, now: u64) -> Who {
    let key = SessionKey::from_bytes(&wide(session));
    let (consumer, expires) = (who(0).consumer, NOW + u64::from(session) + 100);
    Who { collection: ID, consumer, session: key.public_key(), expires, now }
}

fn wide(session: u16) -> [u8; 32] {
    let mut bytes = [7; 32];
    bytes[..2].copy_from_slice(&session.to_be_bytes());
    bytes
}

fn signed(offer: OfferedVoucher, session: u16) -> SignedVoucher {
    countersign(verify_offer(offer).unwrap(), &SessionKey::from_bytes(&wide(session)))
}

/// One request, countersigned.
fn pay(scene: &Scene, session: u16) -> SignedVoucher {
    let who = of(session, NOW);
    let signed = signed(scene.ask(&who, None, None, cost(5)).unwrap(), session);
    scene.meter.hand_in(&who, Some(signed.clone())).unwrap();
    signed
}

/// An account uses one session key after the other and pays for each: none is locked out by the earlier ones, though all
/// permits live. Where the ledger takes reports, up to a bound, and as soon as they were reported.
#[test]
fn settled_sessions_lock_nobody_out() {
    let most = u16::try_from(METERED_SESSIONS_KEPT_MAX).unwrap();
    for reports in [false, true] {
        let mut scene = Scene::on(1, reports);
        for session in 1..=most {
            pay(&scene, session);
        }
        scene.reboot();
        if reports {
            let entries = scene.meter.entries();
            assert_eq!(entries.len(), usize::from(most), "none is lost");
            let refused = scene.ask(&of(most + 1, NOW), None, None, cost(1)).unwrap_err();
            assert_eq!(refused, MeterError::Full);
            scene.meter.reported(&entries).unwrap();
        }
        for session in most + 1..=most + 20 {
            pay(&scene, session);
        }
        let entries = scene.meter.entries();
        assert!(entries.iter().all(|entry| entry.start == Counters::default()));
        assert!(!reports || entries.len() == 20);
    }
}

/// Who owes makes no room, whatever the ledger takes, and an account with too many debts gets no more.
#[test]
fn debts_are_not_forgotten() {
    for reports in [false, true] {
        let scene = Scene::on(1, reports);
        let most = u16::try_from(METERED_SESSIONS_PER_ACCOUNT_MAX).unwrap();
        for session in 1..=most {
            scene.ask(&of(session, NOW), None, None, cost(1)).unwrap();
        }
        let late = of(99, NOW + 9_999);
        assert_eq!(scene.ask(&late, None, None, cost(1)).unwrap_err(), MeterError::Full);
        assert!(scene.ask(&who(98), None, None, cost(1)).is_ok(), "another account has room");
        let standing = scene.meter.hand_in(&of(3, NOW), None).unwrap().unwrap();
        let paid = standing.offered.map(|offer| signed(offer, 3));
        scene.meter.hand_in(&of(3, NOW), paid).unwrap();
        assert!(scene.ask(&late, None, None, cost(1)).is_ok(), "one debt fewer");
    }
}

/// What is settled and not reported waits: no newcomer pushes it out.
#[test]
fn what_is_to_be_reported_stays() {
    let scene = Scene::new(1);
    let most = u16::try_from(METERED_SESSIONS_KEPT_MAX).unwrap();
    for session in 1..=most {
        pay(&scene, session);
    }
    let (kept, gone): (Vec<_>, Vec<_>) = scene
        .meter
        .entries()
        .into_iter()
        .partition(|entry| entry.signed.voucher.session != of(9, NOW).session);
    scene.meter.reported(&gone).unwrap();
    scene.ask(&of(most + 1, NOW), None, None, cost(1)).unwrap();
    let refused = scene.ask(&of(most + 2, NOW), None, None, cost(1)).unwrap_err();
    assert_eq!(refused, MeterError::Full);
    assert_eq!(scene.meter.entries(), kept);
}

/// What was reported of a session is remembered after it made room, over a boot too: it goes on from there without its
/// voucher, since a report from nothing again would be a false one.
#[test]
fn what_was_reported_is_remembered() {
    let most = u16::try_from(METERED_SESSIONS_KEPT_MAX).unwrap();
    for reboots in [false, true] {
        let mut scene = Scene::on(2, true);
        let old = pay(&scene, 1);
        for session in 2..=most {
            pay(&scene, session);
        }
        scene.meter.reported(&scene.meter.entries()).unwrap();
        pay(&scene, most + 1);
        if reboots {
            scene.reboot();
        }
        let back = of(1, NOW);
        let fresh = scene.ask(&back, None, None, cost(5)).unwrap();
        assert_eq!(fresh.voucher.used.queries, 10);
        assert!(fresh.voucher.supersedes(&old.voucher));
        scene.meter.hand_in(&back, Some(signed(fresh, 1))).unwrap();
        let entries = scene.meter.entries();
        let own = |entry: &&Entry| entry.signed.voucher.session == back.session;
        assert_eq!(entries.iter().find(own).unwrap().start, old.voucher.used);
    }
}

/// Who paid for many sessions keeps no other account out, though its permits live.
#[test]
fn settled_sessions_of_others_make_room() {
    let scene = Scene::on(1, false);
    let most = METERED_SESSIONS_MAX / METERED_SESSIONS_KEPT_MAX;
    for account in 0..most {
        for session in 0..METERED_SESSIONS_KEPT_MAX {
            let number = u16::try_from(account * METERED_SESSIONS_KEPT_MAX + session).unwrap();
            let account = u8::try_from(account).unwrap();
            let who = Who { consumer: who(account).consumer, ..of(number, NOW) };
            let offer = scene.ask(&who, None, None, cost(1)).unwrap();
            scene.meter.hand_in(&who, Some(signed(offer, number))).unwrap();
        }
    }
    assert!(scene.ask(&who(200), None, None, cost(1)).is_ok());
}

/// Where nothing is reported, a session that was forgotten goes on where its voucher says: also where it asks before it
/// brings the voucher, as much as before.
#[test]
fn who_comes_back_is_not_billed_twice() {
    let most = u16::try_from(METERED_SESSIONS_KEPT_MAX).unwrap();
    for late in [false, true] {
        let scene = Scene::on(2, false);
        let old = pay(&scene, 1);
        for session in 2..=most {
            pay(&scene, session);
        }
        pay(&scene, most + 1);
        assert_eq!(scene.meter.hand_in(&of(1, NOW), None).unwrap(), None, "it was forgotten");

        let back = of(1, NOW + 60);
        let (asked, queries) = if late {
            let fresh = scene.ask(&back, None, None, cost(5)).unwrap();
            assert_eq!((number(&fresh), fresh.voucher.used), (1, old.voucher.used));
            (scene.meter.hand_in(&back, Some(old.clone())).unwrap().unwrap().offered.unwrap(), 10)
        } else {
            (scene.ask(&back, Some(old.clone()), None, cost(1)).unwrap(), 6)
        };
        assert!(asked.voucher.supersedes(&old.voucher));
        assert_eq!(asked.voucher.used.queries, queries, "nothing is forgiven");
        scene.meter.hand_in(&back, Some(signed(asked, 1))).unwrap();
        let entries = scene.meter.entries();
        let own = |entry: &&Entry| entry.signed.voucher.session == back.session;
        assert_eq!(entries.iter().find(own).unwrap().start, old.voucher.used);
    }
}
