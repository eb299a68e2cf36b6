#![allow(clippy::unwrap_used, clippy::panic)]

use super::{Answer, Ask, SignedAnswer};
use crate::entropy::{Entropy, EntropyError};
use crate::evidence::{Evidence, Worker};
use crate::release::{ReleaseError, ReleaseKey, Terms};
use crate::verified::Verified;
use ed25519_dalek::SigningKey;
use prag_protocol::CollectionId;

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

const TERMS: Terms = Terms { collection: CollectionId([3; 16]), epoch: 2, nonce: [11; 32] };
const SECRET: [u8; 64] = [42; 64];

fn giver() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

fn asker() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn key() -> ReleaseKey {
    ReleaseKey::random(&mut Same(0x21)).unwrap()
}

fn public(key: &SigningKey) -> [u8; 32] {
    key.verifying_key().to_bytes()
}

fn ask() -> Ask {
    Ask::sign(&TERMS, public(&giver()), &key(), &asker())
}

fn evidence() -> Evidence {
    Evidence::Snp { report: vec![1], vcek: vec![2], gpu: None }
}

fn worker(key: &SigningKey) -> Verified<Worker> {
    Verified::new(Worker {
        sig_pk: public(key),
        measurement: [1; 32],
        kind: "snp",
        config_digest: [2; 32],
        ledger_id: [4; 32],
        tls_spki_sha256: [0; 32],
        evidence_hash: evidence().hash(),
        policy_digest: [6; 32],
    })
}

fn verified(ask: &Ask) -> Verified<Ask> {
    ask.verify(&public(&giver())).unwrap()
}

fn answered() -> SignedAnswer {
    let asked = verified(&ask());
    Answer::seal(&SECRET, &asked, &worker(&asker()), &mut Same(0x22))
        .unwrap()
        .sign(&asked, &giver())
}

fn open(answer: &SignedAnswer, ask: &Ask) -> Result<Vec<u8>, ReleaseError> {
    let answer = answer.verify(ask, &worker(&giver()))?;
    answer.open(ask, &key(), &evidence()).map(|secret| secret.to_vec())
}

/// What was asked for arrives, after a trip through JSON on both ways.
#[test]
fn answers_open_where_they_were_asked_for() {
    let text = serde_json::to_string(&ask()).unwrap();
    let asked: Ask = serde_json::from_str(&text).unwrap();
    assert_eq!(asked, ask());
    let text = serde_json::to_string(&answered()).unwrap();
    assert!(!text.contains("Kioq"), "the keys are sealed");
    let answer: SignedAnswer = serde_json::from_str(&text).unwrap();
    assert_eq!(open(&answer, &ask()).unwrap(), SECRET);
    assert!(serde_json::from_str::<SignedAnswer>(&text.replacen('{', "{\"x\":1,", 1)).is_err());
}

/// A request is one worker's, to one giver, for one collection, epoch, nonce and key.
#[test]
fn every_field_of_a_request_is_signed() {
    let changes: [fn(&mut Ask); 6] = [
        |ask| ask.collection.0[0] ^= 1,
        |ask| ask.epoch ^= 1,
        |ask| ask.nonce[0] ^= 1,
        |ask| ask.release_key[0] ^= 1,
        |ask| ask.signature[0] ^= 1,
        |ask| ask.worker = public(&SigningKey::from_bytes(&[6; 32])),
    ];
    for change in changes {
        let mut changed = ask();
        change(&mut changed);
        assert_eq!(changed.verify(&public(&giver())).err(), Some(ReleaseError::Signature));
    }
    assert_eq!(ask().verify(&public(&asker())).err(), Some(ReleaseError::Recipient));
    let mut turned = ask();
    turned.giver = public(&asker());
    assert_eq!(turned.verify(&public(&asker())).err(), Some(ReleaseError::Signature));
}

/// Evidence of one worker does not carry another's request, and without chance nothing is sealed.
#[test]
fn answers_go_to_the_verified_worker_only() {
    let asked = verified(&ask());
    let seal = |worker, entropy: &mut dyn Entropy| {
        Answer::seal(&SECRET, &asked, &worker, entropy).map(drop)
    };
    assert_eq!(seal(worker(&giver()), &mut Same(1)), Err(ReleaseError::Keys));
    let dry = Err(ReleaseError::Entropy(EntropyError));
    assert_eq!(seal(worker(&asker()), &mut Dry), dry);
    let mut small = Ask::sign(&TERMS, public(&giver()), &key(), &asker());
    small.release_key = [0; 32];
    let small = Verified::new(small);
    let sealed = Answer::seal(&SECRET, &small, &worker(&asker()), &mut Same(1));
    assert_eq!(sealed.err(), Some(ReleaseError::Keys));
}

