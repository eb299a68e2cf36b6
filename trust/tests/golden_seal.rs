//! Frozen bytes of every sealed form.
//!
//! Layer: tests of `trust`, through its public interface only.
//! Holds: vectors that an independent implementation computed (Python: hmac, blake3, OpenSSL's AES-GCM-SIV).
//! Never: a vector made by the code under test; a change here is a new format version.
//! Invariant: what was sealed once opens for ever, at its place.

#![allow(clippy::unwrap_used, clippy::panic)]

use ed25519_dalek::SigningKey;
use prag_protocol::place::{Kind, Place};
use prag_protocol::{CollectionId, Epoch, Lineage};
use prag_trust::entropy::{Entropy, EntropyError};
use prag_trust::frames::{open_frames, seal_frames, sealed_len};
use prag_trust::head::{Head, SignedHead};
use prag_trust::key::{
    Corpus, Dek, Kek, Key, Ledger, Name, Share, Vault, WRAPPED_BYTES, Wrap, derive_kek,
};
use prag_trust::seal::{
    BatchRecord, CorpusManifest, CorpusRecord, HeadRecord, LedgerState, ManifestRecord, Plain,
    Record, Sealed, SegmentRecord, VaultEntry,
};
use sha2::{Digest, Sha256};

const COLLECTION: CollectionId = CollectionId([0xc0; 16]);
const EPOCH: Epoch = 3;
const NONCE: [u8; 12] = [9; 12];
const TEXT: &[u8] = b"dose: 5 mg";

/// 0, 1, 2, … as if it were chance.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

fn at(kind: Kind) -> Place {
    Place {
        collection: COLLECTION,
        lineage: Lineage([0x11; 16]),
        kind,
        id: [0x1d; 16],
        seq: 7,
        epoch: EPOCH,
    }
}

fn kek() -> Key<Kek> {
    derive_kek(&Share::from_bytes(&[1; 32]), &Share::from_bytes(&[2; 32]), COLLECTION, EPOCH)
}

fn dek() -> Key<Dek> {
    Key::random(&mut Counting(0)).unwrap()
}

fn record<R: Record>(key: &Key<R::Purpose>, golden: &str) {
    let place = at(R::KIND);
    let sealed = Plain::<R>::new(TEXT.to_vec()).seal(key, place, NONCE).unwrap();
    assert_eq!(hex::encode(sealed.as_bytes()), golden, "{:?}", R::KIND);
    let stored = Sealed::<R>::from_bytes(hex::decode(golden).unwrap());
    assert_eq!(stored.open(key, place).unwrap().expose(), TEXT);
}

/// Every record type seals to its frozen bytes, and those open.
#[test]
fn records() {
    let vault = Key::<Vault>::from_root(&[5; 32]);
    record::<BatchRecord>(&dek(), BATCH_RECORD);
    record::<ManifestRecord>(&dek(), MANIFEST_RECORD);
    record::<SegmentRecord>(&dek(), SEGMENT_RECORD);
    record::<HeadRecord>(&dek(), HEAD_RECORD);
    record::<CorpusRecord>(&kek().derive::<Corpus>(), CORPUS_RECORD);
    record::<CorpusManifest>(&kek().derive::<Corpus>(), CORPUS_MANIFEST);
    record::<LedgerState>(&vault.derive::<Ledger>(), LEDGER_STATE);
    record::<VaultEntry>(&vault, VAULT_ENTRY);
}

/// The ledger's commitment to a key, and whom it fits.
#[test]
fn commitment() {
    let commitment = kek().commitment(COLLECTION, EPOCH);
    assert_eq!(hex::encode(commitment), COMMITMENT);
    assert!(kek().opens(&commitment, COLLECTION, EPOCH));
    assert!(!kek().opens(&commitment, COLLECTION, EPOCH + 1));
}

/// Data keys and name keys wrap to their frozen bytes, and those unwrap.
#[test]
fn wrapped_keys() {
    let (wrapper, place) = (kek().derive::<Wrap>(), at(Kind::DekWrap));
    let wrapped = dek().wrap(&wrapper, place, NONCE).unwrap();
    assert_eq!(hex::encode(&wrapped), WRAPPED_DEK);
    assert_eq!(wrapped.len(), WRAPPED_BYTES);
    record::<BatchRecord>(&Key::<Dek>::unwrap(&wrapper, place, &wrapped).unwrap(), BATCH_RECORD);

    let name = Key::<Name>::random(&mut Counting(0)).unwrap();
    let wrapped = name.wrap(&wrapper, place, NONCE).unwrap();
    assert_eq!(hex::encode(&wrapped), WRAPPED_NAME);
    let name = Key::<Name>::unwrap(&wrapper, place, &wrapped).unwrap();
    assert_eq!(hex::encode(name.name(b"doc-1")), NAME);
}

/// Names on disk and points in the ring of shards.
#[test]
fn names() {
    let key = Key::<Name>::random(&mut Counting(0)).unwrap();
    assert_eq!(hex::encode(key.name(b"doc-1")), NAME);
    assert_eq!(key.hash64(b"doc-1"), HASH64);
}

