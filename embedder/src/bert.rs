//! The embedder: a tokenizer, a network and the threads that run it.
//!
//! Layer: top of `embedder`.
//! Holds: one model, loaded from the very bytes that were hashed.
//! Never: cuts a text short, or embeds some texts of a request that it refuses.
//! Invariant: row i belongs to text i and has unit length.

use std::num::NonZeroUsize;
use std::thread;

use candle_core::Device;

use crate::batch;
use crate::card::{ModelCard, Preset};
use crate::config::BertConfig;
use crate::error::{EmbedError, ModelFile};
use crate::rows::{Rows, normalize};
use crate::slices::{Scratch, SliceBert};
use crate::source::{ModelFiles, Source};
use crate::tensors::TensorBert;
use crate::text::{Ids, Prefix, Text};
use crate::weights::Weights;
use crate::{Embedder, Role};

/// Where and how wide a model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The device.
    pub device: Compute,
    /// Threads for one request; `None` takes all cores.
    pub threads: Option<NonZeroUsize>,
}

/// What computes the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compute {
    /// The CPU, f32 on the widest vectors it has.
    Cpu,
    /// The CPU through candle's tensors: slower, and the twin that the other one is checked against.
    CpuTensors,
    /// The NVIDIA GPU of this number; needs feature `cuda`.
    Cuda(usize),
}

/// A BERT that embeds texts.
pub struct BertEmbedder {
    card: ModelCard,
    text: Text,
    query: Prefix,
    passage: Prefix,
    network: Network,
    threads: NonZeroUsize,
}

enum Network {
    Slices(Box<SliceBert>),
    Tensors { network: Box<TensorBert>, batch_tokens: usize },
}

impl Default for Options {
    fn default() -> Self {
        Self { device: Compute::Cpu, threads: None }
    }
}

impl BertEmbedder {
    /// Read, check and load a model.
    ///
    /// # Errors
    /// Those of [`ModelFiles::read`] and [`BertEmbedder::load`].
    pub fn open(source: &Source, preset: &Preset, options: &Options) -> Result<Self, EmbedError> {
        Self::load(ModelFiles::read(source)?, preset, options)
    }

