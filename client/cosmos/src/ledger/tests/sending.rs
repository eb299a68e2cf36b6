//! What is sent happens once or not at all, and is told as it was proven.

use super::lies::about;
use super::*;
use crate::fixture::Grower;
use crate::fixture::serve::Lie;
use crate::transaction::result;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::Digest;
use std::time::Duration;

fn grower(world: &World) -> Grower {
    crate::fixture::grower(&world.chain, &world.clock)
}

fn own(collection: u8) -> AccessMsg {
    AccessMsg::CreateCollection {
        collection: CollectionId([collection; 16]),
        commitment: [2; 32],
        epoch: 1,
    }
}

/// How many of the chain's transactions did something.
fn happened(world: &World) -> usize {
    let chain = world.chain.lock().unwrap();
    let all = chain.blocks.iter().flat_map(|block| &block.transactions);
    all.filter(|(_, outcome)| outcome.code == 0).count()
}

async fn owned(ledger: &CosmosLedger) -> u32 {
    let owner = ledger.account().address().clone();
    match ledger.query(AccessQuery::Collections { owner, offset: 0, limit: 10 }).await.unwrap() {
        AccessReply::Collections { total, .. } => total,
        other => panic!("{other:?}"),
    }
}

/// What this account does happens, one after another, and shows at once.
#[tokio::test]
async fn own_messages_happen() {
    let world = World::new();
    let ledger = world.truthful().await;
    let _blocks = grower(&world);
    let me = ledger.account().address().clone();
    let (one, two) =
        tokio::join!(ledger.execute(&me, &[], own(21)), ledger.execute(&me, &[], own(22)));
    assert!(one.unwrap() != two.unwrap(), "each in its own block");
    assert_eq!(owned(&ledger).await, 2);
    assert_eq!(happened(&world), 2);
}

/// The contract's refusal costs nothing, is told in its words, and changes nothing.
#[tokio::test]
async fn refusals_are_told() {
    let world = World::new();
    let ledger = world.truthful().await;
    let _blocks = grower(&world);
    let me = ledger.account().address().clone();
    let foreign = AccessMsg::DestroyCollection { collection: collection(1) };
    let told = ledger.execute(&me, &[], foreign).await;
    assert!(
        matches!(told, Err(LedgerError::Refused(ref text)) if text.contains("not the sender's")),
        "{told:?}"
    );
    let bounds =
        AccessMsg::RotateEpoch { collection: collection(1), epoch: 0, commitment: [0; 32] };
    assert!(matches!(ledger.execute(&me, &[], bounds).await, Err(LedgerError::Refused(_))));
    assert_eq!(happened(&world), 0);
    assert!(ledger.execute(&me, &[], own(21)).await.is_ok(), "the sequence was not used up");
}

/// A scope in clear is not sent, whoever signs; sealed it is.
#[tokio::test]
async fn no_scope_is_sent_in_clear() {
    let world = World::new();
    let ledger = world.truthful().await;
    let _blocks = grower(&world);
    let me = ledger.account().address().clone();
    ledger.execute(&me, &[], own(21)).await.unwrap();
    let narrow = |text: &str| {
        let mut message = grant(21, reader(), None);
        if let AccessMsg::Grant { scope, .. } = &mut message {
            *scope = Some(text.to_owned());
        }
        message
    };
    for text in [r#"{"must":[{"has_id":["d1"]}]}"#, "{}", " prag-scope-1.AAAA", "d1"] {
        let told = ledger.execute(&me, &[], narrow(text)).await;
        let Err(LedgerError::Refused(told)) = told else { panic!("{text}: {told:?}") };
        assert!(told.contains("sealed") && !told.contains("d1"), "{told}");
    }
    assert_eq!(happened(&world), 1);
    ledger.execute(&me, &[], narrow("prag-scope-1.AAAA")).await.unwrap();
    assert_eq!(happened(&world), 2);
}

