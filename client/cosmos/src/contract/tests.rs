//! Contracts over nodes that tell the truth or lie: what is proven stands, what is only said is known to be.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::Chain;
use crate::fixture::market::{World, rewards_init, wallet, workers_init};
use crate::fixture::serve::{Lie, honest, serve};
use crate::fixture::{CODE_HASH, CONTRACT, Slice, address, grower};
use base64::{Engine, engine::general_purpose::STANDARD};
use prag_contracts_core::Kv;
use prag_protocol::CollectionId;
use prag_protocol::ledger::rewards::{RewardsQuery, RewardsReply};
use prag_protocol::ledger::subscription::{SubscriptionQuery, SubscriptionReply};
use prag_protocol::ledger::workers::{WorkersQuery, WorkersReply};
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply};
use serde_json::{Value, json};

fn somebody() -> Address {
    address("wasm", &[5; 20])
}

fn world() -> World {
    World::new(&somebody(), None, |_| {})
}

impl World {
    fn reached(&self, nodes: Vec<String>) -> Chain {
        let settings = self.chain.lock().unwrap().settings(nodes, 1);
        Chain::open(settings.network, None, &wallet(), self.clock.clone()).unwrap()
    }

    async fn contract(&self, nodes: Vec<String>) -> Contract {
        self.reached(nodes).contract(&address("wasm", &CONTRACT), &CODE_HASH).await.unwrap()
    }

    async fn truthful(&self) -> Contract {
        self.contract(vec![honest(&self.chain).await]).await
    }

    /// A contract behind a node that answers smart queries so.
    async fn saying(&self, response: Value) -> Contract {
        let lie: Lie = Arc::new(move |_, parameters, answer| {
            let smart = parameters["path"] == QUERY_PATH;
            Some(if smart { json!({"response": response}) } else { answer })
        });
        self.contract(vec![serve(&self.chain, lie).await]).await
    }
}

fn own() -> Vec<u8> {
    prag_client::border::bytes(&wallet().address()).unwrap()
}

fn create() -> AccessMsg {
    AccessMsg::CreateCollection { collection: CollectionId([1; 16]), commitment: [2; 32], epoch: 1 }
}

/// Every contract's questions are answered by its core, over its rows, at the newest header's time.
#[tokio::test]
async fn questions_are_answered_from_rows() {
    let world = world();
    let contract = world.truthful().await;
    let time = world.chain.lock().unwrap().time();
    let WorkersReply::Config(config) = contract.query(&WorkersQuery::Config {}).await.unwrap()
    else {
        panic!("a config");
    };
    let begun = workers_init(&somebody(), None).terms;
    assert_eq!((config.ledger.as_str(), config.terms), ("made/contract", begun));
    let live = WorkersQuery::GetLivelinessChallenge { worker: somebody() };
    let WorkersReply::Challenge(live) = contract.query(&live).await.unwrap() else {
        panic!("a challenge");
    };
    assert_eq!((live.window, live.answered), (time / 60, false));
    let RewardsReply::Config { settings, epoch: 0 } =
        contract.query(&RewardsQuery::Config {}).await.unwrap()
    else {
        panic!("settings");
    };
    assert_eq!(settings.versions[0].config, rewards_init(&somebody()).config);
    let admin = contract.query(&SubscriptionQuery::<()>::GetAdmin {}).await.unwrap();
    assert_eq!(admin, SubscriptionReply::Admin(somebody()));
    let none = AccessQuery::Collection { collection: CollectionId([1; 16]) };
    assert_eq!(contract.query(&none).await.unwrap(), AccessReply::Collection(None));
}

/// A list's page takes a round of proofs for each thing that leads to the next, and is found.
#[tokio::test]
async fn pages_are_led_to() {
    let world = world();
    let contract = world.truthful().await;
    let (signature, subscriber_public_key) = (None, None);
    let page = WorkersQuery::GetWorkers { signature, subscriber_public_key, offset: 0, limit: 5 };
    assert_eq!(contract.query(&page).await.unwrap(), WorkersReply::Workers(Vec::new()));
    let plans = SubscriptionQuery::<()>::Plans { offset: 0, limit: 5 };
    let SubscriptionReply::Plans(plans) = contract.query(&plans).await.unwrap() else {
        panic!("plans");
    };
    assert_eq!(plans.total, 0);
}

/// A node cannot change what any contract answers; a row of another form is damage, not an answer.
#[tokio::test]
async fn answers_are_proven() {
    let world = world();
    let hides: Lie = Arc::new(|method, parameters, mut answer| {
        // Rows of the contract itself, not those that say which code it is.
        let own = parameters["data"].as_str().is_some_and(|key| key.starts_with("03"));
        if method == "abci_query" && own {
            answer["response"]["value"] = Value::Null;
        }
        Some(answer)
    });
    let liar = serve(&world.chain, hides).await;
    let ask = WorkersQuery::Config {};
    let alone = world.contract(vec![liar.clone()]).await.query(&ask).await;
    assert!(matches!(alone, Err(CosmosError::Proof(_))), "{alone:?}");
    let beside = world.contract(vec![liar, honest(&world.chain).await]).await;
    assert!(beside.query(&ask).await.is_ok());
    {
        let mut chain = world.chain.lock().unwrap();
        Slice(chain.wasm()).put(&[2, b'c'], b"\x01damaged");
        chain.grow(2);
    }
    let height = world.chain.lock().unwrap().height() - 1;
    let told = world.truthful().await.query(&ask).await;
    assert_eq!(told, Err(CosmosError::Damaged(height)));
}

