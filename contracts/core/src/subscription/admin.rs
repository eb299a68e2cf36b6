//! The admin, and how another becomes it.
//!
//! Layer: core, subscription.
//! Holds: the rule of who is the admin.
//! Never: an admin that has not shown that it can sign.
//! Invariant: once instantiated, there is always exactly one admin.

use super::{Done, Event, Step, SubscriptionError, keys};
use crate::Kv;
use prag_protocol::Address;
use prag_protocol::ledger::subscription::AdminRecord;

/// Gives a new contract its admin.
///
/// # Errors
/// [`SubscriptionError::Instantiated`] if it has one; [`SubscriptionError::Damaged`] if that does not
/// read back.
pub fn instantiate(kv: &mut dyn Kv, admin: &Address) -> Result<(), SubscriptionError> {
    let row = keys::admin();
    if row.load(kv)?.is_some() {
        return Err(SubscriptionError::Instantiated);
    }
    let admin = admin.clone();
    Ok(row.save(kv, &AdminRecord { admin, proposed: None })?)
}

impl Step<'_> {
    pub(super) fn set_admin(&mut self, account: Address) -> Done {
        let mut record = self.admin()?;
        let proposed = Some(account).filter(|account| *account != record.admin);
        if record.proposed == proposed {
            return Ok(None);
        }
        record.proposed.clone_from(&proposed);
        keys::admin().save(self.kv, &record)?;
        Ok(Some(Event::AdminProposed { proposed }))
    }

    pub(super) fn accept_admin(&mut self) -> Done {
        let record = keys::admin().load(self.kv)?.ok_or(SubscriptionError::NoAdmin)?;
        if record.proposed.as_ref() != Some(self.sender) {
            return Err(SubscriptionError::NotProposed);
        }
        let admin = self.sender.clone();
        keys::admin().save(self.kv, &AdminRecord { admin: admin.clone(), proposed: None })?;
        Ok(Some(Event::AdminSet { admin }))
    }

    /// The admin's record, if the sender is the admin.
    pub(super) fn admin(&self) -> Result<AdminRecord, SubscriptionError> {
        let record = keys::admin().load(self.kv)?.ok_or(SubscriptionError::NoAdmin)?;
        if record.admin == *self.sender { Ok(record) } else { Err(SubscriptionError::NotAdmin) }
    }
}