/// An owner's own signature goes through the worker; the worker's word alone does not.
#[tokio::test]
async fn signed_messages_are_relayed() {
    let world = World::new();
    let ledger = world.truthful().await;
    let _blocks = grower(&world);
    let (key, session) = (wallet(11), SessionKey::from_bytes(&[31; 32]));
    let expected = ledger.expected();
    let until = world.clock.0.load(Ordering::Relaxed) + 200;
    let params = PermitParams::new(&expected, &session.public_key(), Permissions::Admin, until);
    let permit = Permit::sign(&key, params).unwrap();
    let message = AccessMsg::Revoke { collection: collection(1), grantee: reader() };
    let terms = RelayTerms { sequence: 1, until };
    let relay = Relay::sign(&session, &permit, &expected, &owner(), &message, terms).unwrap();
    let signed = relay.to_json().unwrap();

    assert_eq!(granted(&ledger).await, Ok(true));
    for nothing in [&b""[..], b"{}", &signed[1..]] {
        let told = ledger.execute(&owner(), nothing, message.clone()).await;
        assert!(matches!(told, Err(LedgerError::Refused(_))), "{told:?}");
    }
    assert_eq!(happened(&world), 0, "nobody paid");
    ledger.execute(&owner(), &signed, message).await.unwrap();
    assert_eq!(granted(&ledger).await, Ok(false));
}

/// Where the account sent something elsewhere, its sequence is read again.
#[tokio::test]
async fn sequences_are_read_again() {
    let world = World::new();
    let ledger = world.truthful().await;
    let _blocks = grower(&world);
    let me = ledger.account().address().clone();
    ledger.execute(&me, &[], own(21)).await.unwrap();
    let there = there(&me);
    world.change(|chain| put_sequence(&mut chain.stores, there.as_str(), 40));
    ledger.execute(&me, &[], own(22)).await.unwrap();
    assert_eq!(happened(&world), 2);
}

