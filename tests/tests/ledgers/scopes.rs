//! What a grantee may see, on a ledger that everybody reads and some may write to.

use crate::outside::stage;
use crate::signed::Signed;
use crate::stage::{SECRET_ID, SECRET_LABEL, Stage, scope};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use prag_client::envelope::Request;
use prag_client::error::ClientError;
use prag_client::identity::Purpose;
use prag_client::ledger::Ledger;
use prag_client::relay::{Relay, RelayTerms};
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, GrantRecord};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::grants::PutGrant;
use prag_tests::{ask, document, find};
use prag_trust::permit::Expected;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The observer of a chain reads that a grant is narrowed, and by about how long a scope; no label, no value, no id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observer_reads_no_scope() {
    let (ledger, stage) = stage().await;
    stage.grant_two("clerk").await;
    assert_eq!(stage.found_by("clerk").await.unwrap(), 2);
    let read = in_clear(ledger.read());
    let has = |text: &str| read.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("prag-scope-1.") && has(stage.lab.account("clerk").as_str()));
    for word in [SECRET_LABEL, SECRET_ID, "has_id", "should", "\\\"d1\\\"", "team"] {
        assert!(!has(word), "{word}");
    }
}

/// Whoever may write to the chain in the owner's name, but was not given the scope's salt, makes no grant of another's
/// scope, and no scope of nothing: the worker admits nobody by it and says what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_of_the_chain_lends_no_scope() {
    let (ledger, stage) = stage().await;
    let owner = stage.client("owner").await;
    stage.grant_two("clerk").await;
    let own = record(&ledger, stage.id, &stage, "clerk").await.scope.unwrap();

    // Another collection of the same owner, and a scope there for the same grantee.
    let there = owner.create_collection("other", VectorSource::Supplied(2)).await.unwrap().id;
    owner.put_document(there, &document(1)).await.unwrap();
    let grant = of(&stage, "clerk", json!({ "scope": scope() }));
    owner.put_grant(there, &grant).await.unwrap();
    let theirs = record(&ledger, there, &stage, "clerk").await.scope.unwrap();
    assert_eq!(find(&stage.client("clerk").await, there).await.unwrap(), 1);

    let flipped = |at: usize| {
        let mut text = own.clone().into_bytes();
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(text).unwrap()
    };
    // The commitment of one, the body of another: as who replaces the salt would.
    let crossed = format!("{}{}", &theirs[..13 + 43], &own[13 + 43..]);
    for (grantee, text) in [
        ("thief", own.clone()),
        ("clerk", theirs.clone()),
        ("clerk", crossed),
        ("clerk", flipped(20)),
        ("clerk", flipped(60)),
        ("clerk", flipped(own.len() - 2)),
        ("clerk", own[..own.len() - 4].to_owned()),
        ("clerk", own[..13].to_owned()),
        ("clerk", own.replacen("scope-1", "scope-2", 1)),
        ("clerk", "{}".to_owned()),
        ("clerk", r#"{"must":[]}"#.to_owned()),
        ("clerk", " ".to_owned()),
        ("clerk", "everything".to_owned()),
    ] {
        write(&ledger, &stage, grantee, &text).await;
        stage.refuses(grantee, Code::Forbidden, 5).await;
        let client = stage.client(grantee).await;
        let put = client.put_document(stage.id, &document(1)).await.unwrap_err();
        assert_eq!(put.code(), Some(Code::Forbidden), "{text}");
        let shown = owner.grants(stage.id).await.unwrap();
        let account = stage.lab.account(grantee);
        let shown = shown.iter().find(|one| one.grant.grantee == account).unwrap();
        assert!(shown.grant.scope.is_none() && shown.scope_unreadable, "{text}");
    }
    let told = stage.found_by("thief").await.unwrap_err().to_string();
    assert!(told.contains("grant it again"), "{told}");
    // As it was, and as the plain text of earlier versions, it holds.
    write(&ledger, &stage, "clerk", &own).await;
    assert_eq!(stage.found_by("clerk").await.unwrap(), 2);
    let plain = serde_json::to_string(&scope()).unwrap();
    write(&ledger, &stage, "clerk", &plain).await;
    assert_eq!(stage.found_by("clerk").await.unwrap(), 2);
    stage.grant_two("clerk").await;
    assert_eq!(stage.found_by("clerk").await.unwrap(), 2);
}

/// A worker that would write a scope in clear gets no signature for it: the owner's program refuses, and nothing is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_publishes_gets_no_signature() {
    let (ledger, stage) = stage().await;
    let owner = stage.client("owner").await;
    ledger.publishes.store(true, Ordering::SeqCst);
    let before = ledger.head().await;
    let grant = of(&stage, "clerk", json!({ "scope": scope() }));
    let refused = owner.put_grant(stage.id, &grant).await.unwrap_err();
    assert!(matches!(refused, ClientError::Unasked), "{refused}");
    assert_eq!(ledger.head().await, before);
    stage.refuses("clerk", Code::Forbidden, 5).await;
    ledger.publishes.store(false, Ordering::SeqCst);
    owner.put_grant(stage.id, &grant).await.unwrap();
    assert_eq!(stage.found_by("clerk").await.unwrap(), 2);
}

