//! Changes: what a worker says about itself between registrations, and the lists it is in.
//!
//! Layer: core, workers.
//! Holds: wallet, URL, type.
//! Never: keys and evidence; those take a registration. Another URL under an approval: the approver has vouched for a
//! worker at one, so that it is asked anew.
//! Invariant: a worker is in the list of all and in that of its type exactly while it stays, and a
//! type is listed exactly while it has a worker.

use super::{Event, Outcome, Step, WorkersError, keys};
use prag_protocol::Address;
use prag_protocol::ledger::workers::WorkerRecord;

impl Step<'_> {
    pub(super) fn set_wallet(&mut self, ip_address: &str, payment_wallet: Address) -> Outcome {
        let mut record = self.own(ip_address)?;
        if record.payment_wallet == payment_wallet {
            return Ok(None);
        }
        record.payment_wallet = payment_wallet;
        self.save(&record)?;
        Ok(Some(Event::WalletSet { worker: record.worker }))
    }

    pub(super) fn set_address(&mut self, to: String, from: &str) -> Outcome {
        let mut record = self.own(from)?;
        if record.ip_address == to {
            return Ok(None);
        }
        record.ip_address = to;
        if self.waits_for_approval(&record) {
            self.lapse(&mut record)?;
        }
        self.save(&record)?;
        Ok(Some(Event::AddressSet { worker: record.worker }))
    }

    pub(super) fn set_type(&mut self, ip_address: &str, worker_type: String) -> Outcome {
        let mut record = self.own(ip_address)?;
        if record.worker_type == worker_type {
            return Ok(None);
        }
        self.relist(Some(&record), Some(&worker_type))?;
        record.worker_type = worker_type;
        self.save(&record)?;
        Ok(Some(Event::TypeSet { worker: record.worker }))
    }

    /// The sender's worker, which stays and has this URL.
    pub(super) fn own(&self, ip_address: &str) -> Result<WorkerRecord, WorkersError> {
        let record = self.staying()?;
        if record.ip_address == ip_address { Ok(record) } else { Err(WorkersError::NotYours) }
    }

    /// The sender's worker, which stays.
    pub(super) fn staying(&self) -> Result<WorkerRecord, WorkersError> {
        let record = self.worker(self.call.sender)?;
        if record.leaving.is_some() { Err(WorkersError::Leaving) } else { Ok(record) }
    }

    /// Any worker, leaving or not.
    pub(super) fn worker(&self, worker: &Address) -> Result<WorkerRecord, WorkersError> {
        keys::worker(worker).load(self.kv)?.ok_or(WorkersError::NoWorker)
    }

    pub(super) fn save(&mut self, record: &WorkerRecord) -> Result<(), WorkersError> {
        Ok(keys::worker(&record.worker).save(self.kv, record)?)
    }

    /// Moves the sender's worker from the lists it was in to those of its new type; `None` takes it
    /// out of all.
    pub(super) fn relist(
        &mut self,
        before: Option<&WorkerRecord>,
        worker_type: Option<&str>,
    ) -> Result<(), WorkersError> {
        let before = before.filter(|before| before.leaving.is_none());
        let before = before.map(|before| before.worker_type.as_str());
        if before == worker_type {
            return Ok(());
        }
        let member = self.call.sender.as_str().as_bytes();
        if let Some(old) = before {
            let typed = keys::typed(old);
            typed.remove(self.kv, member)?;
            if typed.count(self.kv)? == 0 {
                keys::types().remove(self.kv, old.as_bytes())?;
            }
        }
        if let Some(new) = worker_type {
            let typed = keys::typed(new);
            if typed.count(self.kv)? == 0 {
                keys::types().add(self.kv, new.as_bytes())?;
            }
            typed.add(self.kv, member)?;
        }
        match (before, worker_type) {
            (None, Some(_)) => keys::all().add(self.kv, member)?,
            (Some(_), None) => keys::all().remove(self.kv, member)?,
            (Some(_), Some(_)) | (None, None) => {}
        }
        Ok(())
    }
}
