//! The shard's log: sealed batches, their digests, and the head over them.
//!
//! Layer: collection.
//! Holds: the writer's side; one batch is one atomic commit of batch rows, digest row and head row.
//! Never: acknowledges; the caller does, after `durable`.
//! Invariant: head size = number of digests = next sequence number.

use super::keys::{Keys, nonce, one};
use super::record::{Batch, decode, encode};
use super::{CollectionError, rows};
use prag_protocol::place::Kind;
use prag_store::{Batch as StoreBatch, Seq, Shard};
use prag_trust::entropy::Entropy;
use prag_trust::head::Head;
use prag_trust::merkle::MerkleLog;
use prag_trust::receipt::{Batch as ProvenBatch, Inclusion};
use prag_trust::seal::{BatchRecord, HeadRecord, Plain, Sealed};
use std::ops::Range;
use std::sync::Arc;

/// Largest encoded batch, bytes: sealed, padded and split into rows it still fits one commit.
pub const BATCH_BYTES_MAX: usize = 3 << 20;
/// Bytes of one row of a batch.
const ROW_BYTES: usize = 1_000_000;

/// The log of one shard.
pub struct Log {
    shard: Arc<dyn Shard>,
    writer_epoch: u64,
    tree: MerkleLog,
}

impl Log {
    /// The log of a new shard.
    #[must_use]
    pub fn create(shard: Arc<dyn Shard>, writer_epoch: u64) -> Self {
        Self { shard, writer_epoch, tree: MerkleLog::new() }
    }

    /// Read digests and head back, check them against each other, and hand each batch from `base` on to `apply`.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] names the record that failed.
    pub fn load(
        shard: Arc<dyn Shard>,
        writer_epoch: u64,
        keys: &Keys,
        base: u64,
        apply: &mut dyn FnMut(Batch) -> Result<(), CollectionError>,
    ) -> Result<Self, CollectionError> {
        let log = Self::load_tree(shard, writer_epoch, keys)?;
        if base > log.tree.size() {
            return Err(CollectionError::Tampered("manifest base"));
        }
        replay(log.shard.as_ref(), keys, base..log.tree.size(), apply)?;
        Ok(log)
    }

    /// As [`Log::load`], without a look at any batch.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] names the record that failed.
    pub fn load_tree(
        shard: Arc<dyn Shard>,
        writer_epoch: u64,
        keys: &Keys,
    ) -> Result<Self, CollectionError> {
        let mut log = Self::create(shard, writer_epoch);
        log.load_digests()?;
        let stored = log.load_head(keys)?;
        if stored.size != log.tree.size() || stored.root != log.tree.root() {
            return Err(CollectionError::Tampered("head"));
        }
        Ok(log)
    }

    /// Commit one batch. Not durable yet: see [`Log::durable`].
    ///
    /// # Errors
    /// [`CollectionError::TooLarge`] before anything is changed. After any other error the log in memory
    /// may be ahead of the disk: reopen it.
    pub fn append(
        &mut self,
        keys: &Keys,
        batch: &Batch,
        entropy: &mut dyn Entropy,
    ) -> Result<Seq, CollectionError> {
        let bytes = encode(batch)?;
        if bytes.len() > BATCH_BYTES_MAX {
            return Err(CollectionError::TooLarge { bytes: bytes.len(), max: BATCH_BYTES_MAX });
        }
        let seq = self.tree.size();
        let digest = batch_digest(&bytes);
        self.tree.append(&digest);
        let head = self.head(keys);

        let root = keys.root();
        let place = keys.root_place(Kind::Batch, root, seq);
        let sealed = Plain::<BatchRecord>::new(bytes).seal(root.key(), place, nonce(entropy)?)?;
        let mut write = StoreBatch::new();
        for (part, chunk) in (0u16..).zip(sealed.as_bytes().chunks(ROW_BYTES)) {
            write.put(rows::batch(seq, part), chunk)?;
        }
        write.put(rows::digest(seq), digest)?;
        write.put(rows::head(), seal_head(keys, &head, entropy)?)?;
        Ok(self.shard.commit(write)?)
    }

    /// Block until `seq` is on disk.
    ///
    /// # Errors
    /// The write may be lost: it must not be acknowledged.
    pub fn durable(&self, seq: Seq) -> Result<(), CollectionError> {
        Ok(self.shard.durable(seq)?)
    }

    /// The head over everything committed.
    #[must_use]
    pub fn head(&self, keys: &Keys) -> Head {
        Head {
            lineage: keys.lineage,
            writer_epoch: self.writer_epoch,
            size: self.tree.size(),
            root: self.tree.root(),
        }
    }

    /// The tree over the digests, without the store.
    #[must_use]
    pub fn into_tree(self) -> MerkleLog {
        self.tree
    }

