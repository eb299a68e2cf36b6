//! Frozen bytes of a transition, spelled from their layout.

#![allow(clippy::unwrap_used, clippy::panic)]

mod fuzz;
mod market;

use super::*;
use crate::fixture::Counting;
use prag_store::{Engine, MemoryEngine, Open, ShardName};
use prag_trust::key::Vault;

const GENESIS: [u8; 32] = [1; 32];

/// Key and value.
type Row = (Vec<u8>, Vec<u8>);

/// It is always five minutes past.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> u64 {
        300
    }
}

fn key() -> Key<LedgerPurpose> {
    Key::<Vault>::from_root(&[5; 32]).derive()
}

fn shard() -> Arc<dyn Shard> {
    let mode = Open::Writer { expected_epoch: 0, claim: 1 };
    MemoryEngine::new().open(ShardName([1; 16]), mode).unwrap()
}

fn open(shard: &Arc<dyn Shard>) -> EmbeddedLedger {
    reopen(shard, None).unwrap()
}

fn reopen(
    shard: &Arc<dyn Shard>,
    market: Option<(Address, MarketInit)>,
) -> Result<EmbeddedLedger, LedgerError> {
    let (shard, clock) = (Arc::clone(shard), Arc::new(Stopped));
    let opening = Opening { genesis: GENESIS, confirmed: true, market };
    EmbeddedLedger::open(opening, key(), shard, clock, Box::new(Counting(0)))
}

/// The ledger's id: BLAKE3 of the genesis, under a context of its own.
fn id() -> [u8; 32] {
    blake3::derive_key("prag 2026 embedded ledger id v1", &GENESIS)
}

fn place(height: u8) -> Place {
    Place {
        collection: CollectionId([0; 16]),
        lineage: Lineage(id()[..16].try_into().unwrap()),
        kind: Kind::LedgerState,
        id: [0; 16],
        seq: height.into(),
        epoch: 1,
    }
}

/// Rows made by hand from the layout: two transitions of one owner. And the head over them.
fn golden() -> (Vec<Row>, LedgerHead) {
    let (collection, commitment) = ("07".repeat(16), "02".repeat(32));
    let first = format!(
        r#"{{"create_collection":{{"collection":"{collection}","commitment":"{commitment}","epoch":1}}}}"#
    );
    let second = r#"{"revoke_permit":{"permit_name":"p1"}}"#.to_owned();
    let (mut rows, mut tree, chance) = (Vec::new(), MerkleLog::new(), &mut Counting(0));
    for (height, message) in [(0, first), (1, second)] {
        let salt: [u8; 16] = prag_trust::entropy::random(chance).unwrap();
        let nonce = prag_trust::entropy::random(chance).unwrap();
        let length = match u8::try_from(message.len()).unwrap() {
            short @ ..128 => vec![short],
            long => vec![long, 1],
        };
        let plain: [&[u8]; 6] =
            [&salt, &[0xac, 2], b"\x0csecret1owner", &[2, 0xaa, 0xbb], &length, message.as_bytes()];
        let plain = plain.concat();
        tree.append(&blake3::derive_key("prag 2026 ledger transition v1", &plain));
        let sealed = Plain::<LedgerState>::new(plain).seal(&key(), place(height), nonce).unwrap();
        rows.push((vec![0x10, 0, 0, 0, 0, 0, 0, 0, height], sealed.into_bytes()));
    }
    (rows, LedgerHead { height: 2, root: tree.root() })
}

fn head(ledger: &EmbeddedLedger) -> LedgerHead {
    let inner = ledger.lock();
    LedgerHead { height: inner.tree.size(), root: inner.tree.root() }
}

/// Transition format 1 is frozen: row key, place, postcard fields with the message in JSON, and the leaf that the
/// head is made of.
#[test]
fn golden_transitions() {
    let shard = shard();
    let ledger = open(&shard);
    let owner: Address = "secret1owner".to_owned().try_into().unwrap();
    let create = AccessMsg::CreateCollection {
        collection: CollectionId([7; 16]),
        commitment: [2; 32],
        epoch: 1,
    };
    let revoke = AccessMsg::RevokePermit { permit_name: "p1".to_owned() };
    for message in [create, revoke] {
        ledger.execute_now(&owner, &[0xaa, 0xbb], Recorded::Access(message)).unwrap();
    }
    let (rows, expected) = golden();
    let stored = shard.scan(&KeyRange::prefix(&[]), None, 99).unwrap();
    assert_eq!(stored.rows, rows);
    assert_eq!(head(&ledger), expected);
    assert_eq!(ledger.id(), id());
    assert_eq!(ledger.chain_id(), format!("prag-embedded-{}", hex::encode(&id()[..8])));
    assert_eq!(ledger.contract(), "secret1pragembeddedaccess");
}

/// Transitions that were written once replay for ever.
#[test]
fn golden_transitions_replay() {
    let (rows, expected) = golden();
    let shard = shard();
    let mut write = Batch::new();
    for (key, value) in rows {
        write.put(key, value).unwrap();
    }
    shard.commit(write).unwrap();
    let ledger = open(&shard);
    assert_eq!(head(&ledger), expected);
    let query = AccessQuery::Collection { collection: CollectionId([7; 16]) };
    let AccessReply::Collection(Some(record)) = ledger.lock().ask(300, query).unwrap() else {
        panic!("a collection")
    };
    assert_eq!((record.owner.as_str(), record.epoch), ("secret1owner", 1));
}

/// A head of this history confirms it; the empty history, which everybody remembers, and a forged one do not.
#[tokio::test]
async fn remembering_nothing_confirms_nothing() {
    let shard = shard();
    let empty = head(&open(&shard));
    let (rows, newest) = golden();
    let mut write = Batch::new();
    for (key, value) in rows {
        write.put(key, value).unwrap();
    }
    shard.commit(write).unwrap();
    let opening = Opening { genesis: GENESIS, confirmed: false, market: None };
    let clock = Arc::new(Stopped);
    let ledger = EmbeddedLedger::open(opening, key(), shard, clock, Box::new(Counting(0))).unwrap();
    let forged = LedgerHead { root: [9; 32], ..newest };
    for head in [empty, forged] {
        assert_eq!(ledger.confirm(head).await, Err(LedgerError::RolledBack), "{head:?}");
        assert!(ledger.lock().serving().is_err());
    }
    assert_eq!(ledger.confirm(newest).await, Ok(()));
    assert!(ledger.lock().serving().is_ok());
}
