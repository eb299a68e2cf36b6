//! What the chain verifies, and what must hold before it is asked.
//!
//! Layer: bottom of `permit`.
//! Holds: the seam to the chain's curves; the two checks that chains leave out.
//! Never: secrets; arithmetic on points.
//! Invariant: no key of small order and no malleable signature reaches a [`Curves`].

/// The chain's signature checks. False where anything is wrong, malformed input included.
pub trait Curves {
    /// ECDSA over secp256k1: `signature` = r ‖ s, `key` compressed.
    fn secp256k1(&self, hash: &[u8; 32], signature: &[u8; 64], key: &[u8; 33]) -> bool;
    /// Ed25519 over the whole message.
    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool;
}

/// Whether s of r ‖ s is in the lower half of the order: chains take both halves.
pub(crate) fn low_s(signature: &[u8; 64]) -> bool {
    signature[32..] <= HALF_ORDER[..]
}

/// Whether an Ed25519 key has small order: under ZIP-215 rules, which chains use, anybody signs for such a key.
#[must_use]
pub fn small_order(key: &[u8; 32]) -> bool {
    let mut y = *key;
    y[31] &= 0x7f;
    SMALL_ORDER.contains(&y)
}

/// Half the order of secp256k1, rounded down, big-endian. Source: SEC 2, section 2.4.1.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// Every y, little-endian and without the sign bit, of a point whose order divides 8: 0, 1, p - 1, the two of order 8,
/// and p and p + 1, which some readers reduce.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    ends(0x01, 0x00, 0x00),
    ends(0xec, 0xff, 0x7f),
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
    ends(0xed, 0xff, 0x7f),
    ends(0xee, 0xff, 0x7f),
];

/// `first ‖ middle … ‖ last`.
const fn ends(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut out = [middle; 32];
    out[0] = first;
    out[31] = last;
    out
}
