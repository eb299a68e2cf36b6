//! Hostile JSON of the ledger, of filters and of metadata.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::filter::Filter;
use crate::ledger::rewards::{RewardsInit, RewardsMsg, RewardsQuery, RewardsReply};
use crate::ledger::subscription::{SubscriptionMsg, SubscriptionQuery};
use crate::ledger::voucher::SignedVoucher;
use crate::ledger::workers::{WorkersInit, WorkersMsg, WorkersQuery, WorkersReply};
use crate::ledger::{AccessMsg, AccessQuery, AccessReply};
use crate::metadata::Metadata;
use prag_fuzz::fuzz;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// What was read is written and read again as the same.
fn closed<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let again: T = serde_json::from_slice(&serde_json::to_vec(&value).unwrap()).unwrap();
    assert_eq!(value, again);
    Some(value)
}

fn text(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Messages, queries and replies of the ledger read back as they were, or are refused.
#[test]
fn ledger_messages() {
    let (id, hash) = ("07".repeat(16), "ab".repeat(32));
    let good = [
        format!(
            r#"{{"create_collection":{{"collection":"{id}","commitment":"{hash}","epoch":1}}}}"#
        ),
        format!(
            r#"{{"grant":{{"collection":"{id}","grantee":"secret1a","read":true,"write":false,"max_k":10,"quota":5,"expires":99,"scope":"{{}}"}}}}"#
        ),
        format!(r#"{{"revoke":{{"collection":"{id}","grantee":"secret1a"}}}}"#),
        r#"{"revoke_permit":{"permit_name":"prag/1|x"}}"#.to_owned(),
        format!(
            r#"{{"place":{{"placement":{{"collection":"{id}","shard":0,"epoch":1,"worker":"{hash}","account":"secret1a","lease_until":99}}}}}}"#
        ),
        format!(
            r#"{{"set_policy":{{"collection":"{id}","measurements":["{hash}"],"readers":[]}}}}"#
        ),
        format!(
            r#"{{"consume":{{"collection":"{id}","shard":0,"grantee":"secret1a","units":1}}}}"#
        ),
        format!(r#"{{"anchor":{{"worker":"{hash}","root":"{hash}","previous":"{hash}"}}}}"#),
        format!(r#"{{"admission":{{"collection":"{id}","caller":"secret1a","permit_name":"p"}}}}"#),
        format!(r#"{{"grants":{{"collection":"{id}","offset":0,"limit":9}}}}"#),
    ];
    let good: Vec<_> = good.iter().map(|text| text.clone().into_bytes()).collect();
    assert!(
        good[..8]
            .iter()
            .all(|text| closed::<AccessMsg>(text).is_some_and(|one| one.check().is_ok()))
    );
    assert!(good[8..].iter().all(|text| closed::<AccessQuery>(text).is_some()));
    fuzz(1, &good, |bytes| {
        if let Some(message) = closed::<AccessMsg>(bytes) {
            let _ = message.check();
        }
        if let Some(query) = closed::<AccessQuery>(bytes) {
            let _ = query.check();
        }
        closed::<AccessReply>(bytes);
    });
}

/// What the workers contract is told and asked reads back as it was, or is refused.
#[test]
fn worker_messages() {
    let (hash, signature) = ("ab".repeat(32), "cd".repeat(64));
    let good = [
        format!(
            r#"{{"register_worker":{{"ip_address":"https://[::1]:443/p","payment_wallet":"secret1a","attestation_report":"04","worker_type":"t","collateral":"{{}}","binding":{{"tls_spki_sha256":"{hash}","ledger_id":"{hash}","config_digest":"{hash}","policy_epoch":1}},"service":"s","capacity":1,"signing_key":"{hash}","hpke_key":"{hash}","window":9,"proof":"{signature}"}}}}"#
        ),
        r#"{"set_worker_address":{"new_ip_address":"http://10.0.0.1:1","old_ip_address":"https://a-b.c"}}"#
            .to_owned(),
        r#"{"set_worker_type":{"ip_address":"https://w","worker_type":"t"}}"#.to_owned(),
        format!(r#"{{"report_liveliness":{{"window":9,"signature":"{signature}"}}}}"#),
        r#"{"slash":{"worker":"secret1a","fraction":1000,"reason":"r"}}"#.to_owned(),
        r#"{"set_parties":{"parties":{"rewards":null,"treasury":"secret1a"}}}"#.to_owned(),
        r#"{"get_u_r_ls":{"signature":"00","model":"m","limit":9}}"#.to_owned(),
        r#"{"get_next_worker":{"subscriber_public_key":"k","service":"s"}}"#.to_owned(),
        r#"{"evidence_chunk":{"worker":"secret1a","part":"collateral","chunk":1}}"#.to_owned(),
        r#"{"admin":"secret1a","parties":{"rewards":null,"treasury":"secret1a"},"terms":{"denom":"uscrt","stake_per_capacity":"9","window_seconds":60,"evidence_seconds":120,"timelock_seconds":1,"unbonding_seconds":1,"missed_ppm":1,"attested_only":false}}"#
            .to_owned(),
    ];
    let good: Vec<_> = good.iter().map(|text| text.clone().into_bytes()).collect();
    assert!(good[..6].iter().all(|text| closed::<WorkersMsg>(text).unwrap().check().is_ok()));
    assert!(good[6..9].iter().all(|text| closed::<WorkersQuery>(text).unwrap().check().is_ok()));
    assert!(closed::<WorkersInit>(&good[9]).unwrap().check().is_ok());
    fuzz(5, &good, |bytes| {
        if let Some(message) = closed::<WorkersMsg>(bytes) {
            let _ = message.check();
        }
        if let Some(query) = closed::<WorkersQuery>(bytes) {
            let _ = query.check();
        }
        if let Some(init) = closed::<WorkersInit>(bytes) {
            let _ = init.check();
        }
        closed::<WorkersReply>(bytes);
    });
}

/// So do those of the subscription contract.
#[test]
fn subscription_messages() {
    let hash = "ab".repeat(32);
    let messages = [
        r#"{"set_admin":{"public_address":"secret1a"}}"#.to_owned(),
        format!(
            r#"{{"add_api_key":{{"api_key":"{hash}","identity":"secret1a","name":"x","created":9}}}}"#
        ),
        r#"{"make_plan":{"id":1,"price":"5","denom":"uscrt","period_seconds":9,"grace_seconds":1,"refund_fee_bp":1,"api_keys":3,"units":5}}"#.to_owned(),
        r#"{"withdraw":{"denom":"uscrt","amount":"79228162514264337593543950335","to":"secret1a"}}"#.to_owned(),
        r#"{"renew":{}}"#.to_owned(),
    ];
    let queries = [
        r#"{"api_keys_with_permit":{"permit":"p","offset":0,"limit":9}}"#.to_owned(),
        format!(r#"{{"api_key":{{"hash":"{hash}"}}}}"#),
        r#"{"account":{"denom":"ibc/0A"}}"#.to_owned(),
    ];
    type Query = SubscriptionQuery<String>;
    let [messages, queries] = [&messages[..], &queries[..]]
        .map(|texts| texts.iter().map(|text| text.clone().into_bytes()).collect::<Vec<_>>());
    let sound = |text: &Vec<u8>| {
        closed::<SubscriptionMsg>(text).is_some_and(|message| message.check().is_ok())
    };
    assert!(messages.iter().all(sound));
    assert!(queries.iter().all(|text| closed::<Query>(text).is_some()));
    fuzz(1, &[messages, queries].concat(), |bytes| {
        if let Some(message) = closed::<SubscriptionMsg>(bytes) {
            let _ = message.check();
        }
        if let Some(query) = closed::<Query>(bytes) {
            let _ = query.check();
        }
    });
}

/// So do those of the rewards contract, and vouchers as sessions hand them in.
#[test]
fn rewards_messages() {
    let (id, hash, signature) = ("07".repeat(16), "ab".repeat(32), "cd".repeat(64));
    let counters = r#"{"queries":1,"chunks":2,"embedded":3,"input":4,"output":5}"#;
    let voucher = format!(
        r#"{{"voucher":{{"ledger":"{hash}","worker":"secret1a","worker_key":"{hash}","collection":"{id}","consumer":"secret1b","session":"{hash}","sequence":1,"used":{counters}}},"worker_signature":"{signature}","consumer_signature":"{signature}"}}"#
    );
    let messages = [
        format!(
            r#"{{"report_usage":{{"epoch":1,"report":{{"root":"{hash}","leaves":2,"totals":{counters},"royalty_root":"{hash}","collections":1}},"signature":"{signature}"}}}}"#
        ),
        format!(
            r#"{{"reveal":{{"epoch":1,"shown":{{"usage":{{"index":0,"leaf":{{"signed":{voucher},"start":{counters},"group":0,"before":{counters}}},"proof":["{hash}"]}}}}}}}}"#
        ),
        format!(
            r#"{{"claim":{{"epoch":1,"royalty":{{"worker":"secret1a","shown":{{"index":0,"leaf":{{"collection":"{id}","first":0,"before":0,"units":2}},"proof":[]}}}}}}}}"#
        ),
        r#"{"challenge":{"epoch":1,"worker":"secret1a","evidence":{"unanswered":{"tree":"royalty","index":1}}}}"#
            .to_owned(),
    ];
    let query = r#"{"demand":{"epoch":1,"worker":"secret1a","tree":"usage","index":1}}"#.to_owned();
    let init = format!(
        r#"{{"ledger":"{hash}","denom":"uscrt","epoch_seconds":100,"config":{{"treasury":"secret1a","fee_bps":1,"royalty_bps":1,"uptime_bps":1,"query_weight":1,"chunk_weight":1,"embedded_weight":1,"bond":"9","deposit":"9","bounty_bps":1,"slash_ppm":1,"report_seconds":30,"challenge_seconds":30,"claim_seconds":30}}}}"#
    );
    for message in &messages {
        let message = closed::<RewardsMsg>(message.as_bytes());
        assert!(message.is_some_and(|message| message.check().is_ok()));
    }
    assert!(closed::<SignedVoucher>(voucher.as_bytes()).unwrap().voucher.check().is_ok());
    assert!(closed::<RewardsQuery>(query.as_bytes()).unwrap().check().is_ok());
    assert!(closed::<RewardsInit>(init.as_bytes()).unwrap().check().is_ok());
    let good = messages.into_iter().chain([voucher, query, init]);
    let good: Vec<_> = good.map(String::into_bytes).collect();
    fuzz(1, &good, |bytes| {
        if let Some(message) = closed::<RewardsMsg>(bytes) {
            let _ = message.check();
        }
        if let Some(signed) = closed::<SignedVoucher>(bytes) {
            let _ = signed.voucher.check();
        }
        if let Some(query) = closed::<RewardsQuery>(bytes) {
            let _ = query.check();
        }
        if let Some(init) = closed::<RewardsInit>(bytes) {
            let _ = init.check();
        }
        closed::<RewardsReply>(bytes);
    });
}

/// A filter that is accepted reads back as it was, and decides about any document without a panic.
#[test]
fn filters_and_metadata() {
    let filters = text(&[
        r#"{"must":[{"key":"lang","match":{"any":["de","en"]}},{"key":"year","range":{"gte":2021,"lt":2022.5}}]}"#,
        r#"{"should":[{"has_id":["a","b"]},{"is_null":{"key":"x"}}],"must_not":[{"exists":{"key":"y"}}]}"#,
        r#"{"must":[{"key":"at","range":{"gte":{"datetime":"2026-01-31T01:00:00+01:00"}}}]}"#,
        r#"{"must":[{"should":[{"must":[{"key":"tags","match":{"except":["a","b"]}}]}]}]}"#,
    ]);
    let documents = text(&[
        r#"{"lang":"en","year":2021,"tags":["a","b"],"score":0.5,"open":true,"none":null,"empty":[]}"#,
        r#"{"at":{"datetime":"2026-01-31T00:00:00Z"},"mixed":["x",7,-0.0,1e300]}"#,
    ]);
    let whole: Metadata = serde_json::from_slice(&documents[0]).unwrap();
    fuzz(1, &filters, |bytes| {
        if let Some(filter) = closed::<Filter>(bytes)
            && filter.check().is_ok()
        {
            let _ = filter.matches("a", &whole);
        }
    });
    let filters: Vec<Filter> =
        filters.iter().map(|text| serde_json::from_slice(text).unwrap()).collect();
    fuzz(1, &documents, |bytes| {
        if let Some(metadata) = closed::<Metadata>(bytes) {
            let _ = filters.iter().filter(|filter| filter.matches("a", &metadata)).count();
        }
    });
}

/// Indexes of snapshots read back as they were, with the body behind them, or are refused.
#[test]
fn snapshot_headers() {
    use crate::snapshot::{Header, Listed, WRAPPED_KEY_BYTES};
    let header = |objects: Vec<Listed>| Header {
        lineage: crate::Lineage([1; 16]),
        epoch: 2,
        id: [3; 16],
        wrapped: [4; WRAPPED_KEY_BYTES],
        objects,
    };
    let two = vec![Listed { name: [5; 32], bytes: 9 }, Listed { name: [6; 32], bytes: 8 << 20 }];
    let good: Vec<Vec<u8>> = [vec![], two]
        .map(|objects| [header(objects).to_bytes(), b"sealed body".to_vec()].concat())
        .to_vec();
    fuzz(1, &good, |bytes| {
        let Ok((header, body)) = Header::parse(bytes) else { return };
        assert_eq!([&header.to_bytes()[..], body].concat(), bytes);
    });
}
