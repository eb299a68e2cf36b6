//! A worker without a sealing key: what it answers while it is sealed, and who may open it.

use crate::{fill, found};
use prag_client::attest::Tls as Ends;
use prag_client::envelope::Answer;
use prag_client::identity::Purpose;
use prag_client::system::OsEntropy;
use prag_client::{Client, ClientError};
use prag_protocol::CollectionId;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::ReleaseKeys;
use prag_server::settings::Tls;
use prag_tests::{Ground, Lab, Wiretap, account_in, ask, code, copy_folder, json};
use prag_trust::entropy::random;
use prag_trust::evidence::BindingPurpose;
use prag_trust::key::Share;
use prag_trust::release::{ROOT_EPOCH, Terms, seal_share};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A sealed worker whose steward is `steward`.
async fn sealed() -> Lab {
    Lab::start_for(Ground::simulated(), |settings, homes| {
        settings.steward = Some(account_in(homes, "steward"));
    })
    .await
}

async fn unlock(lab: &Lab) {
    lab.steward("steward").await.unwrap().unlock().await.unwrap();
}

async fn is_sealed(lab: &Lab) {
    let refused = lab.connect(BindingPurpose::Serve, "owner", &lab.url()).await.err().unwrap();
    assert!(matches!(refused, ClientError::WorkerSealed), "{refused}");
}

/// How many shards lie in its data directory.
fn shards(lab: &Lab) -> usize {
    std::fs::read_dir(lab.path().join("shards")).into_iter().flatten().count()
}

/// A root of `client`'s choice, released to the worker of its own session, under `terms`.
async fn release(client: &Client, collection: CollectionId, epoch: u32) -> Vec<u8> {
    let session = client.channel().session().await.unwrap();
    let root = Share::random(&mut OsEntropy).unwrap();
    let terms = Terms { collection, epoch, nonce: random(&mut OsEntropy).unwrap() };
    let owner = client.identity().session();
    let (worker, keys) = (session.worker(), session.keys());
    let share = seal_share(&root, worker, keys, &terms, owner, &mut OsEntropy).unwrap();
    let share = serde_json::to_value(share).unwrap();
    serde_json::to_vec(&ReleaseKeys { share }).unwrap()
}

async fn put_root(client: &Client, body: &[u8]) -> Answer {
    ask(client, Purpose::Admin, &json("PUT", "/v1/root", body)).await
}

/// A whole HTTP exchange on a connection of its own.
async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    String::from_utf8_lossy(&reply).into_owned()
}

/// While it is sealed a worker attests, says that it lives, and answers everything else by one code; owners' clients stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_worker_does_one_thing() {
    let lab = sealed().await;
    is_sealed(&lab).await;
    let get = async |method: &str, path: &str| {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
        raw(lab.address(), head.as_bytes()).await
    };
    for path in ["/healthz", "/livez"] {
        assert!(get("GET", path).await.starts_with("HTTP/1.1 200"), "{path}");
    }
    let shown = get("GET", &format!("/v1/attestation?nonce={}", "07".repeat(32))).await;
    assert!(
        shown.contains(r#""sealed":true"#)
            && shown.contains(&format!(r#""ledger_id":"{}""#, "0".repeat(64)))
    );
    for (method, path) in [
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/docs/"),
        ("GET", "/openapi.json"),
        ("GET", "/v1/collections"),
        ("PUT", "/v1/root"),
        ("GET", "/gateway"),
    ] {
        let reply = get(method, path).await;
        assert!(
            reply.starts_with("HTTP/1.1 503") && reply.contains("worker-sealed"),
            "{path}: {reply}"
        );
    }
    let steward = lab.steward("steward").await.unwrap();
    for (method, path) in [
        ("GET", "/v1/models"),
        ("GET", "/v1/collections"),
        ("POST", "/v1/collections"),
        ("GET", "/v1/root"),
        ("POST", "/v1/ledger/confirm"),
    ] {
        let answer = ask(&steward, Purpose::Admin, &json(method, path, b"")).await;
        assert_eq!(code(&answer), Code::WorkerSealed, "{method} {path}");
    }
    // Nothing of all this made a state.
    assert_eq!(shards(&lab), 0);
}

/// The steward opens the worker, at its birth and after each boot, also when its process was killed: what was there is
/// there again. An open worker is not opened again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_steward_brings_everything_back() {
    let mut lab = sealed().await;
    let opened = lab.steward("steward").await.unwrap().unlock().await.unwrap();
    assert!(opened.first);
    let id = fill(&lab.client("owner").await).await;
    assert!(matches!(lab.steward("steward").await, Err(ClientError::NotSealed)));

    // A killed process leaves what the disk has at that moment.
    let after = Lab::start_for(Ground::simulated(), |settings, homes| {
        copy_folder(lab.path(), &settings.data);
        copy_folder(&lab.scratch().join("homes"), homes);
        settings.steward = Some(account_in(homes, "steward"));
    })
    .await;
    is_sealed(&after).await;
    let again = after.steward("steward").await.unwrap().unlock().await.unwrap();
    assert!(!again.first && again.directory == opened.directory);
    assert_eq!(again.ledger_id, opened.ledger_id);
    assert_eq!(found(&after.client("owner").await, id).await.unwrap(), 1);

    lab.restart().await;
    is_sealed(&lab).await;
    unlock(&lab).await;
    assert_eq!(found(&lab.client("owner").await, id).await.unwrap(), 1);
}

/// A client's open connection and session outlive the switch: the next request meets the open worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_connections_meet_the_open_worker() {
    let lab = sealed().await;
    let steward = lab.steward("steward").await.unwrap();
    steward.unlock().await.unwrap();
    let answer = ask(&steward, Purpose::Admin, &json("GET", "/v1/models", b"")).await;
    assert_eq!(answer.status, 200);
    let answer = ask(&steward, Purpose::Admin, &json("PUT", "/v1/root", b"{}")).await;
    assert_eq!(code(&answer), Code::RouteNotFound);
}

