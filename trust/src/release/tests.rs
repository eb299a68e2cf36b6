#![allow(clippy::unwrap_used, clippy::panic)]

use super::{ReleaseError, ReleaseKey, ReleasedShare, Terms, open_share, seal_share};
use crate::address::{SessionKey, WalletKey};
use crate::entropy::{Entropy, EntropyError};
use crate::evidence::{Worker, WorkerKeys};
use crate::key::Share;
use crate::permit::Permissions;
use crate::request::Caller;
use crate::verified::Verified;
use prag_protocol::CollectionId;
use sha2::{Digest, Sha256};

const HERE: CollectionId = CollectionId([3; 16]);
const OWN: [u8; 32] = [10; 32];

/// BLAKE3 output: replays from its seed.
struct Seed(blake3::OutputReader);
impl Entropy for Seed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        self.0.fill(out);
        Ok(())
    }
}

struct Dry;
impl Entropy for Dry {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}

fn seed(seed: u8) -> Seed {
    Seed(blake3::Hasher::new_keyed(&[seed; 32]).finalize_xof())
}

fn session() -> SessionKey {
    SessionKey::from_bytes(&[9; 32])
}

fn caller(session_key: [u8; 32]) -> Verified<Caller> {
    Verified::new(Caller {
        request: [0; 32],
        authorization: Vec::new(),
        address: WalletKey::from_bytes(&[7; 32]).unwrap().address(),
        session_key,
        permissions: Permissions::Admin,
        permit_name: "prag/1".to_owned(),
        expires: u64::MAX,
    })
}

fn worker() -> Verified<Worker> {
    Verified::new(Worker {
        sig_pk: OWN,
        measurement: [1; 32],
        kind: "tdx",
        config_digest: [2; 32],
        ledger_id: [4; 32],
        tls_spki_sha256: [0; 32],
        evidence_hash: [5; 32],
        policy_digest: [6; 32],
    })
}

fn keys(release_key: [u8; 32]) -> Verified<WorkerKeys> {
    Verified::new(WorkerKeys {
        sig_pk: OWN,
        ohttp_config: vec![],
        release_key,
        not_after: u64::MAX,
    })
}

fn terms() -> Terms {
    Terms { collection: HERE, epoch: 2, nonce: [11; 32] }
}

fn released(key: &ReleaseKey) -> ReleasedShare {
    let share = Share::from_bytes(&[42; 32]);
    seal_share(&share, &worker(), &keys(key.public_key()), &terms(), &session(), &mut seed(1))
        .unwrap()
}

fn open(released: &ReleasedShare, key: &ReleaseKey) -> Result<Share, ReleaseError> {
    open_share(released, key, &OWN, &caller(session().public_key()), HERE, 2)
}

/// Signs again after a change, so that what refuses is not the signature.
fn resigned(mut released: ReleasedShare) -> ReleasedShare {
    released.signature = session().sign(&released.message());
    released
}

/// A share opens at its worker, after a trip through JSON.
#[test]
fn opens_where_it_was_sealed_for() {
    let key = ReleaseKey::random(&mut seed(2)).unwrap();
    let text = serde_json::to_string(&released(&key)).unwrap();
    assert!(!text.contains(&"2a".repeat(4)), "the share is sealed");
    let back: ReleasedShare = serde_json::from_str(&text).unwrap();
    assert_eq!(open(&back, &key).ok().unwrap().expose(), &[42; 32]);
    let extra = text.replacen('{', "{\"extra\":1,", 1);
    assert!(serde_json::from_str::<ReleasedShare>(&extra).is_err());
}

