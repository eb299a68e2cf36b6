//! Everything that can go wrong between a model's files and a row of numbers.
//!
//! Layer: bottom of `embedder`; depends on nothing of ours.
//! Holds: one error enum that names places (an index, a file, a limit).
//! Never: holds text, token ids, vectors or paths.
//! Invariant: an error that names a text names the first one at fault, and nothing was embedded.

use std::fmt;
use std::io;

/// One of the three files that make a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelFile {
    /// `model.safetensors`.
    Weights,
    /// `tokenizer.json`.
    Tokenizer,
    /// `config.json`.
    Config,
}

impl ModelFile {
    /// The file's name in a folder, in a wheel and on a hub.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights => "model.safetensors",
            Self::Tokenizer => "tokenizer.json",
            Self::Config => "config.json",
        }
    }

    /// Largest size that is read, in bytes.
    #[must_use]
    pub fn bytes_max(self) -> u64 {
        match self {
            Self::Weights => WEIGHTS_BYTES_MAX,
            Self::Tokenizer => TOKENIZER_BYTES_MAX,
            Self::Config => CONFIG_BYTES_MAX,
        }
    }
}

impl fmt::Display for ModelFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Why texts were not embedded, or a model was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// The text, its prefix and the special tokens exceed the model's window. Split the text.
    #[error("text {index} has {tokens} tokens, more than {max}")]
    TooLong {
        /// Place of the first such text in the request.
        index: usize,
        /// Its length in tokens, prefix and special tokens included.
        tokens: usize,
        /// The model's window in tokens.
        max: usize,
    },
    /// The text holds no token. Leave it out.
    #[error("text {index} is empty")]
    Empty {
        /// Place of the first such text in the request.
        index: usize,
    },
    /// The text is too large even to count its tokens. Split the text.
    #[error("text {index} has {bytes} bytes, more than {max}")]
    Oversized {
        /// Place of the first such text in the request.
        index: usize,
        /// Its length in bytes.
        bytes: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// More texts than one call takes. Send fewer at a time.
    #[error("{texts} texts in one call, more than {max}")]
    TooMany {
        /// How many came.
        texts: usize,
        /// The limit.
        max: usize,
    },
    /// The tokenizer refused the text. Not retryable.
    #[error("text {index} could not be tokenized")]
    Tokenizer {
        /// Place of the first such text in the request.
        index: usize,
    },
    /// A file of the model is not there. Fetch the model.
    #[error("{file} not found")]
    NotFound {
        /// The file.
        file: ModelFile,
    },
    /// A file of the model could not be read or written. Retryable once the cause is removed.
    #[error("{file}: {kind}")]
    Io {
        /// The file.
        file: ModelFile,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// A file of the model is larger than any model we load. Not retryable.
    #[error("{file} has more than {max} bytes")]
    FileTooLarge {
        /// The file.
        file: ModelFile,
        /// The limit in bytes.
        max: u64,
    },
    /// A file of the model is not the expected one. Fetch it again.
    #[error("{file} has another hash than expected")]
    HashMismatch {
        /// The file.
        file: ModelFile,
    },
    /// A file of the model does not hold what it should. Not retryable.
    #[error("{file} is corrupt: {why}")]
    Corrupt {
        /// The file.
        file: ModelFile,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The model is well formed, but not of a kind we run. Not retryable.
    #[error("unsupported model: {what}")]
    Unsupported {
        /// What we do not run.
        what: &'static str,
    },
    /// The hub could not be reached or does not have the file. Retryable.
    #[error("{file} could not be fetched from the hub")]
    Hub {
        /// The file.
        file: ModelFile,
    },
    /// The device is absent or failed. Worth one retry elsewhere.
    #[error("device failed: {why}")]
    Device {
        /// What it was doing.
        why: &'static str,
    },
}

impl EmbedError {
    /// Place of the text at fault in its call, where it is a text's.
    #[must_use]
    pub fn text(&self) -> Option<usize> {
        match self {
            Self::TooLong { index, .. }
            | Self::Empty { index }
            | Self::Oversized { index, .. }
            | Self::Tokenizer { index } => Some(*index),
            _ => None,
        }
    }

    /// The error for a failed read or write of `file`.
    pub(crate) fn io(file: ModelFile, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound { file },
            kind => Self::Io { file, kind },
        }
    }
}

/// Largest weights file, in bytes.
pub const WEIGHTS_BYTES_MAX: u64 = 4 << 30;
/// Largest tokenizer file, in bytes.
pub const TOKENIZER_BYTES_MAX: u64 = 32 << 20;
/// Largest configuration file, in bytes.
pub const CONFIG_BYTES_MAX: u64 = 64 << 10;