    /// Check and load a model from its files' bytes; what is hashed is what is loaded.
    ///
    /// # Errors
    /// [`EmbedError::HashMismatch`] if the preset expects other files; [`EmbedError::Corrupt`] and
    /// [`EmbedError::Unsupported`] for files that are no model of ours; [`EmbedError::Device`] if the
    /// device is absent.
    pub fn load(files: ModelFiles, preset: &Preset, options: &Options) -> Result<Self, EmbedError> {
        let hashes = files.hashes(&preset.expected)?;
        let config = BertConfig::parse(&files.config)?;
        let text = Text::parse(&files.tokenizer, config.vocab_size)?;
        let (query, passage) =
            (text.prefix(&preset.query_prefix), text.prefix(&preset.passage_prefix));
        let longest = query.tokens.max(passage.tokens).saturating_add(text.special());
        if preset.max_tokens > config.max_position_embeddings || preset.max_tokens <= longest {
            return Err(EmbedError::Corrupt {
                file: ModelFile::Config,
                why: "the window does not fit",
            });
        }
        let card = ModelCard {
            name: preset.name.clone(),
            dim: config.hidden_size,
            max_tokens: preset.max_tokens,
            special_tokens: text.special(),
            weights_blake3: hashes.weights,
            tokenizer_blake3: hashes.tokenizer,
            config_blake3: hashes.config,
            pooling: preset.pooling,
            query_prefix: preset.query_prefix.clone(),
            passage_prefix: preset.passage_prefix.clone(),
        };
        let network = Network::load(files.weights, &config, options.device)?;
        let threads = options
            .threads
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN);
        Ok(Self { card, text, query, passage, network, threads })
    }

    fn prefix(&self, role: Role) -> &Prefix {
        match role {
            Role::Query => &self.query,
            Role::Passage => &self.passage,
        }
    }

    /// The ids of every text, or the error of the first text at fault.
    fn ids(&self, role: Role, texts: &[&str]) -> Result<Vec<Ids>, EmbedError> {
        let (prefix, max) = (self.prefix(role), self.card.max_tokens);
        let blocks = texts.chunks(TEXTS_PER_BLOCK).collect::<Vec<_>>();
        let work = |(): &mut (), block: usize| {
            let texts = blocks[block].iter().enumerate();
            texts
                .map(|(place, text)| {
                    self.text.ids(block * TEXTS_PER_BLOCK + place, prefix, text, max)
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let blocks = batch::spread(blocks.len(), self.threads, || (), work);
        Ok(blocks.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// The vectors of each batch, in the order of the batch.
    fn run(&self, ids: &[Ids], batches: &[Vec<usize>]) -> Result<Vec<Rows>, EmbedError> {
        let sequences = |batch: usize| {
            batches[batch].iter().map(|&index| ids[index].as_slice()).collect::<Vec<_>>()
        };
        let (dim, pooling) = (self.card.dim, self.card.pooling);
        match &self.network {
            Network::Slices(network) => {
                let work = |scratch: &mut Scratch, batch: usize| {
                    let sequences = sequences(batch);
                    let mut rows = Rows::zeros(sequences.len(), dim);
                    network.embed(&sequences, pooling, scratch, |index, vector| {
                        if let Some(row) = rows.row_mut(index) {
                            row.copy_from_slice(vector);
                        }
                    });
                    rows
                };
                Ok(batch::spread(batches.len(), self.threads, Scratch::default, work))
            }
            Network::Tensors { network, .. } => (0..batches.len())
                .map(|batch| {
                    let vectors = network.embed(&sequences(batch), pooling)?;
                    let mut rows = Rows::zeros(vectors.len(), dim);
                    for (index, vector) in vectors.into_iter().enumerate() {
                        if let Some(row) = rows.row_mut(index) {
                            row.copy_from_slice(&zeroize::Zeroizing::new(vector));
                        }
                    }
                    Ok(rows)
                })
                .collect(),
        }
    }
}

impl Embedder for BertEmbedder {
    fn model(&self) -> &ModelCard {
        &self.card
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Rows, EmbedError> {
        if texts.len() > TEXTS_MAX {
            return Err(EmbedError::TooMany { texts: texts.len(), max: TEXTS_MAX });
        }
        let ids = self.ids(role, texts)?;
        let lengths = ids.iter().map(|ids| ids.len()).collect::<Vec<_>>();
        let budget = match &self.network {
            Network::Slices(_) => {
                batch::budget(lengths.iter().sum(), self.threads, SLICE_BATCH_TOKENS)
            }
            Network::Tensors { batch_tokens, .. } => *batch_tokens,
        };
        let batches = batch::plan(&lengths, budget);
        let results = self.run(&ids, &batches)?;
        let mut rows = Rows::zeros(texts.len(), self.card.dim);
        for (batch, vectors) in batches.iter().zip(&results) {
            for (&index, vector) in batch.iter().zip(vectors.iter()) {
                let row =
                    rows.row_mut(index).ok_or(EmbedError::Device { why: "a row is missing" })?;
                row.copy_from_slice(vector);
                if !normalize(row) {
                    return Err(EmbedError::Device { why: "a vector has no direction" });
                }
            }
        }
        Ok(rows)
    }

    fn tokens(&self, text: &str) -> Result<Vec<(usize, usize)>, EmbedError> {
        self.text.offsets(text)
    }

    fn count(&self, text: &str) -> usize {
        self.text.count(text)
    }

    fn budget(&self, role: Role) -> usize {
        let spent = self.card.special_tokens.saturating_add(self.prefix(role).tokens);
        self.card.max_tokens.saturating_sub(spent)
    }
}

impl Network {
    fn load(weights: Vec<u8>, config: &BertConfig, compute: Compute) -> Result<Self, EmbedError> {
        let tensors = |device: Device, weights, batch_tokens| {
            let weights = Weights::read(weights, &device)?;
            let network = Box::new(TensorBert::load(&weights, config)?);
            Ok(Self::Tensors { network, batch_tokens })
        };
        match compute {
            Compute::Cpu => {
                let weights = Weights::read(weights, &Device::Cpu)?;
                Ok(Self::Slices(Box::new(SliceBert::load(&weights, config)?)))
            }
            Compute::CpuTensors => tensors(Device::Cpu, weights, CANDLE_BATCH_TOKENS),
            Compute::Cuda(number) => {
                let absent = EmbedError::Device { why: "no such GPU, or built without cuda" };
                let device = Device::new_cuda(number).map_err(|_| absent)?;
                tensors(device, weights, CUDA_BATCH_TOKENS)
            }
        }
    }
}

/// Most texts in one call of [`Embedder::embed`].
pub const TEXTS_MAX: usize = 8192;
/// Texts that one thread tokenizes at a time.
const TEXTS_PER_BLOCK: usize = 16;
/// Tokens of a batch on slices: enough to reuse each panel of weights, few enough to stay cached.
const SLICE_BATCH_TOKENS: usize = 240;
/// Tokens of a batch on candle's tensors on a CPU.
const CANDLE_BATCH_TOKENS: usize = 1024;
/// Tokens of a batch on a GPU.
const CUDA_BATCH_TOKENS: usize = 32 << 10;

#[cfg(test)]
mod tests;