/// Another worker, another key, another collection or epoch, another sender: refused by name.
#[test]
fn opens_nowhere_else() {
    let key = ReleaseKey::random(&mut seed(2)).unwrap();
    let rotated = ReleaseKey::random(&mut seed(3)).unwrap();
    let good = released(&key);
    let me = caller(session().public_key());
    assert_eq!(open(&good, &rotated).err(), Some(ReleaseError::Recipient));
    let at = |own, collection, epoch, caller: &Verified<Caller>| {
        open_share(&good, &key, &own, caller, collection, epoch).err()
    };
    assert_eq!(at([12; 32], HERE, 2, &me), Some(ReleaseError::Recipient));
    assert_eq!(at(OWN, CollectionId([4; 16]), 2, &me), Some(ReleaseError::Terms));
    assert_eq!(at(OWN, HERE, 1, &me), Some(ReleaseError::Terms));
    let other = caller(SessionKey::from_bytes(&[8; 32]).public_key());
    assert_eq!(at(OWN, HERE, 2, &other), Some(ReleaseError::Signature));
    assert_eq!(at(OWN, HERE, 2, &me), None);
}

/// Every field is signed.
#[test]
fn every_field_is_signed() {
    let key = ReleaseKey::random(&mut seed(2)).unwrap();
    let changes: [fn(&mut ReleasedShare); 6] = [
        |share| share.nonce[0] ^= 1,
        |share| share.evidence_hash[0] ^= 1,
        |share| share.policy_digest[0] ^= 1,
        |share| share.encapsulated[0] ^= 1,
        |share| share.ciphertext[0] ^= 1,
        |share| share.signature[0] ^= 1,
    ];
    for change in changes {
        let mut changed = released(&key);
        change(&mut changed);
        assert_eq!(open(&changed, &key).err(), Some(ReleaseError::Signature));
    }
}

/// Even the owner's signature over a changed envelope does not open it: HPKE binds the same facts.
#[test]
fn hpke_binds_the_terms() {
    let key = ReleaseKey::random(&mut seed(2)).unwrap();
    let changes: [fn(&mut ReleasedShare); 7] = [
        |share| share.nonce[0] ^= 1,
        |share| share.evidence_hash[0] ^= 1,
        |share| share.policy_digest[0] ^= 1,
        |share| share.encapsulated[0] ^= 1,
        |share| share.encapsulated = [0; 32],
        |share| share.ciphertext[0] ^= 1,
        |share| share.ciphertext[47] ^= 1,
    ];
    for change in changes {
        let mut changed = released(&key);
        change(&mut changed);
        assert_eq!(open(&resigned(changed), &key).err(), Some(ReleaseError::Open));
    }
    let mut elsewhere = released(&key);
    elsewhere.collection = CollectionId([4; 16]);
    let elsewhere = resigned(elsewhere);
    let me = caller(session().public_key());
    let verdict = open_share(&elsewhere, &key, &OWN, &me, CollectionId([4; 16]), 2);
    assert_eq!(verdict.err(), Some(ReleaseError::Open));
}

/// Who takes another's envelope and signs it anew cannot pass it off as their own.
#[test]
fn envelopes_are_not_adopted() {
    let key = ReleaseKey::random(&mut seed(2)).unwrap();
    let thief = SessionKey::from_bytes(&[8; 32]);
    let mut stolen = released(&key);
    stolen.signer = thief.public_key();
    stolen.signature = thief.sign(&stolen.message());
    let verdict = open_share(&stolen, &key, &OWN, &caller(thief.public_key()), HERE, 2);
    assert_eq!(verdict.err(), Some(ReleaseError::Open));
}

/// Keys of another worker, a key of small order, or no entropy: nothing is sealed.
#[test]
fn seals_for_the_verified_worker_only() {
    let key = ReleaseKey::random(&mut seed(2)).unwrap();
    let share = Share::from_bytes(&[42; 32]);
    let seal = |keys: &Verified<WorkerKeys>, entropy: &mut dyn Entropy| {
        seal_share(&share, &worker(), keys, &terms(), &session(), entropy).map(drop)
    };
    let theirs =
        Verified::new(WorkerKeys { sig_pk: [12; 32], ..keys(key.public_key()).into_inner() });
    assert_eq!(seal(&theirs, &mut seed(1)), Err(ReleaseError::Keys));
    assert_eq!(seal(&keys([0; 32]), &mut seed(1)), Err(ReleaseError::Keys));
    let dry = Err(ReleaseError::Entropy(EntropyError));
    assert_eq!(seal(&keys(key.public_key()), &mut Dry), dry);
    assert_eq!(seal(&keys(key.public_key()), &mut seed(1)), Ok(()));
    assert_eq!(ReleaseKey::random(&mut Dry).err(), Some(EntropyError));
}

