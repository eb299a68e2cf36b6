//! Signatures, as a chain checks them.
//!
//! Layer: bottom of the core.
//! Holds: the one question that contracts ask; shells answer it with their host's function.
//! Never: an implementation; keys of ours.
//! Invariant: an answer depends on the arguments only.

/// What a shell can verify.
pub trait Verify {
    /// Whether `signature` is that of `message` under the Ed25519 public key `key` (RFC 8032).
    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool;
}
