//! One transition as it is stored, and what its message may be.
//!
//! Layer: ledger.
//! Holds: the frozen fields of a row, and the texts of messages: an access message bare, everything else in an envelope
//! that names its version.
//! Never: a text that reads two ways; a row of an envelope that is not known here.
//! Invariant: what was written once reads for ever.

use prag_protocol::Address;
use prag_protocol::ledger::AccessMsg;
use prag_protocol::ledger::market::{ExecuteMarket, MarketInit};
use serde::{Deserialize, Serialize};

/// A row before it is sealed: postcard of these fields.
#[derive(Serialize, Deserialize)]
pub(super) struct Transition {
    pub(super) salt: [u8; 16],
    pub(super) time: u64,
    pub(super) sender: Address,
    /// Permit, signature base and signature of the sender; empty for what the worker does by itself.
    pub(super) authorization: Vec<u8>,
    /// JSON of the message: postcard cannot carry its tagged forms.
    pub(super) message: String,
}

/// What a transition did.
pub(super) enum Recorded {
    /// A message to the access contract, as it was from the first version on.
    Access(AccessMsg),
    /// The contracts beside access began.
    Begins(Box<MarketInit>),
    /// A message to one of them.
    Market(Box<ExecuteMarket>),
}

/// No access message has a name that begins like these.
#[derive(Serialize, Deserialize)]
enum Envelope {
    #[serde(rename = "market_begins_v1")]
    Begins(Box<MarketInit>),
    #[serde(rename = "market_v1")]
    Market(Box<ExecuteMarket>),
}

impl Recorded {
    /// The text; `None` where a message has no JSON.
    pub(super) fn to_text(&self) -> Option<String> {
        match self {
            Self::Access(message) => serde_json::to_string(message),
            Self::Begins(init) => serde_json::to_string(&Envelope::Begins(init.clone()))
                .map(|text| text.replace(UNSAID, "")),
            Self::Market(call) => serde_json::to_string(&Envelope::Market(call.clone())),
        }
        .ok()
    }

    /// Read [`Recorded::to_text`] back.
    pub(super) fn read(text: &str) -> Option<Self> {
        if !text.starts_with(ENVELOPE) {
            return serde_json::from_str(text).ok().map(Self::Access);
        }
        Some(match serde_json::from_str(text).ok()? {
            Envelope::Begins(init) => Self::Begins(init),
            Envelope::Market(call) => Self::Market(call),
        })
    }
}

const ENVELOPE: &str = r#"{"market_"#;
/// A term that no ledger of this kind has: the text was frozen before it was there, and reads without it. No text within it
/// has a quotation mark.
const UNSAID: &str = r#","approved_only":false"#;
