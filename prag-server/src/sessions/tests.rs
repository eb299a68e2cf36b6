#![allow(clippy::unwrap_used, clippy::panic)]

use super::{CHALLENGE_SECONDS, SESSIONS_MAX, SessionError, Sessions};
use crate::fixture::Counting;
use prag_trust::evidence::{Reader, ReaderBinding, ReaderPolicy, Verifier};
use prag_trust::sim::{SimTee, SimVerifier};
use prag_trust::verified::Verified;

const NOW: u64 = 1_700_000_000;

fn sessions(seed: u8) -> Sessions {
    Sessions::new(&mut Counting(seed)).unwrap()
}

/// A reader whose session ends a minute after `now`.
fn reader(session_key: [u8; 32], now: u64) -> Verified<Reader> {
    let binding =
        ReaderBinding { session_key, sealing_key: [2; 32], nonce: [3; 32], worker: [4; 32] };
    let policy = ReaderPolicy { session_s: 60, ..ReaderPolicy::default() };
    SimVerifier.verify_reader(&SimTee::new("r").read(&binding), &binding, &policy, now).unwrap()
}

/// A key as the n-th of many.
fn key(n: u32) -> [u8; 32] {
    let mut key = [7; 32];
    key[..4].copy_from_slice(&n.to_be_bytes());
    key
}

/// A challenge is for the key that asked, of this boot, until its time is over, with every bit of it.
#[test]
fn challenges_are_for_one_key_and_a_while() {
    let (here, elsewhere) = (sessions(1), sessions(2));
    let (nonce, end) = here.challenge(&key(1), NOW, &mut Counting(9)).unwrap();
    assert_eq!(end, NOW + CHALLENGE_SECONDS);
    let refused = Err(SessionError::Challenge);
    assert_eq!(here.check(&nonce, &key(1), NOW), Ok(()));
    assert_eq!(here.check(&nonce, &key(1), end - 1), Ok(()));
    assert_eq!(here.check(&nonce, &key(1), end), refused);
    assert_eq!(here.check(&nonce, &key(2), NOW), refused);
    assert_eq!(elsewhere.check(&nonce, &key(1), NOW), refused);
    for bit in 0..256 {
        let mut changed = nonce;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(here.check(&changed, &key(1), NOW), refused, "bit {bit}");
    }
    let (again, _) = here.challenge(&key(1), NOW, &mut Counting(10)).unwrap();
    assert_ne!(again, nonce);
}

/// A challenge opens one session; what expired or was never opened is not found.
#[test]
fn challenges_open_one_session() {
    let sessions = sessions(1);
    let (nonce, _) = sessions.challenge(&key(1), NOW, &mut Counting(9)).unwrap();
    assert!(sessions.of(&key(1), NOW).is_none());
    sessions.open(&nonce, reader(key(1), NOW), NOW).unwrap();
    assert_eq!(sessions.of(&key(1), NOW + 59).unwrap().session_key, key(1));
    assert!(sessions.of(&key(1), NOW + 60).is_none());
    assert!(sessions.of(&key(2), NOW).is_none());
    assert_eq!(sessions.check(&nonce, &key(1), NOW), Err(SessionError::Challenge));
    let again = sessions.open(&nonce, reader(key(1), NOW), NOW);
    assert_eq!(again, Err(SessionError::Challenge));
    let foreign = sessions.open(&nonce, reader(key(2), NOW), NOW);
    assert_eq!(foreign, Err(SessionError::Challenge));
}

/// As many sessions as there is room for; one more is refused, and finds room once others have ended. Whoever has one
/// can always renew it.
#[test]
fn sessions_are_bounded() {
    let sessions = sessions(1);
    let mut chance = Counting(9);
    let mut open = |n: u32, now: u64| {
        let (nonce, _) = sessions.challenge(&key(n), now, &mut chance).unwrap();
        sessions.open(&nonce, reader(key(n), now), now)
    };
    let most = u32::try_from(SESSIONS_MAX).unwrap();
    for n in 1..most {
        assert_eq!(open(n, NOW), Ok(()));
    }
    assert_eq!(open(most, NOW), Ok(()));
    assert_eq!(open(most + 1, NOW), Err(SessionError::Full));
    let later = NOW + CHALLENGE_SECONDS;
    assert_eq!(open(most + 1, later), Ok(()), "those before have ended, and their challenges too");
}
