//! This worker as it shows itself to whoever has its keys, and what it wants another worker to be.
//!
//! Layer: vault.
//! Holds: its attested key, evidence on demand, and the policy under which another worker is its like.
//! Never: a placement, which is the ledger's to say; a rule that is looser for others than for this worker itself.
//! Invariant: a like worker follows the same ledger under the same settings, and its image is one that the owner put on
//! the ledger, or else this worker's own.
//!
//! The worker reads its own image from its own evidence. On TDX the host carries that evidence and could bring another
//! image's, so this is the second line: the first is the owner's placement, which names the very key whose evidence the
//! owner verified. An owner who wants both sets measurements on the ledger.

use ed25519_dalek::SigningKey;
use prag_client::system::OsEntropy;
use prag_client::vault::{VaultError, Wanted};
use prag_trust::entropy::{Clock, random};
use prag_trust::evidence::{Binding, BindingPurpose, Evidence, Policy, Tee, Verifier, Worker};
use prag_trust::release::{Answer, Ask, ReleaseKey, Terms};
use prag_trust::verified::Verified;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What this worker is.
pub struct Portrait {
    /// Gives evidence.
    pub tee: Arc<dyn Tee>,
    /// Checks that of others.
    pub verifier: Arc<dyn Verifier>,
    /// The key of this boot.
    pub signing: SigningKey,
    /// The worker's time.
    pub clock: Arc<dyn Clock>,
    /// The ledger that it obeys.
    pub ledger_id: [u8; 32],
    /// Digest of its settings.
    pub config_digest: [u8; 32],
    /// Epoch of the measurement policy that it follows.
    pub policy_epoch: u64,
    /// Which firmware and GPUs others may have; its lists are not used.
    pub platform: Policy,
}

/// A request under way.
pub(super) struct Asking {
    pub(super) ask: Ask,
    pub(super) evidence: Evidence,
    pub(super) binding: Binding,
    key: ReleaseKey,
}

impl Asking {
    /// What the giver sealed.
    pub(super) fn open(&self, answer: &Answer) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        answer.open(&self.ask, &self.key, &self.evidence).map_err(|_| VaultError::Answer)
    }
}

impl Portrait {
    /// Ask `giver` for keys, over its nonce, with a release key made for this.
    pub(super) async fn ask(
        self: &Arc<Self>,
        wanted: &Wanted<'_>,
        giver: [u8; 32],
        nonce: [u8; 32],
    ) -> Result<Asking, VaultError> {
        let key = ReleaseKey::random(&mut OsEntropy).map_err(|_| VaultError::NoEvidence)?;
        let terms = Terms { collection: wanted.collection, epoch: wanted.epoch, nonce };
        let ask = Ask::sign(&terms, giver, &key, &self.signing);
        let binding = self.binding(ask.worker, nonce);
        let asker = Arc::clone(self);
        let work = move || asker.tee.evidence(&binding, &asker.signing);
        let evidence = tokio::task::spawn_blocking(work);
        let evidence = evidence.await.map_err(|_| VaultError::NoEvidence)?;
        let evidence = evidence.map_err(|_| VaultError::NoEvidence)?;
        Ok(Asking { ask, evidence, binding, key })
    }

    /// The worker that asks, if its evidence over the nonce of `ask` shows this worker's like. `images`: those of the
    /// collection's policy on the ledger, if there is one. Blocks.
    ///
    /// # Errors
    /// [`VaultError::Evidence`]; [`VaultError::NoEvidence`] where this worker cannot tell its own image.
    pub fn verify(
        &self,
        ask: &Verified<Ask>,
        evidence: &Evidence,
        images: Option<&[[u8; 32]]>,
    ) -> Result<Verified<Worker>, VaultError> {
        let policy = self.policy(images)?;
        let binding = self.binding(ask.worker, ask.nonce);
        self.verifier.verify(evidence, &binding, &policy, self.clock.now()).map_err(|error| {
            tracing::warn!(%error, "a worker that asks for keys was refused");
            VaultError::Evidence
        })
    }

    /// The policy under which another worker is this one's like. Blocks.
    pub(super) fn policy(&self, images: Option<&[[u8; 32]]>) -> Result<Policy, VaultError> {
        match images {
            Some(images) => Ok(self.like(images.to_vec())),
            None => Ok(self.like(vec![self.image()?])),
        }
    }

    fn like(&self, measurements: Vec<[u8; 32]>) -> Policy {
        Policy {
            epoch: self.policy_epoch,
            measurements,
            ledger_ids: vec![self.ledger_id],
            config_digests: vec![self.config_digest],
            ..self.platform.clone()
        }
    }

    fn image(&self) -> Result<[u8; 32], VaultError> {
        let nonce = random(&mut OsEntropy).map_err(|_| VaultError::NoEvidence)?;
        let own = self.signing.verifying_key().to_bytes();
        let binding = self.binding(own, nonce);
        let evidence =
            self.tee.evidence(&binding, &self.signing).map_err(|_| VaultError::NoEvidence)?;
        let image = self.verifier.image(&evidence, &binding, self.clock.now());
        image.map_err(|_| VaultError::NoEvidence)
    }

    /// What a worker of this ledger and these settings claims. No TLS key: what is released is sealed to a key of its own.
    fn binding(&self, worker: [u8; 32], nonce: [u8; 32]) -> Binding {
        Binding {
            purpose: BindingPurpose::Peer,
            sig_pk: worker,
            tls_spki_sha256: [0; 32],
            nonce,
            ledger_id: self.ledger_id,
            config_digest: self.config_digest,
            policy_epoch: self.policy_epoch,
        }
    }
}
