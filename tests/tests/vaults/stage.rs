//! A worker with a collection, a second one of the same ledger, and an owner who talks to both.

use crate::ledger::{Shifted, ledger};
use prag_client::Client;
use prag_client::ledger::Ledger;
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessMsg, Placement};
use prag_protocol::wire::collections::{Collection, CollectionState, VaultKind, VectorSource};
use prag_server::settings::Peer;
use prag_tests::{Lab, VERSION, copy_folder, document, find};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Stage {
    /// Where the collection was made.
    pub(crate) first: Lab,
    pub(crate) ledger: Arc<dyn Ledger>,
    /// The ledger's.
    pub(crate) clock: Shifted,
    pub(crate) id: CollectionId,
    kinds: Vec<VaultKind>,
    documents: u32,
}

impl Stage {
    /// A collection with three documents on a worker that lists `kinds`.
    pub(crate) async fn start(kinds: &[VaultKind]) -> Self {
        let clock = Shifted::default();
        Self::under(ledger(1, &clock), clock, kinds, false).await
    }

    pub(crate) async fn under(
        ledger: Arc<dyn Ledger>,
        clock: Shifted,
        kinds: &[VaultKind],
        managed: bool,
    ) -> Self {
        let vault = kinds.to_vec();
        let first = Lab::start_under(Some(Arc::clone(&ledger)), VERSION, |settings| {
            settings.vault = vault;
        })
        .await;
        let owner = first.client("owner").await;
        let source = VectorSource::Supplied(2);
        let made = if managed {
            owner.create_managed_collection("notes", source).await
        } else {
            owner.create_collection("notes", source).await
        };
        let id = made.unwrap().id;
        let kinds = kinds.to_vec();
        let mut stage = Self { first, ledger, clock, id, kinds, documents: 0 };
        stage.put(3).await;
        stage
    }

    /// A second worker: the same ledger and settings, and the first as its peer.
    pub(crate) async fn second(&self) -> Lab {
        self.worker(VERSION, &self.first.url()).await
    }

    /// Another worker of the image `version`, whose peer is at `url`.
    pub(crate) async fn worker(&self, version: &'static str, url: &str) -> Lab {
        let (vault, url) = (self.kinds.clone(), url.to_owned());
        Lab::start_under(Some(Arc::clone(&self.ledger)), version, |settings| {
            settings.vault = vault;
            settings.peer = vec![Peer { url }];
        })
        .await
    }

    /// The owner, at the first worker.
    pub(crate) async fn owner(&self) -> Client {
        self.first.client("owner").await
    }

    /// The same owner, at another worker.
    pub(crate) async fn owner_at(&self, lab: &Lab) -> Client {
        self.first.client_at("owner", &lab.url()).await
    }

    /// So many documents more, at the first worker.
    pub(crate) async fn put(&mut self, count: u32) {
        let owner = self.owner().await;
        for _ in 0..count {
            put(&owner, self.id, self.documents).await;
            self.documents += 1;
        }
    }

    /// The shard's folder as it is now; the first worker stops for that.
    pub(crate) async fn snapshot(&mut self) -> PathBuf {
        self.first.stop().await;
        let shards = self.first.path().join("shards");
        let own = "0".repeat(32);
        let names = fs::read_dir(&shards).unwrap().map(|entry| entry.unwrap().file_name());
        let name = names.into_iter().find(|name| *name != *own).unwrap();
        let copy = self.first.scratch().join(format!("copy-{}", self.documents)).join(&name);
        copy_folder(&shards.join(&name), &copy);
        self.first.resume(true).await;
        let owner = self.owner().await;
        if !serves(&owner, self.id).await {
            let epoch = owner.collection(self.id).await.unwrap().epoch;
            owner.release(self.id, epoch).await.unwrap();
        }
        copy
    }

    /// What the collection says of itself at a worker.
    pub(crate) async fn at(&self, lab: &Lab) -> Collection {
        self.owner_at(lab).await.collection(self.id).await.unwrap()
    }

    /// As [`Stage::at`], once its vaults were asked: a boot asks those on other machines in the background.
    pub(crate) async fn opened(&self, lab: &Lab) -> Collection {
        for _ in 0..200 {
            let seen = self.at(lab).await;
            if seen.state != CollectionState::Locked || !keys(&seen).1.is_empty() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the vaults were not asked");
    }

    /// As its owner sees it once it serves again.
    pub(crate) async fn serving(&self, lab: &Lab) -> Collection {
        for _ in 0..200 {
            let seen = self.at(lab).await;
            if seen.state == CollectionState::Ready {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no vault gave the keys");
    }

    /// The ledger's word, without any worker: `worker` is placed until `lease_until`.
    pub(crate) async fn placed(&self, worker: [u8; 32], epoch: u32, lease_until: u64) {
        let account = "secret1byhand".parse().unwrap();
        let placement =
            Placement { collection: self.id, shard: 0, epoch, worker, account, lease_until };
        self.tell(AccessMsg::Place { placement }).await;
    }

    /// A transition of the owner.
    pub(crate) async fn tell(&self, message: AccessMsg) {
        let owner = self.owner().await;
        self.ledger.execute(owner.identity().address(), &[], message).await.unwrap();
    }
}

/// Moves a copied shard to a worker.
pub(crate) fn move_in(copy: &std::path::Path, lab: &Lab) {
    let to = lab.path().join("shards").join(copy.file_name().unwrap());
    if to.exists() {
        fs::remove_dir_all(&to).unwrap();
    }
    copy_folder(copy, &to);
}

pub(crate) async fn serves(client: &Client, id: CollectionId) -> bool {
    find(client, id).await.is_ok()
}

/// `from` of its keys, and what was tried: `peer unreachable`, ...
pub(crate) fn keys(collection: &Collection) -> (Option<VaultKind>, Vec<String>) {
    let report = collection.keys.clone().unwrap();
    let tried = report.tried.iter().map(|one| format!("{} {}", one.kind.name(), one.reason));
    (report.from, tried.collect())
}

pub(crate) async fn put(client: &Client, id: CollectionId, number: u32) {
    client.put_document(id, &document(number)).await.unwrap();
}
