//! The bounds that need no state.
//!
//! Layer: protocol, ledger part.
//! Holds: one check for each message and query, and what it says.
//! Never: state, who may send.
//! Invariant: everything is refused by field and limit before any state is read.

use super::endpoint::is_endpoint;
use super::{
    CAPACITY_MAX, COLLATERAL_BYTES_MAX, ENDPOINT_BYTES_MAX, EVIDENCE_CHUNK_BYTES, EvidencePart,
    MISSED_PPM_MAX, QUERY_TEXT_BYTES_MAX, REASON_BYTES_MAX, REPORT_BYTES_MAX, Registration,
    TERM_SECONDS_MAX, WINDOW_SECONDS_MAX, WINDOW_SECONDS_MIN, WORKER_NAME_BYTES_MAX, WorkersInit,
    WorkersMsg, WorkersQuery,
};
use crate::ledger::check::{length, page_rows, within};
use crate::ledger::{BoundError, INTEGER_MAX, MILLION};

/// A field is not what it must be. Not retryable as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// Out of bounds.
    #[error(transparent)]
    Bound(#[from] BoundError),
    /// In bounds, but of another shape.
    #[error("{field} must be {shape}")]
    Shape {
        /// The field.
        field: &'static str,
        /// What it must be.
        shape: &'static str,
    },
}

impl WorkersInit {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`FieldError`] names the first field that is not what it must be.
    pub fn check(&self) -> Result<(), FieldError> {
        let terms = &self.terms;
        let window = terms.window_seconds;
        within("window_seconds", window, WINDOW_SECONDS_MIN, WINDOW_SECONDS_MAX)?;
        let most = TERM_SECONDS_MAX;
        within("evidence_seconds", terms.evidence_seconds, window.saturating_mul(2), most)?;
        within("timelock_seconds", terms.timelock_seconds, 1, most)?;
        within("unbonding_seconds", terms.unbonding_seconds, 1, most)?;
        let missed = u64::from(terms.missed_ppm);
        within("missed_ppm", missed, 1, u64::from(MISSED_PPM_MAX))?;
        if terms.stake_per_capacity.get() > STAKE_PER_CAPACITY_MAX {
            let (field, shape) = ("stake_per_capacity", "at most 10^22");
            return Err(FieldError::Shape { field, shape });
        }
        Ok(())
    }
}

impl WorkersMsg {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`FieldError`] names the first field that is not what it must be.
    pub fn check(&self) -> Result<(), FieldError> {
        match self {
            Self::RegisterWorker(registration) => registration.check(),
            Self::SetWorkerWallet { ip_address, .. } | Self::RemoveWorker { ip_address } => {
                endpoint("ip_address", ip_address)
            }
            Self::SetWorkerAddress { new_ip_address, old_ip_address } => {
                endpoint("new_ip_address", new_ip_address)?;
                endpoint("old_ip_address", old_ip_address)
            }
            Self::SetWorkerType { ip_address, worker_type } => {
                endpoint("ip_address", ip_address)?;
                name("worker_type", worker_type)
            }
            Self::ReportLiveliness { window, .. } | Self::ReportMissed { window, .. } => {
                Ok(within("window", *window, 0, INTEGER_MAX)?)
            }
            Self::Slash { fraction, reason, .. } => {
                within("fraction", u64::from(*fraction), 1, u64::from(MILLION))?;
                Ok(length("reason", reason.len(), 1, REASON_BYTES_MAX)?)
            }
            Self::WithdrawStake {}
            | Self::ApproveMeasurement { .. }
            | Self::RetireMeasurement { .. }
            | Self::ApproveWorker { .. }
            | Self::RetireWorker { .. }
            | Self::SetParties { .. }
            | Self::SetAdmin { .. }
            | Self::AcceptAdmin {} => Ok(()),
        }
    }
}

