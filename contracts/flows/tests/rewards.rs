//! The rewards contract among workers, owners and the bank, with vouchers that are really signed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use cosmwasm_std::{Addr, Coin};
use cw_multi_test::{AppResponse, Executor, IntoAddr};
use ed25519_dalek::{Signer, SigningKey};
use prag_contracts_core::rewards::book::{Book, Entry};
use prag_contracts_core::workers::{evidence_hash, registration_digest};
use prag_contracts_flows::Network;
use prag_protocol::ledger::AccessMsg;
use prag_protocol::ledger::rewards::{
    EpochView, Evidence, PoolRecord, RewardsConfig, RewardsInit, RewardsMsg, RewardsQuery,
    RewardsReply, RoyaltyClaim, Shown, Tree,
};
use prag_protocol::ledger::voucher::{Counters, Role, SignedVoucher, Voucher};
use prag_protocol::ledger::workers::{
    EvidenceBinding, LivelinessChallenge, Parties, Registration, WorkerRecord, WorkersMsg,
    WorkersQuery, WorkersReply,
};
use prag_protocol::{Address, CollectionId};

const DAY: u64 = 86_400;
const LEDGER: [u8; 32] = [0x1d; 32];
const COLLECTION: CollectionId = CollectionId([0xc0; 16]);
const BOND: u128 = 1000;
const IMAGE: [u8; 32] = [9; 32];

fn spelled(addr: &Addr) -> Address {
    addr.as_str().parse().unwrap()
}

fn address(name: &str) -> Address {
    spelled(&name.into_addr())
}

fn coins(units: u128) -> Vec<Coin> {
    vec![Coin::new(units, "uscrt")]
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32])
}

fn init() -> RewardsInit {
    RewardsInit {
        ledger: LEDGER,
        denom: "uscrt".parse().unwrap(),
        epoch_seconds: 7 * DAY,
        config: RewardsConfig {
            treasury: address("treasury"),
            fee_bps: 500,
            royalty_bps: 2000,
            uptime_bps: 1000,
            query_weight: 10,
            chunk_weight: 2,
            embedded_weight: 1,
            bond: BOND.try_into().unwrap(),
            deposit: 10_u128.try_into().unwrap(),
            bounty_bps: 4000,
            slash_ppm: 100_000,
            report_seconds: DAY,
            challenge_seconds: 3 * DAY,
            claim_seconds: 7 * DAY,
        },
    }
}

/// A network where `ann` is a worker with a stake of 5000, `owner` has the collection, and 10,000 are in epoch 0.
struct World {
    network: Network,
    rewards: Addr,
}

impl World {
    fn new() -> Self {
        let mut network = Network::new().unwrap();
        let approve = WorkersMsg::ApproveMeasurement { measurement: IMAGE };
        network.tell("deployer", &network.workers.clone(), &approve, &[]).unwrap();
        network.wait(60);
        let rewards = network.rewards(init()).unwrap();
        network.app.send_tokens("rich".into_addr(), "ann".into_addr(), &coins(10_000)).unwrap();
        let create =
            AccessMsg::CreateCollection { collection: COLLECTION, commitment: [1; 32], epoch: 1 };
        network.access("owner", &create).unwrap();
        let mut world = Self { network, rewards };
        world.register(&coins(5000));
        world.approve();
        world.tell("rich", &RewardsMsg::Fund {}, 10_000).unwrap();
        world
    }

