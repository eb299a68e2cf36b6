//! The chain's one node, and another that lies about it.
//!
//! Layer: tests.
//! Holds: its RPC, the settings that trust it, the wasm to store, and what is recorded for tests without a chain.
//! Never: keys.
//! Invariant: what is trusted to begin with is the chain's second block, asked of this machine's own node.

use axum::routing::post;
use axum::{Json, Router};
use prag_cosmos::{GasPrice, Network, Settings, TrustedHeader};
use prag_protocol::CollectionId;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What everything is paid in.
pub(crate) const DENOM: &str = "ustake";

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name}: run make chain-test"))
}

/// The node's address.
pub(crate) fn honest() -> String {
    variable("PRAG_CHAIN_RPC")
}

/// The code of a contract of ours.
pub(crate) fn wasm(contract: &str) -> Vec<u8> {
    let path = format!("{}/{contract}-cosmwasm.wasm", variable("PRAG_CHAIN_WASM"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// One call of the node's RPC.
pub(crate) async fn rpc(method: &str, parameters: Value) -> Value {
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters});
    let http = reqwest::Client::builder().no_proxy().tls_certs_only(std::iter::empty());
    let sent = http.build().unwrap().post(honest()).json(&ask).send().await;
    let answer: Value = sent.unwrap().json().await.unwrap();
    answer["result"].clone()
}

/// How the chain is reached, and what of it is trusted.
pub(crate) async fn network() -> Network {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let first = rpc("commit", json!({"height": "2"})).await;
    let text = first["signed_header"]["commit"]["block_id"]["hash"].as_str().unwrap().to_owned();
    let hash = hex::decode(text).unwrap().try_into().unwrap();
    Network {
        chain_id: variable("PRAG_CHAIN_ID"),
        prefix: "wasm".to_owned(),
        nodes: vec![honest()],
        agree: 1,
        trusted: TrustedHeader { height: 2, hash },
        trusting_period_s: 86_400,
        staleness_s: 30,
        gas_price: GasPrice { micro: 25_000, denom: DENOM.to_owned() },
    }
}

/// A node that passes everything on, but answers each question about the state as it did the first time.
pub(crate) async fn liar() -> String {
    let kept: Arc<Mutex<HashMap<String, Value>>> = Arc::default();
    let answer = move |Json(ask): Json<Value>| async move {
        let (method, parameters) = (ask["method"].as_str().unwrap(), ask["params"].clone());
        let result = rpc(method, parameters.clone()).await;
        let data = format!("{}{}", parameters["path"], parameters["data"]);
        let state = method == "abci_query";
        let result =
            if state { kept.lock().unwrap().entry(data).or_insert(result).clone() } else { result };
        Json(json!({"jsonrpc": "2.0", "id": 1, "result": result}))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let app = Router::new().route("/", post(answer));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// Keeps what the node proves, for tests without a chain.
pub(crate) async fn record(settings: &Settings, collection: CollectionId) {
    let Ok(folder) = std::env::var("PRAG_CHAIN_RECORD") else { return };
    let top = rpc("status", json!({})).await;
    let top: u64 = top["sync_info"]["latest_block_height"].as_str().unwrap().parse().unwrap();
    let contract = settings.contract_bytes().unwrap();
    let there = [&[1, b'c'], collection.0.as_slice()].concat();
    let absent = [&[1, b'c'], [9; 16].as_slice()].concat();
    let mut rows = Vec::new();
    for key in [there, absent] {
        let data = hex::encode(prag_cosmos::contract_key(&contract, &key));
        let height = (top - 1).to_string();
        let ask = json!({"path": "/store/wasm/key", "data": data, "height": height, "prove": true});
        rows.push(json!({"key": hex::encode(&key), "answer": rpc("abci_query", ask).await}));
    }
    let mut blocks = Vec::new();
    for height in [settings.network.trusted.height, top] {
        let at =
            |height: u64| json!({"height": height.to_string(), "page": "1", "per_page": "100"});
        blocks.push(json!({
            "commit": rpc("commit", json!({"height": height.to_string()})).await,
            "validators": rpc("validators", at(height)).await,
            "next": rpc("validators", at(height + 1)).await,
        }));
    }
    let mut settings = settings.clone();
    settings.network.nodes = vec!["http://127.0.0.1:1".to_owned()];
    let all = json!({"settings": settings, "blocks": blocks, "rows": rows});
    std::fs::write(format!("{folder}/chain.json"), serde_json::to_vec_pretty(&all).unwrap())
        .unwrap();
}
