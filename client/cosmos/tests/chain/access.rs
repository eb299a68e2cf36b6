//! The access contract: stored, made, granted, read by proof, revoked, refused; and a node that lies about it.
//!
//! Layer: tests.
//! Holds: one story, told by the owner's and the worker's own ledgers.
//! Never: the other contracts (`story`).
//! Invariant: a node that shows an older state leads to no view, and beside an honest one to the truth.

use crate::node::{honest, liar, network, record, wasm};
use crate::reader::Reader;
use crate::wallet;
use prag_client::ledger::{Ledger, LedgerError};
use prag_client::system::SystemClock;
use prag_cosmos::{Chain, CosmosLedger, Relay, RelayTerms, Settings};
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, Placement};
use prag_protocol::{Address, CollectionId};
use prag_trust::address::SessionKey;
use prag_trust::admission::Denied;
use prag_trust::entropy::Clock;
use prag_trust::permit::{Permissions, Permit, PermitParams};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Instant;

const COLLECTION: CollectionId = CollectionId([1; 16]);
const WORKER: [u8; 32] = [5; 32];

/// Whether a worker would answer the reader's search.
async fn admitted(ledger: &CosmosLedger, reader: &Reader) -> Result<u64, Denied> {
    crate::reader::admitted(ledger, reader, COLLECTION, &WORKER).await
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
        delegate: 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_on_a_real_chain() {
    let begun = Instant::now();
    let say = |what: &str| println!("chain-test: {:>6.1} s  {what}", begun.elapsed().as_secs_f32());
    let clock = Arc::new(SystemClock::default());
    let network = network().await;

    let wasm = wasm("access");
    let code_hash = Sha256::digest(&wasm).into();
    let deployer = Chain::open(network.clone(), None, &wallet(11), clock.clone()).unwrap();
    let (code, _) = deployer.store(wasm).await.unwrap();
    say(&format!("stored as code {code}, proven"));
    let (contract, _) = deployer.instantiate(code, "prag access", &json!({})).await.unwrap();
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
    assert_eq!(admitted(&worker, &reader).await, Err(Denied::Forbidden));
    say("a collection; the reader is proven to have no grant, and is refused");
    let again = owner.execute(&me, &[], create()).await;
    assert!(matches!(again, Err(LedgerError::Refused(_))), "{again:?}");

    let granted = owner.execute(&me, &[], grant(grantee.clone(), clock.now())).await.unwrap();
    // The worker's own ledger is another process: it sees the grant with the header after the grant's block.
    while worker.head().await.height <= granted {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let height = admitted(&worker, &reader).await.unwrap();
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
    record(&settings, COLLECTION).await;

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
    assert!(admitted(&alone, &reader).await.is_ok(), "so far it told the truth");

    let revoke = AccessMsg::Revoke { collection: COLLECTION, grantee: grantee.clone() };
    let revoked = owner.execute(&me, &[], revoke).await.unwrap();
    while worker.head().await.height <= revoked {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(admitted(&worker, &reader).await, Err(Denied::Forbidden));
    let told = worker.execute(&by, &[], consume(1)).await;
    assert!(matches!(told, Err(LedgerError::Refused(_))), "{told:?}");
    say(&format!("revoked at {revoked}: refused by the view, and by the contract"));

    let alone = lied_to(vec![liar.clone()]);
    let told = alone.view(COLLECTION, &grantee, "permit").await;
    assert!(matches!(told, Err(LedgerError::Unavailable(_))), "{told:?}");
    let beside = lied_to(vec![liar, honest()]);
    assert_eq!(admitted(&beside, &reader).await, Err(Denied::Forbidden));
    say(
        "a node that shows the state of before, with its proofs: no view; beside an honest one, the truth",
    );

    relayed(&worker, &clock, &say).await;
}

/// The owner's own signature, sent and paid for by the worker.
async fn relayed(worker: &CosmosLedger, clock: &SystemClock, say: &dyn Fn(&str)) {
    let wallet = wallet(11);
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
