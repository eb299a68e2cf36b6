//! What a worker says of itself before anybody trusts it.
//!
//! Layer: protocol, wire.
//! Holds: what a worker claims and the keys that it signs.
//! Never: a secret; a claim that the evidence does not bind.
//! Invariant: every field is bound by the report data or signed by the key that it binds, but the names of the ledger,
//! the stage, the metering, the ledger's standing and the time. Permits and relayed messages name the ledger: under false
//! names they open nothing at the attested worker, which is all that they reach. Of a SecretVM's own evidence the report
//! data binds the TLS key alone, and the rest counts over that very connection only.

use super::metering::Terms;
use serde::{Deserialize, Serialize};

/// `GET /v1/attestation?nonce=<64 hex digits>`: public, outside the channel.
///
/// `evidence` binds the fields that matter through its report data, as `form` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attestation {
    /// The evidence, tagged by kind (`tdx`, `snp`, `sim`).
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub evidence: serde_json::Value,
    /// What the report data is.
    #[serde(default)]
    pub form: EvidenceForm,
    /// Ed25519 key of this boot, hex.
    pub worker_key: String,
    /// SHA-256 of the TLS key's SPKI, hex; zeros without TLS.
    pub tls_spki_sha256: String,
    /// The nonce that was asked for, hex.
    pub nonce: String,
    /// Which ledger this worker obeys, hex.
    pub ledger_id: String,
    /// Digest over every security-relevant setting, hex.
    pub config_digest: String,
    /// Epoch of the measurement policy that the worker follows.
    pub policy_epoch: u64,
    /// Short-lived keys, signed by `worker_key`.
    pub keys: KeySet,
    /// The ledger's chain id, as permits must name it.
    pub chain_id: String,
    /// The access contract, as permits must name it in `allowed_tokens`.
    pub contract: String,
    /// True where nothing is protected: a simulated TEE.
    pub simulated: bool,
    /// True where the worker waits for its sealing root: only its steward can do something with it.
    #[serde(default)]
    pub sealed: bool,
    /// Where grantees' use is metered. Whoever is told otherwise than it is countersigns nothing, and loses nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metering: Option<Terms>,
    /// The worker's clock, unix seconds.
    pub time: u64,
    /// Where the ledger stands. Absent while the worker is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerStanding>,
    /// How full the worker is. Absent while it is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryStanding>,
}

/// How much of its memory limit a worker uses, as it says: for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemoryStanding {
    /// In use, MiB.
    pub used_mib: u64,
    /// From here on writes are refused, MiB.
    pub write_limit_mib: u64,
    /// The setting `memory.limit`, MiB.
    pub limit_mib: u64,
}

/// Where a worker's ledger stands, as it says: for people. What a worker may do with an old view, its settings say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerStanding {
    /// `embedded`, or the kind of chain; empty where it does not answer.
    pub kind: String,
    /// A chain's newest verified height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// How old that is by the worker's clock, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
    /// Why it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What report data binds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EvidenceForm {
    /// Every field that matters, the nonce among them (`trust::evidence::Binding`).
    #[default]
    Bound,
    /// The TLS key of the SecretVM that the worker runs in (`trust::evidence::ConnectionKey`). For owners whose policy takes it.
    SecretVm,
}

/// Reply to `PUT /v1/root`, by which a steward releases the sealing root of a sealed worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Unlocked {
    /// The ledger that the worker obeys from now on, hex.
    pub ledger_id: String,
}

/// Keys that live about an hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeySet {
    /// OHTTP key configuration (RFC 9458, section 3), base64.
    pub ohttp_config: String,
    /// X25519 key that shares are released to, hex.
    pub release_key: String,
    /// Unix seconds after which both are refused.
    pub not_after: u64,
    /// Ed25519 by the worker key over both and `not_after`, base64.
    pub signature: String,
}
