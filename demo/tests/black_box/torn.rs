//! Flipped and cut bytes in every stored file: refused by name, seen as a rollback, or harmless; never other data.

use crate::model::Dice;
use crate::worker::{User, Worker};
use prag_client::Client;
use prag_client::error::ClientError;
use prag_protocol::CollectionId;
use prag_protocol::metadata::Metadata;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{Format, PutDocument, SuppliedChunk};
use std::fs;
use std::path::{Path, PathBuf};

/// Damage in one collection's files: that collection is quarantined or whole; the other serves on.
#[test]
fn damage_is_named_and_contained() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (data, log) = (at("data"), at("log"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let worker = Worker::start_with(&data, &log, None, "warn");
    let connect = |worker: &Worker| User { home: at("owner"), address: worker.address };
    connect(&worker).ok(&["keys", "new"]);
    let client = runtime.block_on(connect(&worker).client());
    let sound = runtime.block_on(fill(&client, "sound"));
    let before: Vec<PathBuf> = shards(&data);
    let hurt = runtime.block_on(fill(&client, "hurt"));
    let expected = runtime.block_on(contents(&client, hurt)).unwrap();
    runtime.block_on(client.check_history(hurt)).unwrap();
    worker.kill();

    let shard = shards(&data).into_iter().find(|path| !before.contains(path)).unwrap();
    let name = shard.file_name().unwrap().to_str().unwrap().to_owned();
    let mut dice = Dice(99);
    let (mut refused, mut harmless, mut rolled_back) = (0, 0, 0);
    let stored: Vec<PathBuf> = files(&shard).into_iter().filter(|path| size(path) > 0).collect();
    assert!(
        stored.iter().any(|path| path.starts_with(shard.join("blobs"))),
        "a segment's blobs are there"
    );
    for path in stored {
        for cut in [false, true] {
            let copy = at("copy");
            let _ = fs::remove_dir_all(&copy);
            copy_folder(&data, &copy);
            damage(&copy.join(path.strip_prefix(&data).unwrap()), cut, &mut dice);
            let worker = Worker::start_with(&copy, &log, None, "warn");
            let client = runtime.block_on(connect(&worker).client());
            assert_eq!(runtime.block_on(contents(&client, sound)).unwrap().len(), 30);
            match runtime.block_on(contents(&client, hurt)) {
                Ok(found) if found == expected => harmless += 1,
                Ok(_) => {
                    // A log that ends early looks like a crash: whoever remembers a head sees the rollback.
                    assert!(cut, "{} gave other data", path.display());
                    let history = runtime.block_on(client.check_history(hurt));
                    assert!(
                        matches!(history, Err(ClientError::History { .. })),
                        "{}",
                        path.display()
                    );
                    rolled_back += 1;
                }
                Err((code, detail)) => {
                    assert_eq!(code, Code::ShardUnavailable, "{detail}");
                    assert!(detail.contains(&name), "{detail}");
                    refused += 1;
                }
            }
            worker.kill();
        }
    }
    println!("{refused} refused, {rolled_back} seen as a rollback, {harmless} harmless");
    assert!(refused > 5, "damage was met: {refused} refused, {harmless} harmless");
}

async fn fill(client: &Client, name: &str) -> CollectionId {
    let id = client.create_collection(name, VectorSource::Supplied(2)).await.unwrap().id;
    for number in 0..30u32 {
        if number == 20 {
            let operation = client.compact(id).await.unwrap();
            while client.collection(id).await.unwrap().segments == 0 {
                client.operation(&operation.id).await.unwrap();
            }
        }
        let put = PutDocument {
            id: format!("d{number}").parse().unwrap(),
            title: String::new(),
            format: Format::Text,
            content: format!("content {number}"),
            metadata: Metadata::new(),
            chunks: Some(vec![SuppliedChunk {
                start: 0,
                end: 7,
                vector: vec![1.0, number as f32],
            }]),
        };
        client.put_document(id, &put).await.unwrap();
    }
    id
}

async fn contents(client: &Client, id: CollectionId) -> Result<Vec<String>, (Code, String)> {
    let failed =
        |error: ClientError| (error.code().unwrap_or_else(|| panic!("{error}")), error.to_string());
    let mut out = Vec::new();
    for info in client.documents(id).await.map_err(failed)? {
        let whole = client.lookup(id, info.id).await.map_err(failed)?;
        out.push(format!("{} {}", whole.id.as_str(), whole.content.unwrap()));
    }
    Ok(out)
}

fn damage(path: &Path, cut: bool, dice: &mut Dice) {
    let mut bytes = fs::read(path).unwrap();
    let at = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
    if cut {
        bytes.truncate(at);
    } else {
        bytes[at] ^= 1 << dice.below(8);
    }
    fs::write(path, bytes).unwrap();
}

fn shards(data: &Path) -> Vec<PathBuf> {
    fs::read_dir(data.join("shards")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            out.extend(files(&entry.path()));
        } else {
            out.push(entry.path());
        }
    }
    out.sort();
    out
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}
