//! Text to unit vectors.
//!
//! Layer: stands alone; knows none of our crates.
//! Holds: the [`Embedder`] trait and its BERT, on slices (CPU) or on candle's tensors (GPU).
//! Never: cuts a text short, keeps a text, or prints one.
//! Invariant: equal model cards and equal texts give equal vectors on one machine, in any batch.
//!
//! ```no_run
//! use prag_embedder::{BertEmbedder, Embedder, Options, Preset, Role, Source};
//!
//! # fn main() -> Result<(), prag_embedder::EmbedError> {
//! let source = Source::Folder("models/all-MiniLM-L6-v2".into());
//! let model = BertEmbedder::open(&source, &Preset::minilm(), &Options::default())?;
//! let rows = model.embed(Role::Passage, &["a passage", "another one"])?;
//! assert_eq!((rows.len(), rows.dim()), (2, 384));
//! # Ok(())
//! # }
//! ```

mod batch;
mod bert;
mod card;
mod config;
mod error;
mod rows;
mod slices;
mod source;
mod tensors;
mod text;
mod weights;

pub use bert::{BertEmbedder, Compute, Options, TEXTS_MAX};
pub use card::{Expected, ModelCard, Pooling, Preset};
pub use error::{CONFIG_BYTES_MAX, EmbedError, ModelFile, TOKENIZER_BYTES_MAX, WEIGHTS_BYTES_MAX};
pub use rows::Rows;
pub use source::{FileHashes, ModelFiles, Source, fetch};
pub use text::TEXT_BYTES_MAX;

/// What a text is to the search; some models put another prefix before each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Text that is stored and found.
    Passage,
    /// Text that asks.
    Query,
}

/// A model that turns texts into vectors.
pub trait Embedder: Send + Sync {
    /// What the model is.
    fn model(&self) -> &ModelCard;

    /// Embed texts.
    ///
    /// `texts`: 0..=[`TEXTS_MAX`] texts of UTF-8. Returns f32, shape `[texts.len(), dim]`, row i for
    /// text i, each of unit L2 length. Blocks the thread; call it off the async runtime.
    ///
    /// # Errors
    /// [`EmbedError::TooLong`], [`EmbedError::Empty`], [`EmbedError::Oversized`] and
    /// [`EmbedError::Tokenizer`] name the first text at fault, and nothing is embedded;
    /// [`EmbedError::TooMany`] if there are too many; [`EmbedError::Device`] is worth one retry
    /// elsewhere.
    fn embed(&self, role: Role, texts: &[&str]) -> Result<Rows, EmbedError>;

    /// Byte offsets (from, to) in `text` of each of its tokens, special tokens and prefix left out.
    ///
    /// # Errors
    /// [`EmbedError::Oversized`] above [`TEXT_BYTES_MAX`], [`EmbedError::Tokenizer`] if the tokenizer
    /// refuses the text.
    fn tokens(&self, text: &str) -> Result<Vec<(usize, usize)>, EmbedError>;

    /// Number of tokens of `text`, special tokens and prefix left out; `usize::MAX` if it cannot be
    /// counted, so that it fits no window.
    fn count(&self, text: &str) -> usize;

    /// Tokens that a text of this role may have: the window less prefix and special tokens.
    fn budget(&self, role: Role) -> usize;
}
