//! Keys for another worker.
//!
//! Layer: flow.
//! Holds: the giving side of vault kind `peer`: challenge, checks, answer.
//! Never: keys by image alone; keys of a collection that does not serve here; a second answer to one challenge.
//! Invariant: what leaves is sealed to a worker that the owner placed by name, for the current epoch, by a fresh ledger
//! view, and whose evidence over our challenge shows our like.
//!
//! Who may give. `Place` names one worker a shard, so the giver is usually no longer placed itself: the owner has moved
//! the shard, and the giver's last duty is to hand it over. The placement of the *asking* worker is the owner's order to
//! do so. What the giver must be able to say for itself: it serves the shard at this moment, with keys that opened the
//! ledger's commitment and were not wiped since (lease over, collection destroyed: then it holds nothing to give). Shares
//! lie in memory beside the shard's other keys and go with them, and only where the settings list `peer`.
//!
//! A worker that is not placed learns nothing: absent, foreign and destroyed collections answer alike, and no evidence
//! is verified for it.

use super::challenge::Spent;
use super::vaults::Word;
use super::{Worker, problems};
use crate::vault::{Entry, Handover};
use prag_client::system::OsEntropy;
use prag_client::vault::VaultError;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::VaultKind;
use prag_protocol::wire::peer::{PeerChallenge, PeerRelease, PeerReleased};
use prag_trust::evidence::{Evidence, Worker as Like};
use prag_trust::release::{Answer, Ask};
use prag_trust::verified::Verified;
use zeroize::Zeroizing;

impl Worker {
    /// Whether this worker gives keys to its like.
    pub(super) fn gives(&self) -> bool {
        self.0.settings.vault.contains(&VaultKind::Peer)
    }

    /// A challenge for a worker that will ask for keys.
    ///
    /// # Errors
    /// `forbidden` where this worker gives none.
    pub fn peer_challenge(&self) -> Result<PeerChallenge, Problem> {
        if !self.gives() {
            return Err(problems::forbidden());
        }
        let nonce = self.0.challenges.issue(self.now(), &mut OsEntropy);
        let nonce = nonce.map_err(|_| Problem::new(Code::Internal, "no randomness"))?;
        Ok(PeerChallenge { nonce: hex::encode(nonce) })
    }

    /// Both shares of a collection, and what it is, for a worker that the owner placed.
    ///
    /// # Errors
    /// `forbidden`, `replayed`, `ledger-stale`, `key-missing`.
    pub async fn peer_release(&self, release: PeerRelease) -> Result<PeerReleased, Problem> {
        if !self.gives() {
            return Err(problems::forbidden());
        }
        let bad = |field| Problem::new(Code::InvalidField, "does not parse").field(field);
        let ask: Ask = serde_json::from_value(release.ask).map_err(|_| bad("ask"))?;
        let evidence: Evidence =
            serde_json::from_value(release.evidence).map_err(|_| bad("evidence"))?;
        self.0.challenges.check(&ask.nonce, self.now()).map_err(spent)?;
        let ask = ask.verify(&self.worker_key()).map_err(|error| {
            Problem::new(Code::SignatureInvalid, error.to_string()).field("ask")
        })?;
        let word = self.word(ask.collection).await?;
        ordered(&ask, &word)?;
        self.0.challenges.spend(&ask.nonce, self.now()).map_err(spent)?;
        let like = self.like(&ask, evidence, word).await?;
        let held = self.known(ask.collection)?;
        if held.resting().is_some() {
            // Its keys and its head are here: it stays closed, and what a waking checks is checked all the same.
            self.check_policy(ask.collection).await?;
            if let Some(superseded) = self.writes(&held.entry).await? {
                return Err(problems::collection(superseded));
            }
        }
        let secret = self.secret_of(&ask)?;
        let failed = |_| Problem::new(Code::Internal, "the answer was not sealed");
        let answer = Answer::seal(&secret, &ask, &like, &mut OsEntropy).map_err(failed)?;
        let signed = answer.sign(&ask, &self.0.parts.signing);
        tracing::info!("keys of one collection were released to another worker");
        let answer = serde_json::to_value(signed);
        Ok(PeerReleased { answer: answer.map_err(|_| bad("answer"))? })
    }

    async fn like(
        &self,
        ask: &Verified<Ask>,
        evidence: Evidence,
        word: Word,
    ) -> Result<Verified<Like>, Problem> {
        let (ask, portrait) = (*ask, self.0.parts.portrait.clone());
        let work = move || portrait.verify(&ask, &evidence, word.images.as_deref());
        let verified = tokio::task::spawn_blocking(work).await.map_err(problems::internal)?;
        verified.map_err(|error| match error {
            VaultError::Evidence => Problem::new(
                Code::Forbidden,
                "the evidence is not of a worker of this ledger, image and settings",
            ),
            other => Problem::new(Code::Device, other.to_string()),
        })
    }

    /// What is handed over, if the collection serves here, open or at rest, with the keys of that epoch.
    fn secret_of(&self, ask: &Ask) -> Result<Zeroizing<Vec<u8>>, Problem> {
        let missing = || Problem::new(Code::KeyMissing, "this worker has no keys to give");
        let held = self.known(ask.collection)?;
        // What the giver has yet to remove is no business of another disk's.
        let entry = Entry { spare: Vec::new(), ..held.entry_now() };
        let packed = if let Some(rest) = held.resting() {
            let handover = Handover { entry, head: rest.head };
            rest.with_shares(ask.epoch, |shares| handover.pack(shares))
        } else {
            let shard = held.kept().map_err(|_| missing())?;
            let handover = Handover { entry, head: shard.durable_head().ok_or_else(missing)? };
            shard.with_shares(ask.epoch, |shares| handover.pack(shares))
        };
        packed.ok_or_else(missing)?.map_err(super::collections::vault)
    }
}

/// The owner's order: this very worker, this epoch, and it is the current one.
fn ordered(ask: &Ask, word: &Word) -> Result<(), Problem> {
    let placed = word
        .placement
        .as_ref()
        .is_some_and(|placement| placement.worker == ask.worker && placement.epoch == ask.epoch);
    if placed && ask.epoch == word.record.epoch { Ok(()) } else { Err(problems::forbidden()) }
}

fn spent(spent: Spent) -> Problem {
    match spent {
        Spent::Unknown => {
            Problem::new(Code::Forbidden, "the challenge is not one of this worker, or too old")
        }
        Spent::Replayed => Problem::new(Code::Replayed, "the challenge was answered before"),
        Spent::Full => Problem::new(Code::Overloaded, "too many releases at once"),
    }
}