/// The core's refusals are told in its words.
#[tokio::test]
async fn refusals_are_the_cores() {
    let world = world();
    let contract = world.truthful().await;
    let page = SubscriptionQuery::<()>::SubscribersWithPermit { permit: (), offset: 0, limit: 5 };
    let told = contract.query(&page).await;
    assert!(matches!(told, Err(CosmosError::Refused(_))), "a permit that nobody checked: {told:?}");
    let bounds = WorkersQuery::Count { model: Some("m".repeat(65)) };
    let told = contract.query(&bounds).await;
    assert!(
        matches!(told, Err(CosmosError::Refused(ref text)) if text.contains("model")),
        "{told:?}"
    );
}

/// What is executed is told with its height, gas and fee, and shows at once; what is refused cost nothing.
#[tokio::test]
async fn a_message_costs_what_it_says() {
    let world = world();
    let contract = world.truthful().await;
    let _blocks = grower(&world.chain, &world.clock);
    let done = contract.execute(&create(), &[]).await.unwrap();
    // Made nodes estimate 100,000; three tenths more and 20,000 are asked for, at a fortieth each.
    assert_eq!((done.gas_wanted, done.gas_used, done.fee), (300, 300, 3750));
    let query = AccessQuery::Collection { collection: CollectionId([1; 16]) };
    let AccessReply::Collection(Some(record)) = contract.query(&query).await.unwrap() else {
        panic!("a collection");
    };
    assert_eq!(record.owner, address("wasm", &own()));
    let twice = [("ustake", 1), ("ustake", 2)];
    let twice = twice.map(|(denom, amount)| Funds { denom: denom.to_owned(), amount });
    let told = contract.execute(&create(), &twice).await;
    assert_eq!(told, Err(CosmosError::Setting("funds")));
    let long = contract.execute(&"x".repeat(EXECUTE_BYTES_MAX), &[]).await;
    assert_eq!(long, Err(CosmosError::Large { what: "message", max: EXECUTE_BYTES_MAX }));
    let again = contract.execute(&create(), &[]).await;
    assert!(matches!(again, Err(CosmosError::Refused(_))), "{again:?}");
    let chain = world.chain.lock().unwrap();
    assert_eq!(chain.blocks.iter().flat_map(|block| &block.transactions).count(), 1);
}

/// A node's word is passed on as it is, true or not, and told apart from no answer.
#[tokio::test]
async fn a_nodes_word_is_only_that() {
    let world = world();
    let said = |data: &[u8]| {
        let reply = QuerySmartContractStateResponse { data: data.to_vec() };
        json!({"code": 0, "value": STANDARD.encode(reply.encode_to_vec()), "height": "0"})
    };
    let ask = WorkersQuery::Count { model: None };
    let made_up = world.saying(said(br#"{"count":77}"#)).await;
    assert_eq!(made_up.query_unproven(&ask).await, Ok(WorkersReply::Count(77)));
    assert_eq!(made_up.query(&ask).await, Ok(WorkersReply::Count(0)), "the rows know better");
    for nothing in
        [said(b""), said(b"{"), said(br#"{"mint":1}"#), json!({"code": 0, "value": "/w=="})]
    {
        let told = world.saying(nothing.clone()).await.query_unproven::<WorkersReply>(&ask).await;
        assert!(matches!(told, Err(CosmosError::Node { .. })), "{nothing}: {told:?}");
    }
    let refuses = world.saying(json!({"code": 9, "log": "no such page"})).await;
    let told = refuses.query_unproven::<WorkersReply>(&ask).await;
    assert_eq!(told, Err(CosmosError::Refused("no such page".to_owned())));
    let long = refuses.query_unproven::<WorkersReply>(&"x".repeat(EXECUTE_BYTES_MAX)).await;
    assert_eq!(long, Err(CosmosError::Large { what: "question", max: EXECUTE_BYTES_MAX }));
}

/// An address of another chain, or of an account, is no contract here; one of other code is not reached.
#[tokio::test]
async fn only_known_contracts_are_reached() {
    let world = world();
    let chain = world.reached(vec![honest(&world.chain).await]);
    for other in [address("osmo", &CONTRACT), address("wasm", &[7; 20])] {
        let told = chain.contract(&other, &CODE_HASH).await;
        assert_eq!(told.err(), Some(CosmosError::Setting("contract")));
    }
    let known = address("wasm", &CONTRACT);
    let other = chain.contract(&known, &[4; 32]).await;
    assert_eq!(other.err(), Some(CosmosError::Contract("it is other code")));
    let nobody = chain.contract(&address("wasm", &[8; 32]), &CODE_HASH).await;
    assert_eq!(nobody.err(), Some(CosmosError::Contract("there is none")));
    assert_eq!(chain.contract(&known, &CODE_HASH).await.unwrap().address(), &known);
}
