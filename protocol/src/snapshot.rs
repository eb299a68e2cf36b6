//! A snapshot's index file, as far as anybody can read it.
//!
//! Layer: protocol.
//! Holds: the layout of the public part (format 1), and the folders in which a target keeps snapshots.
//! Never: what the sealed body says; a hash of its own.
//! Invariant: parsing allocates nothing before the length fits the bounds, and what parses encodes to the same bytes.
//!
//! Integers are big-endian: magic 8, version 4, lineage 16, key epoch 4, id 16, wrapped key 68, count of objects 4, then
//! each object's name 32 and length 4; the rest of the file is the sealed body.

use crate::{Epoch, Lineage};

/// First bytes of every index.
pub const MAGIC: [u8; 8] = *b"PRAGSNAP";
/// Format of index and objects.
pub const VERSION: u32 = 1;
/// Length of the body's key, wrapped.
pub const WRAPPED_KEY_BYTES: usize = 68;
/// Largest object, bytes.
pub const OBJECT_BYTES_MAX: u32 = 8 << 20;
/// Most objects of one snapshot: two TiB of the largest.
pub const OBJECTS_MAX: usize = 1 << 18;
/// Most snapshots of one collection in one target.
pub const SNAPSHOTS_MAX: usize = 1024;
/// Most objects that all of them have together.
pub const FOLDER_OBJECTS_MAX: usize = OBJECTS_MAX * 16;
/// Largest index, bytes: all objects listed, and a body of rows and references.
pub const INDEX_BYTES_MAX: usize = 64 << 20;

/// An object as the index lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// BLAKE3 of its bytes.
    pub name: [u8; 32],
    /// How many those are.
    pub bytes: u32,
}

/// The public part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which data; random, and the name of the shard's folder on a worker's disk too.
    pub lineage: Lineage,
    /// Key epoch that the body's key is wrapped in.
    pub epoch: Epoch,
    /// Random; the body's place.
    pub id: [u8; 16],
    /// The body's key, wrapped.
    pub wrapped: [u8; WRAPPED_KEY_BYTES],
    /// Every object, in the order of first use.
    pub objects: Vec<Listed>,
}

/// Why bytes are no index. Not retryable with the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Longer than [`INDEX_BYTES_MAX`].
    #[error("the index has {0} bytes, allowed are {INDEX_BYTES_MAX}")]
    TooLong(usize),
    /// Another kind of file.
    #[error("the file is no snapshot's index")]
    Magic,
    /// Of another version of this software.
    #[error("the index has format {0}, this build knows {VERSION}")]
    Version(u32),
    /// Cut short.
    #[error("the index is truncated")]
    Truncated,
    /// More than [`OBJECTS_MAX`].
    #[error("the index lists {0} objects, allowed are {OBJECTS_MAX}")]
    Objects(u32),
    /// An object of no byte, or of more than [`OBJECT_BYTES_MAX`].
    #[error("the index lists an object of {0} bytes, allowed are 1 to {OBJECT_BYTES_MAX}")]
    Object(u32),
}

impl Header {
    /// The layout's bytes; the sealed body follows them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(FIXED_BYTES + self.objects.len() * LISTED_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&self.lineage.0);
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&self.wrapped);
        out.extend_from_slice(&count.to_be_bytes());
        for object in &self.objects {
            out.extend_from_slice(&object.name);
            out.extend_from_slice(&object.bytes.to_be_bytes());
        }
        out
    }

    /// The public part of an index, and the sealed body behind it.
    ///
    /// # Errors
    /// [`HeaderError`] names what does not fit.
    pub fn parse(index: &[u8]) -> Result<(Self, &[u8]), HeaderError> {
        if index.len() > INDEX_BYTES_MAX {
            return Err(HeaderError::TooLong(index.len()));
        }
        let mut rest = index;
        if take(&mut rest).ok_or(HeaderError::Magic)? != MAGIC {
            return Err(HeaderError::Magic);
        }
        let version = number(&mut rest)?;
        if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        let lineage = Lineage(take(&mut rest).ok_or(HeaderError::Truncated)?);
        let epoch = number(&mut rest)?;
        let id = take(&mut rest).ok_or(HeaderError::Truncated)?;
        let wrapped = take(&mut rest).ok_or(HeaderError::Truncated)?;
        let count = number(&mut rest)?;
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        if most > OBJECTS_MAX {
            return Err(HeaderError::Objects(count));
        }
        if rest.len() / LISTED_BYTES < most {
            return Err(HeaderError::Truncated);
        }
        let mut objects = Vec::with_capacity(most);
        for _ in 0..most {
            let name = take(&mut rest).ok_or(HeaderError::Truncated)?;
            let bytes = number(&mut rest)?;
            if !(1..=OBJECT_BYTES_MAX).contains(&bytes) {
                return Err(HeaderError::Object(bytes));
            }
            objects.push(Listed { name, bytes });
        }
        Ok((Self { lineage, epoch, id, wrapped, objects }, rest))
    }

    /// Bytes of all objects together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| u64::from(object.bytes)).sum()
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (found, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*found)
}

