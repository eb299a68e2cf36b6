//! What lies around a rewards contract: signatures, two other contracts, a worker's book.

use ed25519_dalek::{Signer, SigningKey};
use prag_contracts_core::Verify;
use prag_contracts_core::rewards::book::{Book, Entry as Session};
use prag_contracts_core::rewards::{self, Registered};
use prag_contracts_vm::access::{COLLECTION, Cast, START};
use prag_contracts_vm::{Engine, Entry, Peers};
use prag_protocol::ledger::rewards::{RewardsConfig, RewardsInit};
use prag_protocol::ledger::voucher::{Counters, Role, SignedVoucher, Voucher};
use prag_protocol::ledger::workers::{
    Parties, WindowSet, WorkerRecord, WorkersConfig, WorkersQuery, WorkersReply, WorkersTerms,
};
use prag_protocol::{Address, CollectionId};
use std::sync::{Arc, Mutex};

use crate::{DAY, LEDGER};

pub(crate) fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32])
}

pub(crate) struct Curve;

impl Verify for Curve {
    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        let key = ed25519_dalek::VerifyingKey::from_bytes(key).unwrap();
        key.verify_strict(message, &signature).is_ok()
    }
}

/// What the core hears from the same two contracts.
pub(crate) struct Known {
    pub owner: Address,
    pub worker: Address,
    /// On Secret, whether the owner's question comes along.
    pub told: bool,
}

impl rewards::Peers for Known {
    fn owner(&self, collection: CollectionId) -> Option<Address> {
        (collection == COLLECTION && self.told).then(|| self.owner.clone())
    }
    fn worker(&self, worker: &Address, from: u64, until: u64) -> Option<Registered> {
        assert_eq!(until - from, 7 * DAY);
        let signing_key = key(1).verifying_key().to_bytes();
        (*worker == self.worker).then_some(Registered { signing_key, answers: 3 })
    }
}

fn terms() -> WorkersTerms {
    WorkersTerms {
        denom: "uscrt".parse().unwrap(),
        stake_per_capacity: 1000_u128.try_into().unwrap(),
        window_seconds: 6 * 3600,
        evidence_seconds: 90 * DAY,
        timelock_seconds: 60,
        unbonding_seconds: DAY,
        missed_ppm: 1000,
        attested_only: false,
    }
}

/// The workers contract's answers about one worker, who answered in the last three of four windows of epoch 0.
fn workers_answer(cast: &Cast, question: &[u8]) -> Result<Vec<u8>, String> {
    let worker = &cast.worker.address;
    let reply = match serde_json::from_slice(question).map_err(|error| error.to_string())? {
        WorkersQuery::Config {} => {
            let owner = cast.owner.address.clone();
            WorkersReply::Config(Box::new(WorkersConfig {
                ledger: "a ledger".to_owned(),
                admin: owner.clone(),
                proposed: None,
                parties: Parties { rewards: None, treasury: owner },
                pending: None,
                terms: terms(),
            }))
        }
        WorkersQuery::Worker { worker: asked } if asked == *worker => {
            let last = START.time / (6 * 3600) + 4;
            WorkersReply::Worker(Some(Box::new(WorkerRecord {
                worker: worker.clone(),
                number: 1,
                ip_address: "https://worker.example".to_owned(),
                payment_wallet: worker.clone(),
                worker_type: "retrieval".to_owned(),
                service: "retrieval".to_owned(),
                capacity: 1,
                signing_key: key(1).verifying_key().to_bytes(),
                hpke_key: [7; 32],
                stake: u128::from(u64::MAX) * 1000,
                attested: None,
                evidence_expires: START.time + 90 * DAY,
                since: 1,
                answered: WindowSet { last, bits: 0b10111 },
                punished: WindowSet::default(),
                live_until: START.time + DAY,
                leaving: None,
            })))
        }
        WorkersQuery::Worker { .. } => WorkersReply::Worker(None),
        other => return Err(format!("{other:?}")),
    };
    Ok(serde_json::to_vec(&reply).unwrap())
}

/// Answers of both contracts; the access contract is wasm, at its own height.
pub(crate) fn peers(cast: Arc<Cast>, access: Box<dyn Engine + Send>) -> Peers {
    let (access, own) = (Mutex::new(access), cast.worker.address.to_string());
    Arc::new(move |contract, question| {
        if contract == own {
            return workers_answer(&cast, question);
        }
        let mut access = access.lock().unwrap();
        assert_eq!(contract, access.contract());
        let called = access.call(Entry::Query, &START, "", question).unwrap();
        called.result.map(|reply| serde_json::to_vec(&reply).unwrap())
    })
}

pub(crate) fn init(cast: &Cast) -> RewardsInit {
    RewardsInit {
        ledger: LEDGER,
        denom: "uscrt".parse().unwrap(),
        epoch_seconds: 7 * DAY,
        config: RewardsConfig {
            treasury: cast.stranger.address.clone(),
            fee_bps: 500,
            royalty_bps: 2000,
            uptime_bps: 1000,
            query_weight: 10,
            chunk_weight: 2,
            embedded_weight: 1,
            bond: 1000_u128.try_into().unwrap(),
            deposit: 10_u128.try_into().unwrap(),
            bounty_bps: 4000,
            slash_ppm: 100_000,
            report_seconds: DAY,
            challenge_seconds: 3 * DAY,
            claim_seconds: 7 * DAY,
        },
    }
}

pub(crate) fn book(cast: &Cast, forged: bool) -> Book {
    let voucher = Voucher {
        ledger: LEDGER,
        worker: cast.worker.address.clone(),
        worker_key: key(1).verifying_key().to_bytes(),
        collection: COLLECTION,
        consumer: cast.reader.address.clone(),
        session: key(2).verifying_key().to_bytes(),
        sequence: 1,
        used: Counters { queries: 5, chunks: 50, embedded: 100, input: 7, output: 1 << 50 },
    };
    let sign = |role, by: SigningKey| by.sign(&voucher.signed_bytes(role)).to_bytes();
    let worker_signature = sign(Role::Worker, key(1));
    let consumer_signature = sign(Role::Consumer, key(if forged { 3 } else { 2 }));
    let signed = SignedVoucher { voucher, worker_signature, consumer_signature };
    Book::new(vec![Session { signed, start: Counters::default() }]).unwrap()
}
