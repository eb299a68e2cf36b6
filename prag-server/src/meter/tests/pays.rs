//! From counters to money: a book of the meter's entries makes a report that nobody can prove false, and it is paid.

use super::*;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use prag_contracts_core::rewards::book::Book;
use prag_contracts_core::rewards::{self, Host, Outcome, Peers, Registered, RewardsError};
use prag_contracts_core::{Env, Funds, Kv, Verify};
use prag_protocol::ledger::rewards::{Evidence, RewardsInit, RewardsMsg, RoyaltyClaim, Shown};
use std::collections::HashMap;

#[derive(Default)]
struct Rows(HashMap<Vec<u8>, Vec<u8>>);

impl Kv for Rows {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key.to_vec(), value.to_vec());
    }
    fn delete(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

/// Real signatures, as every chain checks them.
struct Ed25519;

impl Verify for Ed25519 {
    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        let signature = Signature::from_bytes(signature);
        VerifyingKey::from_bytes(key)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

struct Around;

impl Peers for Around {
    fn owner(&self, _: CollectionId) -> Option<Address> {
        "secret1owner".parse().ok()
    }
    fn worker(&self, worker: &Address, _: u64, _: u64) -> Option<Registered> {
        let signing_key = SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
        (worker.as_str() == WORKER).then_some(Registered { signing_key, answers: 1 })
    }
}

/// The contract, and what each account got.
#[derive(Default)]
struct Chain {
    rows: Rows,
    got: HashMap<String, u128>,
}

impl Chain {
    fn run(
        &mut self,
        (who, time): (&str, u64),
        amount: u128,
        message: RewardsMsg,
    ) -> Result<Outcome, RewardsError> {
        let funds: Vec<Funds> =
            (amount > 0).then(|| Funds { denom: "uscrt".into(), amount }).into_iter().collect();
        let host = Host { verify: &Ed25519, peers: &Around };
        let env = Env { height: 1, time };
        let who = who.parse().unwrap();
        let outcome = rewards::execute(&mut self.rows, &env, &who, &funds, host, message)?;
        for payment in &outcome.payments {
            *self.got.entry(payment.to.to_string()).or_default() += payment.amount;
        }
        Ok(outcome)
    }
}

fn init() -> RewardsInit {
    let text = format!(
        r#"{{"ledger":"{}","denom":"uscrt","epoch_seconds":100,"config":{{"treasury":"secret1treasury","fee_bps":500,
        "royalty_bps":2000,"uptime_bps":0,"query_weight":10,"chunk_weight":2,"embedded_weight":1,"bond":"1000",
        "deposit":"10","bounty_bps":4000,"slash_ppm":100000,"report_seconds":30,"challenge_seconds":30,
        "claim_seconds":50}}}}"#,
        hex::encode(LEDGER)
    );
    serde_json::from_str(&text).unwrap()
}

fn report(book: &Book, epoch: u64) -> RewardsMsg {
    let report = book.report();
    let message = report.signed_bytes(&LEDGER, &WORKER.parse().unwrap(), epoch);
    let signature = SigningKey::from_bytes(&[1; 32]).sign(&message).to_bytes();
    RewardsMsg::ReportUsage { epoch, report, signature }
}

/// Everything that could be held against a report.
fn evidence(book: &Book) -> Vec<Evidence> {
    let usage: Vec<_> =
        (0..book.report().leaves).map(|at| Box::new(book.usage(at).unwrap())).collect();
    let royalty: Vec<_> =
        (0..book.report().collections).map(|at| Box::new(book.royalty(at).unwrap())).collect();
    let mut all: Vec<Evidence> = Vec::new();
    all.extend(usage.iter().map(|leaf| Evidence::Leaf(Shown::Usage(leaf.clone()))));
    all.extend(royalty.iter().map(|leaf| Evidence::Leaf(Shown::Royalty(leaf.clone()))));
    for pair in usage.windows(2) {
        all.push(Evidence::UsagePair { first: pair[0].clone(), second: pair[1].clone() });
    }
    for pair in royalty.windows(2) {
        all.push(Evidence::RoyaltyPair { first: pair[0].clone(), second: pair[1].clone() });
    }
    for usage in &usage {
        for royalty in &royalty {
            all.push(Evidence::Across { usage: usage.clone(), royalty: royalty.clone() });
        }
    }
    all
}

