//! Registration: becoming a worker, and attesting anew.
//!
//! Layer: core, workers.
//! Holds: the order in which a registration is checked and kept.
//! Never: another account's worker; an account is one.
//! Invariant: the proof is by the key that is registered, over a challenge of the running window, so
//! nobody registers a key that is not his, or with evidence from the past.

use super::challenge::{challenge, registration_digest};
use super::standing::note;
use super::{Event, Outcome, Step, WorkersError, keys, windows};
use prag_protocol::ledger::workers::{Registration, WINDOWS_KEPT, WindowSet, WorkerRecord};

impl Step<'_> {
    pub(super) fn register(&mut self, registration: Registration) -> Outcome {
        let worker = self.call.sender.clone();
        let nonce = self.proven(&registration)?;
        let attested = self.attested(&registration, &nonce)?;
        let row = keys::worker(&worker);
        let before = row.load(self.kv)?;
        let stake = self.staked(before.as_ref(), registration.capacity)?;
        self.keep_evidence(&registration, nonce)?;
        self.relist(before.as_ref(), Some(&registration.worker_type))?;
        if let Some(before) = before.as_ref().filter(|old| old.service != registration.service) {
            self.stand_up(before)?;
        }

        if self.config.terms.approved_only {
            keys::vouched(&worker).remove(self.kv);
        }
        let window = registration.window;
        let (since, answered, punished) = history(before.as_ref(), window);
        let number = match &before {
            Some(before) => before.number,
            None => self.next_number()?,
        };
        let evidence_expires = self.after(self.config.terms.evidence_seconds)?;
        let pending = self.pending(attested.as_ref());
        let approval = attested.as_ref().map_or(0, |attested| attested.approval);
        let standing = Some(approval).filter(|_| !pending);
        let mut record = WorkerRecord {
            worker: worker.clone(),
            number,
            ip_address: registration.ip_address,
            payment_wallet: registration.payment_wallet,
            worker_type: registration.worker_type,
            service: registration.service,
            capacity: registration.capacity,
            signing_key: registration.signing_key,
            hpke_key: registration.hpke_key,
            stake,
            attested,
            evidence_expires,
            since,
            answered,
            punished,
            live_until: self.live_until(window, evidence_expires),
            leaving: None,
            pending,
        };
        note(&mut record, window, standing.is_some());
        row.save(self.kv, &record)?;
        let seated = self.sit_down(&record, standing)?;
        Ok(Some(Event::WorkerRegistered { worker, seated }))
    }

    /// The running window's challenge, once the proof over it holds.
    fn proven(&self, registration: &Registration) -> Result<[u8; 32], WorkersError> {
        let Registration { signing_key, hpke_key, ip_address, payment_wallet, .. } = registration;
        let current = self.window();
        if registration.window != current {
            return Err(WorkersError::Window { current });
        }
        let nonce = challenge(&self.config.ledger, self.call.sender, current);
        let digest = registration_digest(&nonce, hpke_key, ip_address, payment_wallet);
        if self.call.verify.ed25519(&digest, &registration.proof, signing_key) {
            Ok(nonce)
        } else {
            Err(WorkersError::Signature)
        }
    }

    /// A number that nobody had, and who has it.
    fn next_number(&mut self) -> Result<u64, WorkersError> {
        let row = keys::last_number();
        let number = row.load(self.kv)?.unwrap_or(0).checked_add(1);
        let number = number.ok_or(WorkersError::Exhausted("the numbers of workers"))?;
        row.save(self.kv, &number)?;
        keys::numbered(number).save(self.kv, self.call.sender)?;
        Ok(number)
    }
}

/// First window, answered windows, and those that nobody can report any more, as they were before this registration. Who
/// comes back was excused while it was away, and earns nothing for it.
fn history(before: Option<&WorkerRecord>, window: u64) -> (u64, WindowSet, WindowSet) {
    let Some(before) = before else {
        return (window, WindowSet::default(), WindowSet::default());
    };
    let mut punished = before.punished;
    if let Some(leaving) = &before.leaving {
        let first = leaving.window.max(window.saturating_sub(WINDOWS_KEPT));
        for away in first..window {
            punished = windows::with(punished, away);
        }
    }
    (before.since, before.answered, punished)
}
