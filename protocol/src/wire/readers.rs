//! Sessions of attested readers: a challenge, the evidence that answers it, and what came of it.
//!
//! Layer: protocol, wire.
//! Holds: bodies of `/v1/sessions`.
//! Never: a bearer token: a session is the key that signs the request, and of use to nobody else.
//! Invariant: the session key is not in a body; it is the one that signed the request.

use crate::ledger::hex32;
use serde::{Deserialize, Serialize};

/// Reply to `POST /v1/sessions/challenge`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Challenge {
    /// What the evidence must bind, hex. For the key that asked, once.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub nonce: [u8; 32],
    /// Unix seconds; void from this second on.
    pub expires: u64,
}

/// `POST /v1/sessions`: what the signing key's holder runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenSession {
    /// Evidence tagged by kind (`tdx`, `snp`, `sim`), over the claims of `trust::evidence::ReaderBinding`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub evidence: serde_json::Value,
    /// The challenge, hex.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub nonce: [u8; 32],
    /// X25519 key that replies are sealed to, hex.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sealing_key: [u8; 32],
}

/// Reply to [`OpenSession`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReaderSession {
    /// The kind of the evidence.
    pub kind: String,
    /// The image's digest, hex: what owners list in a collection's `readers`.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub measurement: [u8; 32],
    /// Unix seconds; attest again before.
    pub expires: u64,
}
