//! The scan: every row is scored, judged, and perhaps copied.
//!
//! Layer: index, oblivious.
//! Holds: the two passes: one for the best keys, one for their records.
//! Never: a way out before the last row.
//! Invariant: what is found is what an exact scan of the rows that live and match finds: by score, then by row.

use super::choice::{choice, flushed, mask, ordered, same, score};
use super::filter::Coded;
use super::network::Best;
use super::table::{Alive, RECORD_WORDS, Record, Table};
use super::trace::{Event, Trace};
use crate::error::IndexError;
use crate::simd::{Kernel, vectorized};
use crate::vectors::check_query;
use crate::{Segment, Tail};
use prag_protocol::filter::Filter;
use subtle::ConditionallySelectable;

/// A part to be scanned.
pub struct Source<'a> {
    vectors: Rows<'a>,
    table: &'a Table,
    alive: &'a Alive,
}

enum Rows<'a> {
    Segment(&'a Segment),
    Tail(&'a Tail),
}

/// What is asked.
pub struct Question<'a> {
    /// As many components as the rows have.
    pub vector: &'a [f32],
    /// Each of them must hold.
    pub filters: &'a [Filter],
    /// Answers wanted, at least 1.
    pub k: usize,
}

/// A row that was found.
pub struct Answer {
    /// Cosine similarity.
    pub score: f32,
    /// What [`Table::push`] was given.
    pub record: Vec<u8>,
}

impl<'a> Source<'a> {
    /// A segment, with what is kept of its rows.
    #[must_use]
    pub fn segment(segment: &'a Segment, table: &'a Table, alive: &'a Alive) -> Self {
        Self { vectors: Rows::Segment(segment), table, alive }
    }

    /// The tail, with what is kept of its rows.
    #[must_use]
    pub fn tail(tail: &'a Tail, table: &'a Table, alive: &'a Alive) -> Self {
        Self { vectors: Rows::Tail(tail), table, alive }
    }

    fn rows(&self) -> u32 {
        match self.vectors {
            Rows::Segment(segment) => segment.len(),
            Rows::Tail(tail) => tail.len(),
        }
    }

    #[inline(always)]
    fn vector<T: Trace>(&self, row: u32, number: u32, trace: &mut T) -> &[f32] {
        trace.note(Event::Vector(number));
        let vector = match self.vectors {
            Rows::Segment(segment) => segment.floats(row),
            Rows::Tail(tail) => tail.floats(row),
        };
        vector.unwrap_or_default()
    }

    /// # Errors
    /// [`IndexError::Dimension`]; [`IndexError::Rows`] where the table is another part's, or vectors are not kept as
    /// f32.
    fn check(&self, dimension: usize) -> Result<u32, IndexError> {
        let found = match self.vectors {
            Rows::Segment(segment) => segment.dimension(),
            Rows::Tail(tail) => tail.dimension(),
        };
        if found != dimension {
            return Err(IndexError::Dimension { expected: found, found: dimension });
        }
        let rows = self.rows();
        let floats = match self.vectors {
            Rows::Segment(segment) => segment.floats(0).is_some(),
            Rows::Tail(tail) => tail.floats(0).is_some(),
        };
        let fits =
            (floats || rows == 0) && self.table.len() == rows && self.alive.room() >= rows as usize;
        if fits { Ok(rows) } else { Err(IndexError::Rows) }
    }
}

