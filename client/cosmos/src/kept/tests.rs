//! Evidence comes back as it was registered, or not at all.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::Chain;
use crate::fixture::market::{wallet, workers_init};
use crate::fixture::serve::honest;
use crate::fixture::{self, Now, Slice, address};
use prag_client::registered::Kept;
use prag_contracts_core::workers::{self, Call, Verdict};
use prag_contracts_core::{Env, Funds, Kv, Verify};
use prag_protocol::ledger::workers::{EvidenceBinding, Registration, WorkersMsg};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

/// Whose signatures is not the matter here.
struct Anybody;

impl Verify for Anybody {
    fn ed25519(&self, _: &[u8], _: &[u8; 64], _: &[u8; 32]) -> bool {
        true
    }
}

fn worker() -> Address {
    address("wasm", &[5; 20])
}

/// Two chunks and a bit, no two alike.
fn report() -> String {
    (0..2 * EVIDENCE_CHUNK_BYTES / 8 + 3).map(|number| format!("{number:08}")).collect()
}

fn registration(window: u64) -> WorkersMsg {
    let binding = EvidenceBinding {
        tls_spki_sha256: [2; 32],
        ledger_id: [4; 32],
        config_digest: [5; 32],
        policy_epoch: 6,
    };
    WorkersMsg::RegisterWorker(Box::new(Registration {
        ip_address: "https://worker.example".to_owned(),
        payment_wallet: worker(),
        attestation_report: report(),
        worker_type: "small".to_owned(),
        collateral: "{}".to_owned(),
        binding,
        service: "retrieval".to_owned(),
        capacity: 1,
        signing_key: [1; 32],
        hpke_key: [7; 32],
        window,
        proof: [0; 64],
    }))
}

/// A chain with one worker, after `change` to the contract's rows.
async fn contract(change: impl FnOnce(&mut Slice<'_>)) -> Contract {
    let mut chain = fixture::Chain::new();
    let env = Env { height: 3, time: chain.time() };
    let mut rows = Slice(chain.wasm());
    let init = workers_init(&worker(), None);
    workers::instantiate(&mut rows, "made/contract", init).unwrap();
    let funds = [Funds { denom: "ustake".to_owned(), amount: 1000 }];
    let (sender, verdict) = (&worker(), Verdict::Stored);
    let call = Call { sender, funds: &funds, verdict, verify: &Anybody };
    workers::execute(&mut rows, &env, &call, registration(env.time / 60)).unwrap();
    change(&mut rows);
    chain.grow(2);
    let clock = Arc::new(Now(AtomicU64::new(chain.time())));
    let chain = Arc::new(Mutex::new(chain));
    let node = honest(&chain).await;
    let settings = chain.lock().unwrap().settings(vec![node], 1);
    let chain = Chain::open(settings.network, None, &wallet(), clock).unwrap();
    chain.contract(&settings.contract, &settings.code_hash).await.unwrap()
}

/// The key of a chunk of the report.
fn chunk(number: u8) -> Vec<u8> {
    let text = worker();
    [&[2, b'x', text.length_byte()[0]], text.as_str().as_bytes(), &[0, 0, 0, 0, number]].concat()
}

/// What was registered comes back whole, with what was said of it; nobody else has any.
#[tokio::test]
async fn evidence_is_read_whole() {
    let contract = contract(|_| {}).await;
    let kept = contract.kept_evidence(&worker()).await.unwrap().unwrap();
    assert_eq!((kept.report, kept.collateral.as_str()), (report(), "{}"));
    assert_eq!((kept.record.binding.policy_epoch, kept.record.height), (6, 3));
    assert_eq!(contract.kept_evidence(&address("wasm", &[6; 20])).await, Ok(None));
}

/// Whoever verifies it confirms the hash that the contract asks for.
#[tokio::test]
async fn who_verifies_confirms_what_the_contract_asks() {
    let contract = contract(|_| {}).await;
    let KeptEvidence { record, report, collateral } =
        contract.kept_evidence(&worker()).await.unwrap().unwrap();
    let WorkersReply::Worker(Some(row)) =
        contract.query(&WorkersQuery::Worker { worker: worker() }).await.unwrap()
    else {
        panic!("it is registered");
    };
    let read = |report: &str| Kept::read(&row, &record, report, &collateral);
    let Ok(kept) = read(&report) else { panic!("it is on record") };
    assert_eq!(kept.hash, workers::evidence_hash(&row, &record));
    assert_eq!((kept.binding.sig_pk, kept.binding.nonce), (row.signing_key, record.nonce));
    assert!(read(&report[1..]).is_err(), "another text");
}

/// A chunk that is missing, or is another's, is no evidence.
#[tokio::test]
async fn changed_evidence_is_refused() {
    let missing = contract(|rows| rows.delete(&chunk(2))).await;
    assert_eq!(missing.kept_evidence(&worker()).await, Err(CHANGED));
    let twice = contract(|rows| {
        let first = rows.get(&chunk(0)).unwrap();
        rows.put(&chunk(1), &first);
    });
    assert_eq!(twice.await.kept_evidence(&worker()).await, Err(CHANGED));
}
