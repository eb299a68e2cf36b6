//! The rewards wasm does what the core does, on both engines: same replies, refusals, payments, raw rows. Vouchers are
//! really signed, and the access contract that it asks is the access wasm.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

#[path = "../both/mod.rs"]
mod both;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use both::{engines, gas_does_not_grow};
use ed25519_dalek::Signer;
use prag_contracts_core::rewards::book::Book;
use prag_contracts_core::rewards::{self, Host, Outcome};
use prag_contracts_core::{Env, access};
use prag_contracts_permit::testing::Person;
use prag_contracts_vm::access::{COLLECTION, Cast, START};
use prag_contracts_vm::rewards::{
    Curve, DAY, Known, LEDGER, begun, birth, book, init, key, operations, peers, royalty, stocked,
};
use prag_contracts_vm::subscription::coins;
use prag_contracts_vm::{Called, Engine, Entry, Peers, Rows, seen, told};
use prag_protocol::CollectionId;
use prag_protocol::ledger::AccessMsg;
use prag_protocol::ledger::rewards::{
    Evidence, RewardsMsg, RewardsQuery, RoyaltyClaim, Shown, Tree,
};
use prag_protocol::ledger::workers::WorkersMsg;
use serde_json::{Value, json};
use std::sync::Arc;

/// Both engines with the rewards contract, and an access contract on the same chain.
fn pairs() -> Vec<(Box<dyn Engine + Send>, Box<dyn Engine + Send>)> {
    let pairs: Vec<_> = engines("rewards").into_iter().zip(engines("access")).collect();
    assert!(pairs.iter().all(|(own, other)| own.prefix() == other.prefix()), "half is not built");
    pairs
}

/// One contract and the core beside it.
struct Stage {
    engine: Box<dyn Engine + Send>,
    rows: Rows,
    cast: Arc<Cast>,
    env: Env,
    steps: u32,
}

impl Stage {
    fn new(mut engine: Box<dyn Engine + Send>, mut access: Box<dyn Engine + Send>) -> Self {
        let cast = Arc::new(Cast::new(&engine.contract()).unwrap());
        let mut owned = Rows::default();
        let create =
            AccessMsg::CreateCollection { collection: COLLECTION, commitment: [1; 32], epoch: 1 };
        access::execute(&mut owned, &START, &cast.owner.address, create).unwrap();
        access.set_rows(owned);
        let admin = cast.owner.address.as_str();
        let bytes = birth(engine.as_ref(), &cast).unwrap();
        let alone = engine.call(Entry::Instantiate, &START, admin, &bytes).unwrap();
        assert_eq!(alone.result, Err("another contract did not answer".to_owned()));
        assert_eq!(engine.rows(), Rows::default());
        let born = begun(engine.as_mut(), &cast, access).unwrap();
        assert!(born.result.is_ok(), "{born:?}");
        let mut rows = Rows::default();
        let init = init(&cast).unwrap();
        rewards::instantiate(&mut rows, &START, &cast.owner.address, init).unwrap();
        // What only the shell keeps.
        let kept = engine.rows().0.remove(b"peers".as_slice()).unwrap();
        rows.0.insert(b"peers".to_vec(), kept);
        assert_eq!(engine.rows(), rows);
        Self { engine, rows, cast, env: START, steps: 0 }
    }

    fn tell(&mut self, name: &str, by: fn(&Cast) -> &Person, message: &RewardsMsg, paid: u128) {
        let bytes = serde_json::to_vec(message).unwrap();
        let told = !self.engine.closed();
        self.step(name, by, &bytes, message, paid, told);
    }

    /// The owner's claim, as this chain has it.
    fn claim_royalty(
        &mut self,
        name: &str,
        by: fn(&Cast) -> &Person,
        claim: &RoyaltyClaim,
        of: CollectionId,
    ) {
        let message = RewardsMsg::Claim { epoch: 0, royalty: Some(claim.clone()) };
        let bytes = royalty(self.engine.as_ref(), &self.cast.owner, claim, of).unwrap();
        let told = !self.engine.closed() || of == COLLECTION;
        self.step(name, by, &bytes, &message, 0, told);
    }

    fn step(
        &mut self,
        name: &str,
        by: fn(&Cast) -> &Person,
        bytes: &[u8],
        message: &RewardsMsg,
        paid: u128,
        told: bool,
    ) {
        self.steps += 1;
        self.env.height += 1;
        self.env.time += 6;
        let funds = coins(paid);
        let by = by(&self.cast).address.clone();
        let (owner, worker) = (self.cast.owner.address.clone(), self.cast.worker.address.clone());
        let peers = Known { owner, worker, told };
        let host = Host { verify: &Curve, peers: &peers };
        let native =
            rewards::execute(&mut self.rows, &self.env, &by, &funds, host, message.clone());
        let engine = &mut self.engine;
        let called =
            engine.call_with(Entry::Execute, &self.env, by.as_str(), &funds, bytes).unwrap();
        println!("{:<10} {name:<40} {:>10} sdk gas", self.engine.prefix(), called.gas.sdk());
        match native {
            Ok(outcome) => self.same(name, &outcome, called),
            Err(error) => assert_eq!(called.result, Err(error.to_string()), "{name}"),
        }
        assert_eq!(self.engine.rows(), self.rows, "{name}");
        self.ask(name);
    }

