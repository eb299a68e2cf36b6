#![allow(clippy::unwrap_used, clippy::panic)]
//! A remembered head moves forward along proofs, and in no other way.

use super::*;
use ed25519_dalek::SigningKey;
use prag_protocol::Lineage;
use prag_trust::head::{Head, HeadError};
use prag_trust::merkle::MerkleLog;

const HERE: CollectionId = CollectionId([1; 16]);

fn key() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

fn log(entries: &[&str]) -> MerkleLog {
    let mut log = MerkleLog::new();
    for entry in entries {
        log.append(entry.as_bytes());
    }
    log
}

fn head(log: &MerkleLog, lineage: u8) -> SignedHead {
    let (size, root) = (log.size(), log.root());
    Head { lineage: Lineage([lineage; 16]), writer_epoch: 1, size, root }.sign(&key())
}

fn history(result: Result<(), ClientError>) -> HeadError {
    match result {
        Err(ClientError::History { reason, .. }) => reason,
        other => panic!("not refused as history: {other:?}"),
    }
}

/// Forward with a proof; back, sideways or unproven is refused, and what was remembered stays.
#[test]
fn heads_only_move_forward() {
    let folder = tempfile::tempdir().unwrap();
    let remembered = Remembered::new(&Home::at(folder.path()));
    let signer = key().verifying_key().to_bytes();
    let advance =
        |head: &SignedHead, proof: &[[u8; 32]]| remembered.advance(HERE, head, &signer, proof);
    let (two, three) = (log(&["a", "b"]), log(&["a", "b", "c"]));
    advance(&head(&two, 7), &[]).unwrap();
    advance(&head(&two, 7), &[]).unwrap();
    assert_eq!(history(advance(&head(&three, 7), &[])), HeadError::Fork);
    let proof = three.consistency(2, 3).unwrap();
    advance(&head(&three, 7), &proof).unwrap();

    assert_eq!(history(advance(&head(&two, 7), &[])), HeadError::Rollback);
    assert_eq!(history(advance(&head(&log(&["a", "b", "x"]), 7), &[])), HeadError::Fork);
    assert_eq!(history(advance(&head(&three, 8), &[])), HeadError::OtherLineage);
    let other = remembered.advance(HERE, &head(&three, 7), &[9; 32], &[]);
    assert_eq!(history(other), HeadError::OtherSigner);
    assert_eq!(remembered.head(HERE).unwrap().unwrap(), head(&three, 7));

    remembered.forget(HERE).unwrap();
    remembered.forget(HERE).unwrap();
    assert!(remembered.head(HERE).unwrap().is_none());
}

/// A damaged file is an error, not a clean slate.
#[test]
fn damage_is_not_forgetting() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    write_private(&home.state(&head_name(HERE)), b"{}").unwrap();
    assert!(Remembered::new(&home).head(HERE).is_err());
}

/// A ledger's height never falls, and one height has one root.
#[test]
fn ledgers_only_grow() {
    let folder = tempfile::tempdir().unwrap();
    let remembered = Remembered::new(&Home::at(folder.path()));
    let advance = |height, root: Option<&str>| remembered.advance_ledger("l", height, root);
    advance(5, Some("aa")).unwrap();
    advance(5, None).unwrap();
    assert!(matches!(advance(4, None), Err(ClientError::LedgerRollback { .. })));
    assert!(matches!(advance(5, Some("bb")), Err(ClientError::LedgerRollback { .. })));
    advance(6, None).unwrap();
    let mark = remembered.ledger("l").unwrap().unwrap();
    assert_eq!((mark.height, mark.head.unwrap().height), (6, 5));
    assert!(remembered.ledger("m").unwrap().is_none());
}
