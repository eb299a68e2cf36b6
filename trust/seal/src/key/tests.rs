//! Tests of keys: shares, derivation, wrapping, names.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::seal::SealError;
use crate::testing::{Failing, Seeded};
use hkdf::Hkdf;
use prag_protocol::Lineage;
use prag_protocol::place::{Kind, Place};

use sha2::Sha256;

const COLLECTION: CollectionId = CollectionId([1; 16]);

fn share(byte: u8) -> Share {
    Share::from_bytes(&[byte; 32])
}

fn place() -> Place {
    Place {
        collection: COLLECTION,
        lineage: Lineage([2; 16]),
        kind: Kind::DekWrap,
        id: [3; 16],
        seq: 4,
        epoch: 5,
    }
}

/// Shares, their order, collection and epoch all make another key.
#[test]
fn kek_depends_on_everything() {
    let key = |a, b, c, e| *derive_kek(&share(a), &share(b), CollectionId([c; 16]), e).expose();
    let base = key(1, 2, 3, 4);
    assert_eq!(base, key(1, 2, 3, 4));
    for other in [key(2, 1, 3, 4), key(1, 1, 3, 4), key(1, 2, 4, 4), key(1, 2, 3, 5)] {
        assert_ne!(base, other);
    }
}

/// Salt, key material and info of the HKDF call are the frozen ones (its output: `golden_seal`).
#[test]
fn kek_is_hkdf_as_written_down() {
    let ikm = length_prefixed(&[&[1; 32], &[2; 32]]);
    let info = length_prefixed(&[&COLLECTION.0, &5u32.to_be_bytes()]);
    assert_eq!(ikm.len(), 72);
    assert_eq!(info.as_slice()[..4], [0, 0, 0, 16]);
    assert_eq!(info.as_slice()[20..], [0, 0, 0, 4, 0, 0, 0, 5]);
    let mut out = [0; 32];
    Hkdf::<Sha256>::new(Some(b"prag/kek/v1"), &ikm).expand(&info, &mut out).unwrap();
    assert_eq!(*derive_kek(&share(1), &share(2), COLLECTION, 5).expose(), out);
}

/// A commitment fits its key, collection and epoch only.
#[test]
fn commitment_binds() {
    let kek = derive_kek(&share(1), &share(2), COLLECTION, 5);
    let commitment = kek.commitment(COLLECTION, 5);
    assert!(kek.opens(&commitment, COLLECTION, 5));
    assert!(!kek.opens(&commitment, COLLECTION, 6));
    assert!(!kek.opens(&commitment, CollectionId([9; 16]), 5));
    assert!(!derive_kek(&share(1), &share(3), COLLECTION, 5).opens(&commitment, COLLECTION, 5));
    assert_ne!(commitment, *kek.expose());
}

/// Keys of different purposes share no bytes with each other or their parent.
#[test]
fn purposes_are_apart() {
    let kek = derive_kek(&share(1), &share(2), COLLECTION, 5);
    let (wrap, corpus) = (kek.derive::<Wrap>(), kek.derive::<Corpus>());
    assert_ne!(kek.expose(), wrap.expose());
    assert_ne!(kek.expose(), corpus.expose());
    assert_ne!(wrap.expose(), corpus.expose());
    let vault = Key::<Vault>::from_root(kek.expose());
    assert_ne!(vault.derive::<Ledger>().expose(), wrap.expose());

    let tags = [Kek::TAG, Wrap::TAG, Dek::TAG, Name::TAG, Vault::TAG, Ledger::TAG, Corpus::TAG];
    assert_eq!(tags, [1, 2, 3, 4, 5, 6, 7]);
}

/// Random keys differ, and no key is made without randomness.
#[test]
fn random_or_nothing() {
    let mut entropy = Seeded::new(1);
    let (a, b) = (Key::<Dek>::random(&mut entropy), Key::<Dek>::random(&mut entropy));
    assert_ne!(a.unwrap().expose(), b.unwrap().expose());
    assert!(Key::<Dek>::random(&mut Failing(0)).is_err());
    assert!(Share::random(&mut Failing(0)).is_err());
    assert_ne!(Share::random(&mut entropy).unwrap().expose(), &[0; 32]);
}

