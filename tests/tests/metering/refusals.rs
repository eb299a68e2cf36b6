//! Requests and vouchers that no SDK sends: each is refused by its code, and nothing changes.

use crate::stage::{Stage, asked};
use prag_protocol::ledger::voucher::SignedVoucher;
use prag_protocol::problem::Code;
use prag_protocol::wire::metering::{HandIn, Metered, Standing};
use prag_protocol::wire::search::QueryReply;
use prag_tests::code;
use serde_json::json;

const QUERY: &[u8] = br#"{"vector":[1,0],"k":9}"#;

/// Whoever never countersigns is served what is lent, and then told what to do; once it has, it is served again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credit_ends_and_is_renewed() {
    let stage = Stage::start(3).await;
    let reader = stage.reader().await;
    for sequence in 1..=3 {
        let answer = stage.raw(&reader, "/query", QUERY).await;
        let metered: Metered<QueryReply> = serde_json::from_slice(&answer.body).unwrap();
        let voucher = metered.voucher.unwrap().voucher;
        assert_eq!((voucher.sequence & 0x0fff_ffff, voucher.used), (sequence, asked(sequence)));
    }
    for (leaf, body) in [
        ("/query", QUERY),
        ("/context", br#"{"prompt":"dose","budget":100}"#),
        ("/documents/lookup", br#"{"id":"d0"}"#),
    ] {
        let refused = stage.raw(&reader, leaf, body).await;
        assert_eq!((refused.status, code(&refused)), (402, Code::VoucherDue), "{leaf}");
    }
    // The owner owes nothing.
    assert_eq!(stage.raw(&stage.owner, "/query", QUERY).await.status, 200);
    // What the SDK knows nothing of it does not sign; its person may.
    assert_eq!(stage.find(&reader, 1.0).await.unwrap_err().kind(), "over-claim");
    reader.settle(stage.id, true).await.unwrap();
    for number in 2..9u8 {
        stage.find(&reader, f32::from(number)).await.unwrap();
    }
    assert_eq!(stage.countersigned(&reader), asked(10));
}

/// A request id is for one question: with another one it is another request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_is_no_free_pass() {
    let stage = Stage::start(9).await;
    let reader = stage.reader().await;
    let used = |answer: prag_client::envelope::Answer| {
        let metered: Metered<QueryReply> = serde_json::from_slice(&answer.body).unwrap();
        metered.voucher.unwrap().voucher.used.queries
    };
    let id = "5a".repeat(16);
    let body = |k: u32| {
        json!({"vector": [1, 0], "k": k, "metering": {"request_id": id}}).to_string().into_bytes()
    };
    assert_eq!(used(stage.raw(&reader, "/query", &body(9)).await), 1);
    assert_eq!(used(stage.raw(&reader, "/query", &body(9)).await), 1);
    assert_eq!(used(stage.raw(&reader, "/query", &body(8)).await), 2);
    for bad in [json!("5A".repeat(16)), json!("5a"), json!(7)] {
        let body = json!({"vector": [1, 0], "metering": {"request_id": bad}}).to_string();
        let refused = stage.raw(&reader, "/query", body.as_bytes()).await;
        assert_eq!(code(&refused), Code::InvalidField);
    }
    let body = json!({"vector": [1, 0], "metering": {"id": id}}).to_string();
    assert_eq!(code(&stage.raw(&reader, "/query", body.as_bytes()).await), Code::UnknownField);
}

/// Vouchers that are foreign, tampered, too large or older are refused, each by its code, and the session stands as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vouchers_are_refused_by_code() {
    let stage = Stage::start(9).await;
    stage.grant("other", 20, None).await;
    let (reader, other) = (stage.reader().await, stage.lab.client("other").await);
    stage.find(&reader, 1.0).await.unwrap();
    let old = signed(&reader);
    stage.find(&reader, 2.0).await.unwrap();
    stage.find(&other, 2.0).await.unwrap();
    let new = reader.settle(stage.id, false).await.unwrap().unwrap().voucher.unwrap();
    let stand = async || -> Standing {
        serde_json::from_slice(&stage.raw(&reader, "/vouchers", b"{}").await.body).unwrap()
    };
    let before = stand().await;
    assert_eq!(before.countersigned.as_ref(), Some(&new));

    let changed = |change: &dyn Fn(&mut SignedVoucher)| {
        let mut signed = new.clone();
        change(&mut signed);
        signed
    };
    let rows = [
        (Code::VoucherOld, old),
        (Code::VoucherForeign, signed(&other)),
        (Code::VoucherForeign, changed(&|it| it.voucher.worker_key = [7; 32])),
        (Code::VoucherForeign, changed(&|it| it.voucher.ledger = [7; 32])),
        (Code::VoucherInvalid, changed(&|it| it.voucher.used.queries += 1)),
        (Code::VoucherInvalid, changed(&|it| it.voucher.sequence = 1 << 53)),
        (Code::VoucherInvalid, changed(&|it| it.consumer_signature[9] ^= 1)),
    ];
    for (row, (expected, voucher)) in rows.into_iter().enumerate() {
        let body = serde_json::to_vec(&HandIn { voucher: Some(voucher.clone()) }).unwrap();
        assert_eq!(code(&stage.raw(&reader, "/vouchers", &body).await), expected, "row {row}");
        assert_eq!(stand().await, before, "row {row}");
        if expected != Code::VoucherOld {
            let body = json!({"vector": [1, 0], "metering": {"voucher": voucher}}).to_string();
            let refused = stage.raw(&reader, "/query", body.as_bytes()).await;
            assert_eq!(code(&refused), expected, "row {row}");
            assert_eq!(stand().await, before, "row {row}");
        }
    }
    let body = serde_json::to_vec(&HandIn { voucher: Some(new) }).unwrap();
    assert_eq!(stage.raw(&reader, "/vouchers", &body).await.status, 200, "again is no error");
    assert_eq!(stand().await, before);
}

/// Who lost its grant may still pay what it owes, and nothing else; who never had one learns nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debts_outlive_grants() {
    let stage = Stage::start(9).await;
    let reader = stage.reader().await;
    stage.find(&reader, 1.0).await.unwrap();
    stage.owner.revoke_grant(stage.id, stage.lab.account("reader")).await.unwrap();
    assert_eq!(stage.find(&reader, 2.0).await.unwrap_err().code(), Some(Code::Forbidden));
    let usage = reader.settle(stage.id, false).await.unwrap().unwrap();
    assert_eq!((usage.countersigned(), usage.pending()), (asked(1), 0));
    let outsider = stage.lab.client("outsider").await;
    let voucher = serde_json::to_vec(&HandIn { voucher: usage.voucher }).unwrap();
    for body in [&b"{}"[..], &voucher] {
        assert_eq!(code(&stage.raw(&outsider, "/vouchers", body).await), Code::Forbidden);
    }
}

fn signed(client: &prag_client::Client) -> SignedVoucher {
    client.usage().unwrap()[0].voucher.clone().unwrap()
}
