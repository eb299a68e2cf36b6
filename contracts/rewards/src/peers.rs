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
use prag_contracts_permit::SignedQuery;
use prag_contracts_shell::std::{Deps, QuerierWrapper, Storage};
use prag_contracts_shell::{Peer, Refusal, binary, parse};
use prag_protocol::ledger::workers::{Reporter, WorkersQuery, WorkersReply};
use prag_protocol::ledger::{AccessQuery, AccessReply};
use prag_protocol::{Address, CollectionId};
use serde::{Deserialize, Serialize};

/// What is stored of them, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    pub(crate) access: Peer,
    pub(crate) workers: Peer,
}

impl Known {
    /// Looks them up before the contract begins. A registry has its terms for good, and they have to say that somebody
    /// judges evidence: this chain itself where it can, else an approver. Any other pays whoever has a stake for vouchers
    /// of its own making.
    pub(crate) fn meet(deps: Deps<'_>, access: Peer, workers: Peer) -> Result<Self, Refusal> {
        access.check(deps.api, "access")?;
        workers.check(deps.api, "workers")?;
        match workers.ask(deps.querier, &WorkersQuery::Config {})? {
            WorkersReply::Config(config) => {
                let terms = &config.terms;
                let judged = if VERIFIED_HERE { terms.attested_only } else { terms.approved_only };
                if judged { Ok(Self { access, workers }) } else { Err(Refusal::Unjudged) }
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
        let query = WorkersQuery::Reporter { worker: worker.clone(), from, until };
        let WorkersReply::Reporter(Some(reporter)) =
            self.known.workers.ask(self.querier, &query).ok()?
        else {
            return None;
        };
        let Reporter { signing_key, answers } = reporter;
        Some(Registered { signing_key, answers })
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

/// Whether this build's chain verifies quotes.
const VERIFIED_HERE: bool = cfg!(feature = "secret");
/// No module's: those begin with a byte below 32.
const KEY: &[u8] = b"peers";
