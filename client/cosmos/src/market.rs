//! The contracts beside access on a chain: told by proven transactions, asked through their rows.
//!
//! Layer: `cosmos`, above `contract`; `ledger` hands its market on to it.
//! Holds: which contract a message or question is for, and its code, proven once.
//! Never: a contract's answer as a node tells it; another sender's message without that sender's own transaction.
//! Invariant: accounts go out in the chain's spelling, and answers stay in it.

use crate::chain::coins;
use crate::settings::contract_bytes;
use crate::{Chain, Contract, CosmosError, MarketContracts, Pinned, Question};
use cosmrs::Any;
use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use cosmrs::proto::cosmwasm::wasm::v1::MsgExecuteContract;
use prag_client::border::NoAddress;
use prag_client::transaction::{Content, ContentError, payee};
use prag_contracts_core::{Env, Funds, Kv, subscription};
use prag_protocol::Address;
use prag_protocol::ledger::bank::{BankConfig, BankQuery, BankReply, Coin};
use prag_protocol::ledger::market::{Contracts, MarketMsg, MarketQuery, MarketReply, OfRequest};
use prag_protocol::ledger::rewards::{RewardsQuery, RewardsReply};
use prag_protocol::ledger::subscription::{SubscriptionQuery, SubscriptionReply};
use prag_protocol::ledger::transaction::{
    SignedTransaction, TRANSACTION_BYTES_MAX, TransactionTerms,
};
use subscription::SubscriptionError;
use tokio::sync::OnceCell;

/// The contracts of one market.
pub(crate) struct Market {
    chain: Chain,
    contracts: MarketContracts,
    ledger: Pinned,
    access: OnceCell<Contract>,
    workers: OnceCell<Contract>,
    subscription: OnceCell<Contract>,
    rewards: OnceCell<Contract>,
}

/// A message on its way: who is told or paid, and how it looks.
struct Way {
    to: Address,
    content: Content,
    funds: Vec<Coin>,
}

impl Market {
    /// Nothing is asked yet. `ledger`: the access contract, which takes the price of a grant.
    pub(crate) fn open(
        chain: Chain,
        ledger: Pinned,
        contracts: MarketContracts,
    ) -> Result<Self, CosmosError> {
        let MarketContracts { workers, subscription, rewards } = &contracts;
        for one in [workers, subscription, rewards] {
            contract_bytes(&chain.sender.network, &one.contract)
                .map_err(|_| CosmosError::Setting("market"))?;
        }
        let (access, workers, subscription, rewards) = Default::default();
        Ok(Self { chain, contracts, ledger, access, workers, subscription, rewards })
    }

    /// Sends a message of this account, or passes on what another one has signed; the height at which it holds.
    pub(crate) async fn execute(
        &self,
        sender: &Address,
        word: &[u8],
        message: MarketMsg,
        funds: &[Coin],
    ) -> Result<u64, CosmosError> {
        let account = self.chain.account();
        let way = self.way(message, funds).await?;
        if sender == account.address() || sender == account.on_chain() {
            let any = self.any(&way, account.on_chain())?;
            return Ok(self.chain.sender.send_any(any).await?.height);
        }
        let signed = read(word)?;
        let own = self.chain.spelled(sender)?;
        if signed.terms.sender != own || signed.terms.to != way.to {
            return Err(CosmosError::Refused("another transaction was signed".to_owned()));
        }
        Ok(self.chain.sender.pass_on(&signed, self.any(&way, &own)?).await?.height)
    }

    /// What another account signs.
    pub(crate) async fn terms(
        &self,
        sender: &Address,
        message: MarketMsg,
        funds: &[Coin],
    ) -> Result<TransactionTerms, CosmosError> {
        let way = self.way(message, funds).await?;
        let sender = self.chain.spelled(sender)?;
        self.chain.sender.terms(&sender, &way.to, self.any(&way, &sender)?).await
    }

    /// Answers by proof.
    pub(crate) async fn ask(
        &self,
        caller: Option<&Address>,
        query: MarketQuery,
    ) -> Result<MarketReply, CosmosError> {
        let query = self.chain.sender.border.market_question(query)?;
        Ok(match query {
            MarketQuery::Bank(query) => MarketReply::Bank(self.bank(query).await?),
            MarketQuery::Workers(query) => {
                MarketReply::Workers(self.workers().await?.query(&query).await?)
            }
            MarketQuery::Subscription(query) => {
                let caller = caller.map(|caller| self.chain.spelled(caller)).transpose()?;
                let asked = Privy { caller, query };
                MarketReply::Subscription(Box::new(self.subscription().await?.query(&asked).await?))
            }
            MarketQuery::Rewards(query) => {
                MarketReply::Rewards(Box::new(self.rewards().await?.query(&query).await?))
            }
            MarketQuery::Contracts {} => {
                let MarketContracts { workers, subscription, rewards } = &self.contracts;
                let account = |one: &Pinned| one.contract.clone();
                MarketReply::Contracts(Contracts {
                    workers: account(workers),
                    subscription: account(subscription),
                    rewards: account(rewards),
                })
            }
        })
    }

