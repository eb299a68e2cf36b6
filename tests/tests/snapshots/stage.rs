//! A worker with a collection, a folder for its snapshots, and an owner who talks to it and to others.

use crate::ledger::{Shifted, ledger};
use prag_client::Client;
use prag_client::error::ClientError;
use prag_client::ledger::Ledger;
use prag_client::receipt::{ReceiptFile, verify};
use prag_client::snapshots::Restoration;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::{Collection, CollectionState, VaultKind, VectorSource};
use prag_protocol::wire::documents::DeleteDocuments;
use prag_protocol::wire::operations::Operation;
use prag_protocol::wire::search::QueryRequest;
use prag_protocol::wire::snapshots::{AtTarget, Checked, Snapshot};
use prag_server::settings::{Peer, Settings, SnapshotTarget};
use prag_tests::{Lab, VERSION, compact, document};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Stage {
    /// Where the collection was made.
    pub(crate) first: Lab,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) id: CollectionId,
    kinds: Vec<VaultKind>,
    /// The target `shared` of every worker.
    shared: SnapshotTarget,
    /// Where its objects lie.
    pub(crate) target: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl Stage {
    /// A collection of a segment with deletions and a tail, on a worker that lists `kinds`.
    pub(crate) async fn start(kinds: &[VaultKind]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let stage = Self::start_at(kinds, in_folder(&target), target).await;
        Self { _folder: Some(folder), ..stage }
    }

    /// The same with another target, whose objects lie in `target`.
    pub(crate) async fn start_at(
        kinds: &[VaultKind],
        shared: SnapshotTarget,
        target: PathBuf,
    ) -> Self {
        let ledger = ledger(1, &Shifted::default());
        let change = told(kinds, shared.clone(), None);
        let first = Lab::start_under(Some(Arc::clone(&ledger)), VERSION, change).await;
        let owner = first.client("owner").await;
        let made = owner.create_collection("notes", VectorSource::Supplied(2)).await.unwrap();
        let (id, kinds) = (made.id, kinds.to_vec());
        let stage = Self { first, ledger, id, kinds, shared, target, _folder: None };
        fill(&owner, id).await;
        owner.check_history(id).await.unwrap();
        stage
    }

    /// Another worker of the same ledger, whose peer is the first.
    pub(crate) async fn second(&self) -> Lab {
        let url = self.kinds.contains(&VaultKind::Peer).then(|| self.first.url());
        let change = told(&self.kinds, self.shared.clone(), url);
        Lab::start_under(Some(Arc::clone(&self.ledger)), VERSION, change).await
    }

    /// The owner, at the first worker.
    pub(crate) async fn owner(&self) -> Client {
        self.first.client("owner").await
    }

    /// The same owner, at another worker.
    pub(crate) async fn owner_at(&self, lab: &Lab) -> Client {
        self.first.client_at("owner", &lab.url()).await
    }

    /// What the owner's machine remembers of the collection's head, as a file that another machine of theirs has too.
    pub(crate) fn remembered(&self) -> (PathBuf, Vec<u8>) {
        let path = self.first.scratch().join(format!("homes/owner/state/heads/{}.json", self.id));
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    }

    /// One document more.
    pub(crate) async fn put(&self, client: &Client, number: u32) {
        client.put_document(self.id, &document(number)).await.unwrap();
    }

    /// All that the collection answers: searches, exact and not, and every document.
    pub(crate) async fn answers(&self, client: &Client) -> String {
        let mut all = Vec::new();
        for (exact, vector) in [(true, [1.0, 3.0]), (false, [1.0, 40.0]), (false, [0.2, -1.0])] {
            let request = QueryRequest { vector: Some(vector.to_vec()), exact, ..query() };
            all.push(
                serde_json::to_string(&client.query(self.id, &request).await.unwrap()).unwrap(),
            );
        }
        for one in client.documents(self.id).await.unwrap() {
            let whole = client.lookup(self.id, one.id.clone()).await.unwrap();
            all.push(serde_json::to_string(&whole).unwrap());
        }
        all.join("\n")
    }

    /// A retrieval's receipt holds, checked offline.
    pub(crate) async fn receipt_holds(&self, lab: &Lab, client: &Client) {
        let (_, kept) = client.query_with_receipt(self.id, &query()).await.unwrap();
        let path = lab.scratch().join("receipts");
        ReceiptFile::create(&path).unwrap().keep(&kept).unwrap();
        let trusted = prag_client::trusted::Trusted {
            verifier: Box::new(prag_trust::sim::SimVerifier),
            policy: prag_trust::evidence::Policy {
                measurements: vec![prag_trust::sim::sim_measurement(VERSION)],
                ..Default::default()
            },
            first_use: true,
            warning: None,
        };
        assert_eq!(verify(&path, &trusted, None, |_| ()).unwrap(), 1);
    }

    /// The collection, released again where the worker waits for its owner.
    pub(crate) async fn unlocked(&self, client: &Client) -> Collection {
        for _ in 0..200 {
            let seen = client.collection(self.id).await.unwrap();
            let tried = seen.keys.as_ref().is_some_and(|keys| !keys.tried.is_empty());
            if seen.state != CollectionState::Locked {
                return seen;
            }
            if tried || !self.kinds.contains(&VaultKind::Peer) {
                return client.release(self.id, seen.epoch).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it stays locked");
    }

    /// Folders of shards on the first worker, but its own.
    pub(crate) fn shards(&self) -> Vec<String> {
        let own = "0".repeat(32);
        let shards = fs::read_dir(self.first.path().join("shards")).unwrap();
        let names = shards.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| *name != own).collect()
    }
}

/// Settings of a worker of the stage.
pub(crate) fn told(
    kinds: &[VaultKind],
    target: SnapshotTarget,
    peer: Option<String>,
) -> impl FnOnce(&mut Settings) + use<> {
    let kinds = kinds.to_vec();
    move |settings| {
        settings.vault = kinds;
        settings.peer = peer.map(|url| Peer { url }).into_iter().collect();
        settings.snapshots = vec![target];
    }
}

/// A folder as the target.
pub(crate) fn in_folder(folder: &Path) -> SnapshotTarget {
    SnapshotTarget { name: "shared".to_owned(), folder: Some(folder.to_owned()), bucket: None }
}

/// Sixty documents in a segment, ten in the tail, of each some deleted.
pub(crate) async fn fill(owner: &Client, id: CollectionId) {
    for number in 0..60 {
        owner.put_document(id, &document(number)).await.unwrap();
    }
    compact(owner, id).await;
    for number in 60..70 {
        owner.put_document(id, &document(number)).await.unwrap();
    }
    let ids = ["d3", "d40", "d65"].map(|id| id.parse().unwrap()).to_vec();
    let which = DeleteDocuments { ids: Some(ids), ..DeleteDocuments::default() };
    assert_eq!(owner.delete_documents(id, &which).await.unwrap().deleted, 3);
}

pub(crate) fn query() -> QueryRequest {
    QueryRequest { vector: Some(vec![1.0, 1.0]), k: Some(30), ..QueryRequest::default() }
}

/// A snapshot, made and remembered.
pub(crate) async fn take(client: &Client, id: CollectionId) -> Snapshot {
    try_take(client, id).await.unwrap()
}

pub(crate) async fn try_take(client: &Client, id: CollectionId) -> Result<Snapshot, ClientError> {
    let operation = client.create_snapshot(id, &AtTarget::default()).await?;
    let checked = follow(client, operation).await?;
    client.snapshot_made(&checked)?;
    Ok(checked.snapshot)
}

/// A restoration, as `change` wants it.
pub(crate) async fn restore(
    client: &Client,
    id: CollectionId,
    change: impl FnOnce(&mut Restoration),
) -> Result<Checked, ClientError> {
    let mut restoration = Restoration::default();
    change(&mut restoration);
    let operation = client.restore_snapshot(id, &restoration).await?;
    follow(client, operation).await
}

/// Waits for the end of work on a snapshot.
pub(crate) async fn follow(client: &Client, operation: Operation) -> Result<Checked, ClientError> {
    Ok(prag_tests::follow(client, operation).await?.checked.unwrap())
}
