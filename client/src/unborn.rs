//! Births that were turned away: whether a collection that was asked for cannot exist.
//!
//! Layer: client, below `owner`.
//! Holds: which refusals say so.
//! Never: a guess: what is not named here may have happened.
//! Invariant: a share is forgotten only where no collection can have been made with it.

use prag_protocol::problem::{Code, Problem};

/// Whether a worker turned a birth away for what was asked, before its ledger heard of it. Whatever else went wrong may
/// have done so after the collection was born, when vault, placement or shard failed: then the share on this machine is
/// the only one there is.
pub(crate) fn is_unborn(problem: &Problem) -> bool {
    match problem.code {
        Code::Conflict => problem.field.as_deref() == Some("name"),
        Code::Malformed
        | Code::InvalidField
        | Code::UnknownField
        | Code::TooLarge
        | Code::TooDeep
        | Code::EmptyText
        | Code::PermitInvalid
        | Code::PermitExpired
        | Code::SignatureInvalid
        | Code::ClockSkew
        | Code::PermissionMissing
        | Code::WorkerSealed
        | Code::ChannelRequired
        | Code::ChannelInvalid
        | Code::RouteNotFound
        | Code::MethodNotAllowed
        | Code::MediaType
        | Code::AuthorizationRequired => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what was wrong with the asking forgets the share: a ledger, vault or store that fails may do so after the
    /// birth, a placement may be refused after it, and a request that was seen before may have been done before.
    #[test]
    fn what_may_be_born_keeps_its_share() {
        let unborn = |code| is_unborn(&Problem::new(code, ""));
        for code in [
            Code::LedgerStale,
            Code::LedgerUnavailable,
            Code::LedgerUnconfirmed,
            Code::KeyMissing,
            Code::CiphertextInvalid,
            Code::Storage,
            Code::Internal,
            Code::Device,
            Code::Overloaded,
            Code::RateLimited,
            Code::MemoryLimit,
            Code::ShardUnavailable,
            Code::Replayed,
            Code::Conflict,
        ] {
            assert!(!unborn(code), "{code:?}");
        }
        for code in [Code::InvalidField, Code::PermissionMissing, Code::AuthorizationRequired] {
            assert!(unborn(code), "{code:?}");
        }
        assert!(is_unborn(&Problem::new(Code::Conflict, "").field("name")));
        assert!(!is_unborn(&Problem::new(Code::Conflict, "").field("id")));
    }
}
