#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]
use super::book::{Book, Entry};
use super::*;
use crate::rewards;
use crate::tests::{Chance, Toy, toy_signature};
use prag_protocol::ledger::rewards::{
    EpochView, Evidence, Proven, ReportRecord, RewardsConfig, RewardsInit, RewardsQuery,
    RewardsReply, RoyaltyClaim, RoyaltyLeaf, Shown, UsageLeaf,
};
use prag_protocol::ledger::voucher::{Counters, Role, SignedVoucher, Voucher};
use std::collections::BTreeMap;

mod effects;
mod evidence;
mod model;
mod refusals;
mod rows;
mod shares;
mod walk;

/// A store that keeps everything in a map, and counts what is touched.
#[derive(Clone, Default, Debug)]
struct Map {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    touched: std::cell::Cell<u32>,
    written: usize,
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl Map {
    fn touch(&self) {
        self.touched.set(self.touched.get() + 1);
    }
}

impl Kv for Map {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.touch();
        self.rows.get(key).cloned()
    }
    fn put(&mut self, key: &[u8], value: &[u8]) {
        assert!(!key.is_empty() && !value.is_empty(), "chains refuse empty rows");
        self.touch();
        self.written += key.len() + value.len();
        self.rows.insert(key.to_vec(), value.to_vec());
    }
    fn delete(&mut self, key: &[u8]) {
        self.touch();
        self.rows.remove(key);
    }
}

/// What the other contracts know.
#[derive(Clone, Default)]
struct Around {
    owners: BTreeMap<CollectionId, Address>,
    answers: BTreeMap<Address, u64>,
}

impl Peers for Around {
    fn owner(&self, collection: CollectionId) -> Option<Address> {
        self.owners.get(&collection).cloned()
    }
    fn worker(&self, worker: &Address, from: u64, until: u64) -> Option<Registered> {
        assert_eq!((from - GENESIS) % EPOCH, 0, "asked for the epoch's time");
        assert_eq!(until - from, EPOCH);
        let answers = *self.answers.get(worker)?;
        Some(Registered { signing_key: SIGNING, answers })
    }
}

/// A ledger at one time, with short verbs, and a bank that knows what the contract must hold.
#[derive(Clone)]
struct World {
    map: Map,
    env: Env,
    around: Around,
    /// What came in less what went out, by the payments alone.
    held: u128,
    /// What each account got.
    got: BTreeMap<String, u128>,
}

const GENESIS: u64 = 1_000_000;
const EPOCH: u64 = 100;
const LEDGER: [u8; 32] = [0x1d; 32];
/// Of every worker, as registered.
const SIGNING: [u8; 32] = [0x51; 32];
const BOND: u128 = 1_000;
const DEPOSIT: u128 = 10;

/// Seconds after genesis at which things of epoch 0 begin.
const REPORTS: u64 = 100;
const DEMANDS_END: u64 = 140;
const ANSWERS_END: u64 = 150;
const CHALLENGES_END: u64 = 160;
const CLAIMS_END: u64 = 210;

fn config() -> RewardsConfig {
    RewardsConfig {
        treasury: account("treasury"),
        fee_bps: 500,
        royalty_bps: 2_000,
        uptime_bps: 1_000,
        query_weight: 10,
        chunk_weight: 2,
        embedded_weight: 1,
        bond: BOND.try_into().unwrap(),
        deposit: DEPOSIT.try_into().unwrap(),
        bounty_bps: 4_000,
        slash_ppm: 100_000,
        report_seconds: 30,
        challenge_seconds: 30,
        claim_seconds: 50,
    }
}

fn init() -> RewardsInit {
    RewardsInit {
        ledger: LEDGER,
        denom: "uscrt".parse().unwrap(),
        epoch_seconds: EPOCH,
        config: config(),
    }
}

