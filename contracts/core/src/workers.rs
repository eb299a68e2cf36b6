//! The workers contract: registrations, liveness, measurements, stakes, and whose turn it is.
//!
//! Layer: core.
//! Holds: the entry points, what a call brings and what it did.
//! Never: who signed a transaction, or what a quote proves; the shell has verified both.
//! Invariant: every message and query touches a bounded number of rows, however many are stored; a
//! refusal changes none; what was staked is the workers' stakes and what was paid out, to the unit.

mod admin;
mod approval;
mod challenge;
mod changes;
mod error;
mod evidence;
mod keys;
mod leave;
mod liveness;
mod measurements;
mod query;
mod register;
mod rendezvous;
mod seats;
mod stake;
mod standing;
mod windows;

pub use admin::instantiate;
pub use approval::evidence_hash;
pub use challenge::{challenge, registration_digest};
pub use error::WorkersError;
pub use query::query;
pub use windows::answers;

use crate::kv::Staged;
use crate::{Env, Funds, Kv, Payment, Verify};
use prag_protocol::Address;
use prag_protocol::ledger::workers::{Parties, WorkersConfig, WorkersMsg};
use serde::Serialize;

/// What a shell knows of a message beside its text.
pub struct Call<'a> {
    /// Who sent it; authenticated.
    pub sender: &'a Address,
    /// What was sent along.
    pub funds: &'a [Funds],
    /// What the chain found out about the evidence of a registration.
    pub verdict: Verdict,
    /// The chain's signature check.
    pub verify: &'a dyn Verify,
}

/// What the chain found out about evidence. A quote that it refuses never gets here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The chain verified the report, debug bit and validity included, and read this in it.
    Attested {
        /// The measurement.
        measurement: [u8; 32],
        /// The report data.
        report_data: [u8; 64],
    },
    /// The chain cannot verify it: it is kept whole for those who can.
    Stored,
}

/// What a transition did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// What happened; nothing for a repetition.
    pub events: Vec<Event>,
    /// What has to be paid, in the same transaction.
    pub payments: Vec<Payment>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are those of the message")]
pub enum Event {
    /// A worker has registered, or attested anew; seated if it can be chosen.
    WorkerRegistered { worker: Address, seated: bool },
    /// A worker is paid elsewhere.
    WalletSet { worker: Address },
    /// A worker has another URL.
    AddressSet { worker: Address },
    /// A worker is of another type.
    TypeSet { worker: Address },
    /// A worker leaves.
    WorkerRemoved { worker: Address, withdraw_from: u64 },
    /// A worker has its stake back and is forgotten.
    StakeWithdrawn { worker: Address },
    /// A worker answered; seated if it can be chosen.
    LivelinessReported { worker: Address, window: u64, seated: bool },
    /// A worker paid for a window.
    MissReported { worker: Address, window: u64 },
    /// A worker paid for a false report.
    Slashed { worker: Address, reason: String },
    /// A measurement will be effective.
    MeasurementApproved { number: u32, effective: u64 },
    /// A measurement is void.
    MeasurementRetired { number: u32 },
    /// A worker's evidence is confirmed; seated if it can be chosen.
    WorkerApproved { worker: Address, seated: bool },
    /// A worker's evidence is confirmed no more.
    WorkerRetired { worker: Address },
    /// Other parties will be in force.
    PartiesSet { effective: u64 },
    /// Another admin is proposed, or nobody.
    AdminProposed { admin: Address },
    /// Another admin is in charge.
    AdminSet { admin: Address },
}

/// Runs one message. `env` is the header of the height that the message becomes part of.
///
/// # Errors
/// [`WorkersError`] says why; `kv` is then as it was, and the shell gives the funds back.
pub fn execute(
    kv: &mut dyn Kv,
    env: &Env,
    call: &Call<'_>,
    message: WorkersMsg,
) -> Result<Done, WorkersError> {
    message.check()?;
    if !call.funds.is_empty() && !matches!(message, WorkersMsg::RegisterWorker(_)) {
        return Err(WorkersError::Funds);
    }
    let mut staged = Staged::over(kv);
    let config = keys::config().load(&staged)?.ok_or(WorkersError::NotInstantiated)?;
    let payments = Vec::new();
    let mut step = Step { kv: &mut staged, env, call, config, payments };
    step.hear()?;
    let events = step.run(message)?.into_iter().collect();
    let payments = step.payments;
    staged.keep();
    Ok(Done { events, payments })
}

/// One message on its way. The modules beside this one add its verbs.
struct Step<'a> {
    kv: &'a mut dyn Kv,
    env: &'a Env,
    call: &'a Call<'a>,
    config: WorkersConfig,
    payments: Vec<Payment>,
}

/// `None` where the message repeats what already holds.
type Outcome = Result<Option<Event>, WorkersError>;

impl Step<'_> {
    fn run(&mut self, message: WorkersMsg) -> Outcome {
        match message {
            WorkersMsg::RegisterWorker(registration) => self.register(*registration),
            WorkersMsg::SetWorkerWallet { ip_address, payment_wallet } => {
                self.set_wallet(&ip_address, payment_wallet)
            }
            WorkersMsg::SetWorkerAddress { new_ip_address, old_ip_address } => {
                self.set_address(new_ip_address, &old_ip_address)
            }
            WorkersMsg::SetWorkerType { ip_address, worker_type } => {
                self.set_type(&ip_address, worker_type)
            }
            WorkersMsg::RemoveWorker { ip_address } => self.remove(&ip_address),
            WorkersMsg::WithdrawStake {} => self.withdraw(),
            WorkersMsg::ReportLiveliness { window, signature } => {
                self.report_liveliness(window, &signature)
            }
            WorkersMsg::ReportMissed { worker, window } => self.report_missed(worker, window),
            WorkersMsg::Slash { worker, fraction, reason } => self.slash(worker, fraction, reason),
            WorkersMsg::ApproveMeasurement { measurement } => self.approve(measurement),
            WorkersMsg::RetireMeasurement { measurement } => self.retire(measurement),
            WorkersMsg::ApproveWorker { worker, evidence_hash, measurement } => {
                self.approve_worker(worker, &evidence_hash, measurement)
            }
            WorkersMsg::RetireWorker { worker } => self.retire_worker(worker),
            WorkersMsg::SetParties { parties } => self.set_parties(parties),
            WorkersMsg::SetAdmin { admin } => self.set_admin(admin),
            WorkersMsg::AcceptAdmin {} => self.accept_admin(),
        }
    }

    /// The parties in force.
    fn parties(&self) -> &Parties {
        match &self.config.pending {
            Some(pending) if pending.effective <= self.env.time => &pending.parties,
            Some(_) | None => &self.config.parties,
        }
    }

    /// A time ahead by one of the terms.
    fn after(&self, seconds: u64) -> Result<u64, WorkersError> {
        self.env.time.checked_add(seconds).ok_or(WorkersError::Exhausted("time"))
    }
}

#[cfg(test)]
mod tests;
