//! Search whose memory accesses tell nothing of what is sought.
//!
//! Layer: index.
//! Holds: an exact scan over every row of every part, with filters, deletions, the choice of the best and the copying
//! of their records done by arithmetic.
//! Never: at a row, a branch or an address that depends on a query, a filter's values, a vector, metadata, a record or
//! a score.
//! Invariant: two scans of the same shape have the same [`Trace`], whatever is asked and whatever is stored.
//!
//! What the shape is, and so is not hidden: how many parts and rows there are, the dimension, `k`, and of a filter how
//! many conditions of which kind it has, how many values each lists, of which kinds, and their lengths in blocks of 64
//! bytes. A filter is coded before the first row, by ordinary code: it branches on numbers and bounds. How many answers
//! there are, and how long they are, is known to whoever reads the result. Writes are not hidden at all.

mod cells;
mod choice;
mod filter;
mod network;
mod scan;
mod table;
#[cfg(test)]
mod tests;
mod trace;

pub use scan::{Answer, Question, Source, scan};
pub use table::{Alive, RECORD_BYTES_MAX, SCALARS_MAX, Table, Unfit};
pub use trace::{Event, Silent, Trace};
