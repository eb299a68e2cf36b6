//! A plan is sold, its API key is live, and what it was not used for goes back; stakes go back too.
//!
//! Layer: tests, story.
//! Holds: the subscription contract's money, and the way out of both contracts.
//! Never: the pool (`reporting`).
//! Invariant: amounts are those of the terms, to the unit.

use super::stage::{STAKE, Story};
use crate::node::DENOM;
use prag_protocol::ledger::subscription::{
    AccountRecord, ApiKeyStatus, SubscriptionMsg, SubscriptionQuery, SubscriptionReply,
};
use prag_protocol::ledger::workers::WorkersMsg;
use sha2::{Digest, Sha256};

impl Story {
    pub(super) async fn plans_are_sold(&self) {
        let plan = SubscriptionMsg::MakePlan {
            id: 1,
            price: PRICE.try_into().unwrap(),
            denom: DENOM.parse().unwrap(),
            period_seconds: 30 * 86_400,
            grace_seconds: 86_400,
            refund_fee_bp: 1000,
            api_keys: 3,
            units: 100,
        };
        let to = &self.subscription;
        self.tell("subscription: make_plan", &self.admin, to, &plan, 0).await;
        let subscribe = SubscriptionMsg::Subscribe { plan: 1 };
        self.refused("must come along", &self.reader, to, &subscribe, PRICE - 1).await;
        self.tell("subscription: subscribe", &self.reader, to, &subscribe, PRICE).await;
        let hash = Sha256::digest(b"sk-of-the-reader").into();
        let key =
            SubscriptionMsg::AddApiKey { api_key: hash, identity: None, name: None, created: None };
        self.refused("subscri", &self.watcher, to, &key, 0).await;
        self.tell("subscription: add_api_key", &self.reader, to, &key, 0).await;
        let live = self.api_key(hash).await.unwrap();
        let reader = self.reader.account().on_chain().clone();
        assert_eq!((live.live, live.subscriber), (true, reader));
        assert_eq!(live.terms.unwrap().units, 100);
        self.bill.say("a plan is sold, and its API key is proven to be live");
    }

    pub(super) async fn subscribers_and_liars_leave(&self) {
        let (before, to) = (self.has(&self.reader).await, &self.subscription);
        let fees = self.bill.fees();
        self.tell("subscription: cancel", &self.reader, to, &SubscriptionMsg::Cancel {}, 0).await;
        let back = self.has(&self.reader).await + (self.bill.fees() - fees) - before;
        // The day that has begun is served: 29 of 30 come back, less a tenth.
        assert_eq!(back, REFUND);
        let withdraw = |amount: u128| SubscriptionMsg::Withdraw {
            denom: DENOM.parse().unwrap(),
            amount: amount.try_into().unwrap(),
            to: self.treasury.clone(),
        };
        self.refused("is earned so far", &self.admin, to, &withdraw(PRICE - REFUND + 1), 0).await;
        self.tell("subscription: withdraw", &self.admin, to, &withdraw(PRICE - REFUND), 0).await;

        let ip_address = "https://worker.example".to_owned();
        let (by, to) = (&self.mal, &self.workers);
        self.tell("workers: remove_worker", by, to, &WorkersMsg::RemoveWorker { ip_address }, 0)
            .await;
        let leaving = self.worker(by).await.unwrap().leaving.unwrap();
        self.until(leaving.withdraw_from).await;
        let (before, fees) = (self.has(by).await, self.bill.fees());
        self.tell("workers: withdraw_stake", by, to, &WorkersMsg::WithdrawStake {}, 0).await;
        let back = self.has(by).await + (self.bill.fees() - fees) - before;
        assert_eq!(back, STAKE - STAKE / 10, "a tenth of it was slashed");
        assert!(self.worker(by).await.is_none());
        self.bill
            .say("the subscriber cancels, the liar leaves: refund and stake are paid, to the unit");
    }

    /// What the subscription contract holds, by its own account.
    pub(super) async fn account(&self) -> AccountRecord {
        let query = SubscriptionQuery::<()>::Account { denom: DENOM.parse().unwrap() };
        match self.sold(&query).await {
            SubscriptionReply::Account(record) => record.unwrap_or_default(),
            other => panic!("{other:?}"),
        }
    }

    async fn api_key(&self, hash: [u8; 32]) -> Option<ApiKeyStatus> {
        match self.sold(&SubscriptionQuery::ApiKey { hash }).await {
            SubscriptionReply::ApiKey(status) => status,
            other => panic!("{other:?}"),
        }
    }

    async fn sold(&self, query: &SubscriptionQuery<()>) -> SubscriptionReply {
        self.subscription.reached(self.seen().await).await.query(query).await.unwrap()
    }
}

/// No multiple of anything, so that rounding shows.
const PRICE: u128 = 3_000_001;
const REFUND: u128 = 2_610_000;
