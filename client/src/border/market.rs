//! Accounts in messages and questions to the contracts beside access, as the chain writes them.
//!
//! Layer: client, below `border`.
//! Holds: every field of them that names an account.
//! Never: an account within something that somebody has signed: vouchers and leaves stay what they are.
//! Invariant: answers stay as the chain wrote them: what a person reads there can be used with any tool of that chain.

use super::{Border, NoAddress};
use prag_protocol::Address;
use prag_protocol::ledger::bank::{BankMsg, BankQuery};
use prag_protocol::ledger::market::{AccessPaid, MarketMsg, MarketQuery, OfRequest};
use prag_protocol::ledger::rewards::{RewardsMsg, RewardsQuery};
use prag_protocol::ledger::subscription::{SubscriptionMsg, SubscriptionQuery};
use prag_protocol::ledger::workers::{WorkersMsg, WorkersQuery};

impl Border {
    /// A message to a contract beside access, as the chain writes it.
    ///
    /// # Errors
    /// [`NoAddress`].
    pub fn market_message(&self, mut message: MarketMsg) -> Result<MarketMsg, NoAddress> {
        for account in told(&mut message) {
            *account = self.out(account)?;
        }
        Ok(message)
    }

    /// A question to one, as the chain writes it.
    ///
    /// # Errors
    /// [`NoAddress`].
    pub fn market_question(&self, mut query: MarketQuery) -> Result<MarketQuery, NoAddress> {
        if let Some(account) = asked(&mut query) {
            *account = self.out(account)?;
        }
        Ok(query)
    }
}

/// Whom a message names.
fn told(message: &mut MarketMsg) -> Vec<&mut Address> {
    match message {
        MarketMsg::Bank(BankMsg::Send { to, .. } | BankMsg::Mint { to, .. }) => vec![to],
        MarketMsg::Access(AccessPaid::Buy(_)) | MarketMsg::Bank(BankMsg::Faucet {}) => Vec::new(),
        MarketMsg::Workers(message) => workers(message),
        MarketMsg::Subscription(message) => subscription(message),
        MarketMsg::Rewards(message) => rewards(message),
    }
}

fn workers(message: &mut WorkersMsg) -> Vec<&mut Address> {
    match message {
        WorkersMsg::RegisterWorker(registration) => vec![&mut registration.payment_wallet],
        WorkersMsg::SetWorkerWallet { payment_wallet, .. } => vec![payment_wallet],
        WorkersMsg::ReportMissed { worker, .. }
        | WorkersMsg::Slash { worker, .. }
        | WorkersMsg::ApproveWorker { worker, .. }
        | WorkersMsg::RetireWorker { worker } => vec![worker],
        WorkersMsg::SetParties { parties } => {
            let others = parties.rewards.iter_mut().chain(&mut parties.approver);
            others.chain([&mut parties.treasury]).collect()
        }
        WorkersMsg::SetAdmin { admin } => vec![admin],
        WorkersMsg::SetWorkerAddress { .. }
        | WorkersMsg::SetWorkerType { .. }
        | WorkersMsg::RemoveWorker { .. }
        | WorkersMsg::WithdrawStake {}
        | WorkersMsg::ReportLiveliness { .. }
        | WorkersMsg::ApproveMeasurement { .. }
        | WorkersMsg::RetireMeasurement { .. }
        | WorkersMsg::AcceptAdmin {} => Vec::new(),
    }
}

fn subscription(message: &mut SubscriptionMsg) -> Vec<&mut Address> {
    match message {
        SubscriptionMsg::RegisterSubscriber { public_key: account }
        | SubscriptionMsg::RemoveSubscriber { public_key: account }
        | SubscriptionMsg::SetAdmin { public_address: account }
        | SubscriptionMsg::Settle { subscriber: account }
        | SubscriptionMsg::Withdraw { to: account, .. } => vec![account],
        SubscriptionMsg::AddApiKey { identity, .. } => identity.iter_mut().collect(),
        SubscriptionMsg::AcceptAdmin {}
        | SubscriptionMsg::RevokeApiKey { .. }
        | SubscriptionMsg::MakePlan { .. }
        | SubscriptionMsg::RetirePlan { .. }
        | SubscriptionMsg::Subscribe { .. }
        | SubscriptionMsg::Renew {}
        | SubscriptionMsg::Cancel {}
        | SubscriptionMsg::Upgrade { .. } => Vec::new(),
    }
}

