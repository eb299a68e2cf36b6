//! A worker on some ledger, its owner, and the host's hands on its files.

use prag_client::Client;
use prag_client::error::ClientError;
use prag_protocol::CollectionId;
use prag_protocol::filter::Filter;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::{CollectionState, VectorSource};
use prag_protocol::wire::grants::PutGrant;
use prag_tests::{Lab, copy_folder, document, find};
use serde_json::json;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) id: CollectionId,
    kind: &'static str,
    begun: Instant,
}

impl Stage {
    /// A collection of five documents on the worker of `lab`.
    pub(crate) async fn on(lab: Lab, kind: &'static str) -> Self {
        let begun = Instant::now();
        let owner = lab.client("owner").await;
        let made = owner.create_collection("notes", VectorSource::Supplied(2)).await.unwrap();
        assert_eq!((made.state, made.epoch), (CollectionState::Ready, 1));
        let stage = Self { lab, id: made.id, kind, begun };
        stage.say("a collection is made and placed");
        for number in 0..5 {
            owner.put_document(stage.id, &document(number)).await.unwrap();
        }
        assert_eq!(find(&owner, stage.id).await.unwrap(), 5);
        stage
    }

    /// How far the story is; with `--nocapture` it tells what each step took.
    pub(crate) fn say(&self, what: &str) {
        println!("{:>8}: {:>6.1} s  {what}", self.kind, self.begun.elapsed().as_secs_f32());
    }

    pub(crate) async fn client(&self, name: &str) -> Client {
        self.lab.client(name).await
    }

    /// How many documents a search by `name` finds.
    pub(crate) async fn found_by(&self, name: &str) -> Result<usize, ClientError> {
        find(&self.client(name).await, self.id).await
    }

    /// A search by `name` is refused, and what it was about is as it was.
    pub(crate) async fn refuses(&self, name: &str, code: Code, documents: usize) {
        let refused = self.found_by(name).await.unwrap_err();
        assert_eq!(refused.code(), Some(code), "{refused}");
        assert_eq!(self.found_by("owner").await.unwrap(), documents);
    }

    /// A search by `name` is refused because the ledger does not answer.
    pub(crate) async fn refuses_for_now(&self, name: &str) {
        let refused = self.found_by(name).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::LedgerUnavailable), "{refused}");
    }

    /// The owner lets `name` read.
    pub(crate) async fn grant(&self, name: &str, quota: Option<u64>) {
        self.put_grant(name, quota, None).await;
    }

    /// The owner lets `name` read two documents: those that [`scope`] names and are there.
    pub(crate) async fn grant_two(&self, name: &str) {
        self.put_grant(name, None, Some(scope())).await;
    }

    async fn put_grant(&self, name: &str, quota: Option<u64>, scope: Option<Filter>) {
        let owner = self.client("owner").await;
        let grant = PutGrant {
            grantee: self.lab.account(name),
            read: true,
            write: false,
            max_k: 50,
            quota,
            expires: owner.channel().now() + 3600,
            scope,
            scope_salt: None,
            delegate: 0,
        };
        owner.put_grant(self.id, &grant).await.unwrap();
    }

    /// Waits until the worker has opened the collection by itself, as after a boot.
    pub(crate) async fn serves(&self) {
        let owner = self.client("owner").await;
        let end = Instant::now() + PATIENCE;
        loop {
            let last = match owner.collection(self.id).await {
                Ok(seen) if seen.state == CollectionState::Ready => return,
                Ok(seen) => format!("{:?}", seen.keys),
                Err(error) => error.to_string(),
            };
            assert!(Instant::now() < end, "it does not serve: {last}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// A copy of what lies in the folder of the data directory.
    pub(crate) fn copy(&self, folder: &str) -> PathBuf {
        let copy = tempfile::tempdir_in(self.lab.scratch()).unwrap().keep();
        copy_folder(&self.lab.path().join(folder), &copy);
        copy
    }

    /// The folder as it was copied.
    pub(crate) fn put_back(&self, folder: &str, copy: &std::path::Path) {
        let folder = self.lab.path().join(folder);
        std::fs::remove_dir_all(&folder).unwrap();
        copy_folder(copy, &folder);
    }

    /// The folder of the collection's shard.
    pub(crate) fn shard(&self) -> String {
        let own = "0".repeat(32);
        let shards = std::fs::read_dir(self.lab.path().join("shards")).unwrap();
        let mut names = shards.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        format!("shards/{}", names.find(|name| *name != own).unwrap())
    }
}

/// Two documents that are there, one that is not, and a label.
pub(crate) fn scope() -> Filter {
    let label = json!({ "key": "team", "match": { "value": SECRET_LABEL } });
    let ids = json!({ "has_id": ["d1", "d3", SECRET_ID] });
    serde_json::from_value(json!({ "should": [ids, label] })).unwrap()
}

/// What nobody reads on a chain.
pub(crate) const SECRET_LABEL: &str = "quokka-label-canary";
/// Neither this.
pub(crate) const SECRET_ID: &str = "quokka-document-canary";

/// How long a worker may take to follow its ledger: some blocks.
const PATIENCE: Duration = Duration::from_secs(60);
