//! Vouchers: what each signature covers, and what a verified one proves.

#![allow(clippy::unwrap_used)]

use crate::address::SessionKey;
use crate::voucher::{countersign, offer, verify_offer, verify_signed};
use ed25519_dalek::SigningKey;
use prag_protocol::CollectionId;
use prag_protocol::ledger::voucher::{Counters, Voucher};

const ACCOUNT: &str = "secret1q0s78ljcpw4kmz9dy3hfddhj3uz7skhpgj0mkh";

fn voucher(session: &SessionKey) -> Voucher {
    Voucher {
        ledger: [1; 32],
        worker: ACCOUNT.parse().unwrap(),
        worker_key: [0; 32],
        collection: CollectionId([2; 16]),
        consumer: ACCOUNT.parse().unwrap(),
        session: session.public_key(),
        sequence: 3,
        used: Counters { queries: 4, chunks: 5, embedded: 6, input: 7, output: 8 },
    }
}

/// Both signatures hold over the whole voucher: whatever is changed, one of them does not.
#[test]
fn signatures_cover_everything() {
    let (worker, session) = (SigningKey::from_bytes(&[5; 32]), SessionKey::from_bytes(&[6; 32]));
    let offered = offer(voucher(&session), &worker);
    assert_eq!(offered.voucher.worker_key, worker.verifying_key().to_bytes());
    let signed = countersign(verify_offer(offered.clone()).unwrap(), &session);
    assert!(verify_signed(signed.clone()).is_ok());

    let changes: [fn(&mut Voucher); 12] = [
        |v| v.ledger[0] ^= 1,
        |v| v.worker_key[0] ^= 1,
        |v| v.collection.0[0] ^= 1,
        |v| v.session[0] ^= 1,
        |v| v.sequence += 1,
        |v| v.used.queries += 1,
        |v| v.used.chunks += 1,
        |v| v.used.embedded += 1,
        |v| v.used.input += 1,
        |v| v.used.output += 1,
        |v| v.worker = "secret1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq".parse().unwrap(),
        |v| v.consumer = "secret1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq".parse().unwrap(),
    ];
    for (row, change) in changes.iter().enumerate() {
        let (mut offered, mut signed) = (offered.clone(), signed.clone());
        change(&mut offered.voucher);
        change(&mut signed.voucher);
        assert!(verify_offer(offered).is_err(), "row {row}");
        assert!(verify_signed(signed).is_err(), "row {row}");
    }
    let swapped = prag_protocol::ledger::voucher::SignedVoucher {
        worker_signature: signed.consumer_signature,
        consumer_signature: signed.worker_signature,
        ..signed.clone()
    };
    assert!(verify_signed(swapped).is_err());
    // Countersigned by somebody else, it is void.
    let stranger = SessionKey::from_bytes(&[7; 32]);
    assert!(verify_signed(countersign(verify_offer(offered).unwrap(), &stranger)).is_err());
}

/// A voucher out of bounds is refused, whoever signed it.
#[test]
fn numbers_are_bounded() {
    let (worker, session) = (SigningKey::from_bytes(&[5; 32]), SessionKey::from_bytes(&[6; 32]));
    let nothing = Voucher { sequence: 0, ..voucher(&session) };
    assert!(verify_offer(offer(nothing, &worker)).is_err());
    let mut huge = voucher(&session);
    huge.used.input = 1 << 53;
    assert!(verify_offer(offer(huge, &worker)).is_err());
}
