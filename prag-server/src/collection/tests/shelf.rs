//! Texts on disk under a reader: damage of their frames, and blobs that are replaced meanwhile.

use super::super::memory::Accounts;
use super::super::renew;
use super::super::shelf::Kept;
use super::disk::{Chance, answers, frozen, made, on_disk};
use super::life::wrap_of;
use super::*;
use prag_store::BlobName;

/// The blob that has the texts of the only segment.
fn texts_blob(shard: &CollectionShard) -> BlobName {
    let manifest = &shard.writer().manifest;
    let [entry] = &manifest.segments[..] else { panic!("one segment") };
    BlobName(entry.parts.iter().find(|part| part.name == 128).unwrap().blob)
}

fn overwrite(shard: &CollectionShard, name: BlobName, bytes: &[u8]) {
    shard.home.store.blobs().delete(name).unwrap();
    shard.home.store.blobs().put_new(name, bytes).unwrap();
}

/// A frame that was changed, swapped, cut off, removed, or taken from another shard under the same key is refused for
/// whoever wants a text in it, and for nobody else; put back, all is as it was. No reading ever gives another text.
#[test]
fn a_damaged_frame_gives_no_text() {
    let engine = MemoryEngine::new();
    let long = |word: &str| format!("{word} ").repeat(30_000);
    let (a, b, c) = (long("alpha"), long("beta"), long("gamma"));
    let shard = frozen(&engine, &[("a", &a), ("b", &b), ("c", &c)]);
    let read = |id: &str| {
        let kept = shard.document(&id.parse().unwrap()).unwrap();
        kept.content().map(std::borrow::Cow::into_owned)
    };
    let good = || [&a, &b, &c].map(|text| Some(text.clone()));
    let all = || ["a", "b", "c"].map(|id| read(id).ok());
    assert_eq!(all(), good());
    let name = texts_blob(&shard);
    let sealed = shard.home.store.blobs().get(name, None).unwrap();
    let frame = (64 << 10) + 28;
    let frames = sealed.len().div_ceil(frame);
    assert!(frames > 7);

    let mut hurt = std::collections::HashSet::new();
    for at in 0..frames {
        let mut bad = sealed.clone();
        let place = (24 + at * frame + 100).min(sealed.len() - 1);
        bad[place] ^= 1;
        overwrite(&shard, name, &bad);
        for (id, text) in [("a", &a), ("b", &b), ("c", &c)] {
            match read(id) {
                Ok(found) => assert!(found == *text, "{id} of {at}"),
                Err(error) => {
                    assert!(matches!(error, CollectionError::Tampered("text")), "{error}");
                    hurt.insert(id);
                }
            }
        }
        if at < frames - 1 {
            assert!(all().contains(&None), "somebody's text is in frame {at}");
        }
        assert!(all().iter().flatten().count() > 0, "a frame is not everybody's");
    }
    assert_eq!(hurt.len(), 3);

    let mut swapped = sealed.clone();
    swapped[24..24 + 2 * frame].rotate_left(frame);
    let another = frozen(&MemoryEngine::new(), &[("a", &b), ("b", &a), ("c", &c)]);
    let another = another.home.store.blobs().get(texts_blob(&another), None).unwrap();
    assert_eq!(another.len(), sealed.len());
    for bad in [swapped, another, sealed[..24 + frame].to_vec(), Vec::new()] {
        overwrite(&shard, name, &bad);
        assert!(all().iter().zip(good()).all(|(found, good)| found.is_none() || *found == good));
        assert!(all().contains(&None), "{} bytes", bad.len());
    }
    shard.home.store.blobs().delete(name).unwrap();
    assert!(matches!(read("a"), Err(CollectionError::Tampered("text"))));
    assert!(matches!(answers(&shard.read()), Err(CollectionError::Tampered("text"))));
    let merged = freeze::merge_all(&shard, &mut OsEntropy);
    assert!(merged.is_ok(), "nothing is due, so nothing is read");
    put(&shard, "d", "one more");
    let merged = freeze::merge_all(&shard, &mut OsEntropy);
    assert!(matches!(merged, Err(CollectionError::Tampered("text"))));
    shard.home.store.blobs().put_new(name, &sealed).unwrap();
    assert_eq!(all(), good());
    freeze::merge_all(&shard, &mut OsEntropy).unwrap();
    assert_eq!(all(), good());
}

fn blobs(shard: &CollectionShard) -> Vec<BlobName> {
    shard.home.store.blobs().list(None, 100).unwrap().iter().map(|blob| blob.name).collect()
}

