#![allow(clippy::unwrap_used, clippy::panic)]

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier as Gate};
use std::thread;

use super::Barrier;
use crate::error::StoreError;
use crate::names::ShardName;

/// Whoever waits while a sync runs is served by the next one, not by one each.
#[test]
fn one_sync_serves_all_that_wait() {
    let barrier = Arc::new(Barrier::new(0));
    let syncs = Arc::new(AtomicU64::new(0));
    let (begun, finish) = (Arc::new(Gate::new(2)), Arc::new(Gate::new(2)));
    let first = thread::spawn({
        let (barrier, begun, finish, syncs) =
            (barrier.clone(), begun.clone(), finish.clone(), syncs.clone());
        move || {
            barrier.wait(1, || {
                syncs.fetch_add(1, Ordering::SeqCst);
                begun.wait();
                finish.wait();
                Ok(1)
            })
        }
    });
    begun.wait();
    let others: Vec<_> = (2..=50)
        .map(|seq| {
            let (barrier, syncs) = (barrier.clone(), syncs.clone());
            thread::spawn(move || {
                barrier.wait(seq, || {
                    syncs.fetch_add(1, Ordering::SeqCst);
                    Ok(50)
                })
            })
        })
        .collect();
    assert_eq!(barrier.durable(), 0);
    finish.wait();
    first.join().unwrap().unwrap();
    for other in others {
        other.join().unwrap().unwrap();
    }
    assert_eq!((barrier.durable(), syncs.load(Ordering::SeqCst)), (50, 2));
}

/// A failed sync fails everyone from then on, and is not tried again.
#[test]
fn failure_is_final() {
    let barrier = Barrier::new(3);
    let error = StoreError::Io { shard: ShardName([1; 16]), kind: io::ErrorKind::StorageFull };
    assert_eq!(barrier.wait(3, || Err(error)), Ok(()));
    assert_eq!(barrier.wait(4, || Err(error)), Err(error));
    assert_eq!(barrier.wait(4, || Ok(4)), Err(error));
    assert_eq!(barrier.durable(), 3);
}
