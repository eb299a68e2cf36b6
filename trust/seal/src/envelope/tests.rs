#![allow(clippy::unwrap_used, clippy::panic)]

use super::{Opener, seal};
use crate::entropy::EntropyError;
use crate::testing::{Failing, Seeded};

/// An envelope opens with its key, domain and data, and with no other; no byte of it can be changed.
#[test]
fn opens_with_all_that_it_was_sealed_with() {
    let key = Opener::random(&mut Seeded::new(1)).unwrap();
    let other = Opener::random(&mut Seeded::new(2)).unwrap();
    let sealed = seal(b"dose: 5 mg", &key.public_key(), b"info", b"data", &mut Seeded::new(3));
    let (encapsulated, ciphertext) = sealed.unwrap().unwrap();
    let open = |key: &Opener, info: &[u8], data: &[u8]| {
        key.open(&encapsulated, &ciphertext, info, data).map(|plain| plain.to_vec())
    };
    assert_eq!(open(&key, b"info", b"data").unwrap(), b"dose: 5 mg");
    assert!(open(&other, b"info", b"data").is_none());
    assert!(open(&key, b"other", b"data").is_none());
    assert!(open(&key, b"info", b"other").is_none());
    for at in 0..ciphertext.len() {
        let mut changed = ciphertext.clone();
        changed[at] ^= 1;
        assert!(key.open(&encapsulated, &changed, b"info", b"data").is_none());
        assert!(key.open(&encapsulated, &ciphertext[..at], b"info", b"data").is_none());
    }
    for wrong in [[0; 32], other.public_key()] {
        assert!(key.open(&wrong, &ciphertext, b"info", b"data").is_none());
    }
}

/// Without chance nothing is sealed; a key of small order takes nothing.
#[test]
fn seals_with_chance_to_a_key() {
    let key = Opener::random(&mut Seeded::new(1)).unwrap().public_key();
    assert_eq!(seal(b"x", &key, b"", b"", &mut Failing(0)), Err(EntropyError));
    assert_eq!(seal(b"x", &[0; 32], b"", b"", &mut Seeded::new(1)), Ok(None));
    assert_eq!(Opener::random(&mut Failing(0)).err(), Some(EntropyError));
}
