//! Nodes with their scores as numbers that rank as they do, and sorted blocks of them.
//!
//! Layer: under `lib`.
//! Holds: how a node and its score make an entry, and the plain loops over blocks.
//! Never: a float compared twice; a branch on where an entry goes, which no processor guesses.
//! Invariant: a greater entry is a better score, or an equal one of a lower node; 0 is worse than all.

/// Entries that fill a register of AVX-512.
pub const BLOCK: usize = 8;

/// Entries on a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Block(pub [u64; BLOCK]);

/// How far [`crate::Isa::fit`] may write behind the last.
pub const FIT_AHEAD: usize = BLOCK;

/// The score in 32 bits that sort as floats do, then 31 of the node, the lower the greater, then 1.
#[must_use]
#[inline(always)]
pub fn entry(node: u32, score: f32) -> u64 {
    let bits = score.to_bits();
    let sorted = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(sorted) << 32 | u64::from(!node << 1 | 1)
}

/// An entry's score.
#[must_use]
#[inline(always)]
pub fn score(entry: u64) -> f32 {
    #[allow(clippy::cast_possible_truncation)] // the upper half
    let sorted = (entry >> 32) as u32;
    f32::from_bits(if sorted >> 31 == 1 { sorted & !(1 << 31) } else { !sorted })
}

/// An entry's node.
#[must_use]
#[inline(always)]
pub fn node(entry: u64) -> u32 {
    #[allow(clippy::cast_possible_truncation)] // the lower half
    let low = entry as u32;
    !low >> 1
}

/// As [`crate::Isa::fit`], from the node at `from` on, where `count` before it fit.
#[inline(always)]
pub(crate) fn fit(
    nodes: &[u32],
    scores: &[f32],
    bar: u64,
    fit: &mut [u64],
    from: usize,
    mut count: usize,
) -> usize {
    for (&node, &score) in nodes[from..].iter().zip(&scores[from..]) {
        let entry = entry(node, score);
        fit[count] = entry;
        count += usize::from(entry > bar);
    }
    count
}

/// As [`crate::Isa::insert`]. Each place is written: with what is there where that is better, else with the worse of
/// the entry and of what was before it.
#[inline(always)]
pub(crate) fn insert(blocks: &mut [Block], entries: &[u64]) {
    for &entry in entries {
        let mut last = u64::MAX;
        for Block(block) in &mut *blocks {
            let mut before = [last; BLOCK];
            before[1..].copy_from_slice(&block[..BLOCK - 1]);
            last = block[BLOCK - 1];
            for (there, before) in block.iter_mut().zip(before) {
                *there = (*there).max(before.min(entry));
            }
        }
    }
}
