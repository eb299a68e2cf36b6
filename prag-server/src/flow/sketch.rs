//! What one grantee's searches look like, in a few bytes: for the owner's eyes, not for a verdict.
//!
//! Layer: flow.
//! Holds: how many different documents were returned (estimate), and what the last searches had in common.
//! Never: a text, a vector, an id or a score; only hashes, signs and counts, in memory.
//! Invariant: constant size per grantee, whatever it asks.

use std::collections::{BTreeSet, VecDeque};

/// How many different documents: exact below [`KEPT`], about 9 % off above.
///
/// Source: k minimum values, Bar-Yossef et al. 2002.
#[derive(Default)]
pub(super) struct Distinct(BTreeSet<u64>);

impl Distinct {
    /// Note a document.
    pub(super) fn note(&mut self, id: &str) {
        self.0.insert(short_hash(id.as_bytes()));
        if self.0.len() > KEPT {
            self.0.pop_last();
        }
    }

    /// The estimate.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn count(&self) -> u64 {
        match self.0.last() {
            Some(&largest) if self.0.len() == KEPT => {
                let share = largest as f64 / u64::MAX as f64;
                ((KEPT - 1) as f64 / share) as u64
            }
            Some(_) | None => self.0.len() as u64,
        }
    }
}

/// The last searches of one grantee.
#[derive(Default)]
pub(super) struct Recent {
    /// Signatures of what was asked.
    asked: VecDeque<Signature>,
    /// One bit a search, the newest lowest: it probed.
    probes: u64,
}

/// What a search was for, without saying it.
#[derive(Clone, Copy)]
pub(super) struct Signature {
    /// Alike for what is alike: signs of 64 random projections (Charikar 2002).
    signs: u64,
    /// Equal for what is equal.
    hash: u64,
    /// In how many signs near ones may differ.
    reach: u32,
}

impl Signature {
    /// Of a vector.
    pub(super) fn of_vector(vector: &[f32]) -> Self {
        let mut sums = [0f32; 64];
        for (place, block) in (0u64..).zip(vector.chunks(64)) {
            project_block(&mut sums, (mix(2 * place), mix(2 * place + 1)), block);
        }
        let bytes: Vec<[u8; 4]> = vector.iter().map(|number| number.to_le_bytes()).collect();
        Self { signs: signs(&sums), hash: short_hash(bytes.as_flattened()), reach: NEAR_VECTORS }
    }

    /// Of a text: over the runs of four bytes of its beginning.
    pub(super) fn of_text(text: &str) -> Self {
        let mut sums = [0f32; 64];
        let start = &text.as_bytes()[..text.len().min(TEXT_BYTES)];
        for run in start.windows(4) {
            let run =
                run.iter().fold(0, |run, byte| run << 8 | u64::from(byte.to_ascii_lowercase()));
            project(&mut sums, mix(run));
        }
        Self { signs: signs(&sums), hash: short_hash(text.as_bytes()), reach: NEAR_TEXTS }
    }

    fn nearly(self, other: Self) -> bool {
        self.hash != other.hash && (self.signs ^ other.signs).count_ones() <= self.reach
    }
}

impl Recent {
    /// Note a search. `exact`: what it asked for is there, word for word or nearly. True if the last searches were
    /// mostly ones that asked for what is there, or for the same with a small change.
    pub(super) fn note(&mut self, signature: Signature, exact: bool) -> bool {
        let near = self.asked.iter().any(|before| before.nearly(signature));
        self.asked.push_front(signature);
        self.asked.truncate(ASKED);
        self.probes = self.probes << 1 | u64::from(exact || near);
        self.probes.count_ones() >= PROBES
    }
}

/// Adds all of at most 64 numbers to each sum, each with a sign of its own there: random signs, Walsh and Hadamard's
/// transform, and random signs again (Ailon and Chazelle 2006). Four hundred additions, not four thousand.
fn project_block(sums: &mut [f32; 64], (before, after): (u64, u64), block: &[f32]) {
    let mut turned = [0f32; 64];
    for (place, (to, number)) in turned.iter_mut().zip(block).enumerate() {
        *to = signed(*number, before >> place);
    }
    for half in [1, 2, 4, 8, 16, 32] {
        for pair in turned.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (one, other) in low.iter_mut().zip(high) {
                (*one, *other) = (*one + *other, *one - *other);
            }
        }
    }
    for (place, (sum, number)) in sums.iter_mut().zip(turned).enumerate() {
        *sum += signed(number, after >> place);
    }
}

/// The number, or its opposite where the lowest bit is set.
fn signed(number: f32, bits: u64) -> f32 {
    if bits & 1 == 1 { -number } else { number }
}

/// Adds 1 where a bit of `signs` is set, and takes it away elsewhere.
fn project(sums: &mut [f32; 64], signs: u64) {
    for (place, sum) in sums.iter_mut().enumerate() {
        *sum += signed(-1.0, signs >> place);
    }
}

fn signs(sums: &[f32; 64]) -> u64 {
    sums.iter().enumerate().map(|(bit, sum)| u64::from(*sum > 0.0) << bit).sum()
}

/// 64 bits that look random (SplitMix64, Steele, Lea and Flood 2014).
fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn short_hash(bytes: &[u8]) -> u64 {
    let hash = blake3::hash(bytes);
    hash.as_bytes().iter().take(8).fold(0, |short, byte| short << 8 | u64::from(*byte))
}

/// Smallest hashes kept.
const KEPT: usize = 128;
/// Searches that a new one is compared with.
const ASKED: usize = 16;
/// Of 64 searches, so many that probed are no chance.
const PROBES: u32 = 32;
/// Signs in which near vectors differ: expected for an angle of 17 degrees, a cosine of 0.956.
const NEAR_VECTORS: u32 = 6;
/// Texts of which four runs in five are the same differ in 13; texts that have nothing in common, in 32 on average.
const NEAR_TEXTS: u32 = 13;
/// Of a text, so much is looked at.
const TEXT_BYTES: usize = 1024;

#[cfg(test)]
mod tests;
