//! Symmetric keys, one type per purpose.
//!
//! Layer: bottom of `trust`; knows `protocol` and `entropy`; its child `wrap` knows `seal`.
//! Holds: 32-byte keys and shares in wiped heap memory, and the only ways to come by them.
//! Never: prints, serializes, clones or compares a key, or lends its bytes outside this crate.
//! Invariant: two purposes never share key bytes (BLAKE3 `derive_key`, one context per purpose).

mod share;
mod wrap;

#[cfg(test)]
mod tests;

use crate::entropy::{Entropy, EntropyError};
use prag_protocol::{CollectionId, Epoch};
use std::marker::PhantomData;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

pub use share::{Share, derive_kek};
pub use wrap::WRAPPED_BYTES;

/// What a key is for. Closed: only the purposes of this module exist.
pub trait Purpose: closed::Purpose {
    /// The purpose's byte in every envelope; frozen.
    const TAG: u8;
}

/// A purpose whose keys are fresh randomness.
pub trait Random: Purpose {}

/// A purpose whose keys come from a `Parent` key, under a context of their own.
pub trait DerivedFrom<Parent: Purpose>: Purpose {
    /// BLAKE3 `derive_key` context; frozen, used nowhere else.
    const CONTEXT: &'static str;
}

/// A purpose whose keys are stored wrapped under [`Wrap`].
pub trait Wrapped: Random {}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $tag:literal),* $(,)?) => {$(
        $(#[$doc])*
        pub enum $name {}
        impl closed::Purpose for $name {}
        impl Purpose for $name {
            const TAG: u8 = $tag;
        }
    )*};
}

purposes! {
    /// The root of one (collection, epoch). Seals nothing itself.
    Kek = 1,
    /// Wraps data keys and name keys.
    Wrap = 2,
    /// Seals records and blobs of a shard.
    Dek = 3,
    /// Names things on disk, and spreads documents over shards.
    Name = 4,
    /// The root of a worker's local vault.
    Vault = 5,
    /// Seals the embedded ledger's state.
    Ledger = 6,
    /// Seals a corpus file.
    Corpus = 7,
    /// Seals scopes of grants, for ledgers that others read.
    Scope = 8,
}

impl Random for Dek {}
impl Random for Name {}
impl Random for Vault {}
impl Random for Scope {}
impl Wrapped for Dek {}
impl Wrapped for Name {}
impl Wrapped for Scope {}
impl DerivedFrom<Kek> for Wrap {
    const CONTEXT: &'static str = "prag/key/wrap/v1";
}
impl DerivedFrom<Kek> for Corpus {
    const CONTEXT: &'static str = "prag/key/corpus/v1";
}
impl DerivedFrom<Vault> for Ledger {
    const CONTEXT: &'static str = "prag/key/ledger/v1";
}

/// A key that serves one purpose, wiped on drop.
///
/// It cannot be printed, copied or compared:
///
/// ```compile_fail,E0277
/// use prag_seal::key::{Dek, Key};
/// fn show(key: &Key<Dek>) -> String { format!("{key:?}") }
/// ```
/// ```compile_fail,E0599
/// use prag_seal::key::{Dek, Key};
/// fn copy(key: Key<Dek>) -> Key<Dek> { key.clone() }
/// ```
/// ```compile_fail,E0369
/// use prag_seal::key::{Dek, Key};
/// fn same(a: &Key<Dek>, b: &Key<Dek>) -> bool { *a == *b }
/// ```
/// ```compile_fail,E0277
/// use prag_seal::key::{Dek, Key};
/// fn send(key: &Key<Dek>) -> String { serde_json::to_string(key).unwrap_or_default() }
/// ```
///
/// Its bytes are not for others, and it does not turn into a key of another purpose:
///
/// ```compile_fail,E0624
/// use prag_seal::key::{Dek, Key};
/// fn leak(key: &Key<Dek>) -> [u8; 32] { *key.expose() }
/// ```
/// ```compile_fail,E0277
/// use prag_seal::key::{Dek, Kek, Key};
/// fn shortcut(kek: &Key<Kek>) -> Key<Dek> { kek.derive::<Dek>() }
/// ```
///
/// What it is for compiles:
///
/// ```
/// use prag_seal::key::{Corpus, Kek, Key, Wrap};
/// fn children(kek: &Key<Kek>) -> (Key<Wrap>, Key<Corpus>) {
///     (kek.derive::<Wrap>(), kek.derive::<Corpus>())
/// }
/// ```
pub struct Key<P: Purpose> {
    // Boxed, so that moving a key leaves no copy behind on the stack.
    bytes: Box<[u8; 32]>,
    purpose: PhantomData<fn() -> P>,
}

