//! What PRAG trusts, and why: typed keys, sealing, permits, signed requests, admission, evidence,
//! release, sealed replies, receipts, vouchers.
//!
//! Layer: above `protocol`, below everything else of ours; small enough to be read whole.
//! Holds: pure functions over bytes; every check returns a value that only the check can make.
//! Never: I/O, a clock, randomness of its own, async, a server, a database, a chain client.
//! Invariant: whatever fails to verify is refused, and the refusal carries places, never content.

pub mod address;
pub mod admission;
mod encoding;
pub mod evidence;
pub mod head;
pub mod permit;
pub mod receipt;
pub mod release;
pub mod reply;
pub mod request;
pub mod scope;
#[cfg(feature = "sim")]
pub mod sim;
pub mod verified;
pub mod voucher;

/// Typed keys, sealing, padding, and the traits through which callers lend chance and time.
pub use prag_seal::{entropy, frames, key, padding, resumed, seal, wiped};

/// The log behind every head.
pub use prag_merkle as merkle;
/// Evidence up to the vendor's root.
pub use prag_quote as quote;

#[cfg(test)]
mod tests;
