//! What ledgers store and say: records, messages, queries and replies; of access here, of the others in modules below.
//!
//! Layer: protocol.
//! Holds: integers, fixed bytes and bounded text, shared by contracts, server and client.
//! Never: floats, clocks, hashing; names or content of documents.
//! Invariant: a message that passes its check, such as [`AccessMsg::check`], is bounded in every field.
//!
//! JSON: enums are externally tagged in snake case, 32-byte values are lowercase hex, integers stay
//! below 2^53 so that every reader keeps them exactly. Unknown fields are refused.

pub mod amount;
pub mod bank;
mod check;
pub mod coin;
mod grants;
pub mod hex32;
pub mod hex64;
pub mod market;
mod messages;
mod offer;
mod pulse;
mod records;
mod relayed;
pub mod rewards;
#[cfg(feature = "schema")]
pub mod schema;
pub mod subscription;
pub mod transaction;
pub mod voucher;
pub mod workers;

pub use check::BoundError;
pub use grants::{GrantRecord, Source};
pub use messages::{AccessMsg, AccessQuery, AccessReply};
pub use offer::{BuyMsg, Offer};
pub use pulse::{FreshReply, Pulse, PulseMsg};
pub use records::{
    Admission, Anchor, CollectionRecord, Placement, PolicyRecord, ShardOf, WriterRecord,
};
pub use relayed::{
    RELAY_BYTES_MAX, RELAY_SECONDS_MAX, RELAYED_MESSAGE_BYTES_MAX, Relaying, Speaker, transcript,
};

/// Longest scope of a grant as a ledger keeps it, bytes of text.
pub const SCOPE_BYTES_MAX: usize = 4096;
/// Longest scope that is sealed, bytes of JSON: its sealed form is within [`SCOPE_BYTES_MAX`].
pub const SEALED_SCOPE_BYTES_MAX: usize = 2902;
/// Longest permit name that can be revoked, bytes.
pub const PERMIT_NAME_BYTES_MAX: usize = 128;
/// Most measurements, and most readers, of one collection's policy.
pub const POLICY_ENTRIES_MAX: usize = 16;
/// Most shards of one collection; shard numbers are below it.
pub const SHARDS_MAX: u32 = 4096;
/// Most live grants of one collection.
pub const GRANTS_PER_COLLECTION_MAX: u32 = 65_536;
/// Most grants of its own that a delegate can have at once.
pub const DELEGATED_MAX: u32 = 1024;
/// Longest life of a grant from now, seconds (ten years of 366 days).
pub const GRANT_SECONDS_MAX: u64 = 3660 * 86_400;
/// Longest lease of a placement from now, seconds (90 days).
pub const LEASE_SECONDS_MAX: u64 = 90 * 86_400;
/// Largest integer in any message or record: 2^53 - 1.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;
/// Most rows of one page of a ledger query.
pub const LEDGER_PAGE_ROWS_MAX: u32 = 100;
/// All of a whole, in basis points.
pub const BPS: u32 = 10_000;
/// All of a whole, in millionths.
pub const MILLION: u32 = 1_000_000;

#[cfg(test)]
mod tests;
