#![allow(clippy::unwrap_used, clippy::panic)]

use super::{Bond, VOUCHED, Word, vouched};
use crate::address::{SessionKey, WalletKey};
use crate::permit::{Expected, Permissions, Permit, PermitCache, PermitError, PermitParams};
use crate::request::{Caller, RequestError, RequestParts};
use crate::verified::Verified;
use prag_protocol::limits::CLOCK_SKEW_SECONDS_MAX;
use std::sync::Arc;

const NOW: u64 = 1_700_000_000;
const WORKER: [u8; 32] = [10; 32];
const SECRET: [u8; 32] = [3; 32];
const PARTS: RequestParts<'static> =
    RequestParts { method: "POST", path: "/v1/query", query: "a=1", body: b"{}" };
fn key(number: u8) -> SessionKey {
    SessionKey::from_bytes(&[number; 32])
}

fn expected() -> Expected {
    Expected { chain_id: "chain-1".to_owned(), contract: "secret1contract".to_owned() }
}

fn permit(session: &SessionKey) -> Permit {
    let wallet = WalletKey::from_bytes(&[7; 32]).unwrap();
    let params =
        PermitParams::new(&expected(), &session.public_key(), Permissions::Query, 1_800_000_000);
    Permit::sign(&wallet, params).unwrap()
}

const EXPIRES: u64 = 1_800_000_000;

/// A bond as the worker opened it, and the name of its key's permit.
fn pair(session: u8, secret: u8) -> (Arc<Bond>, [u8; 32]) {
    let (ours, text) = Bond::sign(&key(session), &[secret; 32], &WORKER);
    let theirs = Bond::open(text.as_bytes(), &[secret; 32], &WORKER).unwrap();
    assert_eq!((ours.key(), ours.request(5)), (theirs.key(), theirs.request(5)));
    (Arc::new(theirs), permit(&key(session)).known_as(&expected()).unwrap())
}

/// Permits that were shown.
fn shown(sessions: &[u8]) -> PermitCache {
    let permits = PermitCache::default();
    for session in sessions {
        let permit = permit(&key(*session)).to_json().unwrap();
        permits.verify(&permit, NOW, &expected()).unwrap();
    }
    permits
}

fn said(
    (bond, number): (&Arc<Bond>, u64),
    header: &str,
    now: u64,
    permits: &PermitCache,
) -> Result<Verified<Caller>, RequestError> {
    Word::new(Arc::clone(bond), number).caller(header, &PARTS, now, &expected(), permits)
}

/// A session speaks for the key that signed for it, under a permit that its key has shown; each message is a request of
/// its own, and shows nothing to others.
#[test]
fn a_session_speaks_for_its_key() {
    let ((bond, name), permits) = (pair(9, 3), shown(&[9]));
    let (header, value) = vouched(NOW, &name);
    assert_eq!(header, VOUCHED);
    let caller = said((&bond, 0), &value, NOW, &permits).unwrap();
    let shown = permit(&key(9)).verify(NOW, &expected()).unwrap();
    assert_eq!((&caller.address, caller.session_key), (&shown.address, key(9).public_key()));
    assert_eq!((&caller.permit_name, caller.expires), (&shown.permit_name, EXPIRES));
    assert!(caller.permissions == shown.permissions && caller.authorization.is_empty());
    let next = said((&bond, 1), &value, NOW, &permits).unwrap();
    let elsewhere = said((&pair(9, 4).0, 0), &value, NOW, &permits).unwrap();
    assert!(caller.request != next.request && caller.request != elsewhere.request);
}

