//! The malicious worker operator: replays what its worker was asked, here, elsewhere and later.
//!
//! Layer: tests.
//! Holds: requests with their signatures, as a worker sees them once they are opened.
//! Never: a session key of a caller.
//! Invariant: what was signed is taken by the worker that it was signed for, in the boot that it was signed in, once.
//!
//! What the operator does to the disk is in `disk`, what it does to evidence in `trust/quote` and `client/src/attest`.

use crate::scene::{Scene, Signing, send_signed, sign};
use prag_client::error::ClientError;
use prag_protocol::problem::Code;
use prag_tests::json as request;
use serde_json::{Value, json};

/// A request that one worker was asked, with permit and signature, is sent to another: it names whom it was for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replays_a_callers_request_on_another_worker() {
    let (one, other) = (Scene::with(3, |_| ()).await, Scene::with(3, |_| ()).await);
    let path = format!("/v1/collections/{}/query", other.id);
    let asked = request("POST", &path, br#"{"vector":[1,0]}"#);
    let signing = Signing::now(&one.owner).await;
    let headers = sign(&one.owner, &asked, &signing);
    let answer = send_signed(&other.owner, &asked, &headers).await;
    assert_eq!(code(&answer.body), "signature-invalid");
    // Even if it could have the signature made over the other worker's name, the permit is for one ledger.
    let signing = Signing { worker: Signing::now(&other.owner).await.worker, ..signing };
    let headers = sign(&one.owner, &asked, &signing);
    let answer = send_signed(&other.owner, &asked, &headers).await;
    assert_eq!(code(&answer.body), "permit-invalid");
}

/// The same request again is refused, and after a restart, which forgets what was seen, it is for a key that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replays_a_callers_request_after_a_restart() {
    let mut scene = Scene::with(3, |_| ()).await;
    let path = format!("/v1/collections/{}/documents", scene.id);
    let body = json!({ "ids": ["d1"] }).to_string();
    let asked = request("DELETE", &path, body.as_bytes());
    let headers = sign(&scene.owner, &asked, &Signing::now(&scene.owner).await);
    assert_eq!(send_signed(&scene.owner, &asked, &headers).await.status, 200);
    scene.put_long("d1", 1).await;
    assert_eq!(code(&send_signed(&scene.owner, &asked, &headers).await.body), "replayed");
    scene.lab.restart().await;
    let fresh = Signing::now(&scene.owner).await;
    assert_eq!(code(&send_signed(&scene.owner, &asked, &headers).await.body), "signature-invalid");
    let headers = sign(&scene.owner, &asked, &Signing { created: fresh.created - 61, ..fresh });
    assert_eq!(code(&send_signed(&scene.owner, &asked, &headers).await.body), "clock-skew");
    assert!(scene.owner.lookup(scene.id, "d1".parse().unwrap()).await.is_ok());
}

/// A grant or a permit that was revoked admits nobody from the next request on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_whom_the_owner_has_revoked() {
    let scene = Scene::with(3, |_| ()).await;
    let grantee = scene.grantee("grantee", json!({})).await;
    assert!(grantee.query(scene.id, &scene.near(1)).await.is_ok());
    let address = grantee.identity().address().clone();
    scene.owner.revoke_grant(scene.id, address).await.unwrap();
    let refused = grantee.query(scene.id, &scene.near(1)).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));

    let again = scene.grantee("grantee", json!({})).await;
    let path = format!("/v1/collections/{}/query", scene.id);
    let asked = request("POST", &path, br#"{"vector":[1,0]}"#);
    let signing = Signing::now(&again).await;
    let name = permit_name(&sign(&again, &asked, &signing));
    assert_eq!(send_signed(&again, &asked, &sign(&again, &asked, &signing)).await.status, 200);
    again.revoke_permit(&name).await.unwrap();
    let answer = send_signed(&again, &asked, &sign(&again, &asked, &signing)).await;
    assert_eq!(code(&answer.body), "forbidden");
}

/// Boots another worker under the same address: another ledger is another worker, and nothing is sent to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn puts_another_worker_in_its_place() {
    let mut scene = Scene::with(3, |_| ()).await;
    scene.lab.stop().await;
    std::fs::rename(scene.lab.path(), scene.lab.scratch().join("aside")).unwrap();
    scene.lab.resume(true).await;
    let refused = scene.owner.query(scene.id, &scene.near(1)).await.unwrap_err();
    assert!(matches!(refused, ClientError::Pin("ledger")), "{refused}");
}

fn code(body: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap();
    problem["code"].as_str().unwrap_or("none").to_owned()
}

/// The name of the permit in a request's headers.
fn permit_name(headers: &[(String, String)]) -> String {
    use base64::Engine;
    let (_, permit) = headers.iter().find(|(name, _)| name == "prag-permit").unwrap();
    let permit = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(permit).unwrap();
    let permit: Value = serde_json::from_slice(&permit).unwrap();
    permit["params"]["permit_name"].as_str().unwrap().to_owned()
}
