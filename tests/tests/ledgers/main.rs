//! One story over each ledger: a worker behaves alike on its own ledger and on a chain's contract.
//!
//! Layer: tests.
//! Holds: the story, told once; what makes a stage of each ledger; what only a chain can do: be silent, and remember what
//! the host forgot; and what only Secret's nodes can do: show an old state.
//! Never: a step that asks which ledger it is on.
//! The chain that stands for Secret Network is made in this process: its headers, transactions, enclaves and contract are
//! checked as real ones are, but no node of Secret is asked anything.
//! Invariant: without feature `chain` the chain's part does not compile in, so it never passes by not running:
//! `make chain-test` runs it.

#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(feature = "chain")]
mod chain;
mod delegates;
mod enclaves;
// The made chain of `client/cosmos`' own tests, and what it names as its crate's.
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../client/cosmos/src/fixture/mod.rs"]
mod fixture;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../client/cosmos/src/merkle.rs"]
mod merkle;
#[cfg(feature = "chain")]
mod node;
mod outside;
mod proof {
    pub(crate) use prag_cosmos::contract_key;
}
#[cfg(feature = "chain")]
mod real;
mod scopes;
mod signed;
mod stage;
mod story;

use prag_cosmos::{GasPrice, LightBlock, Network, Settings, TrustedHeader, secret};
use prag_tests::Lab;
use stage::Stage;

/// Created, filled, granted, asked, used up, revoked, refused, rotated, anchored, restarted, asked again, rolled back and
/// found out, destroyed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_on_the_embedded_ledger() {
    story::tell(Stage::on(Lab::start().await, "embedded").await).await;
}