/// Two releases of one share have nothing in common.
#[test]
fn releases_are_fresh() {
    let key = ReleaseKey::random(&mut seed(2)).unwrap();
    let share = Share::from_bytes(&[42; 32]);
    let keys = keys(key.public_key());
    let first = released(&key);
    let second = seal_share(&share, &worker(), &keys, &terms(), &session(), &mut seed(7)).unwrap();
    assert_ne!(first.encapsulated, second.encapsulated);
    assert_ne!(first.ciphertext, second.ciphertext);
}

/// `PRAG-RELEASE/v1` is frozen: the fields' JSON, what HPKE binds and what is signed. An independent program
/// (Python: RFC 9180 over cryptography's X25519, HMAC and AES-GCM) computed the constants; the text opens for ever.
#[test]
fn golden_release() {
    let key = ReleaseKey::random(&mut Same(0x21)).unwrap();
    let share = Share::from_bytes(&[42; 32]);
    let keys = keys(key.public_key());
    let released =
        seal_share(&share, &worker(), &keys, &terms(), &session(), &mut Same(0x22)).unwrap();
    let info = [
        &b"PRAG-RELEASE/v1"[..],
        &prefixed(&[5; 32]),
        &prefixed(&[6; 32]),
        &prefixed(&OWN),
        &prefixed(&HERE.0),
        &prefixed(&[0, 0, 0, 2]),
        &prefixed(&[11; 32]),
    ];
    let info = hex::encode(Sha256::digest(info.concat()));
    assert_eq!((hex::encode(released.info()), info), (INFO.to_owned(), INFO.to_owned()));
    let signed = [INFO, RELEASE_KEY, SIGNER, ENCAPSULATED, CIPHERTEXT];
    let signed = signed.map(|part| prefixed(&hex::decode(part).unwrap())).concat();
    assert_eq!(released.message(), [&b"PRAG-RELEASE-SIGN/v1"[..], &signed].concat());

    let text = |byte: &str, count: usize| byte.repeat(count);
    let json = [
        format!(r#"{{"collection":"{}","epoch":2,"nonce":"{}","#, text("03", 16), text("0b", 32)),
        format!(r#""worker":"{}","release_key":"{RELEASE_KEY}","#, text("0a", 32)),
        format!(r#""evidence_hash":"{}","policy_digest":"{}","#, text("05", 32), text("06", 32)),
        format!(r#""signer":"{SIGNER}","encapsulated":"{ENCAPSULATED}","#),
        format!(r#""ciphertext":"{CIPHERTEXT}","signature":"{SIGNATURE}"}}"#),
    ];
    assert_eq!(serde_json::to_string(&released).unwrap(), json.concat());
    let stored: ReleasedShare = serde_json::from_str(&json.concat()).unwrap();
    assert_eq!(open(&stored, &key).ok().unwrap().expose(), &[42; 32]);
}

/// Behind its length: u32, big-endian.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// One byte over and over, as if it were chance.
struct Same(u8);
impl Entropy for Same {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        out.fill(self.0);
        Ok(())
    }
}

const INFO: &str = "a9c00e867a67e47661090e748134bc43204efec058ffeb54eb26d3fde302e264";
const RELEASE_KEY: &str = "0001566477145eb68bc33f7014eecad5b9c78950bab64cbadbd0cf17fdcefe22";
const SIGNER: &str = "fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618";
const ENCAPSULATED: &str = "e3b9708aaa21a7f1e62a95ee28d1e5d60b0fceed6c68599013a54b318e9e0b15";
const CIPHERTEXT: &str = concat!(
    "c1d25fdbffedc38a09ee5b1e476e244aba3dc99cda362345a25d9a9c0af3394408e63b5e8a2a",
    "01323aad848ae453d97b",
);
const SIGNATURE: &str = concat!(
    "ea1a16145e9d943dc8110e09b0eacb0010f51c576241b5c425efc30972718796c7d36cf1d3de",
    "63fa55289ab3c149506ec1c7c41a8ede9208b99a7d1ccca53709",
);