    /// Batches committed so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Proof that the tree of `from` batches is a prefix of this one; `None` where it cannot be.
    #[must_use]
    pub fn consistency(&self, from: u64) -> Option<Vec<[u8; 32]>> {
        self.tree.consistency(from, self.tree.size())
    }

    /// Proof that batch `seq` is among the first `size`; `None` if it is not.
    #[must_use]
    pub fn inclusion(&self, seq: u64, size: u64) -> Option<ProvenBatch> {
        let proof = self.tree.inclusion(seq, size)?;
        let leaf = *self.tree.leaf_hashes().get(usize::try_from(seq).ok()?)?;
        Some(ProvenBatch { leaf, at: Inclusion { index: seq, proof } })
    }

    /// The root over the first `size` batches; `None` if there are fewer.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<[u8; 32]> {
        self.tree.root_at(size)
    }

    /// The head row as `keys` seal it, for whoever changes the root; `None` where nothing was ever written.
    ///
    /// # Errors
    /// [`CollectionError`] from sealing.
    pub fn sealed_head(
        &self,
        keys: &Keys,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<Vec<u8>>, CollectionError> {
        let written = self.tree.size() > 0;
        written.then(|| seal_head(keys, &self.head(keys), entropy)).transpose()
    }

    fn load_digests(&mut self) -> Result<(), CollectionError> {
        let mut after = None;
        loop {
            let page = self.shard.scan(&rows::digests(), after.as_deref(), 1024)?;
            for (key, value) in &page.rows {
                let seq = rows::parse_digest(key);
                let digest = <[u8; 32]>::try_from(value.as_slice());
                match (seq, digest) {
                    (Some(seq), Ok(digest)) if seq == self.tree.size() => {
                        self.tree.append(&digest);
                    }
                    _ => return Err(CollectionError::Tampered("digest")),
                }
            }
            match page.rows.into_iter().next_back() {
                Some((key, _)) if page.more => after = Some(key),
                Some(_) | None => return Ok(()),
            }
        }
    }

    fn load_head(&self, keys: &Keys) -> Result<Head, CollectionError> {
        let bytes = one(self.shard.as_ref(), rows::head())?;
        let Some(bytes) = bytes else {
            let empty = self.tree.size() == 0;
            return if empty {
                Ok(self.head(keys))
            } else {
                Err(CollectionError::Tampered("head"))
            };
        };
        let root = keys.root();
        let place = keys.root_place(Kind::HeadRow, root, 0);
        let plain = Sealed::<HeadRecord>::from_bytes(bytes)
            .open(root.key(), place)
            .map_err(|_| CollectionError::Tampered("head"))?;
        let stored: (u64, [u8; 32]) =
            decode(plain.expose()).map_err(|_| CollectionError::Tampered("head"))?;
        Ok(Head { size: stored.0, root: stored.1, ..self.head(keys) })
    }
}

/// Hand each stored batch of `range` to `apply`, in order. Needs no lock: a batch that is committed does not change.
///
/// # Errors
/// [`CollectionError::Tampered`] names the record that failed.
pub(super) fn replay(
    shard: &dyn Shard,
    keys: &Keys,
    range: Range<u64>,
    apply: &mut dyn FnMut(Batch) -> Result<(), CollectionError>,
) -> Result<(), CollectionError> {
    for seq in range {
        apply(load_batch(shard, keys, seq)?)?;
    }
    Ok(())
}

fn load_batch(shard: &dyn Shard, keys: &Keys, seq: u64) -> Result<Batch, CollectionError> {
    let parts = shard.scan(&rows::batch_parts(seq), None, 16)?.rows;
    let mut sealed = Vec::new();
    for (expected, (key, value)) in (0u16..).zip(parts) {
        if rows::parse_batch(&key) != Some((seq, expected)) {
            return Err(CollectionError::Tampered("batch"));
        }
        sealed.extend_from_slice(&value);
    }
    let root = keys.root_of(seq)?;
    let place = keys.root_place(Kind::Batch, root, seq);
    let plain = Sealed::<BatchRecord>::from_bytes(sealed)
        .open(root.key(), place)
        .map_err(|_| CollectionError::Tampered("batch"))?;
    let digest = one(shard, rows::digest(seq))?;
    if digest.as_deref() != Some(&batch_digest(plain.expose())[..]) {
        return Err(CollectionError::Tampered("batch"));
    }
    decode(plain.expose()).map_err(|_| CollectionError::Tampered("batch"))
}

fn seal_head(
    keys: &Keys,
    head: &Head,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, CollectionError> {
    let plain = Plain::<HeadRecord>::new(encode(&(head.size, head.root))?);
    let root = keys.root();
    let place = keys.root_place(Kind::HeadRow, root, 0);
    Ok(plain.seal(root.key(), place, nonce(entropy)?)?.as_bytes().to_vec())
}

fn batch_digest(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("prag 2026 batch digest v1");
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}
