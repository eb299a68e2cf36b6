//! Messages to the ledger that travel with the request that they belong to, and the owner's word for the worker.
//!
//! Layer: protocol, wire.
//! Holds: the headers' names and bounds.
//! Never: what is signed: the ledger's contract fixes those bytes.
//! Invariant: the request's own signature need not cover them, since each of them is signed for itself.
//!
//! `prag-relays: <base64url of a JSON array>`, each entry what the access contract takes in `{"relayed": …}`, in the order
//! of `sign` in the problem `authorization-required` that asked for them.
//!
//! `prag-introduction: <base64url of JSON>`, as the access contract takes it beside a question: a ledger whose storage is
//! closed tells a worker of what it does not serve by its owner's word only. It comes with every request to administer.

/// The header.
pub const RELAYS_HEADER: &str = "prag-relays";
/// Most messages of one request.
pub const RELAYS_MAX: usize = 4;
/// Longest header, bytes.
pub const RELAYS_HEADER_BYTES_MAX: usize = 96 << 10;
/// The header of an owner's word.
pub const INTRODUCTION_HEADER: &str = "prag-introduction";
/// Longest word, bytes of JSON.
pub const INTRODUCTION_BYTES_MAX: usize = 4096;
