//! The access contract on a real chain, which `make chain-test` starts: stored, made, granted, read by proof, revoked,
//! refused.
//!
//! Layer: tests.
//! Holds: one story, told by the owner's and the worker's own ledgers.
//! Never: an answer of the node that was not proven, but for the trusted header: the test plays the owner who checked it.
//! Invariant: without a chain it does not compile in (feature `chain`), so it never passes by not running.

#![allow(clippy::unwrap_used, clippy::panic)]

use axum::routing::post;
use axum::{Json, Router};
use prag_client::ledger::{Ledger, LedgerError};
use prag_client::system::{OsEntropy, SystemClock};
use prag_cosmos::{
    CosmosLedger, Deployer, GasPrice, Network, Relay, RelayTerms, Settings, TrustedHeader,
};
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, Placement};
use prag_protocol::{Address, CollectionId};
use prag_trust::address::{SessionKey, WalletKey};
use prag_trust::admission::{Denied, Gate, admit_read};
use prag_trust::entropy::Clock;
use prag_trust::permit::{Permissions, Permit, PermitParams};
use prag_trust::request::{Caller, NonceCache, RequestParts, sign_request, verify_request};
use prag_trust::verified::Verified;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

const COLLECTION: CollectionId = CollectionId([1; 16]);
const WORKER: [u8; 32] = [5; 32];

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name}: run make chain-test"))
}

/// One call of the node's RPC.
async fn rpc(method: &str, parameters: Value) -> Value {
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters});
    let http = reqwest::Client::builder().no_proxy().tls_certs_only(std::iter::empty());
    let sent = http.build().unwrap().post(variable("PRAG_CHAIN_RPC")).json(&ask).send().await;
    let answer: Value = sent.unwrap().json().await.unwrap();
    answer["result"].clone()
}

async fn network() -> Network {
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
        gas_price: GasPrice { micro: 25_000, denom: "ustake".to_owned() },
    }
}

struct Reader {
    wallet: WalletKey,
    session: SessionKey,
}

impl Reader {
    /// The reader, as a worker comes to know one: by a signed request under a permit.
    fn calls(&self, ledger: &CosmosLedger, now: u64) -> Verified<Caller> {
        let expected = ledger.expected();
        let key = self.session.public_key();
        let params = PermitParams::new(&expected, &key, Permissions::QueryAndIngest, now + 3600);
        let permit = Permit::sign(&self.wallet, params).unwrap();
        let parts = RequestParts { method: "POST", path: "/v1/query", query: "", body: b"{}" };
        let nonce = prag_trust::entropy::random(&mut OsEntropy).unwrap();
        let headers = sign_request(&self.session, &parts, &permit, &WORKER, now, nonce).unwrap();
        let header = |name: &str| {
            headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
        };
        verify_request(&header, &parts, now, &WORKER, &expected, &mut NonceCache::new(8)).unwrap()
    }
}

/// Whether a worker would answer the reader's search.
async fn admitted(
    ledger: &CosmosLedger,
    reader: &Reader,
    clock: &SystemClock,
) -> Result<u64, Denied> {
    let now = clock.now();
    let caller = reader.calls(ledger, now);
    let view = ledger.view(COLLECTION, &caller.address, &caller.permit_name).await.unwrap();
    let gate = Gate { image: [0; 32], now, staleness_s: 30 };
    admit_read(&caller, None, COLLECTION, &view, &gate).map(|_| view.height)
}

fn create() -> AccessMsg {
    AccessMsg::CreateCollection { collection: COLLECTION, commitment: [2; 32], epoch: 1 }
}