    fn same(&self, name: &str, outcome: &Outcome, called: Called) {
        let response = called.result.unwrap();
        let mut shown = seen(&response);
        let slash = outcome.slash.as_ref().map(|slash| {
            let sent = shown["payments"].as_array_mut().unwrap();
            assert_eq!(sent.pop(), Some(Value::Null), "{name}");
            let last = response["messages"].as_array().unwrap().last().unwrap().clone();
            assert_eq!((&last["reply_on"], &last["id"]), (&json!("error"), &json!(slash.epoch)));
            let execute = &last["msg"]["wasm"]["execute"];
            assert_eq!(execute["contract_addr"], self.cast.worker.address.as_str());
            let bytes = STANDARD.decode(execute["msg"].as_str().unwrap()).unwrap();
            let (worker, fraction) = (slash.worker.clone(), slash.ppm);
            let reason = format!("false report of epoch {}", slash.epoch);
            let message: WorkersMsg = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(message, WorkersMsg::Slash { worker, fraction, reason });
        });
        assert_eq!(slash.is_some(), name.contains("slashed"), "{name}");
        assert_eq!(shown, told(outcome.event.as_slice(), &outcome.payments), "{name}");
    }

    /// Every question, after every step.
    fn ask(&mut self, name: &str) {
        let (worker, collection) = (self.cast.worker.address.clone(), COLLECTION);
        let session = key(2).verifying_key().to_bytes();
        let account = worker.clone();
        let demanded = worker.clone();
        for query in [
            RewardsQuery::Config {},
            RewardsQuery::Epoch { epoch: 0 },
            RewardsQuery::Epoch { epoch: u64::MAX },
            RewardsQuery::Report { epoch: 0, worker: worker.clone() },
            RewardsQuery::Demand { epoch: 0, worker: demanded, tree: Tree::Usage, index: 0 },
            RewardsQuery::Claimable { account, epoch: 0 },
            RewardsQuery::Settled { worker, collection, session },
            RewardsQuery::Pool {},
        ] {
            let native = rewards::query(&self.rows, &self.env, query.clone());
            let native = native.map(|reply| serde_json::to_value(reply).unwrap());
            let bytes = serde_json::to_vec(&query).unwrap();
            let called = self.engine.call(Entry::Query, &self.env, "", &bytes).unwrap();
            let native = native.map_err(|error| error.to_string());
            assert_eq!(called.result, native, "{name}: {query:?}");
        }
    }

    fn later(&mut self, seconds: u64) {
        self.env.time += seconds;
    }

    fn report(&mut self, name: &str, book: &Book, signer: u8) {
        let report = book.report();
        let bytes = report.signed_bytes(&LEDGER, &self.cast.worker.address, 0);
        let signature = key(signer).sign(&bytes).to_bytes();
        let message = RewardsMsg::ReportUsage { epoch: 0, report, signature };
        self.tell("a stranger reports", stranger, &message, 1000);
        self.tell("report for too little", worker, &message, 999);
        self.tell(name, worker, &message, 1000);
    }
}

fn owner(cast: &Cast) -> &Person {
    &cast.owner
}

fn worker(cast: &Cast) -> &Person {
    &cast.worker
}

fn stranger(cast: &Cast) -> &Person {
    &cast.stranger
}

