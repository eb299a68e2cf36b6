//! Keys that a worker asks for itself: of another worker, or of a ledger that keeps shares.
//!
//! Layer: `trust::release`.
//! Holds: the request, signed by the attested key, and the sealed answer to it.
//! Never: an answer to a worker whose evidence did not verify. Whether the owner placed it is the ledger's to say, and
//! which images and settings will do is the giver's; both ask before they answer.
//! Invariant: an answer opens only at the key that asked, for the giver, collection, epoch and nonce it was asked for.
//!
//! Source: RFC 9180, as in [`super`].

use super::{ReleaseError, ReleaseKey, Terms, open, seal};
use crate::address::ed25519_holds;
use crate::encoding::{base64_bytes, digest, hex_bytes, transcript};
use crate::entropy::Entropy;
use crate::evidence::{Evidence, Worker};
use crate::verified::Verified;
use ed25519_dalek::{Signer, SigningKey};
use prag_protocol::{CollectionId, Epoch};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// What a worker asks a giver for. The evidence beside it answers the same nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Whose keys.
    pub collection: CollectionId,
    /// Of which key epoch.
    pub epoch: Epoch,
    /// The giver: another worker's signing key, or a ledger's id.
    #[serde(with = "hex_bytes")]
    pub giver: [u8; 32],
    /// The giver's challenge; of a ledger, a recent root.
    #[serde(with = "hex_bytes")]
    pub nonce: [u8; 32],
    /// Who asks: the attested signing key.
    #[serde(with = "hex_bytes")]
    pub worker: [u8; 32],
    /// Where the answer is sealed to; made for this one request.
    #[serde(with = "hex_bytes")]
    pub release_key: [u8; 32],
    /// Ed25519 by `worker` over all of the above.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

impl Ask {
    /// A request of the worker whose attested key is `worker`.
    #[must_use]
    pub fn sign(terms: &Terms, giver: [u8; 32], key: &ReleaseKey, worker: &SigningKey) -> Self {
        let mut ask = Self {
            collection: terms.collection,
            epoch: terms.epoch,
            giver,
            nonce: terms.nonce,
            worker: worker.verifying_key().to_bytes(),
            release_key: key.public_key(),
            signature: [0; 64],
        };
        ask.signature = worker.sign(&ask.message()).to_bytes();
        ask
    }

    /// The request, if `giver` is who it was meant for and the key that it names signed it. The nonce is not checked:
    /// only who gave it out knows it.
    ///
    /// # Errors
    /// [`ReleaseError::Recipient`] for another giver; [`ReleaseError::Signature`].
    pub fn verify(&self, giver: &[u8; 32]) -> Result<Verified<Self>, ReleaseError> {
        if self.giver != *giver {
            return Err(ReleaseError::Recipient);
        }
        if !ed25519_holds(&self.worker, &self.message(), &self.signature) {
            return Err(ReleaseError::Signature);
        }
        Ok(Verified::new(*self))
    }

    fn message(&self) -> Vec<u8> {
        let epoch = self.epoch.to_be_bytes();
        transcript(
            "PRAG-ASK/v1",
            &[
                &self.collection.0,
                &epoch,
                &self.giver,
                &self.nonce,
                &self.worker,
                &self.release_key,
            ],
        )
    }
}

/// Keys on their way to the worker that asked for them. Safe to show to the host: sealed.
///
/// It has no sender: a ledger's comes with the ledger's own proof, a worker's as [`SignedAnswer`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The evidence that the giver verified.
    #[serde(with = "hex_bytes")]
    pub evidence_hash: [u8; 32],
    /// The policy that it verified it under.
    #[serde(with = "hex_bytes")]
    pub policy_digest: [u8; 32],
    /// HPKE's encapsulated key.
    #[serde(with = "hex_bytes")]
    pub encapsulated: [u8; 32],
    /// The sealed keys with their tag, at most 64 KiB.
    #[serde(with = "base64_bytes")]
    pub ciphertext: Vec<u8>,
}

