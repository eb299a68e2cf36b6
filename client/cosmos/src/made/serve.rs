//! Nodes of a made chain: they answer as CometBFT does, and lie where a test tells them to.
//!
//! Layer: tests.
//! Holds: the answers, transactions of one contract, one account's number and sequence.
//! Never: more than clients ask for.
//! Invariant: a lie changes one answer, after the truth was computed.

use super::{Chain, Slice, tree};
use axum::extract::State as Shared;
use axum::routing::post;
use axum::{Json, Router};
use base64::{Engine, engine::general_purpose::STANDARD};
use cosmrs::proto::cosmos::auth::v1beta1::{
    BaseAccount, QueryAccountRequest, QueryAccountResponse,
};
use cosmrs::proto::cosmos::base::abci::v1beta1::GasInfo;
use cosmrs::proto::cosmos::tx::v1beta1::{
    AuthInfo, SimulateRequest, SimulateResponse, TxBody, TxRaw,
};
use cosmrs::proto::cosmwasm::wasm::v1::MsgExecuteContract;
use cosmrs::{Any, proto::traits::MessageExt as _};
use prag_contracts_core::{Env, access};
use prag_protocol::Address;
use prag_protocol::ledger::AccessMsg;
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tree::State;

/// Changes the answer to a method; `None` is silence.
pub(crate) type Lie = Arc<dyn Fn(&str, &Value, Value) -> Option<Value> + Send + Sync>;

#[derive(Clone)]
struct Served {
    chain: Arc<Mutex<Chain>>,
    lie: Lie,
}

/// What a made transaction did.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) code: u32,
    pub(crate) log: String,
}

impl Outcome {
    /// `ExecTxResult` with code and gas.
    pub(crate) fn leaf(&self) -> Vec<u8> {
        let code = if self.code == 0 { vec![] } else { vec![0x08, self.code.to_le_bytes()[0]] };
        [code, vec![0x28, GAS[0], GAS[1], 0x30, GAS[0], GAS[1]]].concat()
    }

    fn json(&self) -> Value {
        let codespace = if self.code == 0 { "" } else { "wasm" };
        json!({"code": self.code, "data": null, "log": self.log, "codespace": codespace,
            "gas_wanted": "300", "gas_used": "300", "events": []})
    }
}

/// 300 as a varint.
const GAS: [u8; 2] = [0xac, 0x02];

/// A node's address that tells the truth.
pub(crate) async fn honest(chain: &Arc<Mutex<Chain>>) -> String {
    serve(chain, Arc::new(|_, _, answer| Some(answer))).await
}

/// A node's address.
pub(crate) async fn serve(chain: &Arc<Mutex<Chain>>, lie: Lie) -> String {
    let served = Served { chain: Arc::clone(chain), lie };
    let app = Router::new().route("/", post(answer)).with_state(served);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

async fn answer(Shared(served): Shared<Served>, Json(ask): Json<Value>) -> Json<Value> {
    let (method, parameters) = (ask["method"].as_str().unwrap_or_default(), &ask["params"]);
    let truth = { method_of(&mut served.chain.lock().unwrap(), method, parameters) };
    match (served.lie)(method, parameters, truth) {
        Some(answer) if answer["error"].is_null() => {
            Json(json!({"jsonrpc": "2.0", "id": 1, "result": answer}))
        }
        Some(error) => Json(error),
        None => Json(Value::Null),
    }
}

fn failure(data: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "Internal error", "data": data}})
}

pub(crate) fn method_of(chain: &mut Chain, method: &str, parameters: &Value) -> Value {
    let number = |name: &str| parameters[name].as_str().and_then(|text| text.parse::<u64>().ok());
    let height = number("height").unwrap_or(0);
    let top = chain.height();
    match method {
        "status" => json!({"sync_info": {"latest_block_height": top.to_string()}}),
        "commit" if (1..=top).contains(&height) => {
            json!({"signed_header": chain.signed(height), "canonical": true})
        }
        "validators" if (1..=top + 1).contains(&height) => {
            let all = chain.validators(height);
            json!({"block_height": height.to_string(), "validators": all,
                "count": all.len().to_string(), "total": all.len().to_string()})
        }
        "abci_query" => json!({"response": query(chain, parameters, height)}),
        "broadcast_tx_sync" => broadcast(chain, parameters),
        "tx" => found(chain, parameters),
        "block_results" if (1..=top).contains(&height) => {
            let block = &chain.blocks[(height - 1) as usize];
            let results: Vec<Value> =
                block.transactions.iter().map(|(_, done)| done.json()).collect();
            let results = if results.is_empty() { Value::Null } else { results.into() };
            json!({"height": height.to_string(), "txs_results": results})
        }
        _ => failure("no such height or method"),
    }
}

