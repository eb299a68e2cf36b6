//! A segment as bytes, part by part.
//!
//! Layer: index.
//! Holds: the way to bytes and back.
//! Never: seals, or authenticates: callers do both, before bytes come here.
//! Invariant: a segment that was read answers as the one that was written.

use super::Segment;
use crate::bytes::Reader;
use crate::error::{IndexError, PartName};
use crate::fields::Fields;
use crate::graph::Graph;
use crate::vectors::Vectors;
use crate::words::Words;

impl Segment {
    /// The segment's parts, plaintext: seal them before they leave the process. A part is at most
    /// 4 GiB; the graph is missing from small segments.
    ///
    /// # Errors
    /// [`IndexError::Words`], [`IndexError::Corrupt`]: the segment is damaged; rebuild it.
    pub fn to_parts(&self) -> Result<Vec<(PartName, Vec<u8>)>, IndexError> {
        let mut parts = vec![(PartName::Vectors, self.vectors.to_bytes(self.rows))];
        if let Some(graph) = &self.graph {
            parts.push((PartName::Graph, graph.to_bytes(self.rows)));
        }
        parts.push((PartName::Words, self.words.to_bytes(self.rows)?));
        parts.push((PartName::Fields, self.fields.to_bytes()?));
        Ok(parts)
    }

    /// Read a segment from its parts, in any order, side by side on rayon's threads. Authenticate the bytes first;
    /// these checks keep hostile ones from a panic, not from a lie.
    ///
    /// # Errors
    /// [`IndexError::Missing`], [`IndexError::Corrupt`], [`IndexError::Format`]: rebuild the
    /// segment from its records.
    pub fn from_parts<B: AsRef<[u8]>>(parts: &[(PartName, B)]) -> Result<Self, IndexError> {
        let vectors =
            find(parts, PartName::Vectors)?.ok_or(IndexError::Missing(PartName::Vectors))?;
        let words = find(parts, PartName::Words)?.ok_or(IndexError::Missing(PartName::Words))?;
        let fields = find(parts, PartName::Fields)?.ok_or(IndexError::Missing(PartName::Fields))?;
        let graph = find(parts, PartName::Graph)?;
        let (_, rows) = Reader::new(PartName::Vectors, vectors)?;
        let ((vectors, graph), (words, fields)) = rayon::join(
            || {
                let graph = || graph.map(|bytes| Graph::from_bytes(bytes, rows)).transpose();
                rayon::join(|| Vectors::from_bytes(vectors), graph)
            },
            || rayon::join(|| Words::from_bytes(words, rows), || Fields::from_bytes(fields, rows)),
        );
        let (mut vectors, graph) = (vectors?.0, graph?);
        if let Some(graph) = &graph {
            vectors.halve(|row| graph.near(row));
        }
        Ok(Self { rows, vectors, graph, words: words?, fields: fields? })
    }
}

/// The bytes of part `name`.
fn find<B: AsRef<[u8]>>(
    parts: &[(PartName, B)],
    name: PartName,
) -> Result<Option<&[u8]>, IndexError> {
    let mut found = parts.iter().filter(|part| part.0 == name).map(|part| part.1.as_ref());
    let first = found.next();
    if found.next().is_some() { Err(IndexError::Corrupt(name)) } else { Ok(first) }
}
