//! What the contract's answers are about.
//!
//! Layer: `cosmos::secret`, below `closed`.
//! Holds: of which state an answer is, to which question, about which collection; and what stands for none.
//! Never: an answer to another question; an absence that would open something.
//! Invariant: none of its own.

use crate::{CosmosError, VerifiedHeader};
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessQuery, AccessReply, Admission};

/// The height whose block left the state that `header` commits to.
pub(super) fn state(header: &VerifiedHeader) -> u64 {
    header.height().saturating_sub(1)
}

/// Whether the answer is one to this question.
pub(super) fn fits(query: &AccessQuery, reply: &AccessReply) -> bool {
    use {AccessQuery as Q, AccessReply as R};
    matches!(
        (query, reply),
        (Q::Collection { .. }, R::Collection(_))
            | (Q::Grant { .. }, R::Grant(_))
            | (Q::PermitRevoked { .. }, R::PermitRevoked(_))
            | (Q::Placement { .. }, R::Placement(_))
            | (Q::Writer { .. }, R::Writer(_))
            | (Q::Anchor { .. }, R::Anchor(_))
            | (Q::Policy { .. }, R::Policy(_))
            | (Q::Price { .. }, R::Price(_))
            | (Q::Admission { .. }, R::Admission(_))
            | (Q::Collections { .. } | Q::Shared { .. }, R::Collections { .. })
            | (Q::Grants { .. }, R::Grants { .. })
    )
}

/// What an account is told of what is hidden from it.
pub(super) fn absent(
    query: &AccessQuery,
    header: &VerifiedHeader,
) -> Result<AccessReply, CosmosError> {
    Ok(match query {
        AccessQuery::Collection { .. } => AccessReply::Collection(None),
        AccessQuery::Grant { .. } => AccessReply::Grant(None),
        AccessQuery::Placement { .. } => AccessReply::Placement(None),
        AccessQuery::Price { .. } => AccessReply::Price(None),
        AccessQuery::Admission { .. } => AccessReply::Admission(Admission {
            height: state(header),
            time: header.time(),
            collection: None,
            grant: None,
            through: None,
            permit_revoked: false,
            policy: None,
        }),
        AccessQuery::PermitRevoked { .. }
        | AccessQuery::Writer { .. }
        | AccessQuery::Anchor { .. }
        | AccessQuery::Policy { .. }
        | AccessQuery::Collections { .. }
        | AccessQuery::Shared { .. }
        | AccessQuery::Grants { .. } => return Err(CosmosError::Refused(HIDDEN.to_owned())),
    })
}

/// The collection of which an owner's word opens what is asked.
pub(super) fn about(query: &AccessQuery) -> Option<CollectionId> {
    match query {
        AccessQuery::Collection { collection }
        | AccessQuery::Placement { collection, .. }
        | AccessQuery::Writer { collection, .. }
        | AccessQuery::Policy { collection }
        | AccessQuery::Admission { collection, .. } => Some(*collection),
        AccessQuery::Grant { .. }
        | AccessQuery::Grants { .. }
        | AccessQuery::PermitRevoked { .. }
        | AccessQuery::Anchor { .. }
        | AccessQuery::Price { .. }
        | AccessQuery::Collections { .. }
        | AccessQuery::Shared { .. } => None,
    }
}

/// In the contract's words.
const HIDDEN: &str = "absent, or not for this account";
