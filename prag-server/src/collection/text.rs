//! A text of a document: in memory as it was sent, or compressed; or where it lies on disk.
//!
//! Layer: collection, below `record`.
//! Holds: blocks of LZ4, each of whole characters, so that a passage costs the blocks that it touches.
//! Never: a compressed byte on disk: what is stored is padded and sealed as it was sent, so no length tells how well a
//! text compresses.
//! Invariant: packed or not, it reads, serializes and compares as the same text; one on disk reads as none.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

/// A text. Debug shows its length alone.
#[derive(Clone)]
pub struct Text(Form);

#[derive(Clone)]
enum Form {
    Plain(String),
    Packed(Box<[Block]>),
    /// In the documents' part of a segment.
    Elsewhere {
        start: usize,
        len: usize,
    },
}

/// A text was wanted that is on disk: a fault of whoever asked here for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not in memory")]
pub struct Elsewhere;

/// A run of the text.
#[derive(Clone)]
struct Block {
    /// One past its last byte in the text.
    end: usize,
    bytes: Box<[u8]>,
}

impl Text {
    /// Length in bytes, unpacked.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // nobody asks
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Plain(text) => text.len(),
            Form::Packed(blocks) => blocks.last().map_or(0, |block| block.end),
            Form::Elsewhere { len, .. } => *len,
        }
    }

    /// A text on disk: these bytes of its segment's documents.
    #[must_use]
    pub fn elsewhere(lies: Range<usize>) -> Self {
        Self(Form::Elsewhere { start: lies.start, len: lies.len() })
    }

    /// Where it lies in its segment's documents, if it is on disk.
    #[must_use]
    pub fn lies(&self) -> Option<Range<usize>> {
        match self.0 {
            Form::Plain(_) | Form::Packed(_) => None,
            Form::Elsewhere { start, len } => Some(start..start + len),
        }
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        match &self.0 {
            Form::Plain(text) => text.len(),
            Form::Packed(blocks) => {
                blocks.iter().map(|block| size_of::<Block>() + block.bytes.len()).sum()
            }
            Form::Elsewhere { .. } => 0,
        }
    }

    /// Whether reading it takes unpacking.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        matches!(self.0, Form::Packed(_))
    }

    /// All of it.
    ///
    /// # Errors
    /// [`Elsewhere`] where it is on disk.
    pub fn whole(&self) -> Result<Cow<'_, str>, Elsewhere> {
        self.slice(0..self.len()).ok_or(Elsewhere)
    }

    /// The bytes of `range`; `None` where it leaves the text, or cuts a character, or the text is on disk.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Option<Cow<'_, str>> {
        let blocks = match &self.0 {
            Form::Plain(text) => return text.get(range).map(Cow::Borrowed),
            Form::Packed(blocks) => blocks,
            Form::Elsewhere { .. } => return None,
        };
        if range.start > range.end || range.end > self.len() {
            return None;
        }
        let first = blocks.partition_point(|block| block.end <= range.start);
        let mut start = first.checked_sub(1).map_or(0, |before| blocks[before].end);
        let mut bytes = Vec::with_capacity(range.len());
        let mut cuts = false;
        for block in &blocks[first..] {
            if start >= range.end {
                break;
            }
            let wanted = range.start.max(start) - start..range.end.min(block.end) - start;
            unpack(block, block.end - start, |unpacked| {
                cuts |= unpacked.get(wanted.start).is_some_and(|&byte| continues(byte));
                bytes.extend_from_slice(unpacked.get(wanted).unwrap_or_default());
            });
            start = block.end;
        }
        // An end that cuts a character leaves what is no text; of nothing, only its place can tell.
        if cuts || bytes.len() != range.len() {
            return None;
        }
        String::from_utf8(bytes).ok().map(Cow::Owned)
    }

    /// Bytes that [`Text::slice`] unpacks for `range`.
    #[must_use]
    pub fn unpacks(&self, range: &Range<usize>) -> usize {
        let Form::Packed(blocks) = &self.0 else { return 0 };
        let first = blocks.partition_point(|block| block.end <= range.start);
        let after = blocks.partition_point(|block| block.end < range.end) + 1;
        let end = |at: usize| at.min(blocks.len()).checked_sub(1).map_or(0, |one| blocks[one].end);
        end(after).saturating_sub(end(first))
    }

    /// Compressed, where that saves memory.
    #[must_use]
    pub fn packed(self) -> Self {
        let Form::Plain(text) = &self.0 else { return self };
        if text.len() < PACK_BYTES_MIN {
            return self;
        }
        let mut blocks = Vec::with_capacity(text.len() / BLOCK_BYTES + 1);
        let mut start = 0;
        while start < text.len() {
            let most = text.len().min(start + BLOCK_BYTES);
            let end = (start..=most).rfind(|at| text.is_char_boundary(*at)).unwrap_or(most);
            let bytes = lz4_flex::block::compress(&text.as_bytes()[start..end]);
            blocks.push(Block { end, bytes: bytes.into_boxed_slice() });
            start = end;
        }
        let packed = Self(Form::Packed(blocks.into_boxed_slice()));
        if packed.kept_bytes() < text.len() { packed } else { self }
    }
}