/// The best `k` rows of all parts that live and match, best first, ties by part and row; fewer where there are no more.
/// Takes time in proportion to the rows, and for the records to the rows times `k`.
///
/// # Errors
/// [`IndexError::Dimension`], [`IndexError::Query`]; [`IndexError::Rows`] where a part does not fit its table, or its
/// vectors are not kept as f32.
pub fn scan<T: Trace>(
    sources: &[Source<'_>],
    question: &Question<'_>,
    trace: &mut T,
) -> Result<Vec<Answer>, IndexError> {
    let query: Vec<f32> = question.vector.iter().map(|value| flushed(*value)).collect();
    check_query(&query, query.len())?;
    let mut rows = 0u32;
    for source in sources {
        let more = source.check(query.len())?;
        rows = rows.checked_add(more).filter(|sum| *sum < u32::MAX).ok_or(IndexError::Rows)?;
    }
    let filters: Vec<Coded> = question.filters.iter().map(Coded::new).collect();
    let mut best = Best::new(question.k);
    let mut number = 0;
    for source in sources {
        number = choose(source, number, (query.as_slice(), filters.as_slice()), &mut best, trace);
    }
    let mut keys = best.finish(trace);
    keys.truncate(question.k);
    let mut records = vec![[0u64; RECORD_WORDS]; keys.len()];
    let mut number = 0;
    for source in sources {
        number = copy(source, number, &keys, &mut records, trace);
    }
    Ok(keys.iter().zip(&records).take_while(|(key, _)| **key != 0).map(answer).collect())
}

/// Push a key for each row: its score above its number, counted down, or zero.
fn choose<T: Trace>(
    source: &Source<'_>,
    mut number: u32,
    (query, filters): (&[f32], &[Coded]),
    best: &mut Best,
    trace: &mut T,
) -> u32 {
    for row in 0..source.rows() {
        let score = vectorized(Dot(query, source.vector(row, number, trace)));
        let mut wanted = source.alive.read(row, number, trace);
        for filter in filters {
            wanted &= filter.holds(source.table.cells(row, number, trace), trace);
        }
        let key = u64::from(ordered(score)) << 32 | u64::from(!number);
        best.push(u64::conditional_select(&0, &key, choice(wanted)), trace);
        number += 1;
    }
    number
}

/// Let each row's record into the place of the key that names it, and into no other.
fn copy<T: Trace>(
    source: &Source<'_>,
    number: u32,
    keys: &[u64],
    records: &mut [Record],
    trace: &mut T,
) -> u32 {
    let rows = source.rows();
    for first in (0..rows).step_by(TILE) {
        let tile = first..rows.min(first + TILE as u32);
        // Behind the last row nothing is chosen, but as much is done.
        let mut from = [&NO_RECORD; TILE];
        for (from, row) in from.iter_mut().zip(tile.clone()) {
            *from = source.table.record(row, number + row, trace);
        }
        for (place, (key, into)) in keys.iter().zip(records.iter_mut()).enumerate() {
            trace.note(Event::Copy(place));
            let mut masks = [0; TILE];
            for (chosen, row) in masks.iter_mut().zip(tile.clone()) {
                let lower = key & u64::from(u32::MAX);
                *chosen = mask(same(lower, u64::from(!(number + row))));
            }
            vectorized(Overlay { from, into, masks });
        }
    }
    number + rows
}

fn answer((key, record): (&u64, &Record)) -> Answer {
    #[allow(clippy::cast_possible_truncation)]
    // the upper half; lengths are bounded where they are written
    let (ordered, length) = ((key >> 32) as u32, record[0] as usize);
    let mut bytes: Vec<u8> = record[1..].iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.truncate(length);
    Answer { score: score(ordered), record: bytes }
}

struct Dot<'a>(&'a [f32], &'a [f32]);

impl Kernel for Dot<'_> {
    type Output = f32;
    /// The sum in the order of [`crate::simd::dot`]; the left side is flushed already.
    #[inline(always)]
    fn run(self) -> f32 {
        prag_simd::dot_by(self.0, self.1, |value| flushed(*value))
    }
}

struct Overlay<'a> {
    from: [&'a Record; TILE],
    into: &'a mut Record,
    masks: [u64; TILE],
}

impl Kernel for Overlay<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let [a, b, c, d] = self.from;
        let [of_a, of_b, of_c, of_d] = self.masks;
        for ((((into, a), b), c), d) in self.into.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *into |= (a & of_a) | (b & of_b) | (c & of_c) | (d & of_d);
        }
    }
}

/// Rows that are looked at together, so that an answer's place is read and written once for all of them.
const TILE: usize = 4;
/// Stands where a tile has fewer rows.
static NO_RECORD: Record = [0; RECORD_WORDS];
