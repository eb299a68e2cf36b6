//! What is written and searched: passages with vectors.
//!
//! Layer: benches.
//! Holds: real passages where a folder of pages is at hand, made-up ones elsewhere; seeded vectors.
//! Never: an embedding model: its time would hide everything else.
//! Invariant: the same options give the same documents, and the name of a data set says what is made up in it.

use crate::error::{BenchError, Step};
use prag_chunk::{Format, Params, chunk};
use prag_protocol::metadata::{Metadata, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// A small generator (`SplitMix64`), so that a run repeats.
pub struct Dice(pub u64);

impl Dice {
    /// The next 64 bits.
    pub fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next_bits() % end.max(1) as u64).unwrap_or_default()
    }

    /// Another order, each as likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }

    /// A unit vector of `dimension`: `centre` moved by noise of `spread` times its length.
    pub fn near(&mut self, dimension: usize, centre: Option<&[f32]>, spread: f32) -> Vec<f32> {
        // A sum of uniform numbers is near to normal, so that no direction is preferred.
        let mut normal =
            || (0..4).map(|_| (self.next_bits() >> 40) as f32 / (1u64 << 24) as f32 - 0.5).sum();
        let noise = unit((0..dimension).map(|_| normal()).collect());
        match centre {
            None => noise,
            Some(centre) => {
                unit(centre.iter().zip(noise).map(|(at, by)| at + spread * by).collect())
            }
        }
    }
}

/// A document of [`CHUNKS_PER_DOCUMENT`] chunks, the last one of fewer.
#[derive(Clone)]
pub struct Document {
    /// Its id.
    pub id: String,
    /// The chunks' texts, with a blank line between them.
    pub content: String,
    /// First byte and one past the last of each chunk.
    pub spans: Vec<(u32, u32)>,
    /// A unit vector for each chunk.
    pub vectors: Vec<Vec<f32>>,
    /// What filters see.
    pub metadata: Metadata,
}

impl Document {
    /// The document of this number: `texts`, a chunk each, with a blank line between them.
    ///
    /// # Errors
    /// [`BenchError`] where they are longer than a document can be.
    pub fn new(
        number: usize,
        texts: &[&str],
        vectors: Vec<Vec<f32>>,
        metadata: Metadata,
    ) -> Result<Self, BenchError> {
        let mut content = String::new();
        let mut spans = Vec::with_capacity(texts.len());
        for text in texts {
            if !content.is_empty() {
                content.push_str("\n\n");
            }
            let offset = |length: usize| u32::try_from(length).step("a document");
            let start = offset(content.len())?;
            content.push_str(text);
            spans.push((start, offset(content.len())?));
        }
        Ok(Self { id: format!("document-{number}"), content, spans, vectors, metadata })
    }
}

/// Documents and questions.
pub struct DataSet {
    /// What it is, and what of it is made up.
    pub name: String,
    /// The documents.
    pub documents: Vec<Document>,
    /// Vectors near to those of the documents, but none of them.
    pub queries: Vec<Vec<f32>>,
}

impl DataSet {
    /// `rows` chunks in documents, and `queries` questions. Passages come from the HTML pages in `folder`, over and
    /// over where they are too few; without a folder they are made up.
    ///
    /// # Errors
    /// [`BenchError`] where the folder has no page that can be read.
    pub fn new(folder: Option<&Path>, rows: usize, queries: usize) -> Result<Self, BenchError> {
        let mut dice = Dice(SEED);
        let (passages, name) = match folder {
            Some(folder) => {
                let passages = read_pages(folder)?;
                let times = rows as f64 / passages.len() as f64;
                let called = folder.file_name().unwrap_or_default().to_string_lossy();
                let name = format!("{} passages of `{called}`", passages.len());
                let name =
                    if times > 1.0 { format!("{name}, each {times:.1} times") } else { name };
                (passages, name)
            }
            None => {
                let made = (0..rows).map(|_| sentence(&mut dice)).collect();
                (made, "made-up passages".to_owned())
            }
        };
        let centres: Vec<Vec<f32>> =
            (0..CENTRES).map(|_| dice.near(DIMENSION, None, 0.0)).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).cycle().take(rows).collect();
        let documents = texts.chunks(CHUNKS_PER_DOCUMENT).enumerate();
        let documents = documents
            .map(|(number, texts)| document(number, texts, &centres, &mut dice))
            .collect::<Result<_, _>>()?;
        let question = |dice: &mut Dice| {
            let centre = dice.below(CENTRES);
            dice.near(DIMENSION, Some(&centres[centre]), SPREAD)
        };
        let queries = (0..queries).map(|_| question(&mut dice)).collect();
        let name = format!(
            "{rows} chunks: {name}; made-up vectors ({DIMENSION} components, {CENTRES} clusters)"
        );
        Ok(Self { name, documents, queries })
    }
}

