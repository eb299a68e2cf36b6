//! The same on a real chain, and what only a chain can do.

use crate::node::Way;
use crate::real::{self, operator, variable};
use crate::stage::{SECRET_ID, SECRET_LABEL, Stage};
use crate::{scopes, story};
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::Ack;
use prag_server::settings::Ledger;
use prag_tests::{Lab, document, find};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// The story of the embedded ledger, word for word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_on_a_chain() {
    let way = Way::open(&variable("PRAG_CHAIN_RPC")).await;
    let lab = start(&way).await;
    pay(&lab).await;
    story::tell(Stage::on(lab, "chain").await).await;
}

/// A worker whose account has nothing says what to do, changes nothing, and goes on once it is paid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_funds_is_told() {
    let way = Way::open(&variable("PRAG_CHAIN_RPC")).await;
    let lab = start(&way).await;
    let owner = lab.client("owner").await;
    let refused = owner.create_collection("notes", VectorSource::Supplied(2)).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::LedgerUnavailable), "{refused}");
    assert!(refused.to_string().contains("pay something to it"), "{refused}");
    assert!(owner.collections().await.unwrap().is_empty());
    pay(&lab).await;
    owner.create_collection("notes", VectorSource::Supplied(2)).await.unwrap();
}

/// While no node answers, the last state serves until it is stale, and then nothing does; a boot waits outside; and when a
/// node answers again, all of it comes back by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_chain_is_waited_for() {
    let way = Way::open(&variable("PRAG_CHAIN_RPC")).await;
    let lab = start(&way).await;
    pay(&lab).await;
    let mut stage = Stage::on(lab, "silent").await;
    assert!(ready(&stage.lab).await.contains("ledger cosmos, height "));
    way.cut(true);
    let owner = stage.client("owner").await;
    assert_eq!(find(&owner, stage.id).await.unwrap(), 5, "what is known serves on");
    let refused = until(&stage, async || find(&owner, stage.id).await.err()).await;
    assert!(
        matches!(refused.code(), Some(Code::LedgerUnavailable | Code::LedgerStale)),
        "{refused}"
    );
    let told = ready(&stage.lab).await;
    assert!(told.contains("ledger-unavailable") && !told.contains("127.0.0.1"), "{told}");
    stage.say("a silent chain: refused, not ready");

    stage.lab.restart().await;
    let owner = stage.client("owner").await;
    assert!(find(&owner, stage.id).await.is_err());
    assert!(ready(&stage.lab).await.contains("ledger-unavailable"));
    stage.say("a boot under a silent chain: up, not ready");

    way.cut(false);
    stage.serves().await;
    assert_eq!(find(&owner, stage.id).await.unwrap(), 5);
    assert!(ready(&stage.lab).await.contains("ready"));
    stage.say("the chain answers: all of it is back");
}

/// The host puts back the worker's whole directory, its own shard too: the chain has the anchor, and tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_directory_cannot_be_put_back() {
    let way = Way::open(&variable("PRAG_CHAIN_RPC")).await;
    let lab = start(&way).await;
    pay(&lab).await;
    let mut stage = Stage::on(lab, "whole").await;
    stage.lab.anchor().await;
    stage.lab.stop().await;
    let old = stage.copy("shards");
    stage.lab.resume(true).await;
    stage.serves().await;
    let owner = stage.client("owner").await;
    owner.put_document_when(stage.id, &document(5), Ack::Anchored).await.unwrap();
    stage.lab.stop().await;
    stage.put_back("shards", &old);
    stage.lab.resume(true).await;
    let owner = stage.client("owner").await;
    let told = until(&stage, async || {
        let refused = find(&owner, stage.id).await.expect_err("an old directory serves");
        (refused.code() == Some(Code::ShardUnavailable)).then_some(refused)
    });
    let told = told.await.to_string();
    assert!(told.contains("anchor"), "{told}");
    stage.say("the whole directory as it was: refused by the chain's anchor");
}

/// Neither transactions nor rows of a real chain tell what a grantee is narrowed to; only that it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_holds_no_scope() {
    let way = Way::open(&variable("PRAG_CHAIN_RPC")).await;
    let lab = start(&way).await;
    pay(&lab).await;
    let stage = Stage::on(lab, "scope").await;
    let before = real::height().await;
    stage.grant_two("clerk").await;
    assert_eq!(stage.found_by("clerk").await.unwrap(), 2);
    let (contract, _) = CONTRACT.get().unwrap();
    let read = scopes::in_clear(real::everything(contract, before).await);
    let count = |text: &str| read.windows(text.len()).filter(|it| *it == text.as_bytes()).count();
    assert!(count("prag-scope-1.") >= 2, "in a transaction, and in a row");
    for word in [SECRET_LABEL, SECRET_ID, "has_id", "\\\"d1\\\""] {
        assert_eq!(count(word), 0, "{word}");
    }
    stage.say("a scope, and nothing of it on the chain");
}

/// Asks again and again, until there is something, or too much time has passed.
async fn until<T>(stage: &Stage, ask: impl AsyncFn() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < end, "in vain: {}", ready(&stage.lab).await);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// What `/readyz` says.
async fn ready(lab: &Lab) -> String {
    prag_tests::get(lab.address(), "/readyz").await
}

/// A worker that obeys the contract, by `way`. Its account has nothing yet.
async fn start(way: &Way) -> Lab {
    let access = CONTRACT.get_or_init(deploy).await.clone();
    let chain = real::obeying(way.url(), access).await;
    Lab::start_with(|settings| {
        settings.staleness_s = 10;
        settings.lease_check_s = 1;
        settings.ledger = Ledger::Cosmos(Box::new(chain));
    })
    .await
}

/// The contract, once for all tests, and its code's hash.
static CONTRACT: OnceCell<(prag_protocol::Address, [u8; 32])> = OnceCell::const_new();

async fn deploy() -> (prag_protocol::Address, [u8; 32]) {
    real::deploy(&operator().await, "access", &json!({})).await
}

/// What the operator does once a worker has named its account.
async fn pay(lab: &Lab) {
    real::pay(&operator().await, lab.worker().account(), 100_000_000).await;
}
