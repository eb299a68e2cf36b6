//! Where keys come from after a restart: each kind, their order, and whoever must get none.
//!
//! Layer: tests.
//! Holds: two workers of one ledger, a worker that is played by hand, and a ledger that keeps shares as a chain would.
//! Never: a key that a test puts into a worker; they come by the worker's own ways.
//! Invariant: whoever is refused stays locked, says why, and can be asked again.

#![allow(clippy::unwrap_used, clippy::panic)]

mod chain;
mod giver;
mod hand;
mod ledger;
mod moves;
mod order;
mod pki;
mod played;
mod rotation;
mod stage;
