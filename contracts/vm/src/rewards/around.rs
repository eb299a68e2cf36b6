//! What lies around a rewards contract: signatures, two other contracts, a worker's book.
//!
//! Layer: vm, rewards.
//! Holds: what the core hears from the others, and what the wasm is answered: the same.
//! Never: the other contracts' rules.
//! Invariant: one worker is registered, under the key of 1; it answered three of the windows of epoch 0.

use super::DAY;
use crate::access::{COLLECTION, Cast, START};
use crate::{Engine, EngineError, Entry, Peers};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use prag_contracts_core::Verify;
use prag_contracts_core::rewards::book::{Book, Entry as Session};
use prag_contracts_core::rewards::{self, Registered};
use prag_protocol::ledger::rewards::{RewardsConfig, RewardsInit};
use prag_protocol::ledger::voucher::{Counters, Role, SignedVoucher, Voucher};
use prag_protocol::ledger::workers::{
    Parties, Reporter, WorkersConfig, WorkersQuery, WorkersReply, WorkersTerms,
};
use prag_protocol::{Address, CollectionId};
use std::sync::{Arc, Mutex, PoisonError};

/// The key of that number: 1 is the worker's, 2 and above are sessions'.
#[must_use]
pub fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32])
}

/// Signatures natively, by their strictest rule.
pub struct Curve;

impl Verify for Curve {
    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        let signature = Signature::from_bytes(signature);
        VerifyingKey::from_bytes(key)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

/// What the core hears from the same two contracts.
pub struct Known {
    /// Who owns the collection.
    pub owner: Address,
    /// The worker.
    pub worker: Address,
    /// On Secret, whether the owner's question comes along.
    pub told: bool,
}

impl rewards::Peers for Known {
    fn owner(&self, collection: CollectionId) -> Option<Address> {
        (collection == COLLECTION && self.told).then(|| self.owner.clone())
    }

    fn worker(&self, worker: &Address, from: u64, until: u64) -> Option<Registered> {
        let week = until.checked_sub(from) == Some(7 * DAY);
        (*worker == self.worker && week).then(registered)
    }
}

/// What the workers contract says of the worker.
pub(super) fn registered() -> Registered {
    Registered { signing_key: key(1).verifying_key().to_bytes(), answers: 3 }
}

/// Answers of both contracts; `access` is that contract's wasm, at its own height.
#[must_use]
pub fn peers(cast: Arc<Cast>, access: Box<dyn Engine + Send>) -> Peers {
    let (closed, own) = (access.closed(), cast.worker.address.to_string());
    let access = Mutex::new(access);
    Arc::new(move |contract, question| {
        if contract == own {
            return workers_answer(&cast, closed, question);
        }
        let mut access = access.lock().unwrap_or_else(PoisonError::into_inner);
        if contract != access.contract() {
            return Err(format!("there is no contract {contract}"));
        }
        let called = access.call(Entry::Query, &START, "", question);
        let reply = called.map_err(|error| error.to_string())?.result?;
        serde_json::to_vec(&reply).map_err(|error| error.to_string())
    })
}

/// The workers contract's answers about one worker, who answered in the last three of four windows of epoch 0.
fn workers_answer(cast: &Cast, closed: bool, question: &[u8]) -> Result<Vec<u8>, String> {
    let worker = &cast.worker.address;
    let reply = match serde_json::from_slice(question).map_err(|error| error.to_string())? {
        WorkersQuery::Config {} => {
            let owner = cast.owner.address.clone();
            WorkersReply::Config(Box::new(WorkersConfig {
                ledger: "a ledger".to_owned(),
                admin: owner.clone(),
                proposed: None,
                parties: Parties { rewards: None, treasury: owner, approver: None },
                pending: None,
                terms: terms(closed)?,
            }))
        }
        WorkersQuery::Reporter { worker: asked, from, until } => {
            let known = asked == *worker && until.checked_sub(from) == Some(7 * DAY);
            let Registered { signing_key, answers } = registered();
            WorkersReply::Reporter(known.then_some(Reporter { signing_key, answers }))
        }
        other => return Err(format!("{other:?}")),
    };
    serde_json::to_vec(&reply).map_err(|error| error.to_string())
}

/// Whoever can judge evidence does: the chain where it verifies quotes, else an approver.
fn terms(closed: bool) -> Result<WorkersTerms, String> {
    Ok(WorkersTerms {
        denom: "uscrt".parse().map_err(|error| format!("{error}"))?,
        stake_per_capacity: 1000_u128.try_into().map_err(|error| format!("{error}"))?,
        window_seconds: WINDOW,
        evidence_seconds: 90 * DAY,
        timelock_seconds: 60,
        unbonding_seconds: DAY,
        missed_ppm: 1000,
        attested_only: closed,
        approved_only: !closed,
    })
}

/// What the contract begins with.
///
/// # Errors
/// [`EngineError`] with the text of a constant that is not what it has to be.
pub fn init(cast: &Cast) -> Result<RewardsInit, EngineError> {
    Ok(RewardsInit {
        ledger: LEDGER,
        denom: "uscrt".parse().map_err(EngineError::new)?,
        epoch_seconds: 7 * DAY,
        config: RewardsConfig {
            treasury: cast.stranger.address.clone(),
            fee_bps: 500,
            royalty_bps: 2000,
            uptime_bps: 1000,
            query_weight: 10,
            chunk_weight: 2,
            embedded_weight: 1,
            bond: BOND.try_into().map_err(EngineError::new)?,
            deposit: DEPOSIT.try_into().map_err(EngineError::new)?,
            bounty_bps: 4000,
            slash_ppm: 100_000,
            report_seconds: DAY,
            challenge_seconds: 3 * DAY,
            claim_seconds: 7 * DAY,
        },
    })
}

/// The worker's book of epoch 0: so many sessions, of which the first counts most. Where it is forged, none of the
/// consumers has signed.
///
/// # Errors
/// [`EngineError`] where such a book makes no report.
pub fn book(cast: &Cast, sessions: u8, forged: bool) -> Result<Book, EngineError> {
    let session = |number: u8| {
        let output = if number == FIRST_SESSION { 1 << 50 } else { 11 };
        let voucher = Voucher {
            ledger: LEDGER,
            worker: cast.worker.address.clone(),
            worker_key: registered().signing_key,
            collection: COLLECTION,
            consumer: cast.reader.address.clone(),
            session: key(number).verifying_key().to_bytes(),
            sequence: 1,
            used: Counters { queries: 5, chunks: 50, embedded: 100, input: 7, output },
        };
        let sign = |role, by: SigningKey| by.sign(&voucher.signed_bytes(role)).to_bytes();
        let worker_signature = sign(Role::Worker, key(1));
        let consumer_signature = sign(Role::Consumer, key(if forged { 1 } else { number }));
        let signed = SignedVoucher { voucher, worker_signature, consumer_signature };
        Session { signed, start: Counters::default() }
    };
    let last = FIRST_SESSION.saturating_add(sessions);
    Book::new((FIRST_SESSION..last).map(session).collect()).map_err(EngineError::new)
}

/// The ledger of the vouchers.
pub const LEDGER: [u8; 32] = [0x1d; 32];
/// What a report takes, in uscrt.
pub const BOND: u128 = 1000;
/// What a demand takes, in uscrt.
pub const DEPOSIT: u128 = 10;
const WINDOW: u64 = 6 * 3600;
const FIRST_SESSION: u8 = 2;
