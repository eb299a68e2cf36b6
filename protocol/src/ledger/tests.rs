#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::{Address, CollectionId};

fn id() -> CollectionId {
    CollectionId([7; 16])
}

fn somebody() -> Address {
    "secret1reader".parse().unwrap()
}

fn grant(max_k: u32, quota: Option<u64>, expires: u64, scope: Option<String>) -> AccessMsg {
    AccessMsg::Grant {
        collection: id(),
        grantee: somebody(),
        read: true,
        write: false,
        max_k,
        quota,
        expires,
        scope,
        delegate: 0,
    }
}

fn appoint(most: u32) -> AccessMsg {
    let mut message = grant(1, None, 9, None);
    if let AccessMsg::Grant { delegate, .. } = &mut message {
        *delegate = most;
    }
    message
}

fn price(seconds: u64, max_k: u32, quota: Option<u64>) -> AccessMsg {
    let (amount, denom) = (5.try_into().unwrap(), "uscrt".parse().unwrap());
    let offer = Some(Offer { amount, denom, seconds, max_k, quota });
    AccessMsg::SetPrice { collection: id(), offer }
}

fn place(shard: u32, epoch: u32, lease_until: u64) -> AccessMsg {
    AccessMsg::Place {
        placement: Placement {
            collection: id(),
            shard,
            epoch,
            worker: [1; 32],
            account: somebody(),
            lease_until,
        },
    }
}

fn policy(measurements: usize, readers: usize) -> AccessMsg {
    AccessMsg::SetPolicy {
        collection: id(),
        measurements: vec![[0; 32]; measurements],
        readers: vec![[0; 32]; readers],
    }
}

fn consume(shard: u32, units: u64) -> AccessMsg {
    AccessMsg::Consume { collection: id(), shard, grantee: somebody(), units }
}

fn claim(shard: u32, epoch: u64) -> AccessMsg {
    AccessMsg::ClaimWriter { collection: id(), shard, epoch }
}

fn permit(bytes: usize) -> AccessMsg {
    AccessMsg::RevokePermit { permit_name: "p".repeat(bytes) }
}

fn rotate(epoch: u32) -> AccessMsg {
    AccessMsg::RotateEpoch { collection: id(), epoch, commitment: [2; 32] }
}

fn rebind(shard: u32) -> AccessMsg {
    AccessMsg::Rebind { collection: id(), shard, worker: [1; 32] }
}

fn create(epoch: u32) -> AccessMsg {
    AccessMsg::CreateCollection { collection: id(), commitment: [2; 32], epoch }
}

/// Every bound holds on both of its sides.
#[test]
fn bounds_hold_on_both_sides() {
    let scope = |bytes: usize| Some("s".repeat(bytes));
    let good = [
        create(1),
        grant(1, None, 1, None),
        appoint(DELEGATED_MAX),
        price(1, 1, Some(1)),
        price(GRANT_SECONDS_MAX, 1000, Some(INTEGER_MAX)),
        AccessMsg::SetPrice { collection: id(), offer: None },
        grant(1000, Some(INTEGER_MAX), INTEGER_MAX, scope(SCOPE_BYTES_MAX)),
        permit(1),
        permit(PERMIT_NAME_BYTES_MAX),
        place(SHARDS_MAX - 1, 1, INTEGER_MAX),
        policy(0, 0),
        policy(POLICY_ENTRIES_MAX, POLICY_ENTRIES_MAX),
        claim(0, 1),
        consume(0, 1),
        rotate(2),
        rotate(u32::MAX),
        rebind(SHARDS_MAX - 1),
    ];
    for message in good {
        assert_eq!(message.check(), Ok(()), "{message:?}");
    }
    let bad = [
        (create(0), "epoch"),
        (create(2), "epoch"),
        (grant(0, None, 1, None), "max_k"),
        (grant(1001, None, 1, None), "max_k"),
        (grant(1, Some(0), 1, None), "quota"),
        (grant(1, Some(INTEGER_MAX + 1), 1, None), "quota"),
        (grant(1, None, 0, None), "expires"),
        (grant(1, None, INTEGER_MAX + 1, None), "expires"),
        (grant(1, None, 1, scope(0)), "scope"),
        (grant(1, None, 1, scope(SCOPE_BYTES_MAX + 1)), "scope"),
        (permit(0), "permit_name"),
        (permit(PERMIT_NAME_BYTES_MAX + 1), "permit_name"),
        (place(SHARDS_MAX, 1, 1), "shard"),
        (place(0, 0, 1), "epoch"),
        (place(0, 1, 0), "lease_until"),
        (place(0, 1, INTEGER_MAX + 1), "lease_until"),
        (policy(POLICY_ENTRIES_MAX + 1, 0), "measurements"),
        (policy(0, POLICY_ENTRIES_MAX + 1), "readers"),
        (claim(SHARDS_MAX, 1), "shard"),
        (claim(0, 0), "epoch"),
        (consume(SHARDS_MAX, 1), "shard"),
        (consume(0, 0), "units"),
        (consume(0, INTEGER_MAX + 1), "units"),
        (rotate(0), "epoch"),
        (rotate(1), "epoch"),
        (rebind(SHARDS_MAX), "shard"),
        (appoint(DELEGATED_MAX + 1), "delegate"),
        (price(0, 1, None), "seconds"),
        (price(GRANT_SECONDS_MAX + 1, 1, None), "seconds"),
        (price(1, 0, None), "max_k"),
        (price(1, 1001, None), "max_k"),
        (price(1, 1, Some(0)), "quota"),
        (price(1, 1, Some(INTEGER_MAX + 1)), "quota"),
    ];
    for (message, field) in bad {
        assert_eq!(message.check().unwrap_err().field, field, "{message:?}");
    }
}

