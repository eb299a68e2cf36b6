//! Named tensors of a safetensors buffer, by shape.
//!
//! Layer: above `error`; candle reads the format.
//! Holds: the buffer's tensors, read on demand.
//! Never: maps a file; accepts a tensor of another shape than the configuration says.
//! Invariant: every number that leaves as a slice is finite.

use candle_core::{DType, Device};
use candle_nn::VarBuilder;

use crate::error::{EmbedError, ModelFile};

/// The tensors below one name.
pub(crate) struct Weights<'a>(VarBuilder<'a>);

impl Weights<'static> {
    /// Take over a safetensors buffer.
    pub(crate) fn read(buffer: Vec<u8>, device: &Device) -> Result<Self, EmbedError> {
        let builder = VarBuilder::from_buffered_safetensors(buffer, DType::F32, device)
            .map_err(|_| corrupt("not safetensors"))?;
        // Some files hold the network below this name, beside heads that we do not use.
        let nested = builder.contains_tensor("bert.embeddings.word_embeddings.weight");
        Ok(Self(if nested { builder.pp("bert") } else { builder }))
    }
}

impl<'a> Weights<'a> {
    /// The tensors below `name`.
    pub(crate) fn inside(&self, name: &str) -> Self {
        Self(self.0.pp(name))
    }

    /// The builder that candle's own layers load from.
    pub(crate) fn builder(&self) -> VarBuilder<'a> {
        self.0.clone()
    }

    /// An embedding table, row by row.
    pub(crate) fn table(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Vec<f32>, EmbedError> {
        self.inside(name).matrix("weight", rows, columns)
    }

    /// A matrix, row by row.
    pub(crate) fn matrix(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Vec<f32>, EmbedError> {
        self.numbers(self.0.get((rows, columns), name))
    }

    /// A vector.
    pub(crate) fn vector(&self, name: &str, size: usize) -> Result<Vec<f32>, EmbedError> {
        self.numbers(self.0.get(size, name))
    }

    fn numbers(
        &self,
        tensor: candle_core::Result<candle_core::Tensor>,
    ) -> Result<Vec<f32>, EmbedError> {
        let numbers = tensor
            .and_then(|tensor| tensor.flatten_all()?.to_vec1::<f32>())
            .map_err(|_| corrupt("a tensor is missing or has another shape"))?;
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(corrupt("a number is not finite"));
        }
        Ok(numbers)
    }
}

fn corrupt(why: &'static str) -> EmbedError {
    EmbedError::Corrupt { file: ModelFile::Weights, why }
}
