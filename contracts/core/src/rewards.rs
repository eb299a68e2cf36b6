//! The rewards contract: epochs, reports, challenges, and the pool that pays for work.
//!
//! Layer: core.
//! Holds: the two entry points, what other contracts are asked, and what happened.
//! Never: who signed the message (the shell has verified `sender`); an iteration over workers or leaves.
//! Invariant: every message and query touches a bounded number of rows, however many are stored; a
//! refusal changes none; what came in is what went out and what is held, to the last unit.
//!
//! An epoch opens, is reported in the next one, demanded and answered, challenged, closed, claimed, swept.
//! Reports commit to leaves that the chain never sees unless somebody doubts (`truth` says why that is enough).

pub mod book;
mod challenges;
mod claims;
mod close;
mod demands;
mod error;
mod keys;
mod pool;
mod query;
mod reports;
mod settings;
mod time;
mod truth;

pub use error::RewardsError;
pub use pool::share;
pub use query::query;
pub use settings::instantiate;

use crate::kv::Staged;
use crate::{Env, Funds, Kv, Payment, Verify};
use prag_protocol::ledger::amount;
use prag_protocol::ledger::rewards::{PoolRecord, RewardsMsg, RewardsSettings, Tree};
use prag_protocol::ledger::workers::WorkersMsg;
use prag_protocol::{Address, CollectionId};
use serde::Serialize;

/// What the shell asks other contracts of the same ledger.
pub trait Peers {
    /// Who owns a collection (access contract); `None` if nobody ever did.
    fn owner(&self, collection: CollectionId) -> Option<Address>;
    /// What the workers contract knows of a worker that stands now, and of its liveness at times `from` to before
    /// `until`, Unix seconds; `None` if nobody vouches for it now, or it is not registered.
    fn worker(&self, worker: &Address, from: u64, until: u64) -> Option<Registered>;
}

/// A registered worker that may report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The signing key that its attestation binds.
    pub signing_key: [u8; 32],
    /// How many liveness challenges it answered.
    pub answers: u64,
}

/// What the shell does for the contract.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    /// Signatures.
    pub verify: &'a dyn Verify,
    /// Other contracts.
    pub peers: &'a dyn Peers,
}

/// What a transition did, and what the shell must do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `None` where the message repeats what already holds.
    pub event: Option<Event>,
    /// Money to send, at most two payments.
    pub payments: Vec<Payment>,
    /// A worker to report to the workers contract.
    pub slash: Option<Slash>,
}

/// A worker whose report was proven false.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slash {
    /// Which.
    pub worker: Address,
    /// Of which epoch.
    pub epoch: u64,
    /// How much of its stake, millionths.
    pub ppm: u32,
}

