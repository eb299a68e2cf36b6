//! All contracts on one ledger of its own: what a chain does around them, in process.
//!
//! Layer: core, above the contracts; for a ledger that is no chain.
//! Holds: funds that come along, payments that leave, what rewards asks access and workers, and a slashing that may fail alone.
//! Never: a contract's rule; who signed.
//! Invariant: a transition pays all that it owes or has not happened; a contract's balance is at least what it
//! accounts for: anybody may send it more.

mod error;
mod peers;

pub use error::MarketError;

use crate::access::{self, Sold};
use crate::bank;
use crate::kv::Staged;
use crate::rewards::{self, Host, Slash};
use crate::subscription;
use crate::workers::{self, Call, Verdict};
use crate::{Env, Funds, Kv, Payment, Verify};
use peers::{Asked, Shared};
use prag_protocol::Address;
use prag_protocol::ledger::BuyMsg;
use prag_protocol::ledger::bank::Coin;
use prag_protocol::ledger::market::{
    AccessPaid, Contracts, FUNDS_MAX, MarketInit, MarketMsg, MarketQuery, MarketReply,
};
use prag_protocol::ledger::rewards::{RewardsInit, RewardsMsg};
use prag_protocol::ledger::subscription::SubscriptionMsg;
use prag_protocol::ledger::workers::{Parties, WorkersInit, WorkersMsg};
use std::cell::RefCell;

/// What the ledger does for the contracts.
#[derive(Clone, Copy)]
pub struct Market<'a> {
    /// Signatures.
    pub verify: &'a dyn Verify,
    /// Under which accounts the contracts hold money.
    pub contracts: &'a Contracts,
    /// Who alone registers as a worker: the ledger's own. Nothing here verifies evidence, and whoever is registered may
    /// report what it and consumers of its own have signed.
    pub worker: &'a Address,
}

/// Begins all of them, once. `ledger`: what vouchers must name; `name`: what workers sign.
///
/// # Errors
/// [`MarketError`] names the first term out of its bounds; `kv` is then as it was.
pub fn instantiate(
    kv: &mut dyn Kv,
    env: &Env,
    contracts: &Contracts,
    (ledger, name): ([u8; 32], &str),
    init: MarketInit,
) -> Result<(), MarketError> {
    let MarketInit { admin, bank, terms, epoch_seconds, rewards: config } = init;
    if terms.attested_only {
        return Err(MarketError::Attested);
    }
    let mut staged = Staged::over(kv);
    bank::instantiate(&mut staged, bank)?;
    subscription::instantiate(&mut staged, &admin)?;
    let denom = terms.denom.clone();
    let parties = Parties {
        rewards: Some(contracts.rewards.clone()),
        treasury: config.treasury.clone(),
        approver: None,
    };
    let workers = WorkersInit { admin: admin.clone(), parties, terms };
    workers::instantiate(&mut staged, name, workers)?;
    let rewards = RewardsInit { ledger, denom, epoch_seconds, config };
    rewards::instantiate(&mut staged, env, &admin, rewards)?;
    staged.keep();
    Ok(())
}

/// Runs one message of `sender`, whom the ledger has authenticated, with money out of its balance.
///
/// # Errors
/// [`MarketError`] says which contract refuses and why; `kv` is then as it was, and so is every balance.
pub fn execute(
    kv: &mut dyn Kv,
    env: &Env,
    market: Market<'_>,
    sender: &Address,
    funds: &[Coin],
    message: MarketMsg,
) -> Result<(), MarketError> {
    let mut staged = Staged::over(kv);
    let mut step = Step { kv: &mut staged, env, market, sender };
    match message {
        MarketMsg::Bank(_) if !funds.is_empty() => return Err(MarketError::Funds),
        MarketMsg::Bank(message) => bank::execute(step.kv, sender, message)?,
        MarketMsg::Access(AccessPaid::Buy(message)) => step.buy(funds, message)?,
        MarketMsg::Workers(message) => {
            let registers = matches!(*message, WorkersMsg::RegisterWorker(_));
            if registers && sender != market.worker {
                return Err(MarketError::Stranger);
            }
            step.workers(funds, *message)?;
        }
        MarketMsg::Subscription(message) => step.subscription(funds, message)?,
        MarketMsg::Rewards(message) => step.rewards(funds, *message)?,
    }
    staged.keep();
    Ok(())
}

