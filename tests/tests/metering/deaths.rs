//! The worker dies at every durable step of a metered read, the client at every wait of it: each question is billed once.

use crate::stage::{Stage, asked};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// The worker dies after so many durable steps of a question, comes back, and is asked again by who asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_bills_once() {
    let mut stage = Stage::start_mortal(1).await;
    for steps in 0u8.. {
        let reader = stage.reader().await;
        stage.lab.die_after(u64::from(steps));
        let first = stage.find(&reader, f32::from(steps)).await;
        let died = stage.lab.is_dead();
        assert!(first.is_ok() || died, "{first:?}");
        stage.lab.revive().await;
        if first.is_err() {
            stage.find(&reader, f32::from(steps)).await.unwrap();
        }
        let expected = asked(u64::from(steps) + 1);
        assert_eq!(stage.countersigned(&reader), expected, "dead after {steps} steps");
        let usage = reader.settle(stage.id, false).await.unwrap().unwrap();
        assert_eq!((usage.countersigned(), usage.pending()), (expected, 0));
        if !died {
            assert!(steps >= 2, "{steps}: the quota's step and the count's");
            break;
        }
    }
}

/// The worker dies at every durable step of a hand-in: it is handed in again, and nothing is lost or doubled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_in_that_dies_is_repeated() {
    let mut stage = Stage::start_mortal(2).await;
    for steps in 0u8.. {
        let reader = stage.reader().await;
        stage.find(&reader, f32::from(steps)).await.unwrap();
        stage.lab.die_after(u64::from(steps));
        let first = reader.settle(stage.id, false).await;
        let died = stage.lab.is_dead();
        assert!(first.is_ok() || died, "{first:?}");
        stage.lab.revive().await;
        let usage = reader.settle(stage.id, false).await.unwrap().unwrap();
        assert_eq!(usage.countersigned(), asked(u64::from(steps) + 1));
        if !died {
            assert!(steps >= 1);
            break;
        }
    }
}

/// The client dies at each of its waits in turn; the next process asks the same, and it is billed once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_dies_is_billed_once() {
    let stage = Stage::start(2).await;
    let mut deaths = 0u16;
    for polls in 0.. {
        let number = f32::from(deaths);
        let reader = stage.reader().await;
        let done = dies_after(polls, stage.find(&reader, number)).await;
        drop(reader);
        if let Some(done) = done {
            done.unwrap();
            break;
        }
        deaths += 1;
        let next = stage.reader().await;
        stage.find(&next, number).await.unwrap();
        assert_eq!(
            stage.countersigned(&next),
            asked(u64::from(deaths)),
            "dead after {polls} polls"
        );
        assert_eq!(next.usage().unwrap()[0].pending(), 0);
    }
    assert!(deaths >= 2, "{deaths}");
}

/// What `future` comes to, if it is polled so often at most; after that it is dropped, as by `kill -9`.
async fn dies_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}