fn query(chain: &Chain, parameters: &Value, height: u64) -> Value {
    let path = parameters["path"].as_str().unwrap_or_default();
    let data = hex::decode(parameters["data"].as_str().unwrap_or_default()).unwrap();
    let reply = |value: Vec<u8>| json!({"code": 0, "value": STANDARD.encode(value), "height": "0"});
    match path {
        "/cosmos.auth.v1beta1.Query/Account" => {
            let ask = QueryAccountRequest::decode(data.as_slice()).unwrap();
            let account = Some(account_of(&chain.stores, &ask.address));
            reply(QueryAccountResponse { account }.encode_to_vec())
        }
        "/cosmos.tx.v1beta1.Service/Simulate" => simulate(chain, &data, reply),
        path => {
            let store = path.trim_start_matches("/store/").trim_end_matches("/key");
            let stores = &chain.blocks[(height - 1) as usize].stores;
            let state = &stores[store];
            let ops = json!([
                {"type": "ics23:iavl", "key": STANDARD.encode(&data), "data": STANDARD.encode(tree::store_proof(state, &data))},
                {"type": "ics23:simple", "key": STANDARD.encode(store), "data": STANDARD.encode(tree::app_proof(stores, store))},
            ]);
            json!({"code": 0, "log": "", "key": STANDARD.encode(&data),
                "value": state.get(&data).map(|value| STANDARD.encode(value)),
                "proofOps": {"ops": ops}, "height": height.to_string(), "codespace": ""})
        }
    }
}

#[allow(deprecated)]
fn simulate(chain: &Chain, data: &[u8], reply: impl Fn(Vec<u8>) -> Value) -> Value {
    let ask = SimulateRequest::decode(data).unwrap();
    let mut stores = chain.stores.clone();
    if let Some(log) = wrong_sequence(&stores, &ask.tx_bytes) {
        return json!({"code": 32, "codespace": "sdk", "log": log});
    }
    let done = run(&mut stores, chain.height() + 1, &ask.tx_bytes);
    if done.code != 0 {
        return json!({"code": 5, "codespace": "wasm", "log": done.log});
    }
    let gas_info = Some(GasInfo { gas_wanted: 0, gas_used: 100_000 });
    reply(SimulateResponse { gas_info, result: None }.encode_to_vec())
}

fn broadcast(chain: &mut Chain, parameters: &Value) -> Value {
    let bytes = STANDARD.decode(parameters["tx"].as_str().unwrap_or_default()).unwrap();
    let known = chain.waiting.contains(&bytes);
    let (code, log) = match wrong_sequence(&chain.stores, &bytes) {
        _ if known => (19, "tx already exists in cache".to_owned()),
        Some(log) => (32, log),
        None => {
            chain.waiting.push(bytes);
            (0, String::new())
        }
    };
    json!({"code": code, "log": log, "codespace": if code == 0 { "" } else { "sdk" }, "data": "", "hash": ""})
}

fn found(chain: &Chain, parameters: &Value) -> Value {
    let hash = STANDARD.decode(parameters["hash"].as_str().unwrap_or_default()).unwrap();
    for (at, block) in chain.blocks.iter().enumerate() {
        let hashes: Vec<Vec<u8>> =
            block.transactions.iter().map(|(bytes, _)| Sha256::digest(bytes).to_vec()).collect();
        if let Some(index) = hashes.iter().position(|one| *one == hash) {
            let aunts = tree::aunts(&hashes, index)
                .iter()
                .map(|one| STANDARD.encode(one))
                .collect::<Vec<_>>();
            return json!({"hash": "", "height": (at + 1).to_string(), "index": index,
                "tx_result": block.transactions[index].1.json(),
                "proof": {"proof": {"total": hashes.len().to_string(), "index": index.to_string(), "aunts": aunts}}});
        }
    }
    failure("tx not found")
}