/// The wire form is frozen: wallets and other chains sign it.
#[test]
fn golden_json() {
    let text = serde_json::to_string(&create(1)).unwrap();
    let expected = format!(
        r#"{{"create_collection":{{"collection":"{}","commitment":"{}","epoch":1}}}}"#,
        "07".repeat(16),
        "02".repeat(32)
    );
    assert_eq!(text, expected);
    assert_eq!(serde_json::from_str::<AccessMsg>(&text).unwrap(), create(1));

    for (message, expected) in [
        (
            rotate(2),
            format!(
                r#"{{"rotate_epoch":{{"collection":"{}","epoch":2,"commitment":"{}"}}}}"#,
                "07".repeat(16),
                "02".repeat(32)
            ),
        ),
        (
            rebind(0),
            format!(
                r#"{{"rebind":{{"collection":"{}","shard":0,"worker":"{}"}}}}"#,
                "07".repeat(16),
                "01".repeat(32)
            ),
        ),
    ] {
        assert_eq!(serde_json::to_string(&message).unwrap(), expected);
        assert_eq!(serde_json::from_str::<AccessMsg>(&expected).unwrap(), message);
    }

    let collection = "07".repeat(16);
    let terms = format!(
        r#""collection":"{collection}","grantee":"secret1reader","read":true,"write":false,"max_k":1,"quota":null,"expires":9,"scope":null"#
    );
    for (most, more) in [(0, ""), (3, r#","delegate":3"#)] {
        let text = format!(r#"{{"grant":{{{terms}{more}}}}}"#);
        let message = appoint(most);
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
        assert_eq!(serde_json::from_str::<AccessMsg>(&text).unwrap(), message);
    }
    let offer = r#"{"amount":"5","denom":"uscrt","seconds":60,"max_k":10,"quota":null}"#;
    let priced = price(60, 10, None);
    let text = format!(r#"{{"set_price":{{"collection":"{collection}","offer":{offer}}}}}"#);
    assert_eq!(serde_json::to_string(&priced).unwrap(), text);
    assert_eq!(serde_json::from_str::<AccessMsg>(&text).unwrap(), priced);
    let AccessMsg::SetPrice { collection: of, offer: Some(terms) } = priced else { panic!() };
    let text = format!(r#"{{"collection":"{collection}","offer":{offer}}}"#);
    assert_eq!(serde_json::to_string(&BuyMsg { collection: of, offer: terms }).unwrap(), text);

    let policy_text = serde_json::to_string(&policy(1, 0)).unwrap();
    let expected = format!(
        r#"{{"set_policy":{{"collection":"{}","measurements":["{}"],"readers":[]}}}}"#,
        "07".repeat(16),
        "00".repeat(32)
    );
    assert_eq!(policy_text, expected);
}

/// Unknown fields, unknown variants and other spellings of bytes are refused.
#[test]
fn closed_forms() {
    let id = "07".repeat(16);
    let good = format!(r#"{{"destroy_collection":{{"collection":"{id}"}}}}"#);
    assert!(serde_json::from_str::<AccessMsg>(&good).is_ok());
    for bad in [
        format!(r#"{{"destroy_collection":{{"collection":"{id}","force":true}}}}"#),
        format!(r#"{{"forget_collection":{{"collection":"{id}"}}}}"#),
        format!(
            r#"{{"rotate_epoch":{{"collection":"{id}","epoch":2,"commitment":"{}"}}}}"#,
            "AB".repeat(32)
        ),
        format!(
            r#"{{"rotate_epoch":{{"collection":"{id}","epoch":2,"commitment":"{}"}}}}"#,
            "ab".repeat(31)
        ),
        format!(r#"{{"rotate_epoch":{{"collection":"{id}","commitment":"{}"}}}}"#, "ab".repeat(32)),
    ] {
        assert!(serde_json::from_str::<AccessMsg>(&bad).is_err(), "{bad}");
    }
}

/// Queries are bounded as messages are.
#[test]
fn query_bounds() {
    let page = |limit| AccessQuery::Collections { owner: somebody(), offset: 0, limit };
    assert_eq!(page(LEDGER_PAGE_ROWS_MAX).check(), Ok(()));
    assert_eq!(page(0).check().unwrap_err().field, "limit");
    assert_eq!(page(LEDGER_PAGE_ROWS_MAX + 1).check().unwrap_err().field, "limit");
    let writer = |shard| AccessQuery::Writer { collection: id(), shard };
    assert_eq!(writer(0).check(), Ok(()));
    assert_eq!(writer(SHARDS_MAX).check().unwrap_err().field, "shard");
}
