//! The ledger that a worker obeys, on a chain.
//!
//! Layer: top of `cosmos`; implements `prag_client::ledger::Ledger`.
//! Holds: reads by proof where storage is open, by encrypted questions on Secret Network (`secret::closed`); writes by
//! proven transactions; other senders' messages relayed.
//! Never: a view that is older than the staleness bound, or that one node made up; shares (storage is open on public
//! chains, and the access contract of Secret takes none); a scope in clear.
//! Invariant: before the first answer, a public contract is proven to be the code that the settings name, with nobody who
//! could replace it; on Secret each message is sealed for that code.

use crate::account::Account;
use crate::market::Market;
use crate::purse::Purse;
use crate::secret::{Closed, SecretSettings};
use crate::transaction::Sender;
use crate::{
    Chain, CosmosError, MarketContracts, Payers, Settings, TrustedHeader, VerifiedHeader, code,
};
use async_trait::async_trait;
use cosmrs::proto::cosmwasm::wasm::v1::MsgExecuteContract;
use prag_client::ledger::{Authorization, Ledger, LedgerError, LedgerHead, Standing};
use prag_client::relay::Relay;
use prag_protocol::ledger::bank::Coin;
use prag_protocol::ledger::market::{MarketMsg, MarketQuery, MarketReply};
use prag_protocol::ledger::transaction::TransactionTerms;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply};
use prag_protocol::{Address, CollectionId};
use prag_trust::address::{SessionKey, WalletKey};
use prag_trust::admission::AccessView;
use prag_trust::entropy::{Clock, Entropy};
use prag_trust::permit::Expected;
use prag_trust::scope::SealedScope;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The access contract of one chain.
pub struct CosmosLedger {
    id: [u8; 32],
    contract: Address,
    reach: Reach,
    sender: Arc<Sender>,
    market: Option<Market>,
    /// Nobody's limit where it is absent.
    purse: Option<Purse>,
    clock: Arc<dyn Clock>,
}

/// How the contract is reached.
enum Reach {
    /// Its rows are open, and proven one by one.
    Open {
        /// Its address in bytes.
        bytes: [u8; 32],
        /// Of its code.
        code_hash: [u8; 32],
        /// That it is that code.
        checked: OnceCell<()>,
    },
    /// It answers itself, encrypted.
    Secret(Box<Closed>),
}

/// What a contract may take beside the ledger's messages (`relay`).
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Wrapped<'a> {
    Relayed(&'a Relay),
}

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
        self.market = Some(Market::open(chain, contracts)?);
        Ok(self)
    }

    /// Paying for other accounts' messages only as `payers` say.
    #[must_use]
    pub fn with_payers(mut self, payers: Payers) -> Self {
        self.purse = Some(Purse::new(payers));
        self
    }

    fn market(&self) -> Result<&Market, LedgerError> {
        self.market.as_ref().ok_or(LedgerError::NoMarket)
    }

    /// Who pays for what this process sends.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.sender.account
    }

    /// The newest verified header, to resume from.
    ///
    /// # Errors
    /// As of any view.
    pub async fn trusted(&self) -> Result<TrustedHeader, CosmosError> {
        let header = self.sender.rows.header().await?;
        Ok(TrustedHeader { height: header.height(), hash: header.hash() })
    }

    /// Leads on to the newest header, and proves ahead what was asked for under the last: to be called about once a second.
    /// From the first success on, reads are answered of what this has found, and wait for no node.
    ///
    /// # Errors
    /// Why there is no newer header; reads go on until the last one is stale.
    pub async fn follow(&self) -> Result<VerifiedHeader, CosmosError> {
        self.sender.rows.follow().await
    }

    /// Sends what proves to this worker that nodes show no state from before, where its ledger needs that and it is time:
    /// to be called about once a second, beside [`CosmosLedger::follow`]. Waits for some blocks where it does; true then.
    ///
    /// # Errors
    /// As of any transaction; reads go on until the last one is too old.
    pub async fn pulse(&self) -> Result<bool, CosmosError> {
        match &self.reach {
            Reach::Open { .. } => Ok(false),
            Reach::Secret(closed) => closed.pulse_if_due().await,
        }
    }

    /// What permits and relayed messages must name.
    #[must_use]
    pub fn expected(&self) -> Expected {
        Expected { chain_id: self.chain_id(), contract: self.contract() }
    }

    /// Sends a message of this account, or one that its sender signed; returns the height at which it holds.
    async fn send(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: AccessMsg,
    ) -> Result<u64, CosmosError> {
        message.check().map_err(|error| CosmosError::Refused(error.to_string()))?;
        stays_sealed(&message)?;
        self.checked().await?;
        let json = if sender == self.account().address() {
            serde_json::to_vec(&self.sender.border.message(message)?)
        } else {
            let now = self.clock.now();
            let relay = Relay::check(authorization, &self.expected(), sender, &message, now)?;
            if let Some(purse) = &self.purse {
                purse.pay_for(sender, now)?;
            }
            serde_json::to_vec(&Wrapped::Relayed(&relay))
        };
        let msg = json.map_err(|_| CosmosError::Setting("message"))?;
        let (sender, contract) = (self.sender.there(), self.contract.as_str().to_owned());
        match &self.reach {
            Reach::Open { .. } => {
                let execute = MsgExecuteContract { sender, contract, msg, funds: Vec::new() };
                Ok(self.sender.send(&execute).await?.height)
            }
            Reach::Secret(closed) => closed.execute(&msg).await,
        }
    }

    async fn ask(&self, query: AccessQuery) -> Result<AccessReply, CosmosError> {
        self.checked().await?;
        let Sender { border, rows, .. } = self.sender.as_ref();
        let query = border.question(query)?;
        let reply = match &self.reach {
            Reach::Open { bytes, .. } => rows.answer(bytes, &query).await?,
            Reach::Secret(closed) => closed.ask(query).await?,
        };
        Ok(border.answer(reply)?)
    }

    /// The contract's code and administrator, proven once: without an administrator they cannot change but by the
    /// chain's own governance.
    async fn checked(&self) -> Result<(), CosmosError> {
        let Reach::Open { bytes, code_hash, checked } = &self.reach else { return Ok(()) };
        let pinned = || code::pinned(&self.sender.rows, bytes, code_hash);
        checked.get_or_try_init(pinned).await.copied()
    }

    async fn remembered(&self, head: LedgerHead) -> Result<(), CosmosError> {
        let header = self.sender.rows.header_at(head.height).await?;
        if header.hash() == head.root { Ok(()) } else { Err(CosmosError::Fork(head.height)) }
    }
}

