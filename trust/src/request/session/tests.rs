#![allow(clippy::unwrap_used, clippy::panic)]

use super::Bond;
use crate::address::{SessionKey, WalletKey};
use crate::permit::{Expected, Permissions, Permit, PermitCache, PermitParams};
use crate::request::{NonceCache, RequestError, RequestParts, Signer, check_request, sign_request};

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

/// Both ends of one bond.
fn pair(session: u8, secret: u8) -> (Bond, Bond) {
    let (ours, text) = Bond::sign(&key(session), &[secret; 32], &WORKER);
    (ours, Bond::open(text.as_bytes(), &[secret; 32], &WORKER).unwrap())
}

fn headers<'a>(signer: impl Into<Signer<'a>>, permit: &Permit) -> Vec<(String, String)> {
    sign_request(signer, &PARTS, permit, &WORKER, NOW, [5; 16]).unwrap().headers
}

fn checked(
    headers: &[(String, String)],
    bond: Option<&Bond>,
    parts: &RequestParts<'_>,
) -> Result<crate::verified::Verified<crate::request::Caller>, RequestError> {
    let find = |name: &str| headers.iter().find(|row| row.0 == name).map(|row| row.1.clone());
    let permits = PermitCache::default();
    let unseen = check_request(&find, parts, NOW, (&WORKER, bond), &expected(), &permits)?;
    unseen.remember(&mut NonceCache::new(10), NOW)
}

/// A code under a bond names the same caller as a signature, and shows nothing to others.
#[test]
fn a_code_is_as_good_as_a_signature_here() {
    let (ours, theirs) = pair(9, 3);
    let permit = permit(&key(9));
    let coded = checked(&headers(&ours, &permit), Some(&theirs), &PARTS).unwrap();
    let signed = checked(&headers(&key(9), &permit), Some(&theirs), &PARTS).unwrap();
    assert!(coded.authorization.is_empty() && !signed.authorization.is_empty());
    assert_eq!((&coded.address, coded.session_key), (&signed.address, key(9).public_key()));
    assert_eq!((&coded.permit_name, coded.expires), (&signed.permit_name, signed.expires));
    assert_ne!(coded.request, signed.request);
}

/// No bond, another secret, another key's bond, another key's permit, another request: refused.
#[test]
fn a_code_holds_for_its_bond_alone() {
    let (ours, theirs) = pair(9, 3);
    let permit = permit(&key(9));
    let good = headers(&ours, &permit);
    let refused = |headers: &[(String, String)], bond: Option<&Bond>, parts: &RequestParts<'_>| {
        checked(headers, bond, parts).unwrap_err()
    };
    assert_eq!(refused(&good, None, &PARTS), RequestError::Signature);
    assert_eq!(refused(&good, Some(&pair(9, 4).1), &PARTS), RequestError::Signature);
    assert_eq!(refused(&good, Some(&pair(8, 3).1), &PARTS), RequestError::Signature);
    let foreign = headers(&pair(8, 3).0, &permit);
    assert_eq!(refused(&foreign, Some(&pair(8, 3).1), &PARTS), RequestError::Key);
    assert_eq!(refused(&foreign, Some(&theirs), &PARTS), RequestError::Signature);
    let moved = RequestParts { path: "/v1/queries", ..PARTS };
    assert_eq!(refused(&good, Some(&theirs), &moved), RequestError::Signature);
    let another = RequestParts { body: b"{} ", ..PARTS };
    assert_eq!(refused(&good, Some(&theirs), &another), RequestError::Digest);
}

/// A code that says it is a signature, and a signature that says it is a code, are neither.
#[test]
fn algorithms_are_not_exchanged() {
    let (ours, theirs) = pair(9, 3);
    let permit = permit(&key(9));
    for (signed, from, to) in [
        (headers(&ours, &permit), "hmac-sha256", "ed25519"),
        (headers(&key(9), &permit), "ed25519", "hmac-sha256"),
    ] {
        let renamed: Vec<_> =
            signed.into_iter().map(|(name, value)| (name, value.replace(from, to))).collect();
        let refused = checked(&renamed, Some(&theirs), &PARTS).unwrap_err();
        assert_eq!(refused, RequestError::Header("signature"));
    }
    let unknown: Vec<_> = headers(&ours, &permit)
        .into_iter()
        .map(|(name, value)| (name, value.replace("hmac-sha256", "none")))
        .collect();
    let refused = checked(&unknown, Some(&theirs), &PARTS).unwrap_err();
    assert_eq!(refused, RequestError::Header("signature-input"));
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
    assert_eq!(hex::encode(ours.vouch(b"a signature base")), GOLDEN_CODE);
}

const GOLDEN_STATEMENT: &str = concat!(
    "_RckOFqgx1tk-3jNYC-h2ZH96_drE8WO1wLqyDXp9hh_JxPgrS-yphU3Dlp9n0-2",
    "ad-eBeNh5aoIau0e8kkxW81c7k8P5FaPiQljosQtagM3SE2FbSx4k0eEmqHyq70A",
);
const GOLDEN_CODE: &str = "848b892ce0c32cf3595896ff5512f45470f83d1ca21f6beb1e01e3ac672c3d9c";
