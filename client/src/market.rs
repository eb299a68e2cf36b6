//! The contracts beside access, as a worker's ledger runs them: messages, questions, and an owner's claims.
//!
//! Layer: client, above `sdk`.
//! Holds: typed methods over four routes: messages, questions, royalties, and the worker's own part.
//! Never: an amount in another unit than the smallest.
//! Invariant: what moves money goes under a permit for administration.

use crate::border::Border;
use crate::error::ClientError;
use crate::identity::Purpose;
use crate::sdk::{Call, Client};
use crate::transaction::{Content, payee};
use prag_protocol::CollectionId;
use prag_protocol::ledger::bank::{BankMsg, BankQuery, BankReply, Coin};
use prag_protocol::ledger::coin::Denom;
use prag_protocol::ledger::market::{
    AskAttend, AskExecute, AskRoyalty, Attend, Attended, Contracts, MarketMsg, MarketQuery,
    RoyaltyShown,
};
use prag_protocol::ledger::rewards::{
    EpochView, PoolRecord, RewardsMsg, RewardsQuery, RewardsReply, RewardsSettings, RoyaltyClaim,
};
use prag_protocol::ledger::transaction::{SignedTransaction, TransactionTerms};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::grants::LedgerReply;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

impl Client {
    /// Runs a contract's message for this identity, with funds out of its balance. Where the ledger is a chain, the
    /// worker names the terms of a transaction, and this identity's wallet signs and pays it.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `ledger-refused` or `funds-short`: nothing has changed; [`ClientError::Unasked`]
    /// for terms that are not this identity's, or dearer than ten million of the smallest unit: nothing was signed.
    pub async fn execute_market(
        &self,
        message: MarketMsg,
        funds: Vec<Coin>,
    ) -> Result<LedgerReply, ClientError> {
        let mut body = AskExecute { message, funds, transaction: None };
        // Terms name the account's next transaction: between them and it there is no other of this client's.
        let _alone = self.signing.lock().await;
        let terms = match self.execute(&body).await {
            Err(error) => unsigned(error)?,
            done => return done,
        };
        body.transaction = Some(Box::new(self.sign_transaction(terms, &body).await?));
        self.execute(&body).await
    }

    async fn execute(&self, body: &AskExecute) -> Result<LedgerReply, ClientError> {
        let path = "/v1/ledger/execute".to_owned();
        let reply = self.ask(&Call::json(Purpose::Admin, "POST", path, body)?).await?;
        self.ledger_reply(reply).await
    }

    /// This identity's transaction of just what it asked for.
    async fn sign_transaction(
        &self,
        terms: TransactionTerms,
        body: &AskExecute,
    ) -> Result<SignedTransaction, ClientError> {
        let expected = self.channel().session().await?.expected();
        let border = Border::at(&expected).map_err(|_| ClientError::Unasked)?;
        let own = border.out(self.identity().address()).is_ok_and(|own| own == terms.sender);
        let paid = payee(&border, &body.message).is_none_or(|payee| payee == terms.to);
        let cheap = terms.fee <= FEE_UNITS_MAX;
        if !own || !paid || !cheap || terms.chain_id != expected.chain_id {
            return Err(ClientError::Unasked);
        }
        let content = Content::of(&border, body.message.clone());
        let content = content.map_err(|error| ClientError::Usage(error.to_string()))?;
        let text = content.text(&terms, &body.funds);
        let signed = self.identity().sign_transaction(terms, &text);
        signed.map_err(|_| ClientError::Unasked)
    }

    /// Asks a contract, as this identity; `T` is the reply of that question.
    ///
    /// # Errors
    /// [`ClientError::Problem`].
    pub async fn query_market<T: DeserializeOwned>(
        &self,
        query: &MarketQuery,
    ) -> Result<T, ClientError> {
        let path = "/v1/ledger/query".to_owned();
        let call = Call::json(Purpose::Admin, "POST", path, query)?;
        // One field, named as the contract.
        let reply: BTreeMap<String, T> = self.ask(&call).await?;
        reply.into_values().next().ok_or(ANOTHER)
    }

    /// The accounts of the contracts.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `no-market` where the ledger runs none.
    pub async fn contracts(&self) -> Result<Contracts, ClientError> {
        self.query_market(&MarketQuery::Contracts {}).await
    }

