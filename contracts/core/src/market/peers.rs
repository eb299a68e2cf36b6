//! What rewards asks other contracts of its own ledger.
//!
//! Layer: core, market.
//! Holds: the way from a question to the rows of access and workers, while rewards writes its own.
//! Never: a write by a peer.
//! Invariant: whatever does not answer is "not a worker", "not the owner": a refusal.

use crate::kv::Staged;
use crate::rewards::{Peers, Registered};
use crate::{Env, Kv, access, workers};
use prag_protocol::ledger::workers::{Reporter, WorkersQuery, WorkersReply};
use prag_protocol::ledger::{AccessQuery, AccessReply};
use prag_protocol::{Address, CollectionId};
use std::cell::RefCell;

/// One transition's rows, for the contract that runs and for those that it asks. Each verb ends before another begins.
pub(super) struct Shared<'a, 'b, 'c>(pub(super) &'a RefCell<&'b mut Staged<'c>>);

impl Kv for Shared<'_, '_, '_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.borrow().get(key)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.borrow_mut().put(key, value);
    }

    fn delete(&mut self, key: &[u8]) {
        self.0.borrow_mut().delete(key);
    }
}

/// The peers while one message runs.
pub(super) struct Asked<'a, 'b, 'c> {
    pub(super) rows: Shared<'a, 'b, 'c>,
    pub(super) env: &'a Env,
}

impl Peers for Asked<'_, '_, '_> {
    fn owner(&self, collection: CollectionId) -> Option<Address> {
        let query = AccessQuery::Collection { collection };
        match access::query(&self.rows, self.env, query).ok()? {
            AccessReply::Collection(record) => Some(record?.owner),
            _ => None,
        }
    }

    fn worker(&self, worker: &Address, from: u64, until: u64) -> Option<Registered> {
        let ask = |query| workers::query(&self.rows, self.env, query).ok();
        let query = WorkersQuery::Reporter { worker: worker.clone(), from, until };
        let WorkersReply::Reporter(Some(reporter)) = ask(query)? else { return None };
        let Reporter { signing_key, answers } = reporter;
        Some(Registered { signing_key, answers })
    }
}