impl Registration {
    fn check(&self) -> Result<(), FieldError> {
        endpoint("ip_address", &self.ip_address)?;
        evidence("attestation_report", &self.attestation_report, 1, REPORT_BYTES_MAX)?;
        name("worker_type", &self.worker_type)?;
        evidence("collateral", &self.collateral, 0, COLLATERAL_BYTES_MAX)?;
        within("policy_epoch", self.binding.policy_epoch, 0, INTEGER_MAX)?;
        name("service", &self.service)?;
        within("capacity", u64::from(self.capacity), 1, u64::from(CAPACITY_MAX))?;
        Ok(within("window", self.window, 0, INTEGER_MAX)?)
    }
}

impl WorkersQuery {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`FieldError`] names the first field that is not what it must be.
    pub fn check(&self) -> Result<(), FieldError> {
        match self {
            Self::Count { model } => model_name(model.as_deref()),
            Self::GetWorkers { signature, subscriber_public_key, limit, .. }
            | Self::GetModels { signature, subscriber_public_key, limit, .. } => {
                unread(signature.as_deref(), subscriber_public_key.as_deref())?;
                Ok(page_rows(*limit)?)
            }
            Self::GetUrls { signature, subscriber_public_key, model, limit, .. } => {
                unread(signature.as_deref(), subscriber_public_key.as_deref())?;
                model_name(model.as_deref())?;
                Ok(page_rows(*limit)?)
            }
            Self::GetNextWorker { signature, subscriber_public_key, service } => {
                unread(signature.as_deref(), None)?;
                let subject = subscriber_public_key.len();
                length("subscriber_public_key", subject, 1, QUERY_TEXT_BYTES_MAX)?;
                name("service", service)
            }
            Self::EvidenceChunk { part, chunk, .. } => {
                let last = part.bytes_max().div_ceil(EVIDENCE_CHUNK_BYTES) - 1;
                let is = usize::try_from(*chunk).unwrap_or(usize::MAX);
                Ok(length("chunk", is, 0, last)?)
            }
            Self::Reporter { from, until, .. } => {
                within("from", *from, 0, INTEGER_MAX)?;
                Ok(within("until", *until, 0, INTEGER_MAX)?)
            }
            Self::Config {}
            | Self::Measurements {}
            | Self::Worker { .. }
            | Self::GetLivelinessChallenge { .. }
            | Self::Evidence { .. } => Ok(()),
        }
    }
}

impl EvidencePart {
    /// Most bytes of this part.
    #[must_use]
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Report => REPORT_BYTES_MAX,
            Self::Collateral => COLLATERAL_BYTES_MAX,
        }
    }
}

fn endpoint(field: &'static str, text: &str) -> Result<(), FieldError> {
    length(field, text.len(), 1, ENDPOINT_BYTES_MAX)?;
    let shape = "a URL such as https://worker.example:443/path";
    if is_endpoint(text) { Ok(()) } else { Err(FieldError::Shape { field, shape }) }
}

/// A type or service: what can be typed, without spaces.
fn name(field: &'static str, text: &str) -> Result<(), FieldError> {
    length(field, text.len(), 1, WORKER_NAME_BYTES_MAX)?;
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let shape = "printable ASCII without spaces";
    if plain { Ok(()) } else { Err(FieldError::Shape { field, shape }) }
}

/// ASCII, so that it can be cut anywhere and stays text.
fn evidence(field: &'static str, text: &str, min: usize, max: usize) -> Result<(), FieldError> {
    length(field, text.len(), min, max)?;
    let plain = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let shape = "printable ASCII";
    if text.bytes().all(plain) { Ok(()) } else { Err(FieldError::Shape { field, shape }) }
}

fn model_name(model: Option<&str>) -> Result<(), FieldError> {
    model.map_or(Ok(()), |model| name("model", model))
}

fn unread(signature: Option<&str>, key: Option<&str>) -> Result<(), FieldError> {
    for (field, text) in [("signature", signature), ("subscriber_public_key", key)] {
        length(field, text.map_or(0, str::len), 0, QUERY_TEXT_BYTES_MAX)?;
    }
    Ok(())
}

/// Times [`CAPACITY_MAX`] it is still an amount.
const STAKE_PER_CAPACITY_MAX: u128 = 10_000_000_000_000_000_000_000;
