//! The node of `make chain-test`: how it is reached, who pays on it, and contracts of ours put there.

use base64::{Engine, engine::general_purpose::STANDARD};
use prag_client::system::SystemClock;
use prag_cosmos::{Chain, Funds, GasPrice, Network, TrustedHeader};
use prag_protocol::Address;
use prag_server::settings;
use prag_trust::address::WalletKey;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What everything is paid in.
pub(crate) const DENOM: &str = "ustake";

pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name}: run make chain-test"))
}

/// Who has all the money to begin with, and deploys.
pub(crate) async fn operator() -> Chain {
    let wallet = WalletKey::from_bytes(&[11; 32]).unwrap();
    let clock = Arc::new(SystemClock::default());
    Chain::open(network().await, None, &wallet, clock).unwrap()
}

/// Gives `account` something to spend.
pub(crate) async fn pay(operator: &Chain, account: &Address, amount: u128) {
    operator.pay(account, &[Funds { denom: DENOM.to_owned(), amount }]).await.unwrap();
}

/// A contract of ours, made with `message`: its address, and its code's hash.
pub(crate) async fn deploy(
    operator: &Chain,
    name: &str,
    message: &impl Serialize,
) -> (Address, [u8; 32]) {
    let path = format!("{}/{name}-cosmwasm.wasm", variable("PRAG_CHAIN_WASM"));
    let wasm = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let code_hash = Sha256::digest(&wasm).into();
    let (code, _) = operator.store(wasm).await.unwrap();
    let made = operator.instantiate(code, &format!("prag {name}"), message).await;
    let (contract, _) = made.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    (contract, code_hash)
}

pub(crate) async fn network() -> Network {
    let first = rpc("commit", json!({"height": "2"})).await;
    let text = first["signed_header"]["commit"]["block_id"]["hash"].as_str().unwrap().to_owned();
    let hash = hex::decode(text).unwrap().try_into().unwrap();
    Network {
        chain_id: variable("PRAG_CHAIN_ID"),
        prefix: "wasm".to_owned(),
        nodes: vec![variable("PRAG_CHAIN_RPC")],
        agree: 1,
        trusted: TrustedHeader { height: 2, hash },
        trusting_period_s: 86_400,
        staleness_s: 30,
        gas_price: GasPrice { micro: 25_000, denom: DENOM.to_owned() },
    }
}

/// The settings of a worker that obeys this access contract and asks the node at `url`.
pub(crate) async fn obeying(
    url: String,
    (contract, code_hash): (Address, [u8; 32]),
) -> settings::Chain {
    let Network { chain_id, prefix, trusted, trusting_period_s, gas_price, .. } = network().await;
    settings::Chain {
        chain_id,
        prefix,
        contract,
        code_hash,
        nodes: vec![url],
        agree: 1,
        trusted,
        trusting_period_s,
        gas_price,
        payers: Vec::new(),
        relays_per_hour: 3600,
        market: None,
    }
}

/// The newest height.
pub(crate) async fn height() -> u64 {
    let status = rpc("status", json!({})).await;
    status["sync_info"]["latest_block_height"].as_str().unwrap().parse().unwrap()
}

/// What everybody reads of a contract: each transaction and its events since a height, and the rows as they are now.
pub(crate) async fn everything(contract: &Address, since: u64) -> Vec<u8> {
    let bytes = |base64: &Value| STANDARD.decode(base64.as_str().unwrap()).unwrap();
    let mut read = Vec::new();
    for height in since..=height().await {
        let at = json!({"height": height.to_string()});
        let block = rpc("block", at.clone()).await;
        for transaction in block["block"]["data"]["txs"].as_array().into_iter().flatten() {
            read.extend(bytes(transaction));
        }
        read.extend(rpc("block_results", at).await.to_string().into_bytes());
    }
    // QueryAllContractStateRequest: the address, and pages of ten thousand rows.
    let address = contract.as_str().as_bytes();
    let ask = [&[0x0a, u8::try_from(address.len()).unwrap()], address, b"\x12\x03\x18\x90\x4e"];
    let path = "/cosmwasm.wasm.v1.Query/AllContractState";
    let ask = json!({"path": path, "data": hex::encode(ask.concat()), "prove": false});
    let rows = bytes(&rpc("abci_query", ask).await["response"]["value"]);
    assert!(rows.len() > 1000, "the rows are there");
    read.extend(rows);
    read
}

/// One call of the node's RPC: the test plays the owner who checked the trusted header.
async fn rpc(method: &str, parameters: Value) -> Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters});
    let http = reqwest::Client::builder().no_proxy().tls_certs_only(std::iter::empty());
    let sent = http.build().unwrap().post(variable("PRAG_CHAIN_RPC")).json(&ask).send().await;
    let answer: Value = sent.unwrap().json().await.unwrap();
    answer["result"].clone()
}
