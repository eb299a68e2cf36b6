//! Frozen rows of the worker's own shard, spelled from their layout.

#![allow(clippy::unwrap_used, clippy::panic)]

mod fuzz;

use super::*;
use crate::fixture::Counting;
use prag_client::vault::{KeyVault, Shares, VaultError, Wanted};
use prag_protocol::ledger::CollectionRecord;
use prag_protocol::place::{Kind, Place};
use prag_protocol::wire::collections::{Precision, Residency, Search, VectorSource};
use prag_protocol::{CollectionId, Lineage};
use prag_store::{Engine, KeyRange, MemoryEngine, Open, Shard, ShardName};
use prag_trust::address::WalletKey;
use prag_trust::entropy::Entropy;
use prag_trust::head::Head;
use prag_trust::key::{Key, Share, Vault};
use prag_trust::seal::{Plain, VaultEntry};
use sha2::{Digest, Sha256};
use std::sync::Arc;

const ID: CollectionId = CollectionId([7; 16]);
const NONCE: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

fn key() -> Arc<Key<Vault>> {
    Arc::new(Key::from_root(&[5; 32]))
}

fn shard() -> Arc<dyn Shard> {
    let mode = Open::Writer { expected_epoch: 0, claim: 1 };
    MemoryEngine::new().open(ShardName([1; 16]), mode).unwrap()
}

fn chance() -> Box<dyn Entropy> {
    Box::new(Counting(0))
}

/// `shard` holds one row: `plain`, sealed at its place in `table`.
fn holds(
    shard: &Arc<dyn Shard>,
    table: u8,
    collection: CollectionId,
    nonce: [u8; 12],
    plain: &[u8],
) {
    let mut id = [0; 16];
    id[0] = table;
    let lineage = Lineage([0; 16]);
    let place = Place { collection, lineage, kind: Kind::VaultEntry, id, seq: 0, epoch: 1 };
    let sealed = Plain::<VaultEntry>::new(plain.to_vec()).seal(&key(), place, nonce).unwrap();
    let row = ([&[table][..], &collection.0].concat(), sealed.into_bytes());
    assert_eq!(shard.scan(&KeyRange::prefix(&[]), None, 9).unwrap().rows, [row]);
}

