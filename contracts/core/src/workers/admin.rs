//! Birth, admin and parties.
//!
//! Layer: core, workers.
//! Holds: the rule of who is in charge.
//! Never: the terms; they are for good.
//! Invariant: an admin cannot hand the contract to an account that does not answer, nor reach a
//! stake, through itself as the rewards contract, before the timelock has shown it to everybody.

use super::{Event, Outcome, Step, WorkersError, keys};
use crate::Kv;
use prag_protocol::Address;
use prag_protocol::ledger::BoundError;
use prag_protocol::ledger::workers::{
    FieldError, Parties, PendingParties, WorkersConfig, WorkersInit, WorkersTerms,
};

/// Begins the contract, once. `ledger`: the chain and this contract's address on it, 1 to 256 bytes,
/// which no other contract has; it goes into everything that workers sign.
///
/// # Errors
/// [`WorkersError::Field`] for a term out of bounds; [`WorkersError::NoApprover`] where workers would be approved by
/// nobody; [`WorkersError::Instantiated`] the second time.
pub fn instantiate(kv: &mut dyn Kv, ledger: &str, init: WorkersInit) -> Result<(), WorkersError> {
    init.check()?;
    if !(1..=LEDGER_BYTES_MAX).contains(&ledger.len()) {
        let bound = BoundError { field: "ledger", min: 1, max: LEDGER_BYTES_MAX as u64 };
        return Err(FieldError::from(bound).into());
    }
    if keys::config().load(kv)?.is_some() {
        return Err(WorkersError::Instantiated);
    }
    let WorkersInit { admin, parties, terms } = init;
    approvable(&terms, &parties)?;
    let ledger = ledger.to_owned();
    let config = WorkersConfig { ledger, admin, proposed: None, parties, pending: None, terms };
    Ok(keys::config().save(kv, &config)?)
}

impl Step<'_> {
    pub(super) fn set_parties(&mut self, parties: Parties) -> Outcome {
        self.admin()?;
        approvable(&self.config.terms, &parties)?;
        self.config.parties = self.parties().clone();
        let effective = self.after(self.config.terms.timelock_seconds)?;
        self.config.pending = Some(PendingParties { parties, effective });
        self.save_config()?;
        Ok(Some(Event::PartiesSet { effective }))
    }

    pub(super) fn set_admin(&mut self, admin: Address) -> Outcome {
        self.admin()?;
        let proposed = Some(admin.clone()).filter(|admin| *admin != self.config.admin);
        if proposed == self.config.proposed {
            return Ok(None);
        }
        self.config.proposed = proposed;
        self.save_config()?;
        Ok(Some(Event::AdminProposed { admin }))
    }

    pub(super) fn accept_admin(&mut self) -> Outcome {
        let admin = self.config.proposed.take().ok_or(WorkersError::Forbidden)?;
        if admin != *self.call.sender {
            return Err(WorkersError::Forbidden);
        }
        self.config.admin = admin.clone();
        self.save_config()?;
        Ok(Some(Event::AdminSet { admin }))
    }

    /// Only the admin gets past here.
    pub(super) fn admin(&self) -> Result<(), WorkersError> {
        if self.config.admin == *self.call.sender { Ok(()) } else { Err(WorkersError::Forbidden) }
    }

    fn save_config(&mut self) -> Result<(), WorkersError> {
        Ok(keys::config().save(self.kv, &self.config)?)
    }
}

/// Whoever asks for approvals names who gives them.
fn approvable(terms: &WorkersTerms, parties: &Parties) -> Result<(), WorkersError> {
    if terms.approved_only && parties.approver.is_none() {
        return Err(WorkersError::NoApprover);
    }
    Ok(())
}

const LEDGER_BYTES_MAX: usize = 256;
