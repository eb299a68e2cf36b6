//! Leaving: out of sight at once, and out of the ledger after the unbonding time.
//!
//! Layer: core, workers.
//! Holds: the way out.
//! Never: a short cut past the unbonding time; until then what a worker did can still cost it.
//! Invariant: a stake is paid back once, to the account that staked it, and all rows of the worker go.

use super::{Event, Outcome, Step, WorkersError, keys};
use prag_protocol::ledger::workers::Leaving;

impl Step<'_> {
    pub(super) fn remove(&mut self, ip_address: &str) -> Outcome {
        let mut record = self.own(ip_address)?;
        self.relist(Some(&record), None)?;
        self.stand_up(&record)?;
        let withdraw_from = self.after(self.config.terms.unbonding_seconds)?;
        record.leaving = Some(Leaving { window: self.window(), withdraw_from });
        record.live_until = self.env.time.min(record.live_until);
        self.save(&record)?;
        Ok(Some(Event::WorkerRemoved { worker: record.worker, withdraw_from }))
    }

    pub(super) fn withdraw(&mut self) -> Outcome {
        let record = self.worker(self.call.sender)?;
        let leaving = record.leaving.ok_or(WorkersError::NotLeaving)?;
        let withdraw_from = leaving.withdraw_from;
        if withdraw_from > self.env.time {
            return Err(WorkersError::Unbonding { withdraw_from });
        }
        self.pay(record.worker.clone(), record.stake);
        keys::worker(&record.worker).remove(self.kv);
        keys::numbered(record.number).remove(self.kv);
        if self.config.terms.approved_only {
            keys::vouched(&record.worker).remove(self.kv);
        }
        self.forget_evidence(&record.worker)?;
        Ok(Some(Event::StakeWithdrawn { worker: record.worker }))
    }
}