/// A wrapped key opens under its wrapper at its place, and nowhere else.
#[test]
fn unwraps_only_at_its_place() {
    let mut entropy = Seeded::new(2);
    let kek = derive_kek(&share(1), &share(2), COLLECTION, 5);
    let wrapper = kek.derive::<Wrap>();
    let dek = Key::<Dek>::random(&mut entropy).unwrap();
    let wrapped = dek.wrap(&wrapper, place(), [6; 12]).unwrap();
    assert_eq!(wrapped.len(), WRAPPED_BYTES);
    assert_eq!(Key::<Dek>::unwrap(&wrapper, place(), &wrapped).unwrap().expose(), dek.expose());

    let elsewhere = Place { epoch: 6, ..place() };
    let error = Key::<Dek>::unwrap(&wrapper, elsewhere, &wrapped).err();
    assert_eq!(error, Some(SealError::Open(elsewhere)));
    let other = derive_kek(&share(1), &share(3), COLLECTION, 5).derive::<Wrap>();
    let error = Key::<Dek>::unwrap(&other, place(), &wrapped).err();
    assert_eq!(error, Some(SealError::Open(place())));
    let error = Key::<Name>::unwrap(&wrapper, place(), &wrapped).err();
    assert_eq!(error, Some(SealError::Format(place())));

    let expected = Kind::DekWrap;
    let wrong = Place { kind: Kind::Batch, ..place() };
    let error = SealError::Kind { place: wrong, expected };
    assert_eq!(dek.wrap(&wrapper, wrong, [6; 12]).err(), Some(error));
    assert_eq!(Key::<Dek>::unwrap(&wrapper, wrong, &wrapped).err(), Some(error));
}

/// A data key passed off as a name key does not open, even with the header rewritten.
#[test]
fn wrapped_purpose_is_authenticated() {
    let wrapper = derive_kek(&share(1), &share(2), COLLECTION, 5).derive::<Wrap>();
    let dek = Key::<Dek>::random(&mut Seeded::new(3)).unwrap();
    let mut wrapped = dek.wrap(&wrapper, place(), [6; 12]).unwrap();
    wrapped[6] = Name::TAG;
    let error = Key::<Name>::unwrap(&wrapper, place(), &wrapped).err();
    assert_eq!(error, Some(SealError::Open(place())));
}

/// Every flipped bit and every other length is refused.
#[test]
fn wrapped_bytes_are_authenticated() {
    let wrapper = derive_kek(&share(1), &share(2), COLLECTION, 5).derive::<Wrap>();
    let dek = Key::<Dek>::random(&mut Seeded::new(4)).unwrap();
    let wrapped = dek.wrap(&wrapper, place(), [6; 12]).unwrap();
    for bit in 0..wrapped.len() * 8 {
        let mut bad = wrapped.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(Key::<Dek>::unwrap(&wrapper, place(), &bad).is_err(), "bit {bit}");
    }
    for length in 0..wrapped.len() {
        let error = Key::<Dek>::unwrap(&wrapper, place(), &wrapped[..length]).err();
        assert_eq!(error, Some(SealError::Truncated(place())));
    }
    let longer = [wrapped, vec![0]].concat();
    assert!(Key::<Dek>::unwrap(&wrapper, place(), &longer).is_err());
}

/// Names depend on the key and the bytes; names and ring points are apart.
#[test]
fn names_are_keyed() {
    let mut entropy = Seeded::new(5);
    let one = Key::<Name>::random(&mut entropy).unwrap();
    let two = Key::<Name>::random(&mut entropy).unwrap();
    assert_eq!(one.name(b"a"), one.name(b"a"));
    assert_ne!(one.name(b"a"), one.name(b"b"));
    assert_ne!(one.name(b"a"), two.name(b"a"));
    assert_ne!(one.name(b"a")[..8], one.hash64(b"a").to_be_bytes());
    assert_ne!(one.hash64(b"a"), two.hash64(b"a"));
}

/// No two lists of parts have the same bytes.
#[test]
fn length_prefix_separates() {
    assert_ne!(*length_prefixed(&[b"ab", b"c"]), *length_prefixed(&[b"a", b"bc"]));
    assert_ne!(*length_prefixed(&[b"ab"]), *length_prefixed(&[b"ab", b""]));
    assert_eq!(*length_prefixed(&[b"ab"]), vec![0, 0, 0, 2, b'a', b'b']);
}
