//! Vault kind `chain`: shares from a ledger that keeps them.
//!
//! Layer: vault.
//! Holds: the worker's side: evidence over a recent root of the ledger, and the answer to it.
//! Never: a query where a transaction is due; the owner's share of a collection that is not managed.
//! Invariant: what the ledger releases is sealed to a key that this worker's attested key signed for.
//!
//! A ledger's answer has no signature: whoever forges one gives a share that does not open the commitment.

use super::handover::unpack;
use super::portrait::Portrait;
use async_trait::async_trait;
use prag_client::ledger::{Ledger, LedgerError};
use prag_client::vault::{Fetched, KeyVault, VaultError, Wanted};
use prag_protocol::Address;
use prag_protocol::wire::collections::VaultKind;
use prag_trust::key::Share;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The worker's ledger, as a giver of keys.
pub struct ChainVault {
    ledger: Arc<dyn Ledger>,
    account: Address,
    portrait: Arc<Portrait>,
}

impl ChainVault {
    /// `account`: the worker's on that ledger.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>, account: Address, portrait: Arc<Portrait>) -> Self {
        Self { ledger, account, portrait }
    }

    /// The ledger's own share, for a worker that gets the owner's from the owner.
    ///
    /// # Errors
    /// As [`KeyVault::fetch`].
    pub async fn share(&self, wanted: &Wanted<'_>) -> Result<Share, VaultError> {
        let secret = self.ask(wanted).await?;
        let chain = secret.first_chunk::<32>().ok_or(VaultError::Answer)?;
        Ok(Share::from_bytes(chain))
    }

    async fn ask(&self, wanted: &Wanted<'_>) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        if !self.ledger.keeps_shares() {
            return Err(VaultError::Unsupported);
        }
        let nonce = self.ledger.head().await.root;
        let asking = self.portrait.ask(wanted, self.ledger.id(), nonce).await?;
        let (evidence, binding) = (&asking.evidence, &asking.binding);
        let answer = self.ledger.release_shares(&self.account, &asking.ask, evidence, binding);
        asking.open(&answer.await.map_err(explain)?)
    }
}

#[async_trait]
impl KeyVault for ChainVault {
    fn kind(&self) -> VaultKind {
        VaultKind::Chain
    }

    async fn fetch(&self, wanted: &Wanted<'_>) -> Result<Fetched, VaultError> {
        let secret = self.ask(wanted).await?;
        match secret.len() {
            32 => Err(VaultError::OwnerShare),
            64 => unpack(&secret),
            _ => Err(VaultError::Answer),
        }
    }
}

fn explain(error: LedgerError) -> VaultError {
    match error {
        LedgerError::Refused(_) => VaultError::Refused,
        LedgerError::Unconfirmed | LedgerError::RolledBack => VaultError::Stale,
        LedgerError::Unsupported => VaultError::Unsupported,
        _ => VaultError::Unreachable,
    }
}
