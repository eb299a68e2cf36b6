//! An immutable segment: built once, searched by many.
//!
//! Layer: index.
//! Holds: vectors, graph, terms and metadata over the same ordinals.
//! Never: knows which rows are deleted: callers pass what is allowed.
//! Invariant: ordinals are 0..len, fixed at the build by the graph's numbering.

mod memory;
mod parts;
mod plan;
#[cfg(test)]
mod tests;

use crate::analyze::{Analyzed, Analyzer};
use crate::bm25::TermStats;
use crate::bytes::ROWS_MAX;
use crate::error::IndexError;
use crate::fields::Fields;
use crate::graph::{Builder, Graph, Growth, Walk, Watch, grow};
use crate::top::{Hit, Mask};
use crate::vectors::{Precision, Query, Target, Vectors, is_unit};
use crate::words::Words;
use crate::{EF_MAX, Row};
use plan::Means;
use prag_protocol::filter::Filter;
use prag_protocol::limits::DIMENSION_MAX;
use prag_simd::dispatch;
use roaring::RoaringBitmap;

pub use memory::SegmentMemory;

/// Rows that no longer change.
pub struct Segment {
    rows: u32,
    vectors: Vectors,
    graph: Option<Graph>,
    words: Words,
    fields: Fields,
}

/// How a segment is built.
#[derive(Clone, Debug)]
pub struct BuildParams {
    /// What links the graph.
    pub builder: Builder,
    /// Neighbours per node of the graph, 2 to 64; twice as many on its bottom level.
    pub m: usize,
    /// Breadth of the search for them, `m` to 4096.
    pub ef_construction: usize,
    /// Whether the bottom's links are chosen once more, among what a search of half
    /// `ef_construction` finds, and by both ends: about three fifths of a build more.
    pub refine: bool,
    /// Threads, 1 to 1024.
    pub threads: usize,
    /// Fewer rows than this get no graph: a scan is faster.
    pub graph_rows_min: usize,
    /// Fewer rows than this get no signs, which wide vectors have beside their codes: the codes of few stay in the
    /// cache, where they are as fast, and say more.
    pub signs_rows_min: usize,
    /// What is kept of a vector beside the codes that a walk reads. Give a tail the same.
    pub precision: Precision,
    /// How texts become terms.
    pub analyzer: Analyzer,
}

impl Default for BuildParams {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            builder: Builder::default(),
            m: 16,
            ef_construction: 200,
            refine: true,
            threads,
            graph_rows_min: 8192,
            signs_rows_min: 50_000,
            precision: Precision::default(),
            analyzer: Analyzer::default(),
        }
    }
}

impl BuildParams {
    /// Bytes that a build of `rows` needs at its height, beside the rows and the segment that it makes.
    #[must_use]
    pub fn bytes(&self, rows: u64, dimension: u64) -> u64 {
        if rows < self.graph_rows_min.max(2) as u64 {
            return 0;
        }
        self.growth().bytes(rows, dimension)
    }

    fn growth(&self) -> Growth {
        Growth {
            builder: self.builder,
            m: self.m,
            ef_construction: self.ef_construction,
            refine: self.refine,
            threads: self.threads,
        }
    }
}

/// A new segment.
pub struct Built {
    /// The segment.
    pub segment: Segment,
    /// Ordinal → index into the rows that it was built from.
    pub order: Vec<u32>,
}

impl Segment {
    /// [`Segment::build_watched`], by nobody.
    ///
    /// # Errors
    /// As there.
    pub fn build(rows: &[Row], params: &BuildParams) -> Result<Built, IndexError> {
        Self::build_watched(rows, params, &Watch::default())
    }

    /// Build a segment of `rows`, 1 to 2^24 of one dimension. Blocks for long: seconds for each ten
    /// thousand rows. [`Builder::Own`] makes the same segment of the same rows, on any number of threads.
    ///
    /// # Errors
    /// [`IndexError::Rows`], [`IndexError::Dimension`], [`IndexError::Vector`],
    /// [`IndexError::Params`]; [`IndexError::Stopped`] if `watch` was told to;
    /// [`IndexError::Threads`] is worth one retry.
    pub fn build_watched(
        rows: &[Row],
        params: &BuildParams,
        watch: &Watch,
    ) -> Result<Built, IndexError> {
        let dimension = rows.first().map_or(0, |row| row.vector.len());
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        if count == 0 || count > ROWS_MAX {
            return Err(IndexError::Rows);
        }
        if dimension == 0 || dimension > DIMENSION_MAX {
            return Err(IndexError::Dimension { expected: DIMENSION_MAX, found: dimension });
        }
        for (index, row) in rows.iter().enumerate() {
            check_row(row, dimension, index)?;
        }
        let (graph, order) = if rows.len() < params.graph_rows_min.max(2) {
            (None, (0..count).collect())
        } else {
            let vectors: Vec<&[f32]> = rows.iter().map(|row| row.vector.as_slice()).collect();
            let (mut graph, order) = grow(&vectors, &params.growth(), watch)?;
            graph.settle();
            (Some(graph), order)
        };
        let ordered = || order.iter().map(|&index| &rows[index as usize]);
        let words = || Words::build(ordered().map(|row| row.text.as_str()), params.analyzer);
        let rest = || {
            let mut vectors = Vectors::new(dimension, params.precision, rows.len());
            let mut fields = Fields::default();
            for row in ordered() {
                vectors.push(&row.vector);
                fields.push(&row.doc, &row.metadata);
            }
            if graph.is_some() && rows.len() >= params.signs_rows_min {
                vectors.sign();
            }
            vectors.settle();
            if let Some(graph) = &graph {
                vectors.halve(|row| graph.near(row));
            }
            (vectors, fields)
        };
        if watch.stopped() {
            return Err(IndexError::Stopped);
        }
        let (words, (vectors, fields)) =
            if params.threads > 1 { rayon::join(words, rest) } else { (words(), rest()) };
        let words = words?;
        let segment = Self { rows: count, vectors, graph, words, fields };
        Ok(Built { segment, order })
    }

