//! The stage: everybody has money, the contracts are stored and know each other.
//!
//! Layer: tests, story.
//! Holds: who takes part, where the contracts are, and their terms.
//! Never: a contract that is not proven to be its code, or that somebody could replace.
//! Invariant: a window begins within the first epoch.

use crate::bill::Bill;
use crate::node::{self, DENOM, wasm};
use crate::story::coins;
use crate::wallet;
use prag_client::ledger::Ledger;
use prag_client::system::SystemClock;
use prag_cosmos::{Chain, Contract, CosmosLedger, Network, Settings};
use prag_protocol::Address;
use prag_protocol::ledger::rewards::{RewardsConfig, RewardsInit, RewardsQuery, RewardsReply};
use prag_protocol::ledger::workers::{Parties, WorkersInit, WorkersMsg, WorkersTerms};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Who takes part, and where.
pub(super) struct Story {
    pub(super) bill: Bill,
    /// Deploys the contracts, and runs them.
    pub(super) admin: Chain,
    pub(super) owner: Chain,
    pub(super) reader: Chain,
    /// A worker.
    pub(super) ann: Chain,
    /// A worker that lies.
    pub(super) mal: Chain,
    /// Anybody.
    pub(super) watcher: Chain,
    /// Where fees and slashed stakes go; nobody here has its key.
    pub(super) treasury: Address,
    pub(super) access: Place,
    pub(super) workers: Place,
    pub(super) subscription: Place,
    pub(super) rewards: Place,
    /// The worker's ledger: what it obeys.
    pub(super) ledger: CosmosLedger,
    /// When the first window after the registrations begins.
    pub(super) window: u64,
}

/// Where a contract is, and the SHA-256 of its code.
pub(super) struct Place {
    pub(super) address: Address,
    code: [u8; 32],
}

/// A code's number and its SHA-256.
type Code = (u64, [u8; 32]);

impl Place {
    /// The contract, as somebody reaches it.
    pub(super) async fn reached(&self, by: &Chain) -> Contract {
        by.contract(&self.address, &self.code).await.unwrap()
    }
}

impl Story {
    pub(super) async fn begin() -> Self {
        let (bill, network) = (Bill::new(), node::network().await);
        let (admin, ann) = (open(&network, 11), open(&network, 13));
        let [owner, reader, mal, watcher] = [16, 12, 14, 15].map(|seed| open(&network, seed));
        // Two accounts, two sequences: neither waits for the other.
        let (codes, ()) = tokio::join!(stored(&bill, &admin), async {
            for to in [&owner, &reader, &mal, &watcher] {
                let paid = ann.pay(to.account().on_chain(), &coins(POCKET)).await.unwrap();
                bill.note("bank: send", &paid);
            }
        });
        bill.say("four contracts stored, and everybody has money");
        let treasury = admin.spelled(&wallet(17).address()).unwrap();
        let me = admin.account().on_chain().clone();
        let make = |code: Code, label: &'static str, message: Value| {
            made(&bill, &admin, code, label, message)
        };
        let access = make(codes[0], "access", json!({})).await;
        let subscription = make(codes[2], "subscription", json!({})).await;
        let (window_seconds, window) = next_window(admin.header().await.unwrap().time());
        let init = workers_init(me, treasury.clone(), window_seconds);
        let workers = make(codes[1], "workers", serde_json::to_value(init).unwrap()).await;
        let code_hash = codes[0].1;
        let settings = Settings { network, contract: access.address.clone(), code_hash };
        let ledger = CosmosLedger::open(settings, None, &wallet(13), clock()).unwrap();
        let init = json!({
            "rewards": rewards_init(ledger.id(), treasury.clone()),
            "access": {"address": access.address},
            "workers": {"address": workers.address},
        });
        let rewards = make(codes[3], "rewards", init).await;
        let story = Self {
            bill,
            admin,
            owner,
            reader,
            ann,
            mal,
            watcher,
            treasury,
            access,
            workers,
            subscription,
            rewards,
            ledger,
            window,
        };
        story.wired().await;
        story
    }

    /// From now on the rewards contract may slash.
    async fn wired(&self) {
        let parties = Parties {
            rewards: Some(self.rewards.address.clone()),
            treasury: self.treasury.clone(),
            approver: Some(self.admin.account().on_chain().clone()),
        };
        let message = WorkersMsg::SetParties { parties };
        self.tell("workers: set_parties", &self.admin, &self.workers, &message, 0).await;
        let RewardsReply::Config { settings, epoch: 0 } = self.pool(&RewardsQuery::Config {}).await
        else {
            panic!("the first epoch runs");
        };
        let epoch = settings.genesis..settings.genesis + settings.epoch_seconds;
        assert!(
            epoch.contains(&self.window),
            "{epoch:?} has no window that begins at {}",
            self.window
        );
        self.bill.say("made and wired: each is the code that was stored, and has no administrator");
    }

    /// What the rewards contract answers, by proof.
    pub(super) async fn pool(&self, query: &RewardsQuery) -> RewardsReply {
        self.rewards.reached(self.seen().await).await.query(query).await.unwrap()
    }
}

