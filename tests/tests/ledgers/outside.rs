//! A ledger that is not the worker's own: its owner signs each message, and it may be silent.

use crate::signed::Signed;
use crate::stage::Stage;
use crate::story;
use prag_client::envelope::Request;
use prag_client::identity::Purpose;
use prag_client::ledger::Ledger;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::CollectionState;
use prag_protocol::wire::grants::RevokeGrant;
use prag_tests::{Lab, VERSION, ask, find};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(crate) async fn stage() -> (Arc<Signed>, Stage) {
    let ledger = Signed::new();
    let lab = Lab::start_under(Some(Arc::<Signed>::clone(&ledger)), VERSION, |settings| {
        (settings.staleness_s, settings.lease_check_s) = (2, 1);
    });
    let lab = lab.await;
    (ledger, Stage::on(lab, "signed").await)
}

/// The story of the embedded ledger, word for word: the client signs what the ledger asks for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_where_owners_sign() {
    let (_ledger, stage) = stage().await;
    story::tell(stage).await;
}

/// A request alone does not move such a ledger: the worker names what must be signed, and nothing has changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_not_enough() {
    let (ledger, stage) = stage().await;
    stage.grant("reader", None).await;
    let before = ledger.head().await;
    let (owner, reader) = (stage.client("owner").await, stage.lab.account("reader"));
    let body = serde_json::to_vec(&RevokeGrant { grantee: reader.clone() }).unwrap();
    let path = format!("/v1/collections/{}/grants", stage.id);
    let request = Request {
        method: "DELETE",
        path: &path,
        query: "",
        media_type: "application/json",
        body: &body,
    };
    let answer = ask(&owner, Purpose::Admin, &request).await;
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, problem.code), (428, Code::AuthorizationRequired));
    assert_eq!(problem.sign.len(), 1);
    assert_eq!(ledger.head().await, before);
    assert_eq!(stage.found_by("reader").await.unwrap(), 5);
    owner.revoke_grant(stage.id, reader).await.unwrap();
    stage.refuses("reader", Code::Forbidden, 5).await;
}

/// Many queries under one quota cost a few transactions, and not one unit more than the quota is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_is_taken_in_slices() {
    let (ledger, stage) = stage().await;
    stage.grant("reader", Some(200)).await;
    let reader = stage.client("reader").await;
    for number in 0..200 {
        assert_eq!(find(&reader, stage.id).await.unwrap(), 5, "query {number}");
    }
    stage.refuses("reader", Code::QuotaExhausted, 5).await;
    let transactions = ledger.taken.load(Ordering::SeqCst);
    assert!((20..=45).contains(&transactions), "{transactions} transactions for 200 queries");
    stage.grant("reader", Some(1)).await;
    assert_eq!(find(&reader, stage.id).await.unwrap(), 5, "a new grant begins anew");
    stage.refuses("reader", Code::QuotaExhausted, 5).await;
}

/// A silent ledger: nothing is served past its staleness, a boot comes up and waits, and no key is lost by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_ledger_is_waited_for() {
    let (ledger, mut stage) = stage().await;
    let ready = async |stage: &Stage| prag_tests::get(stage.lab.address(), "/readyz").await;
    assert!(ready(&stage).await.contains("ready\nledger embedded"));
    ledger.silence(true);
    stage.refuses_for_now("owner").await;
    assert!(ready(&stage).await.contains("ledger-unavailable"));
    // Past the staleness bound the key goes from memory too.
    tokio::time::sleep(Duration::from_secs(5)).await;
    ledger.silence(false);
    stage.serves().await;
    assert_eq!(stage.found_by("owner").await.unwrap(), 5);

    ledger.silence(true);
    stage.lab.restart().await;
    stage.refuses_for_now("owner").await;
    ledger.silence(false);
    stage.serves().await;
    assert_eq!(stage.found_by("owner").await.unwrap(), 5);
    let owner = stage.client("owner").await;
    assert_eq!(owner.collection(stage.id).await.unwrap().state, CollectionState::Ready);
}