/// Shows the bytes of a block of `length`. It unpacks: it was packed in this process, and no byte of it came from
/// elsewhere since.
fn unpack(block: &Block, length: usize, show: impl FnOnce(&[u8])) {
    SCRATCH.with_borrow_mut(|scratch| {
        // The longest there is, once: what is not there yet is written with zeros first.
        scratch.resize(scratch.len().max(length), 0);
        let unpacked = &mut scratch[..length];
        if lz4_flex::block::decompress_into(&block.bytes, unpacked)
            .is_ok_and(|count| count == length)
        {
            show(unpacked);
        }
    });
}

/// Whether a byte is within a character, not at its beginning (RFC 3629, section 3).
fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

thread_local! {
    /// Where this thread unpacks: at most [`BLOCK_BYTES`].
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Default for Text {
    fn default() -> Self {
        Self(Form::Plain(String::new()))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Form::Plain(text.to_owned()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Form::Plain(text))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        match (self.whole(), other.whole()) {
            (Ok(one), Ok(other)) => one == other,
            // What is not at hand is equal to nothing.
            (Ok(_) | Err(Elsewhere), Ok(_) | Err(Elsewhere)) => false,
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Text({} bytes)", self.len())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.whole().map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// Bytes of a block: what a passage costs at least to read, and what a window of LZ4 is worth. Of a manual, 4 KiB keep
/// 0.61 of the text and unpack in 1.9 µs; 16 KiB keep 0.54 and take 7.7.
const BLOCK_BYTES: usize = 4 << 10;
/// Shorter texts stay as they are.
const PACK_BYTES_MIN: usize = 256;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// A text of characters of one to four bytes, long enough for several blocks.
    fn long() -> String {
        (0..9000u32).map(|at| ["word ", "é", "漢字", "🦀", "\n"][(at * at % 5) as usize]).collect()
    }

    /// Packed, every span reads as it did, or is refused as it was.
    #[test]
    fn spans_read_alike() {
        for text in [String::new(), "short".to_owned(), "x".repeat(300), long()] {
            let (plain, packed) = (Text::from(text.clone()), Text::from(text.clone()).packed());
            let whole = packed.whole().unwrap().into_owned();
            assert_eq!((packed.len(), whole), (text.len(), text.clone()));
            assert_eq!(plain, packed);
            let mut seed = 5usize;
            let all = if packed.is_packed() { text.len() } else { 0 };
            assert_eq!(packed.unpacks(&(0..text.len())), all);
            for _ in 0..300 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let (a, b) = ((seed >> 33) % (text.len() + 2), (seed >> 20) % 4000);
                let range = a..a.saturating_add(b % (text.len() + 2));
                assert_eq!(plain.slice(range.clone()), packed.slice(range.clone()), "{range:?}");
                // Whole blocks: what is read and, at both ends, less than a block.
                let unpacks = packed.unpacks(&range);
                assert!(
                    unpacks <= (range.len() + 2 * BLOCK_BYTES).min(all),
                    "{range:?}: {unpacks}"
                );
                assert!(
                    !packed.is_packed() || unpacks >= range.len().min(text.len().saturating_sub(a))
                );
            }
            assert_eq!(
                postcard::to_allocvec(&plain).unwrap(),
                postcard::to_allocvec(&packed).unwrap()
            );
            assert_eq!(
                postcard::to_allocvec(&packed).unwrap(),
                postcard::to_allocvec(&text).unwrap()
            );
        }
    }

    /// A text that is on disk reads as none: not as an empty one, nor as equal to any, nor is it written as one.
    #[test]
    fn what_is_elsewhere_is_not_read() {
        let text = Text::elsewhere(10..17);
        assert_eq!((text.len(), text.kept_bytes(), text.lies()), (7, 0, Some(10..17)));
        assert_eq!((text.whole(), text.slice(0..0)), (Err(Elsewhere), None));
        assert!(text != text.clone() && postcard::to_allocvec(&text).is_err());
        assert_eq!(Text::from("x").lies(), None);
        assert_eq!(format!("{:?}", text.packed()), "Text(7 bytes)");
        assert_eq!(size_of::<Text>(), size_of::<String>());
    }

    /// What does not shrink is kept as it is; what does takes less. Debug tells no word.
    #[test]
    fn packing_never_costs() {
        let mut seed = 1u64;
        let noise: String = (0..40_000)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(33 + u8::try_from((seed >> 40) % 94).unwrap())
            })
            .collect();
        assert!(Text::from(noise.clone()).packed().kept_bytes() <= noise.len());
        assert!(Text::from(long()).packed().kept_bytes() < long().len() / 2);
        assert_eq!(format!("{:?}", Text::from("secret".to_owned())), "Text(6 bytes)");
    }
}
