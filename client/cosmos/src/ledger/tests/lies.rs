//! One change of an answer at a time: alone it is an error, beside an honest node it changes nothing.

use super::*;
use crate::fixture::serve::Lie;
use serde_json::Value;

/// Changes answers to `method`.
pub(super) fn about(
    method: &'static str,
    change: impl Fn(&mut Value) + Send + Sync + 'static,
) -> Lie {
    Arc::new(move |asked, _, mut answer| {
        if asked == method {
            change(&mut answer);
        }
        Some(answer)
    })
}

/// Answers to `methods` come from another chain, or another state of this one.
fn from(other: Arc<Mutex<Chain>>, methods: &'static [&'static str]) -> Lie {
    Arc::new(move |asked, parameters, answer| {
        let mut other = other.lock().unwrap();
        if methods.contains(&asked) {
            Some(crate::fixture::serve::method_of(&mut other, asked, parameters))
        } else {
            Some(answer)
        }
    })
}

/// What `change` makes of the rows that a node shows, or of the headers: alone, no view; beside an honest node, the
/// truth.
async fn believes_only_the_truth(world: &World, truth: bool, lies: Vec<(&str, Lie)>) {
    for (name, lie) in lies {
        let liar = serve(&world.chain, lie).await;
        let alone = world.ledger(vec![liar.clone()], 1);
        assert_eq!(granted(&alone).await.ok(), None, "{name}, alone");
        let beside = world.ledger(vec![liar, honest(&world.chain).await], 1);
        assert_eq!(granted(&beside).await, Ok(truth), "{name}, beside an honest node");
    }
}

/// A node cannot hide a revocation: not by an older row, an older state, an older header, or silence.
#[tokio::test]
async fn a_revocation_cannot_be_hidden() {
    let world = World::new();
    let before = world.fork();
    world.revoke();
    // The fork goes on without the revocation, under other keys than the validators'.
    {
        let mut before = before.lock().unwrap();
        before.forged = true;
        before.grow(2);
    }
    let tip = before.lock().unwrap().height();
    assert_eq!(tip, world.chain.lock().unwrap().height());
    let old = world.fork();
    old.lock().unwrap().blocks.truncate(usize::try_from(tip - 2).unwrap());
    let rows = "abci_query";
    let lies: Vec<(&str, Lie)> = vec![
        ("no value", about(rows, |a| a["response"]["value"] = Value::Null)),
        ("no proof", about(rows, |a| a["response"]["proofOps"] = Value::Null)),
        ("another height", about(rows, |a| a["response"]["height"] = "3".into())),
        ("an error", about(rows, |a| a["response"]["code"] = 6.into())),
        ("the state without it, with its proofs", from(before.clone(), &["abci_query"])),
        (
            "the whole chain without it",
            from(before, &["abci_query", "commit", "validators", "status"]),
        ),
        ("no headers", about("commit", |a| *a = Value::Null)),
        ("no validators", about("validators", |a| a["validators"] = Value::Array(vec![]))),
    ];
    believes_only_the_truth(&world, false, lies).await;
}

/// Nor can it make up a grant: not by a row, nor by a chain that other keys signed.
#[tokio::test]
async fn a_grant_cannot_be_made_up() {
    let world = World::new();
    world.revoke();
    let forged = world.fork();
    {
        let mut forged = forged.lock().unwrap();
        forged.blocks.truncate(5);
        let stores = forged.blocks[4].stores.clone();
        forged.stores = stores;
        forged.forged = true;
        forged.run(&there(&owner()), grant(1, there(&reader()), None));
        forged.grow(2);
    }
    let lies: Vec<(&str, Lie)> = vec![
        ("a row of a forged state", from(forged.clone(), &["abci_query"])),
        ("a forged chain", from(forged, &["abci_query", "commit", "validators", "status"])),
        ("another row's value", about("abci_query", |a| a["response"]["value"] = "AQE=".into())),
    ];
    believes_only_the_truth(&world, false, lies).await;
}

/// A node that stopped following the chain is believed until the staleness bound, and no longer.
#[tokio::test]
async fn old_headers_become_stale() {
    let world = World::new();
    let stopped = world.ledger(vec![honest(&world.fork()).await], 1);
    assert_eq!(granted(&stopped).await, Ok(true));
    world.revoke();
    let newest = world.clock.0.load(Ordering::Relaxed);
    assert_eq!(granted(&stopped).await, Ok(true), "within the bound nobody can tell");
    world.clock.0.store(newest + crate::fixture::STALENESS, Ordering::Relaxed);
    let told = granted(&stopped).await;
    assert!(
        matches!(told, Err(LedgerError::Unavailable(ref text)) if text.contains("seconds old")),
        "{told:?}"
    );
}

/// Two of three have to show one header: one that is behind, silent or boasting is outvoted, two are not.
#[tokio::test]
async fn nodes_have_to_agree() {
    let world = World::new();
    let old = honest(&world.fork()).await;
    world.revoke();
    let truth = honest(&world.chain).await;
    let same = honest(&world.chain).await;
    let silent = "http://127.0.0.1:1".to_owned();
    let boasts = about("status", |a| a["sync_info"]["latest_block_height"] = "999999".into());
    let boaster = serve(&world.chain, boasts).await;
    for odd in [&old, &silent, &boaster] {
        for place in 0..3 {
            let mut nodes = vec![truth.clone(), same.clone()];
            nodes.insert(place, odd.clone());
            assert_eq!(granted(&world.ledger(nodes, 2)).await, Ok(false), "{odd} at {place}");
        }
    }
    // A fork as long as the chain, under other keys: its heights agree, its headers do not.
    let fork = world.fork();
    {
        let mut fork = fork.lock().unwrap();
        fork.blocks.pop();
        let last = fork.blocks.last_mut().unwrap();
        last.stores.get_mut("bank").unwrap().insert(vec![2], vec![2]);
        fork.forged = true;
        fork.grow(1);
    }
    let forger = honest(&fork).await;
    let told = granted(&world.ledger(vec![truth.clone(), forger.clone()], 2)).await;
    assert!(
        matches!(told, Err(LedgerError::Unavailable(ref text)) if text.contains("must agree")),
        "{told:?}"
    );
    let outvoted = world.ledger(vec![truth.clone(), forger, same.clone()], 2);
    assert_eq!(granted(&outvoted).await, Ok(false));

    let alone = world.ledger(vec![truth, silent.clone(), silent], 2);
    let told = granted(&alone).await;
    assert!(
        matches!(told, Err(LedgerError::Unavailable(ref text)) if text.contains("must agree")),
        "{told:?}"
    );
    let boasted = world.ledger(vec![boaster.clone(), same], 1);
    assert_eq!(granted(&boasted).await, Ok(false), "a height that nobody has is passed over");
}
