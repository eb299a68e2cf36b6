//! The same on Secret Network, whose nodes are made here; and what a worker does when they show an old state.

mod moves;

use crate::fixture::enclave::{CODE, ENCLAVE, Enclave, SECRET_CONTRACT};
use crate::fixture::serve::{Lie, method_of, put_sequence, serve};
use crate::fixture::{CHAIN, Chain, address};
use crate::stage::Stage;
use crate::story;
use prag_protocol::Address;
use prag_protocol::problem::Code;
use prag_server::settings::{Ledger, Secret, Settings};
use prag_tests::{Lab, find};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The story of the embedded ledger, word for word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_on_secret() {
    let network = Network::start().await;
    let lab = network.lab(&network.nodes, 600).await;
    network.pay(lab.worker().account());
    story::tell(stage(lab, "secret").await).await;
}

/// A worker whose account has nothing serves nothing: it cannot show that nodes are up to date. Once it is paid, it can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_without_funds_waits() {
    let network = Network::start().await;
    let lab = network.lab(&network.nodes, 600).await;
    let told = prag_tests::get(lab.address(), "/readyz").await;
    assert!(told.contains("ledger-unavailable"), "{told}");
    network.pay(lab.worker().account());
    ready(&lab).await;
}

/// All nodes show the state of a moment, in which a grant still holds that was revoked since: the worker's next execute
/// finds them out, and nothing is served until they show what is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_state_is_served_no_longer_than_the_period() {
    let network = Network::start().await;
    let lab = network.lab(&network.nodes, PERIOD).await;
    network.pay(lab.worker().account());
    let stage = stage(lab, "old").await;
    stage.grant("reader", None).await;
    assert_eq!(stage.found_by("reader").await.unwrap(), 5);
    network.turn_back(true);
    let owner = stage.client("owner").await;
    owner.revoke_grant(stage.id, stage.lab.account("reader")).await.unwrap();
    let turned = Instant::now();
    loop {
        match stage.found_by("reader").await {
            Ok(_) => {}
            Err(error) if error.code() == Some(Code::LedgerUnavailable) => break,
            Err(error) => panic!("{error}"),
        }
        let served = turned.elapsed().as_secs();
        assert!(served <= PERIOD, "an old state is served for {served} s");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    stage.say("an old state is found out");
    assert!(find(&owner, stage.id).await.is_err(), "nobody is served");
    network.turn_back(false);
    stage.serves().await;
    stage.refuses("reader", Code::Forbidden, 5).await;
    stage.say("nodes that catch up are heard again");
}

/// One node of three shows an old state, hangs or refuses: owners and readers notice nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_liar_of_three_is_outvoted() {
    let network = Network::start().await;
    let refuses: Lie = Arc::new(|method, parameters, truth| {
        let log = "absent, or not for this account: query contract failed";
        let no = json!({"response": {"code": 3, "codespace": "compute", "log": log}});
        Some(if about_contract(method, parameters) { no } else { truth })
    });
    let mut nodes = network.nodes[..2].to_vec();
    nodes.push(serve(&network.chain, refuses).await);
    let lab = network.lab(&nodes, 600).await;
    network.pay(lab.worker().account());
    let stage = stage(lab, "liar").await;
    stage.grant("reader", None).await;
    assert_eq!(stage.found_by("reader").await.unwrap(), 5);
    let owner = stage.client("owner").await;
    owner.revoke_grant(stage.id, stage.lab.account("reader")).await.unwrap();
    stage.refuses("reader", Code::Forbidden, 5).await;
}

/// A network of three nodes in real time, with a block a second.
struct Network {
    chain: Arc<Mutex<Chain>>,
    nodes: Vec<String>,
    /// The chain as it was, where questions of the contract are answered of that.
    then: Arc<Mutex<Option<Chain>>>,
    /// Seconds by which the chain's time is ahead of the machine's.
    ahead: Arc<AtomicU64>,
    blocks: tokio::task::JoinHandle<()>,
}

impl Network {
    async fn start() -> Self {
        let chain = Arc::new(Mutex::new(Chain::born(now() - 60, "secret")));
        let then: Arc<Mutex<Option<Chain>>> = Arc::default();
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(serve(&chain, turning(&then)).await);
        }
        let ahead: Arc<AtomicU64> = Arc::default();
        let (growing, leaps) = (Arc::clone(&chain), Arc::clone(&ahead));
        let blocks = tokio::spawn(async move {
            loop {
                {
                    let mut chain = growing.lock().unwrap();
                    let now = now() + leaps.load(Ordering::Relaxed);
                    if now > chain.time() {
                        chain.grow_at(now);
                    }
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Self { chain, nodes, then, ahead, blocks }
    }

    /// A worker that obeys the contract by these nodes. Its account has nothing yet.
    async fn lab(&self, nodes: &[String], execute_every_s: u64) -> Lab {
        self.lab_with(nodes, execute_every_s, |_| ()).await
    }

    async fn lab_with(
        &self,
        nodes: &[String],
        execute_every_s: u64,
        change: impl FnOnce(&mut Settings),
    ) -> Lab {
        let network = { self.chain.lock().unwrap().settings(nodes.to_vec(), 2).network };
        let secret = Secret {
            chain_id: CHAIN.to_owned(),
            prefix: network.prefix,
            contract: address("secret", &SECRET_CONTRACT),
            code_hash: CODE,
            network_key: Enclave::new(ENCLAVE).key(),
            nodes: network.nodes,
            agree: 2,
            execute_every_s,
            trusted: network.trusted,
            trusting_period_s: network.trusting_period_s,
            gas_price: network.gas_price,
            payers: Vec::new(),
            relays_per_hour: 3600,
        };
        Lab::start_with(|settings| {
            settings.staleness_s = 10;
            settings.lease_check_s = 1;
            settings.ledger = Ledger::Secret(Box::new(secret));
            change(settings);
        })
        .await
    }

    /// What an operator does once a worker has named its account.
    fn pay(&self, account: &Address) {
        put_sequence(&mut self.chain.lock().unwrap().stores, account.as_str(), 0);
    }

    /// From now on nodes answer questions of the contract out of the state of now; or of the newest again.
    fn turn_back(&self, back: bool) {
        let now = back.then(|| self.chain.lock().unwrap().clone());
        *self.then.lock().unwrap() = now;
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.blocks.abort();
    }
}

/// A node that may be turned back.
fn turning(then: &Arc<Mutex<Option<Chain>>>) -> Lie {
    let then = Arc::clone(then);
    Arc::new(move |method, parameters, truth| {
        if !about_contract(method, parameters) {
            return Some(truth);
        }
        let mut then = then.lock().unwrap();
        let Some(then) = then.as_mut() else { return Some(truth) };
        let mut parameters = parameters.clone();
        parameters["height"] = json!("0");
        Some(method_of(then, method, &parameters))
    })
}

fn about_contract(method: &str, parameters: &Value) -> bool {
    let path = "/secret.compute.v1beta1.Query/QuerySecretContract";
    method == "abci_query" && parameters["path"] == path
}

/// A stage on a worker that was just paid: it waits for the first execute.
async fn stage(lab: Lab, kind: &'static str) -> Stage {
    ready(&lab).await;
    Stage::on(lab, kind).await
}

async fn ready(lab: &Lab) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let told = prag_tests::get(lab.address(), "/readyz").await;
        if told.contains("ledger secret, height ") {
            return;
        }
        assert!(Instant::now() < end, "{told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Seconds for which an execute holds, where that is what is tested: the shortest.
const PERIOD: u64 = 60;