/// Sessions of two collections, through a reboot: reported, challenged in vain with all there is, and paid; the next report
/// bills only what came after.
#[test]
fn what_is_metered_is_paid() {
    let mut scene = Scene::new(10);
    let of = |number: u8, collection| Who { collection, ..who(number) };
    let second = CollectionId([8; 16]);
    let readers = [(1, of(1, ID)), (2, of(2, ID)), (3, of(3, second)), (1, of(1, second))];
    for round in 0..2 {
        for (number, reader) in &readers {
            let offer = scene.ask(reader, None, None, cost(1)).unwrap();
            scene.meter.hand_in(reader, Some(sign(offer, *number))).unwrap();
        }
        if round == 0 {
            scene.reboot();
        }
    }
    // One owes: what it has not countersigned is not reported.
    scene.ask(&readers[0].1, None, None, cost(1)).unwrap();

    let mut chain = Chain::default();
    let env = Env { height: 1, time: NOW };
    let admin = "secret1admin".parse().unwrap();
    rewards::instantiate(&mut chain.rows, &env, &admin, init()).unwrap();
    chain.run(("secret1payer", NOW), 100_000, RewardsMsg::Fund {}).unwrap();

    let entries = scene.meter.entries();
    let book = Book::new(entries.clone()).unwrap();
    assert_eq!(
        book.report().totals,
        Counters { queries: 8, chunks: 80, embedded: 40, input: 800, output: 0 }
    );
    chain.run((WORKER, NOW + 100), 1_000, report(&book, 0)).unwrap();
    for (row, evidence) in evidence(&book).into_iter().enumerate() {
        let worker = WORKER.parse().unwrap();
        let message = RewardsMsg::Challenge { epoch: 0, worker, evidence };
        let refused = chain.run(("secret1watcher", NOW + 135), 0, message);
        assert_eq!(refused, Err(RewardsError::NotFalse), "row {row}");
    }
    scene.meter.reported(&entries).unwrap();
    chain.run(("secret1anybody", NOW + 160), 0, RewardsMsg::CloseEpoch { epoch: 0 }).unwrap();
    let claim = |royalty| RewardsMsg::Claim { epoch: 0, royalty };
    chain.run((WORKER, NOW + 160), 0, claim(None)).unwrap();
    // 100,000 less a fee of 5 % and a royalty of 20 %, and the bond.
    assert_eq!(chain.got[WORKER], 75_000 + 1_000);
    for at in 0..2 {
        let shown = book.royalty(at).unwrap();
        let royalty = Some(RoyaltyClaim { worker: WORKER.parse().unwrap(), shown });
        chain.run(("secret1owner", NOW + 160), 0, claim(royalty)).unwrap();
    }
    assert_eq!(chain.got["secret1owner"], 20_000);

    // The next epoch: a session that settled since, from where the last report ended; nobody else.
    scene.reboot();
    assert!(scene.meter.entries().is_empty());
    let offer = scene.ask(&readers[0].1, None, None, cost(1)).unwrap();
    scene.meter.hand_in(&readers[0].1, Some(sign(offer, 1))).unwrap();
    let next = Book::new(scene.meter.entries()).unwrap();
    assert_eq!(next.report().totals.queries, 2);
    chain.run((WORKER, NOW + 200), 1_000, report(&next, 1)).unwrap();
    for evidence in evidence(&next) {
        let worker = WORKER.parse().unwrap();
        let message = RewardsMsg::Challenge { epoch: 1, worker, evidence };
        assert_eq!(chain.run(("secret1w", NOW + 235), 0, message), Err(RewardsError::NotFalse));
    }
}
