//! Shards at rest: closed while nobody asks, open again for whoever does, and the memory limit as a caller meets it.

use super::*;
use prag_protocol::problem::Code;
use prag_server::collection::memory::Component;
use prag_tests::copy_folder;
use std::sync::Arc;

async fn metric(lab: &Lab, name: &str) -> u64 {
    let text = prag_tests::get(lab.address(), "/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {text}")).trim().parse().unwrap()
}

/// Lets all shards rest, which are so many: a merge may still be at one of them.
async fn rest(lab: &Lab, shards: u64) {
    for _ in 0..1000 {
        lab.worker().rest_idle(0).await;
        if metric(lab, "prag_collections_resting").await == shards {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("a shard does not rest");
}

/// A shard that nobody asks for is closed and takes no memory; a query or a write opens it as it was. At a boot no
/// shard is open; with `idle_s = 0` all are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_rest_and_wake() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let ids = [lived_in(&client, "one").await, lived_in(&client, "two").await];
    let open = lab.worker().memory().total();
    let head = client.collection(ids[0]).await.unwrap().head;
    rest(&lab, 2).await;
    assert!(lab.worker().memory().total() + (512 << 10) < open);
    // Who only looks at a collection that was open does not wake it.
    let seen = client.collection(ids[0]).await.unwrap();
    assert_eq!((seen.state, seen.documents, seen.head), (CollectionState::Ready, 4, head.clone()));
    assert_eq!(client.collections().await.unwrap().len(), 2);
    assert_eq!(metric(&lab, "prag_collections_resting").await, 2);

    assert_eq!(found(&client, ids[0]).await.unwrap(), LEFT);
    assert_eq!(metric(&lab, "prag_collections_resting").await, 1);
    put(&client, ids[1], 4).await;
    assert_eq!(metric(&lab, "prag_collections_resting").await, 0);
    assert_eq!(client.collection(ids[0]).await.unwrap().documents, 4);
    assert_eq!(client.collection(ids[1]).await.unwrap().documents, 5);
    assert_eq!(client.collection(ids[0]).await.unwrap().head, head);

    lab.restart().await;
    assert_eq!(metric(&lab, "prag_collections_resting").await, 2);
    let client = lab.client("owner").await;
    assert_eq!(found(&client, ids[0]).await.unwrap(), LEFT);
    assert_eq!(client.collection(ids[1]).await.unwrap().documents, 5);
    lab.restart_with(|settings| settings.memory.idle_s = 0).await;
    assert_eq!(metric(&lab, "prag_collections_resting").await, 0);
}

/// Files of before, put back while the shard rests, are found out by the head that it had, with no anchor's help.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_put_back_at_rest_are_refused() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    rest(&lab, 1).await;
    let (folder, _) = host::only_shard(&lab);
    let copy = lab.scratch().join("copy");
    copy_folder(&folder, &copy);
    put(&client, id, 7).await;
    rest(&lab, 1).await;
    std::fs::remove_dir_all(&folder).unwrap();
    copy_folder(&copy, &folder);
    assert_eq!(found(&client, id).await.unwrap_err().code(), Some(Code::ShardUnavailable));
    assert_eq!(client.collection(id).await.unwrap().state, CollectionState::Quarantined);
}

/// A key whose lease ended while its shard was at rest opens nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_ended_at_rest_opens_nothing() {
    let lab = Lab::start_with(|settings| settings.lease_check_s = 300).await;
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    rest(&lab, 1).await;
    lab.pass(91 * 86_400);
    let client = lab.client("owner").await;
    assert_eq!(found(&client, id).await.unwrap_err().code(), Some(Code::KeyMissing));
    assert_eq!(client.collection(id).await.unwrap().state, CollectionState::Locked);
    client.release(id, 1).await.unwrap();
    assert_eq!(found(&client, id).await.unwrap(), LEFT);
}

