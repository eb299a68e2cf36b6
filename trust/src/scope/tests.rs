#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::entropy::{Entropy, EntropyError};

const HERE: CollectionId = CollectionId([1; 16]);
const DATA: Lineage = Lineage([2; 16]);
const SALT: [u8; 32] = [7; 32];
const JSON: &str = r#"{"must":[{"key":"team","match":{"value":"ops"}}]}"#;

struct Same(u8);

impl Entropy for Same {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        out.fill(self.0);
        Ok(())
    }
}

fn key(byte: u8) -> Key<Scope> {
    Key::random(&mut Same(byte)).unwrap()
}

fn reader() -> Address {
    "secret1reader".parse().unwrap()
}

fn sealed_with(json: &str, salt: &[u8; 32]) -> Result<String, ScopeError> {
    ScopeTerms { collection: HERE, grantee: &reader(), salt, json }.seal(&key(3), DATA, 5)
}

fn sealed(json: &str) -> String {
    sealed_with(json, &SALT).unwrap()
}

fn opened(text: &str) -> Result<OpenedScope, ScopeError> {
    SealedScope::parse(text)?.open(&key(3), DATA, HERE, &reader())
}

/// Bytes of a text, and the text of bytes.
fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX).unwrap()).unwrap()
}

fn text(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// A scope of so many bytes of JSON.
fn long(bytes: usize) -> String {
    let around = r#"{"must":[{"has_id":[]}]}"#.len();
    let mut left = bytes - around;
    let mut ids = Vec::new();
    // With its quotes and the comma before the next one.
    while left > 0 {
        let length = left.min(100);
        let length = if (1..4).contains(&(left - length)) { length - 4 } else { length };
        ids.push("x".repeat(length - if left == length { 2 } else { 3 }));
        left -= length;
    }
    let json = serde_json::json!({ "must": [{ "has_id": ids }] }).to_string();
    assert_eq!(json.len(), bytes);
    json
}

/// Commitment and layout, spelled from the module's words; the commitment was made by another program.
#[test]
fn golden_scope() {
    let text = sealed(JSON);
    let bytes = bytes(&text);
    let commitment = "9de30b7ea8c1eba33d5a6e5011d01e394f9f749ba0b8ba91541208a3703aa41f";
    assert_eq!(hex::encode(&bytes[..32]), commitment);
    assert_eq!(bytes[32..36], [0, 0, 0, 5]);
    assert_eq!(&bytes[36..44], b"PRAG\x01\x01\x08\0");
    assert_eq!(bytes[44..56], bytes[16..28], "the nonce");
    let place = Place {
        collection: HERE,
        lineage: DATA,
        kind: Kind::Scope,
        id: bytes[..16].try_into().unwrap(),
        seq: 0,
        epoch: 5,
    };
    let body =
        Sealed::<ScopeRecord>::from_bytes(bytes[36..].to_vec()).open(&key(3), place).unwrap();
    let mut plain = [&SALT[..], &[0, 49], JSON.as_bytes()].concat();
    plain.resize(248, 0);
    assert_eq!(body.expose(), plain);
    assert_eq!(hex::encode(Sha256::digest(&text)), GOLDEN);
}

const GOLDEN: &str = "1f2c05db7f314612992d64cd240a9aca6020f3ea41f2512618b2d0deef423b9e";

/// What was sealed opens for whom it was sealed; the same terms give the same text, another salt another one.
#[test]
fn opens_as_it_was_sealed() {
    let text = sealed(JSON);
    let scope = opened(&text).unwrap();
    assert_eq!(serde_json::to_string(scope.filter()).unwrap(), JSON);
    assert!(scope.is_of(&text, HERE, &reader()));
    assert_eq!(sealed(JSON), text);
    let other = sealed_with(JSON, &[8; 32]).unwrap();
    assert_ne!(other, text);
    assert!(!scope.is_of(&other, HERE, &reader()));
    assert!(!scope.is_of(&text, CollectionId([9; 16]), &reader()));
    assert!(!scope.is_of(&text, HERE, &"secret1other".parse().unwrap()));
}

/// Not for another grantee, collection, lineage or key, and not in another epoch.
#[test]
fn opens_for_nobody_else() {
    let text = sealed(JSON);
    let open = |key: &Key<Scope>, lineage, collection, grantee: &Address| {
        SealedScope::parse(&text).unwrap().open(key, lineage, collection, grantee).map(drop)
    };
    assert_eq!(open(&key(3), DATA, HERE, &reader()), Ok(()));
    let no = Err(ScopeError::Open);
    assert_eq!(open(&key(3), DATA, HERE, &"secret1other".parse().unwrap()), no);
    assert_eq!(open(&key(3), DATA, CollectionId([9; 16]), &reader()), no);
    assert_eq!(open(&key(3), Lineage([9; 16]), HERE, &reader()), no);
    assert_eq!(open(&key(4), DATA, HERE, &reader()), no);
    let mut later = bytes(&text);
    later[35] = 6;
    assert_eq!(opened(&self::text(&later)).map(drop), no);
}

/// Not one bit may differ, nothing may be missing or added.
#[test]
fn not_a_bit_may_differ() {
    let good = bytes(&sealed(JSON));
    for at in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[at / 8] ^= 1 << (at % 8);
        assert!(opened(&text(&bad)).is_err(), "bit {at}");
    }
    for length in 0..good.len() {
        assert!(opened(&text(&good[..length])).is_err(), "{length} bytes");
    }
    assert!(opened(&text(&[&good[..], &[0]].concat())).is_err());
    let good = sealed(JSON);
    for bad in [
        good.replace("scope-1", "scope-2"),
        format!(" {good}"),
        format!("{good}="),
        format!("{good} "),
        PREFIX.to_owned(),
        String::new(),
        "{}".to_owned(),
        format!("{PREFIX}{}", "A".repeat(SCOPE_BYTES_MAX)),
    ] {
        assert!(opened(&bad).is_err(), "{bad:.40}");
    }
}