fn sequence_key(address: &str) -> Vec<u8> {
    let parsed =
        bech32::primitives::decode::CheckedHrpstring::new::<bech32::Bech32>(address).unwrap();
    std::iter::once(1).chain(parsed.byte_iter()).collect()
}

/// The account's entry; one that never sent has none, and number 9.
fn account_of(stores: &BTreeMap<String, State>, address: &str) -> Any {
    let row = stores["acc"].get(&sequence_key(address));
    row.map_or_else(|| entry(address, 0), |row| Any::decode(row.as_slice()).unwrap())
}

pub(crate) fn entry(address: &str, sequence: u64) -> Any {
    let address = address.to_owned();
    Any::from_msg(&BaseAccount { address, pub_key: None, account_number: 9, sequence }).unwrap()
}

/// Sets an account's sequence, as if it had sent that many.
pub(crate) fn put_sequence(stores: &mut BTreeMap<String, State>, address: &str, sequence: u64) {
    let row = entry(address, sequence).to_bytes().unwrap();
    stores.get_mut("acc").unwrap().insert(sequence_key(address), row);
}

fn parts(bytes: &[u8]) -> (u64, u64, MsgExecuteContract) {
    let raw = TxRaw::decode(bytes).unwrap();
    let body = TxBody::decode(raw.body_bytes.as_slice()).unwrap();
    let info = AuthInfo::decode(raw.auth_info_bytes.as_slice()).unwrap();
    let message = MsgExecuteContract::decode(body.messages[0].value.as_slice()).unwrap();
    (info.signer_infos[0].sequence, body.timeout_height, message)
}

fn sequence_of(stores: &BTreeMap<String, State>, address: &str) -> u64 {
    BaseAccount::decode(account_of(stores, address).value.as_slice()).unwrap().sequence
}

fn wrong_sequence(stores: &BTreeMap<String, State>, bytes: &[u8]) -> Option<String> {
    let (sequence, _, message) = parts(bytes);
    let expected = sequence_of(stores, &message.sender);
    (sequence != expected)
        .then(|| format!("account sequence mismatch, expected {expected}, got {sequence}: incorrect account sequence"))
}

/// Runs a transaction in a block.
pub(crate) fn run(stores: &mut BTreeMap<String, State>, height: u64, bytes: &[u8]) -> Outcome {
    if let Some(log) = wrong_sequence(stores, bytes) {
        return Outcome { code: 32, log };
    }
    let (sequence, timeout, message) = parts(bytes);
    if timeout < height {
        return Outcome { code: 30, log: "tx timeout height".to_owned() };
    }
    put_sequence(stores, &message.sender, sequence + 1);
    let sender: Address = message.sender.parse().unwrap();
    let env = Env { height, time: super::time_of(height) };
    let wasm = stores.get_mut("wasm").unwrap();
    let message: Value = serde_json::from_slice(&message.msg).unwrap();
    let (sender, message) = match message.get("relayed") {
        None => (sender, serde_json::from_value::<AccessMsg>(message).unwrap()),
        Some(relayed) => {
            let text = STANDARD.decode(relayed["message"].as_str().unwrap()).unwrap();
            (super::address("wasm", &relayer(relayed)), serde_json::from_slice(&text).unwrap())
        }
    };
    match access::execute(&mut Slice(wasm), &env, &sender, message) {
        Ok(_) => Outcome { code: 0, log: String::new() },
        Err(error) => {
            let log = format!(
                "failed to execute message; message index: 0: {error}: execute wasm contract failed"
            );
            Outcome { code: 5, log }
        }
    }
}

/// The account of a relayed message's permit.
fn relayer(relayed: &Value) -> Vec<u8> {
    let key = relayed["permit"]["signature"]["pub_key"]["value"].as_str().unwrap();
    let key: [u8; 33] = STANDARD.decode(key).unwrap().try_into().unwrap();
    let ours = prag_trust::address::address_of(&key).unwrap();
    let parsed =
        bech32::primitives::decode::CheckedHrpstring::new::<bech32::Bech32>(ours.as_str()).unwrap();
    parsed.byte_iter().collect()
}
