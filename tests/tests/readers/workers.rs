//! Workers: an image that the owner retires serves no more, and nobody is locked out of their data by a wrong list.

use crate::stage::{IMAGE, Stage};
use prag_client::error::ClientError;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::CollectionState;

/// A collection whose policy does not list the worker is locked there at once, and stays so over a restart and a
/// release; its owner sees it, sets the policy right, and reads on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retired_image_is_locked_out() {
    let mut stage = Stage::start().await;
    stage.set_policy(vec![[7; 32]], vec![]).await;
    let not_allowed = Code::WorkerNotAllowed;
    let (owner, plain) = (&stage.owner, stage.plain().await);
    stage.reads_nothing(owner, not_allowed).await;
    stage.reads_nothing(&plain, not_allowed).await;
    let written = stage.try_put(owner, 1, "text").await;
    assert_eq!(written.unwrap_err().code(), Some(not_allowed));
    assert_eq!(owner.collection(stage.id).await.unwrap().state, CollectionState::Locked);
    assert_eq!(owner.collections().await.unwrap()[0].state, CollectionState::Locked);
    let head = owner.check_history(stage.id).await.unwrap_err();
    assert_eq!(head.code(), Some(not_allowed));
    let released = owner.release(stage.id, 1).await.unwrap_err();
    assert_eq!(released.code(), Some(not_allowed));

    stage.lab.restart().await;
    let owner = stage.lab.client("owner").await;
    assert_eq!(owner.collection(stage.id).await.unwrap().state, CollectionState::Locked);
    stage.reads_nothing(&owner, not_allowed).await;

    stage.list(&[]).await;
    stage.reads_all(&owner).await;
    stage.reads_all(&plain).await;
    stage.put(&owner, 1, "text").await;
    assert_eq!(stage.find(&owner).await.unwrap(), 2);
}

/// An empty list of workers locks the collection everywhere; other collections serve on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_list_locks_one_collection() {
    let stage = Stage::start().await;
    let vectors = prag_protocol::wire::collections::VectorSource::Supplied(2);
    let other = stage.owner.create_collection("other", vectors).await.unwrap().id;
    stage.set_policy(vec![], vec![]).await;
    stage.reads_nothing(&stage.owner, Code::WorkerNotAllowed).await;
    assert!(stage.owner.documents(other).await.unwrap().is_empty());
}

/// Who is not listed and whose worker is not listed meets one refusal after the other, never an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retired_worker_answers_no_attested_reader() {
    let stage = Stage::start().await;
    stage.list(&[IMAGE]).await;
    let attested = stage.reader(IMAGE).await;
    stage.reads_all(&attested).await;
    let readers = stage.owner.policy(stage.id).await.unwrap().readers;
    stage.set_policy(vec![[7; 32]], readers).await;
    stage.reads_nothing(&attested, Code::WorkerNotAllowed).await;
    let outsider = stage.lab.client("outsider").await;
    let refused: ClientError = stage.find(&outsider).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));
}
