//! The keys of one shard: the wrap key from the KEK, and the DEKs under it.
//!
//! Layer: collection.
//! Holds: which key seals which record, and where its wrapped form lies.
//! Never: the shares or the KEK; they are gone once the wrap key is derived.
//! Invariant: every object is under a DEK; the root DEK seals manifest, head and tail, each segment has its own.

use super::{CollectionError, rows};
use prag_protocol::place::{Kind, Place};
use prag_protocol::{CollectionId, Epoch, Lineage};
use prag_store::Shard;
use prag_trust::entropy::Entropy;
use prag_trust::key::{Dek, Key, Name, Wrap};

/// Id of the DEK that seals manifest, head and tail.
pub const ROOT: [u8; 16] = [0; 16];
/// Id of the key for names.
pub const NAMES: [u8; 16] = [0xff; 16];

/// A shard's identity and keys.
pub struct Keys {
    /// Whose data.
    pub collection: CollectionId,
    /// Which data.
    pub lineage: Lineage,
    /// The key epoch.
    pub epoch: Epoch,
    wrap: Key<Wrap>,
    root: Key<Dek>,
    names: Key<Name>,
}

impl Keys {
    /// Keys for a new shard, and the wrapped forms of its root DEK and its name key.
    ///
    /// # Errors
    /// [`CollectionError::Entropy`].
    pub fn create(
        collection: CollectionId,
        lineage: Lineage,
        epoch: Epoch,
        wrap: Key<Wrap>,
        entropy: &mut dyn Entropy,
    ) -> Result<(Self, [Vec<u8>; 2]), CollectionError> {
        let root = Key::<Dek>::random(entropy)?;
        let names = Key::<Name>::random(entropy)?;
        let keys = Self { collection, lineage, epoch, wrap, root, names };
        let root = keys.root.wrap(&keys.wrap, keys.dek_place(ROOT), nonce(entropy)?)?;
        let names = keys.names.wrap(&keys.wrap, keys.dek_place(NAMES), nonce(entropy)?)?;
        Ok((keys, [root, names]))
    }

    /// Keys of a stored shard.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if the root DEK is missing or does not unwrap.
    pub fn load(
        collection: CollectionId,
        lineage: Lineage,
        epoch: Epoch,
        wrap: Key<Wrap>,
        shard: &dyn Shard,
    ) -> Result<Self, CollectionError> {
        let wrapped = |id| one(shard, rows::dek(id))?.ok_or(CollectionError::Tampered("root key"));
        let place = |id| Place { collection, lineage, kind: Kind::DekWrap, id, seq: 0, epoch };
        let bad = |_| CollectionError::Tampered("root key");
        let root = Key::<Dek>::unwrap(&wrap, place(ROOT), &wrapped(ROOT)?).map_err(bad)?;
        let names = Key::<Name>::unwrap(&wrap, place(NAMES), &wrapped(NAMES)?).map_err(bad)?;
        Ok(Self { collection, lineage, epoch, wrap, root, names })
    }

    /// The key of manifest, head and tail.
    #[must_use]
    pub fn root(&self) -> &Key<Dek> {
        &self.root
    }

    /// The key of names: handles, hashes of ids.
    #[must_use]
    pub fn names(&self) -> &Key<Name> {
        &self.names
    }

    /// A fresh DEK for segment `id`, with its wrapped form.
    ///
    /// # Errors
    /// [`CollectionError::Entropy`].
    pub fn segment_key(
        &self,
        id: [u8; 16],
        entropy: &mut dyn Entropy,
    ) -> Result<(Key<Dek>, Vec<u8>), CollectionError> {
        let key = Key::<Dek>::random(entropy)?;
        let wrapped = key.wrap(&self.wrap, self.dek_place(id), nonce(entropy)?)?;
        Ok((key, wrapped))
    }

    /// The DEK of segment `id`.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if it is missing or does not unwrap.
    pub fn load_segment_key(
        &self,
        id: [u8; 16],
        shard: &dyn Shard,
    ) -> Result<Key<Dek>, CollectionError> {
        let wrapped = one(shard, rows::dek(id))?.ok_or(CollectionError::Tampered("segment key"))?;
        Key::<Dek>::unwrap(&self.wrap, self.dek_place(id), &wrapped)
            .map_err(|_| CollectionError::Tampered("segment key"))
    }

    /// The place of a record of `kind`.
    #[must_use]
    pub fn place(&self, kind: Kind, id: [u8; 16], seq: u64) -> Place {
        let Self { collection, lineage, epoch, .. } = *self;
        Place { collection, lineage, kind, id, seq, epoch }
    }

    fn dek_place(&self, id: [u8; 16]) -> Place {
        self.place(Kind::DekWrap, id, 0)
    }
}

/// The value of one row.
///
/// # Errors
/// What the store says.
pub fn one(shard: &dyn Shard, key: Vec<u8>) -> Result<Option<Vec<u8>>, CollectionError> {
    Ok(shard.get_many(&[&key])?.pop().flatten())
}

/// A random nonce for AES-GCM-SIV.
///
/// # Errors
/// [`CollectionError::Entropy`].
pub fn nonce(entropy: &mut dyn Entropy) -> Result<[u8; 12], CollectionError> {
    let mut nonce = [0; 12];
    entropy.fill(&mut nonce)?;
    Ok(nonce)
}
