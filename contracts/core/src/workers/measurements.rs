//! Measurements: which images may register.
//!
//! Layer: core, workers.
//! Holds: the list of approvals, which is one row.
//! Never: what a measurement means.
//! Invariant: an approval's number is used once, so what is retired stays void for whoever attested
//! with it, even if the same image is approved again. An image that is not on the list is nobody's: the
//! chain's verdict and an approver's word are both about one that is.

use super::{Event, Outcome, Step, WorkersError, keys};
use crate::Kv;
use prag_protocol::ledger::workers::{Approval, MEASUREMENTS_MAX};
use serde::{Deserialize, Serialize};

/// All approvals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Approvals {
    /// The last number that was given.
    last: u32,
    /// At most [`MEASUREMENTS_MAX`].
    pub(super) rows: Vec<Approval>,
}

impl Approvals {
    pub(super) fn load(kv: &dyn Kv) -> Result<Self, WorkersError> {
        Ok(keys::approvals().load(kv)?.unwrap_or_default())
    }

    /// Whether an approval is on the list.
    pub(super) fn has(&self, number: u32) -> bool {
        self.rows.iter().any(|row| row.number == number)
    }

    fn of(&self, measurement: &[u8; 32]) -> Option<&Approval> {
        self.rows.iter().find(|row| row.measurement == *measurement)
    }
}

impl Step<'_> {
    pub(super) fn approve(&mut self, measurement: [u8; 32]) -> Outcome {
        self.admin()?;
        let mut approvals = Approvals::load(self.kv)?;
        if approvals.of(&measurement).is_some() {
            return Ok(None);
        }
        if approvals.rows.len() >= MEASUREMENTS_MAX {
            let max = MEASUREMENTS_MAX;
            return Err(WorkersError::MeasurementsFull { max });
        }
        let number = approvals.last.checked_add(1);
        let number = number.ok_or(WorkersError::Exhausted("the approvals"))?;
        let effective = self.after(self.config.terms.timelock_seconds)?;
        approvals.last = number;
        approvals.rows.push(Approval { number, measurement, effective });
        keys::approvals().save(self.kv, &approvals)?;
        Ok(Some(Event::MeasurementApproved { number, effective }))
    }

    pub(super) fn retire(&mut self, measurement: [u8; 32]) -> Outcome {
        self.admin()?;
        let mut approvals = Approvals::load(self.kv)?;
        let Some(number) = approvals.of(&measurement).map(|row| row.number) else {
            return Ok(None);
        };
        approvals.rows.retain(|row| row.number != number);
        keys::approvals().save(self.kv, &approvals)?;
        Ok(Some(Event::MeasurementRetired { number }))
    }

    /// The number of the approval that a worker registers under, or is vouched for under.
    pub(super) fn approved(&self, measurement: &[u8; 32]) -> Result<u32, WorkersError> {
        let approvals = Approvals::load(self.kv)?;
        let approval = approvals.of(measurement).ok_or(WorkersError::Unapproved)?;
        let effective = approval.effective;
        if effective > self.env.time {
            return Err(WorkersError::NotEffective { effective });
        }
        Ok(approval.number)
    }
}
