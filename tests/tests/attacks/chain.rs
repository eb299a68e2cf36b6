//! The chain's observer: reads every transition of the ledger, as anybody reads a public chain.
//!
//! Layer: tests.
//! Holds: the embedded ledger's rows, opened with the key that the laboratory's TEE seals them under.
//! Never: the contents of messages that do not reach the ledger.
//! Invariant: a transition names addresses, ids, digests and integers, and nothing that a person wrote.

use crate::scene::{Scene, parse};
use crate::stage::table;
use prag_protocol::place::{Kind, Place};
use prag_protocol::{CollectionId, Lineage};
use prag_trust::key::{Key, Ledger, Vault};
use prag_trust::seal::{LedgerState, Sealed};
use serde_json::json;

/// Looks for what people wrote: names of collections, texts, queries, ids, metadata. There are addresses and numbers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_every_transition() {
    let mut scene = Scene::with(30, |_| ()).await;
    let grantee = scene.grantee("grantee", json!({ "quota": 50 })).await;
    for number in 0..10 {
        grantee.query(scene.id, &scene.near(number)).await.unwrap();
    }
    let text = parse(json!({ "text": "content 7 of words", "mode": "sparse" }));
    grantee.query(scene.id, &text).await.unwrap();
    scene.owner.delete_documents(scene.id, &parse(json!({ "ids": ["d3"] }))).await.unwrap();
    scene.lab.anchor().await;
    let transitions = transitions(&mut scene).await;
    let all = transitions.concat();
    let has = |text: &str| all.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has(grantee.identity().address().as_str()) && has(&scene.id.to_string()));
    for word in ["attacked", "told apart", "content 7", "\"d3\"", "even", "Title"] {
        assert!(!has(word), "{word}");
    }
}

/// Counts transitions, but for the one by which each boot binds its key: a search under a grant without a quota, or by
/// the owner, makes none; nor does a write. One under a quota makes one on the embedded ledger, with the units and
/// nothing of the search.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_transitions() {
    let mut scene = Scene::with(30, |_| ()).await;
    let (free, metered) = (
        scene.grantee("free", json!({})).await,
        scene.grantee("metered", json!({ "quota": 9 })).await,
    );
    let before = of_requests(&mut scene).await.len();
    for number in 0..10 {
        free.query(scene.id, &scene.near(number)).await.unwrap();
        scene.owner.query(scene.id, &scene.near(number)).await.unwrap();
    }
    scene.put_long("new", 3).await;
    assert_eq!(of_requests(&mut scene).await.len(), before);
    for number in 0..3 {
        metered.query(scene.id, &scene.near(number)).await.unwrap();
    }
    let after = of_requests(&mut scene).await;
    assert_eq!(after.len(), before + 3);
    let alike: Vec<&[u8]> = after[before..].iter().map(|one| &one[16 + 5..]).collect();
    assert!(
        alike.iter().all(|one| *one == alike[0]),
        "but for salt and time they are the same bytes"
    );
}

/// Every transition so far that no boot made. Restarts the worker.
async fn of_requests(scene: &mut Scene) -> Vec<Vec<u8>> {
    let rebind = |one: &[u8]| one.windows(8).any(|window| window == b"\"rebind\"");
    transitions(scene).await.into_iter().filter(|one| !rebind(one)).collect()
}

/// Every transition so far, opened. Restarts the worker.
async fn transitions(scene: &mut Scene) -> Vec<Vec<u8>> {
    let session = scene.owner.channel().session().await.unwrap();
    let ledger = hex::decode(&session.attestation().ledger_id).unwrap();
    scene.lab.stop().await;
    let rows = table(scene.lab.path(), &"0".repeat(32), 0x10);
    scene.lab.resume(true).await;
    let key: Key<Ledger> = Key::<Vault>::from_root(&[7; 32]).derive();
    let open = |(number, (_, row)): (usize, (Vec<u8>, Vec<u8>))| {
        let place = Place {
            collection: CollectionId([0; 16]),
            lineage: Lineage(ledger[..16].try_into().unwrap()),
            kind: Kind::LedgerState,
            id: [0; 16],
            seq: number as u64,
            epoch: 1,
        };
        Sealed::<LedgerState>::from_bytes(row).open(&key, place).unwrap().expose().to_vec()
    };
    rows.into_iter().enumerate().map(open).collect()
}
