//! Tests of Padmé.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::testing::Seeded;

/// Values computed from the paper's formula.
#[test]
fn golden_lengths() {
    let golden = [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 3),
        (8, 8),
        (9, 10),
        (17, 18),
        (18, 18),
        (100, 104),
        (1_000, 1_024),
        (1_025, 1_088),
        (65_536, 65_536),
        (65_537, 67_584),
        (1_048_576, 1_048_576),
        (1_048_577, 1_081_344),
        (1_000_000_000, 1_006_632_960),
    ];
    for (length, padded) in golden {
        assert_eq!(padded_len(length), padded, "{length}");
    }
}

/// Never less, at most 12 % more, never falling, and padding twice is padding once.
#[test]
fn bounded_and_idempotent() {
    let mut previous = 0;
    for length in 0..100_000 {
        let padded = padded_len(length);
        assert!(padded >= length && padded >= previous);
        assert!((padded - length) * 100 <= length * 12, "{length} -> {padded}");
        assert_eq!(padded_len(padded), padded);
        previous = padded;
    }
    assert_eq!(padded_len(usize::MAX), usize::MAX);
}

/// What is padded comes back, for every small length.
#[test]
fn round_trip() {
    for length in 0..600 {
        let data = vec![7; length];
        let padded = pad(data.clone());
        assert_eq!(padded.len(), padded_data_len(length));
        assert_eq!(padded.capacity(), padded.len());
        assert_eq!(unpad(&padded).unwrap(), data);
    }
}

/// One padded form per data: other lengths, fillers and length fields are refused.
#[test]
fn refuses_other_forms() {
    let padded = pad(vec![7; 100]);
    assert_eq!(padded.len(), 112);
    for at in 108..padded.len() {
        let mut bad = padded.clone();
        bad[at] = 1;
        assert_eq!(unpad(&bad), Err(PaddingError));
    }
    let longer = [padded.clone(), vec![0]].concat();
    assert_eq!(unpad(&longer), Err(PaddingError));
    assert_eq!(unpad(&padded[..111]), Err(PaddingError));
    for length in [0, 90, 105, 1 << 40, u64::MAX] {
        let mut bad = padded.clone();
        bad[..8].copy_from_slice(&length.to_le_bytes());
        assert_eq!(unpad(&bad), Err(PaddingError), "{length}");
    }
    for length in 0..8 {
        assert_eq!(unpad(&vec![0; length]), Err(PaddingError));
    }
    assert_eq!(unpad(&[0; 8]), Ok(&[][..]));
}

/// Hostile bytes are an error, never a panic.
#[test]
fn hostile_bytes() {
    let mut chance = Seeded::new(1);
    for _ in 0..2_000 {
        let length = chance.below(64);
        let mut bytes = chance.bytes(length);
        if let Some(field) = bytes.get_mut(1..8) {
            field.fill(0);
        }
        let back = unpad(&bytes).map(<[u8]>::to_vec);
        assert!(back.is_err() || back.map(pad) == Ok(bytes));
    }
}
