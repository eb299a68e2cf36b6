//! What the workers contract stores and says: terms, workers, evidence, measurements.
//!
//! Layer: protocol, ledger part.
//! Holds: integers, fixed bytes and bounded text, shared by contracts, server and client.
//! Never: who may send what (contracts/core decides); what evidence proves.
//! Invariant: a message that passes [`WorkersMsg::check`] is bounded in every field.
//!
//! The messages and queries that Secret AI's WorkerManager documents keep their names and fields;
//! `ip_address` is the worker's URL, and an account is one worker, so that messages need name no key.
//! What its queries take as `signature` is accepted and not read: it signs nothing but a public key,
//! anybody can replay it, and whatever is registered on a ledger is public.

mod check;
mod endpoint;
mod messages;
mod queries;
mod records;

pub use check::FieldError;
pub use messages::{EvidenceBinding, Registration, WorkersInit, WorkersMsg};
pub use queries::{EvidencePart, LivelinessChallenge, Reporter, WorkersQuery, WorkersReply};
pub use records::{
    Approval, Attested, EvidenceRecord, Leaving, Parties, PendingParties, WindowSet, WorkerRecord,
    WorkersConfig, WorkersTerms,
};

/// Longest URL of a worker, bytes.
pub const ENDPOINT_BYTES_MAX: usize = 256;
/// Longest worker type, and longest service, bytes.
pub const WORKER_NAME_BYTES_MAX: usize = 64;
/// Longest attestation report, bytes of text.
pub const REPORT_BYTES_MAX: usize = 32 << 10;
/// Longest collateral, bytes of text.
pub const COLLATERAL_BYTES_MAX: usize = 96 << 10;
/// Evidence is stored, and read back, in chunks of this many bytes; the last one may be shorter.
pub const EVIDENCE_CHUNK_BYTES: usize = 8 << 10;
/// Greatest capacity of one worker.
pub const CAPACITY_MAX: u32 = 1_000_000;
/// Most workers of one service that [`WorkersQuery::GetNextWorker`] chooses among.
pub const SEATS_PER_SERVICE_MAX: u32 = 512;
/// Most measurements that are approved at one time.
pub const MEASUREMENTS_MAX: usize = 64;
/// Longest reason of a slashing, bytes.
pub const REASON_BYTES_MAX: usize = 256;
/// Longest key or signature text of a documented query, bytes.
pub const QUERY_TEXT_BYTES_MAX: usize = 256;
/// Greatest part of a stake that one missed window costs, in millionths.
pub const MISSED_PPM_MAX: u32 = 100_000;
/// Windows that a worker's record remembers; older ones can no longer be reported.
pub const WINDOWS_KEPT: u64 = 32;
/// Shortest window, seconds.
pub const WINDOW_SECONDS_MIN: u64 = 60;
/// Longest window, seconds.
pub const WINDOW_SECONDS_MAX: u64 = 86_400;
/// Longest life of evidence, timelock and unbonding, seconds (180 days).
pub const TERM_SECONDS_MAX: u64 = 180 * 86_400;

#[cfg(test)]
mod tests;
