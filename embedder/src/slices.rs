//! BERT on plain slices: the fast way on a CPU.
//!
//! Layer: above `config` and `weights`; `kernel` and `math` are below.
//! Holds: the weights, packed once for the vector width of this machine.
//! Never: pads a sequence, or mixes two sequences of a batch.
//! Invariant: a text's vector is the same bit for bit, alone or in any batch, on one machine.
//!
//! Source: Devlin et al. 2019 (arXiv:1810.04805), section 3; Vaswani et al. 2017
//! (arXiv:1706.03762), section 3, post-normalised.

mod kernel;
mod math;
mod panels;

use pulp::Arch;
use zeroize::Zeroize;

use crate::card::Pooling;
use crate::config::BertConfig;
use crate::error::EmbedError;
use crate::weights::Weights;
use kernel::{AddNorm, Attention, Finish, Linear, Matrix, Room};
use panels::fit;

/// A BERT whose weights lie in packed slices.
pub(crate) struct SliceBert {
    arch: Arch,
    hidden: usize,
    inner: usize,
    heads: usize,
    words: Vec<f32>,
    /// Row p = position p plus the first type: all that is added to a word.
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    query_key_value: Matrix,
    out: Matrix,
    attention_norm: Norm,
    up: Matrix,
    down: Matrix,
    norm: Norm,
}

struct Norm {
    gain: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

/// Working memory of one thread, wiped when dropped.
#[derive(Default)]
pub(crate) struct Scratch {
    hidden: Vec<f32>,
    wide: Vec<f32>,
    context: Vec<f32>,
    room: Room,
}

impl SliceBert {
    /// Take the weights over.
    pub(crate) fn load(weights: &Weights<'_>, config: &BertConfig) -> Result<Self, EmbedError> {
        let arch = Arch::new();
        let hidden = config.hidden_size;
        let embeddings = weights.inside("embeddings");
        let words = embeddings.table("word_embeddings", config.vocab_size, hidden)?;
        let mut places =
            embeddings.table("position_embeddings", config.max_position_embeddings, hidden)?;
        let kinds = embeddings.table("token_type_embeddings", config.type_vocab_size, hidden)?;
        for row in places.chunks_exact_mut(hidden) {
            row.iter_mut().zip(&kinds).for_each(|(place, kind)| *place += kind);
        }
        let layers = (0..config.num_hidden_layers)
            .map(|index| {
                Layer::load(&weights.inside(&format!("encoder.layer.{index}")), config, arch)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            arch,
            hidden,
            inner: config.intermediate_size,
            heads: config.num_attention_heads,
            words,
            places,
            norm: Norm::load(&embeddings.inside("LayerNorm"), config)?,
            layers,
        })
    }

    /// Embed `sequences` (ids below the vocabulary size, lengths within the positions) and hand
    /// every pooled, not yet normalised vector to `take` with the number of its sequence.
    pub(crate) fn embed(
        &self,
        sequences: &[&[u32]],
        pooling: Pooling,
        scratch: &mut Scratch,
        mut take: impl FnMut(usize, &[f32]),
    ) {
        let tokens = sequences.iter().map(|ids| ids.len()).sum::<usize>();
        scratch.fit(tokens, self.hidden, self.inner);
        self.look_up(sequences, &mut scratch.hidden);
        for layer in &self.layers {
            self.run(layer, sequences, scratch);
        }
        let mut pooled = vec![0.0; self.hidden];
        let mut rest = scratch.hidden.as_slice();
        for (index, ids) in sequences.iter().enumerate() {
            let (rows, after) = rest.split_at(ids.len() * self.hidden);
            pool(rows, pooling, &mut pooled);
            take(index, &pooled);
            rest = after;
        }
        pooled.zeroize();
    }

    fn look_up(&self, sequences: &[&[u32]], out: &mut [f32]) {
        let size = self.hidden;
        let ids = sequences.iter().flat_map(|ids| ids.iter().zip(self.places.chunks_exact(size)));
        for ((&id, place), row) in ids.zip(out.chunks_exact_mut(size)) {
            let word = &self.words[id as usize * size..][..size];
            for ((out, word), place) in row.iter_mut().zip(word).zip(place) {
                *out = word + place;
            }
        }
        self.normalize(&self.norm, None, out);
    }

