//! A roaring bitmap as plain words.
//!
//! Layer: index.
//! Holds: a reader of the portable form that the bitmap writes, which is a copy of its words where it is dense.
//! Never: trusts the form: what does not read as expected is set bit by bit.
//! Invariant: the same bits either way.
//!
//! A bitmap's own iterator takes some 10 ns a run: half of 100,000 rows, at random, cost more than the search.

use crate::scratch::Lent;
use roaring::RoaringBitmap;

/// Set the bits of `allowed`, which end where `words` do.
pub(super) fn fill(words: &mut [u64], allowed: &RoaringBitmap) {
    let mut form: Lent<u8> = Lent::default();
    form.reserve(allowed.serialized_size());
    if allowed.serialize_into(&mut *form).is_ok() && read(words, &form).is_some() {
        return;
    }
    words.fill(0);
    slowly(words, allowed);
}

fn slowly(words: &mut [u64], allowed: &RoaringBitmap) {
    let mut runs = allowed.iter();
    while let Some(run) = runs.next_range() {
        set(words, *run.start() as usize, *run.end() as usize);
    }
}

/// The form of github.com/RoaringBitmap/RoaringFormatSpec. Nothing if it is another.
fn read(words: &mut [u64], mut form: &[u8]) -> Option<()> {
    let cookie = u32::from_le_bytes(*take(&mut form)?);
    let (count, runs) = match cookie & 0xffff {
        WITH_RUNS => {
            let count = (cookie >> 16) as usize + 1;
            let (runs, rest) = form.split_at_checked(count.div_ceil(8))?;
            form = rest;
            (count, runs)
        }
        _ if cookie == WITHOUT_RUNS => (u32::from_le_bytes(*take(&mut form)?) as usize, &[][..]),
        _ => return None,
    };
    let (heads, rest) = form.split_at_checked(count.checked_mul(4)?)?;
    form = rest;
    if runs.is_empty() || count >= OFFSETS_MIN {
        form = form.get(count * 4..)?;
    }
    for (at, &[low, high, few, many]) in heads.as_chunks::<4>().0.iter().enumerate() {
        let first = usize::from(u16::from_le_bytes([low, high])) * CONTAINER_WORDS;
        let ones = usize::from(u16::from_le_bytes([few, many])) + 1;
        let end = words.len().min(first + CONTAINER_WORDS);
        // Rows beyond the words are nobody's; containers ascend.
        let Some(words) = words.get_mut(first..end) else { return Some(()) };
        let is_run = runs.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
        container(words, &mut form, is_run, ones)?;
    }
    Some(())
}

fn container(words: &mut [u64], form: &mut &[u8], is_run: bool, ones: usize) -> Option<()> {
    if is_run {
        let count = usize::from(u16::from_le_bytes(*take(form)?));
        for _ in 0..count {
            let start = usize::from(u16::from_le_bytes(*take(form)?));
            let more = usize::from(u16::from_le_bytes(*take(form)?));
            set(words, start, start + more);
        }
    } else if ones <= ARRAY_MAX {
        let (values, rest) = form.split_at_checked(ones * 2)?;
        *form = rest;
        for value in values.as_chunks::<2>().0 {
            let bit = usize::from(u16::from_le_bytes(*value));
            if let Some(word) = words.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    } else {
        let (values, rest) = form.split_at_checked(CONTAINER_WORDS * 8)?;
        *form = rest;
        for (word, value) in words.iter_mut().zip(values.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*value);
        }
    }
    Some(())
}

fn take<'a, const N: usize>(form: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, rest) = form.split_first_chunk()?;
    *form = rest;
    Some(head)
}

/// Set the bits `start` to `end`, both included, as far as there are words.
fn set(words: &mut [u64], start: usize, end: usize) {
    let Some(most) = (words.len() * 64).checked_sub(1) else { return };
    if start > most {
        return;
    }
    let end = end.min(most);
    let (first, last) = (start / 64, end / 64);
    let head = u64::MAX << (start % 64);
    let tail = u64::MAX >> (63 - end % 64);
    if first == last {
        words[first] |= head & tail;
        return;
    }
    words[first] |= head;
    words[first + 1..last].fill(u64::MAX);
    words[last] |= tail;
}

const WITHOUT_RUNS: u32 = 12_346;
const WITH_RUNS: u32 = 12_347;
/// With runs, so many containers have offsets before them.
const OFFSETS_MIN: usize = 4;
/// More ones than this are a bitmap.
const ARRAY_MAX: usize = 4096;
const CONTAINER_WORDS: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Arrays, bitmaps and runs in any mixture, with rows beyond the end: the form reads as the bits say.
        #[test]
        fn form_reads_as_the_bits(
            parts in prop::collection::vec((0u32..400_000, 1u32..90_000, 1u32..40), 0..8),
            packed in any::<bool>(),
            size in 0usize..6000,
        ) {
            let mut allowed = RoaringBitmap::new();
            for (start, length, step) in parts {
                allowed.extend((start..start + length).step_by(step as usize));
            }
            if packed {
                allowed.optimize();
            }
            let mut form = Vec::new();
            allowed.serialize_into(&mut form).unwrap();
            let (mut quick, mut slow) = (vec![0; size], vec![0; size]);
            prop_assert!(read(&mut quick, &form).is_some());
            slowly(&mut slow, &allowed);
            prop_assert!(quick == slow);
            let expected = |at: usize| (0..64).fold(0u64, |word, bit| {
                let row = u32::try_from(at * 64 + bit).unwrap();
                word | u64::from(allowed.contains(row)) << bit
            });
            prop_assert!((0..size).step_by(97).all(|at| quick[at] == expected(at)));
        }
    }
}