/// Whoever has the key still cannot say something else than what the owner's commitment is of: other JSON, another salt,
/// other padding, or nothing.
#[test]
fn the_commitment_binds_who_has_the_key() {
    let good = bytes(&sealed(JSON));
    let commitment: [u8; 32] = good[..32].try_into().unwrap();
    let forge = |plain: Vec<u8>| {
        let body = Plain::<ScopeRecord>::new(plain);
        let place = place(HERE, DATA, &commitment, 5);
        let body = body.seal(&key(3), place, [0; 12]).unwrap();
        text(&[&good[..36], body.as_bytes()].concat())
    };
    let body = |salt: &[u8; 32], json: &str, length: usize| {
        let size = u16::try_from(json.len()).unwrap().to_be_bytes();
        let mut body = [&salt[..], &size, json.as_bytes()].concat();
        body.resize(length, 0);
        body
    };
    assert!(opened(&forge(body(&SALT, JSON, 248))).is_ok(), "a nonce of its own is no harm");
    let wide = r#"{"must":[{"exists":{"key":"team"}}]}"#;
    let mut filled = body(&SALT, JSON, 248);
    filled[247] = 1;
    let mut longer = body(&SALT, JSON, 248);
    longer[33] = 255;
    for bad in [
        body(&SALT, wide, 248),
        body(&[8; 32], JSON, 248),
        body(&SALT, "{}", 248),
        body(&SALT, JSON, 504),
        body(&SALT, JSON, 34 + JSON.len()),
        filled,
        longer,
        Vec::new(),
    ] {
        assert_eq!(opened(&forge(bad)).map(drop), Err(ScopeError::Open));
    }
}

/// A scope that says nothing is refused, though the owner committed to it.
#[test]
fn nothing_is_no_scope() {
    for empty in ["{}", r#"{"must":[]}"#, r#"{"must":[{"must":[]}]}"#] {
        assert_eq!(opened(&sealed(empty)).map(drop), Err(ScopeError::Empty), "{empty}");
    }
    for none in ["", "null", "[]", "{", r#"{"must":[{"what":1}]}"#] {
        assert_eq!(opened(&sealed(none)).map(drop), Err(ScopeError::Open), "{none}");
    }
}

/// Four lengths in all; the longest scope is within what a ledger takes, and one byte more is refused.
#[test]
fn lengths_tell_little() {
    let length = |bytes| sealed(&long(bytes)).len();
    let mut seen: Vec<usize> = (40..=SEALED_SCOPE_BYTES_MAX).step_by(53).map(length).collect();
    seen.push(length(SEALED_SCOPE_BYTES_MAX));
    assert!(seen.is_sorted());
    seen.dedup();
    assert_eq!(seen, [451, 792, 1475, 4035]);
    assert!(*seen.last().unwrap() <= SCOPE_BYTES_MAX);
    assert!(opened(&sealed(&long(SEALED_SCOPE_BYTES_MAX))).is_ok());
    let over = sealed_with(&long(SEALED_SCOPE_BYTES_MAX + 1), &SALT);
    assert_eq!(over, Err(ScopeError::TooLong));
    assert_eq!(sealed_with(&"x".repeat(70_000), &SALT), Err(ScopeError::TooLong));
}
