//! TLS of the worker's own, and whoever stands between it and a client.
//!
//! Layer: tests.
//! Holds: a born key, files replaced under load, relays with other certificates, proxies, a SecretVM's evidence.
//! Never: a certificate that is trusted for its name, unless the test says by whose root.
//! Invariant: a client that was answered spoke to the key that the evidence names, or to a proxy that its roots vouch for.

#![allow(clippy::unwrap_used, clippy::panic)]

mod between;
mod secret_vm;

use between::{Relay, Switch, acceptor, certificate, write};
use prag_client::attest::Tls as Ends;
use prag_client::{Client, ClientError};
use prag_protocol::wire::collections::VectorSource;
use prag_server::settings::Tls;
use prag_tests::Lab;
use prag_trust::evidence::EvidenceError;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

async fn born() -> Lab {
    Lab::start_with(|settings| settings.tls = Some(Tls::Born {})).await
}

/// A worker whose certificate is in files, and the folder of the files.
async fn filed() -> (Lab, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &certificate());
    let files = Tls::Files {
        certificate: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    (Lab::start_with(|settings| settings.tls = Some(files)).await, folder)
}

async fn attested(client: &Client) -> String {
    client.channel().session().await.unwrap().attestation().tls_spki_sha256.clone()
}

fn tls_refused(answer: Result<Client, ClientError>) -> String {
    match answer.err().unwrap() {
        ClientError::Tls(why) => why.to_owned(),
        other => panic!("{other}"),
    }
}

/// A born key is named by the evidence, lasts for its boot, and the whole way of a request works over it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_born_key_is_attested() {
    let mut lab = born().await;
    let strict = lab.try_client_at("owner", &lab.url(), |policy| policy.tls_in_tee = true).await;
    let client = strict.unwrap();
    assert_eq!(client.channel().session().await.unwrap().tls(), Ends::InTee);
    let id = client.create_collection("notes", VectorSource::Supplied(2)).await.unwrap().id;
    let first = attested(&client).await;
    assert_ne!(first, "0".repeat(64));

    // Another boot, another key; a client that was there before goes on with it.
    lab.restart().await;
    assert_eq!(client.collection(id).await.unwrap().name, "notes");
    assert_ne!(attested(&client).await, first);
}

/// Without TLS the evidence names no key, and a policy that asks for one refuses the worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_may_ask_for_tls() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    assert_eq!(client.channel().session().await.unwrap().tls(), Ends::None);
    let strict = lab.try_client_at("strict", &lab.url(), |policy| policy.tls_in_tee = true).await;
    let refused = strict.err().unwrap();
    assert!(matches!(refused, ClientError::Evidence(EvidenceError::TlsMissing)), "{refused}");
}

/// Certificates are replaced six times while old clients talk and new ones arrive: no request fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_replaced_under_load() {
    let (lab, folder) = filed().await;
    let (alice, bob) = (lab.client("alice").await, lab.client("bob").await);
    let done = AtomicBool::new(false);
    let requests: [AtomicUsize; 3] = Default::default();
    let talk = async |client: &Client, count: &AtomicUsize| {
        while !done.load(Ordering::Relaxed) {
            client.collections().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
        }
    };
    let arrive = async {
        while !done.load(Ordering::Relaxed) {
            lab.client("carol").await.collections().await.unwrap();
            requests[2].fetch_add(1, Ordering::Relaxed);
        }
    };
    let replace = async {
        let mut seen = vec![attested(&lab.client("dan").await).await];
        for _ in 0..6 {
            write(folder.path(), &certificate());
            lab.refresh_tls();
            let now = attested(&lab.client("dan").await).await;
            assert!(!seen.contains(&now), "the evidence names the new key");
            seen.push(now);
            let goal: Vec<_> = requests.iter().map(|it| it.load(Ordering::Relaxed) + 2).collect();
            while requests.iter().zip(&goal).any(|(it, goal)| it.load(Ordering::Relaxed) < *goal) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(talk(&alice, &requests[0]), talk(&bob, &requests[1]), arrive, replace);
}

/// A session is bound to the key that it was verified with: after a replacement a new connection makes a new session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_renews_the_session() {
    let (lab, folder) = filed().await;
    let switch = Switch::to(lab.address()).await;
    let client = lab.client_at("owner", &switch.url()).await;
    client.collections().await.unwrap();
    let first = attested(&client).await;
    write(folder.path(), &certificate());
    lab.refresh_tls();
    client.collections().await.unwrap();
    assert_eq!(attested(&client).await, first, "its connection is still the old one");
    switch.turn_to(lab.address());
    eventually(&client).await.unwrap();
    assert_ne!(attested(&client).await, first);
}