impl Answer {
    /// Seal `secret` to a worker whose request and evidence verified, and to nobody else:
    ///
    /// ```compile_fail,E0308
    /// # use prag_trust::{entropy::Entropy, evidence::Worker, release::{Answer, Ask}, verified::Verified};
    /// fn give(ask: &Ask, worker: &Verified<Worker>, chance: &mut dyn Entropy) {
    ///     let _ = Answer::seal(b"keys", ask, worker, chance);
    /// }
    /// ```
    /// ```
    /// # use prag_trust::{entropy::Entropy, evidence::Worker, release::{Answer, Ask}, verified::Verified};
    /// fn give(ask: &Verified<Ask>, worker: &Verified<Worker>, chance: &mut dyn Entropy) {
    ///     let _ = Answer::seal(b"keys", ask, worker, chance);
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ReleaseError::Keys`] where another worker's evidence verified, or the key is no X25519 key;
    /// [`ReleaseError::Entropy`].
    pub fn seal(
        secret: &[u8],
        ask: &Verified<Ask>,
        worker: &Verified<Worker>,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, ReleaseError> {
        if worker.sig_pk != ask.worker {
            return Err(ReleaseError::Keys);
        }
        let (evidence_hash, policy_digest) = (worker.evidence_hash, worker.policy_digest);
        let mut answer =
            Self { evidence_hash, policy_digest, encapsulated: [0; 32], ciphertext: Vec::new() };
        let info = answer.info(ask);
        (answer.encapsulated, answer.ciphertext) =
            seal(secret, &ask.release_key, &info, &ask.giver, entropy)?;
        Ok(answer)
    }

    /// Sign as the worker that gives.
    #[must_use]
    pub fn sign(self, ask: &Verified<Ask>, giver: &SigningKey) -> SignedAnswer {
        let signature = giver.sign(&self.message(ask)).to_bytes();
        SignedAnswer { answer: self, signature }
    }

    /// The keys, at the worker that sent `ask` with `evidence`. Whether they are the right ones shows against the
    /// ledger's commitment.
    ///
    /// # Errors
    /// [`ReleaseError::Recipient`] for other evidence or another key than were sent; [`ReleaseError::Open`].
    pub fn open(
        &self,
        ask: &Ask,
        key: &ReleaseKey,
        evidence: &Evidence,
    ) -> Result<Zeroizing<Vec<u8>>, ReleaseError> {
        if self.evidence_hash != evidence.hash() || ask.release_key != key.public_key() {
            return Err(ReleaseError::Recipient);
        }
        open(key, &self.encapsulated, &self.ciphertext, &self.info(ask), &ask.giver)
    }

    /// What HPKE binds: evidence, policy, giver, worker, collection, epoch, nonce.
    fn info(&self, ask: &Ask) -> [u8; 32] {
        digest(
            "PRAG-ANSWER/v1",
            &[
                &self.evidence_hash,
                &self.policy_digest,
                &ask.giver,
                &ask.worker,
                &ask.collection.0,
                &ask.epoch.to_be_bytes(),
                &ask.nonce,
            ],
        )
    }

    fn message(&self, ask: &Ask) -> Vec<u8> {
        let parts: [&[u8]; 4] =
            [&self.info(ask), &ask.release_key, &self.encapsulated, &self.ciphertext];
        transcript("PRAG-ANSWER-SIGN/v1", &parts)
    }
}

/// An [`Answer`] with its giver's signature.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedAnswer {
    answer: Answer,
    /// Ed25519 by the giver.
    #[serde(with = "hex_bytes")]
    signature: [u8; 64],
}

impl SignedAnswer {
    /// The answer, if it is `giver`'s to this request. `giver`: as its evidence showed in the session that carried both.
    ///
    /// # Errors
    /// [`ReleaseError::Signature`] where another worker gave it, or it answers another request.
    pub fn verify(&self, ask: &Ask, giver: &Verified<Worker>) -> Result<&Answer, ReleaseError> {
        let signed = ed25519_holds(&giver.sig_pk, &self.answer.message(ask), &self.signature);
        if giver.sig_pk == ask.giver && signed {
            Ok(&self.answer)
        } else {
            Err(ReleaseError::Signature)
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Answer(…)")
    }
}

impl fmt::Debug for SignedAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SignedAnswer(…)")
    }
}

#[cfg(test)]
mod tests;
