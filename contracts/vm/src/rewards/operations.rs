//! What is measured: messages and questions, each after what it needs.
//!
//! Layer: vm, rewards.
//! Holds: a state with as many workers' reports as wanted, and one step per operation.
//! Never: an operation that is refused; a state that no history leads to.
//! Invariant: only the number of other workers' reports differs between two measurements.

use super::around::{BOND, DEPOSIT, LEDGER, book, key, registered};
use super::{begun, days, royalty};
use crate::access::{COLLECTION, Cast, START};
use crate::engine::json_of;
use crate::subscription::coins;
use crate::{Called, Engine, EngineError, Entry, Gas, Operation, Rows};
use ed25519_dalek::Signer;
use prag_contracts_core::rewards::book::Book;
use prag_contracts_core::rewards::{self, Host, Registered};
use prag_contracts_core::{Env, Verify, access};
use prag_contracts_permit::testing::account;
use prag_protocol::ledger::AccessMsg;
use prag_protocol::ledger::rewards::{
    Evidence, RewardsMsg, RewardsQuery, RoyaltyClaim, Shown, Tree,
};
use prag_protocol::{Address, CollectionId};
use std::sync::Arc;

/// One message of somebody, at its time.
#[derive(Clone)]
struct Told {
    by: Address,
    paid: u128,
    env: Env,
    message: RewardsMsg,
}

/// What is measured.
enum Act {
    Tell(Told),
    /// The royalty of the story's collection, which on Secret Network takes another message.
    Royalty(Env, RoyaltyClaim),
    Ask(Env, RewardsQuery),
}

/// One operation, after what it needs.
pub struct Step {
    name: &'static str,
    before: Vec<Told>,
    act: Act,
    cast: Arc<Cast>,
}

/// A contract that has just begun, on the engine, and then that many reports of other workers of epoch 0.
///
/// # Errors
/// [`EngineError`] if a contract refuses a message.
pub fn stocked(
    engine: &mut dyn Engine,
    cast: &Arc<Cast>,
    mut access: Box<dyn Engine + Send>,
    reports: u32,
) -> Result<Rows, EngineError> {
    let mut owned = Rows::default();
    let create =
        AccessMsg::CreateCollection { collection: COLLECTION, commitment: [1; 32], epoch: 1 };
    access::execute(&mut owned, &START, &cast.owner.address, create).map_err(EngineError::new)?;
    access.set_rows(owned);
    engine.set_rows(Rows::default());
    begun(engine, cast, access)?.result.map_err(EngineError::new)?;
    let mut rows = engine.rows();
    let by = cast.stranger.address.clone();
    tell(&mut rows, &Told { by, paid: 1 << 60, env: START, message: RewardsMsg::Fund {} })?;
    let report = book(cast, 1, false)?.report();
    for number in 0..reports {
        let by = account(engine.prefix(), number).map_err(EngineError::new)?;
        let report = report.clone();
        let message = RewardsMsg::ReportUsage { epoch: 0, report, signature: [0; 64] };
        tell(&mut rows, &Told { by, paid: BOND, env: days(7), message })?;
    }
    Ok(rows)
}

/// One step per operation. The worker reports as many sessions as a leaf's proof has eight hashes.
///
/// # Errors
/// [`EngineError`] with the text of a constant that is not what it has to be.
pub fn operations(cast: &Arc<Cast>) -> Result<Vec<Step>, EngineError> {
    let stage = Stage { cast, book: book(cast, SESSIONS, false)? };
    let false_book = Stage { cast, book: book(cast, SESSIONS, true)? };
    let mut steps = stage.story(&false_book)?;
    steps.extend(stage.settings()?);
    steps.extend(stage.questions()?);
    Ok(steps)
}

struct Stage<'a> {
    cast: &'a Arc<Cast>,
    book: Book,
}

