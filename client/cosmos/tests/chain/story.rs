//! All four contracts, from the first coin to the last: stored, wired to each other, worked with, paid, and emptied.
//!
//! Layer: tests.
//! Holds: the order of the story; each part of it is a module.
//! Never: a sleep for luck: what has to be waited for is a time that the contracts' terms name.
//! Invariant: everything that is read is proven, and no unit of any account is unaccounted for in the end.
//!
//! One epoch is as short as the terms allow. The workers contract's windows last a minute at least; their length is
//! chosen so that the next begins where the story can answer its challenge (`stage`).

mod joining;
mod money;
mod paying;
mod reporting;
mod serving;
mod stage;

use prag_cosmos::{Chain, CosmosError, Funds};
use serde::Serialize;
use stage::{Place, Story};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_coin_to_the_last() {
    let story = Story::begin().await;
    let opening = story.opening().await;
    story.workers_join().await;
    story.the_pool_is_funded().await;
    story.a_collection_is_granted().await;
    story.plans_are_sold().await;
    story.a_query_is_served().await;
    story.a_revoked_reader_is_refused().await;
    story.the_worker_is_alive().await;
    let books = story.usage_is_reported().await;
    story.a_doubt_is_answered(&books.true_one).await;
    story.a_lie_is_slashed(&books.false_one).await;
    story.the_epoch_is_closed().await;
    story.everybody_claims(&books.true_one).await;
    story.subscribers_and_liars_leave().await;
    story.dust_is_swept().await;
    story.contracts_say_the_same().await;
    story.every_unit_is_accounted_for(opening).await;
    story.bill.print();
}

impl Story {
    /// Somebody tells a contract something.
    async fn tell(
        &self,
        name: &str,
        by: &Chain,
        to: &Place,
        message: &impl Serialize,
        funds: u128,
    ) {
        let done = to.reached(by).await.execute(message, &coins(funds)).await;
        self.bill.note(name, &done.unwrap_or_else(|error| panic!("{name}: {error:?}")));
    }

    /// A contract refuses, for this reason; neither its money nor the sender's has changed.
    async fn refused(
        &self,
        reason: &str,
        by: &Chain,
        to: &Place,
        message: &impl Serialize,
        funds: u128,
    ) {
        let before = (self.has(by).await, self.held(&to.address).await);
        let told = to.reached(by).await.execute(message, &coins(funds)).await;
        let expected = matches!(told, Err(CosmosError::Refused(ref text)) if text.contains(reason));
        assert!(expected, "not refused because {reason}: {told:?}");
        assert_eq!((self.has(by).await, self.held(&to.address).await), before, "{reason}");
    }

    /// The admin's view, once it shows everything that anybody did.
    async fn seen(&self) -> &Chain {
        while self.admin.header().await.unwrap().height() <= self.bill.height() {
            tokio::time::sleep(POLL).await;
        }
        &self.admin
    }

    /// Waits until the chain's clock says so, and the node runs messages by it: it shows a block before it has run it,
    /// and the block after only then.
    async fn until(&self, time: u64) {
        let mut reached = None;
        loop {
            let header = self.admin.header().await.unwrap();
            match reached {
                Some(height) if header.height() > height => return,
                None if header.time() >= time => reached = Some(header.height()),
                Some(_) | None => {}
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn coins(amount: u128) -> Vec<Funds> {
    let coin = Funds { denom: crate::node::DENOM.to_owned(), amount };
    if amount == 0 { Vec::new() } else { vec![coin] }
}

const POLL: Duration = Duration::from_millis(250);
