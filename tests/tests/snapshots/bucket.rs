//! A bucket as the target: a server of S3's protocol on loopback, that checks signatures, over a folder of its own.
//!
//! Layer: tests.
//! Holds: all that a folder is tested for, over HTTP: the suite of targets, the way to another worker, the host's deeds.
//! Never: an object store in this process's memory.
//! Invariant: what the bucket's host changed is refused by name, and nothing is lost by it.

use crate::hostile::{Deed, refused_by_name};
use crate::stage::{Stage, restore, take, try_take};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VaultKind;
use prag_protocol::wire::snapshots::Standing;
use prag_server::archives::Archives;
use prag_server::settings::{Bucket, SnapshotTarget};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use std::fs;
use std::path::PathBuf;
use tokio::net::TcpListener;

/// A server with one bucket.
struct Host {
    endpoint: String,
    folder: tempfile::TempDir,
}

impl Host {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(NAME)).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
                tokio::spawn(serving);
            }
        });
        Self { endpoint, folder }
    }

    /// The bucket, for who has this secret.
    fn target(&self, secret: &str) -> SnapshotTarget {
        let credentials = self.folder.path().join(format!("of-{secret}"));
        let lines = format!("AWS_ACCESS_KEY_ID={KEY}\nAWS_SECRET_ACCESS_KEY={secret}\n");
        fs::write(&credentials, lines).unwrap();
        let bucket = Bucket {
            name: NAME.to_owned(),
            prefix: PREFIX.to_owned(),
            region: None,
            endpoint: Some(self.endpoint.clone()),
            credentials: Some(credentials),
        };
        SnapshotTarget { name: "shared".to_owned(), folder: None, bucket: Some(bucket) }
    }

    /// Where its objects lie.
    fn objects(&self) -> PathBuf {
        self.folder.path().join(NAME).join(PREFIX)
    }

    async fn stage(&self, kinds: &[VaultKind]) -> Stage {
        Stage::start_at(kinds, self.target(SECRET), self.objects()).await
    }
}

const NAME: &str = "backup";
const PREFIX: &str = "deep/prefix";
const KEY: &str = "an-access-key";
const SECRET: &str = "a-secret-key";

/// A bucket does what a target does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms() {
    let host = Host::start().await;
    let archives = Archives::open(&[host.target(SECRET)]).unwrap();
    let (_, archive) = archives.find(None).unwrap();
    let work = move || prag_store::conformance::archive(&*archive);
    tokio::task::spawn_blocking(work).await.unwrap();
}

/// Snapshots go there, later ones with what is new alone; another worker restores the newest, and old ones are pruned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_worker_restores_from_it() {
    let host = Host::start().await;
    let stage = host.stage(&[VaultKind::Peer, VaultKind::Owner]).await;
    let owner = stage.owner().await;
    let made = take(&owner, stage.id).await;
    assert_eq!((made.new_objects, made.previous), (made.objects, None));
    stage.put(&owner, 300).await;
    owner.check_history(stage.id).await.unwrap();
    let more = take(&owner, stage.id).await;
    assert!((1..=2).contains(&more.new_objects), "{more:?}");
    let answers = stage.answers(&owner).await;

    let second = stage.second().await;
    let owner = stage.owner_at(&second).await;
    let checked = restore(&owner, stage.id, |_| ()).await.unwrap();
    assert_eq!((&checked.snapshot.id, checked.standing), (&more.id, Standing::Equal));
    owner.restored(stage.id, &checked, false).await.unwrap();
    assert_eq!(stage.answers(&owner).await, answers);
    let pruned = owner.prune_snapshots(stage.id, None, 1).await.unwrap();
    assert_eq!(pruned.removed, [made.id]);
}

/// Its host does what the host of a folder does, but for links, which a bucket has not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_in_it_is_refused_by_name() {
    let host = Host::start().await;
    let stage = host.stage(&[VaultKind::Local, VaultKind::Owner]).await;
    refused_by_name(&stage, Deed::ALL.into_iter().filter(|deed| *deed != Deed::Link)).await;
}

/// Who has another secret key is refused, and told nothing of the keys; nothing lies there then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_is_refused() {
    let host = Host::start().await;
    let kinds = [VaultKind::Local, VaultKind::Owner];
    let stage = Stage::start_at(&kinds, host.target("another-secret"), host.objects()).await;
    let refused = try_take(&stage.owner().await, stage.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::TargetUnavailable), "{refused}");
    let said = refused.to_string();
    assert!(!said.contains(KEY) && !said.contains("another-secret"), "{said}");
    assert!(!host.objects().exists());
}
