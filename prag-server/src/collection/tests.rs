//! The shard against its own promises: replay, staging, freezing, tampering, frozen bytes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod accounts;
mod crash;
mod disk;
mod fuzz;
mod golden;
mod life;
mod merge;
mod scopes;
mod shelf;
mod snapshots;
mod wide;

use super::manifest::SegmentEntry;
use super::profile::sealed_profile;
use super::record::{Batch, Chunk, Document, Idempotency, Op, decode, encode};
use super::segment::HASHES;
use super::shard::{Identity, batch, put_batches};
use super::state::{Live, Part};
use super::{CollectionError, CollectionShard, freeze, rows};
use prag_client::system::OsEntropy;
use prag_protocol::metadata::Metadata;
use prag_protocol::wire::collections::{Precision, Profile, Residency, Search};
use prag_protocol::wire::documents::Format;
use prag_protocol::{CollectionId, DocumentId, Lineage};
use prag_store::{Batch as StoreBatch, Engine, MemoryEngine, Open, Shard, ShardName};
use prag_trust::key::{Key, Share, Wrap, derive_kek};
use prag_trust::merkle::{leaf_hash, verify_inclusion};
use std::sync::Arc;

const IDENTITY: Identity = Identity {
    collection: CollectionId([1; 16]),
    lineage: Lineage([2; 16]),
    epoch: 1,
    writer_epoch: 1,
};

fn wrap_key() -> Key<Wrap> {
    let (chain, owner) = (Share::from_bytes(&[3; 32]), Share::from_bytes(&[4; 32]));
    derive_kek(&chain, &owner, IDENTITY.collection, 1).derive()
}

fn profile() -> Profile {
    let text = |text: &str| text.to_owned();
    sealed_profile(Profile {
        model: text("supplied"),
        model_files: [text(""), text(""), text("")],
        pooling: text("supplied"),
        query_prefix: text(""),
        passage_prefix: text(""),
        dimension: 2,
        metric: text("dot"),
        chunk_tokens: 0,
        chunker: text("prag-chunk/1"),
        analyzer: text("english-stem-1"),
        search: Search::Standard,
        residency: Residency::Memory,
        precision: Precision::F16,
        digest: text(""),
    })
}

fn store(engine: &MemoryEngine, expected_epoch: u64) -> Arc<dyn Shard> {
    engine.open(ShardName(IDENTITY.lineage.0), Open::Writer { expected_epoch, claim: 1 }).unwrap()
}

fn create(engine: &MemoryEngine) -> CollectionShard {
    CollectionShard::create(IDENTITY, profile(), wrap_key(), store(engine, 0), &mut OsEntropy)
        .unwrap()
}

fn reopen(engine: &MemoryEngine) -> Result<CollectionShard, CollectionError> {
    CollectionShard::open(IDENTITY, wrap_key(), store(engine, 1))
}

