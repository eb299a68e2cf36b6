//! Known answers of two implementations that share no line with this one, and every way in which an answer may not open.
//!
//! `vectors/secret.json` was written by secretjs 1.22.1: its own `EncryptionUtilsImpl` with a fixed seed, its source of
//! randomness replaced by fixed nonces (`vectors/secret.js`), and was recomputed with Python's `cryptography` 48
//! (`vectors/secret.py`): key agreement, key, both directions.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use prag_client::system::OsEntropy;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    private: String,
    public: String,
    node_public: String,
    code_hash: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    kind: String,
    message: String,
    nonce: String,
    key: String,
    sealed: String,
    reply: String,
    sealed_reply: String,
    error: String,
    sealed_error: String,
}

fn file() -> File {
    serde_json::from_str(include_str!("../../../vectors/secret.json")).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn array(text: &str) -> [u8; 32] {
    bytes(text).try_into().unwrap()
}

fn session(file: &File, vector: &Vector) -> (Sealed, Session) {
    let network = NetworkKey(array(&file.node_public));
    let code = CodeHash(array(&file.code_hash));
    let (private, nonce) = (array(&file.private), array(&vector.nonce));
    seal_with(&network, &code, vector.message.as_bytes(), &private, &nonce).unwrap()
}

/// Query, execute and instantiate are sealed byte for byte as others seal them, and what others seal opens.
#[test]
fn known_answers() {
    let file = file();
    assert_eq!(file.vectors.iter().map(|v| v.kind.as_str()).collect::<Vec<_>>(), KINDS);
    for vector in &file.vectors {
        let (sealed, session) = session(&file, vector);
        assert_eq!(hex::encode(*session.key), vector.key, "{}", vector.kind);
        assert_eq!(hex::encode(&sealed.0), vector.sealed, "{}", vector.kind);
        assert_eq!(hex::encode(&sealed.0[32..64]), file.public);
        let reply = bytes(&vector.sealed_reply);
        assert_eq!(session.open_query(&reply).unwrap(), vector.reply.as_bytes());
        assert_eq!(session.open_data(&reply).unwrap(), vector.reply.as_bytes());
        assert_eq!(session.open_error(&bytes(&vector.sealed_error)).unwrap(), vector.error);
    }
}

/// An answer under another nonce, another network's key or another client's key does not open.
#[test]
fn answers_open_only_under_their_own_key() {
    let file = file();
    let [first, second, ..] = &file.vectors[..] else { panic!("vectors") };
    let reply = bytes(&first.sealed_reply);
    let (_, other_nonce) = session(&file, second);
    assert_eq!(other_nonce.open_query(&reply), Err(CosmosError::Cipher));

    let code = CodeHash(array(&file.code_hash));
    let (private, nonce) = (array(&file.private), array(&first.nonce));
    let other_network = NetworkKey(array(&file.public));
    let (_, session) = seal_with(&other_network, &code, b"{}", &private, &nonce).unwrap();
    assert_eq!(session.open_query(&reply), Err(CosmosError::Cipher));

    let network = NetworkKey(array(&file.node_public));
    let (_, session) = seal_with(&network, &code, b"{}", &[9; 32], &nonce).unwrap();
    assert_eq!(session.open_query(&reply), Err(CosmosError::Cipher));
}

/// Every cut and every flipped bit shows, in answers and in errors.
#[test]
fn changed_answers_do_not_open() {
    let file = file();
    let vector = &file.vectors[0];
    let (_, session) = session(&file, vector);
    let reply = bytes(&vector.sealed_reply);
    for end in 0..reply.len() {
        assert_eq!(session.open_query(&reply[..end]), Err(CosmosError::Cipher), "cut at {end}");
    }
    for at in 0..reply.len() {
        let mut changed = reply.clone();
        changed[at] ^= 1;
        assert_eq!(session.open_query(&changed), Err(CosmosError::Cipher), "byte {at}");
    }
    assert!(session.open_error(&reply[1..]).is_err());
    assert_eq!(session.open_data(&[]).unwrap(), b"");
    assert_eq!(session.open_query(&[]), Err(CosmosError::Cipher));
    let long = vec![0; ANSWER_BYTES_MAX + 1];
    assert!(matches!(session.open_query(&long), Err(CosmosError::Large { .. })));
}

/// An answer that opens but is no base64 is no answer; an error may be either.
#[test]
fn plain_text_is_only_an_error() {
    let file = file();
    let vector = &file.vectors[0];
    let (_, session) = session(&file, vector);
    assert_eq!(session.open_query(&bytes(&vector.sealed_error)), Err(CosmosError::Cipher));
    assert_eq!(session.open_error(&bytes(&vector.sealed_reply)).unwrap(), vector.reply);
}

/// A network key of small order would make every key public.
#[test]
fn weak_network_keys_are_refused() {
    let code = CodeHash([0; 32]);
    for weak in [[0u8; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        let sealed = Session::seal(&NetworkKey(weak), &code, b"{}", &mut OsEntropy);
        assert_eq!(sealed.err(), Some(CosmosError::Cipher));
    }
}

/// No two messages share a nonce or a key, even of one text.
#[test]
fn messages_are_fresh() {
    let network = NetworkKey(array(&file().node_public));
    let seal = || Session::seal(&network, &CodeHash([1; 32]), b"{}", &mut OsEntropy).unwrap();
    let ((one, _), (two, _)) = (seal(), seal());
    assert_ne!(one.0[..32], two.0[..32]);
    assert_ne!(one.0[32..64], two.0[32..64]);
    assert_ne!(one.0[64..], two.0[64..]);
    let long = vec![b' '; MESSAGE_BYTES_MAX + 1];
    let refused = Session::seal(&network, &CodeHash([1; 32]), &long, &mut OsEntropy);
    assert!(matches!(refused.err(), Some(CosmosError::Large { .. })));
}

const KINDS: [&str; 3] = ["query", "execute", "instantiate"];

/// What a network's enclaves do with a message.
pub(crate) struct Enclave(StaticSecret);

impl Enclave {
    pub(crate) fn new(seed: u8) -> Self {
        Self(StaticSecret::from([seed; 32]))
    }

    pub(crate) fn key(&self) -> NetworkKey {
        NetworkKey(PublicKey::from(&self.0).to_bytes())
    }

    /// Code hash and JSON of a message, and the key that answers it.
    pub(crate) fn open(&self, sealed: &[u8]) -> (String, Vec<u8>, Session) {
        let nonce = sealed[..32].try_into().unwrap();
        let key = shared_key(&self.0, sealed[32..64].try_into().unwrap(), &nonce).unwrap();
        let session = Session { key };
        let plain = session.open(&sealed[64..]).unwrap();
        let (code, json) = plain.split_at(64);
        (String::from_utf8(code.to_vec()).unwrap(), json.to_vec(), session)
    }
}

impl Session {
    pub(crate) fn answer(&self, json: &[u8]) -> Vec<u8> {
        let mut siv = Aes128Siv::new(&(*self.key).into());
        siv.encrypt([b""], STANDARD.encode(json).as_bytes()).unwrap()
    }

    pub(crate) fn error(&self, text: &str) -> Vec<u8> {
        let mut siv = Aes128Siv::new(&(*self.key).into());
        siv.encrypt([b""], text.as_bytes()).unwrap()
    }
}

/// Both sides come to one key, and the enclave reads what was sealed.
#[test]
fn enclaves_read_it() {
    let enclave = Enclave::new(7);
    let code = CodeHash([0xab; 32]);
    let (sealed, session) = Session::seal(&enclave.key(), &code, b"{}", &mut OsEntropy).unwrap();
    let (read, json, theirs) = enclave.open(&sealed.0);
    assert_eq!((read, json.as_slice()), ("ab".repeat(32), &b"{}"[..]));
    assert_eq!(session.open_query(&theirs.answer(b"[1]")).unwrap(), b"[1]");
    assert_eq!(session.open_error(&theirs.error("no")).unwrap(), "no");
}
