//! The two programs as a user runs them, watched from outside.
//!
//! Layer: tests.
//! Holds: a worker process, a recording proxy before it, and the `prag-sim` command.
//! Never: looks inside either program.
//! Invariant: what the host, the disk, the log and the wire show holds no marker of the corpus.

#![allow(clippy::unwrap_used, clippy::panic)]

mod canary;
mod crash;
mod model;
mod process;
mod sealed;
mod torn;
mod twin;
mod wire;
mod worker;