/// A node that takes a transaction and says nothing, or denies it, does not make it happen twice.
#[tokio::test]
async fn lost_replies_do_not_send_twice() {
    let silent: Lie =
        Arc::new(|method, _, answer| (method != "broadcast_tx_sync").then_some(answer));
    let denies = about("broadcast_tx_sync", |answer| {
        *answer = json!({"code": 32, "codespace": "sdk", "log": "account sequence mismatch"});
    });
    for (name, lie, ends_well) in [("silent", silent, true), ("denies", denies, false)] {
        let world = World::new();
        let ledger = world.ledger(vec![serve(&world.chain, lie).await], 1);
        let _blocks = grower(&world);
        let me = ledger.account().address().clone();
        let told = ledger.execute(&me, &[], own(21)).await;
        assert_eq!(told.is_ok(), ends_well, "{name}: {told:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(happened(&world), 1, "{name}");
    }
}

/// A node that hides where a transaction is makes the outcome unknown, not the message happen twice.
#[tokio::test]
async fn hidden_transactions_are_not_sent_again() {
    let hides = about("tx", |answer| {
        *answer = json!({"error": {"code": -32603, "message": "", "data": "tx not found"}});
    });
    let world = World::new();
    let ledger = world.ledger(vec![serve(&world.chain, hides).await], 1);
    let _blocks = grower(&world);
    let me = ledger.account().address().clone();
    let told = ledger.execute(&me, &[], own(21)).await;
    assert_eq!(told, Err(CosmosError::Unknown.into()));
    assert_eq!(happened(&world), 1);
}

/// Every transaction of a block ends with `code`, by this answer.
fn end_with(answer: &mut Value, code: u32) {
    if let Some(results) = answer["txs_results"].as_array_mut() {
        results.iter_mut().for_each(|one| one["code"] = code.into());
    }
}

/// Success is proven: a node cannot make a failure of it.
#[tokio::test]
async fn results_are_proven() {
    let fails = about("block_results", |answer| end_with(answer, 5));
    let world = World::new();
    let liar = serve(&world.chain, fails).await;
    let ledger = world.ledger(vec![liar, honest(&world.chain).await], 1);
    let _blocks = grower(&world);
    let me = ledger.account().address().clone();
    ledger.execute(&me, &[], own(21)).await.unwrap();
    assert_eq!(happened(&world), 1);
}

/// A failure in its block, after a simulation that passed, is told as a refusal, and not as what a node makes of it.
#[tokio::test]
async fn failures_are_proven() {
    let passes: Lie = Arc::new(|method, parameters, mut answer| {
        let simulates = parameters["path"].as_str().is_some_and(|path| path.contains("Simulate"));
        if method == "abci_query" && simulates {
            // 100,000 gas, as a simulation that passed would say.
            answer = json!({"response": {"code": 0, "value": "CgQQoI0G", "height": "0"}});
        }
        if method == "block_results" {
            end_with(&mut answer, 0);
        }
        Some(answer)
    });
    let world = World::new();
    let nodes = vec![serve(&world.chain, passes).await, honest(&world.chain).await];
    let ledger = world.ledger(nodes, 1);
    let _blocks = grower(&world);
    let me = ledger.account().address().clone();
    let foreign = AccessMsg::DestroyCollection { collection: collection(1) };
    let told = ledger.execute(&me, &[], foreign).await;
    assert!(matches!(told, Err(LedgerError::Refused(_))), "{told:?}");
    assert_eq!(happened(&world), 0);
}

/// Beside an honest node, one that drops what it says it took, says where it is not, or underestimates does no harm.
#[tokio::test]
async fn one_liar_does_not_stop_it() {
    let tx = |change: fn(&mut Value)| -> Lie {
        about("tx", move |answer| {
            if !answer["height"].is_null() {
                change(answer);
            }
        })
    };
    let cheap: Lie = Arc::new(|method, parameters, answer| {
        let simulates = parameters["path"].as_str().is_some_and(|path| path.contains("Simulate"));
        let low = json!({"response": {"code": 0, "value": "CgIQAQ==", "height": "0"}});
        Some(if method == "abci_query" && simulates { low } else { answer })
    });
    let lies: [(&str, Lie); 4] = [
        ("another height", tx(|tx| tx["height"] = "3".into())),
        ("another place", tx(|tx| tx["proof"]["proof"]["total"] = "2".into())),
        ("a height to come", tx(|tx| tx["height"] = "99999".into())),
        ("too little gas", cheap),
    ];
    for (number, (name, lie)) in (21..).zip(lies) {
        let world = World::new();
        let nodes = vec![serve(&world.chain, lie).await, honest(&world.chain).await];
        let ledger = world.ledger(nodes, 1);
        let _blocks = grower(&world);
        let me = ledger.account().address().clone();
        assert!(ledger.execute(&me, &[], own(number)).await.is_ok(), "{name}");
        assert_eq!(happened(&world), 1, "{name}");
    }
    // A fork of the chain takes the transaction, and is not the chain.
    let world = World::new();
    let drops = honest(&world.fork()).await;
    let ledger = world.ledger(vec![drops, honest(&world.chain).await], 1);
    let _blocks = grower(&world);
    let me = ledger.account().address().clone();
    assert!(ledger.execute(&me, &[], own(30)).await.is_ok());
    assert_eq!(happened(&world), 1);
}

/// An account that the chain does not know is told so.
#[tokio::test]
async fn unknown_accounts_are_told() {
    let world = World::new();
    let node = honest(&world.chain).await;
    let settings = world.chain.lock().unwrap().settings(vec![node], 1);
    let ledger = CosmosLedger::open(settings, None, &wallet(77), world.clock.clone()).unwrap();
    let me = ledger.account().address().clone();
    let told = ledger.execute(&me, &[], own(21)).await;
    assert!(
        matches!(told, Err(LedgerError::Unavailable(ref text)) if text.contains("does not know it")),
        "{told:?}"
    );
}

/// Another transaction's place is not this one's: a node cannot lend one's success to the other.
#[tokio::test]
async fn successes_are_not_lent() {
    let world = World::new();
    let ledger = world.truthful().await;
    let blocks = grower(&world);
    let me = ledger.account().address().clone();
    ledger.execute(&me, &[], own(21)).await.unwrap();
    drop(blocks);
    let lent = {
        let chain = world.chain.lock().unwrap();
        let (bytes, _) = chain.blocks.iter().find_map(|block| block.transactions.first()).unwrap();
        <[u8; 32]>::from(sha2::Sha256::digest(bytes))
    };
    let lends: Lie = {
        let chain = world.chain.clone();
        Arc::new(move |method, _, answer| {
            if method != "tx" {
                return Some(answer);
            }
            let ask = json!({"hash": STANDARD.encode(lent)});
            Some(crate::fixture::serve::method_of(&mut chain.lock().unwrap(), "tx", &ask))
        })
    };
    let liar = world.ledger(vec![serve(&world.chain, lends).await], 1);
    assert!(result::proven(&liar.sender.rows, &lent).await.is_ok(), "its own place");
    assert!(result::proven(&liar.sender.rows, &[9; 32]).await.is_err(), "another's");
}
