//! Sealed scopes through the life of a shard's keys.

use super::super::renew;
use super::life::{lived_in, open, wrap_of};
use super::*;
use prag_protocol::Address;
use prag_trust::scope::{ScopeError, ScopeTerms};

const JSON: &str = r#"{"must":[{"key":"team","match":{"value":"ops"}}]}"#;

fn reader() -> Address {
    "secret1reader".parse().unwrap()
}

fn seal(shard: &CollectionShard, salt: u8) -> String {
    let grantee = &reader();
    let terms =
        ScopeTerms { collection: shard.collection(), grantee, salt: &[salt; 32], json: JSON };
    shard.seal_scope(&terms, &mut OsEntropy).unwrap().unwrap()
}

fn opens(shard: &CollectionShard, text: &str) -> Result<(), ScopeError> {
    shard.open_scope(text, &reader()).map(|scope| assert_eq!(scope.filter().must.len(), 1))
}

/// A scope opens after a restart, rotations, re-encryption, purge and a compaction; and so does one that was sealed while
/// a rotation was prepared.
#[test]
fn scopes_outlive_keys() {
    let engine = MemoryEngine::new();
    let shard = lived_in(&engine);
    let first = seal(&shard, 1);
    assert_eq!(seal(&shard, 1), first, "the same terms, the same text");
    drop(shard);
    let shard = open(&engine, 1).unwrap();
    assert_eq!((opens(&shard, &first), seal(&shard, 1)), (Ok(()), first.clone()));
    shard.prepare_epoch(2, wrap_of(9), &mut OsEntropy).unwrap();
    shard.prepare_epoch(2, wrap_of(2), &mut OsEntropy).unwrap();
    let between = seal(&shard, 2);
    shard.settle_epoch(2).unwrap();
    let second = seal(&shard, 3);
    renew::reencrypt(&shard, &|_, _| (), &mut OsEntropy).unwrap();
    renew::purge(&shard, &mut OsEntropy).unwrap();
    freeze::compact(&shard, true, &mut OsEntropy).unwrap();
    shard.prepare_epoch(3, wrap_of(3), &mut OsEntropy).unwrap();
    shard.settle_epoch(3).unwrap();
    let third = seal(&shard, 4);
    drop(shard);
    let shard = open(&engine, 3).unwrap();
    for text in [&first, &between, &second, &third] {
        assert_eq!(opens(&shard, text), Ok(()));
    }
    assert_eq!(contents(&shard.read()), super::life::expected());
}

/// What is sealed after a rotation does not open with what was there before it: a copy of the shard with the keys of an
/// earlier epoch reads no later scope.
#[test]
fn earlier_keys_open_no_later_scope() {
    let (engine, other) = (MemoryEngine::new(), MemoryEngine::new());
    let shard = lived_in(&engine);
    let early = seal(&shard, 1);
    shard.prepare_epoch(2, wrap_of(2), &mut OsEntropy).unwrap();
    // The copy: every row as it is now, where both epochs open.
    let copy = super::life::claim(&other, 0).unwrap();
    let rows = shard.home.store.scan(&prag_store::KeyRange::all(), None, 1000).unwrap().rows;
    let mut write = StoreBatch::new();
    for (key, value) in rows.iter().filter(|(key, _)| key[0] == 2) {
        write.put(key.clone(), value.clone()).unwrap();
    }
    copy.commit(write).unwrap();
    shard.settle_epoch(2).unwrap();
    let late = seal(&shard, 2);
    assert_eq!((opens(&shard, &early), opens(&shard, &late)), (Ok(()), Ok(())));
    let Identity { collection, lineage, .. } = IDENTITY;
    for epoch in [1, 2] {
        let wrap = Arc::new(wrap_of(epoch));
        let keys = super::super::keys::Keys::load(collection, lineage, epoch, wrap, copy.as_ref())
            .unwrap();
        assert_eq!(keys.scopes.iter().map(|one| one.birth).collect::<Vec<_>>(), [1]);
    }
}

/// Another shard of the same collection, made anew, opens none of the scopes of the one before.
#[test]
fn another_shard_opens_nothing() {
    let (engine, other) = (MemoryEngine::new(), MemoryEngine::new());
    let text = seal(&create(&engine), 1);
    let shard = create(&other);
    assert_eq!(opens(&shard, &text), Err(ScopeError::Open));
    assert_ne!(seal(&shard, 1), text);
    assert_eq!(opens(&shard, &text), Err(ScopeError::Open));
}

/// A damaged row of a key for scopes is found out when the shard is opened, as every other key's is.
#[test]
fn a_damaged_scope_key_is_found_out() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    seal(&shard, 1);
    let key = rows::dek(super::super::scopes::scope_key_id(1), 1);
    assert_eq!(key, [&[2][..], &[0xfe; 12], &[0, 0, 0, 1], &[0, 0, 0, 1]].concat(), "frozen");
    let mut row = shard.home.store.get_many(&[&key[..]]).unwrap().remove(0).unwrap();
    let last = row.len() - 1;
    row[last] ^= 1;
    let mut write = StoreBatch::new();
    write.put(key, row).unwrap();
    shard.home.store.commit(write).unwrap();
    drop(shard);
    assert!(matches!(reopen(&engine), Err(CollectionError::Tampered("scope key"))));
}
