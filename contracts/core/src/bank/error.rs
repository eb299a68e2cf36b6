//! Why the bank refuses.
//!
//! Layer: core, bank.
//! Holds: one enum; each variant says what the caller can do.
//! Never: somebody else's balance.
//! Invariant: a refusal moves nothing.

use crate::RowError;
use prag_protocol::ledger::BoundError;

/// Why money did not move, or an answer is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BankError {
    /// A field is outside its bounds. Not retryable as it is.
    #[error(transparent)]
    Bound(#[from] BoundError),
    /// The bank was opened before.
    #[error("the bank is open already")]
    Exists,
    /// Nobody opened the bank.
    #[error("this ledger has no bank")]
    NotOpen,
    /// Whoever pays has less. Get more first.
    #[error("{needs} units are to be paid, and the account has {has}")]
    Short {
        /// What there is.
        has: u128,
        /// What is to be paid.
        needs: u128,
    },
    /// Only the operator mints.
    #[error("only the bank's operator mints")]
    NotOperator,
    /// Money means something here: ask somebody who has some.
    #[error("this bank has no faucet")]
    NoFaucet,
    /// The faucet gives once.
    #[error("the account has had its share of the faucet")]
    Drawn,
    /// A balance is shown to its account and to the operator.
    #[error("a balance is shown to its own account only")]
    Forbidden,
    /// A number is at its end. Not retryable.
    #[error("{0} can grow no further")]
    Exhausted(&'static str),
    /// What is stored does not read back. Stop serving this state.
    #[error("a stored row of {0} is damaged")]
    Damaged(&'static str),
}

impl From<RowError> for BankError {
    fn from(error: RowError) -> Self {
        match error {
            RowError::Damaged(table) => Self::Damaged(table),
            RowError::Exhausted(what) => Self::Exhausted(what),
        }
    }
}
