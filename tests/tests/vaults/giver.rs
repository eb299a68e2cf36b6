//! Who gets keys from a worker that has them: a like worker that the owner placed, and nobody else.

use crate::hand::{Hand, challenge};
use crate::stage::Stage;
use ed25519_dalek::SigningKey;
use prag_protocol::ledger::AccessMsg;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VaultKind::{Local, Owner, Peer};
use prag_trust::entropy::Clock;
use prag_trust::evidence::BindingPurpose;
use prag_trust::sim::sim_measurement;

/// The placed like worker gets both shares, though the giver itself is not placed any more. Without a placement, under
/// one that is over, of another worker, or of another epoch it gets nothing, and no two of these answers differ.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owners_placement_decides() {
    let stage = Stage::start(&[Local, Peer, Owner]).await;
    let hand = Hand::new();
    let stranger = hand.refused(&stage, Code::Forbidden).await;
    let now = stage.clock.now();
    stage.placed([9; 32], 1, now + 600).await;
    assert_eq!(hand.refused(&stage, Code::Forbidden).await, stranger, "another worker's");
    stage.placed(hand.public(), 1, now + 600).await;
    hand.ask(&stage).await.unwrap();
    stage.placed(hand.public(), 2, now + 600).await;
    assert_eq!(hand.refused(&stage, Code::Forbidden).await, stranger, "of the next epoch");
    let early = Hand { epoch: 2, ..Hand::new() };
    stage.placed(early.public(), 2, now + 600).await;
    assert_eq!(early.refused(&stage, Code::Forbidden).await, stranger, "not current yet");

    // The lease is over by the ledger's clock, which is ahead of the worker's within what is tolerated.
    stage.placed(hand.public(), 1, now + 30).await;
    stage.clock.by(50);
    assert_eq!(hand.refused(&stage, Code::Forbidden).await, stranger, "over");
    stage.placed(hand.public(), 1, now + 600).await;
    hand.ask(&stage).await.unwrap();

    let absent = Hand::new();
    let mut other = absent.request(&stage, challenge(&stage).await.unwrap()).await;
    other.release.ask["collection"] = "0f".repeat(16).into();
    let problem = absent.send(&stage, &other).await.err().unwrap();
    assert_eq!(problem.code, Code::SignatureInvalid, "a changed request is nobody's");
}

/// An old epoch's shares are not given once the ledger has a newer one; nor anything of a destroyed collection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_epochs_and_destroyed_collections_are_not_given() {
    let stage = Stage::start(&[Local, Peer, Owner]).await;
    let until = stage.clock.now() + 600;
    let (old, new) = (Hand::new(), Hand { epoch: 2, ..Hand::new() });
    stage.placed(old.public(), 1, until).await;
    old.ask(&stage).await.unwrap();
    stage
        .tell(AccessMsg::RotateEpoch { collection: stage.id, epoch: 2, commitment: [7; 32] })
        .await;
    let stranger = old.refused(&stage, Code::Forbidden).await;
    stage.placed(new.public(), 2, until).await;
    new.refused(&stage, Code::KeyMissing).await;
    stage.tell(AccessMsg::DestroyCollection { collection: stage.id }).await;
    assert_eq!(new.refused(&stage, Code::Forbidden).await, stranger);
}

