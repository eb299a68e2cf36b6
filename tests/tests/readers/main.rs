//! Whoever reads context proves what it is: readers' images, their sessions, and the workers that may serve them.
//!
//! Layer: tests.
//! Holds: an owner, a grantee who attests or does not, and a worker that obeys the collection's policy.
//! Never: a secret of the owner's in the hands of whoever attacks.
//! Invariant: where the owner lists readers, a grantee reads with a live session of its own key and a listed image, or not.

#![allow(clippy::unwrap_used, clippy::panic)]

mod pki;
mod sessions;
mod stage;
mod workers;

use prag_client::identity::Purpose;
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_tests::{Wiretap, ask, json};
use stage::{IMAGE, SECRET, Stage, image};

/// A listed image reads by every route; without evidence, or of another image, by none. The owner is exempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listed_images_read() {
    let stage = Stage::start().await;
    stage.list(&[IMAGE]).await;
    let (attested, plain) = (stage.reader(IMAGE).await, stage.plain().await);
    stage.reads_all(&attested).await;
    stage.reads_all(&stage.owner).await;
    stage.reads_nothing(&plain, Code::ReaderAttestationRequired).await;
    let other = stage.reader("another image").await;
    stage.reads_nothing(&other, Code::ReaderAttestationRequired).await;

    // The two reasons are told apart by their text, to whom has a grant.
    let said = stage.find(&plain).await.unwrap_err().to_string();
    assert!(said.contains("open a session"), "{said}");
    let said = stage.find(&other).await.unwrap_err().to_string();
    assert!(said.contains("does not list your image"), "{said}");

    // A look from outside needs no evidence: state and size, for whoever has a grant.
    assert_eq!(plain.collection(stage.id).await.unwrap().documents, 1);
    assert_eq!(plain.collections().await.unwrap().len(), 1);
}

/// Without a policy, or with one that lists no reader, grantees read as they are; an attested one may attest all the
/// same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_list_nobody_need_attest() {
    let stage = Stage::start().await;
    let (plain, attested) = (stage.plain().await, stage.reader("whatever").await);
    stage.reads_all(&plain).await;
    stage.reads_all(&attested).await;
    stage.list(&[]).await;
    stage.reads_all(&stage.reader("whatever").await).await;
    stage.restart_forgets_sessions().await;
}