    /// What the rewards contract is set to, and the epoch that runs.
    ///
    /// # Errors
    /// [`ClientError::Problem`].
    pub async fn rewards_config(&self) -> Result<(RewardsSettings, u64), ClientError> {
        match self.rewards(RewardsQuery::Config {}).await? {
            RewardsReply::Config { settings, epoch } => Ok((*settings, epoch)),
            _ => Err(ANOTHER),
        }
    }

    /// Where all of the rewards' money is.
    ///
    /// # Errors
    /// [`ClientError::Problem`].
    pub async fn rewards_pool(&self) -> Result<PoolRecord, ClientError> {
        match self.rewards(RewardsQuery::Pool {}).await? {
            RewardsReply::Pool(pool) => Ok(pool),
            _ => Err(ANOTHER),
        }
    }

    /// An epoch of the rewards; `None` while nobody paid into it or reported on it.
    ///
    /// # Errors
    /// [`ClientError::Problem`].
    pub async fn rewards_epoch(&self, epoch: u64) -> Result<Option<EpochView>, ClientError> {
        match self.rewards(RewardsQuery::Epoch { epoch }).await? {
            RewardsReply::Epoch(view) => Ok(view.map(|view| *view)),
            _ => Err(ANOTHER),
        }
    }

    /// Asks the rewards contract.
    ///
    /// # Errors
    /// [`ClientError::Problem`].
    pub async fn rewards(&self, query: RewardsQuery) -> Result<RewardsReply, ClientError> {
        self.query_market(&MarketQuery::Rewards(query)).await
    }

    /// What this identity has.
    ///
    /// # Errors
    /// [`ClientError::Problem`].
    pub async fn balance(&self, denom: Denom) -> Result<u128, ClientError> {
        let account = self.identity().address().clone();
        match self.query_market(&MarketQuery::Bank(BankQuery::Balance { account, denom })).await? {
            BankReply::Balance(units) => Ok(units),
            _ => Err(ANOTHER),
        }
    }

    /// What a claim for a collection of this identity has to show of the worker's report; `None` where that has no use of
    /// it.
    ///
    /// # Errors
    /// [`ClientError::Problem`].
    pub async fn royalty(
        &self,
        epoch: u64,
        collection: CollectionId,
    ) -> Result<Option<RoyaltyClaim>, ClientError> {
        let path = "/v1/ledger/royalty".to_owned();
        let body = AskRoyalty { epoch, collection };
        let call = Call::json(Purpose::Admin, "POST", path, &body)?;
        let shown: RoyaltyShown = self.ask(&call).await?;
        Ok(shown.royalty)
    }

    /// Takes a collection's royalty of a closed epoch.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `ledger-refused`, also where it was taken before.
    pub async fn claim_royalty(
        &self,
        epoch: u64,
        royalty: RoyaltyClaim,
    ) -> Result<LedgerReply, ClientError> {
        let message = RewardsMsg::Claim { epoch, royalty: Some(royalty) };
        self.execute_market(MarketMsg::Rewards(Box::new(message)), Vec::new()).await
    }

    /// Moves money out of this identity's balance.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `funds-short`.
    pub async fn bank(&self, message: BankMsg) -> Result<LedgerReply, ClientError> {
        self.execute_market(MarketMsg::Bank(message), Vec::new()).await
    }

    /// Has the worker look at its own part in the market now.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `permission-missing` for anybody but the market's operator and the worker's steward.
    pub async fn attend(&self, attend: Attend) -> Result<Attended, ClientError> {
        let path = "/v1/ledger/worker".to_owned();
        self.ask(&Call::json(Purpose::Admin, "POST", path, &AskAttend { attend })?).await
    }
}

/// The terms that a worker wants signed, where that is all that is wrong.
fn unsigned(error: ClientError) -> Result<TransactionTerms, ClientError> {
    match error {
        ClientError::Problem(Problem {
            code: Code::AuthorizationRequired,
            transaction: Some(terms),
            ..
        }) => Ok(*terms),
        other => Err(other),
    }
}

/// Most that this identity pays for one transaction, smallest units of whatever gas is paid in.
const FEE_UNITS_MAX: u128 = 10_000_000;
const ANOTHER: ClientError = ClientError::Reply("the ledger answered another question");
