//! Signatures, by the chain's own functions.
//!
//! Layer: shell.
//! Holds: the seams of `core` and `permit`, over one API.
//! Never: curves in wasm; an Ed25519 key of small order. Chains verify by ZIP 215, which takes those, and under one of
//! them anybody signs anything.
//! Invariant: an error of the chain's is a signature that does not verify.

use crate::std::Api;
use prag_contracts_core::Verify;
use prag_contracts_permit::small_order;

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

#[cfg(all(test, feature = "cosmwasm"))]
mod tests;
