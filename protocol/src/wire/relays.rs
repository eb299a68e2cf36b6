//! Messages to the ledger that travel with the request that they belong to.
//!
//! Layer: protocol, wire.
//! Holds: the header's name and bounds.
//! Never: what is signed: the ledger's contract fixes those bytes.
//! Invariant: the request's own signature need not cover them, since each of them is signed for itself.
//!
//! `prag-relays: <base64url of a JSON array>`, each entry what the access contract takes in `{"relayed": …}`, in the order
//! of `sign` in the problem `authorization-required` that asked for them.

/// The header.
pub const RELAYS_HEADER: &str = "prag-relays";
/// Most messages of one request.
pub const RELAYS_MAX: usize = 4;
/// Longest header, bytes.
pub const RELAYS_HEADER_BYTES_MAX: usize = 96 << 10;
