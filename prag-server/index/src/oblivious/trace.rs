//! What an observer of memory could see of a scan.
//!
//! Layer: index, oblivious.
//! Holds: the events, and the two ways to take them: not at all, and all of them.
//! Never: a value that was read.
//! Invariant: stored rows are read only through accessors that take a trace.

/// A step of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The vector of a row was read.
    Vector(u32),
    /// Whether a row lives was read.
    Alive(u32),
    /// All cells of a row were read.
    Cells(u32),
    /// The record of a row was read whole.
    Record(u32),
    /// A condition was tried on a row, with so many values.
    Condition(usize),
    /// Two places of the network were compared and, perhaps, exchanged.
    Exchange(usize, usize),
    /// A record was copied, or not, to the place of an answer.
    Copy(usize),
}

/// Takes events. Rows are numbered over all parts of a scan.
pub trait Trace {
    /// This happened.
    fn note(&mut self, event: Event);
}

/// Takes none: nothing of it is left in the compiled scan.
pub struct Silent;

impl Trace for Silent {
    #[inline(always)]
    fn note(&mut self, _: Event) {}
}
