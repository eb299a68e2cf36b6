//! Scopes of grants for a ledger that others read: a commitment for everybody, and a body for the collection's workers.
//!
//! Layer: `trust`, above `seal`; `admission` asks for what is opened here.
//! Holds: the text that the ledger carries, what it commits to, sealing and opening.
//! Never: chance of its own: the salt is the owner's, who can tell by it what was committed to.
//! Invariant: an [`OpenedScope`] is of one text, collection and grantee, and is what that text commits to. Equal terms
//! under one key give equal text, so what was signed can be compared.
//!
//! Text: `prag-scope-1.` ‖ base64url without padding of commitment 32 ‖ birth epoch of the key 4 ‖ sealed record.
//! Commitment: SHA-256 of `"PRAG-SCOPE/v1"` ‖ LP(collection) ‖ LP(grantee, in our spelling) ‖ LP(salt) ‖ LP(JSON), with
//! LP = u32 big-endian length ‖ bytes. Record: salt 32 ‖ length 2 ‖ JSON ‖ zeros up to one of four lengths; its place has
//! the first half of the commitment as its id.

use crate::key::{Key, Scope, length_prefixed};
use crate::seal::{Plain, ScopeRecord, SealError, Sealed};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prag_protocol::filter::Filter;
use prag_protocol::ledger::{SCOPE_BYTES_MAX, SEALED_SCOPE_BYTES_MAX};
use prag_protocol::place::{Kind, Place};
use prag_protocol::{Address, CollectionId, Epoch, Lineage};
use sha2::{Digest, Sha256};

/// Why a scope is not sealed, or not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// More JSON than a ledger's text has room for. Narrow it by fewer values.
    #[error("a scope that is sealed has at most {SEALED_SCOPE_BYTES_MAX} bytes of JSON")]
    TooLong,
    /// Not the form of this version. Not retryable.
    #[error("this is no sealed scope of a known form")]
    Form,
    /// Another key, collection, grantee or text; on purpose we do not say which. Not retryable.
    #[error("the scope does not open")]
    Open,
    /// A scope that allows everything is none.
    #[error("the scope says nothing")]
    Empty,
}

/// What a scope is committed to with.
#[derive(Clone, Copy)]
pub struct ScopeTerms<'a> {
    /// Whose documents.
    pub collection: CollectionId,
    /// Who is narrowed, as `trust` spells addresses.
    pub grantee: &'a Address,
    /// Random, the owner's.
    pub salt: &'a [u8; 32],
    /// The filter's JSON, to the byte.
    pub json: &'a str,
}

impl ScopeTerms<'_> {
    /// What everybody may see of it.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        let Self { collection, grantee, salt, json } = self;
        let parts = [&collection.0[..], grantee.as_str().as_bytes(), &salt[..], json.as_bytes()];
        Sha256::new().chain_update(DOMAIN).chain_update(&*length_prefixed(&parts)).finalize().into()
    }

    /// The text for the ledger. `key`: of `lineage`, born in `epoch`.
    ///
    /// # Errors
    /// [`ScopeError::TooLong`].
    pub fn seal(
        &self,
        key: &Key<Scope>,
        lineage: Lineage,
        epoch: Epoch,
    ) -> Result<String, ScopeError> {
        let mut body = Vec::with_capacity(BODY_BYTES[BODY_BYTES.len() - 1]);
        let length = u16::try_from(self.json.len()).map_err(|_| ScopeError::TooLong)?;
        let needed = HEAD_BYTES + self.json.len();
        let class = BODY_BYTES.into_iter().find(|class| needed <= *class);
        let class = class.ok_or(ScopeError::TooLong)?;
        body.extend_from_slice(self.salt);
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(self.json.as_bytes());
        body.resize(class, 0);
        let commitment = self.commitment();
        let place = place(self.collection, lineage, &commitment, epoch);
        // Never twice for two texts: the commitment is of the text.
        let (_, nonce) = halves(&commitment);
        let sealed = Plain::<ScopeRecord>::new(body).seal(key, place, nonce);
        let sealed = sealed.map_err(|_: SealError| ScopeError::TooLong)?;
        let bytes = [&commitment[..], &epoch.to_be_bytes(), sealed.as_bytes()].concat();
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }
}

/// A sealed scope as a ledger has it; nothing but its form is checked.
pub struct SealedScope {
    text: String,
    commitment: [u8; 32],
    epoch: Epoch,
    body: Sealed<ScopeRecord>,
}

