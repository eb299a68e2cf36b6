//! A BERT's `config.json`, checked before anything is allocated from it.
//!
//! Layer: above `error`.
//! Holds: the shape of the network.
//! Never: guesses: an activation or position scheme that we do not compute is refused.
//! Invariant: every size is at least 1, within its bound, and heads divide the hidden size.

use serde::Deserialize;

use crate::error::{EmbedError, ModelFile};

/// The shape of a BERT.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct BertConfig {
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) max_position_embeddings: usize,
    pub(crate) type_vocab_size: usize,
    #[serde(default = "layer_norm_eps")]
    pub(crate) layer_norm_eps: f64,
    hidden_act: String,
    #[serde(default = "bert")]
    model_type: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
}

impl BertConfig {
    /// Read and check `bytes`.
    ///
    /// # Errors
    /// [`EmbedError::Corrupt`] if it is no configuration or a size is out of bounds,
    /// [`EmbedError::Unsupported`] if it describes a network that we do not compute.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, EmbedError> {
        let config: Self =
            serde_json::from_slice(bytes).map_err(|_| corrupt("not a BERT configuration"))?;
        if config.model_type != "bert" {
            return Err(unsupported("model type other than bert"));
        }
        if config.hidden_act != "gelu" {
            return Err(unsupported("activation other than gelu"));
        }
        if config.position_embedding_type != "absolute" {
            return Err(unsupported("position embedding other than absolute"));
        }
        let sizes = [
            (config.vocab_size, VOCABULARY_MAX),
            (config.hidden_size, HIDDEN_MAX),
            (config.num_hidden_layers, LAYERS_MAX),
            (config.num_attention_heads, HEADS_MAX),
            (config.intermediate_size, INTERMEDIATE_MAX),
            (config.max_position_embeddings, POSITIONS_MAX),
            (config.type_vocab_size, TYPES_MAX),
        ];
        if sizes.iter().any(|&(size, max)| size == 0 || size > max) {
            return Err(corrupt("a size is zero or out of bounds"));
        }
        if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            return Err(corrupt("heads do not divide the hidden size"));
        }
        if !(config.layer_norm_eps > 0.0 && config.layer_norm_eps < 1.0) {
            return Err(corrupt("layer norm epsilon out of bounds"));
        }
        Ok(config)
    }

    /// Width of one attention head.
    pub(crate) fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

fn corrupt(why: &'static str) -> EmbedError {
    EmbedError::Corrupt { file: ModelFile::Config, why }
}

fn unsupported(what: &'static str) -> EmbedError {
    EmbedError::Unsupported { what }
}

fn layer_norm_eps() -> f64 {
    1e-12
}

fn bert() -> String {
    "bert".into()
}

fn absolute() -> String {
    "absolute".into()
}

const VOCABULARY_MAX: usize = 1 << 20;
const HIDDEN_MAX: usize = 4096;
const LAYERS_MAX: usize = 64;
const HEADS_MAX: usize = 64;
const INTERMEDIATE_MAX: usize = 16 << 10;
const POSITIONS_MAX: usize = 8192;
const TYPES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn json(field: &str, value: serde_json::Value) -> Vec<u8> {
        let mut json = serde_json::json!({
            "vocab_size": 30522, "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12,
            "intermediate_size": 1536, "max_position_embeddings": 512, "type_vocab_size": 2,
            "hidden_act": "gelu", "layer_norm_eps": 1e-12
        });
        json[field] = value;
        serde_json::to_vec(&json).unwrap()
    }

    /// A good configuration is read; each single fault is refused under its own name.
    #[test]
    fn refuses_each_fault() {
        let good = BertConfig::parse(&json("vocab_size", 30522.into())).unwrap();
        assert_eq!(good.head_size(), 32);
        for (field, value) in [
            ("hidden_size", 0.into()),
            ("hidden_size", 385.into()),
            ("num_hidden_layers", 1_000_000.into()),
            ("num_attention_heads", 7.into()),
            ("layer_norm_eps", 0.into()),
            ("vocab_size", (-1).into()),
        ] {
            let error = BertConfig::parse(&json(field, value)).unwrap_err();
            assert!(
                matches!(error, EmbedError::Corrupt { file: ModelFile::Config, .. }),
                "{field}"
            );
        }
        for (field, value) in [
            ("hidden_act", "relu"),
            ("model_type", "roberta"),
            ("position_embedding_type", "relative_key"),
        ] {
            let error = BertConfig::parse(&json(field, value.into())).unwrap_err();
            assert!(matches!(error, EmbedError::Unsupported { .. }), "{field}");
        }
        assert!(BertConfig::parse(b"[1").is_err());
    }
}