fn rewards(message: &mut RewardsMsg) -> Vec<&mut Address> {
    match message {
        RewardsMsg::Demand { worker, .. }
        | RewardsMsg::Challenge { worker, .. }
        | RewardsMsg::Settle { worker, .. } => vec![worker],
        RewardsMsg::Claim { royalty, .. } => {
            royalty.iter_mut().map(|claim| &mut claim.worker).collect()
        }
        RewardsMsg::SetAdmin { admin } => vec![admin],
        RewardsMsg::SetConfig { config } => vec![&mut config.treasury],
        RewardsMsg::Fund {}
        | RewardsMsg::ReportUsage { .. }
        | RewardsMsg::Reveal { .. }
        | RewardsMsg::CloseEpoch { .. }
        | RewardsMsg::Sweep { .. }
        | RewardsMsg::AcceptAdmin {} => Vec::new(),
    }
}

/// Whom a question names.
fn asked(query: &mut MarketQuery) -> Option<&mut Address> {
    match query {
        MarketQuery::Bank(BankQuery::Balance { account, .. }) => Some(account),
        MarketQuery::Workers(
            WorkersQuery::Worker { worker }
            | WorkersQuery::Reporter { worker, .. }
            | WorkersQuery::GetLivelinessChallenge { worker }
            | WorkersQuery::Evidence { worker }
            | WorkersQuery::EvidenceChunk { worker, .. },
        ) => Some(worker),
        MarketQuery::Subscription(query) => subscriber(query),
        MarketQuery::Rewards(
            RewardsQuery::Report { worker: account, .. }
            | RewardsQuery::Demand { worker: account, .. }
            | RewardsQuery::Claimable { account, .. }
            | RewardsQuery::Settled { worker: account, .. },
        ) => Some(account),
        MarketQuery::Bank(BankQuery::Supply { .. } | BankQuery::Config {})
        | MarketQuery::Workers(
            WorkersQuery::Config {}
            | WorkersQuery::Measurements {}
            | WorkersQuery::Count { .. }
            | WorkersQuery::GetWorkers { .. }
            | WorkersQuery::GetModels { .. }
            | WorkersQuery::GetUrls { .. }
            | WorkersQuery::GetNextWorker { .. },
        )
        | MarketQuery::Rewards(
            RewardsQuery::Config {} | RewardsQuery::Epoch { .. } | RewardsQuery::Pool {},
        )
        | MarketQuery::Contracts {} => None,
    }
}

fn subscriber(query: &mut SubscriptionQuery<OfRequest>) -> Option<&mut Address> {
    match query {
        SubscriptionQuery::SubscriberStatus { public_key: account }
        | SubscriptionQuery::SubscriberStatusWithPermit { public_key: account, .. }
        | SubscriptionQuery::ApiKeysByIdentityWithPermit { identity: account, .. }
        | SubscriptionQuery::SubscriptionWithPermit { subscriber: account, .. } => Some(account),
        SubscriptionQuery::GetAdmin {}
        | SubscriptionQuery::ApiKeys { .. }
        | SubscriptionQuery::ApiKeysWithPermit { .. }
        | SubscriptionQuery::QueryIdentityByApiKeyHash { .. }
        | SubscriptionQuery::ApiKey { .. }
        | SubscriptionQuery::SubscribersWithPermit { .. }
        | SubscriptionQuery::Plan { .. }
        | SubscriptionQuery::Plans { .. }
        | SubscriptionQuery::Account { .. } => None,
    }
}
