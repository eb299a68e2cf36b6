#![allow(clippy::unwrap_used, clippy::panic)]

use super::{ReplyError, ReplyKey, SealedReply, Terms, open_reply, seal_reply};
use crate::entropy::{Entropy, EntropyError};
use crate::evidence::{Reader, Worker};
use crate::verified::Verified;
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use prag_protocol::CollectionId;

const REPLY: &[u8] = br#"{"context":"dose: 5 mg"}"#;
const TERMS: Terms = Terms { request: [11; 32], collection: CollectionId([3; 16]) };
const SESSION: [u8; 32] = [1; 32];

/// One byte over and over, as if it were chance.
struct Same(u8);
impl Entropy for Same {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        out.fill(self.0);
        Ok(())
    }
}

struct Dry;
impl Entropy for Dry {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}

fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn worker(seed: u8) -> Verified<Worker> {
    Verified::new(Worker {
        sig_pk: signing(seed).verifying_key().to_bytes(),
        measurement: [1; 32],
        kind: "tdx",
        config_digest: [2; 32],
        ledger_id: [4; 32],
        tls_spki_sha256: [0; 32],
        evidence_hash: [5; 32],
        policy_digest: [6; 32],
    })
}

fn reader(sealing_key: [u8; 32]) -> Verified<Reader> {
    let (session_key, measurement) = (SESSION, [9; 32]);
    Verified::new(Reader { session_key, sealing_key, measurement, kind: "tdx", expires: 1 })
}

fn key(seed: u8) -> ReplyKey {
    ReplyKey::random(&mut Same(seed)).unwrap()
}

fn sealed() -> SealedReply {
    let reader = reader(key(0x21).public_key());
    seal_reply(REPLY, &reader, &TERMS, &signing(7), &mut Same(0x22)).unwrap()
}

/// A reply opens at the reader that asked; for another key, session, worker, request or collection it does not.
#[test]
fn opens_where_it_was_asked_for() {
    let reply = sealed();
    let open = |seed, session, by, terms: Terms| {
        open_reply(&reply, &key(seed), &session, &worker(by), &terms).map(|plain| plain.to_vec())
    };
    assert_eq!(open(0x21, SESSION, 7, TERMS).unwrap(), REPLY);
    assert_eq!(open(0x23, SESSION, 7, TERMS), Err(ReplyError::Open));
    let foreign = Err(ReplyError::Signature);
    assert_eq!(open(0x21, [2; 32], 7, TERMS), foreign);
    assert_eq!(open(0x21, SESSION, 8, TERMS), foreign);
    assert_eq!(open(0x21, SESSION, 7, Terms { request: [12; 32], ..TERMS }), foreign);
    let elsewhere = Terms { collection: CollectionId([4; 16]), ..TERMS };
    assert_eq!(open(0x21, SESSION, 7, elsewhere), foreign);
}

/// No byte of a reply can be changed, none left out; whoever signs a changed one is not the worker.
#[test]
fn every_byte_counts() {
    let bytes = STANDARD.decode(sealed().sealed).unwrap();
    let open = |bytes: &[u8]| {
        let reply = SealedReply { sealed: STANDARD.encode(bytes) };
        open_reply(&reply, &key(0x21), &SESSION, &worker(7), &TERMS).map(drop)
    };
    assert_eq!(open(&bytes), Ok(()));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(open(&changed), Err(ReplyError::Signature), "byte {at}");
    }
    for length in 0..bytes.len() {
        let wanted = if length < 96 { ReplyError::Malformed } else { ReplyError::Signature };
        assert_eq!(open(&bytes[..length]), Err(wanted), "{length} bytes");
    }
    let reply = SealedReply { sealed: "?".to_owned() };
    let malformed = open_reply(&reply, &key(0x21), &SESSION, &worker(7), &TERMS).map(drop);
    assert_eq!(malformed, Err(ReplyError::Malformed));
}

/// Without entropy, or for a key of small order, nothing is sealed.
#[test]
fn seals_with_chance_and_a_key() {
    let seal = |sealing_key, entropy: &mut dyn Entropy| {
        seal_reply(REPLY, &reader(sealing_key), &TERMS, &signing(7), entropy).map(drop)
    };
    assert_eq!(seal([0; 32], &mut Same(1)), Err(ReplyError::Key));
    let dry = Err(ReplyError::Entropy(EntropyError));
    assert_eq!(seal(key(0x21).public_key(), &mut Dry), dry);
    assert_eq!(ReplyKey::random(&mut Dry).err(), Some(EntropyError));
}

/// `PRAG-REPLY/v1` is frozen: JSON, what HPKE binds and what is signed. An independent program (Python: RFC 9180 over
/// cryptography's X25519, HMAC and AES-GCM) computed the constants; the text opens for ever.
#[test]
fn golden_reply() {
    let by = signing(7).verifying_key().to_bytes();
    assert_eq!(hex::encode(TERMS.data(&by, &SESSION)), DATA);
    let json = format!(r#"{{"sealed":"{SEALED}"}}"#);
    assert_eq!(serde_json::to_string(&sealed()).unwrap(), json);
    let stored: SealedReply = serde_json::from_str(&json).unwrap();
    let opened = open_reply(&stored, &key(0x21), &SESSION, &worker(7), &TERMS).unwrap();
    assert_eq!(opened.as_slice(), REPLY);
    let extra = json.replacen('{', r#"{"open":1,"#, 1);
    assert!(serde_json::from_str::<SealedReply>(&extra).is_err());
}

const DATA: &str = "5f581a0d80e320a601f0a7648b2284119350f0f88a9c0b8898bde4a24799d96a";
const SEALED: &str = concat!(
    "47lwiqohp/HmKpXuKNHl1gsPzu1saFmQE6VLMY6eCxW82hbpD/icKb2QzZH0r9BuH6vBlGe982Ft",
    "t1acZUjNX6ty91ayomyhmHAG1Wql8SMW0X/jRZ48RfronHX63IYG2zmsD8VwPgz4Hs7cGzr2j10E",
    "jlEczIVvE/u2CJivJWlsx/lmbaDQLQ==",
);