impl World {
    /// Set up by "admin"; "ann", "bob" and "cyd" are workers, collection n is owned by "owner{n}".
    fn new() -> Self {
        let mut map = Map::default();
        let env = Env { height: 7, time: GENESIS };
        rewards::instantiate(&mut map, &env, &account("admin"), init()).unwrap();
        let mut around = Around::default();
        for n in 1..=9 {
            around.owners.insert(id(n), account(&format!("owner{n}")));
        }
        for (who, answers) in [("ann", 3), ("bob", 1), ("cyd", 0)] {
            around.answers.insert(account(who), answers);
        }
        Self { map, env, around, held: 0, got: BTreeMap::new() }
    }

    /// Moves to so many seconds after genesis.
    fn at(&mut self, seconds: u64) -> &mut Self {
        self.env.time = GENESIS + seconds;
        self
    }

    fn run(
        &mut self,
        who: &str,
        amount: u128,
        message: RewardsMsg,
    ) -> Result<Outcome, RewardsError> {
        let funds = coins(amount);
        let host = Host { verify: &Toy, peers: &self.around };
        let sender = account(who);
        let outcome = rewards::execute(&mut self.map, &self.env, &sender, &funds, host, message)?;
        self.held += amount;
        for Payment { to, denom, amount } in &outcome.payments {
            assert_eq!(denom, "uscrt");
            assert!(*amount > 0, "banks refuse coins of nothing");
            self.held = self.held.checked_sub(*amount).expect("more was paid than held");
            *self.got.entry(name(to)).or_default() += amount;
        }
        self.conserves();
        Ok(outcome)
    }

    fn ok(&mut self, who: &str, amount: u128, message: RewardsMsg) -> Outcome {
        let shown = format!("{message:?}");
        match self.run(who, amount, message) {
            Ok(outcome) => outcome,
            Err(error) => panic!("{shown}: {error}"),
        }
    }

    /// Refused for this reason, and nothing changed.
    fn refuses(&mut self, who: &str, amount: u128, message: RewardsMsg, reason: RewardsError) {
        let before = self.map.clone();
        let shown = format!("{who}: {message:?}");
        assert_eq!(self.run(who, amount, message), Err(reason), "{shown}");
        assert_eq!(self.map, before, "{shown} left a trace");
    }

    fn ask(&self, query: RewardsQuery) -> RewardsReply {
        rewards::query(&self.map, &self.env, query).unwrap()
    }

    fn pool(&self) -> PoolRecord {
        match self.ask(RewardsQuery::Pool {}) {
            RewardsReply::Pool(pool) => pool,
            other => panic!("{other:?}"),
        }
    }

    fn epoch(&self, epoch: u64) -> EpochView {
        match self.ask(RewardsQuery::Epoch { epoch }) {
            RewardsReply::Epoch(Some(view)) => *view,
            other => panic!("{other:?}"),
        }
    }

    fn report(&self, epoch: u64, who: &str) -> ReportRecord {
        match self.ask(RewardsQuery::Report { epoch, worker: account(who) }) {
            RewardsReply::Report(Some(report)) => *report,
            other => panic!("{other:?}"),
        }
    }

    /// In = out + fees + held, to the last unit, by the contract's word and by the bank's.
    fn conserves(&self) {
        let PoolRecord { paid_in, paid_out, fees, bonds, deposits, open, unclaimed, carry } =
            self.pool();
        let held = bonds + deposits + open + unclaimed + carry;
        assert_eq!(paid_in, paid_out + fees + held);
        assert_eq!(held, self.held);
    }
}

fn coins(amount: u128) -> Vec<Funds> {
    if amount == 0 { Vec::new() } else { vec![Funds { denom: "uscrt".to_owned(), amount }] }
}

fn id(n: u8) -> CollectionId {
    CollectionId([n; 16])
}

fn account(name: &str) -> Address {
    format!("secret1{name}").parse().unwrap()
}

fn name(address: &Address) -> String {
    address.as_str().trim_start_matches("secret1").to_owned()
}