/// Everybody's clock.
pub(super) fn clock() -> Arc<SystemClock> {
    Arc::new(SystemClock::default())
}

fn open(network: &Network, seed: u8) -> Chain {
    Chain::open(network.clone(), None, &wallet(seed), clock()).unwrap()
}

async fn stored(bill: &Bill, admin: &Chain) -> Vec<Code> {
    let mut codes = Vec::new();
    for name in ["access", "workers", "subscription", "rewards"] {
        let wasm = wasm(name);
        let hash = Sha256::digest(&wasm).into();
        let (code, done) = admin.store(wasm).await.unwrap();
        bill.note(&format!("{name}: store"), &done);
        codes.push((code, hash));
    }
    codes
}

/// A contract that is proven to be what it should.
async fn made(bill: &Bill, admin: &Chain, code: Code, label: &str, message: Value) -> Place {
    let made = admin.instantiate(code.0, label, &message).await;
    let (address, done) = made.unwrap_or_else(|error| panic!("{label}: {error:?}"));
    bill.note(&format!("{label}: instantiate"), &done);
    let place = Place { address, code: code.1 };
    place.reached(admin).await;
    assert!(admin.contract(&place.address, &[0; 32]).await.is_err(), "other code");
    place
}

/// A length of windows by which one begins neither before the workers have registered nor after the first epoch: how
/// long, and when.
fn next_window(now: u64) -> (u64, u64) {
    let next = |length: u64| (length, (now / length + 1) * length);
    let fits = |(_, begins): &(u64, u64)| (now + 20..now + 28).contains(begins);
    (60..3600).map(next).find(fits).unwrap()
}

fn workers_init(admin: Address, treasury: Address, window_seconds: u64) -> WorkersInit {
    let terms = WorkersTerms {
        denom: DENOM.parse().unwrap(),
        stake_per_capacity: STAKE.try_into().unwrap(),
        window_seconds,
        evidence_seconds: 2 * window_seconds,
        timelock_seconds: 1,
        unbonding_seconds: 1,
        missed_ppm: 10_000,
        attested_only: false,
        approved_only: true,
    };
    let approver = Some(admin.clone());
    WorkersInit { admin, parties: Parties { rewards: None, treasury, approver }, terms }
}

fn rewards_init(ledger: [u8; 32], treasury: Address) -> RewardsInit {
    let config = RewardsConfig {
        treasury,
        fee_bps: 500,
        royalty_bps: 2000,
        uptime_bps: 1000,
        query_weight: 10,
        chunk_weight: 2,
        embedded_weight: 1,
        bond: BOND.try_into().unwrap(),
        deposit: DEPOSIT.try_into().unwrap(),
        bounty_bps: 4000,
        slash_ppm: 100_000,
        report_seconds: 20,
        challenge_seconds: 18,
        claim_seconds: 20,
    };
    RewardsInit { ledger, denom: DENOM.parse().unwrap(), epoch_seconds: 45, config }
}

/// What everybody begins with.
const POCKET: u128 = 50_000_000;
/// What a worker stakes.
pub(super) const STAKE: u128 = 5_000_000;
/// What a report puts at stake.
pub(super) const BOND: u128 = 1_000_000;
/// What a demand deposits.
pub(super) const DEPOSIT: u128 = 1000;
