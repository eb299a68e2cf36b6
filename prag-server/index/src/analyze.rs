//! Text to terms, the same for rows and queries.
//!
//! Layer: index.
//! Holds: the one analyser, by name and version.
//! Never: another language's rules under the same name.
//! Invariant: [`ANALYZER`] changes when any text's terms change.

use std::sync::LazyLock;
use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer,
};

/// Name and version of the analyser: words of letters and digits, under 40 bytes, lower case,
/// without English stop words, stemmed (Porter 2). It is part of a collection's profile.
pub const ANALYZER: &str = "english-stem-1";

/// A query's terms.
#[derive(Clone, Default)]
pub struct Analyzed {
    /// Each term once, in order of first appearance, and how often it appears.
    terms: Vec<(String, u32)>,
}

impl Analyzed {
    /// Analyse a query. Stop words alone leave no terms.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut terms: Vec<(String, u32)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        Splitter::new().split(text, |term| {
            if let Some(&place) = places.get(term) {
                let (_, count): &mut (String, u32) = &mut terms[place];
                *count += 1;
            } else {
                places.insert(term.to_owned(), terms.len());
                terms.push((term.to_owned(), 1));
            }
        });
        Self { terms }
    }

    /// Whether nothing is left to search for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// How many different terms there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    pub(crate) fn terms(&self) -> &[(String, u32)] {
        &self.terms
    }
}

/// The analyser, ready to be used by one thread.
pub(crate) struct Splitter(TextAnalyzer);

impl Splitter {
    pub(crate) fn new() -> Self {
        Self(PROTOTYPE.clone())
    }

    /// Call `take` with each term of `text`, in order.
    pub(crate) fn split(&mut self, text: &str, mut take: impl FnMut(&str)) {
        let mut stream = self.0.token_stream(text);
        while let Some(token) = stream.next() {
            take(&token.text);
        }
    }
}

static PROTOTYPE: LazyLock<TextAnalyzer> = LazyLock::new(|| {
    let words = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter_dynamic(RemoveLongFilter::limit(TERM_BYTES_END))
        .filter_dynamic(LowerCaser);
    let words = match StopWordFilter::new(Language::English) {
        Some(stop) => words.filter_dynamic(stop),
        None => words,
    };
    words.filter_dynamic(Stemmer::new(Language::English)).build()
});

/// Words of so many bytes or more are dropped.
const TERM_BYTES_END: usize = 40;
