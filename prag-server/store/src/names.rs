//! Names of shards, blobs and checkpoints, and how they are written on disk.
//!
//! Layer: `prag-store`.
//! Holds: opaque ids; the caller draws them at random or derives them with a key.
//! Never: a name that says something about its content.
//! Invariant: lowercase hex of a fixed length, so a name cannot leave its directory.

use std::fmt;

/// Position of a batch in its shard: 1 for the first one, then one more each; 0 before any.
pub type Seq = u64;

/// Name of a shard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardName(pub [u8; 16]);

/// Name of a blob within its shard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName(pub [u8; 32]);

/// A checkpoint, named by the seq of the last batch in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointId(pub Seq);

impl ShardName {
    /// The name written as 32 lowercase hex digits, if it is one.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        decode(text).map(Self)
    }
}

impl BlobName {
    /// The name written as 64 lowercase hex digits, if it is one.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        decode(text).map(Self)
    }
}

impl CheckpointId {
    /// The id written as 16 lowercase hex digits, if it is one.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        decode(text).map(|bytes| Self(Seq::from_be_bytes(bytes)))
    }
}

impl fmt::Display for ShardName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        encode(&self.0, out)
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        encode(&self.0, out)
    }
}

impl fmt::Display for CheckpointId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        encode(&self.0.to_be_bytes(), out)
    }
}

impl fmt::Debug for ShardName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ShardName({self})")
    }
}

impl fmt::Debug for BlobName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "BlobName({self})")
    }
}

impl fmt::Debug for CheckpointId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "CheckpointId({})", self.0)
    }
}

fn encode(bytes: &[u8], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
