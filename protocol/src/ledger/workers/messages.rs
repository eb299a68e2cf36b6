//! What the workers contract is told.
//!
//! Layer: protocol, ledger part.
//! Holds: messages, and the contract's first one.
//! Never: who may send them (contracts/core decides); bounds, which are `check`'s.
//! Invariant: documented messages keep their names and fields.

use super::{Parties, WorkersTerms};
use crate::Address;
#[cfg(feature = "schema")]
use crate::ledger::schema::{Hex32, Hex64};
use crate::ledger::{hex32, hex64};
use serde::{Deserialize, Serialize};

/// What the contract begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WorkersInit {
    /// The admin.
    pub admin: Address,
    /// The parties, in force at once.
    pub parties: Parties,
    /// The terms, for good.
    pub terms: WorkersTerms,
}

/// A transition. "Worker" is an account that has registered. No message but `register_worker` takes funds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WorkersMsg {
    /// Anybody: becomes a worker, or attests anew; replaces everything but the stake, to which the
    /// funds are added. Documented.
    RegisterWorker(Box<Registration>),
    /// Worker: is paid elsewhere. Documented.
    SetWorkerWallet {
        /// Its URL.
        ip_address: String,
        /// Where from now on.
        payment_wallet: Address,
    },
    /// Worker: has another URL; where approvers vouch for workers, it waits for its approver anew. Documented.
    SetWorkerAddress {
        /// The new one.
        new_ip_address: String,
        /// The one that it has.
        old_ip_address: String,
    },
    /// Worker: is of another type. Documented.
    SetWorkerType {
        /// Its URL.
        ip_address: String,
        /// The new type.
        worker_type: String,
    },
    /// Worker: leaves. Its stake can be withdrawn after the unbonding time. Documented.
    RemoveWorker {
        /// Its URL.
        ip_address: String,
    },
    /// Worker that has left: takes its stake back.
    WithdrawStake {},
    /// Worker: answers the challenge of the running window. Documented.
    ReportLiveliness {
        /// The running window.
        window: u64,
        /// Ed25519 by its signing key over the challenge's 32 bytes.
        #[serde(with = "hex64")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex64"))]
        signature: [u8; 64],
    },
    /// Anybody: a worker let a window pass. Once per window.
    ReportMissed {
        /// Who.
        worker: Address,
        /// Which; not the running one, nor older than [`super::WINDOWS_KEPT`] allows.
        window: u64,
    },
    /// Rewards contract: a worker was proven to have reported falsely.
    Slash {
        /// Who.
        worker: Address,
        /// How much of its stake, in millionths.
        fraction: u32,
        /// Why, for those who read the ledger.
        reason: String,
    },
    /// Admin: an image may register, or be vouched for, once the timelock has passed.
    ApproveMeasurement {
        /// Which.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        measurement: [u8; 32],
    },
    /// Admin: an image may not, and its workers are neither chosen nor paid, from now on. Again is no error.
    RetireMeasurement {
        /// Which.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        measurement: [u8; 32],
    },
    /// Approver: has verified a worker's evidence as it is on record, so that the worker is chosen and paid for what it
    /// does from now on. Again is no error.
    ApproveWorker {
        /// Who.
        worker: Address,
        /// What was verified: SHA-256(`"PRAG-CONFIRM/v1"` ‖ LP(worker, signing_key, hpke_key, ip_address, nonce,
        /// tls_spki_sha256, ledger_id, config_digest, policy_epoch as u64 big-endian, report_sha256, collateral_sha256)).
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        evidence_hash: [u8; 32],
        /// The image that the evidence shows; one that is approved, and effective.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        measurement: [u8; 32],
    },
    /// Approver or admin: a worker is not chosen, and what it reports not taken, from now on until it is approved anew.
    /// By the admin, the evidence on record is void, too: the worker registers anew first. Again is no error.
    RetireWorker {
        /// Who.
        worker: Address,
    },
    /// Admin: names other parties, who are in force once the timelock has passed.
    SetParties {
        /// Who.
        parties: Parties,
    },
    /// Admin: proposes another admin, in place of any other proposal; proposing itself withdraws it.
    SetAdmin {
        /// Who.
        admin: Address,
    },
    /// Who was proposed: is the admin from now on.
    AcceptAdmin {},
}

/// What a worker says of itself. The first four fields are the documented ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Its URL.
    pub ip_address: String,
    /// Where it is paid.
    pub payment_wallet: Address,
    /// The report as text, as SecretVM serves it: a TDX quote in hex, an SNP report in base64. Its
    /// nonce is the challenge of `window`.
    pub attestation_report: String,
    /// The model it runs, or whatever else its kind is called.
    pub worker_type: String,
    /// What a verifier needs beside the report; may be empty.
    #[serde(default)]
    pub collateral: String,
    /// What else the report binds.
    pub binding: EvidenceBinding,
    /// What it wants to be chosen for.
    pub service: String,
    /// How much it takes on, against others of its service.
    pub capacity: u32,
    /// Its Ed25519 key, born in the TEE.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub signing_key: [u8; 32],
    /// Its X25519 key.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub hpke_key: [u8; 32],
    /// The running window.
    pub window: u64,
    /// Ed25519 by `signing_key` over the registration's digest; counts as the window's answer.
    ///
    /// The digest is SHA-256(`"PRAG-REGISTER/v1"` ‖ LP(challenge of `window`, hpke_key, ip_address,
    /// payment_wallet)).
    #[serde(with = "hex64")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex64"))]
    pub proof: [u8; 64],
}

/// The claims that a report's data are the hash of, beside purpose, key and nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EvidenceBinding {
    /// SHA-256 of the TLS key's SPKI; zeros without TLS.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub tls_spki_sha256: [u8; 32],
    /// Which ledger the worker obeys.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub ledger_id: [u8; 32],
    /// Digest over every security-relevant setting.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub config_digest: [u8; 32],
    /// Epoch of the measurement policy that the worker follows.
    pub policy_epoch: u64,
}
