//! Nodes that show an old state, replay, forge, swell, hang, or have another key's enclaves.

use super::*;
use crate::fixture::enclave::Session;
use crate::fixture::serve::method_of;
use crate::secret::{QueryContract, QueryReply};
use base64::{Engine, engine::general_purpose::STANDARD};
use prost::Message;
use serde_json::{Value, json};

const QUERY_PATH: &str = "/secret.compute.v1beta1.Query/QuerySecretContract";

/// Changes answers to questions of the contract, and no others.
fn about(say: impl Fn(&Value, Value) -> Option<Value> + Send + Sync + 'static) -> Lie {
    Arc::new(move |method, parameters, truth| {
        if method == "abci_query" && parameters["path"] == QUERY_PATH {
            say(parameters, truth)
        } else {
            Some(truth)
        }
    })
}

/// Answers out of the state that the chain has now, whatever is asked for, and says that it is of the newest block.
fn old(world: &World) -> Lie {
    let now = Arc::clone(&world.chain);
    let then = Arc::new(Mutex::new(now.lock().unwrap().clone()));
    about(move |parameters, _| {
        let (mut then, time) = (then.lock().unwrap(), now.lock().unwrap().time());
        if time > then.time() {
            then.grow_at(time);
        }
        let mut parameters = parameters.clone();
        parameters["height"] = json!("0");
        Some(method_of(&mut then, "abci_query", &parameters))
    })
}

/// What the enclave sealed, changed.
fn resealed(value: impl Fn(&Session) -> Vec<u8> + Send + Sync + 'static) -> Lie {
    about(move |parameters, _| {
        let data = hex::decode(parameters["data"].as_str().unwrap()).unwrap();
        let ask = QueryContract::decode(data.as_slice()).unwrap();
        let (_, _, session) = Enclave::new(ENCLAVE).open(&ask.query).unwrap();
        let data = value(&session);
        let value = STANDARD.encode(QueryReply { data }.encode_to_vec());
        Some(json!({"response": {"code": 0, "value": value, "height": "0"}}))
    })
}

fn logs(log: String) -> Lie {
    about(move |_, _| Some(json!({"response": {"code": 3, "codespace": "compute", "log": log}})))
}

impl World {
    /// A ledger over two honest nodes and one that lies.
    async fn one_lies(&self, lie: Lie) -> CosmosLedger {
        let mut nodes = self.honest(2).await;
        nodes.insert(0, serve(&self.chain, lie).await);
        self.ledger(nodes).await
    }

    /// A ledger over two nodes that lie alike.
    async fn all_lie(&self, lie: Lie) -> CosmosLedger {
        let nodes = vec![serve(&self.chain, lie.clone()).await, serve(&self.chain, lie).await];
        self.ledger(nodes).await
    }
}

/// One node of three shows an old state, hangs, forges or swells: the answer is the truth all the same.
#[tokio::test]
async fn one_liar_of_three_changes_nothing() {
    let world = World::new();
    let before = old(&world);
    world.run(revoke());
    let swollen = resealed(|session| session.answer(&vec![b' '; 2 << 20]));
    let forged = logs("encrypted: AAAA: query contract failed".to_owned());
    for lie in [before, about(|_, _| None), swollen, forged] {
        let ledger = world.one_lies(lie).await;
        assert!(!granted(&ledger).await.unwrap());
    }
}

/// All nodes together show a state from before: as old as the last pulse it can be, and the next finds them out.
#[tokio::test]
async fn an_old_state_is_found_out_by_the_next_pulse() {
    let world = World::new();
    // The nodes are honest until the pulse is proven, and from then on show the state of that moment.
    let then: Arc<Mutex<Option<Lie>>> = Arc::default();
    let turning: Lie = {
        let then = Arc::clone(&then);
        Arc::new(move |method: &str, parameters: &Value, truth: Value| {
            let lie = then.lock().unwrap().clone();
            lie.map_or(Some(truth.clone()), |lie| lie(method, parameters, truth))
        })
    };
    let ledger = world.all_lie(turning).await;
    assert!(granted(&ledger).await.unwrap());
    *then.lock().unwrap() = Some(old(&world));
    world.run(revoke());
    world.later(PERIOD / 2).await;
    assert!(
        granted(&ledger).await.unwrap(),
        "within the period nothing shows it: that is what P bounds"
    );
    world.later(PERIOD / 4).await;
    world.pulse(&ledger).await;
    let refused = granted(&ledger).await.unwrap_err();
    assert!(refused.to_string().contains("from before the last proven execute"), "{refused}");
    *then.lock().unwrap() = None;
    assert!(!granted(&ledger).await.unwrap(), "nodes that catch up are heard again");
}

