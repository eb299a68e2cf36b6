//! What an owner chooses for a collection, and the profile that it becomes.
//!
//! Layer: flow; joins the request or the catalogue's entry, the embedder's card and the collection's profile.
//! Holds: which choices go together.
//! Never: a default that a request could not have named.
//! Invariant: the same choices on the same image give the same digest.

use super::{Worker, validate};
use crate::collection::profile::sealed_profile;
use crate::vault::Entry;
use prag_embedder::Pooling;
use prag_index::Analyzer;
use prag_protocol::limits::DIMENSION_MAX;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{
    CreateCollection, Precision, Profile, Residency, Search, VectorSource,
};

/// What an owner chooses, once.
pub(super) struct Chosen<'a> {
    vectors: &'a VectorSource,
    language: Option<&'a str>,
    search: Search,
    residency: Residency,
    precision: Precision,
}

impl<'a> Chosen<'a> {
    /// By a request.
    pub(super) fn by(create: &'a CreateCollection) -> Self {
        Self {
            vectors: &create.vectors,
            language: create.language.as_deref(),
            search: create.search,
            residency: create.residency,
            precision: create.precision,
        }
    }

    /// As the catalogue remembers it.
    pub(super) fn of(entry: &'a Entry) -> Self {
        Self {
            vectors: &entry.vectors,
            language: entry.language.as_deref(),
            search: entry.search,
            residency: entry.residency,
            precision: entry.precision,
        }
    }
}

impl Worker {
    /// The profile of a collection with these choices.
    ///
    /// # Errors
    /// `invalid-field` where a choice is unknown here, or does not go with another.
    pub(super) fn profile_for(&self, chosen: &Chosen<'_>) -> Result<Profile, Problem> {
        let Chosen { vectors, language, search, residency, precision } = *chosen;
        let analyzer = analyzer(language)?;
        fits(search, residency, precision)?;
        let card = self.0.parts.embedder.model();
        let base = Profile {
            model: "supplied".to_owned(),
            model_files: [String::new(), String::new(), String::new()],
            pooling: "supplied".to_owned(),
            query_prefix: String::new(),
            passage_prefix: String::new(),
            dimension: 0,
            metric: "dot".to_owned(),
            chunk_tokens: 0,
            chunker: prag_chunk::CHUNKER.to_owned(),
            analyzer: analyzer.version().to_owned(),
            search,
            residency,
            precision,
            digest: String::new(),
        };
        match vectors {
            VectorSource::Supplied(dimension) => {
                validate::within(
                    "vectors.supplied",
                    u64::from(*dimension),
                    1,
                    DIMENSION_MAX as u64,
                )?;
                Ok(sealed_profile(Profile { dimension: *dimension, ..base }))
            }
            VectorSource::Model(name) if name.is_empty() || *name == card.name => {
                let pooling = match card.pooling {
                    Pooling::Mean => "mean",
                    Pooling::Cls => "cls",
                };
                Ok(sealed_profile(Profile {
                    model: card.name.clone(),
                    model_files: self.0.parts.model_files.clone(),
                    pooling: pooling.to_owned(),
                    query_prefix: card.query_prefix.clone(),
                    passage_prefix: card.passage_prefix.clone(),
                    dimension: u32::try_from(card.dim).unwrap_or(u32::MAX),
                    chunk_tokens: u32::try_from(self.0.settings.chunk_tokens).unwrap_or(u32::MAX),
                    ..base
                }))
            }
            VectorSource::Model(_) => {
                let detail = format!("this worker serves the model {}", card.name);
                Err(Problem::new(Code::InvalidField, detail).field("vectors.model"))
            }
        }
    }
}

fn analyzer(language: Option<&str>) -> Result<Analyzer, Problem> {
    let Some(language) = language else { return Ok(Analyzer::default()) };
    Analyzer::of_language(language).ok_or_else(|| {
        let known: Vec<&str> = Analyzer::languages().collect();
        let detail = format!("no such language; one of {}", known.join(", "));
        Problem::new(Code::InvalidField, detail).field("language")
    })
}

/// What is read from disk tells what was found, and so does the time to widen a number, which an oblivious search is to
/// hide.
fn fits(search: Search, residency: Residency, precision: Precision) -> Result<(), Problem> {
    let (detail, field) = match (search, residency, precision) {
        (Search::Standard, _, _) | (Search::Oblivious, Residency::Memory, Precision::F16) => {
            return Ok(());
        }
        (Search::Oblivious, Residency::Disk, _) => (
            "an oblivious collection lies in memory: reads of the disk would tell what was found",
            "residency",
        ),
        (Search::Oblivious, _, Precision::I8) => {
            ("an oblivious collection keeps its vectors whole: leave it out", "precision")
        }
    };
    Err(Problem::new(Code::InvalidField, detail).field(field))
}
