//! Text to terms, the same for rows and queries.
//!
//! Layer: index.
//! Holds: one analyser per language, by name and version.
//! Never: another language's rules under the same name.
//! Invariant: an analyser's version changes when any text's terms change.

use std::fmt;
use std::sync::OnceLock;
use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer,
};

/// The analyser of English, which a collection has unless its owner chose another language.
pub const ANALYZER: &str = "english-stem-1";

/// How text becomes terms: words of letters and digits, under 40 bytes, in lower case; then, but for the language
/// `none`, without the language's stop words (where a list of them ships) and stemmed (Snowball). It is part of a
/// collection's profile, by its version.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Analyzer(
    /// Which of [`RULES`].
    u8,
);

struct Rules {
    language: &'static str,
    version: &'static str,
    stem: Option<Language>,
}

impl Rules {
    const fn stem(language: &'static str, version: &'static str, stem: Language) -> Self {
        Self { language, version, stem: Some(stem) }
    }
}

impl Analyzer {
    /// The analyser of `language`, such as `german`, or `none`.
    #[must_use]
    pub fn of_language(language: &str) -> Option<Self> {
        Self::find(|rules| rules.language == language)
    }

    /// The analyser that a profile or a segment names.
    #[must_use]
    pub fn of_version(version: &str) -> Option<Self> {
        Self::find(|rules| rules.version == version)
    }

    /// The names that [`Analyzer::of_language`] takes, in alphabetical order but for `none`, which is the last.
    pub fn languages() -> impl Iterator<Item = &'static str> {
        RULES.iter().map(|rules| rules.language)
    }

    /// The language.
    #[must_use]
    pub fn language(self) -> &'static str {
        self.rules().language
    }

    /// Name and version, as a profile holds them.
    #[must_use]
    pub fn version(self) -> &'static str {
        self.rules().version
    }

    /// A query's terms. Stop words alone leave none.
    #[must_use]
    pub fn analyze(self, text: &str) -> Analyzed {
        let mut terms: Vec<(String, u32)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        Splitter::new(self).split(text, |term| {
            if let Some(&place) = places.get(term) {
                let (_, count): &mut (String, u32) = &mut terms[place];
                *count += 1;
            } else {
                places.insert(term.to_owned(), terms.len());
                terms.push((term.to_owned(), 1));
            }
        });
        Analyzed { terms }
    }

    fn find(wanted: impl Fn(&Rules) -> bool) -> Option<Self> {
        (0u8..).zip(&RULES).find(|(_, rules)| wanted(rules)).map(|(place, _)| Self(place))
    }

    fn rules(self) -> &'static Rules {
        &RULES[usize::from(self.0)]
    }

    fn prototype(self) -> &'static TextAnalyzer {
        PROTOTYPES[usize::from(self.0)].get_or_init(|| {
            let words = TextAnalyzer::builder(SimpleTokenizer::default())
                .filter_dynamic(RemoveLongFilter::limit(TERM_BYTES_END))
                .filter_dynamic(LowerCaser);
            let Some(language) = self.rules().stem else {
                return words.build();
            };
            let words = match StopWordFilter::new(language) {
                Some(stop) => words.filter_dynamic(stop),
                None => words,
            };
            words.filter_dynamic(Stemmer::new(language)).build()
        })
    }
}

impl Default for Analyzer {
    /// English.
    fn default() -> Self {
        Self(ENGLISH)
    }
}

impl fmt::Debug for Analyzer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.version())
    }
}

/// A query's terms.
#[derive(Clone, Default)]
pub struct Analyzed {
    /// Each term once, in order of first appearance, and how often it appears.
    terms: Vec<(String, u32)>,
}

impl Analyzed {
    /// The terms of an English query.
    #[cfg(test)]
    pub(crate) fn new(text: &str) -> Self {
        Analyzer::default().analyze(text)
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

/// An analyser, ready to be used by one thread.
pub(crate) struct Splitter(TextAnalyzer);

impl Splitter {
    pub(crate) fn new(analyzer: Analyzer) -> Self {
        Self(analyzer.prototype().clone())
    }

    /// Call `take` with each term of `text`, in order.
    pub(crate) fn split(&mut self, text: &str, mut take: impl FnMut(&str)) {
        let mut stream = self.0.token_stream(text);
        while let Some(token) = stream.next() {
            take(&token.text);
        }
    }
}

/// The languages that tantivy stems, and none.
static RULES: [Rules; 19] = [
    Rules::stem("arabic", "arabic-stem-1", Language::Arabic),
    Rules::stem("danish", "danish-stem-1", Language::Danish),
    Rules::stem("dutch", "dutch-stem-1", Language::Dutch),
    Rules::stem("english", ANALYZER, Language::English),
    Rules::stem("finnish", "finnish-stem-1", Language::Finnish),
    Rules::stem("french", "french-stem-1", Language::French),
    Rules::stem("german", "german-stem-1", Language::German),
    Rules::stem("greek", "greek-stem-1", Language::Greek),
    Rules::stem("hungarian", "hungarian-stem-1", Language::Hungarian),
    Rules::stem("italian", "italian-stem-1", Language::Italian),
    Rules::stem("norwegian", "norwegian-stem-1", Language::Norwegian),
    Rules::stem("portuguese", "portuguese-stem-1", Language::Portuguese),
    Rules::stem("romanian", "romanian-stem-1", Language::Romanian),
    Rules::stem("russian", "russian-stem-1", Language::Russian),
    Rules::stem("spanish", "spanish-stem-1", Language::Spanish),
    Rules::stem("swedish", "swedish-stem-1", Language::Swedish),
    Rules::stem("tamil", "tamil-stem-1", Language::Tamil),
    Rules::stem("turkish", "turkish-stem-1", Language::Turkish),
    Rules { language: "none", version: "none-1", stem: None },
];
const ENGLISH: u8 = 3;

/// One of each, made when it is first used.
static PROTOTYPES: [OnceLock<TextAnalyzer>; 19] = [const { OnceLock::new() }; 19];

/// Words of so many bytes or more are dropped.
const TERM_BYTES_END: usize = 40;

#[cfg(test)]
mod tests;