impl Stage<'_> {
    /// From the pool's first coin to what is left of it.
    fn story(&self, forged: &Stage<'_>) -> Result<Vec<Step>, EngineError> {
        let worker = self.cast.worker.address.clone();
        let (report, demand) = (self.report(), self.demand());
        let closed = vec![report.clone(), self.close()];
        let evidence = Evidence::Leaf(forged.shown()?);
        let challenge = RewardsMsg::Challenge { epoch: 0, worker: worker.clone(), evidence };
        let evidence = Evidence::Unanswered { tree: Tree::Usage, index: 0 };
        let unanswered = RewardsMsg::Challenge { epoch: 0, worker: worker.clone(), evidence };
        let reveal = RewardsMsg::Reveal { epoch: 0, shown: self.shown()? };
        let leaf = self.book.royalty(0).ok_or(EngineError::new("no royalty leaf"))?;
        let claim = RoyaltyClaim { worker: worker.clone(), shown: leaf };
        let asked = vec![report.clone(), demand.clone()];
        let step = |name, before, told| self.step(name, before, Act::Tell(told));
        let fund = self.strangers(1 << 60, days(1), RewardsMsg::Fund {});
        let nothing = Vec::new();
        Ok(vec![
            step("fund", nothing.clone(), fund),
            step("report_usage", nothing, report.clone()),
            step("demand", vec![report], demand),
            step("reveal", asked.clone(), self.workers(days(9), reveal)),
            step("challenge, a false leaf", vec![forged.report()], self.told(days(10), challenge)),
            step("challenge, unanswered", asked, self.told(days(10), unanswered)),
            step("close_epoch", vec![self.report()], self.close()),
            step("claim", closed.clone(), self.claim()),
            self.step("claim, royalty", closed.clone(), Act::Royalty(days(12), claim)),
            step("settle", closed.clone(), self.settle()?),
            step("sweep", closed, self.told(days(20), RewardsMsg::Sweep { epoch: 0 })),
        ])
    }

    fn settings(&self) -> Result<Vec<Step>, EngineError> {
        let owner =
            |message| Told { by: self.cast.owner.address.clone(), paid: 0, env: days(1), message };
        let named = owner(RewardsMsg::SetAdmin { admin: self.cast.stranger.address.clone() });
        let config = owner(RewardsMsg::SetConfig { config: super::init(self.cast)?.config });
        let accept = self.told(days(2), RewardsMsg::AcceptAdmin {});
        Ok(vec![
            self.step("set_admin", Vec::new(), Act::Tell(named.clone())),
            self.step("accept_admin", vec![named], Act::Tell(accept)),
            self.step("set_config", Vec::new(), Act::Tell(config)),
        ])
    }

    fn questions(&self) -> Result<Vec<Step>, EngineError> {
        let worker = self.cast.worker.address.clone();
        let (account, collection) = (worker.clone(), COLLECTION);
        let leaf = self.book.usage(0).ok_or(EngineError::new("no leaf"))?.leaf;
        let session = leaf.signed.voucher.session;
        let asked = vec![self.report(), self.demand()];
        let closed = vec![self.report(), self.close()];
        let settled = vec![self.report(), self.close(), self.settle()?];
        let demand =
            RewardsQuery::Demand { epoch: 0, worker: worker.clone(), tree: Tree::Usage, index: 0 };
        let questions = [
            ("query config", Vec::new(), RewardsQuery::Config {}),
            ("query epoch", closed.clone(), RewardsQuery::Epoch { epoch: 0 }),
            (
                "query report",
                closed.clone(),
                RewardsQuery::Report { epoch: 0, worker: worker.clone() },
            ),
            ("query demand", asked, demand),
            ("query claimable", closed.clone(), RewardsQuery::Claimable { account, epoch: 0 }),
            ("query settled", settled, RewardsQuery::Settled { worker, collection, session }),
            ("query pool", closed, RewardsQuery::Pool {}),
        ];
        let step = |(name, before, query)| self.step(name, before, Act::Ask(days(12), query));
        Ok(questions.into_iter().map(step).collect())
    }

    fn step(&self, name: &'static str, before: Vec<Told>, act: Act) -> Step {
        Step { name, before, act, cast: Arc::clone(self.cast) }
    }

    fn strangers(&self, paid: u128, env: Env, message: RewardsMsg) -> Told {
        Told { by: self.cast.stranger.address.clone(), paid, env, message }
    }

    /// By somebody who has no part in it.
    fn told(&self, env: Env, message: RewardsMsg) -> Told {
        self.strangers(0, env, message)
    }

    fn workers(&self, env: Env, message: RewardsMsg) -> Told {
        Told { by: self.cast.worker.address.clone(), paid: 0, env, message }
    }

    fn report(&self) -> Told {
        let report = self.book.report();
        let bytes = report.signed_bytes(&LEDGER, &self.cast.worker.address, 0);
        let signature = key(1).sign(&bytes).to_bytes();
        let message = RewardsMsg::ReportUsage { epoch: 0, report, signature };
        Told { paid: BOND, ..self.workers(days(7), message) }
    }

    fn demand(&self) -> Told {
        let worker = self.cast.worker.address.clone();
        let message = RewardsMsg::Demand { epoch: 0, worker, tree: Tree::Usage, index: 0 };
        self.strangers(DEPOSIT, days(8), message)
    }

    fn shown(&self) -> Result<Shown, EngineError> {
        let leaf = self.book.usage(0).ok_or(EngineError::new("no leaf"))?;
        Ok(Shown::Usage(Box::new(leaf)))
    }

    fn close(&self) -> Told {
        self.told(days(11), RewardsMsg::CloseEpoch { epoch: 0 })
    }

    fn claim(&self) -> Told {
        self.workers(days(12), RewardsMsg::Claim { epoch: 0, royalty: None })
    }

    fn settle(&self) -> Result<Told, EngineError> {
        let leaf = self.book.usage(0).ok_or(EngineError::new("no leaf"))?;
        let worker = self.cast.worker.address.clone();
        let message = RewardsMsg::Settle { epoch: 0, worker, shown: Box::new(leaf) };
        Ok(self.told(days(12), message))
    }
}

