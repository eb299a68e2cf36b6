//! What the workers contract is asked, and answers.
//!
//! Layer: protocol, ledger part.
//! Holds: queries and replies.
//! Never: bounds, which are `check`'s.
//! Invariant: documented queries keep their names and fields; `{"workers":[…]}`, `{"models":[…]}` and
//! `{"urls":[…]}` are the documented replies.

use super::{Approval, EvidenceRecord, WorkerRecord, WorkersConfig};
use crate::Address;
#[cfg(feature = "schema")]
use crate::ledger::schema::Hex32;
use crate::ledger::{LEDGER_PAGE_ROWS_MAX, hex32};
use serde::{Deserialize, Serialize};

/// A question. Anybody may ask: whatever is registered is public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WorkersQuery {
    /// The contract itself.
    Config {},
    /// All approved measurements, effective or not.
    Measurements {},
    /// How many workers there are, leaving ones apart.
    Count {
        /// Of this type only.
        #[serde(default)]
        model: Option<String>,
    },
    /// A page of workers, live or not, leaving ones apart, in no particular order. A page that is
    /// not full is the last. Documented.
    GetWorkers {
        /// Not read.
        #[serde(default)]
        signature: Option<String>,
        /// Not read.
        #[serde(default)]
        subscriber_public_key: Option<String>,
        /// Rows to skip.
        #[serde(default)]
        offset: u32,
        /// Rows at most, 1 to [`LEDGER_PAGE_ROWS_MAX`].
        #[serde(default = "page")]
        limit: u32,
    },
    /// A page of the types that workers have, in no particular order. Documented.
    GetModels {
        /// Not read.
        #[serde(default)]
        signature: Option<String>,
        /// Not read.
        #[serde(default)]
        subscriber_public_key: Option<String>,
        /// Rows to skip.
        #[serde(default)]
        offset: u32,
        /// Rows at most, 1 to [`LEDGER_PAGE_ROWS_MAX`].
        #[serde(default = "page")]
        limit: u32,
    },
    /// The URLs of the live ones in a page of workers. Documented, with this very name.
    #[serde(rename = "get_u_r_ls")]
    GetUrls {
        /// Not read.
        #[serde(default)]
        signature: Option<String>,
        /// Not read.
        #[serde(default)]
        subscriber_public_key: Option<String>,
        /// Of this type only.
        #[serde(default)]
        model: Option<String>,
        /// Workers to skip, live or not.
        #[serde(default)]
        offset: u32,
        /// Workers at most, 1 to [`LEDGER_PAGE_ROWS_MAX`].
        #[serde(default = "page")]
        limit: u32,
    },
    /// The worker that a subject is served by, while nothing changes: weighted rendezvous hashing
    /// over the live workers of a service. Documented in an early schema.
    GetNextWorker {
        /// Not read.
        #[serde(default)]
        signature: Option<String>,
        /// Whose worker: any text that stays the same for what should stay together.
        subscriber_public_key: String,
        /// Which service.
        service: String,
    },
    /// One worker, leaving ones too.
    Worker {
        /// Which.
        worker: Address,
    },
    /// What a report of use is held against that a worker makes now: asked by the rewards contract.
    Reporter {
        /// Who.
        worker: Address,
        /// Unix seconds; answers count of windows that begin then or later,
        from: u64,
        /// and before this second.
        until: u64,
    },
    /// The challenge of the running window for an account that is, or wants to be, a worker. Documented.
    GetLivelinessChallenge {
        /// For whom.
        worker: Address,
    },
    /// What was said with a worker's evidence.
    Evidence {
        /// Whose.
        worker: Address,
    },
    /// A chunk of a worker's evidence.
    EvidenceChunk {
        /// Whose.
        worker: Address,
        /// Of what.
        part: EvidencePart,
        /// Which, from 0.
        chunk: u32,
    },
}

/// What evidence is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EvidencePart {
    /// The attestation report.
    Report,
    /// What a verifier needs beside it.
    Collateral,
}

/// A worker that may report: its evidence is confirmed and of date, and its image approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reporter {
    /// Its Ed25519 key, which has to sign the report.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub signing_key: [u8; 32],
    /// Windows of the time that was asked about that it answered while it stood.
    pub answers: u64,
}

/// What an account has to sign in the running window, and a report has to carry as its nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LivelinessChallenge {
    /// The running window.
    pub window: u64,
    /// Unix seconds; too late from this second on.
    pub closes: u64,
    /// SHA-256(`"PRAG-LIVE/v1"` ‖ LP(ledger, worker, window as u64 big-endian)).
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub challenge: [u8; 32],
    /// Whether it is answered, as well as the worker can now: one that waited when it did, and waits no more, may once
    /// more.
    pub answered: bool,
}

/// The answer to a [`WorkersQuery`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WorkersReply {
    /// For [`WorkersQuery::Config`].
    Config(Box<WorkersConfig>),
    /// For [`WorkersQuery::Measurements`].
    Measurements(Vec<Approval>),
    /// For [`WorkersQuery::Count`].
    Count(u32),
    /// For [`WorkersQuery::GetWorkers`].
    Workers(Vec<WorkerRecord>),
    /// For [`WorkersQuery::GetModels`].
    Models(Vec<String>),
    /// For [`WorkersQuery::GetUrls`].
    Urls(Vec<String>),
    /// For [`WorkersQuery::Worker`] and [`WorkersQuery::GetNextWorker`]; `None` if there is none.
    Worker(Option<Box<WorkerRecord>>),
    /// For [`WorkersQuery::Reporter`]; `None` for who may not report now.
    Reporter(Option<Reporter>),
    /// For [`WorkersQuery::GetLivelinessChallenge`].
    Challenge(LivelinessChallenge),
    /// For [`WorkersQuery::Evidence`]; `None` if there is none.
    Evidence(Option<Box<EvidenceRecord>>),
    /// For [`WorkersQuery::EvidenceChunk`]; `None` past the end.
    Chunk(Option<String>),
}

fn page() -> u32 {
    LEDGER_PAGE_ROWS_MAX
}