    fn live(&self) -> LivelinessChallenge {
        let query = WorkersQuery::GetLivelinessChallenge { worker: address("ann") };
        match self.network.ask(&self.network.workers, &query).unwrap() {
            WorkersReply::Challenge(challenge) => challenge,
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self) {
        let LivelinessChallenge { window, challenge, .. } = self.live();
        let signature = key(1).sign(&challenge).to_bytes();
        let message = WorkersMsg::ReportLiveliness { window, signature };
        self.network.tell("ann", &self.network.workers.clone(), &message, &[]).unwrap();
    }

    fn register(&mut self, stake: &[Coin]) {
        let workers = self.network.workers.clone();
        let LivelinessChallenge { window, challenge, .. } = self.live();
        let (ip_address, payment_wallet) = ("https://ann.example".to_owned(), address("ann"));
        let digest = registration_digest(&challenge, &[7; 32], &ip_address, &payment_wallet);
        let registration = Registration {
            ip_address,
            payment_wallet,
            attestation_report: "00".to_owned(),
            worker_type: "retrieval".to_owned(),
            collateral: String::new(),
            binding: EvidenceBinding {
                tls_spki_sha256: [0; 32],
                ledger_id: LEDGER,
                config_digest: [0; 32],
                policy_epoch: 0,
            },
            service: "retrieval".to_owned(),
            capacity: 1,
            signing_key: key(1).verifying_key().to_bytes(),
            hpke_key: [7; 32],
            window,
            proof: key(1).sign(&digest).to_bytes(),
        };
        let message = WorkersMsg::RegisterWorker(Box::new(registration));
        self.network.tell("ann", &workers, &message, stake).unwrap();
    }

    /// Somebody has verified the evidence that is on record.
    fn approve(&mut self) {
        self.try_approve().unwrap();
    }

    fn try_approve(&mut self) -> Result<AppResponse, String> {
        let workers = self.network.workers.clone();
        let worker = address("ann");
        let query = WorkersQuery::Evidence { worker: worker.clone() };
        let WorkersReply::Evidence(Some(evidence)) = self.network.ask(&workers, &query).unwrap()
        else {
            panic!("it is kept");
        };
        let evidence_hash = evidence_hash(&self.worker(), &evidence);
        let message = WorkersMsg::ApproveWorker { worker, evidence_hash, measurement: IMAGE };
        self.network.tell("deployer", &workers, &message, &[])
    }

    /// From now on the rewards contract may slash.
    fn allow_slashing(&mut self) {
        let parties = Parties {
            rewards: Some(spelled(&self.rewards)),
            treasury: address("treasury"),
            approver: Some(address("deployer")),
        };
        let workers = self.network.workers.clone();
        let message = WorkersMsg::SetParties { parties };
        self.network.tell("deployer", &workers, &message, &[]).unwrap();
    }

    fn tell(&mut self, by: &str, message: &RewardsMsg, funds: u128) -> Result<AppResponse, String> {
        let funds = if funds == 0 { Vec::new() } else { coins(funds) };
        self.network.tell(by, &self.rewards.clone(), message, &funds)
    }

    fn report(&mut self, book: &Book, signer: &SigningKey) -> Result<AppResponse, String> {
        let report = book.report();
        let bytes = report.signed_bytes(&LEDGER, &address("ann"), 0);
        let signature = signer.sign(&bytes).to_bytes();
        self.tell("ann", &RewardsMsg::ReportUsage { epoch: 0, report, signature }, BOND)
    }

    fn pool(&self) -> PoolRecord {
        match self.network.ask(&self.rewards, &RewardsQuery::Pool {}).unwrap() {
            RewardsReply::Pool(pool) => pool,
            other => panic!("{other:?}"),
        }
    }

    fn epoch(&self) -> EpochView {
        match self.network.ask(&self.rewards, &RewardsQuery::Epoch { epoch: 0 }).unwrap() {
            RewardsReply::Epoch(Some(view)) => *view,
            other => panic!("{other:?}"),
        }
    }

    /// What the bank says the contract has is what its pool says it holds.
    fn conserves(&self) -> PoolRecord {
        let pool = self.pool();
        let held = pool.bonds + pool.deposits + pool.open + pool.unclaimed + pool.carry;
        assert_eq!(pool.paid_in, pool.paid_out + pool.fees + held);
        assert_eq!(self.network.has(&self.rewards), held);
        pool
    }

    fn worker(&self) -> WorkerRecord {
        let query = WorkersQuery::Worker { worker: address("ann") };
        match self.network.ask(&self.network.workers, &query).unwrap() {
            WorkersReply::Worker(Some(record)) => *record,
            other => panic!("{other:?}"),
        }
    }

    fn stake(&self) -> u128 {
        self.worker().stake
    }

    fn has(&self, name: &str) -> u128 {
        self.network.has(&name.into_addr())
    }
}

/// A book of one session; `forged` has the consumer's signature made by another key.
fn book(forged: bool) -> Book {
    let session = key(2);
    let voucher = Voucher {
        ledger: LEDGER,
        worker: address("ann"),
        worker_key: key(1).verifying_key().to_bytes(),
        collection: COLLECTION,
        consumer: address("reader"),
        session: session.verifying_key().to_bytes(),
        sequence: 1,
        used: Counters { queries: 5, chunks: 50, embedded: 100, input: 0, output: 0 },
    };
    let signed = |role, key: &SigningKey| key.sign(&voucher.signed_bytes(role)).to_bytes();
    let worker_signature = signed(Role::Worker, &key(1));
    let consumer = if forged { key(3) } else { session };
    let consumer_signature = signed(Role::Consumer, &consumer);
    let signed = SignedVoucher { voucher, worker_signature, consumer_signature };
    Book::new(vec![Entry { signed, start: Counters::default() }]).unwrap()
}

fn challenge(book: &Book) -> RewardsMsg {
    let evidence = Evidence::Leaf(Shown::Usage(Box::new(book.usage(0).unwrap())));
    RewardsMsg::Challenge { epoch: 0, worker: address("ann"), evidence }
}

/// Fund, report, demand, reveal, close, claim, royalty: every unit arrives where it belongs.
#[test]
fn a_true_report_is_paid() {
    let mut world = World::new();
    let book = book(false);
    for _ in 0..2 {
        world.network.wait(6 * 3600);
        world.answer();
    }
    world.network.wait(7 * DAY - 12 * 3600);
    assert!(world.report(&book, &key(9)).is_err(), "another key");
    world.report(&book, &key(1)).unwrap();
    world.conserves();
    assert_eq!(world.epoch().record.standing.answers, 2, "the registration's window began earlier");
    let worker = address("ann");
    world.network.wait(DAY);
    let demand =
        RewardsMsg::Demand { epoch: 0, worker: worker.clone(), tree: Tree::Usage, index: 0 };
    assert!(world.tell("rich", &demand, 9).is_err());
    world.tell("rich", &demand, 10).unwrap();
    let shown = Shown::Usage(Box::new(book.usage(0).unwrap()));
    let before = world.has("ann");
    world.tell("ann", &RewardsMsg::Reveal { epoch: 0, shown }, 0).unwrap();
    assert_eq!(world.has("ann"), before + 10);
    let refused = world.tell("watcher", &challenge(&book), 0).unwrap_err();
    assert_eq!(refused, "the evidence shows nothing false");
    world.network.wait(3 * DAY);
    let treasury = world.has("treasury");
    world.tell("watcher", &RewardsMsg::CloseEpoch { epoch: 0 }, 0).unwrap();
    assert_eq!(world.has("treasury"), treasury + 500);
    let before = world.has("ann");
    world.tell("ann", &RewardsMsg::Claim { epoch: 0, royalty: None }, 0).unwrap();
    assert_eq!(world.has("ann"), before + 6500 + 1000 + BOND);
    let shown = book.royalty(0).unwrap();
    let royalty = Some(RoyaltyClaim { worker, shown });
    let claim = RewardsMsg::Claim { epoch: 0, royalty };
    assert!(world.tell("stranger", &claim, 0).is_err());
    world.tell("owner", &claim, 0).unwrap();
    assert_eq!(world.has("owner"), 2000);
    assert!(world.tell("owner", &claim, 0).is_err());
    let pool = world.conserves();
    assert_eq!(world.network.has(&world.rewards), 0, "{pool:?}");
}

/// A forged voucher voids the report, pays the watcher, and costs a tenth of the stake.
#[test]
fn a_false_report_is_slashed() {
    let mut world = World::new();
    world.allow_slashing();
    world.network.wait(7 * DAY);
    let book = book(true);
    world.report(&book, &key(1)).unwrap();
    let done = world.tell("watcher", &challenge(&book), 0).unwrap();
    assert!(!format!("{done:?}").contains("slash_failed"));
    assert_eq!(world.stake(), 4500);
    assert_eq!(world.has("treasury"), 500);
    assert_eq!(world.has("watcher"), 400);
    assert_eq!(world.epoch().record.standing.reports, 0);
    world.conserves();
    let again = world.tell("watcher", &challenge(&book), 0).unwrap_err();
    assert_eq!(again, "the report is void");
}

/// A workers contract that refuses does not save a false report, and the failure is seen.
#[test]
fn a_challenge_stands_where_the_slashing_fails() {
    let mut world = World::new();
    world.network.wait(7 * DAY);
    let book = book(true);
    world.report(&book, &key(1)).unwrap();
    let done = world.tell("watcher", &challenge(&book), 0).unwrap();
    assert!(format!("{done:?}").contains("slash_failed"));
    assert_eq!(world.stake(), 5000);
    assert_eq!(world.has("watcher"), 400);
    assert_eq!(world.epoch().record.standing.reports, 0);
    world.conserves();
}

/// A bank that does not pay takes the whole message with it, the slashing too.
#[test]
fn a_payment_that_fails_leaves_everything_as_it_was() {
    let mut world = World::new();
    world.allow_slashing();
    world.network.wait(7 * DAY);
    let book = book(true);
    world.report(&book, &key(1)).unwrap();
    let before = (world.pool(), world.epoch(), world.stake());
    let rewards = world.rewards.clone();
    world.network.app.init_modules(|router, _, storage| {
        router.bank.init_balance(storage, &rewards, coins(5)).unwrap();
    });
    assert!(world.tell("watcher", &challenge(&book), 0).is_err());
    assert_eq!((world.pool(), world.epoch(), world.stake()), before);
    assert_eq!(world.has("watcher"), 0);
}

/// What nobody has verified is paid nothing: a worker that nobody approved, or that registered anew, or was retired.
#[test]
fn unverified_workers_report_nothing() {
    let mut world = World::new();
    world.network.wait(7 * DAY);
    let book = book(false);
    let refused = "the sender is not a registered worker";
    world.register(&[]);
    assert_eq!(world.report(&book, &key(1)).unwrap_err(), refused);
    world.approve();
    let (workers, retire) =
        (world.network.workers.clone(), WorkersMsg::RetireWorker { worker: address("ann") });
    world.network.tell("deployer", &workers, &retire, &[]).unwrap();
    assert_eq!(world.report(&book, &key(1)).unwrap_err(), refused);
    assert_eq!(world.has("ann"), 5000);
    world.approve();
    world.report(&book, &key(1)).unwrap();
    world.conserves();
}

/// What a worker answered while it waited is paid to nobody, whatever is confirmed afterwards; what it answers then is.
#[test]
fn waiting_is_not_paid() {
    let mut world = World::new();
    world.register(&[]);
    world.network.wait(6 * 3600);
    world.answer();
    world.network.wait(6 * 3600);
    world.answer();
    world.approve();
    assert!(!world.live().answered, "it may answer once more");
    world.answer();
    world.network.wait(7 * DAY - 12 * 3600);
    world.report(&book(false), &key(1)).unwrap();
    assert_eq!(world.epoch().record.standing.answers, 1);
    world.conserves();
}

/// Once its image is retired, a worker reports nothing, of epochs before neither, until the admin and the timelock have
/// brought the image back and the approver has vouched for it anew.
#[test]
fn a_retired_image_is_not_paid() {
    let mut world = World::new();
    let workers = world.network.workers.clone();
    let refused = "the sender is not a registered worker";
    world.network.wait(7 * DAY);
    let retire = WorkersMsg::RetireMeasurement { measurement: IMAGE };
    world.network.tell("deployer", &workers, &retire, &[]).unwrap();
    let before = (world.pool(), world.has("ann"));
    assert_eq!(world.report(&book(false), &key(1)).unwrap_err(), refused);
    assert_eq!((world.pool(), world.has("ann")), before);
    let unlisted = world.try_approve().unwrap_err();
    assert_eq!(unlisted, "the measurement is not approved");
    let approve = WorkersMsg::ApproveMeasurement { measurement: IMAGE };
    world.network.tell("deployer", &workers, &approve, &[]).unwrap();
    assert!(world.try_approve().unwrap_err().contains("effective from second"));
    world.network.wait(60);
    assert_eq!(world.report(&book(false), &key(1)).unwrap_err(), refused);
    world.approve();
    world.report(&book(false), &key(1)).unwrap();
    world.conserves();
}

/// At another URL than the approver vouched for, and with evidence that is too old, nothing is reported.
#[test]
fn what_lapsed_is_not_paid() {
    let refused = "the sender is not a registered worker";
    let mut world = World::new();
    world.network.wait(7 * DAY);
    let moved = WorkersMsg::SetWorkerAddress {
        new_ip_address: "https://elsewhere.example".to_owned(),
        old_ip_address: "https://ann.example".to_owned(),
    };
    world.network.tell("ann", &world.network.workers.clone(), &moved, &[]).unwrap();
    assert_eq!(world.report(&book(false), &key(1)).unwrap_err(), refused);
    world.approve();
    world.report(&book(false), &key(1)).unwrap();

    let mut world = World::new();
    world.network.wait(91 * DAY);
    let report = book(false).report();
    let epoch = 12;
    let bytes = report.signed_bytes(&LEDGER, &address("ann"), epoch);
    let signature = key(1).sign(&bytes).to_bytes();
    let message = RewardsMsg::ReportUsage { epoch, report, signature };
    assert_eq!(world.tell("ann", &message, BOND).unwrap_err(), refused, "its evidence is too old");
    world.register(&[]);
    world.approve();
    world.tell("ann", &message, BOND).unwrap();
    world.conserves();
}

/// A registry whose workers nobody has to verify is no peer of a contract that pays them: nothing begins.
#[test]
fn a_registry_that_nobody_judges_is_no_peer() {
    let unjudged = "the workers contract lets in workers that nobody has verified: its terms need attested_only on \
                    Secret Network, and approved_only elsewhere";
    let mut network = Network::new().unwrap();
    // What this chain cannot verify itself is not verified by saying so.
    for (attested_only, approved_only) in [(false, false), (true, false)] {
        network.workers = network.lax_workers(attested_only, approved_only).unwrap();
        assert_eq!(network.rewards(init()).unwrap_err(), unjudged);
    }
    network.workers = network.lax_workers(false, true).unwrap();
    network.rewards(init()).unwrap();
}

/// Whoever is no worker reports nothing, and a contract that answers no question of ours is no peer.
#[test]
fn strangers_are_no_workers() {
    let mut world = World::new();
    world.network.wait(7 * DAY);
    let report = book(false).report();
    let bytes = report.signed_bytes(&LEDGER, &address("rich"), 0);
    let signature = key(1).sign(&bytes).to_bytes();
    let message = RewardsMsg::ReportUsage { epoch: 0, report, signature };
    let refused = world.tell("rich", &message, BOND).unwrap_err();
    assert_eq!(refused, "the sender is not a registered worker");
    world.conserves();
    world.network.workers = world.network.relay.clone();
    assert_eq!(world.network.rewards(init()).unwrap_err(), "another contract did not answer");
}