fn document(id: &str, content: &str) -> Document {
    let whole = Chunk {
        start: 0,
        end: u32::try_from(content.len()).unwrap(),
        text: None,
        heading_path: vec!["Above".to_owned()],
        tokens: 3,
        salt: [9; 16],
    };
    let metadata: Metadata = serde_json::from_str(r#"{"lang":"en"}"#).unwrap();
    let id: DocumentId = id.parse().unwrap();
    Document::new(
        id,
        "T".to_owned(),
        Format::Text,
        content.to_owned(),
        &metadata,
        vec![whole],
        [7; 32],
    )
}

fn put(shard: &CollectionShard, id: &str, content: &str) -> usize {
    let op = Op::Put { document: document(id, content), vectors: vec![0.6, 0.8] };
    let batches = put_batches(op, None, 5, &mut OsEntropy).unwrap();
    let count = batches.len();
    shard.write(batches, &mut OsEntropy).unwrap();
    count
}

fn delete(shard: &CollectionShard, id: &str) {
    let gone = batch(vec![Op::Delete(id.parse().unwrap())], None, 5, &mut OsEntropy).unwrap();
    shard.write(vec![gone], &mut OsEntropy).unwrap();
}

fn contents(live: &Live) -> Vec<(String, String)> {
    let row = |at: &super::state::Location| {
        let kept = live.kept(at);
        (kept.document.id.as_str().to_owned(), kept.content().unwrap().into_owned())
    };
    live.documents.values().map(row).collect()
}

/// Record format 1 is frozen: these bytes decode for ever.
#[test]
fn batch_bytes_are_frozen() {
    let frozen = Batch {
        salt: [1; 16],
        time: 300,
        ops: vec![
            Op::Put { document: document("a", "bc"), vectors: vec![1.0, 0.0] },
            Op::Delete("d".parse().unwrap()),
            Op::Stage { upload: [2; 16], part: 0, bytes: vec![5, 6] },
            Op::Publish { upload: [2; 16], parts: 1 },
        ],
        idempotency: Some(Idempotency { key: [3; 32], digest: [4; 32], time: 2 }),
    };
    let bytes = encode(&frozen).unwrap();
    assert_eq!(blake3::hash(&bytes).to_hex().as_str(), BATCH_GOLDEN);
    assert_eq!(decode::<Batch>(&bytes).unwrap(), frozen);
    assert!(decode::<Batch>(&bytes[..bytes.len() - 1]).is_err());
    assert!(decode::<Batch>(&[&bytes[..], &[0]].concat()).is_err());
}

/// What was written is there after a reopening, with the same head; a frozen shard answers the same.
#[test]
fn replay_and_freeze_keep_everything() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    for id in ["a", "b", "c"] {
        put(&shard, id, id);
    }
    put(&shard, "b", "new b");
    delete(&shard, "c");
    let (expected, head) = (contents(&shard.read()), shard.head());
    assert_eq!(expected, [("a".into(), "a".into()), ("b".into(), "new b".into())]);
    drop(shard);

    let shard = reopen(&engine).unwrap();
    assert_eq!((contents(&shard.read()), shard.head()), (expected.clone(), head));
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    assert_eq!(shard.read().tail.rows.len(), 0);
    assert_eq!((contents(&shard.read()), shard.head()), (expected, head));

    put(&shard, "a", "newer a");
    delete(&shard, "b");
    drop(shard);
    let shard = reopen(&engine).unwrap();
    assert_eq!(contents(&shard.read()), [("a".into(), "newer a".into())]);
    assert_eq!(shard.read().chunks(), 1);
    freeze::compact(&shard, true, &mut OsEntropy).unwrap();
    drop(shard);
    let shard = reopen(&engine).unwrap();
    assert_eq!(contents(&shard.read()), [("a".into(), "newer a".into())]);
    assert_eq!(shard.read().segments.len(), 1);
}

/// A document larger than a batch is staged, and visible whole or not at all.
#[test]
fn large_documents_are_staged() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    let large = "x".repeat(5 << 20);
    assert!(put(&shard, "large", &large) > 2);
    drop(shard);
    assert_eq!(reopen(&engine).unwrap().read().documents.len(), 1);

    let op = Op::Put { document: document("half", &large), vectors: vec![0.6, 0.8] };
    let mut batches = put_batches(op, None, 5, &mut OsEntropy).unwrap();
    batches.pop();
    let shard = reopen(&engine).unwrap();
    shard.write(batches, &mut OsEntropy).unwrap();
    drop(shard);
    assert_eq!(contents(&reopen(&engine).unwrap().read()).len(), 1);
}

/// Every sealed row of a shard is checked when it opens: swapped, cut or missing rows are refused by name.
#[test]
fn damaged_rows_are_refused() {
    let damage: [(&str, Vec<u8>); 6] = [
        ("manifest", rows::manifest()),
        ("head", rows::head()),
        ("batch", rows::batch(1, 0)),
        ("digest", rows::digest(1)),
        ("root key", rows::dek([0; 16], 1)),
        ("name key", rows::dek(super::keys::NAMES, 1)),
    ];
    for (name, key) in damage {
        let engine = MemoryEngine::new();
        let shard = create(&engine);
        put(&shard, "a", "a");
        put(&shard, "b", "b");
        put(&shard, "c", "c");
        drop(shard);
        let stored = store(&engine, 1).get_many(&[&key]).unwrap().pop().unwrap().unwrap();
        let overwrite = |bytes: Vec<u8>| {
            let mut write = StoreBatch::new();
            write.put(key.clone(), bytes).unwrap();
            store(&engine, 1).commit(write).unwrap();
        };
        let mut flipped = stored.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for bad in [flipped, stored[..stored.len() - 1].to_vec()] {
            overwrite(bad);
            assert!(matches!(reopen(&engine), Err(CollectionError::Tampered(_))), "{name}");
        }
        overwrite(stored);
        assert!(reopen(&engine).is_ok(), "{name} put back");
    }
}

/// A merge that was asked for waits for the freeze that runs; the background's own does nothing then.
#[test]
fn an_asked_merge_waits() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    put(&shard, "a", "a");
    let running = shard.freezing.lock().unwrap();
    freeze::compact(&shard, true, &mut OsEntropy).unwrap();
    assert_eq!((shard.read().segments.len(), shard.read().tail.live.len()), (0, 1));
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| freeze::merge_all(&shard, &mut OsEntropy));
        drop(running);
        asked.join().unwrap().unwrap();
    });
    assert_eq!((shard.read().segments.len(), shard.read().tail.live.len()), (1, 0));
}

