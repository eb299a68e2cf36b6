//! The story, which no ledger tells otherwise.

use crate::delegates;
use crate::stage::{Stage, scope};
use prag_client::error::ClientError;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::CollectionState;
use prag_protocol::wire::documents::Ack;
use prag_tests::document;

pub(crate) async fn tell(mut stage: Stage) {
    read(&stage).await;
    narrow(&stage).await;
    delegates::tell(&stage).await;
    delegates::share(&stage).await;
    rotate(&stage).await;
    restart(&mut stage).await;
    roll_back(&mut stage).await;
    still_narrow(&stage).await;
    destroy(&stage).await;
}

/// Granted, read, used up, revoked, refused.
async fn read(stage: &Stage) {
    stage.refuses("reader", Code::Forbidden, 5).await;
    stage.grant("reader", None).await;
    assert_eq!(stage.found_by("reader").await.unwrap(), 5);
    stage.say("granted, and read");

    stage.grant("guest", Some(2)).await;
    for _ in 0..2 {
        assert_eq!(stage.found_by("guest").await.unwrap(), 5);
    }
    stage.refuses("guest", Code::QuotaExhausted, 5).await;
    stage.say("a quota of two is used up");

    let (owner, reader) = (stage.client("owner").await, stage.lab.account("reader"));
    let before = owner.grants(stage.id).await.unwrap();
    let used: Vec<_> = before.iter().map(|one| (one.grant.quota, one.used)).collect();
    assert!(used.contains(&(Some(2), 2)) && used.contains(&(None, 0)), "{used:?}");
    // A stranger revokes nothing.
    let refused = stage.client("guest").await.revoke_grant(stage.id, reader.clone()).await;
    assert_eq!(refused.unwrap_err().code(), Some(Code::Forbidden));
    assert_eq!(stage.found_by("reader").await.unwrap(), 5);

    let told = owner.revoke_grant(stage.id, reader).await.unwrap();
    stage.refuses("reader", Code::Forbidden, 5).await;
    assert_eq!(owner.grants(stage.id).await.unwrap().len(), before.len() - 1);
    stage.say(&format!("revoked at height {}, and refused", told.height));
}

/// Two documents of five, to find and to see; the owner sees which, and nobody else does.
async fn narrow(stage: &Stage) {
    stage.grant_two("clerk").await;
    still_narrow(stage).await;
    let clerk = stage.client("clerk").await;
    for hidden in ["d0", "d2", "d4"] {
        let absent = clerk.lookup(stage.id, hidden.parse().unwrap()).await.unwrap_err();
        assert_eq!(absent.code(), Some(Code::DocumentNotFound), "{hidden}: {absent}");
    }
    let seen = clerk.collection(stage.id).await.unwrap();
    assert_eq!((seen.documents, seen.chunks), (0, 0), "how much lies outside is not told");
    assert_eq!(clerk.grants(stage.id).await.unwrap_err().code(), Some(Code::Forbidden));
    stage.say("a grant of two documents");
}

/// As [`narrow`] left it, whatever has happened to keys and worker meanwhile.
async fn still_narrow(stage: &Stage) {
    assert_eq!(stage.found_by("clerk").await.unwrap(), 2);
    let (owner, clerk) = (stage.client("owner").await, stage.lab.account("clerk"));
    let grants = owner.grants(stage.id).await.unwrap();
    let one = grants.iter().find(|one| one.grant.grantee == clerk).unwrap();
    assert!(one.grant.scope == Some(scope()) && !one.scope_unreadable);
}

/// The next epoch; what was there is found, and a stranger's rotation turns nothing.
async fn rotate(stage: &Stage) {
    let owner = stage.client("owner").await;
    let refused = stage.client("guest").await.rotate(stage.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));
    assert_eq!(owner.collection(stage.id).await.unwrap().epoch, 1);
    assert_eq!(owner.rotate(stage.id).await.unwrap().epoch, 2);
    assert_eq!(owner.collection(stage.id).await.unwrap().epoch, 2);
    assert_eq!(stage.found_by("owner").await.unwrap(), 5);
    still_narrow(stage).await;
    stage.say("the keys are of epoch 2");
}

/// Another boot has another key; its account binds it, and the worker serves by itself.
async fn restart(stage: &mut Stage) {
    let owner = stage.client("owner").await;
    let put = owner.put_document_when(stage.id, &document(5), Ack::Anchored).await.unwrap();
    assert_eq!(put.ack, Ack::Anchored);
    owner.check_history(stage.id).await.unwrap();
    stage.say("a write is anchored");
    stage.lab.restart().await;
    stage.serves().await;
    stage.refuses("reader", Code::Forbidden, 6).await;
    stage.grant("reader", None).await;
    assert_eq!(stage.found_by("reader").await.unwrap(), 6);
    stage.client("owner").await.check_history(stage.id).await.unwrap();
    still_narrow(stage).await;
    stage.say("another boot serves what was there, and refuses whom it refused");
}

/// The host puts an older shard back: the anchor on the ledger tells.
async fn roll_back(stage: &mut Stage) {
    stage.lab.stop().await;
    let shard = stage.shard();
    let old = stage.copy(&shard);
    stage.lab.resume(true).await;
    stage.serves().await;
    let owner = stage.client("owner").await;
    owner.put_document_when(stage.id, &document(6), Ack::Anchored).await.unwrap();
    stage.lab.stop().await;
    let new = stage.copy(&shard);
    stage.put_back(&shard, &old);
    stage.lab.resume(true).await;
    let owner = stage.client("owner").await;
    let refused = refused(stage, &owner).await;
    assert!(refused.to_string().contains("rolled back"), "{refused}");
    stage.lab.stop().await;
    stage.put_back(&shard, &new);
    stage.lab.resume(true).await;
    stage.serves().await;
    assert_eq!(stage.found_by("owner").await.unwrap(), 7);
    stage.say("an older shard is refused; the one that was anchored serves");
}

/// Waits until the shard is quarantined, and asks it.
async fn refused(stage: &Stage, owner: &prag_client::Client) -> ClientError {
    for _ in 0..300 {
        let state = owner.collection(stage.id).await.map(|seen| seen.state);
        if matches!(state, Ok(CollectionState::Quarantined)) {
            return stage.found_by("owner").await.unwrap_err();
        }
        assert!(!matches!(state, Ok(CollectionState::Ready)), "an old shard serves");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("the shard is neither served nor refused");
}

/// Nothing is left to ask for.
async fn destroy(stage: &Stage) {
    let (owner, guest) = (stage.client("owner").await, stage.client("guest").await);
    let refused = guest.destroy_collection(stage.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));
    assert_eq!(stage.found_by("owner").await.unwrap(), 7);
    owner.destroy_collection(stage.id).await.unwrap();
    let gone = stage.found_by("owner").await.unwrap_err();
    assert_eq!(gone.code(), Some(Code::Forbidden), "{gone}");
    assert!(owner.shares().epochs(stage.id).unwrap().is_empty());
    stage.say("destroyed");
}
