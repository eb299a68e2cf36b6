//! BERT on candle's tensors: the way on a GPU, and the twin that `slices` is tested against.
//!
//! Layer: above `config` and `weights`.
//! Holds: the weights as tensors on one device.
//! Never: masks with infinities (they turn into NaN); masks at all where all lengths are equal.
//! Invariant: padding changes no vector by more than rounding.
//!
//! Source: Devlin et al. 2019 (arXiv:1810.04805), section 3; masked mean pooling, Reimers and
//! Gurevych 2019, section 3 (arXiv:1908.10084).

use candle_core::{D, Device, IndexOp, Result, Tensor};
use candle_nn::{
    Embedding, LayerNorm, Linear, Module, VarBuilder, embedding, layer_norm, linear, ops,
};

use crate::card::Pooling;
use crate::config::BertConfig;
use crate::error::{EmbedError, ModelFile};
use crate::weights::Weights;

/// A BERT whose weights are tensors.
pub(crate) struct TensorBert {
    device: Device,
    words: Embedding,
    positions: Embedding,
    kind: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
    heads: usize,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    norm: LayerNorm,
}

impl TensorBert {
    /// Take the weights over; they stay on the device they were read to.
    pub(crate) fn load(
        weights: &Weights<'_>,
        config: &BertConfig,
    ) -> std::result::Result<Self, EmbedError> {
        Self::build(&weights.builder(), config).map_err(|_| EmbedError::Corrupt {
            file: ModelFile::Weights,
            why: "a tensor is missing or has another shape",
        })
    }

    fn build(weights: &VarBuilder<'_>, config: &BertConfig) -> Result<Self> {
        let (hidden, eps) = (config.hidden_size, config.layer_norm_eps);
        let names = weights.pp("embeddings");
        let kinds = embedding(config.type_vocab_size, hidden, names.pp("token_type_embeddings"))?;
        let places = config.max_position_embeddings;
        Ok(Self {
            device: weights.device().clone(),
            words: embedding(config.vocab_size, hidden, names.pp("word_embeddings"))?,
            positions: embedding(places, hidden, names.pp("position_embeddings"))?,
            kind: kinds.embeddings().i(0)?,
            norm: layer_norm(hidden, eps, names.pp("LayerNorm"))?,
            layers: (0..config.num_hidden_layers)
                .map(|index| Layer::build(&weights.pp(format!("encoder.layer.{index}")), config))
                .collect::<Result<_>>()?,
            heads: config.num_attention_heads,
        })
    }

    /// The pooled, not yet normalised vectors of `sequences`.
    pub(crate) fn embed(
        &self,
        sequences: &[&[u32]],
        pooling: Pooling,
    ) -> std::result::Result<Vec<Vec<f32>>, EmbedError> {
        self.forward(sequences, pooling)
            .map_err(|_| EmbedError::Device { why: "the network did not run" })
    }

    fn forward(&self, sequences: &[&[u32]], pooling: Pooling) -> Result<Vec<Vec<f32>>> {
        let rows = sequences.len();
        let length = sequences.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(rows * length);
        let mut present = Vec::with_capacity(rows * length);
        for sequence in sequences {
            ids.extend_from_slice(sequence);
            ids.resize(ids.len() + length - sequence.len(), PADDING);
            present.extend((0..length).map(|place| f32::from(u8::from(place < sequence.len()))));
        }
        let padded = present.contains(&0.0);
        let ids = Tensor::from_vec(ids, (rows, length), &self.device)?;
        let present = Tensor::from_vec(present, (rows, length), &self.device)?;
        let mask = match padded {
            true => Some(present.affine(-ABSENT, ABSENT)?.reshape((rows, 1, 1, length))?),
            false => None,
        };
        let places = Tensor::arange(0, length as u32, &self.device)?;
        let placed = self.positions.forward(&places)?.broadcast_add(&self.kind)?;
        let mut states = self.norm.forward(&self.words.forward(&ids)?.broadcast_add(&placed)?)?;
        for layer in &self.layers {
            states = layer.forward(&states, mask.as_ref(), self.heads)?;
        }
        match pooling {
            Pooling::Cls => states.i((.., 0))?.contiguous()?,
            Pooling::Mean => {
                let sums = states.broadcast_mul(&present.unsqueeze(D::Minus1)?)?.sum(1)?;
                sums.broadcast_div(&present.sum_keepdim(1)?)?
            }
        }
        .to_vec2()
    }
}

impl Layer {
    fn build(weights: &VarBuilder<'_>, config: &BertConfig) -> Result<Self> {
        let (hidden, inner, eps) =
            (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
        let attention = weights.pp("attention");
        let (own, after) = (attention.pp("self"), attention.pp("output"));
        Ok(Self {
            query: linear(hidden, hidden, own.pp("query"))?,
            key: linear(hidden, hidden, own.pp("key"))?,
            value: linear(hidden, hidden, own.pp("value"))?,
            out: linear(hidden, hidden, after.pp("dense"))?,
            attention_norm: layer_norm(hidden, eps, after.pp("LayerNorm"))?,
            up: linear(hidden, inner, weights.pp("intermediate").pp("dense"))?,
            down: linear(inner, hidden, weights.pp("output").pp("dense"))?,
            norm: layer_norm(hidden, eps, weights.pp("output").pp("LayerNorm"))?,
        })
    }

    fn forward(&self, states: &Tensor, mask: Option<&Tensor>, heads: usize) -> Result<Tensor> {
        let (rows, length, hidden) = states.dims3()?;
        let head = hidden / heads;
        let split = |values: Tensor| {
            values.reshape((rows, length, heads, head))?.transpose(1, 2)?.contiguous()
        };
        let query = split(self.query.forward(states)?)?;
        let key = split(self.key.forward(states)?)?;
        let value = split(self.value.forward(states)?)?;
        let mut scores = (query.matmul(&key.t()?)? * (head as f64).sqrt().recip())?;
        if let Some(mask) = mask {
            scores = scores.broadcast_add(mask)?;
        }
        let context = ops::softmax_last_dim(&scores)?.matmul(&value)?;
        let context = context.transpose(1, 2)?.contiguous()?.reshape((rows, length, hidden))?;
        let states = self.attention_norm.forward(&(states + self.out.forward(&context)?)?)?;
        let inner = self.up.forward(&states)?.gelu_erf()?;
        self.norm.forward(&(&states + self.down.forward(&inner)?)?)
    }
}

/// Added to the scores of tokens that are not there: large against every score, and finite.
const ABSENT: f64 = -1e9;
/// Any id that exists; it is masked.
const PADDING: u32 = 0;
