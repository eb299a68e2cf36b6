//! A ledger with every contract, a worker that has registered, and everybody's money.

use super::*;
use crate::access;
use crate::rewards::book::{Book, Entry};
use crate::tests::{Map, Toy, toy_signature as sign};
use crate::workers::{challenge, registration_digest};
use prag_protocol::CollectionId;
use prag_protocol::ledger::AccessMsg;
use prag_protocol::ledger::bank::{BankInit, Endowment};
use prag_protocol::ledger::rewards::RewardsConfig;
use prag_protocol::ledger::voucher::{Counters, Role, SignedVoucher, Voucher};
use prag_protocol::ledger::workers::{EvidenceBinding, Registration, WorkersTerms};

/// A window begins with the first epoch.
pub(super) const NOW: u64 = 1_000_020;
pub(super) const EPOCH: u64 = 600;
pub(super) const BOND: u128 = 1_000;
pub(super) const STAKE: u128 = 5_000;
const LEDGER: [u8; 32] = [0x1d; 32];
const NAME: &str = "chain-1/secret1workers";
const COLLECTION: CollectionId = CollectionId([7; 16]);
const SIGNING: [u8; 32] = [3; 32];

pub(super) struct Scene {
    pub(super) map: Map,
    pub(super) worker: Address,
    contracts: Contracts,
}

pub(super) fn coins(amount: u128) -> Vec<Coin> {
    let denom = "uprag".parse().unwrap();
    let amount = amount.try_into().ok();
    amount.map(|amount| Coin { denom, amount }).into_iter().collect()
}

fn name(who: &str) -> Address {
    format!("secret1{who}").parse().unwrap()
}

/// A message in its envelope.
pub(super) trait Enveloped {
    fn enveloped(self) -> MarketMsg;
}

impl Enveloped for RewardsMsg {
    fn enveloped(self) -> MarketMsg {
        MarketMsg::Rewards(Box::new(self))
    }
}

impl Enveloped for WorkersMsg {
    fn enveloped(self) -> MarketMsg {
        MarketMsg::Workers(Box::new(self))
    }
}

impl Enveloped for SubscriptionMsg {
    fn enveloped(self) -> MarketMsg {
        MarketMsg::Subscription(self)
    }
}

impl Scene {
    pub(super) fn begun() -> Self {
        let contracts = Contracts {
            workers: name("workers"),
            subscription: name("subscription"),
            rewards: name("rewards"),
        };
        let mut scene = Self { map: Map::default(), worker: name("worker"), contracts };
        let env = Env { height: 1, time: NOW };
        instantiate(&mut scene.map, &env, &scene.contracts, (LEDGER, NAME), init()).unwrap();
        let create =
            AccessMsg::CreateCollection { collection: COLLECTION, commitment: [1; 32], epoch: 1 };
        access::execute(&mut scene.map, &env, &name("owner"), create).unwrap();
        let plan = SubscriptionMsg::MakePlan {
            id: 1,
            price: 500u128.try_into().unwrap(),
            denom: "uprag".parse().unwrap(),
            period_seconds: 30 * 86_400,
            grace_seconds: 0,
            refund_fee_bp: 0,
            api_keys: 1,
            units: 10,
        };
        scene.run("admin", NOW, 0, plan).unwrap();
        scene
    }

    pub(super) fn subscribe(&self) -> SubscriptionMsg {
        SubscriptionMsg::Subscribe { plan: 1 }
    }

    pub(super) fn run(
        &mut self,
        who: &str,
        time: u64,
        amount: u128,
        message: impl Enveloped,
    ) -> Result<(), MarketError> {
        self.send(who, time, amount, message.enveloped())
    }

    pub(super) fn send(
        &mut self,
        who: &str,
        time: u64,
        amount: u128,
        message: MarketMsg,
    ) -> Result<(), MarketError> {
        self.send_all(who, time, &coins(amount), message)
    }

    pub(super) fn send_all(
        &mut self,
        who: &str,
        time: u64,
        funds: &[Coin],
        message: MarketMsg,
    ) -> Result<(), MarketError> {
        let worker = &self.worker;
        let market = Market { verify: &Toy, contracts: &self.contracts, worker };
        execute(&mut self.map, &Env { height: 2, time }, market, &name(who), funds, message)
    }

    pub(super) fn has(&self, who: &str) -> u128 {
        bank::balance(&self.map, &name(who), "uprag").unwrap()
    }

