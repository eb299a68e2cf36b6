//! Vectors from files, and which of them are nearest to which.
//!
//! Layer: benches.
//! Holds: rows of one length; data sets by name, whole or their beginning; the exact answer to every query.
//! Never: a query that is among the rows: those are held out.
//! Invariant: the exact answer is from the index's own exact scan, of the very rows that are searched.

pub mod set;
pub mod texmex;
pub mod truth;

/// Rows of one length, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    dimension: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// Rows of `dimension` components, which is not 0; what is left over is dropped.
    #[must_use]
    pub fn new(dimension: usize, mut values: Vec<f32>) -> Self {
        let dimension = dimension.max(1);
        values.truncate(values.len() / dimension * dimension);
        Self { dimension, values }
    }

    /// Components of a row.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Row by row.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dimension)
    }

    /// A row; nothing beyond the last one.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        self.rows().nth(index).unwrap_or_default()
    }

    /// The first `rows`, or all.
    #[must_use]
    pub fn first(mut self, rows: usize) -> Self {
        self.values.truncate(rows.saturating_mul(self.dimension));
        self
    }
}
