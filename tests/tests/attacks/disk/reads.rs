//! What queries read: counted by RocksDB, by the blobs' reader and by the kernel.

use crate::scene::{Scene, parse};
use prag_protocol::wire::collections::VectorSource;
use serde_json::json;

/// 1,000 searches of every kind, over segments and tail, embedded and not.
pub(super) fn queries_read_nothing() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(async {
        let mut scene = Scene::with(400, |_| ()).await;
        scene.compact().await;
        scene.lab.restart().await;
        scene.put_long("in the tail", 20).await;
        let made = scene.owner.create_collection("embedded", VectorSource::default()).await;
        let embedded = made.unwrap().id;
        let document = json!({ "id": "a", "content": "A river runs to the sea." });
        scene.owner.put_document(embedded, &parse(document)).await.unwrap();
        let grantee = scene.grantee("grantee", json!({})).await;
        // The first search of each kind may make what the process keeps.
        search(&scene, &grantee, embedded, 0).await;

        let (rows, blobs) = storage(&scene).await;
        assert!(
            rows > 0 && blobs > 0,
            "what was read before is counted: {rows} rows, {blobs} blobs"
        );
        let before = Kernel::now();
        for number in 0..ROUNDS {
            search(&scene, &grantee, embedded, number).await;
        }
        let after = Kernel::now();
        assert_eq!(storage(&scene).await, (rows, blobs));
        assert_eq!(after.read_bytes - before.read_bytes, 0, "from the disk");
        // A few wake-ups of the runtime, of eight bytes each, and the kernel's own numbers; a row or a block is longer.
        let (bytes, calls) = (after.rchar - before.rchar, after.syscr - before.syscr);
        println!("{} searches: {calls} calls to read, of {bytes} bytes", ROUNDS * 5);
        assert!(bytes < 4096 && calls < 100, "{bytes} bytes in {calls} calls");
    });
}

async fn search(
    scene: &Scene,
    grantee: &prag_client::Client,
    embedded: prag_protocol::CollectionId,
    number: u32,
) {
    let words = format!("content {number}");
    for mode in ["dense", "sparse", "hybrid"] {
        let query = parse(json!({ "text": words, "vector": [1.0, number], "mode": mode, "k": 5 }));
        assert_eq!(scene.owner.query(scene.id, &query).await.unwrap().hits.len(), 5);
    }
    let context = parse(json!({ "prompt": words, "budget": 300 }));
    assert!(!grantee.context(scene.id, &context).await.unwrap().citations.is_empty());
    let query = parse(json!({ "text": words }));
    assert_eq!(scene.owner.query(embedded, &query).await.unwrap().hits.len(), 1);
}

async fn storage(scene: &Scene) -> (u64, u64) {
    let rows = scene.metric("prag_storage_rows_read_total").await;
    (rows, scene.metric("prag_storage_blobs_read_total").await)
}

/// What the kernel counts for this process (`proc_pid_io(5)`).
struct Kernel {
    /// Bytes that reads returned, from the page cache too.
    rchar: u64,
    /// Calls to read.
    syscr: u64,
    /// Bytes fetched from a disk.
    read_bytes: u64,
}

impl Kernel {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/self/io").unwrap();
        let count = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').trim().parse().unwrap()
        };
        Self { rchar: count("rchar"), syscr: count("syscr"), read_bytes: count("read_bytes") }
    }
}

/// Of five searches each.
const ROUNDS: u32 = 200;
