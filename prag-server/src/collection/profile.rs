//! The profile: everything that fixes what a vector and a term mean.
//!
//! Layer: collection.
//! Holds: construction and digest of the wire profile (profile format 1), and what it means for the index.
//! Never: changes after the first document; another model is another collection for now.
//! Invariant: equal digests mean equal model files, pooling, prefixes, dimension, chunker, analyser, way of searching,
//! residency and precision.

use super::CollectionError;
use super::record::Document;
use super::text::Elsewhere;
use prag_index::{Analyzer, Precision};
use prag_protocol::wire::collections::{self, Profile, Residency, Search};

/// What a profile means for the index.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Components of a vector.
    pub dimension: usize,
    /// How text becomes terms.
    pub analyzer: Analyzer,
    /// Whether scans must tell nothing of what is sought.
    pub oblivious: bool,
    /// Where the texts of segments lie.
    pub residency: Residency,
    /// How vectors are kept. Oblivious scans read floats as they are: to widen a half takes time by its value.
    pub precision: Precision,
}

impl Shape {
    /// What a collection has whose owner chose nothing.
    #[must_use]
    pub fn plain(dimension: usize) -> Self {
        let (analyzer, precision) = (Analyzer::default(), Precision::default());
        Self { dimension, analyzer, oblivious: false, residency: Residency::default(), precision }
    }

    /// What BM25 sees of a chunk: nothing where words are not searched.
    ///
    /// # Errors
    /// [`Elsewhere`] where its text is not in memory.
    pub fn searched_text(&self, document: &Document, chunk: u32) -> Result<String, Elsewhere> {
        if self.oblivious { Ok(String::new()) } else { document.searched_text(chunk) }
    }

    /// The document as it lies in memory. Oblivious ones stay as they are: to unpack a block takes time by its text.
    #[must_use]
    pub fn packed(&self, document: Document) -> Document {
        if self.oblivious { document } else { document.packed() }
    }

    /// What `profile` means.
    ///
    /// # Errors
    /// [`CollectionError::Unknown`] where it names an analyser of another build, or wants a residency or a precision
    /// that goes with no oblivious search.
    pub fn of(profile: &Profile) -> Result<Self, CollectionError> {
        let analyzer =
            Analyzer::of_version(&profile.analyzer).ok_or(CollectionError::Unknown("analyser"))?;
        let oblivious = profile.search == Search::Oblivious;
        let residency = profile.residency;
        if oblivious && residency == Residency::Disk {
            return Err(CollectionError::Unknown("residency"));
        }
        let precision = match (oblivious, profile.precision) {
            (false, collections::Precision::F16) => Precision::F16,
            (false, collections::Precision::I8) => Precision::I8,
            (true, collections::Precision::F16) => Precision::F32,
            (true, collections::Precision::I8) => {
                return Err(CollectionError::Unknown("precision"));
            }
        };
        let dimension = profile.dimension as usize;
        Ok(Self { dimension, analyzer, oblivious, residency, precision })
    }
}

/// Fill in the digest: BLAKE3 over every other field, domain-tagged and length-prefixed.
#[must_use]
pub fn sealed_profile(mut profile: Profile) -> Profile {
    profile.digest = hex::encode(digest(&profile));
    profile
}

fn digest(profile: &Profile) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("prag 2026 profile digest v1");
    let mut field = |bytes: &[u8]| {
        hasher.update(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(bytes);
    };
    field(profile.model.as_bytes());
    profile.model_files.iter().for_each(|file| field(file.as_bytes()));
    field(profile.pooling.as_bytes());
    field(profile.query_prefix.as_bytes());
    field(profile.passage_prefix.as_bytes());
    field(&profile.dimension.to_be_bytes());
    field(profile.metric.as_bytes());
    field(&profile.chunk_tokens.to_be_bytes());
    field(profile.chunker.as_bytes());
    field(profile.analyzer.as_bytes());
    if !profile.search.is_standard() {
        field(profile.search.name().as_bytes());
    }
    if !profile.residency.is_memory() {
        field(profile.residency.name().as_bytes());
    }
    if !profile.precision.is_f16() {
        field(profile.precision.name().as_bytes());
    }
    *hasher.finalize().as_bytes()
}
