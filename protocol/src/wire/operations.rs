//! Long work: started by one request, watched by others.
//!
//! Layer: protocol, wire.
//! Holds: what long work looks like from outside.
//! Never: whose work it is.
//! Invariant: an operation that failed has a problem, and nothing was lost.

use super::snapshots::Checked;
use serde::{Deserialize, Serialize};

/// `GET /v1/operations/{id}`, and the reply to `POST` on `/v1/collections/{c}/compact`, `…/reencrypt`, `…/snapshots`,
/// `…/snapshots/verify` and `…/snapshots/restore`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Operation {
    /// Opaque id.
    pub id: String,
    /// What is being done.
    pub kind: OperationKind,
    /// How far it is.
    pub state: OperationState,
    /// Work done, in the unit of `total`.
    #[serde(default)]
    pub done: u64,
    /// Work in all: chunks to build for a compaction, bytes to seal anew for a re-encryption, bytes to read or
    /// write for a snapshot; 0 while that is not known.
    #[serde(default)]
    pub total: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<crate::problem::Problem>,
    /// The snapshot that was made, verified or restored, once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
}

/// Kinds of long work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// The tail becomes a segment, and segments are merged.
    Compact,
    /// What lies under keys of earlier epochs is sealed anew.
    Reencrypt,
    /// A snapshot is written to a target.
    Snapshot,
    /// A snapshot is read whole and checked.
    Verify,
    /// A snapshot becomes the collection's shard.
    Restore,
}

impl Operation {
    /// How much of it is done, 0 to 100; 100 exactly when it succeeded.
    #[must_use]
    pub fn percent(&self) -> u64 {
        match (self.state, self.total) {
            (OperationState::Succeeded, _) => 100,
            (OperationState::Running | OperationState::Failed, 0) => 0,
            (OperationState::Running | OperationState::Failed, total) => {
                let percent = u128::from(self.done) * 100 / u128::from(total);
                u64::try_from(percent).unwrap_or(u64::MAX).min(99)
            }
        }
    }
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Not done.
    Running,
    /// Done.
    Succeeded,
    /// Given up; nothing was lost.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Percent never falls, ends at 100, and is 100 only then; nothing overflows.
    #[test]
    fn percent_is_100_at_the_end_only() {
        let at = |state, done, total| {
            let (id, kind) = (String::new(), OperationKind::Reencrypt);
            Operation { id, kind, state, done, total, problem: None, checked: None }.percent()
        };
        for (done, total, percent) in
            [(0, 0, 0), (0, 3, 0), (1, 3, 33), (3, 3, 99), (9, 3, 99), (u64::MAX, u64::MAX, 99)]
        {
            assert_eq!(at(OperationState::Running, done, total), percent, "{done}/{total}");
            assert_eq!(at(OperationState::Failed, done, total), percent);
            assert_eq!(at(OperationState::Succeeded, done, total), 100);
        }
    }
}