/// Roots of the parts, and whether every row has a proof under its part's.
fn roots(shard: &CollectionShard) -> Vec<[u8; 32]> {
    let (_, live) = shard.snapshot().unwrap();
    let check = |part: Part<'_>| {
        let tree = part.tree();
        let rows = match &part {
            Part::Segment(segment) => segment.rows.as_slice(),
            Part::Tail(tail) => tail.rows.as_slice(),
        };
        assert_eq!(tree.size(), rows.len() as u64);
        for (index, row) in (0..).zip(rows) {
            let leaf = leaf_hash(&row.document.chunk_hash(row.chunk).unwrap());
            let proof = tree.inclusion(index, tree.size()).unwrap();
            assert_eq!(verify_inclusion(&tree.root(), tree.size(), index, &leaf, &proof), Ok(()));
        }
        tree.root()
    };
    live.parts().map(check).collect()
}

/// Every chunk has an inclusion proof, in the tail and in a segment, dead or live, and after a reopening under the
/// same roots.
#[test]
fn chunks_have_proofs_wherever_they_lie() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    for id in ["a", "b", "c"] {
        put(&shard, id, id);
    }
    delete(&shard, "b");
    let tail = roots(&shard);
    assert_eq!(tail.len(), 1);
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    put(&shard, "d", "d");
    let frozen = roots(&shard);
    assert_eq!(frozen.len(), 2);
    assert!(!frozen.contains(&tail[0]), "the dead row is not in the segment");
    {
        let (head, live) = shard.snapshot().unwrap();
        assert_eq!((head, live.chunks()), (shard.durable_head().unwrap(), 3));
    }
    drop(shard);
    assert_eq!(roots(&reopen(&engine).unwrap()), frozen);
}

/// Every batch has a proof under the head.
#[test]
fn batches_have_proofs() {
    let shard = create(&MemoryEngine::new());
    for id in ["a", "b", "c"] {
        put(&shard, id, id);
    }
    let head = shard.head();
    let proven = shard.inclusions(&[0, 1, 2], head.size).unwrap();
    for (seq, batch) in (0..).zip(&proven) {
        assert_eq!(batch.at.index, seq);
        let held = verify_inclusion(&head.root, head.size, seq, &batch.leaf, &batch.at.proof);
        assert_eq!(held, Ok(()));
    }
    assert_eq!(shard.inclusions(&[3], head.size), None);
    assert_eq!(shard.inclusions(&[0], 4), None);
}

/// A segment whose rows are not those of its root is refused by name.
#[test]
fn a_segment_under_another_root_is_refused() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    put(&shard, "a", "a");
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    store_otherwise(shard, |segment| segment.root[0] ^= 1);
    assert!(matches!(reopen(&engine), Err(CollectionError::Tampered("segment root"))));
}

/// A segment of before chunks' hashes were stored opens under the same root.
#[test]
fn a_segment_without_hashes_opens() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    for id in ["a", "b", "c"] {
        put(&shard, id, id);
    }
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    let frozen = roots(&shard);
    store_otherwise(shard, |segment| {
        let parts = segment.parts.len();
        segment.parts.retain(|part| part.name != HASHES);
        assert_eq!(segment.parts.len(), parts - 1);
    });
    assert_eq!(roots(&reopen(&engine).unwrap()), frozen);
}

/// Closes the shard with another entry of its first segment in its manifest.
fn store_otherwise(shard: CollectionShard, change: impl FnOnce(&mut SegmentEntry)) {
    let mut manifest = shard.writer().manifest.clone();
    change(&mut manifest.segments[0]);
    let mut write = StoreBatch::new();
    let (keys, store) = (shard.keys(), shard.home.store.as_ref());
    let before = manifest.clone();
    manifest.put(&before, (&keys, store), &mut write, &mut OsEntropy).unwrap();
    shard.home.store.commit(write).unwrap();
}

/// A batch taken from another sequence number does not pass for this one.
#[test]
fn reordered_batches_are_refused() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    put(&shard, "a", "a");
    put(&shard, "b", "b");
    drop(shard);
    let raw = store(&engine, 1);
    let (first, second) = (rows::batch(0, 0), rows::batch(1, 0));
    let stored = raw.get_many(&[&first, &second]).unwrap();
    let mut write = StoreBatch::new();
    write.put(first, stored[1].clone().unwrap()).unwrap();
    write.put(second, stored[0].clone().unwrap()).unwrap();
    raw.commit(write).unwrap();
    assert!(matches!(reopen(&engine), Err(CollectionError::Tampered("batch"))));
}

const BATCH_GOLDEN: &str = "2948771cc8e1efe7cd1ba1e0f7ffd355b757bbaac024a2a55dcbb74f5ea287b4";
