//! Signatures, by the chain's own functions.
//!
//! Layer: shell.
//! Holds: the seams of `core` and `permit`, over one API.
//! Never: curves in wasm; an Ed25519 key of small order. Chains verify by ZIP 215, which takes those, and under one of
//! them anybody signs anything.
//! Invariant: an error of the chain's is a signature that does not verify.

use crate::std::Api;
use prag_contracts_core::Verify;

/// The chain's signature checks.
pub struct Curves<'a>(pub &'a dyn Api);

impl Verify for Curves<'_> {
    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        !small_order(key) && self.0.ed25519_verify(message, signature, key).unwrap_or(false)
    }
}

impl prag_contracts_permit::Curves for Curves<'_> {
    fn secp256k1(&self, hash: &[u8; 32], signature: &[u8; 64], key: &[u8; 33]) -> bool {
        self.0.secp256k1_verify(hash, signature, key).unwrap_or(false)
    }

    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        Verify::ed25519(self, message, signature, key)
    }
}

/// Whether the key is one of the eight points of small order, in any of their encodings.
///
/// Such a point has one of five y-coordinates, two of which have another encoding at or above the field's prime; the
/// last bit is the sign of x, which does not matter here.
fn small_order(key: &[u8; 32]) -> bool {
    let mut y = *key;
    y[31] &= 0x7f;
    let near = |low: u8, rest: u8, last: u8| {
        y[0] == low && y[31] == last && y[1..31].iter().all(|byte| *byte == rest)
    };
    // y = 0 and 1, as such and with the prime 2^255 - 19 added; y = -1.
    let plain = near(0, 0, 0) || near(1, 0, 0);
    let added = near(0xed, 0xff, 0x7f) || near(0xee, 0xff, 0x7f) || near(0xec, 0xff, 0x7f);
    plain || added || ORDER_8.contains(&y)
}

/// The y-coordinates of the points of order 8: one and its negative.
const ORDER_8: [[u8; 32]; 2] = [
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

#[cfg(all(test, feature = "cosmwasm"))]
mod tests;
