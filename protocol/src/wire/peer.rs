//! Keys between workers: a challenge, then a request with evidence over it.
//!
//! Layer: protocol, wire.
//! Holds: the bodies; what is signed and sealed in them is `trust::release`'s.
//! Never: a share, a name or a worker's secret in plain bytes.
//! Invariant: neither request carries a permit: the evidence and the attested key's signature stand for it.

use serde::{Deserialize, Serialize};

/// Reply of `POST /v1/peer/challenge`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeerChallenge {
    /// 64 hex digits; good for one release, for a minute.
    pub nonce: String,
}

/// `POST /v1/peer/release`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PeerRelease {
    /// The signed request (`trust::release::Ask`).
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub ask: serde_json::Value,
    /// Evidence of purpose `peer` over the challenge, tagged by kind.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub evidence: serde_json::Value,
}

/// Reply of `POST /v1/peer/release`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeerReleased {
    /// Both shares and what the new holder must know, sealed and signed (`trust::release::SignedAnswer`).
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub answer: serde_json::Value,
}