    /// The sum of all balances is what was minted, and each contract has what it says it holds.
    pub(super) fn accounts_add_up(&self) {
        let all = [
            "worker",
            "payer",
            "subscriber",
            "owner",
            "admin",
            "watcher",
            "thief",
            "anybody",
            "workers",
            "subscription",
            "rewards",
        ];
        let sum: u128 = all.iter().map(|who| self.has(who)).sum();
        assert_eq!(sum, 2_100_000);
        let env = Env { height: 9, time: NOW };
        let pool =
            rewards::query(&self.map, &env, prag_protocol::ledger::rewards::RewardsQuery::Pool {});
        let prag_protocol::ledger::rewards::RewardsReply::Pool(pool) = pool.unwrap() else {
            panic!("a pool")
        };
        let held = pool.bonds + pool.deposits + pool.open + pool.unclaimed + pool.carry;
        assert_eq!(self.has("rewards"), held);
        assert_eq!(pool.paid_in, pool.paid_out + pool.fees + held);
    }

    pub(super) fn register(&mut self, time: u64) {
        let message = self.registration(time);
        self.run("worker", time, STAKE, message).unwrap();
    }

    pub(super) fn registration(&self, time: u64) -> WorkersMsg {
        let window = time / 60;
        let (url, wallet) = ("http://worker.example".to_owned(), self.worker.clone());
        let nonce = challenge(NAME, &self.worker, window);
        let digest = registration_digest(&nonce, &[4; 32], &url, &wallet);
        let registration = Registration {
            ip_address: url,
            payment_wallet: wallet,
            attestation_report: "evidence".to_owned(),
            worker_type: "m".to_owned(),
            collateral: String::new(),
            binding: EvidenceBinding {
                tls_spki_sha256: [0; 32],
                ledger_id: LEDGER,
                config_digest: [0; 32],
                policy_epoch: 1,
            },
            service: "retrieval".to_owned(),
            capacity: 1,
            signing_key: SIGNING,
            hpke_key: [4; 32],
            window,
            proof: sign(&digest, &SIGNING),
        };
        WorkersMsg::RegisterWorker(Box::new(registration))
    }

    pub(super) fn book(&self, queries: u64) -> Book {
        Book::new(vec![self.entry(queries, true)]).unwrap()
    }

    /// A consumer that never signed.
    pub(super) fn false_book(&self) -> Book {
        Book::new(vec![self.entry(7, false)]).unwrap()
    }

    fn entry(&self, queries: u64, honest: bool) -> Entry {
        let used = Counters { queries, chunks: 10, ..Counters::default() };
        let voucher = Voucher {
            ledger: LEDGER,
            worker: self.worker.clone(),
            worker_key: SIGNING,
            collection: COLLECTION,
            consumer: name("subscriber"),
            session: [9; 32],
            sequence: 1,
            used,
        };
        let consumer = if honest { [9; 32] } else { [8; 32] };
        let signed = SignedVoucher {
            worker_signature: sign(&voucher.signed_bytes(Role::Worker), &SIGNING),
            consumer_signature: sign(&voucher.signed_bytes(Role::Consumer), &consumer),
            voucher,
        };
        Entry { signed, start: Counters::default() }
    }

    pub(super) fn report(&self, book: &Book, epoch: u64) -> RewardsMsg {
        let report = book.report();
        let signature = sign(&report.signed_bytes(&LEDGER, &self.worker, epoch), &SIGNING);
        RewardsMsg::ReportUsage { epoch, report, signature }
    }
}

fn init() -> MarketInit {
    let endow = |(who, amount): (&str, u128)| Endowment {
        account: name(who),
        coin: coins(amount).remove(0),
    };
    let rich = [("payer", 1_000_000), ("subscriber", 1_000_000), ("worker", 100_000)];
    let amount = |amount: u128| amount.try_into().unwrap();
    MarketInit {
        admin: name("admin"),
        bank: BankInit {
            operator: name("admin"),
            endowments: rich.into_iter().map(endow).collect(),
            faucet: None,
        },
        terms: WorkersTerms {
            denom: "uprag".parse().unwrap(),
            stake_per_capacity: amount(STAKE),
            window_seconds: 60,
            evidence_seconds: 86_400,
            timelock_seconds: 10,
            unbonding_seconds: 10,
            missed_ppm: 1_000,
            attested_only: false,
            approved_only: false,
        },
        epoch_seconds: EPOCH,
        rewards: RewardsConfig {
            treasury: name("admin"),
            fee_bps: 500,
            royalty_bps: 2_000,
            uptime_bps: 1_000,
            query_weight: 10,
            chunk_weight: 2,
            embedded_weight: 1,
            bond: amount(BOND),
            deposit: amount(10),
            bounty_bps: 4_000,
            slash_ppm: 100_000,
            report_seconds: 200,
            challenge_seconds: 300,
            claim_seconds: 10_000,
        },
    }
}
