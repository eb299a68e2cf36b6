//! The host: sets the clock, edits the settings, and speaks for others as far as it can.
//!
//! Layer: tests.
//! Holds: what whoever runs the machine can do without the TEE's keys, beside what it does to the disk.
//! Never: a key of the worker's, the owner's or a grantee's.
//! Invariant: a right that ended stays ended, and settings that changed are not believed in silence.

use crate::scene::{Scene, Signing, parse, released, send_signed, sign};
use prag_client::error::ClientError;
use prag_client::identity::Purpose;
use prag_protocol::problem::Code;
use prag_tests::{ask, json as request};
use serde_json::json;

/// An hour after a grant ended the host boots the worker with a clock from before, or sets it while it runs: the
/// ledger has seen later, and the grant stays ended, whatever the grantee says the time is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sets_the_clock_back_to_revive_a_grant() {
    let mut scene = Scene::with(10, |_| ()).await;
    let expires = scene.owner.channel().now() + 3600;
    let grantee = scene.grantee("grantee", json!({ "expires": expires })).await;
    assert!(grantee.query(scene.id, &scene.near(1)).await.is_ok());

    scene.lab.host_clock.set(7200);
    scene.lab.clients_clock.set(7200);
    scene.lab.restart().await;
    let ended = grantee.query(scene.id, &scene.near(1)).await.unwrap_err();
    assert_eq!(ended.code(), Some(Code::Forbidden));
    // Whatever the ledger notes now, it notes with this time.
    let other = scene.grantee("other", json!({})).await;

    scene.lab.host_clock.set(0);
    assert!(
        other.query(scene.id, &scene.near(1)).await.is_ok(),
        "the host's clock is not asked again"
    );
    scene.lab.restart().await;
    assert!(
        other.query(scene.id, &scene.near(1)).await.is_ok(),
        "honest clocks agree with the ledger"
    );
    let ended = grantee.query(scene.id, &scene.near(1)).await.unwrap_err();
    assert_eq!(ended.code(), Some(Code::Forbidden));
    scene.lab.clients_clock.set(0);
    let early = grantee.query(scene.id, &scene.near(1)).await.unwrap_err();
    assert_eq!(early.code(), Some(Code::ClockSkew), "the worker's time is the ledger's");
}

/// The same with a permit: it ended, and a boot with an older clock does not make it good again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sets_the_clock_back_to_revive_a_permit() {
    let mut scene = Scene::with(3, |_| ()).await;
    let made = scene.owner.channel().now();
    let path = format!("/v1/collections/{}/query", scene.id);
    let query = request("POST", &path, br#"{"vector":[1,0]}"#);
    let ten_days = 10 * 86_400;
    for (ahead, code) in [(0, None), (ten_days, Some("permit-expired"))] {
        scene.lab.host_clock.set(ahead);
        scene.lab.clients_clock.set(ahead);
        scene.lab.restart().await;
        let signing = Signing { permit_made: made, ..Signing::now(&scene.owner).await };
        let headers = sign(&scene.owner, &query, &signing);
        let answer = send_signed(&scene.owner, &query, &headers).await;
        let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["code"].as_str(), code);
    }
    // The ledger notes the time of something, whatever it is.
    scene.grantee("noted", json!({})).await;
    scene.lab.host_clock.set(0);
    scene.lab.restart().await;
    let signing = Signing { permit_made: made, ..Signing::now(&scene.owner).await };
    let headers = sign(&scene.owner, &query, &signing);
    let answer = send_signed(&scene.owner, &query, &headers).await;
    assert!(String::from_utf8_lossy(&answer.body).contains("permit-expired"));
}

/// A machine that wakes with a clock years ahead writes nothing into the ledger by itself: once the clock is right
/// again, so is the worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sets_the_clock_years_ahead() {
    let mut scene = Scene::with(3, |_| ()).await;
    scene.lab.host_clock.set(10 * 366 * 86_400);
    scene.lab.restart().await;
    let refused = scene.owner.query(scene.id, &scene.near(1)).await.unwrap_err();
    assert!(
        matches!(refused, ClientError::Keys(_)) || refused.code() == Some(Code::ClockSkew),
        "{refused}"
    );
    assert!(
        !scene.lab.anchor_on_time().await,
        "a head has moved, but nobody agrees with the clock"
    );
    scene.lab.host_clock.set(0);
    scene.lab.restart().await;
    assert!(scene.owner.query(scene.id, &scene.near(1)).await.is_ok());
    assert!(scene.lab.anchor_on_time().await);
}

/// Settings that changed change the evidence: who pinned them is not served, nor sends anything, until a person
/// accepts the new ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_the_settings() {
    let mut scene = Scene::with(3, |_| ()).await;
    assert!(scene.owner.query(scene.id, &scene.near(1)).await.is_ok());
    scene.lab.stop().await;
    scene.lab.resume(false).await;
    let refused = scene.owner.query(scene.id, &scene.near(1)).await.unwrap_err();
    assert!(matches!(refused, ClientError::Pin("configuration")), "{refused}");
}

/// A share that the owner did not seal is not taken: not from another caller, and not in the owner's own request, where
/// a host that could write there would put it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seals_a_share_of_its_own() {
    let scene = Scene::with(3, |_| ()).await;
    let host = scene.lab.client("host").await;
    let path = format!("/v1/collections/{}/keys", scene.id);
    for (caller, signer, code) in [
        (&host, &host, "forbidden"),
        (&host, &scene.owner, "forbidden"),
        (&scene.owner, &host, "ciphertext-invalid"),
    ] {
        let share = released(signer, scene.id, 1).await;
        let body = json!({ "share": share }).to_string();
        let answer = ask(caller, Purpose::Admin, &request("PUT", &path, body.as_bytes())).await;
        let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["code"], code);
    }
    assert!(scene.owner.query(scene.id, &scene.near(1)).await.is_ok());
}

/// A share that the owner sealed, but not this collection's: the key that it gives is not the one of the ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gives_the_owner_a_wrong_share_to_release() {
    use prag_server::settings::VaultKind;
    let mut scene = Scene::with(3, |settings| settings.vault = vec![VaultKind::Owner]).await;
    scene.lab.restart().await;
    let locked = scene.owner.query(scene.id, &scene.near(1)).await.unwrap_err();
    assert_eq!(locked.code(), Some(Code::KeyMissing));
    let path = format!("/v1/collections/{}/keys", scene.id);
    let body = json!({ "share": released(&scene.owner, scene.id, 1).await }).to_string();
    let answer = ask(&scene.owner, Purpose::Admin, &request("PUT", &path, body.as_bytes())).await;
    assert!(String::from_utf8_lossy(&answer.body).contains("ciphertext-invalid"));
    let locked = scene.owner.query(scene.id, &scene.near(1)).await.unwrap_err();
    assert_eq!(locked.code(), Some(Code::KeyMissing));
    scene.owner.release(scene.id, 1).await.unwrap();
    let query = parse(json!({ "vector": [1.0, 0.0] }));
    assert_eq!(scene.owner.query(scene.id, &query).await.unwrap().hits.len(), 3);
}