/// Blobs of one frame and of three.
#[test]
fn frames() {
    let place = at(Kind::Segment);
    let small = seal_frames::<SegmentRecord>(TEXT, &dek(), place, &mut Counting(0)).unwrap();
    assert_eq!(hex::encode(&small), FRAMES_SMALL);
    assert_eq!(small.len(), sealed_len(TEXT.len()));

    let text: Vec<u8> = (0..150_000u64).map(|i| ((i * i) >> 8) as u8).collect();
    let big = seal_frames::<SegmentRecord>(&text, &dek(), place, &mut Counting(0)).unwrap();
    assert_eq!(big.len(), 151_660);
    assert_eq!(hex::encode(Sha256::digest(&big)), FRAMES_BIG_SHA256);
    let opened = open_frames::<SegmentRecord>(&big, &dek(), place, text.len()).unwrap();
    assert!(opened.expose() == text);
}

/// A signed head (Ed25519 is deterministic).
#[test]
fn signed_head() {
    let head = Head { lineage: Lineage([0x11; 16]), writer_epoch: 2, size: 5, root: [0xab; 32] };
    let signed = head.sign(&SigningKey::from_bytes(&[7; 32]));
    assert_eq!(hex::encode(signed.to_bytes()), SIGNED_HEAD);
    assert_eq!(SignedHead::from_bytes(&signed.to_bytes()), signed);
    assert_eq!(*signed.verify(&signed.signer).unwrap(), head);
}

const HASH64: u64 = 0xb5b6_56fd_49e1_26c2;
const COMMITMENT: &str = "1390ed0973ecaba5ecb1c98aaa518950143b6ead5bd2804a6fb59768f6a0926a";
const WRAPPED_DEK: &str = concat!(
    "50524147010203000909090909090909090909091dfa38065827c62a4e94450402739e64df9f",
    "cff8441613bb45681bc73988a10c75622c8285b564055bcfd356ad9a8b36",
);
const WRAPPED_NAME: &str = concat!(
    "50524147010204000909090909090909090909094e51390d8017e35622a84624f77ab9c5817e",
    "bc400bb570d7ecf6b15845095024dfe68030e7d4c5f985baebf2518103f4",
);
const BATCH_RECORD: &str = concat!(
    "5052414701010300090909090909090909090909e55937027270f8cc8cc66e91bcbd1ecfbbfc",
    "7a2e9ba209dfd224c3d80ede8061199d",
);
const MANIFEST_RECORD: &str = concat!(
    "50524147010103000909090909090909090909094479b227d9f83f3b9f455cb958b82deb49f6",
    "f726a547901cac38ea0eb2389f94d872",
);
const SEGMENT_RECORD: &str = concat!(
    "50524147010103000909090909090909090909090c3472080d70baa75d24b47144c9ef4b7f3c",
    "ae42d8a02ced932b69ce8df09f050f0a",
);
const HEAD_RECORD: &str = concat!(
    "5052414701010300090909090909090909090909bed422daea8b309e135b46932496b266b3b3",
    "eeeb6b44a1c4615b2ba20a5787c0f116",
);
const CORPUS_RECORD: &str = concat!(
    "505241470101070009090909090909090909090980a6834cb9647be6b31f14244a4c0fded358",
    "5cf3bd9e5150eaaa6e33d1d78e2dc59b",
);
const CORPUS_MANIFEST: &str = concat!(
    "5052414701010700090909090909090909090909e5bf4303812bd668c4f30ddfb2ce6712c228",
    "8b0e7cd551e4d3e7113f17d2e3a7dc57",
);
const LEDGER_STATE: &str = concat!(
    "5052414701010600090909090909090909090909a37197d428af683127fe1a127aa58d288d0b",
    "e0d0bc5967f2c911a8defd2fa489faaa",
);
const VAULT_ENTRY: &str = concat!(
    "5052414701010500090909090909090909090909ebd541e7d2eae0d0545d7c728a4c3322c941",
    "5bf2d486cbf0c98d3653fed0d957e84b",
);
const NAME: &str = "ffa63e90a0426f081450e45b31ff17d9be9d088e80a6c7a50b2199c95fa06403";
const FRAMES_SMALL: &str = concat!(
    "5052414701030300000102030405060708090a0b0c0d0e0f101112131415161718191a1bb7e5",
    "4b4c275d1568325a3c359118d7f00f69347ab8f75b6eadebb253c2ac825a3ac4",
);
const FRAMES_BIG_SHA256: &str = "a85a89ec9f49c1f1546455bad57a8074620d5a22a462ab191dbb3d5d0d11b7c6";
const SIGNED_HEAD: &str = concat!(
    "1111111111111111111111111111111100000000000000020000000000000005abababababab",
    "ababababababababababababababababababababababababababea4a6c63e29c520abef5507b",
    "132ec5f9954776aebebe7b92421eea691446d22cc164ae5e4cb57e6e1da4a1c3a3bcd6cac7fc",
    "838320c560514363a360bce28991e5d8e8026cb7bccbf84399addd4b25d197bcf780108047fa",
    "10eb7b67ad508e0a",
);
