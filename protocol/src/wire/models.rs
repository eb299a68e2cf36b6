//! Models and embeddings, in the OpenAI shape.
//!
//! Layer: protocol, wire.
//! Holds: bodies of the model list and of embeddings.
//! Never: a vector without its model's name.
//! Invariant: row i of a reply belongs to text i.

use serde::{Deserialize, Serialize};

/// `GET /v1/models`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Models {
    /// Always `list`.
    pub object: String,
    /// The models that this worker serves.
    pub data: Vec<Model>,
}

/// A model.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Model {
    /// Its name.
    pub id: String,
    /// Always `model`.
    pub object: String,
    /// Always `prag`.
    pub owned_by: String,
    /// Length of its vectors.
    pub dimension: u32,
    /// Longest input, tokens.
    pub max_tokens: u32,
    /// BLAKE3 of its weights, hex.
    pub weights: String,
}

/// `POST /v1/embeddings`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EmbeddingsRequest {
    /// The model's name; empty or absent means the worker's default.
    #[serde(default)]
    pub model: String,
    /// One text, or 1 to 256.
    pub input: Input,
    /// `passage` (default) or `query`: some models put a prefix before a query.
    #[serde(default)]
    pub input_type: InputType,
    /// Only `float`.
    #[serde(default)]
    pub encoding_format: Option<String>,
    /// Accepted and ignored, as in OpenAI's shape.
    #[serde(default)]
    pub user: Option<String>,
}

/// One text or several.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Input {
    /// One text.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// What the texts are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    /// To be stored.
    #[default]
    Passage,
    /// To search with.
    Query,
}

/// Reply to [`EmbeddingsRequest`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Embeddings {
    /// Always `list`.
    pub object: String,
    /// Row i for text i.
    pub data: Vec<Embedding>,
    /// The model.
    pub model: String,
    /// Tokens.
    pub usage: Usage,
}

/// A vector of unit length.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Embedding {
    /// Always `embedding`.
    pub object: String,
    /// Position of the text.
    pub index: u32,
    /// f32, unit L2 length.
    pub embedding: Vec<f32>,
}

/// Tokens used.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Usage {
    /// Tokens of the inputs.
    pub prompt_tokens: u64,
    /// The same.
    pub total_tokens: u64,
}
