//! Leases: keys are held for as long as the ledger says, and not longer.

use super::*;
use prag_protocol::problem::Code;
use prag_protocol::wire::grants::PutGrant;
use prag_tests::host::{rewrite, table};

const DAY: u64 = 86_400;

/// A lease that has ended takes the key, at the next request and in the background; a restart does not bring it back,
/// the owner's release does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_lease_takes_the_key() {
    let mut lab = Lab::start_with(|settings| settings.lease_check_s = 300).await;
    let client = lab.client("owner").await;
    let (asked, idle) = (lived_in(&client, "asked").await, lived_in(&client, "idle").await);
    lab.pass(89 * DAY);
    let client = lab.client("owner").await;
    assert_eq!(found(&client, asked).await.unwrap(), LEFT);
    lab.pass(2 * DAY);
    let client = lab.client("owner").await;
    let refused = found(&client, asked).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::KeyMissing), "{refused}");
    lab.check_leases().await;
    // The background's check took the keys of both, from memory and from the vault: time alone does not give them back.
    for id in [asked, idle] {
        assert_eq!(client.collection(id).await.unwrap().state, CollectionState::Locked);
    }
    lab.restart().await;
    let client = lab.client("owner").await;
    for id in [asked, idle] {
        assert_eq!(found(&client, id).await.unwrap_err().code(), Some(Code::KeyMissing));
        assert_eq!(client.release(id, 1).await.unwrap().state, CollectionState::Ready);
        assert_eq!(found(&client, id).await.unwrap(), LEFT);
    }
    lab.restart().await;
    let client = lab.client("owner").await;
    assert_eq!(found(&client, asked).await.unwrap(), LEFT, "the released share is kept again");
}

/// Any administration by the owner renews a lease of which less than half is left; so does a release. Reading does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_is_there_renews() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let reader = lab.client("reader").await;
    let id = lived_in(&client, "notes").await;
    let until = async |client: &Client| client.collection(id).await.unwrap().lease_until.unwrap();
    let grant = |expires| PutGrant { write: false, expires, ..hour_grant(&reader) };
    let first = until(&client).await;
    client.put_grant(id, &grant(first)).await.unwrap();
    assert_eq!(until(&client).await, first, "more than half is left");
    lab.pass(50 * DAY);
    let client = lab.client("owner").await;
    found(&client, id).await.unwrap();
    assert_eq!(until(&client).await, first);
    client.put_grant(id, &grant(first)).await.unwrap();
    let second = until(&client).await;
    assert!(second >= first + 50 * DAY, "{first} {second}");
    lab.pass(10 * DAY);
    let client = lab.client("owner").await;
    client.release(id, 1).await.unwrap();
    assert!(until(&client).await >= second + 10 * DAY);
    let reading = lab.client("reader").await;
    assert_eq!(reading.collection(id).await.unwrap().lease_until, None);
}

/// A worker that has booted goes on under the lease that it had, without its owner; one whose placement is gone from
/// the ledger does not, and forgets the shares that it kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_boot_needs_the_placement() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    let before = client.collection(id).await.unwrap().lease_until;
    lab.restart().await;
    let client = lab.client("owner").await;
    assert_eq!(found(&client, id).await.unwrap(), LEFT);
    assert_eq!(client.collection(id).await.unwrap().lease_until, before);

    // As if the owner had taken the placement back: the ledger ends before it was given. Its row is the second one,
    // after the collection's; the third is the boot's.
    lab.stop().await;
    let own = host::own(&lab);
    let transitions = table(&*own, 0x10);
    assert_eq!(transitions.len(), 3);
    let keys: Vec<_> = transitions[1..].iter().map(|(key, _)| key.clone()).collect();
    rewrite(&*own, &keys, &[]);
    assert_eq!(table(&*own, 0x12).len(), 1);
    drop(own);
    lab.resume(true).await;
    let client = lab.client("owner").await;
    assert_eq!(found(&client, id).await.unwrap_err().code(), Some(Code::KeyMissing));
    lab.check_leases().await;
    lab.stop().await;
    assert_eq!(table(&*host::own(&lab), 0x12), [], "the vault forgot its shares");
    lab.resume(true).await;
    let client = lab.client("owner").await;
    assert_eq!(client.release(id, 1).await.unwrap().state, CollectionState::Ready);
    assert_eq!(found(&client, id).await.unwrap(), LEFT);
}