/// Who holds a document before a merge, a re-encryption or a deletion reads its text after it; the blob goes with the
/// last reader, and with none at once.
#[test]
fn a_reader_keeps_its_texts() {
    let engine = MemoryEngine::new();
    let shard = frozen(&engine, &[("a", "the text of a"), ("b", "the text of b")]);
    let kept = |id: &str| shard.document(&id.parse().unwrap()).unwrap();
    let text = |kept: &Kept| kept.content().unwrap().into_owned();
    let (old, blob) = (kept("a"), texts_blob(&shard));
    put(&shard, "c", "the text of c");
    delete(&shard, "a");
    freeze::merge_all(&shard, &mut OsEntropy).unwrap();
    assert_ne!(texts_blob(&shard), blob);
    assert!(blobs(&shard).contains(&blob), "somebody reads it");
    assert_eq!((text(&old), text(&kept("b"))), ("the text of a".into(), "the text of b".into()));
    let (second, other) = (kept("b"), texts_blob(&shard));
    drop(old);
    assert!(!blobs(&shard).contains(&blob), "nobody reads it");

    shard.prepare_epoch(2, wrap_of(2), &mut OsEntropy).unwrap();
    shard.settle_epoch(2).unwrap();
    renew::reencrypt(&shard, &|_, _| (), &mut OsEntropy).unwrap();
    assert_ne!(texts_blob(&shard), other);
    assert!(!blobs(&shard).contains(&other), "readers find it where it lies now");
    assert_eq!((text(&second), text(&kept("c"))), ("the text of b".into(), "the text of c".into()));
    assert_eq!(blobs(&shard).len(), shard.writer().manifest.segments[0].parts.len());
}

/// A purge waits for who still reads what is to go, and then it is gone.
#[test]
fn a_purge_waits_for_readers() {
    let engine = MemoryEngine::new();
    let shard = frozen(&engine, &[("a", "to be forgotten"), ("b", "to be kept")]);
    let (kept, blob) = (shard.document(&"a".parse().unwrap()).unwrap(), texts_blob(&shard));
    delete(&shard, "a");
    std::thread::scope(|scope| {
        let purging = scope.spawn(|| renew::purge(&shard, &mut OsEntropy));
        while texts_blob(&shard) == blob {
            std::thread::yield_now();
        }
        assert_eq!(kept.content().unwrap(), "to be forgotten");
        assert!(!purging.is_finished() && blobs(&shard).contains(&blob));
        drop(kept);
        purging.join().unwrap().unwrap();
    });
    assert!(!blobs(&shard).contains(&blob));
    assert_eq!(contents(&shard.read()), [("b".to_owned(), "to be kept".to_owned())]);
}

/// Readers that take texts while segments are built, merged, purged and sealed anew find each one right, all the time.
#[test]
fn readers_and_upkeep_do_not_meet() {
    let engine = MemoryEngine::new();
    let shard = made(&engine, on_disk(), &Accounts::unlimited());
    for number in 0..30 {
        put(&shard, &format!("d{number}"), &format!("text of d{number}"));
    }
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = || {
            let (mut chance, mut read) = (Chance(9), 0u32);
            while !done.load(std::sync::atomic::Ordering::SeqCst) || read < 100 {
                let id = format!("d{}", chance.below(30));
                let kept = shard.document(&id.parse().unwrap()).unwrap();
                assert_eq!(kept.content().unwrap(), format!("text of {id}"));
                read += 1;
            }
        };
        let readers = [scope.spawn(reading), scope.spawn(reading)];
        for round in 0..25u32 {
            for number in 0..15 {
                let id = format!("d{}", (number + round) % 30);
                put(&shard, &id, &format!("text of {id}"));
            }
            match round % 4 {
                0 => freeze::maintain(&shard, &mut OsEntropy).unwrap(),
                1 => freeze::merge_all(&shard, &mut OsEntropy).unwrap(),
                2 => renew::purge(&shard, &mut OsEntropy).unwrap(),
                _ => {
                    let epoch = 2 + round / 4;
                    shard.prepare_epoch(epoch, wrap_of(epoch), &mut OsEntropy).unwrap();
                    shard.settle_epoch(epoch).unwrap();
                    renew::reencrypt(&shard, &|_, _| (), &mut OsEntropy).unwrap();
                }
            }
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    assert_eq!(shard.read().documents.len(), 30);
}