/// A state whose own time is told as it was is found out sooner: a question is good for minutes.
#[tokio::test]
async fn questions_are_not_answered_in_the_past() {
    let world = World::new();
    let then: Arc<Mutex<Option<Chain>>> = Arc::default();
    let behind = {
        let then = Arc::clone(&then);
        about(move |parameters, truth| {
            let mut then = then.lock().unwrap();
            let Some(then) = then.as_mut() else { return Some(truth) };
            let mut parameters = parameters.clone();
            parameters["height"] = json!("0");
            Some(method_of(then, "abci_query", &parameters))
        })
    };
    let ledger = world.all_lie(behind).await;
    assert!(granted(&ledger).await.unwrap());
    *then.lock().unwrap() = Some(world.chain.lock().unwrap().clone());
    world.later(PERIOD / 2).await;
    let refused = granted(&ledger).await.unwrap_err();
    assert!(refused.to_string().contains("from before the last proven execute"), "{refused}");
}

/// A state from before this boot is never answered of, not even at first: each process begins with a pulse of its own.
#[tokio::test]
async fn a_boot_sees_no_state_from_before_it() {
    let world = World::new();
    world.ledger(world.honest(2).await).await;
    let before = old(&world);
    world.run(revoke());
    let ledger = world.all_lie(before).await;
    let refused = granted(&ledger).await.unwrap_err();
    assert!(refused.to_string().contains("from before the last proven execute"), "{refused}");
}

/// An answer to an earlier question opens no later one, although it was the enclave's.
#[tokio::test]
async fn replayed_answers_do_not_open() {
    let world = World::new();
    let first: Arc<Mutex<Option<Value>>> = Arc::default();
    let replay = about(move |_, truth| Some(first.lock().unwrap().get_or_insert(truth).clone()));
    let ledger = world.all_lie(replay).await;
    let refused = granted(&ledger).await.unwrap_err();
    assert!(refused.to_string().contains("of the 2 nodes"), "{refused}");
}

/// Only what an enclave sealed to the very question is a refusal: a node's own words, and another key's, are none.
#[tokio::test]
async fn forged_refusals_are_not_believed() {
    let world = World::new();
    let other = Enclave::nobody();
    let sealed = STANDARD.encode(other.error("absent, or not for this account"));
    for log in [
        "absent, or not for this account: query contract failed".to_owned(),
        format!("encrypted: {sealed}: query contract failed"),
    ] {
        let ledger = world.all_lie(logs(log)).await;
        let refused = granted(&ledger).await.unwrap_err();
        assert!(matches!(refused, LedgerError::Unavailable(_)), "{refused}");
    }
}

/// Answers without a pulse, with another's, or about something else are none, however well they are sealed.
#[tokio::test]
async fn other_answers_are_none() {
    let world = World::new();
    let pulse = format!(r#"{{"nonce":"{}","height":9}}"#, "07".repeat(32));
    for text in [
        r#"{"reply":{"policy":null},"pulse":null}"#.to_owned(),
        format!(r#"{{"reply":{{"policy":null}},"pulse":{pulse}}}"#),
        r#"{"policy":null}"#.to_owned(),
        "[".repeat(1000),
    ] {
        let ledger = world.all_lie(resealed(move |session| session.answer(text.as_bytes()))).await;
        let query = AccessQuery::Policy { collection: collection(1) };
        assert!(matches!(ledger.query(query).await, Err(LedgerError::Unavailable(_))));
    }
}

/// Answers over a bound are dropped before they are opened.
#[tokio::test]
async fn oversized_answers_are_dropped() {
    let world = World::new();
    let ledger = world.all_lie(resealed(|session| session.answer(&vec![b' '; 2 << 20]))).await;
    assert!(matches!(granted(&ledger).await, Err(LedgerError::Unavailable(_))));
}

/// Under a wrong network key nobody can read: no pulse happens, and nothing is answered.
#[tokio::test]
async fn a_wrong_network_key_opens_nothing() {
    let world = World::new();
    let mut settings = world.settings(world.honest(2).await, 2);
    settings.network_key = Enclave::new(8).key();
    let ledger = world.open(settings);
    let _blocks = world.blocks();
    assert!(matches!(ledger.pulse().await, Err(CosmosError::Refused(_))));
    assert!(matches!(granted(&ledger).await, Err(LedgerError::Unavailable(_))));
}

/// As many nodes as must have to answer: the others may hang.
#[tokio::test]
async fn one_node_alone_is_not_believed() {
    let world = World::new();
    let mut nodes = world.honest(1).await;
    nodes.push(serve(&world.chain, about(|_, _| None)).await);
    let ledger = world.ledger(nodes).await;
    let refused = granted(&ledger).await.unwrap_err();
    assert!(refused.to_string().contains("1 of the 2 nodes"), "{refused}");
}