/// Another root than the first: refused, nothing is changed, the worker stays sealed, and the right one opens it. The
/// steward's machine forgets the root that was refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_root_opens_nothing() {
    let mut lab = sealed().await;
    unlock(&lab).await;
    let id = fill(&lab.client("owner").await).await;
    lab.restart().await;
    let shares = lab.scratch().join("homes/steward/shares");
    let aside = lab.scratch().join("aside");
    std::fs::rename(&shares, &aside).unwrap();
    for _ in 0..2 {
        let refused = lab.steward("steward").await.unwrap().unlock().await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::CiphertextInvalid), "{refused}");
        is_sealed(&lab).await;
        assert_eq!(std::fs::read_dir(&shares).unwrap().count(), 0);
    }
    std::fs::remove_dir(&shares).unwrap();
    std::fs::rename(&aside, &shares).unwrap();
    unlock(&lab).await;
    assert_eq!(found(&lab.client("owner").await, id).await.unwrap(), 1);
}

/// Whoever is not the steward, whatever share is sent; and the steward with a share for another purpose, epoch, worker or
/// boot. Each is refused by its code, and the worker stays sealed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_release_for_this_is_taken() {
    let (mut lab, other) = (sealed().await, sealed().await);
    let root = CollectionId::WORKER_ROOT;
    let mallory = lab.steward("mallory").await.unwrap();
    let refused = mallory.unlock().await.unwrap_err();
    assert!(matches!(refused, ClientError::NotSteward), "{refused}");

    let steward = lab.steward("steward").await.unwrap();
    let stolen = release(&steward, root, ROOT_EPOCH).await;
    assert_eq!(code(&put_root(&mallory, &stolen).await), Code::Forbidden);
    let own = release(&mallory, root, ROOT_EPOCH).await;
    for (body, why) in [
        (own, "a share of somebody else"),
        (release(&steward, root, ROOT_EPOCH + 1).await, "another epoch"),
        (release(&steward, CollectionId([0; 16]), ROOT_EPOCH).await, "another purpose"),
        (
            release(&other.steward("steward").await.unwrap(), root, ROOT_EPOCH).await,
            "another worker",
        ),
        (br#"{"share":{}}"#.to_vec(), "no share"),
    ] {
        assert_eq!(code(&put_root(&steward, &body).await), Code::CiphertextInvalid, "{why}");
    }
    let request = json("PUT", "/v1/root", &stolen);
    assert_eq!(code(&ask(&steward, Purpose::Data, &request).await), Code::PermissionMissing);
    is_sealed(&lab).await;

    // A release that was good before the restart: its keys are gone.
    lab.restart().await;
    let steward = lab.steward("steward").await.unwrap();
    assert_eq!(code(&put_root(&steward, &stolen).await), Code::CiphertextInvalid);
    is_sealed(&lab).await;
    assert_eq!(shards(&lab), 0);
}

