//! Flipped and cut bytes in every stored file: refused by name, or harmless; never older or other data.

use crate::model::Dice;
use crate::worker::{User, Worker};
use prag_client::Client;
use prag_client::error::ClientError;
use prag_protocol::CollectionId;
use prag_protocol::metadata::Metadata;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{Format, PutDocument, SuppliedChunk};
use prag_protocol::wire::search::QueryRequest;
use prag_tests::copy_folder;
use std::fs;
use std::path::{Path, PathBuf};

/// One way to hurt a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// One bit.
    Flip,
    /// The rest is gone.
    Cut,
    /// A bit in the length of a record of RocksDB's log, which then seems to end there.
    Length,
}

const DAMAGES: [Damage; 6] =
    [Damage::Flip, Damage::Flip, Damage::Cut, Damage::Length, Damage::Length, Damage::Length];

/// Damage in one owner's files: that collection is quarantined or whole; the other owner's serves on.
#[test]
fn damage_is_named_and_contained() {
    let stage = Stage::set(3);
    let mut tally = Tally::default();
    for (file, damage) in stage.plan(&stage.hurt_shard) {
        let data = stage.damaged(&file, damage, &mut tally.dice);
        let worker = Worker::start_with(&data, &stage.log(), None, "warn");
        stage.sound_serves(&worker);
        match stage.ask(&worker, "hurt", stage.hurt) {
            Ok(found) => {
                assert_eq!(found, stage.hurt_said, "{damage:?} of {}", file.display());
                tally.harmless += 1;
            }
            Err((code, detail)) => {
                assert_eq!(code, Code::ShardUnavailable, "{detail}");
                assert!(detail.contains(&name(&stage.hurt_shard)), "{detail}");
                tally.refused += 1;
            }
        }
        worker.kill();
    }
    tally.report();
}

/// Damage in the worker's own shard: without its ledger nobody can be admitted, so it does not start, and says
/// which shard; or it serves everything as before.
#[test]
fn damage_of_the_ledger_stops_the_worker() {
    let stage = Stage::set(4);
    let own = stage.path("data").join("shards").join("0".repeat(32));
    let mut tally = Tally::default();
    for (file, damage) in stage.plan(&own) {
        let data = stage.damaged(&file, damage, &mut tally.dice);
        let log = stage.path("own-log");
        let _ = fs::remove_file(&log);
        match Worker::try_start(&data, &log, None, "warn") {
            Ok(worker) => {
                stage.sound_serves(&worker);
                assert_eq!(stage.ask(&worker, "hurt", stage.hurt).unwrap(), stage.hurt_said);
                worker.kill();
                tally.harmless += 1;
            }
            Err(status) => {
                assert_eq!(status.code(), Some(1), "an error, not a panic");
                let said = fs::read_to_string(&log).unwrap();
                assert!(said.contains(&name(&own)), "{damage:?} of {}: {said}", file.display());
                tally.refused += 1;
            }
        }
    }
    tally.report();
}

struct Tally {
    dice: Dice,
    refused: u32,
    harmless: u32,
}

impl Default for Tally {
    fn default() -> Self {
        let seed = std::env::var("PRAG_TORN_SEED").ok().and_then(|seed| seed.parse().ok());
        Self { dice: Dice(seed.unwrap_or(99)), refused: 0, harmless: 0 }
    }
}

impl Tally {
    fn report(&self) {
        println!("{} refused, {} harmless", self.refused, self.harmless);
        assert!(self.refused > 8, "damage was met: {} refused", self.refused);
    }
}

/// What `ask` hears: documents, then hits.
type Said = Vec<String>;

/// Two owners, a collection each, and the data folder of a worker that was killed.
struct Stage {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    sound: CollectionId,
    sound_said: Said,
    hurt: CollectionId,
    hurt_said: Said,
    hurt_shard: PathBuf,
}

