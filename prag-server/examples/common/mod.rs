//! What the measuring programs write: documents of one chunk, with vectors of 384 components.

use prag_client::system::OsEntropy;
use prag_protocol::CollectionId;
use prag_protocol::metadata::Metadata;
use prag_protocol::wire::collections::Profile;
use prag_protocol::wire::documents::Format;
use prag_server::collection::CollectionShard;
use prag_server::collection::profile::sealed_profile;
use prag_server::collection::record::{Chunk, Document, Op};
use prag_server::collection::shard::put_batches;
use prag_trust::key::{Key, Share, Wrap, derive_kek};

/// The worker's.
#[global_allocator]
static ALLOCATOR: prag_server::Allocator = prag_server::Allocator;

pub(crate) fn profile() -> Profile {
    let profile = serde_json::json!({
        "model": "supplied", "model_files": ["", "", ""], "pooling": "supplied", "query_prefix": "",
        "passage_prefix": "", "dimension": 384, "metric": "dot", "chunk_tokens": 0, "chunker": "",
        "analyzer": prag_index::ANALYZER, "digest": "",
    });
    sealed_profile(serde_json::from_value(profile).unwrap())
}

pub(crate) fn wrap() -> Key<Wrap> {
    let share = Share::from_bytes(&[3; 32]);
    derive_kek(&share, &share, CollectionId([1; 16]), 1).derive()
}

/// One document, a chunk each passage, durable.
pub(crate) fn put(shard: &CollectionShard, id: &str, passages: &[String], vectors: Vec<f32>) {
    let mut content = String::new();
    let chunk = |passage: &String| {
        let start = u32::try_from(content.len()).unwrap();
        content.push_str(passage);
        let end = u32::try_from(content.len()).unwrap();
        Chunk { start, end, text: None, heading_path: vec![], tokens: 9, salt: [9; 16] }
    };
    let chunks = passages.iter().map(chunk).collect();
    let (id, title, metadata) = (id.parse().unwrap(), "T".to_owned(), Metadata::default());
    let document = Document::new(id, title, Format::Text, content, &metadata, chunks, [7; 32]);
    let op = Op::Put { document, vectors };
    shard.write(put_batches(op, None, 5, &mut OsEntropy).unwrap(), &mut OsEntropy).unwrap();
}
