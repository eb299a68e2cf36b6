//! Nodes that hang, beside others that answer.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::{GasPrice, TrustedHeader};
use std::future::pending;
use std::sync::atomic::AtomicUsize;

fn nodes(count: usize, agree: usize) -> Nodes {
    let network = Network {
        chain_id: "prag-1".to_owned(),
        prefix: "wasm".to_owned(),
        nodes: (0..count).map(|at| format!("http://127.0.0.1:{}", at + 1)).collect(),
        agree,
        trusted: TrustedHeader { height: 1, hash: [1; 32] },
        trusting_period_s: 60,
        staleness_s: 10,
        gas_price: GasPrice { micro: 1, denom: "ustake".to_owned() },
    };
    Nodes::open(&network).unwrap()
}

/// One that never answers keeps nobody from the others, and is not asked first the next time.
#[tokio::test]
async fn a_node_that_hangs_is_passed_by() {
    let nodes = nodes(3, 1);
    let asked = AtomicUsize::new(0);
    let ask = |node: Node| {
        asked.fetch_add(1, Ordering::Relaxed);
        async move { if node.number == 1 { Ok(node.number) } else { pending().await } }
    };
    assert_eq!(nodes.first(ask).await, Ok(1));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(nodes.first(ask).await, Ok(1));
    assert_eq!(asked.load(Ordering::Relaxed), 3, "the one that answered was asked first");
}

/// Each that refuses is followed by the next, and the last refusal is told where nobody answers.
#[tokio::test]
async fn refusals_are_passed_on() {
    let nodes = nodes(3, 1);
    let told = nodes.first(|node| async move { Err::<(), _>(node.fails("does not answer")) });
    let expected = CosmosError::Node { node: 2, reason: "does not answer" };
    assert_eq!(told.await, Err(expected));
}

/// Once as many have answered as must agree, nobody waits for one that hangs; until then everybody does.
#[tokio::test]
async fn enough_answers_are_enough() {
    let ask = |node: Node| async move {
        if node.number == 0 { pending().await } else { Ok(node.number) }
    };
    for (agree, enough) in [(1, true), (2, true), (3, false)] {
        let nodes = nodes(3, agree);
        let all = tokio::time::timeout(3 * PATIENCE, nodes.all(ask)).await;
        assert_eq!(all.is_ok(), enough, "{agree} must agree");
        if let Ok(mut all) = all {
            all.sort_unstable();
            assert_eq!(all, [1, 2], "those who answer at once are all heard");
        }
    }
}
