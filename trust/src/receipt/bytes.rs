//! The bytes of a receipt that are signed. Frozen, version 1.
//!
//! Layer: `trust::receipt`.
//! Holds: the layout: a version byte, then the receipt in postcard, fields and variants in their order.
//! Never: a receipt that says half a thing: a batch without a head, a proof for one chunk and none for another.
//! Invariant: what is signed is these very bytes, so that no second encoding of a receipt has a signature.

use super::{Batch, Deed, Inclusion, PROOF_HASHES_MAX, Receipt, ReceiptError};
use prag_protocol::limits::RECEIPT_ENTRIES_MAX;
use prag_protocol::wire::documents::Outcome;

impl Receipt {
    /// The frozen layout.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Nothing here can fail to serialize; if it did, the bytes would not read back.
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default()
    }

    /// Read [`Receipt::to_bytes`] back; nothing is verified.
    ///
    /// # Errors
    /// [`ReceiptError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let (version, bytes) = bytes.split_first().ok_or(ReceiptError::Malformed)?;
        let (receipt, rest) =
            postcard::take_from_bytes::<Self>(bytes).map_err(|_| ReceiptError::Malformed)?;
        if *version == VERSION && rest.is_empty() && receipt.is_whole() {
            Ok(receipt)
        } else {
            Err(ReceiptError::Malformed)
        }
    }

    fn is_whole(&self) -> bool {
        let short = |at: &Inclusion| at.proof.len() <= PROOF_HASHES_MAX;
        let batch = |batch: &Batch| self.head.is_some() && short(&batch.at);
        let few = |entries: usize| entries <= RECEIPT_ENTRIES_MAX;
        match &self.deed {
            Deed::Write(documents) => {
                few(documents.len())
                    && documents.iter().all(|one| match (&one.batch, one.outcome) {
                        (Some(one), Outcome::Created | Outcome::Updated) => batch(one),
                        (None, Outcome::Unchanged) => self.head.is_some(),
                        (Some(_) | None, _) => false,
                    })
            }
            Deed::Retrieval(retrieval) => {
                few(retrieval.passages.len())
                    && retrieval.passages.iter().all(|one| match &one.part {
                        Some(part) => self.head.is_some() && short(&part.at),
                        None => self.head.is_none(),
                    })
            }
            Deed::Deletion(deletion) => {
                few(deletion.documents.len().max(deletion.batches.len()))
                    && self.head.is_some()
                    && deletion.batches.iter().all(batch)
            }
        }
    }
}

/// A collection's id as its 16 bytes: its own serde is text.
pub(super) mod collection {
    use prag_protocol::CollectionId;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(id: &CollectionId, out: S) -> Result<S::Ok, S::Error> {
        id.0.serialize(out)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<CollectionId, D::Error> {
        <[u8; 16]>::deserialize(from).map(CollectionId)
    }
}

/// A head as the two halves of its 64 bytes, if there is one.
pub(super) mod head {
    use crate::head::Head;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(head: &Option<Head>, out: S) -> Result<S::Ok, S::Error> {
        let halves = head.map(|head| {
            let (mut first, mut second) = ([0u8; 32], [0u8; 32]);
            first.copy_from_slice(&head.to_bytes()[..32]);
            second.copy_from_slice(&head.to_bytes()[32..]);
            (first, second)
        });
        halves.serialize(out)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Head>, D::Error> {
        let halves = Option::<([u8; 32], [u8; 32])>::deserialize(from)?;
        Ok(halves.map(|(first, second)| {
            let mut bytes = [0u8; 64];
            bytes[..32].copy_from_slice(&first);
            bytes[32..].copy_from_slice(&second);
            Head::from_bytes(&bytes)
        }))
    }
}

const VERSION: u8 = 1;
