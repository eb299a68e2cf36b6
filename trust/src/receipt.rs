//! Receipts: what a worker did, signed by its attested key, for anybody to check later without it.
//!
//! Layer: `trust`, above `evidence`, `head` and `merkle`.
//! Holds: what a receipt says of a write, a retrieval or a deletion; its signature, and its check.
//! Never: text, ids or queries: salted hashes stand for them, and who holds the salts can show what they hide.
//! Invariant: a `Verified<Receipt>` was signed by a verified worker, and every proof in it holds.

mod bytes;
mod hashes;
#[cfg(test)]
mod tests;

pub use hashes::{ChunkParts, Salt, chunk_hash, deleted_hash, document_hash, query_hash};

use crate::address::ed25519_holds;
use crate::encoding::transcript;
use crate::evidence::Worker;
use crate::head::Head;
use crate::merkle::{Hash, MerkleError, leaf_hash, verify_inclusion};
use crate::verified::Verified;
use ed25519_dalek::{Signer, SigningKey};
use prag_protocol::wire::documents::Outcome;
use prag_protocol::wire::search::{Fusion, Mode};
use prag_protocol::{CollectionId, Epoch};
use serde::{Deserialize, Serialize};

/// Why a receipt is refused. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// Not the bytes of a receipt of version 1.
    #[error("its signed bytes are no receipt")]
    Malformed,
    /// Signed in the name of another worker than the one whose evidence verified.
    #[error("it is of another worker than the evidence")]
    OtherWorker,
    /// Not the worker's signature over these bytes.
    #[error("its signature does not hold under the worker's key")]
    Signature,
    /// An entry's inclusion proof does not lead to the root that is named for it.
    #[error("entry {0} is not in the tree that is named for it")]
    Inclusion(usize),
}

/// What a worker says it did.
///
/// It names no evidence: a worker makes fresh evidence for each nonce and keeps none, so it cannot know which one a
/// client holds. It names its key of this boot instead, which never leaves the TEE and dies with the boot. Any
/// evidence that binds this key says which image, settings and ledger were behind the signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Ed25519 key of the worker's boot.
    pub worker: [u8; 32],
    /// Whose data.
    #[serde(with = "bytes::collection")]
    pub collection: CollectionId,
    /// The key epoch.
    pub epoch: Epoch,
    /// The durable head that was written, or read; absent for a reader with a scope, who must not learn what lies
    /// outside of it. Writes and deletions always have one.
    #[serde(with = "bytes::head")]
    pub head: Option<Head>,
    /// Digest of the profile.
    pub profile: Hash,
    /// The worker's clock, Unix seconds.
    pub time: u64,
    /// What it counts for against a grant's quota: 1 for a retrieval, 0 otherwise.
    pub units: u64,
    /// What was done.
    pub deed: Deed,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Deed {
    /// Documents were put; those of one request.
    Write(Vec<Written>),
    /// Chunks answered.
    Retrieval(Retrieval),
    /// Documents were deleted.
    Deletion(Deletion),
}

/// A leaf's place in a tree that is named elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    /// From 0.
    pub index: u64,
    /// Hashes from the leaf's sibling up; at most [`PROOF_HASHES_MAX`].
    pub proof: Vec<Hash>,
}

/// A batch of the shard's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Leaf hash of its digest.
    pub leaf: Hash,
    /// Where it lies under the receipt's head.
    pub at: Inclusion,
}

/// A document that was put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// [`document_hash`].
    pub document: Hash,
    /// What became of it.
    pub outcome: Outcome,
    /// The batch that made it visible; absent exactly where it was unchanged.
    pub batch: Option<Batch>,
}

/// What was asked, and what answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retrieval {
    /// [`query_hash`].
    pub query: Hash,
    /// How it was asked.
    pub asked: Asked,
    /// Best first.
    pub passages: Vec<Passage>,
}

/// The parameters of a retrieval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Token budget of a context; 0 for a query.
    pub budget: u32,
    /// Most hits or passages.
    pub k: u32,
    /// Which legs ran.
    pub mode: Mode,
    /// Whether everything was scanned.
    pub exact: bool,
    /// Breadth of the graph walk.
    pub ef: u32,
    /// How the legs were merged.
    pub fusion: Fusion,
}

/// A chunk that answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// [`chunk_hash`].
    pub chunk: Hash,
    /// Thousandths.
    pub score: i32,
    /// Where it lay; present exactly where the head is.
    pub part: Option<Part>,
}

