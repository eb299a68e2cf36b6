//! Key release: an owner's share, sealed to one verified worker.
//!
//! Layer: `trust`, above `evidence`, `key` and `request`.
//! Holds: the envelope with the owner's signature, and the worker's release key; in `ask`, what workers ask for
//! themselves.
//! Never: a share for a worker whose evidence or keys did not verify; a share without a sender (HPKE
//! alone has none).
//! Invariant: a share opens only at the worker, for the collection, epoch and signer it was sealed for.

mod ask;

pub use ask::{Answer, Ask, SignedAnswer};

use crate::address::{SessionKey, ed25519_holds};
use crate::encoding::{digest, hex_bytes, transcript};
use crate::entropy::{Entropy, EntropyError};
use crate::evidence::{Worker, WorkerKeys};
use crate::key::Share;
use crate::request::Caller;
use crate::verified::Verified;
use prag_protocol::{CollectionId, Epoch};
use prag_seal::envelope::{Opener, seal};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a share is not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The keys belong to another worker than the evidence, or the release key is no X25519 key.
    #[error("release key is not the verified worker's")]
    Keys,
    /// The entropy source failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// Sealed for another worker, or for a release key that was rotated out: verify again, release again.
    #[error("share was released to another worker or an older key")]
    Recipient,
    /// Released for another collection or epoch. Not retryable.
    #[error("share was released for another collection or epoch")]
    Terms,
    /// Not signed by the session key that sent it. Not retryable.
    #[error("share is not signed by its sender")]
    Signature,
    /// The envelope does not open. Not retryable.
    #[error("released share does not open")]
    Open,
}

/// What a share is released for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whose share.
    pub collection: CollectionId,
    /// Of which key epoch.
    pub epoch: Epoch,
    /// Fresh for every release; the evidence nonce serves.
    pub nonce: [u8; 32],
}

/// A share on its way to one worker. Safe to show to the host: sealed and signed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasedShare {
    /// Whose share.
    pub collection: CollectionId,
    /// Of which key epoch.
    pub epoch: Epoch,
    /// As in [`Terms`].
    #[serde(with = "hex_bytes")]
    pub nonce: [u8; 32],
    /// The worker's signing key.
    #[serde(with = "hex_bytes")]
    pub worker: [u8; 32],
    /// The worker's X25519 key.
    #[serde(with = "hex_bytes")]
    pub release_key: [u8; 32],
    /// The evidence that the owner verified.
    #[serde(with = "hex_bytes")]
    pub evidence_hash: [u8; 32],
    /// The policy that the owner verified it under.
    #[serde(with = "hex_bytes")]
    pub policy_digest: [u8; 32],
    /// The owner's session key.
    #[serde(with = "hex_bytes")]
    pub signer: [u8; 32],
    /// HPKE's encapsulated key.
    #[serde(with = "hex_bytes")]
    pub encapsulated: [u8; 32],
    /// The sealed share with its tag.
    #[serde(with = "hex_bytes")]
    pub ciphertext: [u8; 48],
    /// Ed25519 by `signer` over all of the above.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

/// A worker's X25519 key that shares are released to. Lives in the TEE for about an hour; wiped on drop.
///
/// ```compile_fail,E0277
/// fn needs<T: Clone>() {}
/// needs::<prag_trust::release::ReleaseKey>();
/// ```
///
/// ```
/// fn public(key: &prag_trust::release::ReleaseKey) -> [u8; 32] { key.public_key() }
/// ```
pub struct ReleaseKey(Opener);

impl ReleaseKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`EntropyError`] if the source fails.
    pub fn random(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        Opener::random(entropy).map(Self)
    }

    /// The public key, to be signed with [`crate::evidence::sign_keys`].
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.0.public_key()
    }
}

/// Seal `share` to a worker whose evidence and keys verified, signed by the owner's session key.
///
/// # Errors
/// [`ReleaseError::Keys`] unless `keys` are that worker's; [`ReleaseError::Entropy`].
pub fn seal_share(
    share: &Share,
    worker: &Verified<Worker>,
    keys: &Verified<WorkerKeys>,
    terms: &Terms,
    owner: &SessionKey,
    entropy: &mut dyn Entropy,
) -> Result<ReleasedShare, ReleaseError> {
    if worker.sig_pk != keys.sig_pk {
        return Err(ReleaseError::Keys);
    }
    let mut released = ReleasedShare {
        collection: terms.collection,
        epoch: terms.epoch,
        nonce: terms.nonce,
        worker: worker.sig_pk,
        release_key: keys.release_key,
        evidence_hash: worker.evidence_hash,
        policy_digest: worker.policy_digest,
        signer: owner.public_key(),
        encapsulated: [0; 32],
        ciphertext: [0; 48],
        signature: [0; 64],
    };
    let (info, data) = (released.info(), released.signer);
    let sealed = seal(share.expose(), &keys.release_key, &info, &data, entropy)?;
    let (encapsulated, ciphertext) = sealed.ok_or(ReleaseError::Keys)?;
    released.encapsulated = encapsulated;
    released.ciphertext = ciphertext.try_into().map_err(|_| ReleaseError::Keys)?;
    released.signature = owner.sign(&released.message());
    Ok(released)
}

/// Open a share at the worker whose signing key is `own`.
///
/// `caller` sent the request that carries the share: it must be the signer. Whether it owns the
/// collection, and whether the worker has a placement, is admission's and the ledger's to say; whether
/// the share is the right one shows against the key commitment.
///
/// # Errors
/// [`ReleaseError`], one per rule, the envelope last.
pub fn open_share(
    released: &ReleasedShare,
    key: &ReleaseKey,
    own: &[u8; 32],
    caller: &Verified<Caller>,
    collection: CollectionId,
    epoch: Epoch,
) -> Result<Share, ReleaseError> {
    if released.worker != *own || released.release_key != key.public_key() {
        return Err(ReleaseError::Recipient);
    }
    if released.collection != collection || released.epoch != epoch {
        return Err(ReleaseError::Terms);
    }
    let signed = ed25519_holds(&released.signer, &released.message(), &released.signature);
    if released.signer != caller.session_key || !signed {
        return Err(ReleaseError::Signature);
    }
    let (encapsulated, ciphertext) = (&released.encapsulated, &released.ciphertext);
    let opened = key.0.open(encapsulated, ciphertext, &released.info(), &released.signer);
    let bytes = opened.ok_or(ReleaseError::Open)?;
    let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| ReleaseError::Open)?;
    Ok(Share::from_bytes(bytes))
}

impl ReleasedShare {
    /// What HPKE binds: evidence, policy, worker, collection, epoch, nonce.
    fn info(&self) -> [u8; 32] {
        digest(
            "PRAG-RELEASE/v1",
            &[
                &self.evidence_hash,
                &self.policy_digest,
                &self.worker,
                &self.collection.0,
                &self.epoch.to_be_bytes(),
                &self.nonce,
            ],
        )
    }

    /// What the owner's session key signs.
    fn message(&self) -> Vec<u8> {
        transcript(
            "PRAG-RELEASE-SIGN/v1",
            &[&self.info(), &self.release_key, &self.signer, &self.encapsulated, &self.ciphertext],
        )
    }
}

impl fmt::Debug for ReleasedShare {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ReleasedShare(…)")
    }
}

/// The epoch under which a worker's sealing root is released, for [`CollectionId::WORKER_ROOT`].
pub const ROOT_EPOCH: Epoch = 1;
/// The chain id that permits for a sealed worker name; the contract is the id of its data directory.
pub const SEALED_CHAIN: &str = "prag-sealed";

#[cfg(test)]
mod tests;
