//! Replies that are lost, files that are lost: billed once, and healed where the session's own signature says so.

use crate::cut::Cut;
use crate::stage::{Stage, asked};
use prag_protocol::limits::REQUEST_REPEATS_MAX;

/// A reply that is lost on the way is asked for again by itself, and billed once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_reply_is_billed_once() {
    let stage = Stage::start(1).await;
    let cut = Cut::before(stage.lab.address()).await;
    let reader = stage.lab.client_at("reader", &cut.url()).await;
    for number in 0..6u8 {
        cut.lose(u64::from(number) % 2);
        stage.find(&reader, f32::from(number)).await.unwrap();
        assert_eq!(cut.left(), 0, "the reply was lost");
        assert_eq!(stage.countersigned(&reader), asked(u64::from(number) + 1));
    }
}

/// A request whose replies are all lost fails; who asks the same again, in whatever process, is billed once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_again_later_is_billed_once() {
    let mut stage = Stage::start(2).await;
    let cut = Cut::before(stage.lab.address()).await;
    for number in 0..4u8 {
        let reader = stage.lab.client_at("reader", &cut.url()).await;
        stage.find(&reader, 50.0 + f32::from(number)).await.unwrap();
        cut.lose(2);
        assert_eq!(stage.find(&reader, f32::from(number)).await.unwrap_err().kind(), "unreachable");
        assert_eq!(reader.usage().unwrap()[0].pending(), 1);
        drop(reader);
        if number == 2 {
            stage.lab.restart().await;
        }
        let again = stage.lab.client_at("reader", &cut.url()).await;
        stage.find(&again, f32::from(number)).await.unwrap();
        let [usage] = again.usage().unwrap().try_into().unwrap();
        assert_eq!(usage.countersigned(), asked(2 * (u64::from(number) + 1)));
        assert_eq!((usage.pending(), usage.allowed()), (0, usage.countersigned()));
    }
}

/// A lost reply that nobody asks for again is billed once too: its client had said what it might cost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_reply_may_be_billed() {
    let stage = Stage::start(4).await;
    let cut = Cut::before(stage.lab.address()).await;
    let reader = stage.lab.client_at("reader", &cut.url()).await;
    cut.lose(2);
    stage.find(&reader, 1.0).await.unwrap_err();
    stage.find(&reader, 2.0).await.unwrap();
    assert_eq!(stage.countersigned(&reader), asked(2));
    // Nor does it pile up: one that is repeated without end gets a new id in the end, and is owed for each.
    for _ in 0..REQUEST_REPEATS_MAX {
        cut.lose(2);
        stage.find(&reader, 3.0).await.unwrap_err();
    }
    let mut tries = 0;
    while stage.find(&reader, 3.0).await.is_err() {
        tries += 1;
        assert!(tries < 3, "a new id is not taken");
    }
    assert!((3..=4).contains(&stage.countersigned(&reader).queries));
}

/// Replies whose vouchers were all lost leave the session in debt; it learns what it owes, and settles by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debts_of_lost_replies_are_settled() {
    let stage = Stage::start(3).await;
    let cut = Cut::before(stage.lab.address()).await;
    let reader = stage.lab.client_at("reader", &cut.url()).await;
    for number in 0..3u8 {
        cut.lose(2);
        stage.find(&reader, f32::from(number)).await.unwrap_err();
    }
    // Nothing more is lent: without settling, this one would be refused.
    stage.find(&reader, 9.0).await.unwrap();
    assert_eq!(stage.countersigned(&reader), asked(4));
}

/// A machine that has lost its files goes on from its own signature, which the worker shows it; what it never signed it
/// signs only if it is told to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_files_are_healed_by_the_own_signature() {
    let stage = Stage::start(5).await;
    let reader = stage.reader().await;
    for number in 0..3u8 {
        stage.find(&reader, f32::from(number)).await.unwrap();
    }
    // The worker has the third voucher too.
    reader.settle(stage.id, false).await.unwrap();
    let files = stage.lab.scratch().join("homes/reader/state/usage");
    std::fs::remove_dir_all(&files).unwrap();
    stage.find(&reader, 10.0).await.unwrap();
    assert_eq!(stage.countersigned(&reader), asked(4));

    // Two that are counted and not signed, and then the files are gone again.
    for _ in 0..2 {
        assert_eq!(stage.raw(&reader, "/query", br#"{"vector":[1,0],"k":9}"#).await.status, 200);
    }
    std::fs::remove_dir_all(&files).unwrap();
    let refused = stage.find(&reader, 11.0).await.unwrap_err();
    assert_eq!(refused.kind(), "over-claim");
    let said = refused.to_string();
    assert!(said.contains("7 queries") && said.contains("5 queries"), "{said}");
    let [usage] = reader.usage().unwrap().try_into().unwrap();
    let claim = usage.refused.unwrap();
    assert_eq!((claim.claimed, usage.countersigned()), (asked(7), asked(4)));
    assert_eq!(reader.settle(stage.id, false).await.unwrap_err().kind(), "over-claim");
    let usage = reader.settle(stage.id, true).await.unwrap().unwrap();
    assert_eq!((usage.countersigned(), usage.refused), (asked(7), None));
    stage.find(&reader, 12.0).await.unwrap();
    assert_eq!(stage.countersigned(&reader), asked(8));
}
