//! Freezes and merges against a naive twin: nothing is lost, space comes back, recall stays, memory is counted.

use super::super::memory::{Accounts, Component};
use super::super::shard::Home;
use super::super::tiers::Shape;
use super::super::upkeep::Upkeep;
use super::*;
use std::collections::BTreeMap;

fn home(engine: &MemoryEngine, expected: u64, accounts: &Arc<Accounts>, shape: Shape) -> Home {
    let upkeep = Arc::new(Upkeep::new(shape, 2, 0));
    Home { store: store(engine, expected), accounts: Arc::clone(accounts), upkeep }
}

fn small(engine: &MemoryEngine, accounts: &Arc<Accounts>, shape: Shape) -> CollectionShard {
    let home = home(engine, 0, accounts, shape);
    CollectionShard::create(IDENTITY, profile(), wrap_key(), home, &mut OsEntropy).unwrap()
}

fn blob_bytes(shard: &CollectionShard) -> u64 {
    shard.home.store.blobs().list(None, 8192).unwrap().iter().map(|blob| blob.bytes).sum()
}

fn model(twin: &BTreeMap<String, String>) -> Vec<(String, String)> {
    twin.iter().map(|(id, content)| (id.clone(), content.clone())).collect()
}

/// A corpus that is rewritten ten times, with freezes and merges in between: what lives is what a map would hold, there
/// are never more segments than the tiers allow, and the disk holds little more than one corpus.
#[test]
fn ten_rewrites_leave_no_trace() {
    let (engine, accounts) = (MemoryEngine::new(), Accounts::unlimited());
    let shape = Shape { freeze_rows: 50, fan: 3 };
    let shard = small(&engine, &accounts, shape);
    let mut twin = BTreeMap::new();
    let mut first = 0;
    for round in 0..=10 {
        for number in 0..400 {
            // Another order each time, so that rows of all ages die together and apart.
            let id = format!("d{:03}", number * (2 * round + 3) % 400);
            let content = format!("the text of {id} in round {round}");
            put(&shard, &id, &content);
            twin.insert(id, content);
            if number % 25 == 0 {
                freeze::maintain(&shard, &mut OsEntropy).unwrap();
                let live = shard.read();
                assert!(live.segments.len() <= 12, "{} segments", live.segments.len());
                assert!(live.segments.iter().all(|one| !one.live.is_empty()));
            }
        }
        freeze::maintain(&shard, &mut OsEntropy).unwrap();
        assert_eq!(contents(&shard.read()), model(&twin), "round {round}");
        if round == 0 {
            first = blob_bytes(&shard);
        }
        assert!(blob_bytes(&shard) <= 2 * first, "round {round}: {} bytes", blob_bytes(&shard));
        let live = shard.read();
        let rows: usize = live.segments.iter().map(|one| one.rows.len()).sum();
        assert!(rows <= 600, "{rows} rows are kept of 400");
    }
    let stored =
        shard.home.store.scan(&prag_store::KeyRange::prefix(&[3]), None, 8192).unwrap().rows;
    assert!(stored.len() < 100, "{} batches are kept of 4,400", stored.len());
    drop(shard);
    assert_eq!(contents(&reopen(&engine).unwrap().read()), model(&twin));
    assert_eq!(accounts.total(), 0, "a shard that is closed takes no memory");
}

/// Writes that come in while segments are built and swapped are neither lost nor shown twice, deletions included.
#[test]
fn writes_go_on_while_segments_are_built() {
    let (engine, accounts) = (MemoryEngine::new(), Accounts::unlimited());
    let shard = small(&engine, &accounts, Shape { freeze_rows: 20, fan: 2 });
    let done = std::sync::atomic::AtomicBool::new(false);
    let mut twin = BTreeMap::new();
    std::thread::scope(|scope| {
        let building = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                freeze::maintain(&shard, &mut OsEntropy).unwrap();
            }
        });
        for step in 0..1500u32 {
            let id = format!("d{:02}", step.wrapping_mul(2_654_435_761) % 60);
            if step % 7 == 3 {
                delete(&shard, &id);
                twin.remove(&id);
            } else {
                put(&shard, &id, &format!("step {step}"));
                twin.insert(id, format!("step {step}"));
            }
            let live = shard.read();
            assert_eq!((live.documents.len(), live.chunks()), (twin.len(), twin.len() as u64));
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        building.join().unwrap();
    });
    assert!(!shard.read().segments.is_empty());
    assert_eq!(contents(&shard.read()), model(&twin));
    drop(shard);
    assert_eq!(contents(&reopen(&engine).unwrap().read()), model(&twin));
}