/// Without a salt, or too long for the form, a scope is refused by name and limit, and the ledger has nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_that_cannot_be_sealed_is_refused() {
    let (ledger, stage) = stage().await;
    let owner = stage.client("owner").await;
    let before = ledger.head().await;
    let body = serde_json::to_vec(&of(&stage, "clerk", json!({ "scope": scope() }))).unwrap();
    let path = format!("/v1/collections/{}/grants", stage.id);
    let media_type = "application/json";
    let request = Request { method: "POST", path: &path, query: "", media_type, body: &body };
    let answer = ask(&owner, Purpose::Admin, &request).await;
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidField, Some("scope_salt")));
    let ids: Vec<String> = (0..300).map(|number| format!("document-{number:03}")).collect();
    let long = of(&stage, "clerk", json!({ "scope": { "must": [{ "has_id": ids }] } }));
    let refused = owner.put_grant(stage.id, &long).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::BadFilter), "{refused}");
    assert!(refused.to_string().contains("2902"), "{refused}");
    assert_eq!(ledger.head().await, before);
    stage.refuses("clerk", Code::Forbidden, 5).await;
}

/// A worker whose keys are gone says that it cannot seal, and shows that it cannot read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_keys_nothing_is_sealed_or_read() {
    let (_ledger, mut stage) = stage().await;
    stage.grant_two("clerk").await;
    stage.lab.stop().await;
    let shard = stage.shard();
    let away = stage.copy(&shard);
    std::fs::remove_dir_all(stage.lab.path().join(&shard)).unwrap();
    stage.lab.resume(true).await;
    let owner = stage.client("owner").await;
    let refused = owner.put_grant(stage.id, &of(&stage, "late", json!({ "scope": scope() }))).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused.code(), Some(Code::KeyMissing | Code::ShardUnavailable)), "{refused}");
    let shown = owner.grants(stage.id).await.unwrap();
    assert!(shown.len() == 1 && shown[0].scope_unreadable && shown[0].grant.scope.is_none());
    assert!(stage.found_by("clerk").await.is_err());
    stage.lab.stop().await;
    prag_tests::copy_folder(&away, &stage.lab.path().join(&shard));
    stage.lab.resume(true).await;
    stage.serves().await;
    assert_eq!(stage.found_by("clerk").await.unwrap(), 2);
    assert!(!stage.client("owner").await.grants(stage.id).await.unwrap()[0].scope_unreadable);
}

/// What was read, and what stands in it in base64, also twice over.
pub(crate) fn in_clear(mut read: Vec<u8>) -> Vec<u8> {
    let of_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    let mut layer = read.clone();
    for _ in 0..2 {
        let runs = layer.chunk_by(|one, next| of_base64(one) && of_base64(next));
        let open = |run: &[u8]| {
            let run: Vec<u8> = run.iter().copied().filter(|byte| *byte != b'=').collect();
            let standard = STANDARD_NO_PAD.decode(&run);
            standard.or_else(|_| URL_SAFE_NO_PAD.decode(&run)).ok()
        };
        layer = runs.filter(|run| run.len() >= 16).filter_map(open).flatten().collect();
        read.extend_from_slice(&layer);
    }
    read
}

/// A grant for `name`, to read and to write, with what is in `change`.
fn of(stage: &Stage, name: &str, change: serde_json::Value) -> PutGrant {
    let expires = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut grant = json!({
        "grantee": stage.lab.account(name), "write": true, "max_k": 50,
        "expires": expires.as_secs() + 3600,
    });
    grant.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(grant).unwrap()
}

/// A grant as its owner's session would sign it for the chain, past every worker.
async fn write(ledger: &Arc<Signed>, stage: &Stage, grantee: &str, scope: &str) {
    let owner = stage.client("owner").await;
    let now = owner.channel().now();
    let expected = Expected { chain_id: ledger.chain_id(), contract: ledger.contract() };
    let message = AccessMsg::Grant {
        collection: stage.id,
        grantee: stage.lab.account(grantee),
        read: true,
        write: true,
        max_k: 50,
        quota: None,
        expires: now + 3600,
        scope: Some(scope.to_owned()),
        delegate: 0,
    };
    let identity = owner.identity();
    let permit = identity.permit(Purpose::Admin, &expected, now).unwrap();
    let key = identity.session().public_key();
    let sequence = owner.channel().remembered().next_sequences(&key, now, 1).unwrap();
    let terms = RelayTerms { sequence, until: now + 100 };
    let me = identity.address();
    let relay = Relay::sign(identity.session(), &permit, &expected, me, &message, terms).unwrap();
    ledger.execute(me, &relay.to_json().unwrap(), message).await.unwrap();
}

async fn record(
    ledger: &Arc<Signed>,
    collection: CollectionId,
    stage: &Stage,
    name: &str,
) -> GrantRecord {
    let grantee = stage.lab.account(name);
    match ledger.query(AccessQuery::Grant { collection, grantee }).await.unwrap() {
        AccessReply::Grant(Some(record)) => record,
        other => panic!("{other:?}"),
    }
}