/// Where the limit has no room, what would need it is refused by name and number, and nothing is left behind: searches
/// and administration go on, and with room all is as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_limit_is_named() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    let resting = lived_in(&client, "more").await;
    let before = client.collection(id).await.unwrap();
    let memory = Arc::clone(lab.worker().memory());
    rest(&lab, 2).await;
    assert_eq!(found(&client, id).await.unwrap(), LEFT);
    let used = memory.total();
    let taken = memory.charge(Component::Requests, memory.limit());

    let named = |refused: ClientError| {
        assert_eq!(refused.code(), Some(Code::MemoryLimit), "{refused}");
        assert!(refused.to_string().contains("memory.limit"), "{refused}");
    };
    named(client.put_document(id, &document(8)).await.unwrap_err());
    named(client.create_collection("third", VectorSource::Supplied(2)).await.unwrap_err());
    named(found(&client, resting).await.unwrap_err());
    assert_eq!(found(&client, id).await.unwrap(), LEFT, "what is open is searched");
    let seen = client.collection(id).await.unwrap();
    assert_eq!((seen.documents, seen.head), (before.documents, before.head));
    assert_eq!(client.collections().await.unwrap().len(), 2);
    assert_eq!(memory.total(), used + taken.bytes(), "what was refused took nothing");
    delete(&client, id, &["d5"], false).await.unwrap();

    drop(taken);
    assert_eq!(found(&client, resting).await.unwrap(), LEFT);
    put(&client, id, 8).await;
    client.create_collection("third", VectorSource::Supplied(2)).await.unwrap();
}

/// What `/metrics` shows of memory is in steps of a MiB: the length of a text that was just written is in none of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_shown_in_steps() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    lived_in(&client, "notes").await;
    let text = prag_tests::get(lab.address(), "/metrics").await;
    let shown = text
        .lines()
        .filter(|line| line.starts_with("prag_memory_") || line.starts_with("prag_text_"));
    let shown: Vec<u64> =
        shown.map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect();
    assert!(shown.len() >= 12, "{text}");
    assert!(shown.iter().all(|bytes| bytes % (1 << 20) == 0), "{text}");
}

/// A rotation, an anchor and a re-encryption reach a collection at rest as they reach an open one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_administers_a_resting_collection_finds_it_whole() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    rest(&lab, 1).await;
    client.rotate(id).await.unwrap();
    rest(&lab, 1).await;
    assert_eq!(client.collection(id).await.unwrap().epoch, 2);
    assert_eq!(found(&client, id).await.unwrap(), LEFT);
    rest(&lab, 1).await;
    assert!(lab.anchor().await, "the head of a shard at rest is anchored");
    assert!(!lab.anchor().await);
    follow(&client, client.reencrypt(id).await.unwrap()).await.unwrap();
    rest(&lab, 1).await;
    assert_eq!(found(&client, id).await.unwrap(), LEFT);
}

/// Who searches and writes while shards are put to rest as often as can be loses nothing, and at worst asks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rest_comes_between_nothing() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    let worker = lab.worker().clone();
    let resting = tokio::spawn(async move {
        loop {
            worker.rest_idle(0).await;
            tokio::task::yield_now().await;
        }
    });
    let mut written = LEFT.len() as u64;
    for number in 10..40 {
        // Between waking and using it a shard may go to rest again, at this pace: then it is asked again.
        while let Err(again) = client.put_document(id, &document(number)).await {
            assert_eq!(again.code(), Some(Code::Overloaded), "{again}");
        }
        written += 1;
        while let Err(again) = found(&client, id).await {
            assert_eq!(again.code(), Some(Code::Overloaded), "{again}");
        }
    }
    resting.abort();
    assert_eq!(client.collection(id).await.unwrap().documents, written);
    assert_eq!(found(&client, id).await.unwrap().len() as u64, written);
}

/// With `idle_s = 0` a full memory closes nothing, however long nobody has asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_open_stays_open() {
    let lab = Lab::start_with(|settings| settings.memory.idle_s = 0).await;
    lived_in(&lab.client("owner").await, "notes").await;
    lab.pass(60);
    let client = lab.client("owner").await;
    let memory = Arc::clone(lab.worker().memory());
    let _taken = memory.charge(Component::Requests, memory.limit());
    let refused = client.create_collection("more", VectorSource::Supplied(2)).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::MemoryLimit), "{refused}");
    assert_eq!(metric(&lab, "prag_collections_resting").await, 0);
}