/// A build that the limit has no room for is refused by name and changes nothing; with room it goes through. A shard
/// that does not fit does not open, and nothing of it is counted then.
#[test]
fn the_limit_stops_builds_and_openings() {
    let engine = MemoryEngine::new();
    let shape = Shape { freeze_rows: 20, fan: 2 };
    let free = Accounts::new(64 << 20);
    let shard = small(&engine, &free, shape);
    for number in 0..40 {
        put(&shard, &format!("d{number}"), "some text that is kept");
    }
    let rest = free.limit() - free.total();
    let taken = free.reserve(Component::Requests, rest - 1000).unwrap();
    let refused = freeze::maintain(&shard, &mut OsEntropy);
    assert!(matches!(refused, Err(CollectionError::Memory(full)) if full.limit == 64 << 20));
    assert_eq!((shard.read().segments.len(), shard.read().tail.rows.len()), (0, 40));
    drop(taken);
    freeze::maintain(&shard, &mut OsEntropy).unwrap();
    assert_eq!((shard.read().segments.len(), shard.read().tail.rows.len()), (1, 0));
    assert_eq!(free.used(Component::Builds), 0);
    let parts = [Component::Vectors, Component::Words, Component::Texts, Component::Trees];
    let counted: Vec<u64> = parts.iter().map(|part| free.used(*part)).collect();
    assert!(counted.iter().all(|bytes| *bytes > 0), "{counted:?}");
    drop(shard);
    assert_eq!(free.total(), 0);

    let tight = Accounts::new((256 << 10) + 1000);
    let opened = CollectionShard::open(IDENTITY, wrap_key(), home(&engine, 1, &tight, shape));
    assert!(matches!(opened, Err(CollectionError::Memory(_))));
    assert_eq!(tight.total(), 0);
    let shard =
        CollectionShard::open(IDENTITY, wrap_key(), home(&engine, 1, &free, shape)).unwrap();
    let again: Vec<u64> = parts.iter().map(|part| free.used(*part)).collect();
    let words = |sizes: &[u64]| sizes[1];
    assert!(words(&again) <= words(&counted), "built, lists have room that they do not use");
    let rest = |sizes: &[u64]| [sizes[0], sizes[2], sizes[3]];
    assert_eq!(rest(&again), rest(&counted), "loaded, the rest takes what it took when built");
    drop(shard);
}

/// The tail is not copied before there is room for the copy: what is asked for first is that, and nothing stays taken.
#[test]
fn a_tail_is_copied_into_room() {
    let (engine, limit) = (MemoryEngine::new(), Accounts::new(64 << 20));
    let shard = small(&engine, &limit, Shape { freeze_rows: 20, fan: 2 });
    for number in 0..40 {
        put(&shard, &format!("d{number}"), "some text that is kept");
    }
    let before = limit.total();
    let taken = limit.reserve(Component::Requests, limit.limit() - before).unwrap();
    let Err(CollectionError::Memory(full)) = freeze::compact(&shard, false, &mut OsEntropy) else {
        panic!("there was no room");
    };
    assert!((40 * 8..40 * 100).contains(&full.needed), "{full:?}");
    drop(taken);
    assert_eq!(limit.total(), before);
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    assert_eq!(limit.used(Component::Builds), 0);
}