/// Replies to an attested reader are sealed to it: whoever terminates the channel in its stead reads nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_are_sealed() {
    let stage = Stage::start().await;
    let attested = stage.reader(IMAGE).await;
    attested.attest_reader().await.unwrap();
    let path = |leaf: &str| format!("/v1/collections/{}{leaf}", stage.id);
    for (method, leaf, body) in [
        ("POST", "/query", r#"{"vector":[1,0]}"#),
        ("POST", "/queries", r#"{"queries":[{"vector":[1,0]},{"vector":[0,1]}]}"#),
        ("POST", "/context", r#"{"prompt":"dose","budget":100}"#),
        ("POST", "/documents/lookup", r#"{"id":"d0"}"#),
        ("GET", "/documents", ""),
    ] {
        let path = path(leaf);
        let request = json(method, &path, body.as_bytes());
        let answer = ask(&attested, Purpose::Data, &request).await;
        let body = String::from_utf8(answer.body).unwrap();
        assert!(body.starts_with(r#"{"sealed":""#), "{leaf}: {body}");
        assert!(!body.contains(SECRET) && !body.contains("\"id\""), "{leaf}");
    }
    // The owner's replies are as before: only who has a session has a key to seal to.
    let answer = ask(&stage.owner, Purpose::Data, &json("GET", &path("/documents"), b"")).await;
    assert!(String::from_utf8(answer.body).unwrap().contains("d0"));
}

/// What a policy says holds at the next request, while the session lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_holds_at_the_next_request() {
    let stage = Stage::start().await;
    stage.list(&[IMAGE]).await;
    let attested = stage.reader(IMAGE).await;
    stage.reads_all(&attested).await;
    stage.list(&["another image"]).await;
    stage.reads_nothing(&attested, Code::ReaderAttestationRequired).await;
    stage.list(&["another image", IMAGE]).await;
    stage.reads_all(&attested).await;
    let grantee = attested.identity().address().clone();
    stage.owner.revoke_grant(stage.id, grantee).await.unwrap();
    stage.reads_nothing(&attested, Code::Forbidden).await;
}

/// Who has no grant sees the same refusal as for a collection that never was, attested or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outsiders_learn_of_no_policy() {
    let stage = Stage::start().await;
    stage.list(&[IMAGE]).await;
    let outsider = stage.lab.client("outsider").await;
    let mut bodies = Vec::new();
    for attested in [false, true] {
        if attested {
            stage.attested("outsider", IMAGE).await.attest_reader().await.unwrap();
        }
        for id in [stage.id, CollectionId([9; 16])] {
            let path = format!("/v1/collections/{id}/query");
            let request = json("POST", &path, br#"{"vector":[1,0]}"#);
            let answer = ask(&outsider, Purpose::Data, &request).await;
            assert_eq!(answer.status, 403);
            bodies.push(answer.body);
        }
    }
    assert!(String::from_utf8_lossy(&bodies[0]).contains(Code::Forbidden.as_str()));
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

/// Writing needs no evidence: the policy is about who reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_need_no_evidence() {
    let stage = Stage::start().await;
    stage.list(&[IMAGE]).await;
    let plain = stage.plain().await;
    stage.put(&plain, 1, "written by a grantee").await;
    stage.reads_nothing(&plain, Code::ReaderAttestationRequired).await;
    // Whoever writes can check that the history went on, which holds no content.
    assert_eq!(plain.check_history(stage.id).await.unwrap().size, 2);
    assert_eq!(stage.find(&stage.owner).await.unwrap(), 2);
}

/// A sealed reply, an open one and a refusal are of one size on the wire, and the longest passages fit sealed too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealing_shows_in_no_size() {
    let stage = Stage::start().await;
    for number in 1..12 {
        stage.put(&stage.owner, number, &"dose \"5\" mg, ".repeat(330)[..4096]).await;
    }
    stage.list(&[IMAGE]).await;
    let tap = Wiretap::before(stage.lab.address()).await;
    stage.attested("reader", IMAGE).await.attest_reader().await.unwrap();
    let owner = stage.lab.client_at("owner", &tap.url()).await;
    let attested = stage.lab.client_at("reader", &tap.url()).await;
    let outsider = stage.lab.client_at("outsider", &tap.url()).await;
    for (leaf, body) in
        [("query", r#"{"vector":[1,0],"k":10}"#), ("context", r#"{"prompt":"dose","budget":8000}"#)]
    {
        let mut sizes = Vec::new();
        for (client, status) in [(&owner, 200), (&attested, 200), (&outsider, 403)] {
            let path = format!("/v1/collections/{}/{leaf}", stage.id);
            let before = tap.received_len();
            let answer = ask(client, Purpose::Data, &json("POST", &path, body.as_bytes())).await;
            assert_eq!(answer.status, status, "{leaf}");
            sizes.push((answer.body.len(), tap.received_len() - before));
        }
        assert!(sizes[1].0 > sizes[0].0, "{leaf}: sealed is longer, within its bucket");
        assert!(sizes.iter().all(|row| row.1 == sizes[0].1), "{leaf}: {sizes:?}");
    }
}

/// What the lists hold is what the owner set, and only the owner sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_are_the_owners() {
    let stage = Stage::start().await;
    let none = stage.owner.policy(stage.id).await.unwrap();
    assert_eq!((none.epoch, none.workers, none.readers), (0, vec![], vec![]));
    stage.list(&[IMAGE]).await;
    let set = stage.owner.policy(stage.id).await.unwrap();
    assert_eq!((set.epoch, set.workers), (1, vec![stage.lab.image()]));
    assert_eq!(set.readers, [image(IMAGE)]);
    let refused = stage.plain().await.policy(stage.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));
}