impl SealedScope {
    /// Whether `text` is to be read as one.
    #[must_use]
    pub fn is(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The text of a ledger.
    ///
    /// # Errors
    /// [`ScopeError::Form`].
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let encoded = text.strip_prefix(PREFIX).filter(|_| text.len() <= SCOPE_BYTES_MAX);
        let bytes = encoded.and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok());
        let bytes = bytes.ok_or(ScopeError::Form)?;
        let (commitment, rest) = bytes.split_first_chunk::<32>().ok_or(ScopeError::Form)?;
        let (epoch, body) = rest.split_first_chunk::<4>().ok_or(ScopeError::Form)?;
        let (epoch, body) = (Epoch::from_be_bytes(*epoch), Sealed::from_bytes(body.to_vec()));
        Ok(Self { text: text.to_owned(), commitment: *commitment, epoch, body })
    }

    /// What it commits to.
    #[must_use]
    pub fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }

    /// In which epoch the key was born that opens it.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What `grantee` is narrowed to. `key`: of `lineage`, born in [`SealedScope::epoch`].
    ///
    /// # Errors
    /// [`ScopeError::Open`] unless exactly this was sealed for them; [`ScopeError::Empty`].
    pub fn open(
        self,
        key: &Key<Scope>,
        lineage: Lineage,
        collection: CollectionId,
        grantee: &Address,
    ) -> Result<OpenedScope, ScopeError> {
        let place = place(collection, lineage, &self.commitment, self.epoch);
        let plain = self.body.open(key, place).map_err(|_| ScopeError::Open)?;
        let (salt, json) = contents(plain.expose()).ok_or(ScopeError::Open)?;
        if (ScopeTerms { collection, grantee, salt, json }).commitment() != self.commitment {
            return Err(ScopeError::Open);
        }
        let filter: Filter = serde_json::from_str(json).map_err(|_| ScopeError::Open)?;
        if filter.is_empty() {
            return Err(ScopeError::Empty);
        }
        Ok(OpenedScope { text: self.text, collection, grantee: grantee.clone(), filter })
    }
}

/// What one grantee of one collection is narrowed to, as a ledger's text commits to it.
///
/// Nobody makes one up:
///
/// ```compile_fail,E0451
/// use prag_trust::scope::OpenedScope;
/// fn wide(text: String, one: OpenedScope) -> OpenedScope { OpenedScope { text, ..one } }
/// ```
pub struct OpenedScope {
    text: String,
    collection: CollectionId,
    grantee: Address,
    filter: Filter,
}

impl OpenedScope {
    /// The filter.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether it is what this text says of them.
    pub(crate) fn is_of(&self, text: &str, collection: CollectionId, grantee: &Address) -> bool {
        self.text == text && self.collection == collection && self.grantee == *grantee
    }
}

fn place(collection: CollectionId, lineage: Lineage, commitment: &[u8; 32], epoch: Epoch) -> Place {
    let (id, _) = halves(commitment);
    Place { collection, lineage, kind: Kind::Scope, id, seq: 0, epoch }
}

/// What names the record, and what seals it.
fn halves(commitment: &[u8; 32]) -> ([u8; 16], [u8; 12]) {
    let (mut id, mut nonce) = ([0; 16], [0; 12]);
    id.copy_from_slice(&commitment[..16]);
    nonce.copy_from_slice(&commitment[16..28]);
    (id, nonce)
}

/// Salt and JSON of a body; `None` unless [`ScopeTerms::seal`] makes exactly these bytes of them.
fn contents(body: &[u8]) -> Option<(&[u8; 32], &str)> {
    let (salt, rest) = body.split_first_chunk::<32>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (json, filler) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let needed = HEAD_BYTES + json.len();
    let class = BODY_BYTES.into_iter().find(|class| needed <= *class);
    let exact = class == Some(body.len()) && filler.iter().all(|byte| *byte == 0);
    Some((salt, std::str::from_utf8(json).ok().filter(|_| exact)?))
}

const DOMAIN: &[u8] = b"PRAG-SCOPE/v1";
const PREFIX: &str = "prag-scope-1.";
const HEAD_BYTES: usize = 32 + 2;
/// Lengths of a body. With the eight bytes of the record's own length each is one that padding leaves as it is.
const BODY_BYTES: [usize; 4] = [248, 504, 1016, HEAD_BYTES + SEALED_SCOPE_BYTES_MAX];

#[cfg(test)]
mod tests;