fn document(
    number: usize,
    texts: &[&str],
    centres: &[Vec<f32>],
    dice: &mut Dice,
) -> Result<Document, BenchError> {
    let centre = dice.below(centres.len());
    let vectors =
        texts.iter().map(|_| dice.near(DIMENSION, Some(&centres[centre]), SPREAD)).collect();
    let mut metadata = Metadata::new();
    let team = ["ops", "docs", "legal", "sales"][number % 4];
    metadata.insert("team".to_owned(), Value::Keyword(team.to_owned())).step("metadata")?;
    let year = 2000 + i64::try_from(number % 26).unwrap_or_default();
    metadata.insert("year".to_owned(), Value::Integer(year)).step("metadata")?;
    Document::new(number, texts, vectors, metadata)
}

/// The passages of every page, in the order of their names.
fn read_pages(folder: &Path) -> Result<Vec<String>, BenchError> {
    let entries = std::fs::read_dir(folder).step("reading the folder of pages")?;
    let paths: BTreeSet<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let words = |text: &str| text.split_whitespace().count();
    let mut passages = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|kind| kind == "html")) {
        let page = std::fs::read(path).step("reading a page")?;
        let page = String::from_utf8_lossy(&page);
        let pieces = chunk(Format::Html, &page, &words, &Params::new(WORDS)).step("a page")?;
        passages.extend(pieces.into_iter().map(|piece| piece.text).filter(|text| words(text) > 0));
    }
    if passages.is_empty() {
        return Err(BenchError::new("reading the folder of pages", "it has no HTML pages"));
    }
    Ok(passages)
}

/// Words with a skew, as in a language: some common, many rare.
fn sentence(dice: &mut Dice) -> String {
    let length = WORDS / 2 + dice.below(WORDS / 2);
    let word = |dice: &mut Dice| {
        let end = 1 + dice.below(VOCABULARY);
        format!("word{}", dice.below(end))
    };
    (0..length).map(|_| word(dice)).collect::<Vec<_>>().join(" ")
}

/// The vector of length 1 in the same direction.
#[must_use]
pub fn unit(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.into_iter().map(|value| value / length).collect()
}

/// Components of a vector: those of all-MiniLM-L6-v2.
pub const DIMENSION: usize = 384;
/// Chunks of a document, but for the last one.
pub const CHUNKS_PER_DOCUMENT: usize = 8;
/// Most words of a passage.
const WORDS: usize = 120;
const VOCABULARY: usize = 5000;
const CENTRES: usize = 256;
const SPREAD: f32 = 0.8;
const SEED: u64 = 20_261_128;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// The same options give the same data; chunks are what their spans say, and vectors have length 1.
    #[test]
    fn data_repeats() {
        let (first, again) =
            (DataSet::new(None, 20, 3).unwrap(), DataSet::new(None, 20, 3).unwrap());
        assert!(first.name.starts_with("20 chunks: made-up passages; made-up vectors"));
        assert_eq!(first.queries, again.queries);
        let sizes: Vec<usize> = first.documents.iter().map(|one| one.spans.len()).collect();
        assert_eq!(sizes, [8, 8, 4]);
        for (one, other) in first.documents.iter().zip(&again.documents) {
            assert_eq!((&one.content, &one.vectors), (&other.content, &other.vectors));
            for (&(start, end), vector) in one.spans.iter().zip(&one.vectors) {
                let text = &one.content[start as usize..end as usize];
                assert!(text.starts_with("word") && !text.contains('\n'));
                let length = vector.iter().map(|value| value * value).sum::<f32>();
                assert!((length - 1.0).abs() < 1e-5);
            }
        }
    }

    /// Pages give their passages, over and over; a folder without pages is no data.
    #[test]
    fn pages_are_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(DataSet::new(Some(folder.path()), 8, 1).is_err());
        std::fs::write(folder.path().join("a.html"), "<p>one two three</p>").unwrap();
        let data = DataSet::new(Some(folder.path()), 8, 1).unwrap();
        assert!(data.name.starts_with("8 chunks: 1 passages of `"), "{}", data.name);
        assert!(data.name.contains("each 8.0 times"), "{}", data.name);
        assert!(data.documents[0].content.contains("one two three"));
    }
}