impl Operation for Step {
    fn name(&self) -> &str {
        self.name
    }

    fn perform(&self, engine: &mut dyn Engine) -> Result<Called, EngineError> {
        match &self.act {
            Act::Tell(Told { by, paid, env, message }) => {
                let (funds, message) = (coins(*paid), json_of(message)?);
                engine.call_with(Entry::Execute, env, by.as_str(), &funds, &message)
            }
            Act::Royalty(env, claim) => {
                let owner = &self.cast.owner;
                let message = royalty(engine, owner, claim, COLLECTION)?;
                engine.call(Entry::Execute, env, owner.address.as_str(), &message)
            }
            Act::Ask(env, query) => engine.call(Entry::Query, env, "", &json_of(query)?),
        }
    }

    fn cost(&self, engine: &mut dyn Engine, rows: &Rows) -> Result<Gas, EngineError> {
        let mut rows = rows.clone();
        self.before.iter().try_for_each(|told| tell(&mut rows, told))?;
        engine.set_rows(rows);
        let called = self.perform(engine)?;
        let refused = |text| EngineError::new(format!("{} was refused: {text}", self.name));
        called.result.map_err(refused)?;
        Ok(called.gas)
    }
}

/// What happened before, by the core alone.
fn tell(rows: &mut Rows, told: &Told) -> Result<(), EngineError> {
    let Told { by, paid, env, message } = told;
    let host = Host { verify: &Trusting, peers: &Anybody };
    let done = rewards::execute(rows, env, by, &coins(*paid), host, message.clone());
    done.map(|_| ()).map_err(EngineError::new)
}

/// Every account is a worker.
struct Anybody;

impl rewards::Peers for Anybody {
    fn owner(&self, _: CollectionId) -> Option<Address> {
        None
    }

    fn worker(&self, _: &Address, _: u64, _: u64) -> Option<Registered> {
        Some(registered())
    }
}

/// Signatures that have just been made need no check.
struct Trusting;

impl Verify for Trusting {
    fn ed25519(&self, _: &[u8], _: &[u8; 64], _: &[u8; 32]) -> bool {
        true
    }
}

/// Of the worker's book.
const SESSIONS: u8 = 200;
