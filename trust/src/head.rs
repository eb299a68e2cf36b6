//! Heads: how much a shard has durably written, and in which order, in 64 bytes.
//!
//! Layer: above `merkle`, `key` and `verified`.
//! Holds: the frozen bytes of a head, its signature, and the check that one head follows another.
//! Never: who may sign; the caller names the signer whose evidence it verified.
//! Invariant: a rollback, a fork and another shard's head are refused, each by its own name.

#[cfg(test)]
mod tests;

use crate::encoding::hex_bytes;
use crate::key::length_prefixed;
use crate::merkle::{Hash, verify_consistency};
use crate::verified::Verified;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use prag_protocol::Lineage;
use serde::{Deserialize, Serialize};

/// Why a head is not believed. None is retryable with the same head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// Older than the remembered head: fewer writes, or an earlier writer.
    #[error("head is older than the one remembered")]
    Rollback,
    /// Does not continue the remembered head, or the proof that it does is wrong.
    #[error("head does not continue the one remembered")]
    Fork,
    /// The head of another shard.
    #[error("head is of another lineage")]
    OtherLineage,
    /// Signed by another key than the one expected.
    #[error("head is signed by another key")]
    OtherSigner,
    /// The signature does not hold, or the key is no key.
    #[error("signature of the head does not hold")]
    Signature,
}

/// A shard's state after `size` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Which shard's data.
    pub lineage: Lineage,
    /// Which writer wrote last; grows with every change of owner.
    pub writer_epoch: u64,
    /// Number of batches ever acknowledged.
    pub size: u64,
    /// Merkle root over their digests ([`crate::merkle`]).
    #[serde(with = "hex_bytes")]
    pub root: Hash,
}

impl Head {
    /// Length of [`Head::to_bytes`].
    pub const BYTES: usize = 64;

    /// The frozen layout, integers big-endian: lineage 16, writer epoch 8, size 8, root 32.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0u8; Self::BYTES];
        out[..16].copy_from_slice(&self.lineage.0);
        out[16..24].copy_from_slice(&self.writer_epoch.to_be_bytes());
        out[24..32].copy_from_slice(&self.size.to_be_bytes());
        out[32..].copy_from_slice(&self.root);
        out
    }

    /// Read [`Head::to_bytes`] back; every 64 bytes are some head.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Self {
            lineage: Lineage(part(bytes, 0)),
            writer_epoch: u64::from_be_bytes(part(bytes, 16)),
            size: u64::from_be_bytes(part(bytes, 24)),
            root: part(bytes, 32),
        }
    }

    /// Sign this head with the worker's key.
    #[must_use]
    pub fn sign(self, key: &SigningKey) -> SignedHead {
        let signature = key.sign(&message(&self)).to_bytes();
        SignedHead { head: self, signer: key.verifying_key().to_bytes(), signature }
    }
}

/// A head and who says so. Claims nothing until [`SignedHead::verify`].
///
/// ```compile_fail,E0308
/// use prag_trust::{head::{Head, SignedHead}, verified::Verified};
/// fn believe(signed: SignedHead) -> Verified<Head> { signed.head }
/// ```
/// ```
/// use prag_trust::{head::{Head, HeadError, SignedHead}, verified::Verified};
/// fn believe(signed: &SignedHead, worker: &[u8; 32]) -> Result<Verified<Head>, HeadError> {
///     signed.verify(worker)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHead {
    /// The head, as claimed.
    pub head: Head,
    /// Ed25519 public key of the worker that signed.
    #[serde(with = "hex_bytes")]
    pub signer: [u8; 32],
    /// Ed25519 over LP("prag/head/v1") ‖ the head's bytes.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

impl SignedHead {
    /// Length of [`SignedHead::to_bytes`].
    pub const BYTES: usize = Head::BYTES + 32 + 64;

    /// The frozen layout: head 64, signer 32, signature 64.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0u8; Self::BYTES];
        out[..64].copy_from_slice(&self.head.to_bytes());
        out[64..96].copy_from_slice(&self.signer);
        out[96..].copy_from_slice(&self.signature);
        out
    }

    /// Read [`SignedHead::to_bytes`] back; nothing is verified.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Self {
            head: Head::from_bytes(&part(bytes, 0)),
            signer: part(bytes, 64),
            signature: part(bytes, 96),
        }
    }

    /// Check that `signer`, a worker whose evidence the caller verified, signed this head.
    ///
    /// # Errors
    /// [`HeadError::OtherSigner`] or [`HeadError::Signature`].
    pub fn verify(&self, signer: &[u8; 32]) -> Result<Verified<Head>, HeadError> {
        if self.signer != *signer {
            return Err(HeadError::OtherSigner);
        }
        let key = VerifyingKey::from_bytes(signer).map_err(|_| HeadError::Signature)?;
        // Strict: no small-order key under which one signature fits many heads.
        key.verify_strict(&message(&self.head), &Signature::from_bytes(&self.signature))
            .map_err(|_| HeadError::Signature)?;
        Ok(Verified::new(self.head))
    }
}

/// Check that `new` is `old` or continues it.
///
/// `proof`: the consistency proof from `old.size` to `new.size` ([`crate::merkle::MerkleLog::consistency`]).
///
/// # Errors
/// [`HeadError::OtherLineage`], [`HeadError::Rollback`] or [`HeadError::Fork`]. A wrong proof is a fork until a right
/// one is shown.
pub fn follows(old: &Head, new: &Head, proof: &[Hash]) -> Result<(), HeadError> {
    if new.lineage != old.lineage {
        return Err(HeadError::OtherLineage);
    }
    if new.size < old.size || new.writer_epoch < old.writer_epoch {
        return Err(HeadError::Rollback);
    }
    verify_consistency(old.size, &old.root, new.size, &new.root, proof).map_err(|_| HeadError::Fork)
}

fn message(head: &Head) -> Vec<u8> {
    let mut message = length_prefixed(&[b"prag/head/v1"]).to_vec();
    message.extend_from_slice(&head.to_bytes());
    message
}

fn part<const N: usize, const M: usize>(bytes: &[u8; M], start: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[start..start + N]);
    out
}
