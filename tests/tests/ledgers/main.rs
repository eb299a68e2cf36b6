//! One story over each ledger: a worker behaves alike on its own ledger and on a chain's contract.
//!
//! Layer: tests.
//! Holds: the story, told once; what makes a stage of each ledger; and what only a chain can do: be silent, and remember
//! what the host forgot.
//! Never: a step that asks which ledger it is on.
//! Invariant: without feature `chain` the chain's part does not compile in, so it never passes by not running:
//! `make chain-test` runs it.

#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(feature = "chain")]
mod chain;
#[cfg(feature = "chain")]
mod node;
mod outside;
#[cfg(feature = "chain")]
mod real;
mod signed;
mod stage;
mod story;

use prag_tests::Lab;
use stage::Stage;

/// Created, filled, granted, asked, used up, revoked, refused, rotated, anchored, restarted, asked again, rolled back and
/// found out, destroyed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_on_the_embedded_ledger() {
    story::tell(Stage::on(Lab::start().await, "embedded").await).await;
}
