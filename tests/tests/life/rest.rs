//! Shards at rest: closed while nobody asks, open again for whoever does, and the memory limit as a caller meets it.

use super::*;
use prag_protocol::problem::Code;
use prag_server::settings::Bytes;
use prag_tests::copy_folder;

async fn metric(lab: &Lab, name: &str) -> u64 {
    let text = prag_tests::get(lab.address(), "/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {text}")).trim().parse().unwrap()
}

/// A shard that nobody asks for is closed and takes no memory; a query or a write opens it as it was. At a boot no shard
/// is open; with `idle_s = 0` all are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_rest_and_wake() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let ids = [lived_in(&client, "one").await, lived_in(&client, "two").await];
    let (open, head) = (
        metric(&lab, "prag_memory_used_bytes").await,
        client.collection(ids[0]).await.unwrap().head,
    );
    lab.worker().rest_idle(0).await;
    assert_eq!(metric(&lab, "prag_collections_resting").await, 2);
    assert!(metric(&lab, "prag_memory_used_bytes").await + (512 << 10) <= open);

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
    lab.worker().rest_idle(0).await;
    let (folder, _) = host::only_shard(&lab);
    let copy = lab.scratch().join("copy");
    copy_folder(&folder, &copy);
    put(&client, id, 7).await;
    lab.worker().rest_idle(0).await;
    assert_eq!(metric(&lab, "prag_collections_resting").await, 1);
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
    lab.worker().rest_idle(0).await;
    lab.pass(91 * 86_400);
    let client = lab.client("owner").await;
    assert_eq!(found(&client, id).await.unwrap_err().code(), Some(Code::KeyMissing));
    assert_eq!(client.collection(id).await.unwrap().state, CollectionState::Locked);
    client.release(id, 1).await.unwrap();
    assert_eq!(found(&client, id).await.unwrap(), LEFT);
}

/// Where the limit has no room, what would need it is refused by name and number, and nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_limit_is_named() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    lab.restart_with(|settings| settings.memory.limit = Some(Bytes(64 << 20))).await;
    assert_eq!(metric(&lab, "prag_memory_limit_bytes").await, 64 << 20);
    let client = lab.client("owner").await;
    let refused = client.put_document(id, &document(8)).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::MemoryLimit), "{refused}");
    assert!(refused.to_string().contains("memory.limit"), "{refused}");
    // Administration needs no shard.
    client.destroy_collection(id).await.unwrap();
    let refused = client.create_collection("more", VectorSource::Supplied(2)).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::MemoryLimit), "{refused}");
}
