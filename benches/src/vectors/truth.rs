//! The exact answer to every query.
//!
//! Layer: benches.
//! Holds: the index's exact scan over the rows, on every core; which rows a filter lets through; recall.
//! Never: an approximate walk: the segment here has no graph.
//! Invariant: a row's number is its place in the file.

use super::Matrix;
use crate::error::{BenchError, Step};
use prag_index::{BuildParams, Row, Segment};
use prag_protocol::metadata::Metadata;
use roaring::RoaringBitmap;
use std::sync::Arc;

/// Rows that can be searched exactly.
pub struct Exact {
    segment: Segment,
}

impl Exact {
    /// # Errors
    /// [`BenchError`] for rows that are not of unit length.
    pub fn new(rows: &Matrix) -> Result<Self, BenchError> {
        let metadata = Arc::new(Metadata::new());
        let row = |vector: &[f32]| Row {
            doc: String::new(),
            text: String::new(),
            vector: vector.to_vec(),
            metadata: metadata.clone(),
        };
        let rows: Vec<Row> = rows.rows().map(row).collect();
        let params = BuildParams { graph_rows_min: usize::MAX, ..BuildParams::default() };
        let built = Segment::build(&rows, &params).step("rows to scan")?;
        Ok(Self { segment: built.segment })
    }

    /// The best `k` rows for each query, best first; with `permille` only those that [`passes`] lets through.
    ///
    /// # Errors
    /// [`BenchError`] where a query is of another dimension.
    pub fn nearest(
        &self,
        queries: &Matrix,
        k: usize,
        permille: Option<u32>,
    ) -> Result<Vec<Vec<u32>>, BenchError> {
        let rows = 0..self.segment.len();
        let allowed: RoaringBitmap = rows.filter(|row| passes(*row, permille)).collect();
        let queries: Vec<&[f32]> = queries.rows().collect();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        answers(&queries, threads, |query| {
            let hits = self.segment.dense_exact(query, &allowed, k).step("an exact scan")?;
            Ok(hits.iter().map(|hit| hit.ordinal).collect())
        })
    }
}

/// Whether a filter lets a row through: what ours and the rivals are asked for. Rows are in random order.
#[must_use]
pub fn passes(row: u32, permille: Option<u32>) -> bool {
    permille.is_none_or(|permille| row % BUCKETS < permille)
}

/// What `answer` says to each query, in their order, from so many threads; one is the caller's own.
///
/// # Errors
/// The first query's that failed, or where a thread ended.
pub fn answers(
    queries: &[&[f32]],
    threads: usize,
    answer: impl Fn(&[f32]) -> Result<Vec<u32>, BenchError> + Sync,
) -> Result<Vec<Vec<u32>>, BenchError> {
    let one_by_one = |part: &[&[f32]]| -> Result<Vec<Vec<u32>>, BenchError> {
        part.iter().map(|query| answer(query)).collect()
    };
    if threads <= 1 {
        return one_by_one(queries);
    }
    let share = queries.len().div_ceil(threads).max(1);
    let one_by_one = &one_by_one;
    std::thread::scope(|scope| {
        let parts: Vec<_> =
            queries.chunks(share).map(|part| scope.spawn(move || one_by_one(part))).collect();
        let mut all = Vec::with_capacity(queries.len());
        for part in parts {
            all.extend(part.join().map_err(|_| BenchError::new("a thread", "it ended"))??);
        }
        Ok(all)
    })
}

/// Share of the `k` truly nearest that were found, over all queries.
///
/// `truth` begins with the answers of the queries that `found` answers, in their order.
#[must_use]
pub fn recall(truth: &[Vec<u32>], found: &[Vec<u32>], k: usize) -> f64 {
    let (mut hits, mut wanted) = (0, 0);
    for (truth, found) in truth.iter().zip(found) {
        let truth = &truth[..k.min(truth.len())];
        wanted += truth.len();
        hits += truth.iter().filter(|row| found.iter().take(k).any(|one| one == *row)).count();
    }
    if wanted == 0 { 0.0 } else { hits as f64 / wanted as f64 }
}

/// Filters are by a row's number modulo this.
pub const BUCKETS: u32 = 1000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::vectors::set::made_up;

    /// The scan answers as sorting all products does, with and without a filter.
    #[test]
    fn answers_are_exact() {
        let (rows, queries) = made_up(16, 3000, 5);
        let exact = Exact::new(&rows).unwrap();
        for permille in [None, Some(100), Some(1)] {
            let found = exact.nearest(&queries, 4, permille).unwrap();
            for (query, found) in queries.rows().zip(&found) {
                let product = |row: &[f32]| row.iter().zip(query).map(|(a, b)| a * b).sum::<f32>();
                let mut all: Vec<(u32, f32)> = (0..).zip(rows.rows().map(product)).collect();
                all.retain(|(row, _)| passes(*row, permille));
                all.sort_by(|a, b| b.1.total_cmp(&a.1));
                let naive: Vec<u32> = all.iter().take(4).map(|(row, _)| *row).collect();
                assert_eq!(&naive[..3.min(naive.len())], &found[..3.min(found.len())]);
            }
        }
    }

    /// Recall counts what was found of the nearest, whatever the order, and nothing twice.
    #[test]
    fn recall_is_a_share() {
        let truth = vec![vec![1, 2, 3], vec![4, 5, 6]];
        assert_eq!(recall(&truth, &truth, 3), 1.0);
        assert_eq!(recall(&truth, &[vec![2, 1, 9], vec![7, 7, 4]], 2), 0.5);
        assert_eq!(recall(&truth, &[vec![1, 1, 1]], 2), 0.5);
        assert_eq!(recall(&[], &[], 3), 0.0);
    }
}
