//! The two contracts that this one asks.
//!
//! Layer: rewards shell.
//! Holds: where they lie, and what of their answers the core needs to know.
//! Never: a contract that was not named when this one was instantiated.
//! Invariant: whatever does not answer, or answers something else, is "not a worker", "not the owner": a refusal.
//!
//! On public chains everybody reads who owns a collection. On Secret Network an owner's address is not a public answer,
//! and a query carries no sender, so that the access contract cannot know that it is this contract that asks. So the
//! owner says it: its claim carries its own signed question, which the access contract answers as it does for an owner.
//! Nothing is disclosed to anybody else, and the access contract has no question more.

use prag_contracts_core::rewards::{Peers, Registered};
use prag_contracts_core::workers::answers;
use prag_contracts_permit::SignedQuery;
use prag_contracts_shell::std::{Deps, QuerierWrapper, Storage};
use prag_contracts_shell::{Peer, Refusal, binary, parse};
use prag_protocol::ledger::workers::{WorkersQuery, WorkersReply};
use prag_protocol::ledger::{AccessQuery, AccessReply};
use prag_protocol::{Address, CollectionId};
use serde::{Deserialize, Serialize};

/// What is stored of them, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    pub(crate) access: Peer,
    pub(crate) workers: Peer,
    /// A term of the workers contract, which has its terms for good.
    pub(crate) window_seconds: u64,
}

impl Known {
    /// Looks them up before the contract begins.
    pub(crate) fn meet(deps: Deps<'_>, access: Peer, workers: Peer) -> Result<Self, Refusal> {
        access.check(deps.api, "access")?;
        workers.check(deps.api, "workers")?;
        match workers.ask(deps.querier, &WorkersQuery::Config {})? {
            WorkersReply::Config(config) => {
                Ok(Self { access, workers, window_seconds: config.terms.window_seconds })
            }
            _ => Err(Refusal::Peer),
        }
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage) -> Result<(), Refusal> {
        storage.set(KEY, &binary(self)?);
        Ok(())
    }

    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, Refusal> {
        parse(&storage.get(KEY).ok_or(Refusal::Peer)?)
    }
}

/// The peers while one message runs.
pub(crate) struct Asked<'a> {
    pub(crate) known: &'a Known,
    pub(crate) querier: QuerierWrapper<'a>,
    /// Secret Network: the owner's question.
    #[cfg_attr(not(feature = "secret"), expect(dead_code, reason = "owners are public elsewhere"))]
    pub(crate) question: Option<&'a SignedQuery>,
}

impl Peers for Asked<'_> {
    fn owner(&self, collection: CollectionId) -> Option<Address> {
        match self.collection(collection)? {
            AccessReply::Collection(record) => Some(record?.owner),
            _ => None,
        }
    }

    fn worker(&self, worker: &Address, from: u64, until: u64) -> Option<Registered> {
        let query = WorkersQuery::Worker { worker: worker.clone() };
        let WorkersReply::Worker(Some(record)) =
            self.known.workers.ask(self.querier, &query).ok()?
        else {
            return None;
        };
        // Nobody has confirmed its evidence: as far as money goes, it is no worker.
        let record = Some(record).filter(|record| !record.pending)?;
        let answers = answers(&record, self.known.window_seconds, from, until);
        Some(Registered { signing_key: record.signing_key, answers })
    }
}

impl Asked<'_> {
    #[cfg(not(feature = "secret"))]
    fn collection(&self, collection: CollectionId) -> Option<AccessReply> {
        let query = AccessQuery::Collection { collection };
        self.known.access.ask(self.querier, &query).ok()
    }

    #[cfg(feature = "secret")]
    fn collection(&self, collection: CollectionId) -> Option<AccessReply> {
        let question = self.question?;
        // A question for another collection has another collection's owner for an answer.
        let inner = prag_contracts_shell::std::Binary::from_base64(&question.query).ok()?;
        if parse::<AccessQuery>(&inner).ok()? != (AccessQuery::Collection { collection }) {
            return None;
        }
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum ToAccess<'a> {
            WithPermit(&'a SignedQuery),
        }
        self.known.access.ask(self.querier, &ToAccess::WithPermit(question)).ok()
    }
}

/// No module's: those begin with a byte below 32.
const KEY: &[u8] = b"peers";