/// Every field of an answer is signed, by the giver that was asked.
#[test]
fn every_field_of_an_answer_is_signed() {
    let changes: [fn(&mut SignedAnswer); 6] = [
        |signed| signed.answer.evidence_hash[0] ^= 1,
        |signed| signed.answer.policy_digest[0] ^= 1,
        |signed| signed.answer.encapsulated[0] ^= 1,
        |signed| signed.answer.ciphertext[0] ^= 1,
        |signed| signed.answer.ciphertext.truncate(16),
        |signed| signed.signature[0] ^= 1,
    ];
    for change in changes {
        let mut changed = answered();
        change(&mut changed);
        assert_eq!(open(&changed, &ask()), Err(ReleaseError::Signature));
    }
    // Sealed and signed by somebody else: a host can do that, but it is not who was asked.
    let asked = verified(&ask());
    let host = SigningKey::from_bytes(&[5; 32]);
    let answer = Answer::seal(&[1; 64], &asked, &worker(&asker()), &mut Same(3)).unwrap();
    let forged = answer.sign(&asked, &host);
    assert_eq!(open(&forged, &ask()), Err(ReleaseError::Signature));
    assert_eq!(forged.verify(&ask(), &worker(&host)).err(), Some(ReleaseError::Signature));
}

/// An answer is to one request: for another nonce, epoch, collection or key it is no answer, and it names the evidence.
#[test]
fn answers_are_not_replayed() {
    let changes: [fn(&mut Ask); 4] = [
        |ask| ask.nonce[0] ^= 1,
        |ask| ask.epoch ^= 1,
        |ask| ask.collection.0[0] ^= 1,
        |ask| ask.release_key[0] ^= 1,
    ];
    for change in changes {
        let mut other = ask();
        change(&mut other);
        assert_eq!(open(&answered(), &other), Err(ReleaseError::Signature));
        let unsigned = answered().answer;
        assert!(unsigned.open(&other, &key(), &evidence()).is_err());
    }
    let answer = answered().answer;
    let fresh = ReleaseKey::random(&mut Same(0x23)).unwrap();
    assert_eq!(answer.open(&ask(), &fresh, &evidence()).err(), Some(ReleaseError::Recipient));
    let other = Evidence::Snp { report: vec![9], vcek: vec![2], gpu: None };
    assert_eq!(answer.open(&ask(), &key(), &other).err(), Some(ReleaseError::Recipient));
}

/// `PRAG-ASK/v1` and `PRAG-ANSWER/v1` are frozen: fields, what is signed and what HPKE binds. The independent program
/// behind `PRAG-RELEASE/v1`'s constants computed these too; the texts open for ever.
#[test]
fn golden_ask_and_answer() {
    let twice = |byte: &str, count: usize| byte.repeat(count);
    let asked = [
        format!(r#"{{"collection":"{}","epoch":2,"giver":"{GIVER}","#, twice("03", 16)),
        format!(r#""nonce":"{}","worker":"{WORKER}","#, twice("0b", 32)),
        format!(r#""release_key":"{RELEASE_KEY}","signature":"{ASK_SIGNATURE}"}}"#),
    ];
    assert_eq!(serde_json::to_string(&ask()).unwrap(), asked.concat());
    let answer = [
        format!(
            r#"{{"answer":{{"evidence_hash":"{EVIDENCE}","policy_digest":"{}","#,
            twice("06", 32)
        ),
        format!(r#""encapsulated":"{ENCAPSULATED}","ciphertext":"{CIPHERTEXT}"}},"#),
        format!(r#""signature":"{SIGNATURE}"}}"#),
    ];
    assert_eq!(serde_json::to_string(&answered()).unwrap(), answer.concat());
    assert_eq!(hex::encode(answered().answer.info(&ask())), INFO);
    let stored: SignedAnswer = serde_json::from_str(&answer.concat()).unwrap();
    let asked: Ask = serde_json::from_str(&asked.concat()).unwrap();
    assert_eq!(open(&stored, &asked).unwrap(), SECRET);
}

const GIVER: &str = "1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca";
const WORKER: &str = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
const RELEASE_KEY: &str = "0001566477145eb68bc33f7014eecad5b9c78950bab64cbadbd0cf17fdcefe22";
const ASK_SIGNATURE: &str = concat!(
    "c2670ca0afcf682413b602f79bcc5191ef580874e8339b0c2305eff749ca1dcc",
    "e2c8e292bf379f654bb18ba5b45bb11e9dd7d2c088647c52aaaed54e54977009",
);
const EVIDENCE: &str = "73876966266a4583ba7540e36c79084f1306d451fcc9ca9525de79872791f42f";
const INFO: &str = "516fac36f8e6d703668edc43e8d32e22ecbe13963e421b3c0d398bae0a92a5c3";
const ENCAPSULATED: &str = "e3b9708aaa21a7f1e62a95ee28d1e5d60b0fceed6c68599013a54b318e9e0b15";
const CIPHERTEXT: &str = concat!(
    "hGbwoFbg/XMV0raXjK1BYNwpnYE0o+aZHBHbr96VfsQWZw7JdA07WFXyMVP5TQbn",
    "BQD2QIQIG+MwnlttWoXXIYqjGNo1StAhYRm5kAzTXCA=",
);
const SIGNATURE: &str = concat!(
    "9719b4b2cf9f3f1e53b11927ceca993871364794c7f18209f9ffd658d532d8cd",
    "3a40696ff603ae9677386e9d12c3d782aa43cc372bd48ce792417f6d854d0d00",
);