impl Stage {
    fn set(seed: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let data = folder.path().join("data");
        let worker = Worker::start_with(&data, &folder.path().join("log"), None, "warn");
        let mut made = Vec::new();
        for owner in ["sound", "hurt"] {
            let user = User { home: folder.path().join(owner), address: worker.address };
            user.ok(&["keys", "new"]);
            let before = shards(&data);
            let client = runtime.block_on(user.client());
            let id = runtime.block_on(fill(&client, seed));
            let said = runtime.block_on(contents(&client, id)).unwrap();
            let shard = shards(&data).into_iter().find(|path| !before.contains(path)).unwrap();
            made.push((id, said, shard));
        }
        worker.kill();
        let (hurt, hurt_said, hurt_shard) = made.pop().unwrap();
        let (sound, sound_said, _) = made.pop().unwrap();
        assert!(hurt_said.iter().any(|line| line.starts_with("hit")));
        Self { folder, runtime, sound, sound_said, hurt, hurt_said, hurt_shard }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> PathBuf {
        self.path("log")
    }

    /// Every file of a shard that holds something, with every damage that it can take.
    fn plan(&self, shard: &Path) -> Vec<(PathBuf, Damage)> {
        let stored = files(shard).into_iter().filter(|path| size(path) > 0);
        let can = |path: &Path, damage| {
            !matches!(damage, Damage::Length)
                || path.extension().is_some_and(|found| found == "log")
        };
        let plan: Vec<_> = stored
            .flat_map(|path| DAMAGES.map(|damage| (path.clone(), damage)))
            .filter(|(path, damage)| can(path, *damage))
            .collect();
        assert!(plan.iter().any(|(_, damage)| matches!(damage, Damage::Length)));
        plan
    }

    /// A copy of the data folder with one file hurt.
    fn damaged(&self, file: &Path, damage: Damage, dice: &mut Dice) -> PathBuf {
        let (data, copy) = (self.path("data"), self.path("copy"));
        let _ = fs::remove_dir_all(&copy);
        copy_folder(&data, &copy);
        let file = copy.join(file.strip_prefix(&data).unwrap());
        let mut bytes = fs::read(&file).unwrap();
        let mut below = |bound: usize| usize::try_from(dice.below(bound as u64)).unwrap();
        match damage {
            Damage::Flip => {
                let at = below(bytes.len());
                bytes[at] ^= 1 << below(8);
            }
            Damage::Cut => bytes.truncate(below(bytes.len())),
            Damage::Length => {
                let lengths = lengths(&bytes);
                let at = lengths[below(lengths.len())];
                bytes[at + 1] ^= 0x80;
            }
        }
        fs::write(file, bytes).unwrap();
        copy
    }

    fn sound_serves(&self, worker: &Worker) {
        assert_eq!(self.ask(worker, "sound", self.sound).unwrap(), self.sound_said);
    }

    fn ask(&self, worker: &Worker, owner: &str, id: CollectionId) -> Result<Said, (Code, String)> {
        let user = User { home: self.path(owner), address: worker.address };
        let client = self.runtime.block_on(user.client());
        self.runtime.block_on(contents(&client, id))
    }
}

async fn fill(client: &Client, seed: u32) -> CollectionId {
    let id = client.create_collection("torn", VectorSource::Supplied(3)).await.unwrap().id;
    for number in 0..30u32 {
        if number == 20 {
            let operation = client.compact(id).await.unwrap();
            while client.collection(id).await.unwrap().segments == 0 {
                client.operation(&operation.id).await.unwrap();
            }
        }
        let vector = vec![1.0, number as f32, (number * seed % 7) as f32];
        let put = PutDocument {
            id: format!("d{number}").parse().unwrap(),
            title: String::new(),
            format: Format::Text,
            content: format!("content {number}"),
            metadata: Metadata::new(),
            chunks: Some(vec![SuppliedChunk { start: 0, end: 7, vector }]),
        };
        client.put_document(id, &put).await.unwrap();
    }
    id
}

/// All documents, and what three searches find with their scores.
async fn contents(client: &Client, id: CollectionId) -> Result<Said, (Code, String)> {
    let failed =
        |error: ClientError| (error.code().unwrap_or_else(|| panic!("{error}")), error.to_string());
    let mut out = Vec::new();
    for info in client.documents(id).await.map_err(failed)? {
        let whole = client.lookup(id, info.id).await.map_err(failed)?;
        out.push(format!("{} {}", whole.id.as_str(), whole.content.unwrap()));
    }
    for vector in [[1.0, 0.0, 2.0], [1.0, 30.0, 0.0], [0.5, 9.0, 6.0]] {
        let query = QueryRequest {
            text: Some("content".to_owned()),
            vector: Some(vector.to_vec()),
            k: Some(9),
            ..QueryRequest::default()
        };
        for hit in client.query(id, &query).await.map_err(failed)?.hits {
            out.push(format!("hit {hit:?}"));
        }
    }
    Ok(out)
}

/// Where the lengths of records stand in a log of RocksDB: two bytes, behind a check sum of four.
fn lengths(log: &[u8]) -> Vec<usize> {
    const BLOCK: usize = 32 << 10;
    let (mut at, mut found) = (0, Vec::new());
    while at + 7 <= log.len() {
        if BLOCK - at % BLOCK < 7 {
            at = at.next_multiple_of(BLOCK);
            continue;
        }
        found.push(at + 4);
        let header = if log[at + 6] >= 5 { 11 } else { 7 };
        at += header + usize::from(u16::from_le_bytes([log[at + 4], log[at + 5]]));
    }
    found
}

fn name(shard: &Path) -> String {
    shard.file_name().unwrap().to_str().unwrap().to_owned()
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

fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}