/// The first answer that is not the break of a connection that was cut.
async fn eventually(client: &Client) -> Result<usize, ClientError> {
    loop {
        match client.collections().await {
            Err(ClientError::Unreachable { .. }) => {}
            other => return other.map(|all| all.len()),
        }
    }
}

/// A man in the middle with a certificate of his own passes the worker's attestation on: refused, whatever comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relayed_attestation_is_refused() {
    let lab = born().await;
    let relay = Relay::before(lab.address(), Some(acceptor(&certificate())), true).await;
    let refused = tls_refused(lab.try_client_at("owner", &relay.url(), |_| ()).await);
    assert!(refused.contains("another TLS key than this connection's"), "{refused}");
    assert!(relay.heard("GET /v1/attestation") && !relay.heard("/gateway"));

    // The same man strips TLS: there is nothing that he could show.
    let stripped = Relay::before(lab.address(), None, true).await;
    let refused = tls_refused(lab.try_client_at("owner", &stripped.url(), |_| ()).await);
    assert!(refused.contains("this connection has none"), "{refused}");
    assert!(!stripped.heard("/gateway"));
}

/// Verify here, talk there: the evidence comes from the worker, the next connection goes to somebody else. He hears
/// nothing but another question for evidence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verified_here_is_not_said_there() {
    let lab = born().await;
    let relay = Relay::before(lab.address(), Some(acceptor(&certificate())), true).await;
    let switch = Switch::to(lab.address()).await;
    let client = lab.client_at("owner", &switch.url()).await;
    client.collections().await.unwrap();
    switch.turn_to(relay.address());
    let refused = eventually(&client).await.unwrap_err();
    assert_eq!(refused.kind(), "tls-refused", "{refused}");
    assert!(relay.heard("GET /v1/attestation") && !relay.heard("/gateway"));

    switch.turn_to(lab.address());
    assert_eq!(eventually(&client).await.unwrap(), 0);
}

/// A worker without TLS behind a proxy that ends it: nobody vouches for the proxy, so it is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_needs_a_root() {
    let lab = Lab::start().await;
    let proxy = Relay::before(lab.address(), Some(acceptor(&certificate())), false).await;
    let refused = tls_refused(lab.try_client_at("owner", &proxy.url(), |_| ()).await);
    assert!(refused.contains("roots do not vouch"), "{refused}");
}

/// The same with a certificate that this machine's roots vouch for: taken, unless the policy wants TLS in the TEE. The
/// proxy sees no path but `/gateway`. Roots belong to a process, so the test runs itself once more.
#[test]
fn a_proxy_that_the_roots_vouch_for_is_taken() {
    const NAME: &str = "a_proxy_that_the_roots_vouch_for_is_taken";
    const FOLDER: &str = "PRAG_TEST_PROXY";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(through_a_proxy(Path::new(&folder)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &certificate());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", NAME, "--nocapture"]).env(FOLDER, folder.path());
    child.env("SSL_CERT_FILE", folder.path().join("cert.pem")).env_remove("SSL_CERT_DIR");
    assert!(child.status().unwrap().success());
}

async fn through_a_proxy(folder: &Path) {
    let pair = ["cert.pem", "key.pem"].map(|name| std::fs::read_to_string(folder.join(name)));
    let [certificate, key] = pair.map(Result::unwrap);
    let lab = Lab::start().await;
    let proxy = Relay::before(lab.address(), Some(acceptor(&(certificate, key))), false).await;
    let url = proxy.url().replace("127.0.0.1", "localhost");
    let client = lab.client_at("owner", &url).await;
    assert_eq!(client.channel().session().await.unwrap().tls(), Ends::Proxy);
    client.collections().await.unwrap();
    assert!(proxy.heard("POST /gateway") && !proxy.heard("/v1/collections"));

    // Its name is not that of the certificate: no other site's certificate stands in.
    let other = lab.try_client_at("owner", &proxy.url(), |_| ()).await;
    assert!(tls_refused(other).contains("roots do not vouch"));
    let strict = lab.try_client_at("strict", &url, |policy| policy.tls_in_tee = true).await;
    assert!(matches!(strict.err(), Some(ClientError::Evidence(EvidenceError::TlsMissing))));
}
