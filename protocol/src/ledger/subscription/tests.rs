#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::Address;
use crate::ledger::coin::{AMOUNT_MAX, Amount, Denom};
use crate::ledger::{INTEGER_MAX, LEDGER_PAGE_ROWS_MAX};

fn ann() -> Address {
    "secret1ann".parse().unwrap()
}

fn make_plan(period: u64, grace: u64, fee: u32, api_keys: u32, units: u64) -> SubscriptionMsg {
    SubscriptionMsg::MakePlan {
        id: 1,
        price: Amount::try_from(5).unwrap(),
        denom: "uscrt".parse().unwrap(),
        period_seconds: period,
        grace_seconds: grace,
        refund_fee_bp: fee,
        api_keys,
        units,
    }
}

fn add_key(created: Option<u64>) -> SubscriptionMsg {
    let name = Some("laptop".parse().unwrap());
    SubscriptionMsg::AddApiKey { api_key: [7; 32], identity: Some(ann()), name, created }
}

/// Every bound holds on both of its sides.
#[test]
fn bounds_hold_on_both_sides() {
    let most = PERIOD_SECONDS_MAX;
    for message in [
        make_plan(1, 0, 0, 0, 1),
        make_plan(most, most, 10_000, API_KEYS_MAX, INTEGER_MAX),
        add_key(None),
        add_key(Some(INTEGER_MAX)),
    ] {
        assert_eq!(message.check(), Ok(()), "{message:?}");
    }
    for (message, field) in [
        (make_plan(0, 0, 0, 0, 1), "period_seconds"),
        (make_plan(most + 1, 0, 0, 0, 1), "period_seconds"),
        (make_plan(10, 11, 0, 0, 1), "grace_seconds"),
        (make_plan(10, 0, 10_001, 0, 1), "refund_fee_bp"),
        (make_plan(10, 0, 0, API_KEYS_MAX + 1, 1), "api_keys"),
        (make_plan(10, 0, 0, 0, 0), "units"),
        (make_plan(10, 0, 0, 0, INTEGER_MAX + 1), "units"),
        (add_key(Some(INTEGER_MAX + 1)), "created"),
    ] {
        assert_eq!(message.check().unwrap_err().field, field, "{message:?}");
    }
}

