//! Long work: started by one request, watched by others.
//!
//! Layer: protocol, wire.
//! Holds: what long work looks like from outside.
//! Never: whose work it is.
//! Invariant: an operation that failed has a problem, and nothing was lost.

use serde::{Deserialize, Serialize};

/// `GET /v1/operations/{id}`, and the reply to `POST /v1/collections/{c}/compact`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Operation {
    /// Opaque id.
    pub id: String,
    /// What is being done.
    pub kind: OperationKind,
    /// How far it is.
    pub state: OperationState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<crate::problem::Problem>,
}

/// Kinds of long work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// The tail becomes a segment, and segments are merged.
    Compact,
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
