//! Tests of sealed records.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::testing::Seeded;
use prag_protocol::{CollectionId, Lineage};

fn fixture() -> (Key<Dek>, Place) {
    let place = Place {
        collection: CollectionId([1; 16]),
        lineage: Lineage([2; 16]),
        kind: Kind::Batch,
        id: [3; 16],
        seq: 4,
        epoch: 5,
    };
    (Key::random(&mut Seeded::new(1)).unwrap(), place)
}

fn batch(text: &[u8]) -> Plain<BatchRecord> {
    Plain::new(text.to_vec())
}

/// A record opens where it was sealed, and nowhere else.
#[test]
fn opens_only_at_its_place() {
    let (key, here) = fixture();
    let sealed = batch(b"dose: 5 mg").seal(&key, here, [9; 12]).unwrap();
    assert_eq!(sealed.open(&key, here).unwrap().expose(), b"dose: 5 mg");

    let elsewhere = [
        Place { collection: CollectionId([9; 16]), ..here },
        Place { lineage: Lineage([9; 16]), ..here },
        Place { id: [9; 16], ..here },
        Place { seq: here.seq - 1, ..here },
        Place { epoch: here.epoch + 1, ..here },
    ];
    for place in elsewhere {
        assert_eq!(sealed.open(&key, place).err(), Some(SealError::Open(place)));
    }
    let other = Key::random(&mut Seeded::new(2)).unwrap();
    assert_eq!(sealed.open(&other, here).err(), Some(SealError::Open(here)));
}

/// A record goes neither to nor comes from a place of another kind, even under the same key.
#[test]
fn kind_is_fixed() {
    let (key, here) = fixture();
    let wrong = Place { kind: Kind::Manifest, ..here };
    let error = SealError::Kind { place: wrong, expected: Kind::Batch };
    assert_eq!(batch(b"x").seal(&key, wrong, [9; 12]).err(), Some(error));
    let sealed = batch(b"x").seal(&key, here, [9; 12]).unwrap();
    assert_eq!(sealed.open(&key, wrong).err(), Some(error));

    let disguised = Sealed::<ManifestRecord>::from_bytes(sealed.into_bytes());
    assert_eq!(disguised.open(&key, wrong).err(), Some(SealError::Open(wrong)));
}

/// Every flipped bit is refused.
#[test]
fn bytes_are_authenticated() {
    let (key, here) = fixture();
    let sealed = batch(b"dose: 5 mg").seal(&key, here, [9; 12]).unwrap().into_bytes();
    for bit in 0..sealed.len() * 8 {
        let mut bad = sealed.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let expected =
            if bit < HEADER_BYTES * 8 { SealError::Format(here) } else { SealError::Open(here) };
        let error = Sealed::<BatchRecord>::from_bytes(bad).open(&key, here).err();
        assert_eq!(error, Some(expected), "bit {bit}");
    }
}

/// Every other length is refused, by name where there is no room for header, nonce and tag.
#[test]
fn lengths_are_checked() {
    let (key, here) = fixture();
    let sealed = batch(b"dose: 5 mg").seal(&key, here, [9; 12]).unwrap().into_bytes();
    for length in 0..sealed.len() {
        let expected = if length < 36 { SealError::Truncated(here) } else { SealError::Open(here) };
        let short = Sealed::<BatchRecord>::from_bytes(sealed[..length].to_vec());
        assert_eq!(short.open(&key, here).err(), Some(expected), "length {length}");
    }
    let long = Sealed::<BatchRecord>::from_bytes([sealed, vec![0]].concat());
    assert_eq!(long.open(&key, here).err(), Some(SealError::Open(here)));
}

/// Texts of like size seal to equal sizes, and sealing allocates once.
#[test]
fn sizes_are_padded() {
    let (key, here) = fixture();
    let size = |length: usize| {
        let bytes = batch(&vec![1; length]).seal(&key, here, [9; 12]).unwrap().into_bytes();
        assert_eq!(bytes.capacity(), bytes.len());
        bytes.len()
    };
    assert_eq!(size(1_000), size(1_016));
    assert_eq!(size(1_000), 36 + 1_024);
    assert_eq!(size(0), 36 + 8);
}

/// An authentic record that is not padded right is refused by name.
#[test]
fn padding_is_checked() {
    let (key, here) = fixture();
    let header = header(Form::Record, Dek::TAG);
    let mut text = [0u8; 9];
    let bound: [&[u8]; 2] = [&header, &here.to_bytes()];
    let tag = Cipher::new(&key).seal(&[9; 12], &bound, &mut text).unwrap();
    let bytes = [&header[..], &[9; 12], &text, &tag].concat();
    let error = Sealed::<BatchRecord>::from_bytes(bytes).open(&key, here).err();
    assert_eq!(error, Some(SealError::Padding(here)));
}

/// Records of all lengths up to a few kilobytes come back.
#[test]
fn round_trip() {
    let (key, here) = fixture();
    let mut chance = Seeded::new(3);
    for length in (0..200).chain((200..6_000).step_by(97)) {
        let text = chance.bytes(length);
        let nonce = crate::entropy::random(&mut chance).unwrap();
        let sealed = batch(&text).seal(&key, here, nonce).unwrap();
        assert_eq!(sealed.open(&key, here).unwrap().expose(), text);
    }
}

/// Hostile bytes are an error, never a panic.
#[test]
fn hostile_bytes() {
    let (key, here) = fixture();
    let mut chance = Seeded::new(4);
    for _ in 0..2_000 {
        let length = chance.below(200);
        let mut bytes = chance.bytes(length);
        if let Some(start) = bytes.get_mut(..HEADER_BYTES) {
            start.copy_from_slice(&header(Form::Record, Dek::TAG));
        }
        assert!(Sealed::<BatchRecord>::from_bytes(bytes).open(&key, here).is_err());
    }
}

/// Messages name the place, and nothing of key or content.
#[test]
fn errors_carry_places() {
    let (_, here) = fixture();
    let text = SealError::Open(here).to_string();
    assert!(text.starts_with("record at Batch/0101"), "{text}");
    assert!(text.ends_with("/seq 4/epoch 5 failed authentication"), "{text}");
}
