//! One change of good bytes.
//!
//! Layer: tests.
//! Holds: flips, numbers at their limits, cuts, repeats, splices, and words that parsers stumble over.
//! Never: an empty result only; what is left may be decoded further.
//! Invariant: a change applies to bytes of any length.

use proptest::prelude::*;
use proptest::sample::Index;

/// Where, and how much.
type Range = (Index, Index);

/// What is done.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    /// A number of two, four or eight bytes, little-endian or big-endian.
    Number(Index, u64, u8, bool),
    Cut(Range),
    End(Index),
    Repeat(Range, u8),
    Insert(Index, Vec<u8>),
    Word(Index, usize),
    /// The rest is that of another good one.
    Splice(Index, Index),
    Swap(Index, Index),
}

impl Change {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let at = any::<Index>;
        let number = prop_oneof![
            prop::sample::select(&NUMBERS[..]),
            any::<u64>(),
            any::<u8>().prop_map(u64::from),
        ];
        prop_oneof![
            3 => (at(), 1..=255u8).prop_map(|(at, bits)| Self::Flip(at, bits)),
            2 => (at(), prop::sample::select(&BYTES[..])).prop_map(|(at, byte)| Self::Set(at, byte)),
            3 => (at(), number, prop::sample::select(&[2u8, 4, 8][..]), any::<bool>())
                .prop_map(|(at, number, bytes, big)| Self::Number(at, number, bytes, big)),
            1 => (at(), at()).prop_map(Self::Cut),
            1 => at().prop_map(Self::End),
            2 => ((at(), at()), 1..40u8).prop_map(|(range, times)| Self::Repeat(range, times)),
            1 => (at(), prop::collection::vec(any::<u8>(), 1..20)).prop_map(|(at, new)| Self::Insert(at, new)),
            2 => (at(), 0..WORDS.len()).prop_map(|(at, word)| Self::Word(at, word)),
            1 => (at(), at()).prop_map(|(from, other)| Self::Splice(from, other)),
            1 => (at(), at()).prop_map(|(one, other)| Self::Swap(one, other)),
        ]
    }

    pub(crate) fn apply(&self, bytes: &mut Vec<u8>, good: &[Vec<u8>]) {
        let place = |at: &Index, bytes: &[u8]| at.index(bytes.len() + 1);
        match self {
            Self::Flip(at, bits) => one(bytes, at, |byte| *byte ^= bits),
            Self::Set(at, new) => one(bytes, at, |byte| *byte = *new),
            Self::Number(at, number, count, big) => {
                let at = place(at, bytes);
                let count = usize::from(*count);
                let (little, big_end) = (number.to_le_bytes(), number.to_be_bytes());
                let new = if *big { &big_end[8 - count..] } else { &little[..count] };
                let end = (at + count).min(bytes.len());
                bytes.splice(at..end, new.iter().copied());
            }
            Self::Cut(between) => drop(bytes.drain(range(between, bytes))),
            Self::End(at) => bytes.truncate(place(at, bytes)),
            Self::Repeat(between, times) => {
                let range = range(between, bytes);
                let part = bytes[range.clone()].to_vec();
                let room = BYTES_MAX.saturating_sub(bytes.len());
                let times = usize::from(*times).min(room / part.len().max(1));
                bytes.splice(range.end..range.end, part.repeat(times));
            }
            Self::Insert(at, new) => {
                let at = place(at, bytes);
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Word(at, word) => {
                let at = place(at, bytes);
                bytes.splice(at..at, WORDS[*word].bytes());
            }
            Self::Splice(from, other) => {
                let other = other.get(good);
                let from = place(from, bytes);
                bytes.truncate(from);
                bytes.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            Self::Swap(left, right) => {
                let count = bytes.len();
                if count > 0 {
                    bytes.swap(left.index(count), right.index(count));
                }
            }
        }
    }
}

fn one(bytes: &mut [u8], at: &Index, change: impl FnOnce(&mut u8)) {
    if !bytes.is_empty() {
        change(&mut bytes[at.index(bytes.len())]);
    }
}

fn range((one, other): &Range, bytes: &[u8]) -> std::ops::Range<usize> {
    let (one, other) = (one.index(bytes.len() + 1), other.index(bytes.len() + 1));
    one.min(other)..one.max(other)
}

/// Repeats stop here.
const BYTES_MAX: usize = 256 << 10;
const BYTES: [u8; 12] = [0, 1, 0x7f, 0x80, 0xff, b'0', b'"', b'{', b'[', b'\\', b'\n', 0xc0];
const NUMBERS: [u64; 14] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x00ff_ffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    i64::MIN as u64,
    u64::MAX - 1,
    u64::MAX,
];
/// What JSON, HTTP, markup and numbers stumble over.
const WORDS: [&str; 28] = [
    "null",
    "true",
    "-0.0",
    "1e999",
    "-1",
    "18446744073709551616",
    "9007199254740993",
    "\"\"",
    "\\u0000",
    "\\ud800",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":",
    "}",
    "]",
    ",",
    "\"",
    "\r\n",
    "\0",
    "%00",
    "../",
    "<div>",
    "<!--",
    "&#x110000;",
    "# ",
    "```",
    "| a |\n|-",
    "\u{202e}",
    "\u{feff}",
];