/// The wire form is frozen, and the documented messages keep their documented names and fields.
#[test]
fn golden_json() {
    let key = "07".repeat(32);
    let public_key = ann();
    let text = |message: &SubscriptionMsg| serde_json::to_string(message).unwrap();
    let cases = [
        (
            SubscriptionMsg::RegisterSubscriber { public_key: public_key.clone() },
            r#"{"register_subscriber":{"public_key":"secret1ann"}}"#.to_owned(),
        ),
        (
            SubscriptionMsg::RemoveSubscriber { public_key },
            r#"{"remove_subscriber":{"public_key":"secret1ann"}}"#.to_owned(),
        ),
        (
            SubscriptionMsg::SetAdmin { public_address: ann() },
            r#"{"set_admin":{"public_address":"secret1ann"}}"#.to_owned(),
        ),
        (SubscriptionMsg::AcceptAdmin {}, r#"{"accept_admin":{}}"#.to_owned()),
        (
            add_key(Some(9)),
            format!(
                r#"{{"add_api_key":{{"api_key":"{key}","identity":"secret1ann","name":"laptop","created":9}}}}"#
            ),
        ),
        (
            SubscriptionMsg::RevokeApiKey { api_key: [7; 32] },
            format!(r#"{{"revoke_api_key":{{"api_key":"{key}"}}}}"#),
        ),
        (
            make_plan(86_400, 60, 100, 3, 500),
            r#"{"make_plan":{"id":1,"price":"5","denom":"uscrt","period_seconds":86400,"grace_seconds":60,"refund_fee_bp":100,"api_keys":3,"units":500}}"#.to_owned(),
        ),
        (SubscriptionMsg::RetirePlan { plan: 1 }, r#"{"retire_plan":{"plan":1}}"#.to_owned()),
        (SubscriptionMsg::Subscribe { plan: 1 }, r#"{"subscribe":{"plan":1}}"#.to_owned()),
        (SubscriptionMsg::Renew {}, r#"{"renew":{}}"#.to_owned()),
        (SubscriptionMsg::Cancel {}, r#"{"cancel":{}}"#.to_owned()),
        (SubscriptionMsg::Upgrade { plan: 2 }, r#"{"upgrade":{"plan":2}}"#.to_owned()),
        (
            SubscriptionMsg::Settle { subscriber: ann() },
            r#"{"settle":{"subscriber":"secret1ann"}}"#.to_owned(),
        ),
        (
            SubscriptionMsg::Withdraw {
                denom: "uscrt".parse().unwrap(),
                amount: Amount::try_from(AMOUNT_MAX).unwrap(),
                to: ann(),
            },
            format!(
                r#"{{"withdraw":{{"denom":"uscrt","amount":"{AMOUNT_MAX}","to":"secret1ann"}}}}"#
            ),
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(text(&message), expected);
        assert_eq!(serde_json::from_str::<SubscriptionMsg>(&expected).unwrap(), message);
    }
}

/// What documented tools leave out, or name as an older page does, is understood.
#[test]
fn documented_shorter_forms() {
    let key = "07".repeat(32);
    let read = |text: &str| serde_json::from_str::<SubscriptionMsg>(text).unwrap();
    let (identity, name, created) = (None, None, None);
    assert_eq!(
        read(&format!(r#"{{"add_api_key":{{"api_key":"{key}"}}}}"#)),
        SubscriptionMsg::AddApiKey { api_key: [7; 32], identity, name, created }
    );
    assert_eq!(
        read(r#"{"set_admin":{"public_key":"secret1ann"}}"#),
        SubscriptionMsg::SetAdmin { public_address: ann() }
    );
    let text = r#"{"api_keys_with_permit":{"permit":"p"}}"#;
    let query = serde_json::from_str::<SubscriptionQuery<String>>(text).unwrap();
    let permit = "p".to_owned();
    let limit = LEDGER_PAGE_ROWS_MAX;
    assert_eq!(query.permit(), Some(&permit));
    assert_eq!(query, SubscriptionQuery::ApiKeysWithPermit { permit, offset: 0, limit });
    for text in [
        r#"{"get_admin":{}}"#,
        r#"{"subscriber_status":{"public_key":"secret1ann"}}"#,
        r#"{"subscriber_status_with_permit":{"public_key":"secret1ann","permit":"p"}}"#,
        r#"{"api_keys":{}}"#,
        r#"{"api_keys_by_identity_with_permit":{"identity":"secret1ann","permit":"p"}}"#,
    ] {
        let query = serde_json::from_str::<SubscriptionQuery<String>>(text).unwrap();
        assert_eq!(query.permit().is_some(), text.contains("permit"));
        assert_eq!(query.check(), Ok(()));
    }
}

/// A key itself is no hash of one, and neither is anything else that is not one.
#[test]
fn closed_forms() {
    let key = "07".repeat(32);
    let plain = format!("sk-{}", "A".repeat(72));
    for bad in [
        format!(r#"{{"add_api_key":{{"api_key":"{plain}"}}}}"#),
        format!(r#"{{"add_api_key":{{"api_key":"{key}","hint":1}}}}"#),
        format!(r#"{{"add_api_key":{{"api_key":"{key}","name":""}}}}"#),
        format!(r#"{{"revoke_api_key":{{"api_key":"{}"}}}}"#, "AB".repeat(32)),
        r#"{"renew":{"plan":1}}"#.to_owned(),
        r#"{"withdraw":{"denom":"uscrt","amount":5,"to":"secret1ann"}}"#.to_owned(),
        r#"{"withdraw":{"denom":"uscrt","amount":"0","to":"secret1ann"}}"#.to_owned(),
        r#"{"withdraw":{"denom":"uscrt","amount":"-1","to":"secret1ann"}}"#.to_owned(),
        r#"{"withdraw":{"denom":"u","amount":"1","to":"secret1ann"}}"#.to_owned(),
    ] {
        let error = serde_json::from_str::<SubscriptionMsg>(&bad).unwrap_err().to_string();
        assert!(!error.contains("AAAA"), "an error repeats a key: {error}");
    }
}

/// The documented replies have the documented fields; what is ours comes beside them.
#[test]
fn documented_replies() {
    let text = |reply: SubscriptionReply| serde_json::to_string(&reply).unwrap();
    let key = "07".repeat(32);
    let one = ApiKeyHashes { api_keys: vec![ApiKeyHash { hashed_key: [7; 32] }], total: 1 };
    let detail = ApiKeyDetail { api_key: [7; 32], name: None, created: 9 };
    let details = ApiKeyDetails { api_keys: vec![detail] };
    let account = AccountRecord { paid_in: u128::MAX, refunded: 1, withdrawn: 0, reserved: 0 };
    for (reply, expected) in [
        (SubscriptionReply::Admin(ann()), r#""secret1ann""#.to_owned()),
        (
            SubscriptionReply::Status(SubscriberStatus { active: true }),
            r#"{"active":true}"#.to_owned(),
        ),
        (
            SubscriptionReply::ApiKeys(one),
            format!(r#"{{"api_keys":[{{"hashed_key":"{key}"}}],"total":1}}"#),
        ),
        (
            SubscriptionReply::ApiKeyDetails(details),
            format!(r#"{{"api_keys":[{{"api_key":"{key}","name":null,"created":9}}]}}"#),
        ),
        (
            SubscriptionReply::Identity(Some(Identity { identity: ann() })),
            r#"{"identity":"secret1ann"}"#.to_owned(),
        ),
        (SubscriptionReply::ApiKey(None), "null".to_owned()),
        (
            SubscriptionReply::Account(Some(account)),
            format!(
                r#"{{"paid_in":"{}","refunded":"1","withdrawn":"0","reserved":"0"}}"#,
                u128::MAX
            ),
        ),
    ] {
        assert_eq!(text(reply), expected);
    }
}

/// Pages are bounded on both sides.
#[test]
fn query_bounds() {
    let page = |limit| SubscriptionQuery::<()>::ApiKeys { offset: 0, limit };
    assert_eq!(page(1).check(), Ok(()));
    assert_eq!(page(LEDGER_PAGE_ROWS_MAX).check(), Ok(()));
    for limit in [0, LEDGER_PAGE_ROWS_MAX + 1] {
        let permit = ();
        let (all, own) = (
            SubscriptionQuery::SubscribersWithPermit { permit, offset: 0, limit },
            SubscriptionQuery::ApiKeysWithPermit { permit, offset: 0, limit },
        );
        for query in [page(limit), all, own, SubscriptionQuery::Plans { offset: 0, limit }] {
            assert_eq!(query.check().unwrap_err().field, "limit");
        }
    }
}

/// Denominations are those of the Cosmos SDK.
#[test]
fn denominations() {
    let longest = "a".repeat(Denom::BYTES_MAX);
    for good in ["uscrt", "abc", "IBC/0A-b.c_d:e", longest.as_str()] {
        assert_eq!(good.parse::<Denom>().unwrap().as_str(), good);
    }
    let over = "a".repeat(Denom::BYTES_MAX + 1);
    for bad in ["", "ab", "1abc", "/abc", "us crt", "uscrt\n", "üscrt", over.as_str()] {
        assert!(bad.parse::<Denom>().is_err(), "{bad}");
    }
}

/// An amount is at least one and leaves room for arithmetic; names are short and printable.
#[test]
fn amounts_and_names() {
    for (units, good) in [(0, false), (1, true), (AMOUNT_MAX, true), (AMOUNT_MAX + 1, false)] {
        assert_eq!(Amount::try_from(units).is_ok(), good, "{units}");
        let text = format!("\"{units}\"");
        assert_eq!(serde_json::from_str::<Amount>(&text).is_ok(), good, "{units}");
    }
    let longest = "n".repeat(KeyName::BYTES_MAX);
    for good in ["a", "mein Schlüssel", longest.as_str()] {
        assert!(good.parse::<KeyName>().is_ok(), "{good}");
    }
    let over = "n".repeat(KeyName::BYTES_MAX + 1);
    for bad in ["", "a\nb", "\u{7f}", "a\u{1b}[31m", over.as_str()] {
        assert!(bad.parse::<KeyName>().is_err());
    }
}