    /// The chain's own money: everybody may know what anybody has.
    async fn bank(&self, query: BankQuery) -> Result<BankReply, CosmosError> {
        match query {
            BankQuery::Balance { account, denom } => {
                Ok(BankReply::Balance(self.chain.balance(&account, denom.as_str()).await?))
            }
            BankQuery::Supply { denom } => {
                Ok(BankReply::Supply(self.chain.supply(denom.as_str()).await?))
            }
            // Nobody mints here; whom a worker listens to as the market's operator is the admin of its rewards.
            BankQuery::Config {} => {
                match self.rewards().await?.query(&RewardsQuery::Config {}).await? {
                    RewardsReply::Config { settings, .. } => {
                        let operator = settings.admin;
                        Ok(BankReply::Config(BankConfig { operator, faucet: None }))
                    }
                    _ => Err(CosmosError::Contract("an answer to another question")),
                }
            }
        }
    }

    /// Where a message goes: to a contract that is proven to be what the settings name, or to whom is paid.
    async fn way(&self, message: MarketMsg, funds: &[Coin]) -> Result<Way, CosmosError> {
        let border = &self.chain.sender.border;
        let to = match &message {
            MarketMsg::Bank(_) => payee(border, &message),
            MarketMsg::Access(_) => Some(self.access().await?.address().clone()),
            MarketMsg::Workers(_) => Some(self.workers().await?.address().clone()),
            MarketMsg::Subscription(_) => Some(self.subscription().await?.address().clone()),
            MarketMsg::Rewards(_) => Some(self.rewards().await?.address().clone()),
        };
        let refused = |error: ContentError| CosmosError::Refused(error.to_string());
        let content = Content::of(border, message).map_err(refused)?;
        let to = to.ok_or(CosmosError::from(NoAddress))?;
        Ok(Way { to, content, funds: funds.to_vec() })
    }

    /// The chain's message.
    fn any(&self, way: &Way, sender: &Address) -> Result<Any, CosmosError> {
        let funds = |funds: &[Coin]| {
            let one =
                |coin: &Coin| Funds { denom: coin.denom.to_string(), amount: coin.amount.get() };
            coins(&funds.iter().map(one).collect::<Vec<_>>()).map_err(|_| unpayable())
        };
        let (sender, to) = (sender.to_string(), way.to.to_string());
        let any = match &way.content {
            Content::Tell(message) => Any::from_msg(&MsgExecuteContract {
                sender,
                contract: to,
                msg: crate::contract::json("message", message)?,
                funds: funds(&way.funds)?,
            }),
            Content::Pay(_) if !way.funds.is_empty() => return Err(unpayable()),
            Content::Pay(coin) => Any::from_msg(&MsgSend {
                from_address: sender,
                to_address: to,
                amount: funds(std::slice::from_ref(coin))?,
            }),
        };
        any.map_err(|_| CosmosError::Setting("message"))
    }

    async fn access(&self) -> Result<&Contract, CosmosError> {
        self.pinned(&self.access, &self.ledger).await
    }

    async fn workers(&self) -> Result<&Contract, CosmosError> {
        self.pinned(&self.workers, &self.contracts.workers).await
    }

    async fn subscription(&self) -> Result<&Contract, CosmosError> {
        self.pinned(&self.subscription, &self.contracts.subscription).await
    }

    async fn rewards(&self) -> Result<&Contract, CosmosError> {
        self.pinned(&self.rewards, &self.contracts.rewards).await
    }

    async fn pinned<'a>(
        &self,
        cell: &'a OnceCell<Contract>,
        one: &Pinned,
    ) -> Result<&'a Contract, CosmosError> {
        cell.get_or_try_init(|| self.chain.contract(&one.contract, &one.code_hash)).await
    }
}

/// A question to the subscriptions of somebody whose permit was verified.
struct Privy {
    caller: Option<Address>,
    query: SubscriptionQuery<OfRequest>,
}

impl Question for Privy {
    type Answer = SubscriptionReply;

    fn answer(&self, rows: &dyn Kv, env: &Env) -> Result<SubscriptionReply, CosmosError> {
        let asked = subscription::query(rows, env, self.caller.as_ref(), &self.query);
        asked.map_err(|error| match error {
            SubscriptionError::Damaged(_) => CosmosError::Damaged(env.height),
            other => CosmosError::Refused(other.to_string()),
        })
    }
}

/// What the sender asked for is wrong, and not this chain.
fn unpayable() -> CosmosError {
    let why = "the funds are of too many denominations, name one twice, or go with a payment";
    CosmosError::Refused(why.to_owned())
}

/// What a sender has signed, as its request brought it.
fn read(word: &[u8]) -> Result<SignedTransaction, CosmosError> {
    let fits = word.len() <= TRANSACTION_BYTES_MAX;
    let read = fits.then(|| serde_json::from_slice(word).ok()).flatten();
    read.ok_or_else(|| {
        CosmosError::Refused("this chain asks for the sender's own transaction".to_owned())
    })
}

#[cfg(test)]
mod tests;
