//! A worker with two collections, and the host's hands on its files.

use prag_client::Client;
use prag_client::error::ClientError;
use prag_client::home::Home;
use prag_client::remembered::Remembered;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::Ack;
use prag_store::{Shard, ShardName};
use prag_tests::host::{self, Row};
use prag_tests::{Lab, compact, copy_folder, document, find};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) struct Stage {
    pub(crate) lab: Lab,
    /// The collection that is attacked.
    pub(crate) id: CollectionId,
    bystander: CollectionId,
    bystanders_shard: String,
    documents: u32,
    shard: String,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        Self::on(Lab::start().await).await
    }

    /// Without `--dev`: after a restart the ledger serves only who shows a remembered head of it.
    pub(crate) async fn start_strict() -> Self {
        Self::on(Lab::start_with(|settings| settings.dev = false).await).await
    }

    async fn on(lab: Lab) -> Self {
        let client = lab.client("owner").await;
        let made = client.create_collection("bystander", VectorSource::Supplied(2)).await.unwrap();
        let bystander = made.id;
        put(&client, bystander, 0).await;
        let before = shards(lab.path());
        let own = "0".repeat(32);
        let bystanders_shard = before.iter().find(|name| **name != own).unwrap().clone();
        let made = client.create_collection("attacked", VectorSource::Supplied(2)).await.unwrap();
        let id = made.id;
        let shard = shards(lab.path()).into_iter().find(|name| !before.contains(name)).unwrap();
        Self { lab, id, bystander, bystanders_shard, documents: 0, shard }
    }

    pub(crate) async fn owner(&self) -> Client {
        self.lab.client("owner").await
    }

    /// So many batches more.
    pub(crate) async fn put(&mut self, count: u32) {
        let client = self.owner().await;
        for _ in 0..count {
            put(&client, self.id, self.documents).await;
            self.documents += 1;
        }
    }

    /// One batch more, answered once an anchor covers it.
    pub(crate) async fn put_anchored(&mut self) {
        let client = self.owner().await;
        let document = document(self.documents);
        let put = client.put_document_when(self.id, &document, Ack::Anchored);
        assert_eq!(put.await.unwrap().ack, Ack::Anchored);
        self.documents += 1;
    }

    /// As [`Stage::put`], by the same owner on a machine that remembers nothing.
    pub(crate) async fn put_forgetful(&mut self, count: u32) {
        let homes = self.lab.scratch().join("homes");
        let other = homes.join("owner/state");
        let aside = homes.join("owner/aside");
        fs::rename(&other, &aside).unwrap();
        self.documents += 100;
        self.put(count).await;
        fs::remove_dir_all(&other).unwrap();
        fs::rename(&aside, &other).unwrap();
    }

    /// The owner takes note of heads of collection and ledger.
    pub(crate) async fn remember(&self) {
        self.owner().await.check_history(self.id).await.unwrap();
    }

    /// Shows the worker the ledger's head that the owner remembers.
    pub(crate) async fn confirm(&self) {
        let client = self.owner().await;
        let (height, root) = self.remembered_ledger(&client).await;
        client.confirm_ledger(height, &root).await.unwrap();
    }

    /// The owner accepts the worker's changed configuration, as `prag attest --accept` does.
    pub(crate) fn accept(&self) {
        let home = Home::at(&self.lab.scratch().join("homes/owner"));
        Remembered::new(&home).forget_pin(&self.lab.url());
    }

    pub(crate) async fn remembered_ledger(&self, client: &Client) -> (u64, String) {
        let session = client.channel().session().await.unwrap();
        let ledger = &session.attestation().ledger_id;
        let mark = client.channel().remembered().ledger(ledger).unwrap().unwrap().head.unwrap();
        (mark.height, mark.root)
    }

    /// How many documents a search finds.
    pub(crate) async fn ask(&self, client: &Client) -> Result<usize, ClientError> {
        find(client, self.id).await
    }

    /// The attacked collection names why; the other serves.
    pub(crate) async fn refuses_by(&self, reason: &str) {
        let client = self.owner().await;
        let refused = self.ask(&client).await.unwrap_err().to_string();
        assert!(refused.contains(reason) && refused.contains(&self.shard), "{refused}");
        if !reason.contains("heads behind") {
            self.bystander_serves(&client).await;
        }
    }

    pub(crate) async fn bystander_serves(&self, client: &Client) {
        assert_eq!(self.ask_bystander(client).await.unwrap(), 1);
    }

    /// As [`Stage::ask`], of the other collection.
    pub(crate) async fn ask_bystander(&self, client: &Client) -> Result<usize, ClientError> {
        find(client, self.bystander).await
    }

    /// Makes segments of the tail, and waits for it.
    pub(crate) async fn compact(&self) {
        compact(&self.owner().await, self.id).await;
    }

    /// The attacked shard's folder, within the directory.
    pub(crate) fn shard(&self) -> String {
        format!("data/shards/{}", self.shard)
    }

    /// The other collection's.
    pub(crate) fn bystanders_shard(&self) -> String {
        format!("data/shards/{}", self.bystanders_shard)
    }

    /// The folder of the worker's own shard: ledger, catalogue, vault.
    pub(crate) fn own(&self) -> String {
        format!("data/shards/{}", "0".repeat(32))
    }

    /// A copy of a folder.
    pub(crate) fn copy(&self, folder: &str) -> PathBuf {
        let copy = tempfile::tempdir_in(self.lab.scratch()).unwrap().keep();
        copy_folder(&self.lab.scratch().join(folder), &copy);
        copy
    }

    /// A folder as it was copied.
    pub(crate) fn put_back(&self, folder: &str, copy: &Path) {
        let folder = self.lab.scratch().join(folder);
        fs::remove_dir_all(&folder).unwrap();
        copy_folder(copy, &folder);
    }

    /// Remove and write rows of the attacked shard.
    pub(crate) fn rewrite(&self, removed: &[Vec<u8>], written: &[Row]) {
        self.rewrite_in(&self.shard(), removed, written);
    }

    /// Remove and write rows of a shard.
    pub(crate) fn rewrite_in(&self, shard: &str, removed: &[Vec<u8>], written: &[Row]) {
        host::rewrite(&*self.open(shard), removed, written);
    }

    /// The rows of one table of a shard.
    pub(crate) fn table(&self, shard: &str, table: u8) -> Vec<Row> {
        self::table(self.lab.path(), shard.rsplit('/').next().unwrap(), table)
    }

    /// Remove a table; how many rows it had.
    pub(crate) fn remove_table(&self, shard: &str, table: u8) -> usize {
        let keys: Vec<_> = self.table(shard, table).into_iter().map(|(key, _)| key).collect();
        self.rewrite_in(shard, &keys, &[]);
        keys.len()
    }

    /// One row of the attacked shard.
    pub(crate) fn row(&self, key: &[u8]) -> Vec<u8> {
        self.open(&self.shard()).get_many(&[key]).unwrap().remove(0).unwrap()
    }

    fn open(&self, shard: &str) -> Arc<dyn Shard> {
        open(self.lab.path(), shard.rsplit('/').next().unwrap())
    }
}

/// The rows of one table of a shard, as the host reads them while no worker runs.
pub(crate) fn table(data: &Path, shard: &str, table: u8) -> Vec<Row> {
    host::table(&*open(data, shard), table)
}

/// A shard by its folder's name, while no worker runs.
pub(crate) fn open(data: &Path, shard: &str) -> Arc<dyn Shard> {
    host::open(data, ShardName::from_hex(shard).unwrap())
}

async fn put(client: &Client, id: CollectionId, number: u32) {
    client.put_document(id, &document(number)).await.unwrap();
}

fn shards(data: &Path) -> Vec<String> {
    let entries = fs::read_dir(data.join("shards")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
