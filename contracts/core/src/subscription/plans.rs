//! Plans: made once, retired once.
//!
//! Layer: core, subscription.
//! Holds: the rule that nothing of a plan changes, so that what was paid for stays what it was.
//! Never: removal; a running subscription names its plan.
//! Invariant: a plan id is used once, and the retired stays retired.

use super::{Done, Event, Step, SubscriptionError, keys};
use crate::Kv;
use prag_protocol::ledger::subscription::{PlanRecord, RunningRecord};

impl Step<'_> {
    pub(super) fn make_plan(&mut self, plan: &PlanRecord) -> Done {
        self.admin()?;
        let row = keys::plan(plan.id);
        if row.load(self.kv)?.is_some() {
            return Err(SubscriptionError::PlanExists);
        }
        row.save(self.kv, plan)?;
        keys::plans().add(self.kv, &plan.id.to_be_bytes())?;
        Ok(Some(Event::PlanMade { plan: plan.id }))
    }

    pub(super) fn retire_plan(&mut self, id: u32) -> Done {
        self.admin()?;
        let row = keys::plan(id);
        let mut plan = row.load(self.kv)?.ok_or(SubscriptionError::NoPlan)?;
        if !plan.active {
            return Ok(None);
        }
        plan.active = false;
        row.save(self.kv, &plan)?;
        Ok(Some(Event::PlanRetired { plan: id }))
    }

    /// A plan that can be paid for.
    pub(super) fn open_plan(&self, id: u32) -> Result<PlanRecord, SubscriptionError> {
        let plan = keys::plan(id).load(self.kv)?.ok_or(SubscriptionError::NoPlan)?;
        if plan.active { Ok(plan) } else { Err(SubscriptionError::PlanRetired) }
    }
}

/// The plan that was paid for.
pub(super) fn plan_of(
    kv: &dyn Kv,
    running: &RunningRecord,
) -> Result<PlanRecord, SubscriptionError> {
    keys::plan(running.plan).load(kv)?.ok_or(SubscriptionError::Damaged("subscribers"))
}