fn grant(grantee: Address, now: u64) -> AccessMsg {
    AccessMsg::Grant {
        collection: COLLECTION,
        grantee,
        read: true,
        write: false,
        max_k: 10,
        quota: Some(100),
        expires: now + 86_400,
        scope: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_on_a_real_chain() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let begun = Instant::now();
    let say = |what: &str| println!("chain-test: {:>6.1} s  {what}", begun.elapsed().as_secs_f32());
    let clock = Arc::new(SystemClock::default());
    let wallet = |seed: u8| WalletKey::from_bytes(&[seed; 32]).unwrap();
    let network = network().await;

    let wasm = std::fs::read(variable("PRAG_ACCESS_WASM")).unwrap();
    let code_hash = Sha256::digest(&wasm).into();
    let deployer = Deployer::open(network.clone(), &wallet(11), clock.clone()).unwrap();
    let code = deployer.store(wasm).await.unwrap();
    say(&format!("stored as code {code}, proven"));
    let contract = deployer.instantiate(code, "prag access", b"{}").await.unwrap();
    say(&format!("made {contract}"));

    let settings = Settings { network, contract, code_hash };
    let open =
        |seed| CosmosLedger::open(settings.clone(), None, &wallet(seed), clock.clone()).unwrap();
    let (owner, worker) = (open(11), open(13));
    let me = owner.account().address().clone();
    let reader = Reader { wallet: wallet(12), session: SessionKey::from_bytes(&[32; 32]) };
    let grantee = reader.wallet.address();

    let wrong = Settings { code_hash: [0; 32], ..settings.clone() };
    let wrong = CosmosLedger::open(wrong, None, &wallet(11), clock.clone()).unwrap();
    let told = wrong.view(COLLECTION, &grantee, "p").await;
    assert!(
        matches!(told, Err(LedgerError::Unavailable(ref text)) if text.contains("other code")),
        "{told:?}"
    );
    say("other code than was pinned: refused");

    owner.execute(&me, &[], create()).await.unwrap();
    assert_eq!(admitted(&worker, &reader, &clock).await, Err(Denied::Forbidden));
    say("a collection; the reader is proven to have no grant, and is refused");
    let again = owner.execute(&me, &[], create()).await;
    assert!(matches!(again, Err(LedgerError::Refused(_))), "{again:?}");

    let granted = owner.execute(&me, &[], grant(grantee.clone(), clock.now())).await.unwrap();
    // The worker's own ledger is another process: it sees the grant with the header after the grant's block.
    while worker.head().await.height <= granted {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let height = admitted(&worker, &reader, &clock).await.unwrap();
    say(&format!("granted at {granted}; admitted by a view of {height}, proven row by row"));

    let placement = Placement {
        collection: COLLECTION,
        shard: 0,
        epoch: 1,
        worker: WORKER,
        account: worker.account().address().clone(),
        lease_until: clock.now() + 3600,
    };
    owner.execute(&me, &[], AccessMsg::Place { placement }).await.unwrap();
    let consume = |units| AccessMsg::Consume {
        collection: COLLECTION,
        shard: 0,
        grantee: grantee.clone(),
        units,
    };
    let by = worker.account().address().clone();
    worker.execute(&by, &[], consume(7)).await.unwrap();
    assert_eq!(worker.execute(&by, &[], consume(94)).await, Err(LedgerError::Quota(93)));
    say("a worker is placed, takes 7 of 100 units, and cannot take 94 more");
    let query = AccessQuery::Grants { collection: COLLECTION, offset: 0, limit: 10 };
    let AccessReply::Grants { total: 1, rows } = worker.query(query).await.unwrap() else {
        panic!("one grant");
    };
    assert_eq!((&rows[0].grantee, rows[0].used), (&grantee, 7));
    record(&settings).await;

    // The next view asks for a header, and proves four rows under it; those after it find both.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let view = || worker.view(COLLECTION, &grantee, "permit");
    let first = Instant::now();
    view().await.unwrap();
    let (first, more) = (first.elapsed(), Instant::now());
    for _ in 0..1000 {
        view().await.unwrap();
    }
    let more = more.elapsed() / 1000;
    say(&format!("a view under a new header: {first:.1?}; under the same one: {more:.1?}"));

    // A node that keeps every answer about the state, and gives it again later.
    let liar = liar().await;
    let lied_to = |nodes: Vec<String>| {
        let mut settings = settings.clone();
        settings.network.nodes = nodes;
        CosmosLedger::open(settings, None, &wallet(13), clock.clone()).unwrap()
    };
    let alone = lied_to(vec![liar.clone()]);
    assert!(admitted(&alone, &reader, &clock).await.is_ok(), "so far it told the truth");

    let revoke = AccessMsg::Revoke { collection: COLLECTION, grantee: grantee.clone() };
    let revoked = owner.execute(&me, &[], revoke).await.unwrap();
    while worker.head().await.height <= revoked {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(admitted(&worker, &reader, &clock).await, Err(Denied::Forbidden));
    let told = worker.execute(&by, &[], consume(1)).await;
    assert!(matches!(told, Err(LedgerError::Refused(_))), "{told:?}");
    say(&format!("revoked at {revoked}: refused by the view, and by the contract"));

    let alone = lied_to(vec![liar.clone()]);
    let told = alone.view(COLLECTION, &grantee, "permit").await;
    assert!(matches!(told, Err(LedgerError::Unavailable(_))), "{told:?}");
    let beside = lied_to(vec![liar, variable("PRAG_CHAIN_RPC")]);
    assert_eq!(admitted(&beside, &reader, &clock).await, Err(Denied::Forbidden));
    say(
        "a node that shows the state of before, with its proofs: no view; beside an honest one, the truth",
    );

    relayed(&worker, &clock, &say).await;
}

/// A node that passes everything on, but answers each question about the state as it did the first time.
async fn liar() -> String {
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

/// The owner's own signature, sent and paid for by the worker.
async fn relayed(worker: &CosmosLedger, clock: &SystemClock, say: &dyn Fn(&str)) {
    let wallet = WalletKey::from_bytes(&[11; 32]).unwrap();
    let (session, expected, now) =
        (SessionKey::from_bytes(&[31; 32]), worker.expected(), clock.now());
    let key = session.public_key();
    let params = PermitParams::new(&expected, &key, Permissions::Admin, now + 3600);
    let permit = Permit::sign(&wallet, params).unwrap();
    let me = wallet.address();
    let message = AccessMsg::DestroyCollection { collection: COLLECTION };
    let terms = RelayTerms { sequence: now * 1_000_000, until: now + 200 };
    let relay = Relay::sign(&session, &permit, &expected, &me, &message, terms).unwrap();
    let signed = relay.to_json().unwrap();
    let height = worker.execute(&me, &signed, message.clone()).await.unwrap();
    let query = AccessQuery::Collection { collection: COLLECTION };
    let AccessReply::Collection(Some(record)) = worker.query(query).await.unwrap() else {
        panic!("a collection");
    };
    assert!(record.destroyed);
    say(&format!("destroyed at {height} by the owner's signature, sent by the worker"));
    let again = worker.execute(&me, &signed, message).await;
    let Err(LedgerError::Refused(text)) = again else { panic!("a replay: {again:?}") };
    assert!(text.contains("the last of this session"), "{text}");
    say("the same signature a second time: refused");
}

/// Keeps what the node proves, for tests without a chain.
async fn record(settings: &Settings) {
    let Ok(folder) = std::env::var("PRAG_CHAIN_RECORD") else { return };
    let top = rpc("status", json!({})).await;
    let top: u64 = top["sync_info"]["latest_block_height"].as_str().unwrap().parse().unwrap();
    let contract = settings.contract_bytes().unwrap();
    let collection = [&[1, b'c'], COLLECTION.0.as_slice()].concat();
    let absent = [&[1, b'c'], [9; 16].as_slice()].concat();
    let mut rows = Vec::new();
    for key in [collection, absent] {
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
