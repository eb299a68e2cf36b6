//! A host who keeps old files: what is destroyed or purged stays gone.

use super::*;
use prag_protocol::problem::Code;
use prag_store::{Shard, ShardName};
use prag_tests::copy_folder;
use prag_tests::host::{Row, open, rewrite, table};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The worker's own shard: ledger, catalogue, vault.
pub(crate) fn own(lab: &Lab) -> Arc<dyn Shard> {
    open(lab.path(), ShardName([0; 16]))
}

/// The only shard that is not the worker's own.
pub(crate) fn only_shard(lab: &Lab) -> (PathBuf, ShardName) {
    let folders =
        fs::read_dir(lab.path().join("shards")).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: PathBuf| {
        let name = ShardName::from_hex(path.file_name()?.to_str()?)?;
        (name.0 != [0; 16]).then_some((path, name))
    };
    let [shard] = folders.filter_map(named).collect::<Vec<_>>().try_into().unwrap();
    shard
}

/// A destroyed collection's shard, put back from a copy: nobody is admitted. With catalogue and vault put back too, the
/// ledger still says that it is destroyed, and the worker buries it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_the_destroyed_is_refused() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    client.rotate(id).await.unwrap();
    lab.stop().await;
    let (folder, _) = only_shard(&lab);
    let copy = lab.scratch().join("copy");
    copy_folder(&folder, &copy);
    let tables = [0x11, 0x12, 0x13];
    let kept: Vec<Row> = tables.iter().flat_map(|number| table(&*own(&lab), *number)).collect();
    assert_eq!(kept.len(), 3);

    lab.resume(true).await;
    let client = lab.client("owner").await;
    client.destroy_collection(id).await.unwrap();
    assert!(client.shares().epochs(id).unwrap().is_empty(), "the owner's share is destroyed");
    let refused = found(&client, id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));
    lab.stop().await;
    assert!(!folder.exists());
    for number in tables {
        assert_eq!(table(&*own(&lab), number), [], "table {number}");
    }
    // Not only deleted: no file holds one of these rows any more.
    let files = files(&lab.path().join("shards"));
    for (_, row) in &kept {
        let needle = &row[row.len() / 2 - 8..row.len() / 2 + 8];
        let holds = |file: &PathBuf| {
            fs::read(file).unwrap().windows(needle.len()).any(|window| window == needle)
        };
        assert!(!files.iter().any(holds));
    }

    copy_folder(&copy, &folder);
    lab.resume(true).await;
    let client = lab.client("owner").await;
    assert_eq!(found(&client, id).await.unwrap_err().code(), Some(Code::Forbidden));
    assert!(matches!(client.release(id, 2).await, Err(ClientError::NoShare(_))));
    lab.stop().await;
    rewrite(&*own(&lab), &[], &kept);
    lab.resume(true).await;
    let client = lab.client("owner").await;
    assert_eq!(found(&client, id).await.unwrap_err().code(), Some(Code::Forbidden));
    lab.stop().await;
    assert!(!folder.exists(), "buried again");
}

/// `documents delete --purge` over the channel: the rows and blobs that held the deleted are in no file when it
/// returns, and what is left answers, also after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_leaves_no_byte() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    lab.stop().await;
    let (folder, name) = only_shard(&lab);
    let shard = open(lab.path(), name);
    // Sealed batches, and the blobs of the segment that `d1` was deleted from.
    let mut held: Vec<Vec<u8>> = table(&*shard, 3).into_iter().map(|(_, row)| row).collect();
    for blob in shard.blobs().list(None, 100).unwrap() {
        held.push(shard.blobs().get(blob.name, None).unwrap());
    }
    drop(shard);
    assert!(held.len() > 6);
    let lies = |bytes: &Vec<u8>| {
        let needle = &bytes[bytes.len() / 2 - 8..bytes.len() / 2 + 8];
        files(&folder).iter().any(|file| {
            // The worker may remove a file meanwhile.
            let bytes = fs::read(file).unwrap_or_default();
            bytes.windows(needle.len()).any(|window| window == needle)
        })
    };
    assert!(held.iter().all(lies));
    lab.resume(true).await;
    let client = lab.client("owner").await;
    delete(&client, id, &["d5"], true).await.unwrap();
    // The worker still runs: nothing waits for its end.
    assert!(!held.iter().any(lies));
    assert_eq!(found(&client, id).await.unwrap(), LEFT[..3]);
    client.check_history(id).await.unwrap();
    lab.restart().await;
    let client = lab.client("owner").await;
    assert_eq!(found(&client, id).await.unwrap(), LEFT[..3]);
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