    fn run(&self, layer: &Layer, sequences: &[&[u32]], scratch: &mut Scratch) {
        let Scratch { hidden, wide, context, room } = scratch;
        let rows = hidden.len() / self.hidden;
        let projected = &mut wide[..rows * 3 * self.hidden];
        self.multiply(hidden, &layer.query_key_value, Finish::Bias, projected, room);
        let mut first = 0;
        for ids in sequences {
            let rows = first..first + ids.len();
            self.arch.dispatch(Attention {
                projected: &projected[rows.start * 3 * self.hidden..rows.end * 3 * self.hidden],
                heads: self.heads,
                size: self.hidden,
                out: &mut context[rows.start * self.hidden..rows.end * self.hidden],
                room,
            });
            first = rows.end;
        }
        let added = &mut wide[..rows * self.hidden];
        self.multiply(context, &layer.out, Finish::Bias, added, room);
        self.normalize(&layer.attention_norm, Some(added), hidden);

        let inner = &mut wide[..rows * self.inner];
        self.multiply(hidden, &layer.up, Finish::BiasGelu, inner, room);
        self.multiply(inner, &layer.down, Finish::Bias, context, room);
        self.normalize(&layer.norm, Some(context), hidden);
    }

    fn multiply(
        &self,
        input: &[f32],
        matrix: &Matrix,
        finish: Finish,
        out: &mut [f32],
        room: &mut Room,
    ) {
        self.arch.dispatch(Linear { input, matrix, finish, out, room });
    }

    fn normalize(&self, norm: &Norm, added: Option<&[f32]>, values: &mut [f32]) {
        self.arch.dispatch(AddNorm {
            values,
            added,
            gain: &norm.gain,
            bias: &norm.bias,
            epsilon: norm.epsilon,
        });
    }
}

impl Layer {
    fn load(weights: &Weights<'_>, config: &BertConfig, arch: Arch) -> Result<Self, EmbedError> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let dense = |name: &str, outputs, inputs| -> Result<(Vec<f32>, Vec<f32>), EmbedError> {
            let dense = weights.inside(name);
            Ok((dense.matrix("weight", outputs, inputs)?, dense.vector("bias", outputs)?))
        };
        let pack = |(weight, bias): (Vec<f32>, Vec<f32>), inputs| {
            Matrix::pack(arch, &weight, bias, inputs)
        };
        // The scores' 1/sqrt(head size) goes into the queries once and for all.
        let (mut weight, mut bias) = dense("attention.self.query", hidden, hidden)?;
        let scale = (config.head_size() as f32).sqrt().recip();
        weight.iter_mut().chain(&mut bias).for_each(|value| *value *= scale);
        for name in ["attention.self.key", "attention.self.value"] {
            let (more, more_bias) = dense(name, hidden, hidden)?;
            weight.extend(more);
            bias.extend(more_bias);
        }
        Ok(Self {
            query_key_value: pack((weight, bias), hidden),
            out: pack(dense("attention.output.dense", hidden, hidden)?, hidden),
            attention_norm: Norm::load(&weights.inside("attention.output.LayerNorm"), config)?,
            up: pack(dense("intermediate.dense", inner, hidden)?, hidden),
            down: pack(dense("output.dense", hidden, inner)?, inner),
            norm: Norm::load(&weights.inside("output.LayerNorm"), config)?,
        })
    }
}

impl Norm {
    fn load(weights: &Weights<'_>, config: &BertConfig) -> Result<Self, EmbedError> {
        Ok(Self {
            gain: weights.vector("weight", config.hidden_size)?,
            bias: weights.vector("bias", config.hidden_size)?,
            epsilon: config.layer_norm_eps as f32,
        })
    }
}

impl Scratch {
    fn fit(&mut self, tokens: usize, hidden: usize, inner: usize) {
        fit(&mut self.hidden, tokens * hidden);
        fit(&mut self.context, tokens * hidden);
        fit(&mut self.wide, tokens * inner.max(3 * hidden));
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.hidden.zeroize();
        self.wide.zeroize();
        self.context.zeroize();
    }
}

fn pool(rows: &[f32], pooling: Pooling, out: &mut [f32]) {
    let size = out.len();
    match pooling {
        Pooling::Cls => out.copy_from_slice(&rows[..size]),
        Pooling::Mean => {
            out.fill(0.0);
            for row in rows.chunks_exact(size) {
                out.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            let scale = (rows.len() as f32 / size as f32).recip();
            out.iter_mut().for_each(|value| *value *= scale);
        }
    }
}
