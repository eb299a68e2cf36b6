//! From changes to batches.
//!
//! Layer: collection.
//! Holds: how a put is cut where it is larger than a batch.
//! Never: a key, the disk.
//! Invariant: what is cut is invisible until its last batch.

use super::CollectionError;
use super::log::BATCH_BYTES_MAX;
use super::record::{Batch, Idempotency, Op, encode};
use prag_trust::entropy::{Entropy, random};

/// Bytes of an encoded put above which it is staged in parts.
const STAGE_BYTES: usize = 2 << 20;

/// The batches of one put: one, or invisible stages and a final row that publishes them.
///
/// # Errors
/// [`CollectionError::Entropy`].
pub fn put_batches(
    op: Op,
    idempotency: Option<Idempotency>,
    time: u64,
    entropy: &mut dyn Entropy,
) -> Result<Vec<Batch>, CollectionError> {
    let bytes = encode(&op)?;
    if bytes.len() <= STAGE_BYTES {
        return Ok(vec![batch(vec![op], idempotency, time, entropy)?]);
    }
    const { assert!(STAGE_BYTES + 4096 < BATCH_BYTES_MAX) };
    let upload = random(entropy)?;
    let mut batches = Vec::new();
    let mut parts = 0;
    for bytes in bytes.chunks(STAGE_BYTES) {
        let op = Op::Stage { upload, part: parts, bytes: bytes.to_vec() };
        batches.push(batch(vec![op], None, time, entropy)?);
        parts += 1;
    }
    batches.push(batch(vec![Op::Publish { upload, parts }], idempotency, time, entropy)?);
    Ok(batches)
}

/// One batch with a fresh salt.
///
/// # Errors
/// [`CollectionError::Entropy`].
pub fn batch(
    ops: Vec<Op>,
    idempotency: Option<Idempotency>,
    time: u64,
    entropy: &mut dyn Entropy,
) -> Result<Batch, CollectionError> {
    Ok(Batch { salt: random(entropy)?, time, ops, idempotency })
}
