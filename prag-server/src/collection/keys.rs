//! The keys of one shard: the wrap keys from the KEKs, and the DEKs under them.
//!
//! Layer: collection.
//! Holds: which key seals which record, and where its wrapped forms lie.
//! Never: the shares or a KEK; they are gone once the wrap key is derived.
//! Invariant: every object is under a DEK; a root DEK seals manifest, head and tail, each segment has its own. A DEK
//! keeps the epoch of its birth in every place that it seals; only its wrapping follows the key epoch.

use super::scopes::{ScopeKey, is_scope_key, scope_key_id};
use super::wrapping::{WrappedRow, Wrapping, wrapped_rows};
use super::{CollectionError, rows};
use prag_protocol::place::{Kind, Place};
use prag_protocol::{CollectionId, Epoch, Lineage};
use prag_store::{Batch, Shard};
use prag_trust::entropy::{Entropy, random};
use prag_trust::key::{Dek, Key, Name, Scope, Wrap, Wrapped};
use std::sync::Arc;

/// Id of the key for names.
pub const NAMES: [u8; 16] = [0xff; 16];

/// A shard's identity and keys. Its parts are shared, so that a changed set is a new value, and who works with the old
/// one goes on undisturbed.
#[derive(Clone)]
pub struct Keys {
    /// Whose data.
    pub collection: CollectionId,
    /// Which data.
    pub lineage: Lineage,
    /// The current wrapping first; after it the next one, while a rotation is prepared.
    wraps: Vec<Wrapping>,
    /// Oldest first; the last one seals what is written now.
    roots: Vec<Root>,
    names: Arc<Key<Name>>,
    /// One for each epoch in which a scope was sealed.
    pub(super) scopes: Vec<ScopeKey>,
}

/// A DEK of manifest, head and tail.
#[derive(Clone)]
pub struct Root {
    /// 0 for the first one of the shard, then one more each time.
    pub generation: u64,
    /// Key epoch at its birth.
    pub birth: Epoch,
    /// First batch that it seals.
    pub from: u64,
    key: Arc<Key<Dek>>,
}

impl Root {
    fn new(
        generation: u64,
        birth: Epoch,
        from: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, CollectionError> {
        Ok(Self { generation, birth, from, key: Arc::new(Key::random(entropy)?) })
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Key<Dek> {
        &self.key
    }

    /// Id of its wrapped rows, and of the places of what it seals: 8 zeros, then its generation.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        u128::from(self.generation).to_be_bytes()
    }
}

impl Keys {
    /// Keys for a new shard; `write` gets the wrapped forms of its root DEK and its name key.
    ///
    /// # Errors
    /// [`CollectionError::Entropy`].
    pub fn create(
        collection: CollectionId,
        lineage: Lineage,
        epoch: Epoch,
        wrap: Key<Wrap>,
        write: &mut Batch,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, CollectionError> {
        let root = Root::new(0, epoch, 0, entropy)?;
        let names = Arc::new(Key::<Name>::random(entropy)?);
        let wraps = vec![Wrapping { collection, lineage, epoch, key: Arc::new(wrap) }];
        let (roots, scopes) = (vec![root.clone()], Vec::new());
        let keys = Self { collection, lineage, wraps, roots, names, scopes };
        keys.wrap(root.id(), epoch, root.key(), write, entropy)?;
        keys.wrap(NAMES, epoch, keys.names(), write, entropy)?;
        Ok(keys)
    }

    /// Keys of a stored shard, as far as the rows of `epoch` tell: where each root begins, the manifest says.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if a root DEK or the name key is missing or does not unwrap.
    pub fn load(
        collection: CollectionId,
        lineage: Lineage,
        epoch: Epoch,
        wrap: Arc<Key<Wrap>>,
        shard: &dyn Shard,
    ) -> Result<Self, CollectionError> {
        Self::load_under(Wrapping { collection, lineage, epoch, key: wrap }, shard)
    }

    /// As [`Keys::load`], under a wrapping that is there already.
    pub(super) fn load_under(
        wrapping: Wrapping,
        shard: &dyn Shard,
    ) -> Result<Self, CollectionError> {
        let Wrapping { collection, lineage, epoch, .. } = wrapping;
        let (mut roots, mut names, mut scopes) = (Vec::new(), None, Vec::new());
        for row in wrapped_rows(shard)?.iter().filter(|row| row.epoch == epoch) {
            if let Some(generation) = generation(row.id) {
                let key = Arc::new(wrapping.open(row).ok_or(BAD_ROOT)?);
                roots.push(Root { generation, birth: row.birth, from: 0, key });
            } else if row.id == NAMES {
                names = Some(Arc::new(wrapping.open(row).ok_or(BAD_ROOT)?));
            } else if row.id == scope_key_id(row.birth) {
                let key = Arc::new(wrapping.open(row).ok_or(BAD_SCOPE)?);
                scopes.push(ScopeKey { birth: row.birth, key });
            }
        }
        let names = names.filter(|_| !roots.is_empty()).ok_or(BAD_ROOT)?;
        Ok(Self { collection, lineage, wraps: vec![wrapping], roots, names, scopes })
    }

    /// Where each root begins: `(generation, first batch)`, as the manifest lists them.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] unless these are the roots of the rows.
    pub fn begin(mut self, listed: &[(u64, u64)]) -> Result<Self, CollectionError> {
        let known = self.roots.iter().map(|root| root.generation);
        if !known.eq(listed.iter().map(|(generation, _)| *generation)) {
            return Err(BAD_ROOT);
        }
        for (root, (_, from)) in self.roots.iter_mut().zip(listed) {
            root.from = *from;
        }
        Ok(self)
    }

    /// `(generation, first batch)` of each root, for the manifest.
    #[must_use]
    pub fn listed(&self) -> Vec<(u64, u64)> {
        self.roots.iter().map(|root| (root.generation, root.from)).collect()
    }

    /// The current key epoch.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.wraps.first().map_or(0, |wrap| wrap.epoch)
    }

