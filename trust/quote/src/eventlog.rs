//! The log behind a TD's runtime registers.
//!
//! Layer: `prag-quote`; knows nothing of quotes.
//! Holds: the parse of a JSON log, its replay, and lookup in the application's register.
//! Never: an answer about an event before its register matched.
//! Invariant: a [`Measured`] log replays to the register that the hardware signed.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use sha2::{Digest, Sha384};

use crate::QuoteError;
use crate::error::bounded;

/// One measured event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Register, 0 to 3.
    pub imr: u8,
    /// As the writer of the log counts them.
    pub event_type: u32,
    /// SHA-384, as extended into the register.
    pub digest: [u8; 48],
    /// Without a colon in register 3.
    pub name: String,
    /// Bound by the digest in register 3; a mere remark in the others.
    pub payload: Vec<u8>,
}

/// A log in its order; nothing says yet that it is a true one.
#[derive(Clone, Debug)]
pub struct EventLog(Vec<Event>);

/// A log whose register 3 is the one that the hardware signed.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a>(&'a EventLog);

impl EventLog {
    /// Read a list of `{imr, event_type, digest, event, event_payload}`; digest and payload in hex, other fields
    /// are ignored. `json`: at most [`LOG_BYTES_MAX`] and [`EVENTS_MAX`] events.
    ///
    /// In register 3 the digest is recomputed, and may be empty or absent; in the others it must be there.
    ///
    /// # Errors
    /// [`QuoteError::Size`], [`QuoteError::Format`]; [`QuoteError::EventLog`] where a stated digest is not that
    /// of its event.
    pub fn parse(json: &[u8]) -> Result<Self, QuoteError> {
        bounded("event log", json, LOG_BYTES_MAX)?;
        let raw: Vec<Raw> =
            serde_json::from_slice(json).map_err(|_| QuoteError::Format("event log"))?;
        if raw.len() > EVENTS_MAX {
            return Err(QuoteError::Forbidden("event log of more than 4096 events"));
        }
        raw.into_iter().map(Event::read).collect::<Result<_, _>>().map(Self)
    }

    /// All events, in order.
    pub fn events(&self) -> &[Event] {
        &self.0
    }

    /// The four registers after the log: each starts as zeros and becomes `SHA-384(register || digest)`.
    ///
    /// Source: Intel TDX Module ABI specification, `TDG.MR.RTMR.EXTEND`.
    pub fn replay(&self) -> [[u8; 48]; 4] {
        let mut registers = [[0; 48]; 4];
        for event in &self.0 {
            if let Some(register) = registers.get_mut(usize::from(event.imr)) {
                *register = sha384(&[register.as_slice(), &event.digest]);
            }
        }
        registers
    }

    /// That the log gives register `index`, 0 to 3.
    ///
    /// # Errors
    /// [`QuoteError::EventLog`] names the register.
    pub fn matches(&self, rtmr: &[u8; 48], index: usize) -> Result<(), QuoteError> {
        let name = REGISTERS.get(index).ok_or(QuoteError::EventLog("a register above 3"))?;
        match self.replay().get(index) {
            Some(register) if register == rtmr => Ok(()),
            _ => Err(QuoteError::EventLog(name)),
        }
    }

    /// The log as a true one, if it gives register 3: only then may its events be asked for.
    ///
    /// # Errors
    /// [`QuoteError::EventLog`].
    pub fn measured(&self, rtmr3: &[u8; 48]) -> Result<Measured<'_>, QuoteError> {
        self.matches(rtmr3, usize::from(APPLICATION)).map(|()| Measured(self))
    }
}

impl<'a> Measured<'a> {
    /// The payload of the one event `name` of register 3, for example `compose-hash`.
    ///
    /// # Errors
    /// [`QuoteError::EventLog`] where there is none, or more than one: any container may extend the register
    /// later, so a second one is not to be read as the first.
    pub fn payload(&self, name: &str) -> Result<&'a [u8], QuoteError> {
        let mut found = self.0.0.iter().filter(|e| e.imr == APPLICATION && e.name == name);
        match (found.next(), found.next()) {
            (Some(event), None) => Ok(&event.payload),
            (Some(_), Some(_)) => Err(QuoteError::EventLog("a single event of that name")),
            (None, _) => Err(QuoteError::EventLog("an event of that name")),
        }
    }
}

#[derive(Deserialize)]
struct Raw {
    imr: u8,
    event_type: u32,
    #[serde(default)]
    digest: String,
    event: String,
    event_payload: String,
}

impl Event {
    fn read(raw: Raw) -> Result<Self, QuoteError> {
        let payload =
            hex::decode(&raw.event_payload).map_err(|_| QuoteError::Format("event payload"))?;
        let mut stated = [0; 48];
        let states = !raw.digest.is_empty();
        if states {
            hex::decode_to_slice(&raw.digest, &mut stated)
                .map_err(|_| QuoteError::Format("event digest"))?;
        }
        let digest = match raw.imr {
            APPLICATION => {
                let digest = application_digest(raw.event_type, &raw.event, &payload)?;
                if states && digest != stated {
                    return Err(QuoteError::EventLog("the stated digest of an event"));
                }
                digest
            }
            0..APPLICATION if states => stated,
            0..APPLICATION => return Err(QuoteError::Format("event digest")),
            _ => return Err(QuoteError::Format("event register")),
        };
        let Raw { imr, event_type, event: name, .. } = raw;
        Ok(Self { imr, event_type, digest, name, payload })
    }
}

/// `SHA-384(type, little-endian || ":" || name || ":" || payload)`. A colon in the name would let one digest
/// stand for two events.
///
/// Source: dstack, `cc-eventlog/src/runtime_events.rs`, version 1 (version 2, a canonical JSON, fails here); seen
/// to give register 3 of a real quote, dstack's `verifier/fixtures/tdx-lite-getquote.json`.
fn application_digest(kind: u32, name: &str, payload: &[u8]) -> Result<[u8; 48], QuoteError> {
    if name.contains(':') {
        return Err(QuoteError::Format("event name"));
    }
    Ok(sha384(&[&kind.to_le_bytes(), b":", name.as_bytes(), b":", payload]))
}

fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    parts.iter().fold(Sha384::new(), |hash, part| hash.chain_update(part)).finalize().into()
}

/// A log's size in bytes.
pub const LOG_BYTES_MAX: usize = 1 << 20;
/// Events in a log.
pub const EVENTS_MAX: usize = 4096;
const APPLICATION: u8 = 3;
const REGISTERS: [&str; 4] = ["RTMR0", "RTMR1", "RTMR2", "RTMR3"];
