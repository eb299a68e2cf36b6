//! Building the term index.
//!
//! Layer: index.
//! Holds: rows to tantivy documents.
//! Never: the rows' text, stored.
//! Invariant: row i becomes document i.

use super::{Words, schema};
use crate::analyze::{Analyzer, Splitter};
use crate::error::IndexError;
use tantivy::directory::RamDirectory;
use tantivy::indexer::SingleSegmentIndexWriter;
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{Index, IndexSettings, TantivyDocument};

impl Words {
    /// Index `texts`, in order.
    pub(crate) fn build<'a>(
        texts: impl Iterator<Item = &'a str>,
        analyzer: Analyzer,
    ) -> Result<Self, IndexError> {
        let directory = RamDirectory::create();
        let (schema, field) = schema();
        let settings = IndexSettings {
            docstore_compression: tantivy::store::Compressor::None,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let mut writer: SingleSegmentIndexWriter<TantivyDocument> = Index::builder()
            .schema(schema)
            .settings(settings)
            .single_segment_index_writer(directory.clone(), WRITER_BYTES)
            .map_err(|_| IndexError::Words)?;
        let mut splitter = Splitter::new(analyzer);
        let mut lengths = Vec::new();
        for text in texts {
            let mut tokens = Vec::new();
            splitter.split(text, |term| {
                let position = tokens.len();
                let text = term.to_owned();
                tokens.push(Token { position, text, position_length: 1, ..Token::default() });
            });
            lengths.push(u32::try_from(tokens.len()).map_err(|_| IndexError::Words)?);
            let mut document = TantivyDocument::default();
            let words = PreTokenizedString { text: String::new(), tokens };
            document.add_pre_tokenized_text(field, words);
            writer.add_document(document).map_err(|_| IndexError::Words)?;
        }
        writer.finalize().map_err(|_| IndexError::Words)?;
        Self::open(directory, lengths, analyzer)
    }
}

/// Sizes tantivy's term table; it grows beyond.
const WRITER_BYTES: usize = 64 << 20;
