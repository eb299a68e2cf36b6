//! What a model is: the facts that a profile pins, and the models that we know by name.
//!
//! Layer: bottom of `embedder`; depends on nothing of ours.
//! Holds: public facts only (names, sizes, prefixes, hashes).
//! Never: reads a file or reaches a network.
//! Invariant: two models with equal cards give equal vectors on one machine.

use serde::{Deserialize, Serialize};

/// How token vectors become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Mean over all tokens, special ones included.
    Mean,
    /// The first token's vector.
    Cls,
}

/// What a loaded model is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The model's name, for people and for the OpenAI-shaped listing.
    pub name: String,
    /// Length of a vector.
    pub dim: usize,
    /// The window in tokens; prefix and special tokens count.
    pub max_tokens: usize,
    /// Tokens that the tokenizer adds to every text.
    pub special_tokens: usize,
    /// BLAKE3 of the weights file.
    pub weights_blake3: [u8; 32],
    /// BLAKE3 of the tokenizer file.
    pub tokenizer_blake3: [u8; 32],
    /// BLAKE3 of the configuration file.
    pub config_blake3: [u8; 32],
    /// How token vectors become one vector.
    pub pooling: Pooling,
    /// What is put before a query.
    pub query_prefix: String,
    /// What is put before a passage.
    pub passage_prefix: String,
}

/// Hashes that a model's files must have; `None` accepts any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// BLAKE3 of the weights file.
    pub weights_blake3: Option<[u8; 32]>,
    /// BLAKE3 of the tokenizer file.
    pub tokenizer_blake3: Option<[u8; 32]>,
    /// BLAKE3 of the configuration file.
    pub config_blake3: Option<[u8; 32]>,
}

/// What the model's files do not say: how it was trained to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The model's name.
    pub name: String,
    /// Where the Hugging Face hub keeps it, or empty.
    pub hub: String,
    /// The window in tokens; prefix and special tokens count.
    pub max_tokens: usize,
    /// How token vectors become one vector.
    pub pooling: Pooling,
    /// What is put before a query.
    pub query_prefix: String,
    /// What is put before a passage.
    pub passage_prefix: String,
    /// Hashes that the files must have.
    pub expected: Expected,
}

impl Preset {
    /// sentence-transformers/all-MiniLM-L6-v2: 384 dimensions, window 256, mean pooling.
    #[must_use]
    pub fn minilm() -> Self {
        Self {
            name: "all-MiniLM-L6-v2".into(),
            hub: "sentence-transformers/all-MiniLM-L6-v2".into(),
            max_tokens: 256,
            pooling: Pooling::Mean,
            query_prefix: String::new(),
            passage_prefix: String::new(),
            expected: Expected {
                weights_blake3: Some(MINILM_WEIGHTS_BLAKE3),
                tokenizer_blake3: Some(MINILM_TOKENIZER_BLAKE3),
                config_blake3: None,
            },
        }
    }

    /// BAAI/bge-small-en-v1.5: 384 dimensions, window 512, first-token pooling, a query prefix.
    #[must_use]
    pub fn bge_small() -> Self {
        Self {
            name: "bge-small-en-v1.5".into(),
            hub: "BAAI/bge-small-en-v1.5".into(),
            max_tokens: 512,
            pooling: Pooling::Cls,
            query_prefix: "Represent this sentence for searching relevant passages: ".into(),
            passage_prefix: String::new(),
            expected: Expected::default(),
        }
    }

    /// The preset of a model that we know, by its name or its place on the hub.
    ///
    /// Another BERT needs a `Preset` written by hand: its files do not tell its pooling.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::minilm(), Self::bge_small()]
            .into_iter()
            .find(|preset| preset.name == name || preset.hub == name)
    }
}

const MINILM_WEIGHTS_BLAKE3: [u8; 32] =
    *b"\x80\x87\xe9\xbf\x97\xc2\x65\xf8\x43\x5e\xd2\x68\x73\x3e\xcf\x37\x91\x82\x5a\xd2\x48\x50\xfd\x5d\x84\xd8\x9e\x32\xee\x3a\x58\x9a";
const MINILM_TOKENIZER_BLAKE3: [u8; 32] =
    *b"\x82\x48\x3b\xb4\xf0\xbd\xb8\x17\x79\xf2\x95\xec\xc5\xa9\x32\x85\xd2\x15\x68\x34\xe9\x94\xa2\x16\x9f\x98\x00\xe4\xc8\xf2\x50\xc1";
