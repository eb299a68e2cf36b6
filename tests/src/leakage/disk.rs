//! Files, their sizes, and what changes in them with each request.
//!
//! Layer: tests.
//! Holds: what `stat` says of every file of the data directory, before and after.
//! Never: a file's bytes.
//! Invariant: nothing else runs while a request is looked at.

use super::{Bench, Scale, document, vector};
use crate::{Lab, compact};
use prag_client::owner::NewCollection;
use prag_protocol::wire::collections::{Residency, VectorSource};
use prag_protocol::wire::search::QueryRequest;
use prag_server::settings::Metering;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub(super) async fn measure(bench: &mut Bench, scale: Scale, out: &mut String) {
    out.push_str("\n### Sizes at rest\n\n| state | plain bytes | bytes on disk | files |\n|---|---|---|---|\n");
    let mut row = |state: &str, bench: &Bench| {
        let files = snapshot(bench.lab.path());
        let bytes: u64 = files.values().map(|file| file.0).sum();
        let _ = writeln!(out, "| {state} | {} | {bytes} | {} |", bench.plain, files.len());
    };
    row("empty collection", bench);
    bench.put(0, scale.documents / 2).await;
    row("half of the documents", bench);
    bench.put(scale.documents / 2, scale.documents).await;
    row("all documents, in the tail", bench);
    compact(&bench.owner, bench.id).await;
    row("all documents, in a segment", bench);

    out.push_str("\n### What changes on the disk with a request\nFiles whose bytes or times changed, and bytes that were added; what a segment's making moves is above.\n\n");
    out.push_str("| request | files | bytes added |\n|---|---|---|\n");
    let query = json!({ "vector": vector(3), "k": 5 });
    let context = json!({ "prompt": "river", "budget": 300 });
    let mut before = snapshot(bench.lab.path());
    let mut row = |request: &str, bench: &Bench| {
        let after = snapshot(bench.lab.path());
        let (changed, added) = difference(&before, &after);
        let _ = writeln!(out, "| {request} | {changed} | {added} |");
        before = snapshot(bench.lab.path());
    };
    bench.ask(&bench.owner, "query", &query).await;
    row("query", bench);
    bench.ask(&bench.owner, "context", &context).await;
    row("context", bench);
    bench.ask(&bench.stranger, "query", &query).await;
    row("query, refused", bench);
    bench.grant(json!({ "max_k": 10, "quota": 100 })).await;
    row("grant", bench);
    bench.ask(&bench.metered, "query", &query).await;
    row("query under a quota", bench);
    bench.owner.put_document(bench.id, &document("a new one")).await.unwrap();
    row("put of one document", bench);
    bench.owner.put_document(bench.id, &document("a new one")).await.unwrap();
    row("put of the same again", bench);
    let ids = super::parse(json!({ "ids": ["a new one"] }));
    bench.owner.delete_documents(bench.id, &ids).await.unwrap();
    row("delete of one document", bench);
    bench.lab.anchor().await;
    row("anchor, at its cadence", bench);
    metered(out).await;
    texts_on_disk(scale, out).await;
}

/// Of a collection whose texts lie on disk: what its answers read.
async fn texts_on_disk(scale: Scale, out: &mut String) {
    out.push_str("\n### What an answer reads, where the owner chose residency `disk`\n");
    out.push_str("Bytes that reads returned to the process while it answered, in whole frames of 64 KiB: the frames of a\n");
    out.push_str("segment's texts that hold the passages found. Whoever watches the disk sees which frames they are, hence\n");
    out.push_str("which groups of neighbouring passages of which segment, how many, and when; two answers with a frame in\n");
    out.push_str("common show it. What was written since the last freeze is read from memory, as everything is in\n");
    out.push_str("residency `memory`.\n\n");
    out.push_str("| request | frames |\n|---|---|\n");
    let lab = Lab::start().await;
    let owner = lab.client("owner").await;
    let new = NewCollection {
        name: "on disk".to_owned(),
        vectors: VectorSource::Supplied(384),
        residency: Residency::Disk,
        ..NewCollection::default()
    };
    let id = owner.create(new).await.unwrap().id;
    for number in 0..scale.documents.min(400) {
        let mut put = document(&format!("d{number}"));
        put.chunks.iter_mut().flatten().for_each(|chunk| chunk.vector = vector(number));
        owner.put_document(id, &put).await.unwrap();
    }
    let mut row = async |request: &str, k: u32| {
        let query: QueryRequest = super::parse(json!({ "vector": vector(3), "k": k }));
        owner.query(id, &query).await.unwrap();
        let before = read_bytes();
        owner.query(id, &query).await.unwrap();
        let frames = (read_bytes() - before) / FRAME_BYTES;
        let _ = writeln!(out, "| {request} | {frames} |");
    };
    row("query, k 10, from the tail", 10).await;
    compact(&owner, id).await;
    row("query, k 1, from a segment", 1).await;
    row("query, k 10, from a segment", 10).await;
}

/// Bytes that reads returned to this process so far (`proc_pid_io(5)`).
fn read_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
    line.trim().parse().unwrap()
}

/// Of a worker that meters: the row of a session's voucher, after the session is there.
async fn metered(out: &mut String) {
    let lab = Lab::start_with(|settings| settings.metering = Some(Metering { credit: 100 })).await;
    let owner = lab.client("owner").await;
    let id = owner.create_collection("metered", VectorSource::Supplied(384)).await.unwrap().id;
    owner.put_document(id, &document("the one")).await.unwrap();
    let expires = owner.channel().now() + 3600;
    let grantee = lab.account("reader");
    let terms = json!({ "grantee": grantee, "max_k": 10, "expires": expires });
    owner.put_grant(id, &super::parse(terms)).await.unwrap();
    let reader = lab.client("reader").await;
    let query: QueryRequest = super::parse(json!({ "vector": vector(3), "k": 5 }));
    reader.query(id, &query).await.unwrap();
    let before = snapshot(lab.path());
    reader.query(id, &query).await.unwrap();
    let (changed, added) = difference(&before, &snapshot(lab.path()));
    let _ = writeln!(out, "| query that is metered | {changed} | {added} |");
}

/// How many files are new or changed, and the bytes that were added.
fn difference(before: &Files, after: &Files) -> (usize, i64) {
    let changed = after.iter().filter(|(path, file)| before.get(*path) != Some(file)).count();
    let size = |files: &Files| files.values().map(|file| file.0 as i64).sum::<i64>();
    (changed, size(after) - size(before))
}

/// A frame as it is sealed is a little longer, and what else is read while one asks is less than one.
const FRAME_BYTES: u64 = 64 << 10;

/// Length and time of the last change, by path.
type Files = BTreeMap<PathBuf, (u64, i64, i64)>;

fn snapshot(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            // A file may go while one looks.
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                files.insert(entry.path(), (about.len(), about.mtime(), about.mtime_nsec()));
            }
        }
    }
    files
}
