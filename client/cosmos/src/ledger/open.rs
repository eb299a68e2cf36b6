//! How a chain's ledger begins.
//!
//! Layer: `cosmos`, part of `ledger`.
//! Holds: the ledger of a public chain and of Secret Network, from checked settings; its digest.
//! Never: a question to a node.
//! Invariant: the digest names everything that is believed to begin with.

use super::{CosmosLedger, Reach};
use crate::market::Market;
use crate::purse::Purse;
use crate::secret::{Closed, SecretSettings};
use crate::transaction::Sender;
use crate::{
    Chain, CosmosError, MarketContracts, Network, Payers, Pinned, Settings, TrustedHeader,
};
use prag_protocol::Address;
use prag_trust::address::{SessionKey, WalletKey};
use prag_trust::entropy::{Clock, Entropy};
use std::sync::Arc;
use tokio::sync::OnceCell;

impl CosmosLedger {
    /// The ledger that `settings` name; `wallet` pays for what this process sends. Nothing is asked yet.
    ///
    /// `resume`: what [`CosmosLedger::trusted`] said in an earlier run, kept where nobody else writes; it counts where it
    /// is later than the settings' own. Without it a process can only begin within the trusting period of that one.
    ///
    /// # Errors
    /// [`CosmosError::Setting`] names the field.
    pub fn open(
        settings: Settings,
        resume: Option<TrustedHeader>,
        wallet: &WalletKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CosmosError> {
        settings.check()?;
        let bytes = settings.contract_bytes()?;
        let Settings { network, contract, code_hash } = settings;
        let id = id("prag 2026 cosmos ledger id v1", &network, &contract, &[&code_hash]);
        let reach = Reach::Open { bytes, code_hash, checked: OnceCell::new() };
        let sender = sender(network, resume, wallet, &clock)?;
        Ok(Self { id, contract, reach, sender, market: None, purse: None, clock })
    }

    /// As [`CosmosLedger::open`], on Secret Network. `key`: the worker's attested signing key, which signs its questions.
    ///
    /// Nothing is answered before [`CosmosLedger::pulse`] has been called with success.
    ///
    /// # Errors
    /// [`CosmosError::Setting`] names the field.
    pub fn open_secret(
        settings: SecretSettings,
        resume: Option<TrustedHeader>,
        (wallet, key): (&WalletKey, SessionKey),
        clock: Arc<dyn Clock>,
        chance: Box<dyn Entropy>,
    ) -> Result<Self, CosmosError> {
        settings.check()?;
        let sender = sender(settings.network.clone(), resume, wallet, &clock)?;
        let of = Arc::clone(&sender);
        let closed = Closed::open(&settings, of, (wallet, key), (Arc::clone(&clock), chance))?;
        let SecretSettings { network, contract, code_hash, network_key, .. } = settings;
        let pins = [&code_hash[..], &network_key];
        let id = id("prag 2026 secret ledger id v1", &network, &contract, &pins);
        let reach = Reach::Secret(Box::new(closed));
        Ok(Self { id, contract, reach, sender, market: None, purse: None, clock })
    }

    /// With the contracts beside access.
    ///
    /// # Errors
    /// [`CosmosError::Setting`] where one is no contract of this chain.
    pub fn with_market(mut self, contracts: MarketContracts) -> Result<Self, CosmosError> {
        let chain = Chain { sender: Arc::clone(&self.sender) };
        let Reach::Open { code_hash, .. } = &self.reach else {
            return Err(CosmosError::Setting("market"));
        };
        let ledger = Pinned { contract: self.contract.clone(), code_hash: *code_hash };
        self.market = Some(Market::open(chain, ledger, contracts)?);
        Ok(self)
    }

    /// Paying for other accounts' messages only as `payers` say.
    #[must_use]
    pub fn with_payers(mut self, payers: Payers) -> Self {
        self.purse = Some(Purse::new(payers));
        self
    }
}

/// Who sends; a header that was kept counts where it is later than the settings' own.
fn sender(
    network: Network,
    resume: Option<TrustedHeader>,
    wallet: &WalletKey,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<Sender>, CosmosError> {
    let resume = resume.filter(|resume| resume.height > network.trusted.height);
    Ok(Arc::new(Sender::open(network, resume, wallet, Arc::clone(clock))?))
}

/// Digest of what is believed of a ledger to begin with.
fn id(kind: &str, network: &Network, contract: &Address, pins: &[&[u8]]) -> [u8; 32] {
    let Network { chain_id, trusted, .. } = network;
    let mut hasher = blake3::Hasher::new_derive_key(kind);
    let height = trusted.height.to_be_bytes();
    let parts = [chain_id.as_bytes(), contract.as_str().as_bytes()];
    for part in parts.iter().chain(pins).chain(&[&height[..], &trusted.hash]) {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        hasher.update(&length.to_be_bytes()).update(part);
    }
    *hasher.finalize().as_bytes()
}