/// The owner's placement alone is not enough: another image, evidence over another nonce, for another purpose, ledger or
/// settings. The owner's policy on the ledger names images in place of the giver's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_evidence_decides_too() {
    let stage = Stage::start(&[Local, Peer, Owner]).await;
    let until = stage.clock.now() + 600;
    for unlike in [
        Hand { version: "another image", ..Hand::new() },
        Hand { other_nonce: Some([1; 32]), ..Hand::new() },
        Hand { purpose: BindingPurpose::Serve, ..Hand::new() },
        Hand { config_digest: Some([2; 32]), ..Hand::new() },
        Hand { ledger_id: Some([3; 32]), ..Hand::new() },
    ] {
        stage.placed(unlike.public(), 1, until).await;
        let problem = unlike.refused(&stage, Code::Forbidden).await;
        assert!(problem.detail.contains("evidence"), "{problem}");
    }
    // Evidence that is another worker's, the request being the placed one's own.
    let hand = Hand::new();
    stage.placed(hand.public(), 1, until).await;
    let nonce = challenge(&stage).await.unwrap();
    let mut request = hand.request(&stage, nonce).await;
    request.release.evidence = Hand::new().request(&stage, nonce).await.release.evidence;
    assert_eq!(hand.send(&stage, &request).await.err().unwrap().code, Code::Forbidden);

    let (listed, own) = (sim_measurement("another image"), hand);
    let policy = |measurements| AccessMsg::SetPolicy {
        collection: stage.id,
        measurements,
        readers: Vec::new(),
    };
    stage.tell(policy(vec![listed])).await;
    own.refused(&stage, Code::Forbidden).await;
    let other = Hand { version: "another image", ..Hand::new() };
    stage.placed(other.public(), 1, until).await;
    other.ask(&stage).await.unwrap();
    stage.tell(policy(Vec::new())).await;
    other.refused(&stage, Code::Forbidden).await;
}

/// A giver whose ledger view is old, or from the future, gives nothing; with a fresh one it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_giver_refuses() {
    let stage = Stage::start(&[Local, Peer, Owner]).await;
    let hand = Hand::new();
    stage.placed(hand.public(), 1, stage.clock.now() + 600).await;
    hand.ask(&stage).await.unwrap();
    let far = Hand::new();
    stage.placed(far.public(), 1, stage.clock.now() + 600).await;
    stage.clock.by(120);
    far.refused(&stage, Code::LedgerStale).await;
    stage.clock.by(0);
    far.ask(&stage).await.unwrap();
}

/// A challenge is answered once, is the giver's own, and the request is signed by the key that it names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_fresh_and_signed() {
    let stage = Stage::start(&[Local, Peer, Owner]).await;
    let hand = Hand::new();
    stage.placed(hand.public(), 1, stage.clock.now() + 600).await;
    let nonce = challenge(&stage).await.unwrap();
    let request = hand.request(&stage, nonce).await;
    hand.send(&stage, &request).await.unwrap();
    assert_eq!(hand.send(&stage, &request).await.err().unwrap().code, Code::Replayed);
    let again = hand.request(&stage, nonce).await;
    assert_eq!(hand.send(&stage, &again).await.err().unwrap().code, Code::Replayed);
    let made_up = hand.request(&stage, [5; 32]).await;
    assert_eq!(hand.send(&stage, &made_up).await.err().unwrap().code, Code::Forbidden);

    let thief = Hand { signing: SigningKey::from_bytes(&[6; 32]), ..Hand::new() };
    let mut stolen = thief.request(&stage, challenge(&stage).await.unwrap()).await;
    stolen.release.ask["worker"] = hex::encode(hand.public()).into();
    let problem = thief.send(&stage, &stolen).await.err().unwrap();
    assert_eq!(problem.code, Code::SignatureInvalid);
    let mut turned = hand.request(&stage, challenge(&stage).await.unwrap()).await;
    turned.release.ask["giver"] = "07".repeat(32).into();
    let problem = hand.send(&stage, &turned).await.err().unwrap();
    assert_eq!(problem.code, Code::SignatureInvalid);
}

/// A worker that does not list `peer` gives nothing and holds no shares; nor does one whose collection is locked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_willing_workers_with_open_shards_give() {
    let closed = Stage::start(&[Local, Owner]).await;
    assert_eq!(challenge(&closed).await.unwrap_err().code, Code::Forbidden);
    let nonce = [0; 32];
    let request = Hand::new().request(&closed, nonce).await;
    let problem = Hand::new().send(&closed, &request).await.err().unwrap();
    assert_eq!(problem.code, Code::Forbidden);

    let mut stage = Stage::start(&[Peer, Owner]).await;
    let hand = Hand::new();
    stage.first.restart().await;
    stage.placed(hand.public(), 1, stage.clock.now() + 600).await;
    hand.refused(&stage, Code::KeyMissing).await;
}
