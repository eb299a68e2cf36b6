//! A metering worker that lies: what it claims beyond what was asked is not countersigned, and nobody else's voucher is.

use super::*;
use prag_protocol::CollectionId;
use prag_protocol::ledger::voucher::{Counters, Voucher};
use prag_protocol::wire::metering::{Metered, Standing, Terms};
use prag_protocol::wire::search::{Hit, QueryReply, QueryRequest};
use prag_trust::voucher::offer;

/// As a path names it.
pub(super) const COLLECTION: &str = "09090909090909090909090909090909";

pub(super) fn terms() -> Terms {
    Terms { credit: 9, worker: "secret1worker".parse().unwrap() }
}

/// Two hits, or how the session stands, with the claim.
pub(super) fn reply(path: &str, claims: OfferedVoucher) -> String {
    if path.ends_with("/vouchers") {
        let standing = Standing { offered: Some(claims), countersigned: None };
        return serde_json::to_string(&standing).unwrap();
    }
    let hit = Hit {
        document: "d0".parse().unwrap(),
        title: String::new(),
        chunk: 0,
        score: 0.5,
        text: "dose".into(),
        start: 0,
        end: 4,
        heading_path: Vec::new(),
        content_hash: String::new(),
        metadata: None,
    };
    let hits = vec![hit.clone(), hit];
    let reply = QueryReply { hits, profile: String::new(), receipt: None };
    serde_json::to_string(&Metered { reply, voucher: Some(claims) }).unwrap()
}

/// A voucher of the consumer's session, as an honest worker would make it.
fn voucher(consumer: &Identity, sequence: u64, used: Counters) -> Voucher {
    Voucher {
        ledger: [4; 32],
        worker: terms().worker,
        worker_key: [0; 32],
        collection: CollectionId([9; 16]),
        consumer: consumer.address().clone(),
        session: consumer.session().public_key(),
        sequence,
        used,
    }
}

/// What so many questions of [`ask`] cost: two chunks each, and tokens of at most the text's bytes and 64.
fn cost(questions: u64) -> Counters {
    Counters {
        queries: questions,
        chunks: 2 * questions,
        embedded: 3 * questions,
        ..Counters::default()
    }
}

async fn ask(client: &Client, number: u64) -> Result<(), ClientError> {
    let text = Some(format!("{number:04}"));
    let query = QueryRequest { text, k: Some(9), ..QueryRequest::default() };
    client.query(CollectionId([9; 16]), &query).await.map(drop)
}

/// One unit above what was asked and shown, a step back, or anything that is not of this very session and worker.
#[tokio::test]
async fn lies_are_not_countersigned() {
    let folder = tempfile::tempdir().unwrap();
    let (url, worker) = start().await;
    let claim = |offer: OfferedVoucher| *worker.claims.lock().unwrap() = Some(offer);
    let (own, other) = (&worker.key, SigningKey::from_bytes(&[77; 32]));
    let home = Home::at(folder.path());
    // It meters from the start.
    let nobody = Identity::from_secret("test", &[7; 64]).unwrap();
    claim(OfferedVoucher {
        voucher: Voucher { session: [0; 32], ..voucher(&nobody, 1, Counters::default()) },
        worker_signature: [0; 64],
    });
    let client = connect(&url, &home, simulated()).await.unwrap();
    let mut asked = 0;
    let honest =
        |sequence, questions| offer(voucher(client.identity(), sequence, cost(questions)), own);
    asked += 1;
    claim(honest(1, asked));
    ask(&client, asked).await.unwrap();
    let signed = || client.usage().unwrap()[0].voucher.clone().unwrap();
    assert_eq!(signed().voucher.used, cost(1));

    type Lie = fn(&mut Voucher);
    let lies: [(&str, Lie); 11] = [
        ("over-claim", |v| v.used.chunks += 1),
        ("over-claim", |v| v.used.queries += 1),
        ("over-claim", |v| v.used.input += 1),
        ("over-claim", |v| v.used.embedded += 10_000),
        ("over-claim", |v| v.used.queries = 0),
        ("over-claim", |v| v.sequence = 1),
        ("bad-reply", |v| v.ledger = [5; 32]),
        ("bad-reply", |v| v.worker = "secret1another".parse().unwrap()),
        ("bad-reply", |v| v.collection = CollectionId([8; 16])),
        ("bad-reply", |v| v.consumer = terms().worker),
        ("bad-reply", |v| v.session = [5; 32]),
    ];
    for (row, (kind, lie)) in lies.into_iter().enumerate() {
        asked += 1;
        let mut lying = voucher(client.identity(), 99, cost(asked));
        lie(&mut lying);
        claim(offer(lying, own));
        let refused = ask(&client, asked).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "row {row}: {refused}");
        assert_eq!(signed().voucher.used, cost(1), "row {row}");
        if kind == "over-claim" {
            let kept = client.usage().unwrap()[0].refused.unwrap();
            assert!(refused.to_string().contains(&format!("{} queries", kept.claimed.queries)));
        }
    }
    // By another key than the attested one, and by none.
    asked += 1;
    claim(offer(voucher(client.identity(), 99, cost(asked)), &other));
    assert_eq!(ask(&client, asked).await.unwrap_err().kind(), "bad-reply");
    asked += 1;
    claim(OfferedVoucher { worker_signature: [9; 64], ..honest(99, asked) });
    assert_eq!(ask(&client, asked).await.unwrap_err().kind(), "bad-reply");
    assert_eq!(signed().voucher.used, cost(1));

    // The truth is believed all the same: every question was answered.
    asked += 1;
    claim(honest(99, asked));
    ask(&client, asked).await.unwrap();
    assert_eq!(signed().voucher.used, cost(asked));
    assert_eq!(client.usage().unwrap()[0].refused, None);
    assert_eq!(signed().voucher.session, client.identity().session().public_key());
}