fn number(rest: &mut &[u8]) -> Result<u32, HeaderError> {
    take(rest).map(u32::from_be_bytes).ok_or(HeaderError::Truncated)
}

const LISTED_BYTES: usize = 36;
const FIXED_BYTES: usize = 8 + 4 + 16 + 4 + 16 + WRAPPED_KEY_BYTES + 4;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn header() -> Header {
        Header {
            lineage: Lineage([1; 16]),
            epoch: 2,
            id: [3; 16],
            wrapped: [4; WRAPPED_KEY_BYTES],
            objects: vec![
                Listed { name: [5; 32], bytes: 1 },
                Listed { name: [6; 32], bytes: OBJECT_BYTES_MAX },
            ],
        }
    }

    /// The layout is frozen: targets hold it for years.
    #[test]
    fn golden_bytes() {
        let bytes = header().to_bytes();
        assert_eq!(&bytes[..12], b"PRAGSNAP\0\0\0\x01");
        assert_eq!((bytes[12], bytes[28..32].to_vec(), bytes[32]), (1, vec![0, 0, 0, 2], 3));
        assert_eq!((bytes[48], bytes[116..120].to_vec(), bytes[120]), (4, vec![0, 0, 0, 2], 5));
        assert_eq!(bytes[152..156], [0, 0, 0, 1]);
        assert_eq!(bytes[188..], [0, 0x80, 0, 0]);
        assert_eq!(bytes.len(), 192);
    }

    /// What is written is read back, with the body behind it; every cut of the public part is refused.
    #[test]
    fn every_cut_is_refused() {
        let bytes = header().to_bytes();
        let whole = [&bytes[..], b"body"].concat();
        assert_eq!(Header::parse(&whole), Ok((header(), &b"body"[..])));
        for length in 0..bytes.len() {
            let error = Header::parse(&bytes[..length]).unwrap_err();
            let wanted = if length < 8 { HeaderError::Magic } else { HeaderError::Truncated };
            assert_eq!(error, wanted, "{length}");
        }
    }

    /// Another file, version, count or length is refused by its own name, before anything is allocated for it.
    #[test]
    fn bounds_have_names() {
        let with = |at: usize, value: u32| {
            let mut bytes = header().to_bytes();
            bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
            Header::parse(&bytes).unwrap_err()
        };
        assert_eq!(with(0, 0), HeaderError::Magic);
        assert_eq!(with(8, 2), HeaderError::Version(2));
        assert_eq!(with(116, u32::MAX), HeaderError::Objects(u32::MAX));
        assert_eq!(with(116, 1 << 18), HeaderError::Truncated);
        assert_eq!(with(116, 3), HeaderError::Truncated);
        assert_eq!(with(152, 0), HeaderError::Object(0));
        assert_eq!(with(188, OBJECT_BYTES_MAX + 1), HeaderError::Object(OBJECT_BYTES_MAX + 1));
        let long = vec![0; INDEX_BYTES_MAX + 1];
        assert_eq!(Header::parse(&long), Err(HeaderError::TooLong(INDEX_BYTES_MAX + 1)));
    }
}
