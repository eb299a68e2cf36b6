//! A delegate grants within its own grant, on whichever ledger.

use crate::stage::{Stage, scope};
use prag_client::error::ClientError;
use prag_protocol::filter::Filter;
use prag_protocol::problem::Code;
use prag_protocol::wire::grants::PutGrant;
use serde_json::json;

/// "agent" may give one grant, of the two documents that it sees itself; "friend" gets it.
pub(crate) async fn tell(stage: &Stage) {
    let (owner, agent) = (stage.client("owner").await, stage.client("agent").await);
    let until = owner.channel().now() + 1800;
    let appointed =
        PutGrant { scope: Some(scope()), delegate: 1, ..terms(stage, until, "agent", 50) };
    owner.put_grant(stage.id, &appointed).await.unwrap();
    assert_eq!(agent.grants(stage.id).await.unwrap().len(), 0, "of others' grants nothing is told");

    let beyond = agent.put_grant(stage.id, &terms(stage, until, "friend", 51)).await;
    refused(beyond, "max_k is beyond the delegate's own grant");
    let handed = PutGrant { delegate: 1, ..terms(stage, until, "friend", 50) };
    refused(agent.put_grant(stage.id, &handed).await, "delegate is beyond");
    stage.refuses("friend", Code::Forbidden, 5).await;

    agent.put_grant(stage.id, &terms(stage, until, "friend", 50)).await.unwrap();
    assert_eq!(stage.found_by("friend").await.unwrap(), 2, "as the agent does");
    let refusal = agent.put_grant(stage.id, &terms(stage, until, "other", 50)).await;
    refused(refusal, "at most 1 grants of its own");
    let friend = stage.client("friend").await;
    let handed_on =
        friend.put_grant(stage.id, &terms(stage, until, "other", 50)).await.unwrap_err();
    assert_eq!(handed_on.code(), Some(Code::Forbidden), "{handed_on}");
    let over = agent.revoke_grant(stage.id, stage.lab.account("clerk")).await;
    refused(over, "not one that the sender gave");

    let narrow = PutGrant { scope: Some(ids(&["d0", "d1"])), ..terms(stage, until, "friend", 50) };
    agent.put_grant(stage.id, &narrow).await.unwrap();
    assert_eq!(stage.found_by("friend").await.unwrap(), 1, "what both scopes allow");
    let (told, all) =
        (agent.grants(stage.id).await.unwrap(), owner.grants(stage.id).await.unwrap());
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].grant.scope, narrow.scope);
    let account = stage.lab.account("agent");
    let by = |one: &prag_protocol::wire::grants::Grant| one.by.as_ref() == Some(&account);
    assert_eq!(all.iter().filter(|one| by(one)).count(), 1);
    assert!(all.iter().any(|one| one.grant.grantee == account && one.given == 1));

    agent.revoke_grant(stage.id, stage.lab.account("friend")).await.unwrap();
    stage.refuses("friend", Code::Forbidden, 5).await;
    agent.put_grant(stage.id, &terms(stage, until, "friend", 50)).await.unwrap();
    assert_eq!(stage.found_by("friend").await.unwrap(), 2);
    owner.revoke_grant(stage.id, account.clone()).await.unwrap();
    stage.refuses("friend", Code::Forbidden, 5).await;
    let all = owner.grants(stage.id).await.unwrap();
    assert!(all.iter().all(|one| one.void == by(one)), "{all:?}");
    stage.say("a delegate granted within its own grant, and that is void with it");
}

/// A quota is the delegate's and its grantee's together.
pub(crate) async fn share(stage: &Stage) {
    let owner = stage.client("owner").await;
    let until = owner.channel().now() + 1800;
    let quota = |units| PutGrant { quota: Some(units), ..terms(stage, until, "agent", 50) };
    owner.put_grant(stage.id, &PutGrant { delegate: 1, ..quota(3) }).await.unwrap();
    let agent = stage.client("agent").await;
    agent.put_grant(stage.id, &terms(stage, until, "friend", 50)).await.unwrap();
    assert_eq!(stage.found_by("friend").await.unwrap(), 5);
    assert_eq!(stage.found_by("agent").await.unwrap(), 5);
    assert_eq!(stage.found_by("friend").await.unwrap(), 5);
    for name in ["friend", "agent"] {
        stage.refuses(name, Code::QuotaExhausted, 5).await;
    }
    owner.revoke_grant(stage.id, stage.lab.account("agent")).await.unwrap();
    stage.refuses("friend", Code::Forbidden, 5).await;
    stage.say("a quota of three is used up by two");
}

fn terms(stage: &Stage, until: u64, name: &str, max_k: u32) -> PutGrant {
    PutGrant {
        grantee: stage.lab.account(name),
        read: true,
        write: false,
        max_k,
        quota: None,
        expires: until,
        scope: None,
        scope_salt: None,
        delegate: 0,
    }
}

fn ids(ids: &[&str]) -> Filter {
    serde_json::from_value(json!({ "must": [{ "has_id": ids }] })).unwrap()
}

fn refused<T>(done: Result<T, ClientError>, why: &str) {
    let Err(error) = done else { panic!("{why}") };
    assert_eq!(error.code(), Some(Code::Conflict), "{error}");
    assert!(error.to_string().contains(why), "{error}");
}
