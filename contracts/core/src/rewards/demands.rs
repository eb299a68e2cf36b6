//! Demands: whoever doubts a report may ask to see a leaf of it.
//!
//! Layer: core, rewards.
//! Holds: the question, the answer, and what a missing answer costs.
//! Never: whether the answer is true (`challenges`, which end last).
//! Invariant: a report counts exactly while no demand on it is open; a leaf is demanded once at most, and each
//! demand pays for its answer, so that asking for everything costs more than answering it.

use super::challenges::prove;
use super::pool::Purse;
use super::reports::{count, discount};
use super::{Event, RewardsError, Step, Verdict, keys};
use prag_protocol::Address;
use prag_protocol::ledger::rewards::{DemandRecord, Shown, Tree};

impl Step<'_> {
    pub(super) fn demand(
        &mut self,
        number: u64,
        worker: Address,
        tree: Tree,
        index: u64,
    ) -> Verdict {
        let (mut epoch, mut report) =
            self.doubted(number, &worker, |schedule| schedule.demands_until)?;
        let leaves = match tree {
            Tree::Usage => report.leaves,
            Tree::Royalty => report.collections,
        };
        if index >= leaves {
            return Err(RewardsError::NoLeaf { leaves });
        }
        let row = keys::demand(number, tree, index, &worker);
        if row.load(self.kv)?.is_some() {
            return Err(RewardsError::Demanded);
        }
        let deposit = epoch.config.deposit.get();
        self.sent(deposit, deposit)?;
        self.receive(Purse::Deposits, deposit)?;
        if report.open == 0 {
            discount(&mut epoch.standing, &report)?;
            keys::epoch(number).save(self.kv, &epoch)?;
        }
        let open = report.open.checked_add(1);
        report.open = open.ok_or(RewardsError::Exhausted("the demands"))?;
        keys::report(number, &worker).save(self.kv, &report)?;
        let by = self.sender.clone();
        row.save(self.kv, &DemandRecord { by, deposit, answered: false })?;
        Ok(Some(Event::Demanded { epoch: number, worker, tree, index }))
    }

    pub(super) fn reveal(&mut self, number: u64, shown: &Shown) -> Verdict {
        let (tree, index) = match shown {
            Shown::Usage(shown) => (Tree::Usage, shown.index),
            Shown::Royalty(shown) => (Tree::Royalty, shown.index),
        };
        let (mut epoch, mut report) =
            self.doubted(number, self.sender, |schedule| schedule.answers_until)?;
        let row = keys::demand(number, tree, index, self.sender);
        let mut demand = row.load(self.kv)?.ok_or(RewardsError::NotDemanded)?;
        if demand.answered {
            return Ok(None);
        }
        prove(&report, shown)?;
        demand.answered = true;
        row.save(self.kv, &demand)?;
        let open = report.open.checked_sub(1);
        report.open = open.ok_or(RewardsError::Damaged("reports"))?;
        if report.open == 0 {
            count(&mut epoch.standing, &report)?;
            keys::epoch(number).save(self.kv, &epoch)?;
        }
        keys::report(number, self.sender).save(self.kv, &report)?;
        let worker = self.sender.clone();
        self.pay(Purse::Deposits, &worker, demand.deposit)?;
        Ok(Some(Event::Revealed { epoch: number, worker, tree, index }))
    }

    /// Gives a deposit back that bought no answer; the first one to show that voids the report, for the
    /// account that asked. Nothing false is proven, so nobody is slashed. Never too late: the money is theirs.
    pub(super) fn unanswered(
        &mut self,
        number: u64,
        worker: Address,
        tree: Tree,
        index: u64,
    ) -> Verdict {
        let mut epoch = self.epoch(number)?;
        let mut report = self.report(number, &worker)?;
        let row = keys::demand(number, tree, index, &worker);
        let demand = row.load(self.kv)?.ok_or(RewardsError::NotDemanded)?;
        if demand.answered {
            return Err(RewardsError::NotFalse);
        }
        let was_void = report.void;
        if !was_void {
            self.not_before(self.schedule(number, &epoch)?.answers_until)?;
            self.void(&mut epoch, &mut report, &demand.by)?;
            keys::epoch(number).save(self.kv, &epoch)?;
            keys::report(number, &worker).save(self.kv, &report)?;
        }
        self.pay(Purse::Deposits, &demand.by, demand.deposit)?;
        row.remove(self.kv);
        Ok(Some(if was_void {
            Event::Refunded { epoch: number, account: demand.by }
        } else {
            Event::Voided { epoch: number, worker }
        }))
    }
}
