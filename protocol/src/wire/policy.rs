//! A collection's policy: which images may serve it, and which may read it.
//!
//! Layer: protocol, wire.
//! Holds: bodies of `PUT` and `GET /v1/collections/{c}/policy`.
//! Never: what a measurement means, or how old firmware may be.
//! Invariant: a policy is set whole.

use crate::ledger::hex32;
use serde::{Deserialize, Serialize};

/// `PUT /v1/collections/{c}/policy`: replaces the policy as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetPolicy {
    /// Image digests of workers that may serve, hex, at most 16, no two alike; none locks the collection everywhere.
    #[serde(with = "hex32::list")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub workers: Vec<[u8; 32]>,
    /// Image digests of readers, hex, at most 16, no two alike; with none, grantees need not attest.
    #[serde(with = "hex32::list")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub readers: Vec<[u8; 32]>,
}

/// Reply to `GET /v1/collections/{c}/policy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CollectionPolicy {
    /// Grows by one with every change; 0 where no policy was ever set: then any placed worker may serve.
    pub epoch: u64,
    /// As in [`SetPolicy`].
    #[serde(with = "hex32::list")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub workers: Vec<[u8; 32]>,
    /// As in [`SetPolicy`].
    #[serde(with = "hex32::list")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub readers: Vec<[u8; 32]>,
}