/// Queries, chunks, embedded, input, output.
fn used(values: [u64; 5]) -> Counters {
    let [queries, chunks, embedded, input, output] = values;
    Counters { queries, chunks, embedded, input, output }
}

fn voucher(worker: &str, n: u8, session: u8, values: [u64; 5]) -> Voucher {
    Voucher {
        ledger: LEDGER,
        worker: account(worker),
        worker_key: [0x11; 32],
        collection: id(n),
        consumer: account("reader"),
        session: [session; 32],
        sequence: 1,
        used: used(values),
    }
}

fn signed(voucher: Voucher) -> SignedVoucher {
    let sign = |role, key| toy_signature(&voucher.signed_bytes(role), key);
    SignedVoucher {
        worker_signature: sign(Role::Worker, &voucher.worker_key),
        consumer_signature: sign(Role::Consumer, &voucher.session),
        voucher,
    }
}

fn entry(worker: &str, n: u8, session: u8, start: [u64; 5], end: [u64; 5]) -> Entry {
    Entry { signed: signed(voucher(worker, n, session, end)), start: used(start) }
}

/// Three sessions of two collections: 1 has 30 units, 2 has 70; weight 30·10 + 100·2 + 5 + 50 + 4·20.
fn book(worker: &str) -> Book {
    Book::new(vec![
        entry(worker, 2, 8, [0; 5], [10, 70, 0, 20, 10]),
        entry(worker, 1, 9, [5, 5, 0, 0, 0], [15, 15, 5, 20, 5]),
        entry(worker, 1, 7, [0; 5], [10, 20, 0, 10, 5]),
    ])
    .unwrap()
}

fn report(worker: &str, epoch: u64, book: &Book) -> RewardsMsg {
    let report = book.report();
    let message = report.signed_bytes(&LEDGER, &account(worker), epoch);
    RewardsMsg::ReportUsage { epoch, report, signature: toy_signature(&message, &SIGNING) }
}

fn presence(worker: &str, epoch: u64) -> RewardsMsg {
    report(worker, epoch, &Book::new(Vec::new()).unwrap())
}

fn demand(worker: &str, tree: Tree, index: u64) -> RewardsMsg {
    RewardsMsg::Demand { epoch: 0, worker: account(worker), tree, index }
}

fn usage(book: &Book, index: u64) -> Box<Proven<UsageLeaf>> {
    Box::new(book.usage(index).unwrap())
}

fn royalty(book: &Book, index: u64) -> Box<Proven<RoyaltyLeaf>> {
    Box::new(book.royalty(index).unwrap())
}

fn reveal(book: &Book, tree: Tree, index: u64) -> RewardsMsg {
    let shown = match tree {
        Tree::Usage => Shown::Usage(usage(book, index)),
        Tree::Royalty => Shown::Royalty(royalty(book, index)),
    };
    RewardsMsg::Reveal { epoch: 0, shown }
}

fn challenge(worker: &str, evidence: Evidence) -> RewardsMsg {
    RewardsMsg::Challenge { epoch: 0, worker: account(worker), evidence }
}

fn unanswered(worker: &str, tree: Tree, index: u64) -> RewardsMsg {
    challenge(worker, Evidence::Unanswered { tree, index })
}

fn close(epoch: u64) -> RewardsMsg {
    RewardsMsg::CloseEpoch { epoch }
}

fn claim(epoch: u64) -> RewardsMsg {
    RewardsMsg::Claim { epoch, royalty: None }
}

fn claim_royalty(worker: &str, book: &Book, index: u64) -> RewardsMsg {
    let royalty = RoyaltyClaim { worker: account(worker), shown: *royalty(book, index) };
    RewardsMsg::Claim { epoch: 0, royalty: Some(royalty) }
}

fn settle(epoch: u64, worker: &str, book: &Book, index: u64) -> RewardsMsg {
    RewardsMsg::Settle { epoch, worker: account(worker), shown: usage(book, index) }
}

fn sweep(epoch: u64) -> RewardsMsg {
    RewardsMsg::Sweep { epoch }
}
