//! What the owner signs about a sealed corpus.
//!
//! Layer: client, below `corpus`.
//! Holds: the manifest's frozen bytes and their signature.
//! Never: JSON; a signature covers a fixed binary layout.
//! Invariant: a `Manifest` that was read back had a good signature by the key it names.

use super::CorpusError;
use ed25519_dalek::{Signature, VerifyingKey};
use prag_protocol::{Address, CollectionId};

/// The manifest of a sealed corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The corpus.
    pub corpus: CollectionId,
    /// How many records the file holds.
    pub records: u64,
    /// Merkle root (RFC 9162) over the sealed records, in order.
    pub root: [u8; 32],
    /// When it was sealed, unix seconds, by the owner's clock.
    pub created: u64,
    /// Who sealed it.
    pub owner: Address,
    /// The session key that signed.
    pub signer: [u8; 32],
}

impl Manifest {
    /// What is signed: domain, corpus 16, records 8, root 32, created 8, signer 32, owner's length 4
    /// and text. Integers are big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let owner = self.owner.as_str().as_bytes();
        let mut out = Vec::with_capacity(DOMAIN.len() + FIXED + owner.len());
        out.extend_from_slice(DOMAIN);
        out.extend_from_slice(&self.corpus.0);
        out.extend_from_slice(&self.records.to_be_bytes());
        out.extend_from_slice(&self.root);
        out.extend_from_slice(&self.created.to_be_bytes());
        out.extend_from_slice(&self.signer);
        out.extend_from_slice(&u32::try_from(owner.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(owner);
        out
    }

    /// The bytes with their signature behind them.
    pub(crate) fn to_signed_bytes(&self, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Vec<u8> {
        let mut out = self.to_bytes();
        let signature = sign(&out);
        out.extend_from_slice(&signature);
        out
    }

    /// Reads [`Manifest::to_signed_bytes`] back and checks the signature.
    pub(crate) fn from_signed_bytes(bytes: &[u8]) -> Result<Self, CorpusError> {
        let (signed, signature) = bytes.split_last_chunk::<64>().ok_or(CorpusError::Manifest)?;
        let manifest = Self::parse(signed).ok_or(CorpusError::Manifest)?;
        VerifyingKey::from_bytes(&manifest.signer)
            .and_then(|key| key.verify_strict(signed, &Signature::from_bytes(signature)))
            .map_err(|_| CorpusError::Manifest)?;
        Ok(manifest)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(DOMAIN)?;
        let (corpus, rest) = rest.split_first_chunk::<16>()?;
        let (records, rest) = rest.split_first_chunk::<8>()?;
        let (root, rest) = rest.split_first_chunk::<32>()?;
        let (created, rest) = rest.split_first_chunk::<8>()?;
        let (signer, rest) = rest.split_first_chunk::<32>()?;
        let (length, owner) = rest.split_first_chunk::<4>()?;
        if usize::try_from(u32::from_be_bytes(*length)).ok()? != owner.len() {
            return None;
        }
        Some(Self {
            corpus: CollectionId(*corpus),
            records: u64::from_be_bytes(*records),
            root: *root,
            created: u64::from_be_bytes(*created),
            owner: std::str::from_utf8(owner).ok()?.parse().ok()?,
            signer: *signer,
        })
    }
}

const DOMAIN: &[u8] = b"prag/corpus-manifest/v1";
const FIXED: usize = 16 + 8 + 32 + 8 + 32 + 4;
