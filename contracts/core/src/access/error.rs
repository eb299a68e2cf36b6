//! Why the access contract refuses.
//!
//! Layer: core, access.
//! Holds: one enum; each variant says what the caller can do.
//! Never: content; names of collections or accounts.
//! Invariant: an absent collection and another's answer alike.

use crate::RowError;
use prag_protocol::Epoch;
use prag_protocol::ledger::BoundError;

/// Why a transition or query was refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// A field is outside its bounds. Not retryable as it is.
    #[error(transparent)]
    Bound(#[from] BoundError),
    /// No such collection, or not the sender's; on purpose we do not say which.
    #[error("the collection is absent or not the sender's")]
    Forbidden,
    /// The id was used before. Draw another.
    #[error("the collection id was used before")]
    Exists,
    /// Destroyed for good.
    #[error("the collection is destroyed")]
    Destroyed,
    /// The owner needs no grant, and nobody grants or transfers to themselves.
    #[error(
        "nobody grants to themselves, and the owner cannot be granted or handed its own collection"
    )]
    Owner,
    /// A delegate gives no more than it has. Not retryable as it is.
    #[error("{0} is beyond the delegate's own grant")]
    Beyond(&'static str),
    /// The grantee's grant, or the last word on it, is the owner's or another delegate's. Ask them.
    #[error("the grant is not one that the sender gave")]
    Another,
    /// A delegate has given as many grants as it may. Revoke some.
    #[error("a delegate of this grant has at most {max} grants of its own")]
    DelegatedFull {
        /// The bound.
        max: u32,
    },
    /// No grant of the collection is for sale: it is absent, destroyed, or has no price.
    #[error("no grant of this collection is for sale")]
    NotForSale,
    /// The price or what it buys has changed. Read it again.
    #[error("the terms of the sale are not the ones named; ask for the price again")]
    OtherTerms,
    /// Not exactly the price came along.
    #[error("exactly the price must come along, in one coin")]
    Price,
    /// The owner revoked the buyer's grant. Ask the owner.
    #[error("the owner has revoked the sender's grant")]
    Revoked,
    /// A running grant cannot be added to. Buy when it is over.
    #[error("the sender holds a grant of other terms, which has to end first")]
    Holds,
    /// A grant must allow `read`, `write`, or both.
    #[error("a grant must allow read, write, or both")]
    EmptyGrant,
    /// A time is not in the future, or further off than the bound.
    #[error("{field} must be 1 to {max} seconds from now")]
    Time {
        /// The field.
        field: &'static str,
        /// Greatest distance, seconds.
        max: u64,
    },
    /// As many live grants as one collection can have. Revoke some.
    #[error("a collection has at most {max} live grants")]
    GrantsFull {
        /// The bound.
        max: u32,
    },
    /// No live grant: absent, revoked or expired. Ask the owner.
    #[error("the grant is absent, revoked or expired")]
    NoGrant,
    /// Fewer units are left than were asked for. Ask the owner for more.
    #[error("only {left} units of the grant are left")]
    Quota {
        /// Units that are left.
        left: u64,
    },
    /// No live placement of the shard names the sender: absent, another's, lapsed, or of a past key epoch.
    #[error("the sender holds no live placement of the shard")]
    NotPlaced,
    /// A placement is for the current key epoch or the next.
    #[error("the key epoch must be {current} or the next")]
    KeyEpoch {
        /// The collection's key epoch.
        current: Epoch,
    },
    /// Another rotation came first, or this one skips an epoch. Read the collection again.
    #[error("the next key epoch is {next}")]
    RotatedEpoch {
        /// The only epoch that can follow now.
        next: Epoch,
    },
    /// Another claim came first. Read the writer again before anything is written.
    #[error("the next writer epoch is {next}")]
    WriterEpoch {
        /// The only epoch that can be claimed now.
        next: u64,
    },
    /// A root of zeros stands for "none" and cannot be published.
    #[error("root must not be zeros")]
    ZeroRoot,
    /// A nonce of zeros is nobody's draw.
    #[error("nonce must not be zeros")]
    ZeroNonce,
    /// `previous` is not the last root of this account. Read the anchor again.
    #[error("previous is not the last root of this account")]
    StaleAnchor,
    /// The account revoked the permit. Sign another.
    #[error("the permit is revoked")]
    PermitRevoked,
    /// The session's message of this sequence, or a later one, has happened: a repetition, or out of order.
    #[error("sequence must be above {last}, the last of this session")]
    Sequence {
        /// The session's greatest sequence so far.
        last: u64,
    },
    /// The same entry twice.
    #[error("{0} must not repeat an entry")]
    Repeated(&'static str),
    /// A counter is at its end. Not retryable.
    #[error("{0} can grow no further")]
    Exhausted(&'static str),
    /// What is stored does not read back. Stop serving this state.
    #[error("a stored row of {0} is damaged")]
    Damaged(&'static str),
}

impl From<RowError> for AccessError {
    fn from(error: RowError) -> Self {
        match error {
            RowError::Damaged(table) => Self::Damaged(table),
            RowError::Exhausted(what) => Self::Exhausted(what),
        }
    }
}