/// Fund, report, demand, reveal, close, claim, settle, sweep, with every refusal on the way.
#[test]
fn a_true_report_is_paid() {
    for (engine, access) in pairs() {
        let mut stage = Stage::new(engine, access);
        let cast = stage.cast.clone();
        let book = book(&cast, 1, false).unwrap();
        stage.tell("fund", stranger, &RewardsMsg::Fund {}, 1 << 100);
        stage.tell("fund with nothing", stranger, &RewardsMsg::Fund {}, 0);
        stage.later(7 * DAY);
        stage.report("report under another key", &book, 9);
        stage.report("report", &book, 1);
        stage.later(DAY);
        let who = cast.worker.address.clone();
        let demand =
            RewardsMsg::Demand { epoch: 0, worker: who.clone(), tree: Tree::Usage, index: 0 };
        stage.tell("demand", stranger, &demand, 10);
        stage.tell("demand again", stranger, &demand, 10);
        let shown = Shown::Usage(Box::new(book.usage(0).unwrap()));
        let evidence = Evidence::Leaf(shown.clone());
        stage.tell("reveal", worker, &RewardsMsg::Reveal { epoch: 0, shown }, 0);
        let challenge = RewardsMsg::Challenge { epoch: 0, worker: who.clone(), evidence };
        stage.tell("a challenge of what is true", stranger, &challenge, 0);
        stage.tell("close too early", stranger, &RewardsMsg::CloseEpoch { epoch: 0 }, 0);
        stage.later(3 * DAY);
        stage.tell("close", stranger, &RewardsMsg::CloseEpoch { epoch: 0 }, 0);
        let claim = RewardsMsg::Claim { epoch: 0, royalty: None };
        stage.tell("claim", worker, &claim, 0);
        stage.tell("claim again", worker, &claim, 0);
        let royalty = RoyaltyClaim { worker: who.clone(), shown: book.royalty(0).unwrap() };
        stage.claim_royalty("a stranger's royalty", stranger, &royalty, COLLECTION);
        if stage.engine.closed() {
            let bare = RewardsMsg::Claim { epoch: 0, royalty: Some(royalty.clone()) };
            stage.tell("without a question", owner, &bare, 0);
            stage.claim_royalty("another's question", owner, &royalty, CollectionId([9; 16]));
        }
        stage.claim_royalty("royalty", owner, &royalty, COLLECTION);
        stage.claim_royalty("royalty again", owner, &royalty, COLLECTION);
        let shown = Box::new(book.usage(0).unwrap());
        let settle = RewardsMsg::Settle { epoch: 0, worker: who, shown };
        stage.tell("settle", stranger, &settle, 0);
        stage.later(8 * DAY);
        stage.tell("sweep", stranger, &RewardsMsg::Sweep { epoch: 0 }, 0);
        let admin = cast.reader.address.clone();
        stage.tell("name an admin", owner, &RewardsMsg::SetAdmin { admin }, 0);
        stage.tell("not named", stranger, &RewardsMsg::AcceptAdmin {}, 0);
        let config = init(&cast).unwrap().config;
        stage.tell("set the config", owner, &RewardsMsg::SetConfig { config }, 0);
        assert!(stage.steps >= 24, "the story got shorter");
    }
}

/// A forged signature voids the report, in wasm too, and the workers contract is told.
#[test]
fn a_false_report_is_slashed() {
    for (engine, access) in pairs() {
        let mut stage = Stage::new(engine, access);
        let book = book(&stage.cast, 1, true).unwrap();
        stage.tell("fund", stranger, &RewardsMsg::Fund {}, 10_000);
        stage.later(7 * DAY);
        stage.report("report", &book, 1);
        let evidence = Evidence::Leaf(Shown::Usage(Box::new(book.usage(0).unwrap())));
        let who = stage.cast.worker.address.clone();
        let challenge = RewardsMsg::Challenge { epoch: 0, worker: who, evidence };
        stage.tell("challenged and slashed", stranger, &challenge, 0);
        stage.tell("challenged again", stranger, &challenge, 0);
    }
}

/// A registry that asks nobody whom its chain could ask is no peer: terms that another kind of chain has do not do here.
#[test]
fn a_registry_that_nobody_judges_is_no_peer() {
    for (mut engine, access) in pairs() {
        let cast = Arc::new(Cast::new(&engine.contract()).unwrap());
        let (closed, lawful) = (engine.closed(), peers(Arc::clone(&cast), access));
        let lax: Peers = Arc::new(move |contract, question| {
            let mut reply: Value = serde_json::from_slice(&lawful(contract, question)?).unwrap();
            let terms = &mut reply["config"]["terms"];
            (terms["attested_only"], terms["approved_only"]) = (json!(!closed), json!(closed));
            Ok(serde_json::to_vec(&reply).unwrap())
        });
        engine.set_peers(lax);
        let bytes = birth(engine.as_ref(), &cast).unwrap();
        let admin = cast.owner.address.as_str();
        let born = engine.call(Entry::Instantiate, &START, admin, &bytes).unwrap();
        assert!(born.result.unwrap_err().contains("that nobody has verified"));
        assert_eq!(engine.rows(), Rows::default());
    }
}

/// With 10,000 reports of one epoch stored an operation costs what it costs with 100.
#[test]
fn gas_does_not_grow_with_the_reports() {
    for (mut engine, _) in pairs() {
        let cast = Arc::new(Cast::new(&engine.contract()).unwrap());
        let states = [1, 100, 10_000].map(|reports| {
            let mut others = engines("access");
            others.retain(|other| other.prefix() == engine.prefix());
            stocked(engine.as_mut(), &cast, others.remove(0), reports).unwrap()
        });
        assert_eq!(states[2].0.len(), states[0].0.len() + 9_999);
        gas_does_not_grow(engine.as_mut(), &states, &operations(&cast).unwrap(), 50);
    }
}