/// Answers one question. `caller`: whom the ledger has authenticated, as a contract's permit would; `None` for anybody.
///
/// # Errors
/// [`MarketError`].
pub fn query(
    kv: &dyn Kv,
    env: &Env,
    contracts: &Contracts,
    caller: Option<&Address>,
    query: &MarketQuery,
) -> Result<MarketReply, MarketError> {
    Ok(match query {
        MarketQuery::Bank(query) => {
            let open = [&contracts.workers, &contracts.subscription, &contracts.rewards];
            MarketReply::Bank(bank::query(kv, caller, &open, query)?)
        }
        MarketQuery::Workers(query) => {
            MarketReply::Workers(workers::query(kv, env, query.clone())?)
        }
        MarketQuery::Subscription(query) => {
            let reply = subscription::query(kv, env, caller, query)?;
            MarketReply::Subscription(Box::new(reply))
        }
        MarketQuery::Rewards(query) => {
            MarketReply::Rewards(Box::new(rewards::query(kv, env, query.clone())?))
        }
        MarketQuery::Contracts {} => MarketReply::Contracts(contracts.clone()),
    })
}

/// One message on its way.
struct Step<'a, 'b> {
    kv: &'a mut Staged<'b>,
    env: &'a Env,
    market: Market<'a>,
    sender: &'a Address,
}

impl Step<'_, '_> {
    /// The access contract keeps nothing of what comes, so it needs no account here.
    fn buy(&mut self, funds: &[Coin], message: BuyMsg) -> Result<(), MarketError> {
        let came: Vec<_> = coins(funds)?.collect();
        let Sold { payment, .. } = access::buy(self.kv, self.env, self.sender, &came, message)?;
        self.pay(self.sender, &[payment])
    }

    fn workers(&mut self, funds: &[Coin], message: WorkersMsg) -> Result<(), MarketError> {
        let account = &self.market.contracts.workers;
        let funds = self.receive(account, funds)?;
        let verify = self.market.verify;
        // Nothing here verifies quotes: evidence is kept whole for those who can.
        let call = Call { sender: self.sender, funds: &funds, verdict: Verdict::Stored, verify };
        let done = workers::execute(self.kv, self.env, &call, message)?;
        self.pay(account, &done.payments)
    }

    fn subscription(
        &mut self,
        funds: &[Coin],
        message: SubscriptionMsg,
    ) -> Result<(), MarketError> {
        let account = &self.market.contracts.subscription;
        let funds = self.receive(account, funds)?;
        let done = subscription::execute(self.kv, self.env, self.sender, &funds, message)?;
        self.pay(account, &done.payments)
    }

    fn rewards(&mut self, funds: &[Coin], message: RewardsMsg) -> Result<(), MarketError> {
        let account = &self.market.contracts.rewards;
        let funds = self.receive(account, funds)?;
        let done = {
            let rows = RefCell::new(&mut *self.kv);
            let peers = Asked { rows: Shared(&rows), env: self.env };
            let host = Host { verify: self.market.verify, peers: &peers };
            let mut own = Shared(&rows);
            rewards::execute(&mut own, self.env, self.sender, &funds, host, message)?
        };
        self.pay(account, &done.payments)?;
        if let Some(slash) = done.slash.filter(|slash| slash.ppm > 0) {
            // The report is void all the same: a worker whose stake is gone must not keep it from being challenged.
            let _failed_alone = self.slash(slash);
        }
        Ok(())
    }

    fn slash(&mut self, slash: Slash) -> Result<(), MarketError> {
        let (sender, env) = (&self.market.contracts.rewards, self.env);
        let mut staged = Staged::over(self.kv);
        let mut alone = Step { kv: &mut staged, env, market: self.market, sender };
        alone.workers(&[], slash.message())?;
        staged.keep();
        Ok(())
    }

    /// Funds go to the contract before it hears the message.
    fn receive(&mut self, account: &Address, funds: &[Coin]) -> Result<Vec<Funds>, MarketError> {
        let came: Vec<_> = coins(funds)?.collect();
        for Funds { denom, amount } in &came {
            bank::transfer(self.kv, self.sender, account, denom, *amount)?;
        }
        Ok(came)
    }

    fn pay(&mut self, account: &Address, payments: &[Payment]) -> Result<(), MarketError> {
        for Payment { to, denom, amount } in payments {
            bank::transfer(self.kv, account, to, denom, *amount)?;
        }
        Ok(())
    }
}

/// What comes along, as contracts see it.
fn coins(funds: &[Coin]) -> Result<impl Iterator<Item = Funds>, MarketError> {
    if funds.len() > FUNDS_MAX {
        return Err(MarketError::Coins);
    }
    let seen = |coin: &Coin| Funds { denom: coin.denom.to_string(), amount: coin.amount.get() };
    Ok(funds.iter().map(seen))
}

#[cfg(test)]
mod tests;
