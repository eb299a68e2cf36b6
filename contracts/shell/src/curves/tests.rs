#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use super::Curves;
use crate::std::Api;
use crate::std::testing::MockApi;
use curve25519_dalek::constants::{ED25519_BASEPOINT_COMPRESSED, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signer, SigningKey};
use prag_contracts_core::Verify;
use prag_contracts_permit::small_order;

/// Every encoding of a point of small order, also the ones that only ZIP 215 reads, and no other around the prime.
#[test]
fn exactly_the_points_of_small_order() {
    let mut encodings: Vec<[u8; 32]> = EIGHT_TORSION.map(|point| point.compress().0).into();
    for low in 0..=0xff {
        let mut small = [0; 32];
        small[0] = low;
        let mut large = [0xff; 32];
        (large[0], large[31]) = (low, 0x7f);
        encodings.extend([small, large]);
    }
    let mut found = 0;
    for encoding in encodings {
        for sign in [0, 0x80] {
            let mut key = encoding;
            key[31] = (key[31] & 0x7f) | sign;
            let weak = CompressedEdwardsY(key)
                .decompress()
                .is_some_and(|point| point.mul_by_cofactor() == EIGHT_TORSION[0]);
            assert!(!weak || small_order(&key), "{key:02x?}");
            // What is no point at all may be refused with them.
            let point = CompressedEdwardsY(key).decompress().is_some();
            assert!(weak || !point || !small_order(&key), "{key:02x?}");
            found += usize::from(weak);
        }
    }
    assert!(found >= 14, "{found}");
}

/// A chain takes a signature that anybody can make under such a key; we do not.
#[test]
fn a_signature_that_anybody_can_make_is_refused() {
    let api = MockApi::default();
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&ED25519_BASEPOINT_COMPRESSED.0);
    signature[32] = 1;
    for point in EIGHT_TORSION {
        let key = point.compress().0;
        assert_eq!(api.ed25519_verify(b"anything", &signature, &key), Ok(true), "the chain's rule");
        assert!(!Curves(&api).ed25519(b"anything", &signature, &key));
    }
}

#[test]
fn a_real_signature_verifies() {
    let (api, key) = (MockApi::default(), SigningKey::from_bytes(&[7; 32]));
    let signature = key.sign(b"this").to_bytes();
    let public = key.verifying_key().to_bytes();
    assert!(Curves(&api).ed25519(b"this", &signature, &public));
    assert!(!Curves(&api).ed25519(b"that", &signature, &public));
}
