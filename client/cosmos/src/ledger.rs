//! The ledger that a worker obeys, on a chain.
//!
//! Layer: top of `cosmos`; implements `prag_client::ledger::Ledger`.
//! Holds: reads by proof where storage is open, by encrypted questions on Secret Network (`secret::closed`); writes by
//! proven transactions; other senders' messages relayed.
//! Never: a view that is older than the staleness bound, or that one node made up; shares (storage is open on public
//! chains, and the access contract of Secret takes none); a scope in clear.
//! Invariant: before the first answer, a public contract is proven to be the code that the settings name, with nobody who
//! could replace it; on Secret each message is sealed for that code.

mod open;

use crate::account::Account;
use crate::market::Market;
use crate::purse::Purse;
use crate::secret::Closed;
use crate::transaction::Sender;
use crate::{CosmosError, TrustedHeader, VerifiedHeader, code};
use async_trait::async_trait;
use cosmrs::proto::cosmwasm::wasm::v1::MsgExecuteContract;
use prag_client::introduction::Introduction;
use prag_client::ledger::{Authorization, Ledger, LedgerError, LedgerHead, Standing};
use prag_client::relay::Relay;
use prag_protocol::ledger::bank::Coin;
use prag_protocol::ledger::market::{MarketMsg, MarketQuery, MarketReply};
use prag_protocol::ledger::transaction::TransactionTerms;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply};
use prag_protocol::{Address, CollectionId};
use prag_trust::admission::AccessView;
use prag_trust::entropy::Clock;
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
        admission(self.ask(AccessQuery::Admission { collection, caller, permit_name }).await?)
    }

    async fn view_introduced(
        &self,
        collection: CollectionId,
        caller: &Address,
        permit_name: &str,
        introduction: &[u8],
    ) -> Result<AccessView, LedgerError> {
        let Reach::Secret(closed) = &self.reach else {
            return self.view(collection, caller, permit_name).await;
        };
        let (guest, now) = (closed.guest(), self.clock.now());
        let word = Introduction::check(introduction, &self.expected(), caller, &guest, now);
        let word =
            word.map_err(|rule| LedgerError::Refused(format!("the caller's word: {rule}")))?;
        let (border, permit_name) = (&self.sender.border, permit_name.to_owned());
        let query = AccessQuery::Admission { collection, caller: caller.clone(), permit_name };
        let query = border.question(query).map_err(CosmosError::from)?;
        let reply = closed.ask_introduced(query, word).await?;
        admission(border.answer(reply).map_err(CosmosError::from)?)
    }

    fn is_closed(&self) -> bool {
        matches!(self.reach, Reach::Secret(_))
    }

    async fn is_after(&self, then: u64) -> bool {
        match &self.reach {
            Reach::Open { .. } => true,
            Reach::Secret(closed) => closed.is_after(then).await,
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

fn admission(reply: AccessReply) -> Result<AccessView, LedgerError> {
    match reply {
        AccessReply::Admission(view) => Ok(view),
        _ => Err(LedgerError::Unavailable("an answer to another question".to_owned())),
    }
}

#[cfg(test)]
mod tests;