impl<P: Purpose> Key<P> {
    /// The key's bytes, for the ciphers of this crate.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// A key that is the child of this one. Deterministic.
    #[must_use]
    pub fn derive<Child: DerivedFrom<P>>(&self) -> Key<Child> {
        let mut hasher = blake3::Hasher::new_derive_key(Child::CONTEXT);
        hasher.update(self.expose());
        Key::filled(|out| finish(hasher, out))
    }

    fn filled(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        let mut key = Self::zeros();
        fill(&mut key.bytes);
        key
    }

    fn zeros() -> Self {
        Self { bytes: Box::new([0; 32]), purpose: PhantomData }
    }
}

impl<P: Purpose> Drop for Key<P> {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl<P: Random> Key<P> {
    /// A fresh key.
    ///
    /// # Errors
    /// [`EntropyError`] if the source fails; no key is made.
    pub fn random(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut key = Self::zeros();
        entropy.fill(&mut key.bytes[..])?;
        Ok(key)
    }
}

impl Key<Vault> {
    /// The vault's root as the platform gave it (a sealing key, or a file where nothing is
    /// protected). The caller wipes `root`.
    #[must_use]
    pub fn from_root(root: &[u8; 32]) -> Self {
        Self::filled(|out| out.copy_from_slice(root))
    }
}

impl Key<Kek> {
    /// The public commitment to this key of (collection, epoch) that the ledger holds.
    ///
    /// Needed because AES-GCM-SIV does not commit to its key.
    #[must_use]
    pub fn commitment(&self, collection: CollectionId, epoch: Epoch) -> [u8; 32] {
        let input = length_prefixed(&[self.expose(), &collection.0, &epoch.to_be_bytes()]);
        let mut hasher = blake3::Hasher::new_derive_key("prag/kek/commitment/v1");
        hasher.update(&input);
        let mut out = [0; 32];
        finish(hasher, &mut out);
        out
    }

    /// Whether this is the key that `commitment` was made from. Ask before the first use.
    #[must_use]
    pub fn opens(&self, commitment: &[u8; 32], collection: CollectionId, epoch: Epoch) -> bool {
        self.commitment(collection, epoch).ct_eq(commitment).into()
    }
}

impl Key<Name> {
    /// The name on disk of what is called `bytes`: 32 bytes that tell nothing without this key.
    #[must_use]
    pub fn name(&self, bytes: &[u8]) -> [u8; 32] {
        self.tagged(b"prag/name/v1", bytes)
    }

    /// The point of a document in the 64-bit ring that shards divide.
    #[must_use]
    pub fn hash64(&self, bytes: &[u8]) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.tagged(b"prag/shard/v1", bytes);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    fn tagged(&self, tag: &[u8], bytes: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(self.expose());
        hasher.update(&length_prefixed(&[tag, bytes]));
        let mut out = [0; 32];
        finish(hasher, &mut out);
        out
    }
}

/// Each part behind its length (u32, big-endian), so that no two lists of parts collide.
#[must_use]
pub fn length_prefixed(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    // Sized up front: growing would leave an unwiped copy behind.
    let total = parts.iter().map(|part| part.len() + 4).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(total));
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

fn finish(mut hasher: blake3::Hasher, out: &mut [u8; 32]) {
    let mut reader = hasher.finalize_xof();
    reader.fill(out);
    reader.zeroize();
    hasher.zeroize();
}

mod closed {
    pub trait Purpose: 'static {}
}
