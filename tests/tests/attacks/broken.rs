//! One broken TEE: its host reads every key that the worker had.
//!
//! Layer: tests.
//! Holds: the key that a worker's own rows are sealed under, and all that it opens.
//! Never: what other workers hold.
//! Invariant: the keys of one worker open what was placed there, and no key opens more than one collection.

use crate::scene::Scene;
use crate::stage::{open, table};
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_tests::{copy_folder, host};
use std::collections::BTreeSet;

/// The shares of every collection are random: none equals another, and the worker knows none that was not given to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_for_a_key_to_all() {
    let (one, other) = (Scene::with(1, |_| ()).await, Scene::with(1, |_| ()).await);
    let mut shares = BTreeSet::new();
    for scene in [&one, &other] {
        for number in 0..8 {
            let name = format!("c{number}");
            let made = scene.owner.create_collection(&name, VectorSource::Supplied(2)).await;
            let share = scene.owner.shares().fetch(made.unwrap().id, 1).unwrap();
            shares.insert(*share.expose());
        }
    }
    assert_eq!(shares.len(), 16);
}

/// The row with one collection's shares is put where another's should be: it does not open there, and its key would
/// not be the one that the ledger names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opens_one_collection_with_anothers_shares() {
    let mut scene = Scene::with(5, |_| ()).await;
    let other = scene.owner.create_collection("other", VectorSource::Supplied(2)).await.unwrap().id;
    scene.lab.stop().await;
    let own = "0".repeat(32);
    let rows = table(scene.lab.path(), &own, 0x12);
    assert_eq!(rows.len(), 2);
    let row = |id: &[u8; 16]| rows.iter().find(|(key, _)| key[1..] == id[..]).unwrap().clone();
    let (mine, others) = (row(&scene.id.0), row(&other.0));
    host::rewrite(&*open(scene.lab.path(), &own), &[], &[(mine.0, others.1)]);
    scene.lab.resume(true).await;
    let refused = scene.owner.query(scene.id, &scene.near(1)).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::KeyMissing), "{refused}");
    let seen = scene.owner.collection(scene.id).await.unwrap().keys.unwrap();
    let tried: Vec<_> = seen.tried.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!((seen.from, tried), (None, vec!["tampered"]));
}

/// A collection that was never placed on the broken worker is carried to it: there is no key for it, and no entry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn carries_a_foreign_collection_to_the_broken_worker() {
    let (mut broken, mut sound) = (Scene::with(1, |_| ()).await, Scene::with(9, |_| ()).await);
    broken.lab.stop().await;
    sound.lab.stop().await;
    // Both laboratories seal under one root, so not even that keeps them apart.
    let own = "0".repeat(32);
    for shard in std::fs::read_dir(sound.lab.path().join("shards")).unwrap().map(Result::unwrap) {
        if shard.file_name().to_str() != Some(own.as_str()) {
            let target = broken.lab.path().join("shards").join(shard.file_name());
            copy_folder(&shard.path(), &target);
        }
    }
    broken.lab.resume(true).await;
    let stranger = broken.lab.client("stranger").await;
    for id in [sound.id, broken.id] {
        let refused = stranger.query(id, &sound.near(1)).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::Forbidden));
    }
    assert_eq!(broken.owner.query(broken.id, &broken.near(1)).await.unwrap().hits.len(), 1);
}
