//! Every unit is accounted for: by the bank, by each contract, and by both together.
//!
//! Layer: tests, story.
//! Holds: balances of everybody, by proof, and what the contracts say that they hold.
//! Never: a balance that is taken from a reply to a message.
//! Invariant: what all accounts and contracts have in the end, and what was paid for gas, is what the accounts began
//! with.

use super::reporting::DUST;
use super::stage::{STAKE, Story};
use crate::node::DENOM;
use prag_cosmos::{Chain, Contract, CosmosError};
use prag_protocol::Address;
use prag_protocol::ledger::rewards::{PoolRecord, RewardsQuery, RewardsReply};
use prag_protocol::ledger::subscription::SubscriptionQuery;
use prag_protocol::ledger::workers::WorkersQuery;
use prag_protocol::ledger::{AccessQuery, voucher::Counters};
use serde::Serialize;
use serde_json::Value;

/// What was there before the contracts had any.
pub(super) struct Opening {
    /// What everybody and every contract had.
    all: u128,
    /// What had been paid for gas.
    fees: u128,
}

impl Story {
    /// What somebody has.
    pub(super) async fn has(&self, who: &Chain) -> u128 {
        self.held(who.account().on_chain()).await
    }

    pub(super) async fn opening(&self) -> Opening {
        let held = self.contracts().await;
        assert_eq!(held, [0; 4], "no contract has anything");
        Opening { all: self.all().await, fees: self.bill.fees() }
    }

    pub(super) async fn every_unit_is_accounted_for(&self, opening: Opening) {
        // In = out + fees + dust, by the contract's own account of it, and the bank has what it says it holds.
        let RewardsReply::Pool(pool) = self.pool(&RewardsQuery::Pool {}).await else {
            panic!("a pool");
        };
        let PoolRecord { paid_in, paid_out, fees, bonds, deposits, open, unclaimed, carry } = pool;
        assert_eq!([bonds, deposits, open, unclaimed], [0; 4], "nothing is owed to anybody");
        assert_eq!(carry, DUST);
        assert_eq!(paid_in, paid_out + fees + carry);
        let account = self.account().await;
        let sold = account.paid_in - account.refunded - account.withdrawn;
        let staked = self.worker(&self.ann).await.unwrap().stake;
        assert_eq!(staked, STAKE);
        assert_eq!(self.contracts().await, [0, staked, sold, carry], "the bank's word");
        assert_eq!(sold, 0);

        let gas = self.bill.fees() - opening.fees;
        let all = self.all().await;
        assert_eq!(all + gas, opening.all, "{all} and {gas} for gas");
        let treasury = self.held(&self.treasury).await;
        self.bill.say(&format!(
            "{paid_in} came into the pool: {paid_out} paid, {fees} fees, {carry} dust; the treasury has {treasury}"
        ));
        self.bill.say(&format!("all accounts: {} before, {all} now, {gas} for gas", opening.all));
    }

    /// The wasm on the chain says what its core says over the rows.
    pub(super) async fn contracts_say_the_same(&self) {
        let chain = self.seen().await;
        let (access, workers) =
            (self.access.reached(chain).await, self.workers.reached(chain).await);
        let subscription = self.subscription.reached(chain).await;
        let rewards = self.rewards.reached(chain).await;
        let (worker, account) =
            (self.ann.account().on_chain().clone(), self.ann.account().on_chain().clone());
        let [collection, _] = super::serving::COLLECTIONS;
        let grantee = self.reader.account().on_chain().clone();
        same(&access, &AccessQuery::Grant { collection, grantee }).await;
        same(&workers, &WorkersQuery::Worker { worker: worker.clone() }).await;
        same(&workers, &WorkersQuery::Evidence { worker: worker.clone() }).await;
        let denom = DENOM.parse().unwrap();
        same(&subscription, &SubscriptionQuery::<()>::Account { denom }).await;
        same(&rewards, &RewardsQuery::Pool {}).await;
        same(&rewards, &RewardsQuery::Report { epoch: 0, worker }).await;
        same(&rewards, &RewardsQuery::Claimable { account, epoch: 0 }).await;
        let nobody = AccessQuery::Grants { collection, offset: 0, limit: 0 };
        let told = access.query_unproven::<Value>(&nobody).await;
        assert!(matches!(told, Err(CosmosError::Refused(_))), "{told:?}");
        let session = super::serving::session().public_key();
        let settled = RewardsQuery::Settled {
            worker: self.ann.account().on_chain().clone(),
            collection,
            session,
        };
        let RewardsReply::Settled(Some(used)) = rewards.query(&settled).await.unwrap() else {
            panic!("settled");
        };
        assert_eq!(used, Counters { queries: 5, chunks: 50, embedded: 100, input: 0, output: 0 });
        self.bill.say("the contracts answer what their rows prove");
    }

    /// What access, workers, subscription and rewards have.
    async fn contracts(&self) -> [u128; 4] {
        let mut held = [0; 4];
        let contracts = [&self.access, &self.workers, &self.subscription, &self.rewards];
        for (held, contract) in held.iter_mut().zip(contracts) {
            *held = self.held(&contract.address).await;
        }
        held
    }

    /// What everybody and every contract has together.
    async fn all(&self) -> u128 {
        let mut sum = self.contracts().await.iter().sum::<u128>() + self.held(&self.treasury).await;
        for who in [&self.admin, &self.owner, &self.reader, &self.ann, &self.mal, &self.watcher] {
            sum += self.has(who).await;
        }
        sum
    }

    /// What an account or contract has.
    pub(super) async fn held(&self, account: &Address) -> u128 {
        self.seen().await.balance(account, DENOM).await.unwrap()
    }
}

async fn same<Q>(contract: &Contract, question: &Q)
where
    Q: prag_cosmos::Question<Answer: Serialize> + Serialize,
{
    let proven = serde_json::to_value(contract.query(question).await.unwrap()).unwrap();
    let said: Value = contract.query_unproven(question).await.unwrap();
    assert_eq!(said, proven);
}
