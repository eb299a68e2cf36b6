//! The profile: everything that fixes what a vector and a term mean.
//!
//! Layer: collection.
//! Holds: construction and digest of the wire profile (profile format 1).
//! Never: changes after the first document; another model is another collection for now.
//! Invariant: equal digests mean equal model files, pooling, prefixes, dimension, chunker and analyser.

use prag_protocol::wire::collections::Profile;

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
    *hasher.finalize().as_bytes()
}
