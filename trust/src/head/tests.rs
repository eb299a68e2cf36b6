//! Tests of heads: signatures, and which head follows which.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::merkle::MerkleLog;

fn log(count: u8, salt: u8) -> MerkleLog {
    let mut log = MerkleLog::new();
    for index in 0..count {
        log.append(&[index, salt]);
    }
    log
}

fn head(log: &MerkleLog, size: u64) -> Head {
    let root = log.root_at(size).unwrap();
    Head { lineage: Lineage([1; 16]), writer_epoch: 3, size, root }
}

fn worker() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A head verifies under the key that signed it, and under no other.
#[test]
fn verifies_under_its_signer() {
    let head = head(&log(5, 0), 5);
    let signed = head.sign(&worker());
    let signer = worker().verifying_key().to_bytes();
    assert_eq!(*signed.verify(&signer).unwrap(), head);

    let other = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
    assert_eq!(signed.verify(&other).err(), Some(HeadError::OtherSigner));
    let claimed = SignedHead { signer: other, ..signed };
    assert_eq!(claimed.verify(&other).err(), Some(HeadError::Signature));
}

/// Each field is under the signature.
#[test]
fn signature_covers_everything() {
    let signed = head(&log(5, 0), 5).sign(&worker());
    let bytes = signed.to_bytes();
    for bit in (0..SignedHead::BYTES * 8).filter(|bit| !(512..768).contains(bit)) {
        let mut bad = bytes;
        bad[bit / 8] ^= 1 << (bit % 8);
        let bad = SignedHead::from_bytes(&bad).verify(&signed.signer);
        assert_eq!(bad.err(), Some(HeadError::Signature), "bit {bit}");
    }
}

/// The small-order key, under which the zero signature would fit every head, is refused.
#[test]
fn weak_keys_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let signed = SignedHead { head: head(&log(1, 0), 1), signer: identity, signature };
    assert_eq!(signed.verify(&identity).err(), Some(HeadError::Signature));
}

/// Every later head follows every earlier one, given the proof.
#[test]
fn later_heads_follow() {
    let log = log(20, 0);
    for new in 0..=20 {
        for old in 0..=new {
            let proof = log.consistency(old, new).unwrap();
            assert_eq!(follows(&head(&log, old), &head(&log, new), &proof), Ok(()));
        }
    }
    let moved = Head { writer_epoch: 4, ..head(&log, 20) };
    let proof = log.consistency(7, 20).unwrap();
    assert_eq!(follows(&head(&log, 7), &moved, &proof), Ok(()));
}

/// Fewer writes, or an earlier writer, is a rollback.
#[test]
fn rollback_is_named() {
    let log = log(20, 0);
    let proof = log.consistency(7, 20).unwrap();
    let rolled = follows(&head(&log, 20), &head(&log, 7), &proof);
    assert_eq!(rolled, Err(HeadError::Rollback));
    let fenced = Head { writer_epoch: 2, ..head(&log, 20) };
    assert_eq!(follows(&head(&log, 7), &fenced, &proof), Err(HeadError::Rollback));
}

/// Another history of the same or a greater length is a fork; so is a wrong proof.
#[test]
fn fork_is_named() {
    let (log, other) = (log(20, 0), log(20, 1));
    let old = head(&log, 7);
    assert_eq!(follows(&old, &head(&other, 7), &[]), Err(HeadError::Fork));
    let proof = other.consistency(7, 20).unwrap();
    assert_eq!(follows(&old, &head(&other, 20), &proof), Err(HeadError::Fork));
    assert_eq!(follows(&old, &head(&log, 20), &[]), Err(HeadError::Fork));
    assert_eq!(follows(&old, &head(&log, 20), &proof), Err(HeadError::Fork));
}

/// Another shard's head never follows, however long.
#[test]
fn lineage_is_named() {
    let log = log(20, 0);
    let foreign = Head { lineage: Lineage([2; 16]), ..head(&log, 20) };
    let proof = log.consistency(7, 20).unwrap();
    assert_eq!(follows(&head(&log, 7), &foreign, &proof), Err(HeadError::OtherLineage));
}

/// Bytes and text come back; other text is refused.
#[test]
fn round_trip() {
    let signed = head(&log(5, 0), 5).sign(&worker());
    assert_eq!(Head::from_bytes(&signed.head.to_bytes()), signed.head);
    assert_eq!(SignedHead::from_bytes(&signed.to_bytes()), signed);
    let text = serde_json::to_string(&signed).unwrap();
    assert_eq!(serde_json::from_str::<SignedHead>(&text).unwrap(), signed);

    let root = hex::encode(signed.head.root);
    for bad in [root.to_uppercase(), root[..62].to_owned(), format!("{root}00"), "zz".repeat(32)] {
        assert!(serde_json::from_str::<SignedHead>(&text.replace(&root, &bad)).is_err());
    }
    let extra = text.replacen('{', "{\"extra\":1,", 1);
    assert!(serde_json::from_str::<SignedHead>(&extra).is_err());
}