    /// How many rows there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> u32 {
        self.rows
    }

    /// How its texts became terms, and a query's must.
    #[must_use]
    pub fn analyzer(&self) -> Analyzer {
        self.words.analyzer()
    }

    /// Components of a vector.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.vectors.dimension()
    }

    /// The vector of a row, as it is kept.
    #[must_use]
    pub fn vector(&self, ordinal: u32) -> Option<Vec<f32>> {
        self.vectors.vector(ordinal)
    }

    /// What an oblivious scan reads: nothing unless rows are kept as f32, since of another precision reading takes
    /// time by their values.
    #[inline(always)]
    pub(crate) fn floats(&self, ordinal: u32) -> Option<&[f32]> {
        self.vectors.floats(ordinal)
    }

    /// The rows that `filter` matches, deleted ones included.
    #[must_use]
    pub fn filter(&self, filter: &Filter) -> RoaringBitmap {
        self.fields.filter(filter)
    }

    /// The best `k` of the `allowed` rows by cosine similarity, best first, ties by ordinal. A scan
    /// answers where it is the cheaper way, exactly, or of many rows that have signs all but one in
    /// a thousand; else a walk of breadth `ef` (at least `k`, at most [`EF_MAX`]) finds almost all
    /// of them. Scores are exact in any case.
    ///
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::Query`].
    pub fn dense(
        &self,
        query: &[f32],
        allowed: &RoaringBitmap,
        k: usize,
        ef: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        let target = Target::new(query, self.dimension())?;
        let mask = Mask::new(allowed, self.rows);
        let ef = ef.max(k).clamp(1, EF_MAX);
        let (breadth, _) = self.means().breadth(k.min(ef), ef);
        if k <= ef
            && self.means().walks(mask.len(), self.rows as usize, breadth)
            && let Some(hits) = self.walk(target, &mask, k, ef)
        {
            return Ok(hits);
        }
        let query = Query::of(target);
        if self.means().sifts(mask.len()) {
            return Ok(self.vectors.sift(&query, &mask, k));
        }
        Ok(self.vectors.scan(&query, &mask, k))
    }

    /// The best `k` of the `allowed` rows, exactly.
    ///
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::Query`].
    pub fn dense_exact(
        &self,
        query: &[f32],
        allowed: &RoaringBitmap,
        k: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        let query = Query::new(query, self.dimension())?;
        Ok(self.vectors.scan(&query, &Mask::new(allowed, self.rows), k))
    }

    /// Statistics of `query` over the `live` rows, or over all. Give a caller's scope as `live`
    /// where scores must not depend on rows outside of it.
    ///
    /// # Errors
    /// [`IndexError::Words`].
    pub fn stats(
        &self,
        query: &Analyzed,
        live: Option<&RoaringBitmap>,
    ) -> Result<TermStats, IndexError> {
        let mask = live.map_or(Mask::All(self.rows), |live| Mask::new(live, self.rows));
        self.words.stats(query, &mask)
    }

    /// The best `k` of the `allowed` rows by BM25, best first, ties by ordinal; only rows that hold
    /// one of the terms. `stats`: merged over every part that answers.
    ///
    /// # Errors
    /// [`IndexError::Words`].
    pub fn sparse(
        &self,
        query: &Analyzed,
        stats: &TermStats,
        allowed: &RoaringBitmap,
        k: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        self.words.search(query, stats, &Mask::new(allowed, self.rows), k)
    }

    /// What a walk goes by.
    fn means(&self) -> Means {
        if self.vectors.signs().is_some() {
            Means::Signs
        } else if self.vectors.nibbles().is_some() {
            Means::Nibbles
        } else {
            Means::Codes
        }
    }

    /// Nothing where there is no graph, or where the walk cost more than a scan, or got stuck.
    fn walk(&self, target: Target<'_>, mask: &Mask, k: usize, ef: usize) -> Option<Vec<Hit>> {
        self.walk_within(target, mask, k, ef, self.means().budget(mask.len(), self.rows as usize))
    }

    /// Nothing where there is no graph, or where the walk would have scored more than `budget` rows, or got stuck.
    fn walk_within(
        &self,
        target: Target<'_>,
        mask: &Mask,
        k: usize,
        ef: usize,
        budget: usize,
    ) -> Option<Vec<Hit>> {
        let graph = self.graph.as_ref()?;
        let (vectors, allowed) = (&self.vectors, mask);
        let (ef, keep) = self.means().breadth(k, ef);
        dispatch(Walk { graph, vectors, target, k, allowed, ef, budget, keep })
    }
}

/// # Errors
/// [`IndexError::Dimension`], [`IndexError::Vector`] with `index`.
pub(crate) fn check_row(row: &Row, dimension: usize, index: usize) -> Result<(), IndexError> {
    let found = row.vector.len();
    if found != dimension {
        return Err(IndexError::Dimension { expected: dimension, found });
    }
    if is_unit(&row.vector) { Ok(()) } else { Err(IndexError::Vector(index)) }
}
