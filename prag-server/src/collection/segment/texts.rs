//! Of a segment, what is not the index's: documents, rows, and the tree over them.
//!
//! Layer: inside `segment`.
//! Holds: the way from encoded documents and row table to what answers, in either residency, and back.
//! Never: a row without a document and a chunk.
//! Invariant: a segment that was loaded has the rows and the tree that it had when it was built.

use crate::collection::CollectionError;
use crate::collection::profile::Shape;
use crate::collection::record::{Document, decode, lying, read_in};
use crate::collection::state::Row;
use prag_protocol::wire::collections::Residency;
use prag_trust::merkle::MerkleLog;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// A segment's documents and rows.
pub(super) struct Texts {
    pub(super) documents: Vec<Arc<Document>>,
    pub(super) rows: Vec<Row>,
    /// Over the rows' chunk hashes.
    pub(super) tree: MerkleLog,
    /// The texts of the widest hit on a row as JSON, bytes; counted where texts stay on disk.
    pub(super) hit_bytes: usize,
}

/// From the parts as they are encoded; `hashes`: of the chunks, row by row, where they were stored. Side by side on
/// rayon's threads.
pub(super) fn read_texts(
    shape: Shape,
    documents: &[u8],
    table: &[u8],
    hashes: Option<Vec<[u8; 32]>>,
) -> Result<Texts, CollectionError> {
    let bad = |_| CollectionError::Tampered("segment records");
    let table: Vec<(u32, u32)> = decode(table).map_err(bad)?;
    if hashes.as_ref().is_some_and(|hashes| hashes.len() != table.len()) {
        return Err(CollectionError::Tampered("segment rows"));
    }
    let (documents, leaves, hit_bytes) = match shape.residency {
        Residency::Memory => {
            let documents: Vec<Document> = decode(documents).map_err(bad)?;
            // Hashed before they are packed: to unpack them for it would take longer.
            let hash =
                |(at, chunk): &(u32, u32)| documents.get(*at as usize)?.chunk_hash(*chunk).ok();
            let leaves = hashes.or_else(|| table.par_iter().map(hash).collect());
            let pack = |document: Document| Arc::new(shape.packed(document));
            (documents.into_par_iter().map(pack).collect::<Vec<_>>(), leaves, 0)
        }
        Residency::Disk => {
            let part = documents;
            let documents = lying(part).map_err(bad)?;
            let text = |(at, chunk): &(u32, u32)| {
                let document = documents.get(*at as usize)?;
                Some((document, *chunk, read_in(part, &document.lies(*chunk)?)?))
            };
            let hash = |row| text(row).map(|(document, chunk, text)| document.hash_of(chunk, text));
            let width =
                |row| text(row).map(|(document, chunk, text)| document.hit_bytes(chunk, text));
            let widths: Option<Vec<usize>> = table.par_iter().map(width).collect();
            let widths = widths.ok_or(CollectionError::Tampered("segment rows"))?;
            let leaves = hashes.or_else(|| table.par_iter().map(hash).collect());
            let widest = widths.into_iter().max().unwrap_or(0);
            (documents.into_iter().map(Arc::new).collect(), leaves, widest)
        }
    };
    let row = |(document, chunk): (u32, u32)| {
        let document: &Arc<Document> = documents.get(document as usize)?;
        document.chunks.get(chunk as usize)?;
        Some(Row { document: Arc::clone(document), chunk })
    };
    let rows: Option<Vec<Row>> = table.into_iter().map(row).collect();
    let (rows, leaves) = rows.zip(leaves).ok_or(CollectionError::Tampered("segment rows"))?;
    Ok(Texts { documents, rows, tree: tree(leaves.into_iter()), hit_bytes })
}

/// Of rows whose texts are in memory and stay there.
pub(super) fn kept_texts(
    rows: Vec<Row>,
    documents: Vec<Arc<Document>>,
    hashes: Vec<[u8; 32]>,
) -> Texts {
    Texts { documents, rows, tree: tree(hashes.into_iter()), hit_bytes: 0 }
}

/// The chunks' hashes, row by row.
pub(super) fn hashed(rows: &[Row]) -> Result<Vec<[u8; 32]>, CollectionError> {
    Ok(rows.iter().map(|row| row.document.chunk_hash(row.chunk)).collect::<Result<_, _>>()?)
}

/// The same, as they were stored.
pub(super) fn hashes_in(part: &[u8]) -> Result<Vec<[u8; 32]>, CollectionError> {
    match part.as_chunks() {
        (hashes, []) => Ok(hashes.to_vec()),
        _ => Err(CollectionError::Tampered("segment rows")),
    }
}

/// The Merkle tree over the rows' chunk hashes.
fn tree(hashes: impl Iterator<Item = [u8; 32]>) -> MerkleLog {
    let mut tree = MerkleLog::new();
    for hash in hashes {
        tree.append(&hash);
    }
    tree
}

/// Each document once, and (document, chunk) per row.
pub(super) fn tables(rows: &[Row]) -> (Vec<Arc<Document>>, Vec<(u32, u32)>) {
    let mut known: HashMap<*const Document, u32> = HashMap::new();
    let mut documents = Vec::new();
    let mut table = Vec::with_capacity(rows.len());
    for row in rows {
        let number = *known.entry(Arc::as_ptr(&row.document)).or_insert_with(|| {
            documents.push(Arc::clone(&row.document));
            u32::try_from(documents.len() - 1).unwrap_or(u32::MAX)
        });
        table.push((number, row.chunk));
    }
    (documents, table)
}