#[async_trait]
impl Ledger for CosmosLedger {
    fn id(&self) -> [u8; 32] {
        self.id
    }

    fn chain_id(&self) -> String {
        self.sender.network.chain_id.clone()
    }

    fn contract(&self) -> String {
        self.contract.as_str().to_owned()
    }

    fn authorization(&self) -> Authorization {
        Authorization::Relay
    }

    fn spelled(&self, account: &Address) -> Address {
        self.sender.border.out(account).unwrap_or_else(|_| account.clone())
    }

    fn is_account(&self, account: &Address) -> bool {
        let Ok(there) = self.sender.border.out(account) else { return false };
        there == *account || self.sender.border.back(account).is_ok_and(|here| here == *account)
    }

    async fn standing(&self) -> Result<Standing, LedgerError> {
        let header = self.sender.rows.shown()?;
        let kind = match &self.reach {
            Reach::Open { .. } => "cosmos",
            Reach::Secret(closed) => {
                closed.holds()?;
                "secret"
            }
        };
        Ok(Standing { kind, height: header.height(), time: Some(header.time()) })
    }

    async fn execute(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: AccessMsg,
    ) -> Result<u64, LedgerError> {
        Ok(self.send(sender, authorization, message).await?)
    }

    async fn view(
        &self,
        collection: CollectionId,
        caller: &Address,
        permit_name: &str,
    ) -> Result<AccessView, LedgerError> {
        let (caller, permit_name) = (caller.clone(), permit_name.to_owned());
        match self.ask(AccessQuery::Admission { collection, caller, permit_name }).await? {
            AccessReply::Admission(view) => Ok(view),
            _ => Err(LedgerError::Unavailable("an answer to another question".to_owned())),
        }
    }

    async fn query(&self, query: AccessQuery) -> Result<AccessReply, LedgerError> {
        Ok(self.ask(query).await?)
    }

    /// The newest verified header: its height and block hash. Zeros while no node leads to one.
    async fn head(&self) -> LedgerHead {
        match self.sender.rows.header().await {
            Ok(header) => LedgerHead { height: header.height(), root: header.hash() },
            Err(_) => LedgerHead { height: 0, root: [0; 32] },
        }
    }

    fn has_market(&self) -> bool {
        self.market.is_some()
    }

    async fn market_terms(
        &self,
        sender: &Address,
        message: &MarketMsg,
        funds: &[Coin],
    ) -> Result<Option<TransactionTerms>, LedgerError> {
        Ok(Some(self.market()?.terms(sender, message.clone(), funds).await?))
    }

    async fn execute_market(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: MarketMsg,
        funds: &[Coin],
    ) -> Result<u64, LedgerError> {
        Ok(self.market()?.execute(sender, authorization, message, funds).await?)
    }

    async fn query_market(
        &self,
        caller: Option<&Address>,
        query: MarketQuery,
    ) -> Result<MarketReply, LedgerError> {
        Ok(self.market()?.ask(caller, query).await?)
    }

    /// A chain needs no confirmation to serve; a head that is not its own shows that nodes lead astray.
    async fn confirm(&self, remembered: LedgerHead) -> Result<(), LedgerError> {
        Ok(self.remembered(remembered).await?)
    }
}

/// Whatever the caller thinks of its ledger: what a grantee is narrowed to never stands on a chain in clear.
fn stays_sealed(message: &AccessMsg) -> Result<(), CosmosError> {
    match message {
        AccessMsg::Grant { scope: Some(text), .. } if !SealedScope::is(text) => {
            Err(CosmosError::Refused("a scope goes to a chain sealed".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Who sends; a header that was kept counts where it is later than the settings' own.
fn sender(
    network: crate::Network,
    resume: Option<TrustedHeader>,
    wallet: &WalletKey,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<Sender>, CosmosError> {
    let resume = resume.filter(|resume| resume.height > network.trusted.height);
    Ok(Arc::new(Sender::open(network, resume, wallet, Arc::clone(clock))?))
}

/// Digest of what is believed of a ledger to begin with.
fn id(kind: &str, network: &crate::Network, contract: &Address, pins: &[&[u8]]) -> [u8; 32] {
    let crate::Network { chain_id, trusted, .. } = network;
    let mut hasher = blake3::Hasher::new_derive_key(kind);
    let height = trusted.height.to_be_bytes();
    let parts = [chain_id.as_bytes(), contract.as_str().as_bytes()];
    for part in parts.iter().chain(pins).chain(&[&height[..], &trusted.hash]) {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        hasher.update(&length.to_be_bytes()).update(part);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests;
