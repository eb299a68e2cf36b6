#![allow(clippy::unwrap_used, clippy::panic)]

use super::base::signature_base;
use super::{
    NonceCache, RequestError, RequestParts, SignedRequest, content_digest, sign_request,
    verify_request,
};
use crate::address::{SessionKey, WalletKey, ed25519_holds};
use crate::permit::{Expected, Permissions, Permit, PermitError, PermitParams};
use crate::request::Caller;
use crate::verified::Verified;
use base64::{Engine, engine::general_purpose::STANDARD};
use prag_protocol::limits::BODY_BYTES_MAX;
use sha2::{Digest, Sha256};

const NOW: u64 = 1_700_000_000;
const WORKER: [u8; 32] = [10; 32];
const PARTS: RequestParts<'static> = RequestParts {
    method: "POST",
    path: "/v1/query",
    query: "a=1",
    body: br#"{"hello": "world"}"#,
};

fn expected() -> Expected {
    Expected {
        chain_id: "prag-embedded-1".to_owned(),
        contract: "secret1q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zsv4vj2x".to_owned(),
    }
}

fn session() -> SessionKey {
    SessionKey::from_bytes(&[9; 32])
}

fn permit() -> Permit {
    let wallet = WalletKey::from_bytes(&[7; 32]).unwrap();
    let params = PermitParams::new(
        &expected(),
        &session().public_key(),
        Permissions::QueryAndIngest,
        1_800_000_000,
    );
    Permit::sign(&wallet, params).unwrap()
}

fn signed(created: u64, nonce: u8) -> Vec<(String, String)> {
    signed_parts(&PARTS, created, nonce).headers
}

fn signed_parts(parts: &RequestParts<'_>, created: u64, nonce: u8) -> SignedRequest {
    sign_request(&session(), parts, &permit(), &WORKER, created, [nonce; 16]).unwrap()
}

fn verify(
    headers: &[(String, String)],
    parts: &RequestParts<'_>,
    now: u64,
    nonces: &mut NonceCache,
) -> Result<Verified<Caller>, RequestError> {
    let find = |name: &str| headers.iter().find(|row| row.0 == name).map(|row| row.1.clone());
    verify_request(&find, parts, now, &WORKER, &expected(), nonces)
}

fn refused(headers: &[(String, String)], parts: &RequestParts<'_>) -> RequestError {
    verify(headers, parts, NOW, &mut NonceCache::new(10)).unwrap_err()
}

/// RFC 9421, appendix B.2.6: our signature base is the RFC's, and its signature verifies strictly.
#[test]
fn rfc_9421_ed25519_vector() {
    let base = signature_base(
        &[
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("@method", "POST"),
            ("@path", "/foo"),
            ("@authority", "example.com"),
            ("content-type", "application/json"),
            ("content-length", "18"),
        ],
        r#"("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#,
    );
    let bytes = |text: &str| STANDARD.decode(text).unwrap();
    let key: [u8; 32] = bytes("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").try_into().unwrap();
    let signature: [u8; 64] = bytes(
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
    )
    .try_into()
    .unwrap();
    assert!(ed25519_holds(&key, base.as_bytes(), &signature));
}