/// The very bytes of a release, sent again by the network: refused before and after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_release_is_refused() {
    let mut lab = sealed().await;
    let tap = Wiretap::before(lab.address()).await;
    let steward = lab.connect(BindingPurpose::Unlock, "steward", &tap.url()).await.unwrap();
    let before = tap.sent().len();
    steward.unlock().await.unwrap();
    let recorded = tap.sent()[before..].to_vec();
    assert!(recorded.starts_with(b"POST /gateway"));
    lab.restart().await;
    is_sealed(&lab).await;
    let close = |bytes: &[u8]| {
        let text = b"POST /gateway HTTP/1.1\r\nconnection: close\r\n";
        let rest = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        [&text[..], &bytes[rest..]].concat()
    };
    let reply = raw(lab.address(), &close(&recorded)).await;
    assert!(reply.contains("channel-invalid"), "{reply}");
    is_sealed(&lab).await;

    // Within one boot: a refused one, sent again.
    let tap = Wiretap::before(lab.address()).await;
    let steward = lab.connect(BindingPurpose::Unlock, "steward", &tap.url()).await.unwrap();
    let before = tap.sent().len();
    let body = release(&steward, CollectionId([0; 16]), ROOT_EPOCH).await;
    assert_eq!(code(&put_root(&steward, &body).await), Code::CiphertextInvalid);
    let recorded = tap.sent()[before..].to_vec();
    let reply = raw(lab.address(), &close(&recorded)).await;
    assert!(reply.contains("replayed"), "{reply}");
    is_sealed(&lab).await;
}

/// The host edits the settings of a worker: its steward refuses it before anything is released, and so it stays sealed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edited_settings_are_not_unlocked() {
    let mut lab = sealed().await;
    unlock(&lab).await;
    lab.restart_with(|settings| settings.staleness_s = 3600).await;
    let refused = lab.steward("steward").await.err().unwrap();
    assert!(matches!(refused, ClientError::Pin("configuration")), "{refused}");
    is_sealed(&lab).await;
    lab.restart_with(|settings| settings.staleness_s = 60).await;
    unlock(&lab).await;
}

/// Two releases at once open one worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_releases_open_one_worker() {
    let mut lab = sealed().await;
    unlock(&lab).await;
    let id = fill(&lab.client("owner").await).await;
    lab.restart().await;
    let (one, two) = (lab.steward("steward").await.unwrap(), lab.steward("steward").await.unwrap());
    let (one, two) = tokio::join!(one.unlock(), two.unlock());
    assert_eq!([&one, &two].iter().filter(|done| done.is_ok()).count(), 1);
    let late = one.err().or(two.err()).unwrap();
    assert!(matches!(late.code(), Some(Code::Conflict | Code::RouteNotFound)), "{late}");
    assert_eq!(found(&lab.client("owner").await, id).await.unwrap(), 1);
}

/// No collection can take the id under which roots are released.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_collection_has_the_roots_id() {
    let lab = Lab::start().await;
    let owner = lab.client("owner").await;
    let share = release(&owner, CollectionId::WORKER_ROOT, ROOT_EPOCH).await;
    let share: ReleaseKeys = serde_json::from_slice(&share).unwrap();
    let body = serde_json::json!({
        "id": CollectionId::WORKER_ROOT, "name": "n", "vectors": { "supplied": 2 }, "share": share.share,
    });
    let body = body.to_string();
    let request = json("POST", "/v1/collections", body.as_bytes());
    let answer = ask(&owner, Purpose::Admin, &request).await;
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidField, Some("id")));
}

/// With TLS of its own a sealed worker serves over it already, and its evidence names the key; the open worker goes on with
/// the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_worker_has_its_tls() {
    let lab = Lab::start_for(Ground::simulated(), |settings, homes| {
        settings.steward = Some(account_in(homes, "steward"));
        settings.tls = Some(Tls::Born {});
    })
    .await;
    let steward = lab.steward("steward").await.unwrap();
    let sealed = steward.channel().session().await.unwrap();
    assert_eq!(sealed.tls(), Ends::InTee);
    steward.unlock().await.unwrap();
    let owner = lab.client("owner").await;
    let open = owner.channel().session().await.unwrap();
    assert_eq!(open.tls(), Ends::InTee);
    assert_eq!(open.worker().tls_spki_sha256, sealed.worker().tls_spki_sha256);
    let id = fill(&owner).await;
    assert_eq!(found(&owner, id).await.unwrap(), 1);
}
