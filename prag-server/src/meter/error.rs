//! Why metering refuses.
//!
//! Layer: server, below `meter`.
//! Holds: one reason for each thing that a caller can do next.
//! Never: whose session, or what was asked.
//! Invariant: with a refusal nothing is counted; where the disk failed, the request's id tells, once.

/// Why a request or a voucher is refused. A good voucher that came along is taken all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MeterError {
    /// Countersign the latest voucher, hand it in, and ask again.
    #[error("the session owes {owed} queries; it may owe {credit}")]
    Due {
        /// Queries counted and not countersigned, with those that are being served.
        owed: u64,
        /// The bound.
        credit: u64,
    },
    /// Of another ledger, worker, collection, account or session, or signed by a key that is none of ours.
    #[error("the voucher is of another session")]
    Foreign,
    /// A signature does not hold, or a number is out of bounds.
    #[error("the voucher's numbers or signatures do not hold")]
    Invalid,
    /// A later voucher is kept.
    #[error("a later voucher is kept")]
    Old,
    /// The request was served again as often as it may be: ask with a new id.
    #[error("the request id was used too often")]
    Repeats,
    /// Too many sessions of the account or the collection. Use an earlier session, or come back when one has ended.
    #[error("too many metered sessions")]
    Full,
    /// A counter is at its end: use another session key.
    #[error("the session's counters are at their end")]
    Exhausted,
    /// The disk failed. Ask again, with the same request id.
    #[error("the storage failed")]
    Storage,
}
