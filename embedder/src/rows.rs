//! The result of embedding: equally long rows of numbers.
//!
//! Layer: bottom of `embedder`; depends on nothing of ours.
//! Holds: f32 values in memory that is wiped when dropped.
//! Never: prints, serializes, clones or compares a vector (vectors are secrets as text is).
//! Invariant: every row has the same, non-zero length.

use zeroize::{Zeroize, Zeroizing};

/// Vectors of one request, row i for text i, each of unit L2 length.
///
/// They can be read:
/// ```
/// let rows = prag_embedder::Rows::zeros(1, 2);
/// assert_eq!(rows.row(0), Some(&[0.0, 0.0][..]));
/// ```
/// but neither copied nor printed as a whole:
/// ```compile_fail,E0599
/// let rows = prag_embedder::Rows::zeros(1, 2);
/// let copy = rows.clone();
/// ```
/// ```compile_fail,E0277
/// let rows = prag_embedder::Rows::zeros(1, 2);
/// println!("{rows:?}");
/// ```
pub struct Rows {
    dim: usize,
    data: Zeroizing<Vec<f32>>,
}

impl Rows {
    /// `texts` rows of `dim` zeros, to be filled by an [`crate::Embedder`].
    #[must_use]
    pub fn zeros(texts: usize, dim: usize) -> Self {
        let dim = dim.max(1);
        Self { dim, data: Zeroizing::new(vec![0.0; texts.saturating_mul(dim)]) }
    }

    /// Length of every row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len() / self.dim
    }

    /// True if there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Row `index`, if there is one.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<&[f32]> {
        self.iter().nth(index)
    }

    /// Row `index` for writing, if there is one.
    pub fn row_mut(&mut self, index: usize) -> Option<&mut [f32]> {
        self.data.chunks_exact_mut(self.dim).nth(index)
    }

    /// The rows in the order of the texts.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.data.chunks_exact(self.dim)
    }

    /// The rows as vectors of their own, in the order of the texts. From here on the caller wipes.
    #[must_use]
    pub fn into_vecs(self) -> Vec<Vec<f32>> {
        self.iter().map(<[f32]>::to_vec).collect()
    }
}

/// Scale `row` to unit L2 length; false if it has no direction or is not finite.
pub(crate) fn normalize(row: &mut [f32]) -> bool {
    let square: f64 = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let length = square.sqrt();
    if !length.is_finite() || length <= LENGTH_MIN {
        row.zeroize();
        return false;
    }
    for value in row {
        *value = (f64::from(*value) / length) as f32;
    }
    true
}

const LENGTH_MIN: f64 = 1e-12;