/// Catalogue rows are frozen: table 0x11, an entry in JSON.
#[test]
fn golden_catalogue() {
    let sources = [
        (VectorSource::Model("m".to_owned()), r#"{"model":"m"}"#),
        (VectorSource::Supplied(384), r#"{"supplied":384}"#),
    ];
    for (vectors, text) in sources {
        let shard = shard();
        let catalog = Catalog::new(key(), Arc::clone(&shard), chance());
        let entry = Entry {
            id: ID,
            name: "notes".to_owned(),
            owner: "secret1owner".to_owned().try_into().unwrap(),
            lineage: Lineage([8; 16]),
            epoch: 2,
            vectors: vectors.clone(),
            created: 300,
            ready: true,
            managed: false,
            hit_bytes: prag_protocol::limits::HIT_BYTES_MAX,
            language: None,
            search: Search::Standard,
            residency: Residency::Memory,
            precision: Precision::F16,
            restored: None,
            spare: Vec::new(),
        };
        catalog.keep(&entry).unwrap();
        let json = [
            &format!(r#"{{"id":"{}","name":"notes","owner":"secret1owner","#, "07".repeat(16)),
            &format!(r#""lineage":"{}","epoch":2,"vectors":{text},"#, "08".repeat(16)),
            r#""created":300,"ready":true}"#,
        ]
        .concat();
        holds(&shard, 0x11, ID, NONCE, json.as_bytes());
        let [read] = catalog.all().unwrap().try_into().unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        assert_eq!(read.vectors, vectors);
    }
}

/// What came later stands behind; an entry of before is of the widest class, and not managed.
#[test]
fn golden_catalogue_of_later_fields() {
    let old = format!(
        r#"{{"id":"{}","name":"n","owner":"secret1owner","lineage":"{}","epoch":1,"vectors":{}}}"#,
        "07".repeat(16),
        "08".repeat(16),
        r#"{"supplied":2},"created":3,"ready":true"#
    );
    let entry: Entry = serde_json::from_str(&old).unwrap();
    assert_eq!((entry.managed, entry.hit_bytes), (false, prag_protocol::limits::HIT_BYTES_MAX));
    let entry = Entry { managed: true, hit_bytes: 2048, ..entry };
    let new = old.replace("true}", r#"true,"managed":true,"hit_bytes":2048}"#);
    assert_eq!(serde_json::to_string(&entry).unwrap(), new);
}

/// A local vault's rows are frozen: table 0x12, epoch (u32, big-endian), the ledger's share, the owner's.
#[tokio::test]
async fn golden_shares() {
    let shard = shard();
    let vault = LocalVault::new(key(), Arc::clone(&shard), chance());
    let shares = Shares { chain: Share::from_bytes(&[3; 32]), owner: Share::from_bytes(&[4; 32]) };
    vault.keep(ID, 258, &shares).unwrap();
    holds(&shard, 0x12, ID, NONCE, &[&[0, 0, 1, 2][..], &[3; 32], &[4; 32]].concat());
    let wanted = Wanted { collection: ID, epoch: 258, images: None };
    let read = vault.fetch(&wanted).await.ok().unwrap().shares;
    assert_eq!((read.chain.expose(), read.owner.expose()), (&[3; 32], &[4; 32]));
    let other = Wanted { epoch: 257, ..wanted };
    assert_eq!(vault.fetch(&other).await.err(), Some(VaultError::Missing));
}

/// Usage rows are frozen: table 0x16, sealed as rows of no collection under names that a blind makes; and the blind stands
/// before the boots' keys in table 0x17.
#[test]
fn golden_usage() {
    let shard = shard();
    let rows = UsageRows::open(&key(), &shard, chance, [9; 32]).unwrap();
    let blind: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let nobody = CollectionId([0; 16]);
    holds(&shard, 0x17, nobody, NONCE, &[blind, [9; 32]].concat());
    assert!(rows.is_own(&[9; 32]) && !rows.is_own(&blind));

    rows.keep(ID, &[3; 32], b"used").unwrap();
    let named = [&[7; 16][..], &[3; 32]].concat();
    let name = *blake3::keyed_hash(&blind, &named).as_bytes();
    let mut id = [0x16; 16];
    id[1..].copy_from_slice(&blake3::hash(&name).as_bytes()[..15]);
    let lineage = Lineage([0; 16]);
    let place = Place { collection: nobody, lineage, kind: Kind::VaultEntry, id, seq: 0, epoch: 1 };
    let plain = Plain::<VaultEntry>::new([&named[..], b"used"].concat());
    let sealed = plain.seal(&key(), place, NONCE).unwrap();
    let row = ([&[0x16][..], &[0; 16], &name].concat(), sealed.into_bytes());
    assert_eq!(shard.scan(&KeyRange::prefix(&[0x16]), None, 9).unwrap().rows, [row]);
    assert_eq!(rows.all().unwrap(), [(ID, [3; 32], b"used".to_vec())]);

    // Another boot knows the first one's key, and the same names.
    let next = UsageRows::open(&key(), &shard, chance, [8; 32]).unwrap();
    assert!(next.is_own(&[9; 32]) && next.is_own(&[8; 32]));
    assert_eq!(next.all().unwrap().len(), 1);
    next.forget(ID, &[3; 32]).unwrap();
    assert!(next.all().unwrap().is_empty());
}

/// A handover is frozen: the ledger's share, the owner's, then JSON of entry and head. It is about one collection of one
/// owner in one epoch, or it is refused.
#[test]
fn golden_handover() {
    let entry = Entry {
        id: ID,
        name: "notes".to_owned(),
        owner: "secret1owner".to_owned().try_into().unwrap(),
        lineage: Lineage([8; 16]),
        epoch: 2,
        vectors: VectorSource::Supplied(384),
        created: 300,
        ready: true,
        managed: false,
        hit_bytes: prag_protocol::limits::HIT_BYTES_MAX,
        language: None,
        search: Search::Standard,
        residency: Residency::Memory,
        precision: Precision::F16,
        restored: None,
        spare: Vec::new(),
    };
    let head = Head { lineage: Lineage([8; 16]), writer_epoch: 1, size: 5, root: [9; 32] };
    let shares = Shares { chain: Share::from_bytes(&[3; 32]), owner: Share::from_bytes(&[4; 32]) };
    let packed = Handover { entry: entry.clone(), head }.pack(&shares).unwrap();
    let json = [
        &format!(r#"{{"entry":{{"id":"{}","name":"notes","#, "07".repeat(16)),
        &format!(r#""owner":"secret1owner","lineage":"{}","epoch":2,"#, "08".repeat(16)),
        r#""vectors":{"supplied":384},"created":300,"ready":true},"#,
        &format!(r#""head":{{"lineage":"{}","writer_epoch":1,"size":5,"#, "08".repeat(16)),
        &format!(r#""root":"{}"}}}}"#, "09".repeat(32)),
    ]
    .concat();
    assert_eq!(&packed[..], [&[3; 32][..], &[4; 32], json.as_bytes()].concat());

    let fetched = handover::unpack(&packed).ok().unwrap();
    assert_eq!(fetched.shares.owner.expose(), &[4; 32]);
    assert!(handover::unpack(&packed[..63]).is_err());
    let record = CollectionRecord {
        owner: entry.owner.clone(),
        epoch: 2,
        commitment: [0; 32],
        destroyed: false,
    };
    let parse = |id, record: &CollectionRecord| Handover::parse(&fetched.handover, id, record);
    assert_eq!(parse(ID, &record).unwrap().head, head);
    assert_eq!(parse(CollectionId([6; 16]), &record).err(), Some(VaultError::Answer));
    let rotated = CollectionRecord { epoch: 3, ..record.clone() };
    assert_eq!(parse(ID, &rotated).unwrap().head, head);
    let before = CollectionRecord { epoch: 1, ..record.clone() };
    assert_eq!(parse(ID, &before).err(), Some(VaultError::Answer));
    let sold = CollectionRecord { owner: "secret1other".parse().unwrap(), ..record.clone() };
    assert_eq!(parse(ID, &sold).err(), Some(VaultError::Answer));
    let no = |entry: Entry, head| {
        let packed = Handover { entry, head }.pack(&shares).unwrap();
        assert!(Handover::parse(&packed[64..], ID, &record).is_err());
    };
    no(entry.clone(), Head { lineage: Lineage([1; 16]), ..head });
    no(Entry { hit_bytes: u32::MAX, ..entry.clone() }, head);
    no(Entry { spare: vec![[2; 16]], ..entry }, head);
}

/// The embedded ledger's shares are frozen: table 0x13, epoch (u32, big-endian), the share.
#[test]
fn golden_chain_shares() {
    let shard = shard();
    let chain = ChainShares::new(key(), Arc::clone(&shard), chance());
    chain.keep(ID, 258, &Share::from_bytes(&[3; 32])).unwrap();
    holds(&shard, 0x13, ID, NONCE, &[&[0, 0, 1, 2][..], &[3; 32]].concat());
    assert_eq!(chain.fetch(ID, 258).unwrap().expose(), &[3; 32]);
}

/// While a rotation is under way both epochs are there; retiring leaves the current one, and no copy of the others.
#[tokio::test]
async fn two_epochs_side_by_side() {
    let of = |epoch| Wanted { collection: ID, epoch, images: None };
    let shard = shard();
    let vault = LocalVault::new(key(), Arc::clone(&shard), chance());
    let chain = ChainShares::new(key(), Arc::clone(&shard), chance());
    let share = |byte: u8| Share::from_bytes(&[byte; 32]);
    for (epoch, byte) in [(1, 3), (2, 9), (2, 5)] {
        vault.keep(ID, epoch, &Shares { chain: share(byte), owner: share(byte + 1) }).unwrap();
        chain.keep(ID, epoch, &share(byte)).unwrap();
    }
    for (epoch, byte) in [(1, 3), (2, 5)] {
        let read = vault.fetch(&of(epoch)).await.ok().unwrap().shares;
        assert_eq!((read.chain.expose(), read.owner.expose()), (&[byte; 32], &[byte + 1; 32]));
        assert_eq!(chain.fetch(ID, epoch).unwrap().expose(), &[byte; 32]);
    }
    vault.retire(ID, 2).unwrap();
    chain.retire(ID, 2).unwrap();
    assert_eq!(vault.fetch(&of(1)).await.err(), Some(VaultError::Missing));
    assert!(matches!(chain.fetch(ID, 1), Err(VaultError::Missing)));
    let read = vault.fetch(&of(2)).await.ok().unwrap().shares;
    assert_eq!(read.owner.expose(), &[6; 32]);
    assert_eq!(chain.fetch(ID, 2).unwrap().expose(), &[5; 32]);
    vault.retire(ID, 3).unwrap();
    chain.retire(ID, 3).unwrap();
    assert_eq!(shard.scan(&KeyRange::prefix(&[]), None, 9).unwrap().rows, []);
}

/// What is chosen once is frozen: table 0x14, collection zero, the ledger's genesis, the wallet's secret.
#[test]
fn golden_genesis() {
    let shard = shard();
    let made = Genesis::load_or_make(key(), Arc::clone(&shard), chance()).unwrap();
    let drawn: [u8; 76] = prag_trust::entropy::random(&mut Counting(0)).unwrap();
    let nonce = drawn[64..].try_into().unwrap();
    holds(&shard, 0x14, CollectionId([0; 16]), nonce, &drawn[..64]);
    let wallet = WalletKey::from_bytes(drawn[32..64].try_into().unwrap()).unwrap();
    let again = Genesis::load_or_make(key(), Arc::clone(&shard), chance()).unwrap();
    for genesis in [made, again] {
        assert_eq!(genesis.ledger, drawn[..32]);
        assert_eq!(genesis.account, wallet.address());
    }
}

/// How far a chain was followed is frozen: table 0x19, collection zero, a hash of the chain's id, height, hash. Of another
/// chain it is no row, and a changed one is refused.
#[test]
fn golden_header() {
    let shard = shard();
    let of = |chain: &str| ChainHeader::new(key(), Arc::clone(&shard), chance(), chain);
    let header = of("prag-1");
    assert_eq!(header.fetch(), Ok(None));
    header.keep(7, &[9; 32]).unwrap();
    let chain = blake3::derive_key("prag 2026 followed chain v1", b"prag-1");
    let plain = [&chain[..], &7_u64.to_be_bytes(), &[9; 32]].concat();
    let none = CollectionId([0; 16]);
    holds(&shard, 0x19, none, NONCE, &plain);
    assert_eq!(header.fetch(), Ok(Some((7, [9; 32]))));
    assert_eq!(of("prag-2").fetch(), Ok(None));
    let mut write = prag_store::Batch::new();
    write.put([&[0x19][..], &none.0].concat(), vec![1; 90]).unwrap();
    shard.commit(write).unwrap();
    assert_eq!(header.fetch(), Err(VaultError::Tampered));
}

/// Anchored heads are frozen: table 0x15 under half the root, JSON; the root is over the blinded heads in order.
#[test]
fn golden_anchors() {
    let shard = shard();
    let anchors = Anchors::new(key(), Arc::clone(&shard), chance());
    let head = |byte: u8| Head {
        lineage: Lineage([byte; 16]),
        writer_epoch: 1,
        size: 2,
        root: [byte; 32],
    };
    let heads = [head(8), head(9)].map(|head| (head.lineage, head));
    let anchored = Anchored::new([6; 32], heads.into());
    anchors.keep(&anchored).unwrap();
    let leaf = |head: &Head| *blake3::keyed_hash(&[6; 32], &head.to_bytes()).as_bytes();
    let hash = |parts: &[&[u8]]| {
        let parts = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part));
        <[u8; 32]>::from(parts.finalize())
    };
    let [left, right] = [head(8), head(9)].map(|head| hash(&[&[0], &leaf(&head)]));
    let root = hash(&[&[1], &left, &right]);
    assert_eq!(anchored.root(), root);
    let entry = |byte: u8| {
        let (lineage, root) = (hex::encode([byte; 16]), hex::encode([byte; 32]));
        format!(r#"{{"lineage":"{lineage}","writer_epoch":1,"size":2,"root":"{root}"}}"#)
    };
    let blind = serde_json::to_string(&[6; 32]).unwrap();
    let json = format!(r#"{{"blind":{blind},"heads":[{},{}]}}"#, entry(8), entry(9));
    let id = CollectionId(root[..16].try_into().unwrap());
    holds(&shard, 0x15, id, NONCE, json.as_bytes());
    assert_eq!(anchors.fetch(&root).unwrap(), anchored);
    assert_eq!(anchors.fetch(&[1; 32]), Err(VaultError::Missing));
    anchors.keep_only(&[1; 32]).unwrap();
    assert_eq!(anchors.fetch(&root), Err(VaultError::Missing));
}
