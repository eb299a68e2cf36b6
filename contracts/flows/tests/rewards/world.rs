//! A worker, an owner and a pool on one chain, and a book of one session.

use cosmwasm_std::{Addr, Coin};
use cw_multi_test::{AppResponse, Executor, IntoAddr};
use ed25519_dalek::{Signer, SigningKey};
use prag_contracts_core::rewards::book::{Book, Entry};
use prag_contracts_core::workers::{evidence_hash, registration_digest};
use prag_contracts_flows::Network;
use prag_protocol::ledger::AccessMsg;
use prag_protocol::ledger::rewards::{
    EpochView, Evidence, PoolRecord, RewardsConfig, RewardsInit, RewardsMsg, RewardsQuery,
    RewardsReply, Shown,
};
use prag_protocol::ledger::voucher::{Counters, Role, SignedVoucher, Voucher};
use prag_protocol::ledger::workers::{
    EvidenceBinding, LivelinessChallenge, Parties, Registration, WorkerRecord, WorkersMsg,
    WorkersQuery, WorkersReply,
};
use prag_protocol::{Address, CollectionId};

pub(crate) const DAY: u64 = 86_400;
pub(crate) const LEDGER: [u8; 32] = [0x1d; 32];
pub(crate) const COLLECTION: CollectionId = CollectionId([0xc0; 16]);
pub(crate) const BOND: u128 = 1000;
pub(crate) const IMAGE: [u8; 32] = [9; 32];

pub(crate) fn spelled(addr: &Addr) -> Address {
    addr.as_str().parse().unwrap()
}

pub(crate) fn address(name: &str) -> Address {
    spelled(&name.into_addr())
}

pub(crate) fn coins(units: u128) -> Vec<Coin> {
    vec![Coin::new(units, "uscrt")]
}

pub(crate) fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32])
}

pub(crate) fn init() -> RewardsInit {
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
pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) rewards: Addr,
}

impl World {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn live(&self) -> LivelinessChallenge {
        let query = WorkersQuery::GetLivelinessChallenge { worker: address("ann") };
        match self.network.ask(&self.network.workers, &query).unwrap() {
            WorkersReply::Challenge(challenge) => challenge,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn answer(&mut self) {
        let LivelinessChallenge { window, challenge, .. } = self.live();
        let signature = key(1).sign(&challenge).to_bytes();
        let message = WorkersMsg::ReportLiveliness { window, signature };
        self.network.tell("ann", &self.network.workers.clone(), &message, &[]).unwrap();
    }

    pub(crate) fn register(&mut self, stake: &[Coin]) {
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
    pub(crate) fn approve(&mut self) {
        self.try_approve().unwrap();
    }

    pub(crate) fn try_approve(&mut self) -> Result<AppResponse, String> {
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
    pub(crate) fn allow_slashing(&mut self) {
        let parties = Parties {
            rewards: Some(spelled(&self.rewards)),
            treasury: address("treasury"),
            approver: Some(address("deployer")),
        };
        let workers = self.network.workers.clone();
        let message = WorkersMsg::SetParties { parties };
        self.network.tell("deployer", &workers, &message, &[]).unwrap();
    }

    pub(crate) fn tell(
        &mut self,
        by: &str,
        message: &RewardsMsg,
        funds: u128,
    ) -> Result<AppResponse, String> {
        let funds = if funds == 0 { Vec::new() } else { coins(funds) };
        self.network.tell(by, &self.rewards.clone(), message, &funds)
    }

    pub(crate) fn report(
        &mut self,
        book: &Book,
        signer: &SigningKey,
    ) -> Result<AppResponse, String> {
        let report = book.report();
        let bytes = report.signed_bytes(&LEDGER, &address("ann"), 0);
        let signature = signer.sign(&bytes).to_bytes();
        self.tell("ann", &RewardsMsg::ReportUsage { epoch: 0, report, signature }, BOND)
    }

    pub(crate) fn pool(&self) -> PoolRecord {
        match self.network.ask(&self.rewards, &RewardsQuery::Pool {}).unwrap() {
            RewardsReply::Pool(pool) => pool,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn epoch(&self) -> EpochView {
        match self.network.ask(&self.rewards, &RewardsQuery::Epoch { epoch: 0 }).unwrap() {
            RewardsReply::Epoch(Some(view)) => *view,
            other => panic!("{other:?}"),
        }
    }

    /// What the bank says the contract has is what its pool says it holds.
    pub(crate) fn conserves(&self) -> PoolRecord {
        let pool = self.pool();
        let held = pool.bonds + pool.deposits + pool.open + pool.unclaimed + pool.carry;
        assert_eq!(pool.paid_in, pool.paid_out + pool.fees + held);
        assert_eq!(self.network.has(&self.rewards), held);
        pool
    }

    pub(crate) fn worker(&self) -> WorkerRecord {
        let query = WorkersQuery::Worker { worker: address("ann") };
        match self.network.ask(&self.network.workers, &query).unwrap() {
            WorkersReply::Worker(Some(record)) => *record,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn stake(&self) -> u128 {
        self.worker().stake
    }

    pub(crate) fn has(&self, name: &str) -> u128 {
        self.network.has(&name.into_addr())
    }
}

/// A book of one session; `forged` has the consumer's signature made by another key.
pub(crate) fn book(forged: bool) -> Book {
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

pub(crate) fn challenge(book: &Book) -> RewardsMsg {
    let evidence = Evidence::Leaf(Shown::Usage(Box::new(book.usage(0).unwrap())));
    RewardsMsg::Challenge { epoch: 0, worker: address("ann"), evidence }
}