    /// The wrap key, unless a rotation has prepared another beside it.
    #[must_use]
    pub fn only_wrap(&self) -> Option<Arc<Key<Wrap>>> {
        match self.wraps.as_slice() {
            [only] => Some(Arc::clone(&only.key)),
            _ => None,
        }
    }

    /// The root that seals what is written now.
    #[must_use]
    pub fn root(&self) -> &Root {
        self.roots.last().expect("keys are made and loaded with a root, and the last one stays")
    }

    /// The root that sealed batch `seq`.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if there is none: the batch is older than all of them.
    pub fn root_of(&self, seq: u64) -> Result<&Root, CollectionError> {
        let root = self.roots.iter().rev().find(|root| root.from <= seq);
        root.ok_or(BAD_ROOT)
    }

    /// Whether earlier roots still seal batches of the tail.
    #[must_use]
    pub fn has_old_roots(&self) -> bool {
        self.roots.len() > 1
    }

    /// The key of names: handles, hashes of ids.
    #[must_use]
    pub fn names(&self) -> &Key<Name> {
        &self.names
    }

    /// With one more root, for batches from `from` on; `write` gets its wrapped forms.
    ///
    /// # Errors
    /// [`CollectionError::Entropy`].
    pub fn with_fresh_root(
        &self,
        from: u64,
        write: &mut Batch,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, CollectionError> {
        let root = Root::new(self.root().generation + 1, self.epoch(), from, entropy)?;
        self.wrap(root.id(), root.birth, root.key(), write, entropy)?;
        let mut keys = self.clone();
        keys.roots.push(root);
        Ok(keys)
    }

    /// Without the roots that seal no batch from `base` on; `write` removes their wrapped forms.
    ///
    /// # Errors
    /// What the batch says.
    pub fn without_spent_roots(
        &self,
        base: u64,
        write: &mut Batch,
    ) -> Result<Self, CollectionError> {
        let mut keys = self.clone();
        while let [spent, next, ..] = keys.roots.as_slice()
            && next.from <= base
        {
            self.unwrap_rows(spent.id(), write)?;
            keys.roots.remove(0);
        }
        Ok(keys)
    }

    /// With the wrapping of `epoch` prepared beside the current one; `write` gets every DEK of `shard` under it.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if a wrapped key does not open.
    pub fn prepared(
        &self,
        epoch: Epoch,
        wrap: Key<Wrap>,
        shard: &dyn Shard,
        write: &mut Batch,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, CollectionError> {
        let Self { collection, lineage, .. } = *self;
        let next = Wrapping { collection, lineage, epoch, key: Arc::new(wrap) };
        let current = self.wrapping()?.clone();
        for row in wrapped_rows(shard)?.iter().filter(|row| row.epoch == current.epoch) {
            if row.id == NAMES {
                rewrap::<Name>(&current, &next, row, write, entropy)?;
            } else if is_scope_key(row.id) {
                rewrap::<Scope>(&current, &next, row, write, entropy)?;
            } else {
                rewrap::<Dek>(&current, &next, row, write, entropy)?;
            }
        }
        Ok(Self { wraps: vec![current, next], ..self.clone() })
    }

    /// With the wrapping of `epoch` as the only one; `None` if it is not prepared. `write` removes the rows of all
    /// others that `shard` holds.
    ///
    /// # Errors
    /// What the store says.
    pub fn settled(
        &self,
        epoch: Epoch,
        shard: &dyn Shard,
        write: &mut Batch,
    ) -> Result<Option<Self>, CollectionError> {
        let Some(wrap) = self.wraps.iter().find(|wrap| wrap.epoch == epoch) else {
            return Ok(None);
        };
        for row in wrapped_rows(shard)?.into_iter().filter(|row| row.epoch != epoch) {
            write.delete(rows::dek(row.id, row.epoch))?;
        }
        Ok(Some(Self { wraps: vec![wrap.clone()], ..self.clone() }))
    }

    /// `write` gets the key of `id` under every wrapping.
    ///
    /// # Errors
    /// [`CollectionError::Entropy`].
    pub fn wrap<P: Wrapped>(
        &self,
        id: [u8; 16],
        birth: Epoch,
        key: &Key<P>,
        write: &mut Batch,
        entropy: &mut dyn Entropy,
    ) -> Result<(), CollectionError> {
        for wrap in &self.wraps {
            wrap.put(id, birth, key, write, entropy)?;
        }
        Ok(())
    }

    /// `write` removes the wrapped forms of the key of `id`.
    ///
    /// # Errors
    /// What the batch says.
    pub fn unwrap_rows(&self, id: [u8; 16], write: &mut Batch) -> Result<(), CollectionError> {
        for wrap in &self.wraps {
            write.delete(rows::dek(id, wrap.epoch))?;
        }
        Ok(())
    }

    /// The DEK of segment `id`, and its birth.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if it is missing or does not unwrap.
    pub fn segment_key(
        &self,
        id: [u8; 16],
        shard: &dyn Shard,
    ) -> Result<(Key<Dek>, Epoch), CollectionError> {
        let current = self.wrapping()?;
        let rows = wrapped_rows(shard)?;
        let row = rows.iter().find(|row| row.id == id && row.epoch == current.epoch);
        let found = row.and_then(|row| Some((current.open(row)?, row.birth)));
        found.ok_or(CollectionError::Tampered("segment key"))
    }

    /// Ids of the keys that were born before the current epoch.
    ///
    /// # Errors
    /// What the store says.
    pub fn stale(&self, shard: &dyn Shard) -> Result<Vec<[u8; 16]>, CollectionError> {
        let stale = |row: &WrappedRow| row.epoch == self.epoch() && row.birth < row.epoch;
        Ok(wrapped_rows(shard)?.into_iter().filter(stale).map(|row| row.id).collect())
    }

    /// The place of a record of `kind` under `root`.
    #[must_use]
    pub fn root_place(&self, kind: Kind, root: &Root, seq: u64) -> Place {
        self.place(kind, root.id(), seq, root.birth)
    }

    /// The place of a record of `kind` under the DEK `id`, born in `epoch`.
    #[must_use]
    pub fn place(&self, kind: Kind, id: [u8; 16], seq: u64, epoch: Epoch) -> Place {
        let Self { collection, lineage, .. } = *self;
        Place { collection, lineage, kind, id, seq, epoch }
    }

    /// What DEKs of the current key epoch are wrapped under.
    pub(super) fn wrapping(&self) -> Result<&Wrapping, CollectionError> {
        self.wraps.first().ok_or(BAD_ROOT)
    }
}

fn rewrap<P: Wrapped>(
    current: &Wrapping,
    next: &Wrapping,
    row: &WrappedRow,
    write: &mut Batch,
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    let key = current.open::<P>(row).ok_or(CollectionError::Tampered("wrapped key"))?;
    next.put(row.id, row.birth, &key, write, entropy)
}

/// The generation, if this is the id of a root. A random id is one once in 2^64 draws, and is drawn again.
#[must_use]
pub fn generation(id: [u8; 16]) -> Option<u64> {
    u64::try_from(u128::from_be_bytes(id)).ok()
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
    Ok(random(entropy)?)
}

const BAD_ROOT: CollectionError = CollectionError::Tampered("root key");
const BAD_SCOPE: CollectionError = CollectionError::Tampered("scope key");