/// RFC 9421's body has RFC 9421's digest.
#[test]
fn rfc_content_digest() {
    assert_eq!(
        content_digest(br#"{"hello": "world"}"#),
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    );
}

/// Frozen headers; an independent program made the signature.
#[test]
fn golden_headers() {
    let headers = signed(NOW, 11);
    let of = |name: &str| headers.iter().find(|row| row.0 == name).unwrap().1.as_str();
    assert_eq!(
        of("signature-input"),
        r#"prag=("@method" "@path" "@query" "content-digest" "prag-worker" "prag-permit");created=1700000000;nonce="CwsLCwsLCwsLCwsLCwsLCw";keyid="_RckOFqgx1tk-3jNYC-h2ZH96_drE8WO1wLqyDXp9hg";alg="ed25519""#
    );
    assert_eq!(
        of("signature"),
        "prag=:gywk+C4IlCneuYkuB8EZr08UKXyS8QZ7K9ZL+BhwURgM4wGnFi3v5gZ9Mo41woA10v7eztb9cW3+S3GoYYO+AA==:"
    );
    assert_eq!(headers.len(), 5);
}

/// A good request names its caller, once.
#[test]
fn verifies_once() {
    let mut nonces = NonceCache::new(10);
    let headers = signed(NOW, 1);
    let caller = verify(&headers, &PARTS, NOW, &mut nonces).unwrap();
    assert_eq!(caller.address, WalletKey::from_bytes(&[7; 32]).unwrap().address());
    assert_eq!(caller.session_key, session().public_key());
    assert_eq!(caller.permissions, Permissions::QueryAndIngest);
    assert_eq!(caller.permit_name, permit().params.permit_name);
    assert_eq!(caller.expires, 1_800_000_000);
    let again = verify(&headers, &PARTS, NOW + 60, &mut nonces);
    assert_eq!(again.unwrap_err(), RequestError::Replayed);
    assert!(verify(&signed(NOW, 2), &PARTS, NOW, &mut nonces).is_ok());
}

/// Sixty seconds to either side are inside, sixty-one outside.
#[test]
fn window_has_two_sides() {
    let headers = signed(NOW, 1);
    for now in [NOW - 60, NOW + 60] {
        assert!(verify(&headers, &PARTS, now, &mut NonceCache::new(1)).is_ok());
    }
    for now in [NOW - 61, NOW + 61] {
        let verdict = verify(&headers, &PARTS, now, &mut NonceCache::new(1));
        assert_eq!(verdict.unwrap_err(), RequestError::ClockSkew);
    }
}

/// Signed a minute ahead and seen a minute early, a request is still remembered when its window ends.
#[test]
fn nonces_outlive_the_window() {
    let mut nonces = NonceCache::new(10);
    let headers = signed(NOW + 60, 1);
    assert!(verify(&headers, &PARTS, NOW, &mut nonces).is_ok());
    for now in [NOW + 1, NOW + 119, NOW + 120] {
        let again = verify(&headers, &PARTS, now, &mut nonces);
        assert_eq!(again.unwrap_err(), RequestError::Replayed);
    }
}

/// A full cache refuses, and has room again once its entries are past.
#[test]
fn full_cache_refuses() {
    let mut nonces = NonceCache::new(2);
    assert!(verify(&signed(NOW, 1), &PARTS, NOW, &mut nonces).is_ok());
    assert!(verify(&signed(NOW, 2), &PARTS, NOW, &mut nonces).is_ok());
    let third = verify(&signed(NOW, 3), &PARTS, NOW, &mut nonces);
    assert_eq!(third.unwrap_err(), RequestError::Full);
    assert!(verify(&signed(NOW + 121, 3), &PARTS, NOW + 121, &mut nonces).is_ok());
}

/// Requests that do not verify leave no trace in the cache.
#[test]
fn forgeries_do_not_fill_the_cache() {
    let mut nonces = NonceCache::new(1);
    let parts = RequestParts { path: "/v1/other", ..PARTS };
    for nonce in 1..5 {
        assert!(verify(&signed(NOW, nonce), &parts, NOW, &mut nonces).is_err());
    }
    assert!(verify(&signed(NOW, 9), &PARTS, NOW, &mut nonces).is_ok());
}

/// Every signed part matters.
#[test]
fn every_part_is_covered() {
    let headers = signed(NOW, 1);
    let get = RequestParts { method: "GET", ..PARTS };
    assert_eq!(refused(&headers, &get), RequestError::Signature);
    let path = RequestParts { path: "/v1/query/", ..PARTS };
    assert_eq!(refused(&headers, &path), RequestError::Signature);
    let query = RequestParts { query: "a=2", ..PARTS };
    assert_eq!(refused(&headers, &query), RequestError::Signature);
    let none = RequestParts { query: "", ..PARTS };
    assert_eq!(refused(&headers, &none), RequestError::Signature);
    let body = RequestParts { body: b"{}", ..PARTS };
    assert_eq!(refused(&headers, &body), RequestError::Digest);

    let mut swapped = signed(NOW, 1);
    swapped[0].1 = content_digest(b"{}");
    assert_eq!(refused(&swapped, &body), RequestError::Signature);
    let other = SessionKey::from_bytes(&[8; 32]);
    let theirs = sign_request(&other, &PARTS, &permit(), &WORKER, NOW, [1; 16]).unwrap().headers;
    assert_eq!(refused(&theirs, &PARTS), RequestError::Key);
    let mut mixed = signed(NOW, 1);
    mixed[4] = theirs[4].clone();
    assert_eq!(refused(&mixed, &PARTS), RequestError::Signature);
    let mut later = signed(NOW, 1);
    later[3].1 = later[3].1.replace("1700000000", "1700000001");
    assert_eq!(refused(&later, &PARTS), RequestError::Signature);
}

/// A request for one worker is nothing to another.
#[test]
fn is_bound_to_the_worker() {
    let signed_for = sign_request(&session(), &PARTS, &permit(), &[11; 32], NOW, [1; 16]);
    let mut renamed = signed_for.unwrap().headers;
    assert_eq!(refused(&renamed, &PARTS), RequestError::Worker);
    renamed[1].1.clone_from(&signed(NOW, 1)[1].1);
    assert_eq!(refused(&renamed, &PARTS), RequestError::Signature);
}

/// The permit's own refusals come through.
#[test]
fn permit_is_verified() {
    let wallet = WalletKey::from_bytes(&[7; 32]).unwrap();
    let session_key = session().public_key();
    let params = PermitParams::new(&expected(), &session_key, Permissions::Query, NOW);
    let expired = Permit::sign(&wallet, params).unwrap();
    let signed = sign_request(&session(), &PARTS, &expired, &WORKER, NOW, [1; 16]).unwrap();
    assert_eq!(refused(&signed.headers, &PARTS), RequestError::Permit(PermitError::Expired));
}

/// Headers have one form: anything missing, longer, reordered or escaped is refused by its name.
#[test]
fn headers_have_one_form() {
    let good = signed(NOW, 1);
    for index in 0..good.len() {
        let mut without = good.clone();
        let (name, _) = without.remove(index);
        let RequestError::Header(at) = refused(&without, &PARTS) else { panic!("{name}") };
        assert_eq!(at, name);
        let mut long = good.clone();
        long[index].1 = "a".repeat(4000);
        assert_eq!(refused(&long, &PARTS), RequestError::Header(at));
        let mut control = good.clone();
        control[index].1.push('\n');
        assert_eq!(refused(&control, &PARTS), RequestError::Header(at));
    }
    let changes = [
        (3, "created=1700000000", "created=01700000000"),
        (3, "created=1700000000", "created=+1700000000"),
        (3, "created=1700000000;", ""),
        (3, "alg=\"ed25519\"", "alg=\"hmac-sha256\""),
        (3, "\"prag-permit\"", "\"date\""),
        (3, " \"content-digest\"", ""),
        (3, "prag=", "sig1="),
        (3, "alg=\"ed25519\"", "alg=\"ed25519\";expires=1"),
        (4, "prag=:", "prag="),
        (4, "==:", ":"),
        (4, "prag=:", "sig1=:a:, prag=:"),
    ];
    for (index, from, to) in changes {
        let mut changed = good.clone();
        changed[index].1 = changed[index].1.replace(from, to);
        assert_ne!(changed, good);
        assert!(matches!(refused(&changed, &PARTS), RequestError::Header(_)), "{to}");
    }
}

/// Parts that could end a line, or that are over a bound, are neither signed nor verified.
#[test]
fn parts_are_checked() {
    let large = vec![0u8; BODY_BYTES_MAX + 1];
    let long = format!("/{}", "a".repeat(2048));
    let cases = [
        (RequestParts { method: "post", ..PARTS }, "method"),
        (RequestParts { method: "", ..PARTS }, "method"),
        (RequestParts { path: "v1", ..PARTS }, "path"),
        (RequestParts { path: "/v1\n\"@query\": ?", ..PARTS }, "path"),
        (RequestParts { path: "/v1?x", ..PARTS }, "path"),
        (RequestParts { path: &long, ..PARTS }, "path"),
        (RequestParts { query: "a\nb", ..PARTS }, "query"),
        (RequestParts { query: "a#b", ..PARTS }, "query"),
        (RequestParts { body: &large, ..PARTS }, "body"),
    ];
    let headers = signed(NOW, 1);
    for (parts, at) in cases {
        assert_eq!(refused(&headers, &parts), RequestError::Part(at));
        let signed = sign_request(&session(), &parts, &permit(), &WORKER, NOW, [1; 16]);
        assert_eq!(signed.err(), Some(RequestError::Part(at)));
    }
    let largest = RequestParts { body: &large[1..], ..PARTS };
    let headers = signed_parts(&largest, NOW, 1).headers;
    assert!(verify(&headers, &largest, NOW, &mut NonceCache::new(1)).is_ok());
}

/// No single character of any header can be another one: hostile headers are refused, without a panic.
#[test]
fn every_character_matters() {
    let good = signed(NOW, 1);
    for index in 0..good.len() {
        for at in 0..good[index].1.len() {
            for to in ["A", "\u{e9}", ""] {
                let mut changed = good.clone();
                changed[index].1.replace_range(at..=at, to);
                if changed != good {
                    refused(&changed, &PARTS);
                }
            }
        }
    }
}

/// Both sides name a request alike; another nonce, body or path is another request.
#[test]
fn requests_have_names() {
    let SignedRequest { headers, digest } = signed_parts(&PARTS, NOW, 1);
    let seen = verify(&headers, &PARTS, NOW, &mut NonceCache::new(10)).unwrap();
    assert_eq!(digest, seen.request);
    let elsewhere = RequestParts { path: "/v1/other", ..PARTS };
    let another = RequestParts { body: b"{}", ..PARTS };
    for (parts, created, nonce) in
        [(PARTS, NOW, 2), (PARTS, NOW + 1, 1), (elsewhere, NOW, 1), (another, NOW, 1)]
    {
        assert_ne!(signed_parts(&parts, created, nonce).digest, seen.request);
    }
}

/// `PRAG-REQUEST/v1` is frozen: SHA-256 over domain, length and the signature base of RFC 9421.
#[test]
fn golden_request_digest() {
    let headers = signed(NOW, 11);
    let of = |name: &str| headers.iter().find(|row| row.0 == name).unwrap().1.clone();
    let covered = ["content-digest", "prag-worker", "prag-permit"];
    let covered = covered.map(|name| format!("\"{name}\": {}\n", of(name))).concat();
    let input = of("signature-input");
    let base = format!(
        "\"@method\": POST\n\"@path\": /v1/query\n\"@query\": ?a=1\n{covered}\"@signature-params\": {}",
        input.strip_prefix("prag=").unwrap()
    );
    let length = u32::try_from(base.len()).unwrap().to_be_bytes();
    let hashed = [b"PRAG-REQUEST/v1", &length[..], base.as_bytes()].concat();
    let seen = verify(&headers, &PARTS, NOW, &mut NonceCache::new(10)).unwrap();
    assert_eq!(seen.request, <[u8; 32]>::from(Sha256::digest(hashed)));
}