/// The part of a shard that a chunk lay in: a segment, or the tail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Merkle root over the part's chunk hashes, deleted chunks included.
    pub root: Hash,
    /// How many there are.
    pub size: u64,
    /// Where the chunk lies.
    pub at: Inclusion,
}

/// What was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// Whether the bytes were gone from segments, too, when this was signed.
    pub purged: bool,
    /// [`deleted_hash`] of each id.
    pub documents: Vec<Hash>,
    /// The batches that say so; none where there was nothing to delete.
    pub batches: Vec<Batch>,
}

/// A receipt and its signature. Claims nothing until [`SignedReceipt::verify`].
///
/// ```compile_fail,E0308
/// use prag_trust::{receipt::{Receipt, SignedReceipt}, verified::Verified};
/// fn believe(signed: SignedReceipt) -> Verified<Receipt> { signed }
/// ```
/// ```
/// use prag_trust::evidence::Worker;
/// use prag_trust::{receipt::{Receipt, ReceiptError, SignedReceipt}, verified::Verified};
/// fn believe(
///     signed: &SignedReceipt,
///     worker: &Verified<Worker>,
/// ) -> Result<Verified<Receipt>, ReceiptError> {
///     signed.verify(worker)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedReceipt {
    /// [`Receipt::to_bytes`].
    pub bytes: Vec<u8>,
    /// Ed25519 over `"PRAG-RECEIPT/v1" ‖ LP(bytes)`.
    pub signature: [u8; 64],
}

impl Receipt {
    /// Sign with the worker's key of this boot, which the receipt then names.
    #[must_use]
    pub fn sign(mut self, key: &SigningKey) -> SignedReceipt {
        self.worker = key.verifying_key().to_bytes();
        let bytes = self.to_bytes();
        let signature = key.sign(&transcript(DOMAIN, &[&bytes])).to_bytes();
        SignedReceipt { bytes, signature }
    }

    /// Every inclusion proof, the first that fails by the entry's number from 0.
    fn check(&self) -> Result<(), ReceiptError> {
        let under_head = |batch: &Batch| {
            let head = self.head.as_ref().ok_or(MerkleError)?;
            verify_inclusion(&head.root, head.size, batch.at.index, &batch.leaf, &batch.at.proof)
        };
        let passage = |passage: &Passage| {
            let Some(Part { root, size, at }) = &passage.part else { return Ok(()) };
            verify_inclusion(root, *size, at.index, &leaf_hash(&passage.chunk), &at.proof)
        };
        let held: Vec<Result<(), MerkleError>> = match &self.deed {
            Deed::Write(documents) => {
                documents.iter().map(|one| one.batch.as_ref().map_or(Ok(()), under_head)).collect()
            }
            Deed::Retrieval(retrieval) => retrieval.passages.iter().map(passage).collect(),
            Deed::Deletion(deletion) => deletion.batches.iter().map(under_head).collect(),
        };
        match held.iter().position(Result::is_err) {
            None => Ok(()),
            Some(entry) => Err(ReceiptError::Inclusion(entry)),
        }
    }
}

impl SignedReceipt {
    /// What it claims; nothing is verified.
    ///
    /// # Errors
    /// [`ReceiptError::Malformed`].
    pub fn claimed(&self) -> Result<Receipt, ReceiptError> {
        Receipt::from_bytes(&self.bytes)
    }

    /// The receipt, if the worker whose evidence verified signed it and every proof in it holds.
    ///
    /// # Errors
    /// [`ReceiptError`], one per rule.
    pub fn verify(&self, worker: &Verified<Worker>) -> Result<Verified<Receipt>, ReceiptError> {
        let receipt = self.claimed()?;
        if receipt.worker != worker.sig_pk {
            return Err(ReceiptError::OtherWorker);
        }
        let message = transcript(DOMAIN, &[&self.bytes]);
        if !ed25519_holds(&worker.sig_pk, &message, &self.signature) {
            return Err(ReceiptError::Signature);
        }
        receipt.check()?;
        Ok(Verified::new(receipt))
    }
}

/// Most hashes of one inclusion proof: trees of up to 2^32 leaves.
pub const PROOF_HASHES_MAX: usize = 32;
const DOMAIN: &str = "PRAG-RECEIPT/v1";
