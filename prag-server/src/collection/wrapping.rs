//! Wrapped keys as rows: one for each key and key epoch.
//!
//! Layer: collection, below `keys`.
//! Holds: the wrap key of one epoch, and the form of a row: birth epoch (u32, big-endian), then the wrapped key.
//! Never: which keys a shard needs; `keys` knows.
//! Invariant: a row opens only as the key of its id, wrapped in its epoch, born in its epoch of birth: the place
//! carries all three (`epoch` is the wrapping's, `seq` the birth).

use super::keys::nonce;
use super::{CollectionError, rows};
use prag_protocol::place::{Kind, Place};
use prag_protocol::{CollectionId, Epoch, Lineage};
use prag_store::{Batch, Shard};
use prag_trust::entropy::Entropy;
use prag_trust::key::{Key, Wrap, Wrapped};
use std::sync::Arc;

/// What keys are wrapped under in one key epoch.
#[derive(Clone)]
pub(super) struct Wrapping {
    pub(super) collection: CollectionId,
    pub(super) lineage: Lineage,
    pub(super) epoch: Epoch,
    pub(super) key: Arc<Key<Wrap>>,
}

/// A row, not yet opened.
pub(super) struct WrappedRow {
    pub(super) id: [u8; 16],
    /// Epoch of the wrapping.
    pub(super) epoch: Epoch,
    /// Epoch of the key's birth.
    pub(super) birth: Epoch,
    wrapped: Vec<u8>,
}

impl Wrapping {
    /// `write` gets the row of a key.
    pub(super) fn put<P: Wrapped>(
        &self,
        id: [u8; 16],
        birth: Epoch,
        key: &Key<P>,
        write: &mut Batch,
        entropy: &mut dyn Entropy,
    ) -> Result<(), CollectionError> {
        let wrapped = self.wrap(id, birth, key, nonce(entropy)?)?;
        let row = [&birth.to_be_bytes()[..], &wrapped].concat();
        Ok(write.put(rows::dek(id, self.epoch), row)?)
    }

    /// A key's wrapped form.
    pub(super) fn wrap<P: Wrapped>(
        &self,
        id: [u8; 16],
        birth: Epoch,
        key: &Key<P>,
        nonce: [u8; 12],
    ) -> Result<Vec<u8>, CollectionError> {
        Ok(key.wrap(&self.key, self.place(id, birth), nonce)?)
    }

    /// The key of a row; `None` if it does not unwrap.
    pub(super) fn open<P: Wrapped>(&self, row: &WrappedRow) -> Option<Key<P>> {
        self.unwrap(row.id, row.birth, &row.wrapped)
    }

    /// The key of a wrapped form; `None` if it does not unwrap.
    pub(super) fn unwrap<P: Wrapped>(
        &self,
        id: [u8; 16],
        birth: Epoch,
        wrapped: &[u8],
    ) -> Option<Key<P>> {
        Key::unwrap(&self.key, self.place(id, birth), wrapped).ok()
    }

    fn place(&self, id: [u8; 16], birth: Epoch) -> Place {
        let Self { collection, lineage, epoch, .. } = *self;
        Place { collection, lineage, kind: Kind::DekWrap, id, seq: u64::from(birth), epoch }
    }
}

/// Every wrapped key of `shard`, in the order of ids, then epochs.
///
/// # Errors
/// [`CollectionError::Tampered`] where a row is no wrapped key.
pub(super) fn wrapped_rows(shard: &dyn Shard) -> Result<Vec<WrappedRow>, CollectionError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = shard.scan(&rows::deks(), after.as_deref(), 1024)?;
        for (key, value) in &page.rows {
            found.push(wrapped_row(key, value)?);
        }
        match page.rows.into_iter().next_back() {
            Some((key, _)) if page.more => after = Some(key),
            Some(_) | None => return Ok(found),
        }
    }
}

/// A stored row as a wrapped key.
///
/// # Errors
/// [`CollectionError::Tampered`] where it is none.
pub(super) fn wrapped_row(key: &[u8], value: &[u8]) -> Result<WrappedRow, CollectionError> {
    let (id, epoch) = rows::parse_dek(key).ok_or(TAMPERED)?;
    let (birth, wrapped) = value.split_first_chunk::<4>().ok_or(TAMPERED)?;
    let (birth, wrapped) = (Epoch::from_be_bytes(*birth), wrapped.to_vec());
    Ok(WrappedRow { id, epoch, birth, wrapped })
}

const TAMPERED: CollectionError = CollectionError::Tampered("wrapped key");