/// Another key's permit, one that was not shown here or for another contract, one that ended, another time: refused.
#[test]
fn a_session_speaks_by_its_keys_permit_alone() {
    let ((bond, own), (foreign, others)) = (pair(9, 3), pair(8, 3));
    let permits = shown(&[9, 8]);
    let refused = |bond, name: &[u8; 32], created, now, permits: &PermitCache| {
        said((bond, 0), &vouched(created, name).1, now, permits).unwrap_err()
    };
    assert_eq!(refused(&bond, &others, NOW, NOW, &permits), RequestError::Key);
    assert_eq!(refused(&foreign, &own, NOW, NOW, &permits), RequestError::Key);
    assert_eq!(refused(&bond, &own, NOW, NOW, &shown(&[8])), RequestError::Unknown);
    assert_eq!(refused(&bond, &[6; 32], NOW, NOW, &permits), RequestError::Unknown);
    let elsewhere = Expected { chain_id: "chain-2".to_owned(), ..expected() };
    let word = Word::new(Arc::clone(&bond), 0);
    let wrong = word.caller(&vouched(NOW, &own).1, &PARTS, NOW, &elsewhere, &permits).unwrap_err();
    assert_eq!(wrong, RequestError::Unknown);
    for at in [NOW - CLOCK_SKEW_SECONDS_MAX - 1, NOW + CLOCK_SKEW_SECONDS_MAX + 1, 0, u64::MAX] {
        assert_eq!(refused(&bond, &own, at, NOW, &permits), RequestError::ClockSkew);
    }
    let long = "a".repeat(2049);
    let parts = RequestParts { query: &long, ..PARTS };
    let wrong = word.caller(&vouched(NOW, &own).1, &parts, NOW, &expected(), &permits).unwrap_err();
    assert_eq!(wrong, RequestError::Part("query"));
    for at in [NOW - CLOCK_SKEW_SECONDS_MAX, NOW + CLOCK_SKEW_SECONDS_MAX] {
        assert!(said((&bond, 0), &vouched(at, &own).1, NOW, &permits).is_ok());
    }
    let expired = RequestError::Permit(PermitError::Expired);
    assert_eq!(refused(&bond, &own, EXPIRES, EXPIRES, &permits), expired);
}

/// The header has one form.
#[test]
fn the_header_is_strict() {
    let ((bond, name), permits) = (pair(9, 3), shown(&[9]));
    let (_, good) = vouched(NOW, &name);
    assert!(said((&bond, 0), &good, NOW, &permits).is_ok());
    let long = "1".repeat(4000);
    for bad in [
        String::new(),
        format!("0{good}"),
        format!("+{good}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}="),
        good.replace(';', ","),
        good.replace(';', ";;"),
        good[..good.len() - 1].to_owned(),
        format!("{long}{good}"),
        format!("{good}{long}"),
        "18446744073709551616;BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY".to_owned(),
    ] {
        let refused = said((&bond, 0), &bad, NOW, &permits).unwrap_err();
        assert_eq!(refused, RequestError::Header(VOUCHED), "{bad:.80}");
    }
}

/// A statement opens for the secret, the worker and the key that it was signed for, whole, and no flipped bit of it.
#[test]
fn a_statement_opens_where_it_belongs() {
    let (_, text) = Bond::sign(&key(9), &SECRET, &WORKER);
    let opened = Bond::open(text.as_bytes(), &SECRET, &WORKER).unwrap();
    assert_eq!(opened.key(), key(9).public_key());
    assert!(Bond::open(text.as_bytes(), &[4; 32], &WORKER).is_none());
    assert!(Bond::open(text.as_bytes(), &SECRET, &[11; 32]).is_none());
    for at in 0..text.len() {
        let mut other = text.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        assert!(Bond::open(&other, &SECRET, &WORKER).is_none(), "{at}");
        assert!(Bond::open(&text.as_bytes()[..at], &SECRET, &WORKER).is_none());
    }
}

/// Frozen bytes; an independent program made them.
#[test]
fn golden_bond() {
    let (ours, text) = Bond::sign(&key(9), &SECRET, &WORKER);
    assert_eq!(text, GOLDEN_STATEMENT);
    assert_eq!(hex::encode(ours.request(7)), GOLDEN_REQUEST);
    assert_eq!(vouched(NOW, &[6; 32]).1, GOLDEN_HEADER);
    let name = crate::permit::name_of(br#"{"a":1}"#, &expected());
    assert_eq!(hex::encode(name), GOLDEN_NAME);
}

const GOLDEN_STATEMENT: &str = concat!(
    "_RckOFqgx1tk-3jNYC-h2ZH96_drE8WO1wLqyDXp9hjkmwV5R720VwQJIgWXVoKN",
    "wUVdmcaveEsBm2494LPr4rkjL3OUz1d337f67HxSpBqI2G6nxnYTezmjVZfWFdEA",
);
const GOLDEN_REQUEST: &str = "1b51ad1ccdf117ce1f865cab1ab3cf06bf7c54dac0c68906494cb3cd28bacf1e";
const GOLDEN_HEADER: &str = "1700000000;BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY";
const GOLDEN_NAME: &str = "406b6d04f43de6230dbbcb01009a4bf2069cf6138125cc61f95e0526c380c0a0";
