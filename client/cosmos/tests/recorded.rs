//! What a real node proved (wasmd 0.61.14, CometBFT 0.38): its headers lead on, its proofs hold, and no other.
//!
//! Layer: tests.
//! Holds: `vectors/chain.json`, written by `PRAG_CHAIN_RECORD=client/cosmos/vectors make chain-test`.
//! Never: a node; the clock is that of the recording.
//! Invariant: made chains (the crate's own tests) and this one are held to the same rules.

#![allow(clippy::unwrap_used, clippy::panic)]

use base64::{Engine, engine::general_purpose::STANDARD};
use prag_contracts_core::{Env, Kv, access};
use prag_cosmos::{
    CosmosError, Judged, LightBlock, LightClient, RowProof, Settings, VerifiedHeader, contract_key,
};
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessQuery, AccessReply};
use serde_json::Value;
use tendermint::block::signed_header::SignedHeader;
use tendermint::validator::Info;

struct Recorded {
    settings: Settings,
    blocks: Vec<Value>,
    rows: Vec<Value>,
}

fn recorded() -> Recorded {
    let all: Value = serde_json::from_str(include_str!("../vectors/chain.json")).unwrap();
    let settings = serde_json::from_value(all["settings"].clone()).unwrap();
    let list = |name: &str| all[name].as_array().unwrap().clone();
    Recorded { settings, blocks: list("blocks"), rows: list("rows") }
}

fn block(of: &Value) -> LightBlock {
    let signed: SignedHeader =
        serde_json::from_value(of["commit"]["signed_header"].clone()).unwrap();
    let set = |name: &str| -> Vec<Info> {
        serde_json::from_value(of[name]["validators"].clone()).unwrap()
    };
    LightBlock::new(signed, &set("validators"), &set("next")).unwrap()
}

fn time(of: &Value) -> u64 {
    let signed: SignedHeader =
        serde_json::from_value(of["commit"]["signed_header"].clone()).unwrap();
    signed.header.time.unix_timestamp().try_into().unwrap()
}

impl Recorded {
    fn client(&self) -> LightClient {
        let network = &self.settings.network;
        let mut light = LightClient::new(network, network.trusted).unwrap();
        let first = light.first(block(&self.blocks[0]), time(&self.blocks[0])).unwrap();
        light.trust(first);
        light
    }

    fn header(&self) -> VerifiedHeader {
        let mut light = self.client();
        let last = &self.blocks[1];
        let Judged::Follows(follower) = light.judge(block(last), time(last)).unwrap() else {
            panic!("one validator");
        };
        light.trust(*follower)
    }

    fn row(&self, at: usize) -> (Vec<u8>, RowProof) {
        let key = hex::decode(self.rows[at]["key"].as_str().unwrap()).unwrap();
        let answer = &self.rows[at]["answer"]["response"];
        let bytes = |value: &Value| STANDARD.decode(value.as_str().unwrap_or_default()).unwrap();
        let ops = answer["proofOps"]["ops"].as_array().unwrap();
        let step = |op: &Value| {
            (op["type"].as_str().unwrap().to_owned(), bytes(&op["key"]), bytes(&op["data"]))
        };
        let height = answer["height"].as_str().unwrap().parse().unwrap();
        let steps = ops.iter().map(step).collect();
        let contract = self.settings.contract_bytes().unwrap();
        let proof = RowProof { height, value: bytes(&answer["value"]), steps };
        (contract_key(&contract, &key), proof)
    }
}

/// One row of the core's store.
struct One(Vec<u8>);

impl Kv for One {
    fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
        Some(self.0.clone())
    }
    fn put(&mut self, _: &[u8], _: &[u8]) {}
    fn delete(&mut self, _: &[u8]) {}
}

/// A real chain's proof of a collection holds, and the core reads its own record from it; another is proven to be absent.
#[test]
fn real_proofs_hold() {
    let recorded = recorded();
    let header = recorded.header();
    let (key, proof) = recorded.row(0);
    let value = proof.verify(&header, "wasm", &key).unwrap().unwrap();
    let query = AccessQuery::Collection { collection: CollectionId([1; 16]) };
    let env = Env { height: header.height(), time: header.time() };
    let AccessReply::Collection(Some(record)) = access::query(&One(value), &env, query).unwrap()
    else {
        panic!("a collection");
    };
    assert_eq!((record.epoch, record.commitment), (1, [2; 32]));
    assert!(record.owner.as_str().starts_with("wasm1"));

    let (key, proof) = recorded.row(1);
    assert_eq!(proof.verify(&header, "wasm", &key), Ok(None));
}

/// Neither proof passes for the other's row, with a flipped bit, or under another header.
#[test]
fn changed_proofs_do_not() {
    let recorded = recorded();
    let header = recorded.header();
    for at in 0..2 {
        let (key, good) = recorded.row(at);
        let honest = good.clone().verify(&header, "wasm", &key).unwrap();
        let (other, _) = recorded.row(1 - at);
        let refused = |proof: RowProof, key: &[u8]| {
            matches!(proof.verify(&header, "wasm", key), Err(CosmosError::Proof(_)))
        };
        assert!(refused(good.clone(), &other), "another row");
        assert!(refused(RowProof { value: vec![1], ..good.clone() }, &key), "another value");
        assert!(refused(RowProof { height: good.height - 1, ..good.clone() }, &key));
        for step in 0..2 {
            for byte in 0..good.steps[step].2.len() {
                let mut changed = good.clone();
                changed.steps[step].2[byte] ^= 1;
                if let Ok(value) = changed.verify(&header, "wasm", &key) {
                    assert_eq!(value, honest, "byte {byte} of step {step} changes the answer");
                }
            }
        }
    }
}

/// A real header with one change is nobody's.
#[test]
fn changed_headers_do_not_follow() {
    let recorded = recorded();
    let light = recorded.client();
    let last = &recorded.blocks[1];
    let now = time(last);
    for field in ["app_hash", "data_hash", "last_results_hash", "validators_hash"] {
        let mut changed = last.clone();
        changed["commit"]["signed_header"]["header"][field] = "AB".repeat(32).into();
        assert!(light.judge(block(&changed), now).is_err(), "{field}");
    }
    let mut unsigned = last.clone();
    let signature =
        &mut unsigned["commit"]["signed_header"]["commit"]["signatures"][0]["signature"];
    *signature = STANDARD.encode([7; 64]).into();
    assert!(light.judge(block(&unsigned), now).is_err());
    let day = time(&recorded.blocks[0]) + recorded.settings.network.trusting_period_s + 1;
    assert!(matches!(light.judge(block(last), day), Err(CosmosError::Expired(_))));
}