impl Slash {
    /// What the workers contract is told.
    #[must_use]
    pub fn message(self) -> WorkersMsg {
        let Self { worker, epoch, ppm } = self;
        WorkersMsg::Slash {
            worker,
            fraction: ppm,
            reason: format!("false report of epoch {epoch}"),
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are those of the message")]
pub enum Event {
    /// The pool of an epoch has grown.
    Funded {
        epoch: u64,
        #[serde(with = "amount")]
        amount: u128,
    },
    /// A worker has reported.
    Reported { epoch: u64, worker: Address },
    /// A leaf must be shown.
    Demanded { epoch: u64, worker: Address, tree: Tree, index: u64 },
    /// It was.
    Revealed { epoch: u64, worker: Address, tree: Tree, index: u64 },
    /// A report counts for nothing any more.
    Voided { epoch: u64, worker: Address },
    /// A deposit on a void report went back.
    Refunded { epoch: u64, account: Address },
    /// The pool is split.
    Closed {
        epoch: u64,
        #[serde(with = "amount")]
        fee: u128,
        #[serde(with = "amount")]
        royalty: u128,
        #[serde(with = "amount")]
        uptime: u128,
        #[serde(with = "amount")]
        work: u128,
    },
    /// Somebody got a share.
    Claimed {
        epoch: u64,
        account: Address,
        #[serde(with = "amount")]
        amount: u128,
    },
    /// A session is on record as billed.
    Settled { epoch: u64, worker: Address },
    /// What was left is carried.
    Swept {
        epoch: u64,
        #[serde(with = "amount")]
        amount: u128,
    },
    /// Somebody may become admin.
    AdminNamed { admin: Address },
    /// Somebody did.
    AdminAccepted { admin: Address },
    /// Another config holds from an epoch on.
    ConfigSet { from: u64 },
}

/// Runs one message of `sender`, whom the shell has authenticated.
///
/// `env` is the header of the height that the message becomes part of; `funds` came along with the
/// message, and go back if it is refused.
///
/// # Errors
/// [`RewardsError`] says why; `kv` is then as it was.
pub fn execute(
    kv: &mut dyn Kv,
    env: &Env,
    sender: &Address,
    funds: &[Funds],
    host: Host<'_>,
    message: RewardsMsg,
) -> Result<Outcome, RewardsError> {
    message.check()?;
    let settings = keys::settings().load(kv)?.ok_or(RewardsError::NotSetUp)?;
    let before = keys::pool().load(kv)?.unwrap_or_default();
    let mut staged = Staged::over(kv);
    let mut step = Step {
        kv: &mut staged,
        env,
        sender,
        funds,
        host,
        settings,
        pool: before.clone(),
        payments: Vec::new(),
        slash: None,
    };
    let event = step.run(message)?;
    let Step { pool, payments, slash, .. } = step;
    if pool != before {
        keys::pool().save(&mut staged, &pool)?;
    }
    staged.keep();
    Ok(Outcome { event, payments, slash })
}

/// One message on its way. The modules beside this one add its verbs.
struct Step<'a> {
    kv: &'a mut dyn Kv,
    env: &'a Env,
    sender: &'a Address,
    funds: &'a [Funds],
    host: Host<'a>,
    settings: RewardsSettings,
    pool: PoolRecord,
    payments: Vec<Payment>,
    slash: Option<Slash>,
}

/// `None` where the message repeats what already holds.
type Verdict = Result<Option<Event>, RewardsError>;

impl Step<'_> {
    fn run(&mut self, message: RewardsMsg) -> Verdict {
        let takes_money = matches!(
            message,
            RewardsMsg::Fund {} | RewardsMsg::ReportUsage { .. } | RewardsMsg::Demand { .. }
        );
        if !takes_money {
            self.sent(0, 0)?;
        }
        match message {
            RewardsMsg::Fund {} => self.fund(),
            RewardsMsg::ReportUsage { epoch, report, signature } => {
                self.report_usage(epoch, &report, &signature)
            }
            RewardsMsg::Demand { epoch, worker, tree, index } => {
                self.demand(epoch, worker, tree, index)
            }
            RewardsMsg::Reveal { epoch, shown } => self.reveal(epoch, &shown),
            RewardsMsg::Challenge { epoch, worker, evidence } => {
                self.challenge(epoch, worker, &evidence)
            }
            RewardsMsg::CloseEpoch { epoch } => self.close_epoch(epoch),
            RewardsMsg::Claim { epoch, royalty: None } => self.claim(epoch),
            RewardsMsg::Claim { epoch, royalty: Some(claim) } => self.claim_royalty(epoch, &claim),
            RewardsMsg::Settle { epoch, worker, shown } => self.settle(epoch, worker, &shown),
            RewardsMsg::Sweep { epoch } => self.sweep(epoch),
            RewardsMsg::SetAdmin { admin } => self.set_admin(admin),
            RewardsMsg::AcceptAdmin {} => self.accept_admin(),
            RewardsMsg::SetConfig { config } => self.set_config(config),
        }
    }
}

#[cfg(test)]
mod tests;
