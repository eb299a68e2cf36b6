//! Text to token ids.
//!
//! Layer: above `error`.
//! Holds: the tokenizer, with the truncation and padding that its file may ask for switched off.
//! Never: cuts a text short.
//! Invariant: every id is below the model's vocabulary size.

use tokenizers::Tokenizer;
use zeroize::Zeroizing;

use crate::error::{EmbedError, ModelFile};

/// The token ids of one text, special tokens included.
pub(crate) type Ids = Zeroizing<Vec<u32>>;

/// What is put before every text of a role.
pub(crate) struct Prefix {
    text: String,
    pub(crate) tokens: usize,
}

/// A tokenizer that keeps every token.
pub(crate) struct Text {
    tokenizer: Tokenizer,
    vocabulary: u32,
    special: usize,
}

impl Text {
    /// Read a tokenizer for a model that knows `vocabulary` tokens.
    pub(crate) fn parse(bytes: &[u8], vocabulary: usize) -> Result<Self, EmbedError> {
        let corrupt = |why| EmbedError::Corrupt { file: ModelFile::Tokenizer, why };
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|_| corrupt("not a tokenizer"))?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(None)
            .map_err(|_| corrupt("truncation cannot be switched off"))?;
        if tokenizer.get_vocab_size(true) > vocabulary {
            return Err(corrupt("more tokens than the model knows"));
        }
        let vocabulary = u32::try_from(vocabulary).map_err(|_| corrupt("vocabulary too large"))?;
        let special = tokenizer
            .encode_fast("", true)
            .map_err(|_| corrupt("special tokens cannot be added"))?
            .len();
        Ok(Self { tokenizer, vocabulary, special })
    }

    /// Tokens that are added to every text.
    pub(crate) fn special(&self) -> usize {
        self.special
    }

    /// `text` as a prefix, with its tokens counted.
    pub(crate) fn prefix(&self, text: &str) -> Prefix {
        Prefix { text: text.to_owned(), tokens: self.count(text) }
    }

    /// The ids of `prefix` followed by text number `index`, at most `max` of them.
    pub(crate) fn ids(
        &self,
        index: usize,
        prefix: &Prefix,
        text: &str,
        max: usize,
    ) -> Result<Ids, EmbedError> {
        check_size(index, text)?;
        if text.trim().is_empty() {
            return Err(EmbedError::Empty { index });
        }
        let whole = Zeroizing::new([prefix.text.as_str(), text].concat());
        let encoding = self
            .tokenizer
            .encode_fast(whole.as_str(), true)
            .map_err(|_| EmbedError::Tokenizer { index })?;
        let ids = Zeroizing::new(encoding.get_ids().to_vec());
        if ids.len() > max {
            return Err(EmbedError::TooLong { index, tokens: ids.len(), max });
        }
        if ids.len() <= self.special + prefix.tokens {
            return Err(EmbedError::Empty { index });
        }
        if ids.iter().any(|&id| id >= self.vocabulary) {
            return Err(EmbedError::Tokenizer { index });
        }
        Ok(ids)
    }

    /// Byte offsets of each token of `text`, without special tokens.
    pub(crate) fn offsets(&self, text: &str) -> Result<Vec<(usize, usize)>, EmbedError> {
        check_size(0, text)?;
        self.tokenizer
            .encode(text, false)
            .map(|encoding| encoding.get_offsets().to_vec())
            .map_err(|_| EmbedError::Tokenizer { index: 0 })
    }

    /// Number of tokens of `text`, without special tokens; `usize::MAX` if it cannot be counted.
    pub(crate) fn count(&self, text: &str) -> usize {
        if check_size(0, text).is_err() {
            return usize::MAX;
        }
        self.tokenizer.encode_fast(text, false).map_or(usize::MAX, |encoding| encoding.len())
    }
}

fn check_size(index: usize, text: &str) -> Result<(), EmbedError> {
    let (bytes, max) = (text.len(), TEXT_BYTES_MAX);
    if bytes > max {
        return Err(EmbedError::Oversized { index, bytes, max });
    }
    Ok(())
}

/// Largest text that is tokenized, in bytes.
pub const TEXT_BYTES_MAX: usize = 4 << 20;