/// Two hundred open shards take what is counted for them, each the same.
#[test]
fn many_shards_are_counted_alike() {
    let accounts = Accounts::new(1 << 30);
    let mut open = Vec::new();
    for number in 1..=200u64 {
        let shard = small(&MemoryEngine::new(), &accounts, Shape::default());
        put(&shard, "a", "a few words");
        open.push(shard);
        assert_eq!(accounts.used(Component::Storage), number * (256 << 10));
        assert_eq!(accounts.used(Component::Tails) % number, 0);
    }
    // Ten times as many are under a gigabyte.
    assert!(accounts.total() * 10 < 1 << 30, "{}", accounts.total());
    drop(open);
    assert_eq!(accounts.total(), 0);
}

/// Vectors on the unit sphere, the same for the same number.
fn vector(number: u32) -> Vec<f32> {
    let mut seed = u64::from(number) + 1;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    };
    let raw: Vec<f32> = (0..DIMENSION).map(|_| next() + next() + next()).collect();
    let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
    raw.into_iter().map(|value| value / length).collect()
}

fn nearest(live: &Live, query: &[f32], exact: bool) -> Vec<(String, u32)> {
    let mut hits = Vec::new();
    for segment in &live.segments {
        let found = if exact {
            segment.index.dense_exact(query, &segment.live, 10).unwrap()
        } else {
            segment.index.dense(query, &segment.live, 10, 64).unwrap()
        };
        hits.extend(found.into_iter().map(|hit| {
            let row = &segment.rows[hit.ordinal as usize];
            (hit.score, row.document.id.as_str().to_owned(), row.chunk)
        }));
    }
    hits.sort_by(|a, b| b.0.total_cmp(&a.0));
    hits.into_iter().take(10).map(|(_, id, chunk)| (id, chunk)).collect()
}

fn recall(live: &Live) -> f64 {
    let mut found = 0;
    for number in 0..QUERIES {
        let query = vector(1_000_000 + number);
        let exact = nearest(live, &query, true);
        found += nearest(live, &query, false).iter().filter(|hit| exact.contains(hit)).count();
    }
    found as f64 / f64::from(10 * QUERIES)
}

/// Recall with a graph is, after ten rewrites with freezes and merges, what it was at first.
#[test]
fn recall_does_not_decay() {
    let engine = MemoryEngine::new();
    let profile = sealed_profile(Profile { dimension: DIMENSION, ..profile() });
    let home = home(&engine, 0, &Accounts::unlimited(), Shape { freeze_rows: 2000, fan: 4 });
    let shard =
        CollectionShard::create(IDENTITY, profile, wrap_key(), home, &mut OsEntropy).unwrap();
    let mut first = None;
    for round in 0..=10 {
        for number in 0..DOCUMENTS {
            let mut document = document(&format!("d{number}"), &format!("round {round}"));
            document.chunks = vec![document.chunks[0].clone(); CHUNKS as usize];
            let vectors = (0..CHUNKS).flat_map(|at| vector(number * CHUNKS + at)).collect();
            let op = Op::Put { document, vectors };
            shard.write(put_batches(op, None, 5, &mut OsEntropy).unwrap(), &mut OsEntropy).unwrap();
            if number % 50 == 0 {
                freeze::maintain(&shard, &mut OsEntropy).unwrap();
            }
        }
        if round == 0 {
            freeze::merge_all(&shard, &mut OsEntropy).unwrap();
            first = Some(recall(&shard.read()));
        }
    }
    freeze::merge_all(&shard, &mut OsEntropy).unwrap();
    let live = shard.read();
    assert_eq!((live.segments.len(), live.chunks()), (1, u64::from(DOCUMENTS * CHUNKS)));
    let (first, last) = (first.unwrap(), recall(&live));
    assert!(first > 0.98 && (first - last).abs() <= 0.002, "{first} became {last}");
}

const DIMENSION: u32 = 12;
const DOCUMENTS: u32 = 450;
const CHUNKS: u32 = 20;
const QUERIES: u32 = 200;
