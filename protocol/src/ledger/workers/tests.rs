#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::Address;
use crate::ledger::{INTEGER_MAX, LEDGER_PAGE_ROWS_MAX, MILLION};

fn account(name: &str) -> Address {
    format!("secret1{name}").parse().unwrap()
}

fn registration() -> Registration {
    Registration {
        ip_address: "https://worker.example:443".to_owned(),
        payment_wallet: account("wallet"),
        attestation_report: "0400".to_owned(),
        worker_type: "llama3.1:70b".to_owned(),
        collateral: String::new(),
        binding: EvidenceBinding {
            tls_spki_sha256: [1; 32],
            ledger_id: [2; 32],
            config_digest: [3; 32],
            policy_epoch: 4,
        },
        service: "retrieval".to_owned(),
        capacity: 5,
        signing_key: [6; 32],
        hpke_key: [7; 32],
        window: 8,
        proof: [9; 64],
    }
}

fn register(change: impl FnOnce(&mut Registration)) -> WorkersMsg {
    let mut registration = registration();
    change(&mut registration);
    WorkersMsg::RegisterWorker(Box::new(registration))
}

fn slash(fraction: u32, reason: usize) -> WorkersMsg {
    WorkersMsg::Slash { worker: account("bad"), fraction, reason: "r".repeat(reason) }
}

fn missed(window: u64) -> WorkersMsg {
    WorkersMsg::ReportMissed { worker: account("bad"), window }
}

fn remove(url: &str) -> WorkersMsg {
    WorkersMsg::RemoveWorker { ip_address: url.to_owned() }
}

fn init(change: impl FnOnce(&mut WorkersTerms)) -> WorkersInit {
    let mut terms = WorkersTerms {
        denom: "uscrt".parse().unwrap(),
        stake_per_capacity: 100.try_into().unwrap(),
        window_seconds: 600,
        evidence_seconds: 1200,
        timelock_seconds: 1,
        unbonding_seconds: 1,
        missed_ppm: 1,
        attested_only: false,
        approved_only: false,
    };
    change(&mut terms);
    let parties = Parties { rewards: None, treasury: account("treasury"), approver: None };
    WorkersInit { admin: account("admin"), parties, terms }
}

fn field(error: FieldError) -> &'static str {
    match error {
        FieldError::Bound(bound) => bound.field,
        FieldError::Shape { field, .. } => field,
    }
}

/// Every bound of a message holds on both of its sides.
#[test]
fn message_bounds() {
    let text = |length: usize| "x".repeat(length);
    let url = |length: usize| format!("https://w/{}", "p".repeat(length - 10));
    let good = [
        register(|_| {}),
        register(|r| r.ip_address = url(ENDPOINT_BYTES_MAX)),
        register(|r| r.attestation_report = text(REPORT_BYTES_MAX)),
        register(|r| r.collateral = text(COLLATERAL_BYTES_MAX)),
        register(|r| r.collateral = "{\r\n\t\"tcb\": 1 }~".to_owned()),
        register(|r| r.worker_type = text(WORKER_NAME_BYTES_MAX)),
        register(|r| r.service = text(WORKER_NAME_BYTES_MAX)),
        register(|r| r.capacity = CAPACITY_MAX),
        register(|r| r.window = INTEGER_MAX),
        register(|r| r.binding.policy_epoch = INTEGER_MAX),
        slash(1, 1),
        slash(MILLION, REASON_BYTES_MAX),
        missed(0),
        missed(INTEGER_MAX),
    ];
    for message in good {
        assert_eq!(message.check(), Ok(()), "{message:?}");
    }
    let bad = [
        (register(|r| r.ip_address = url(ENDPOINT_BYTES_MAX + 1)), "ip_address"),
        (register(|r| r.ip_address = text(9)), "ip_address"),
        (register(|r| r.attestation_report = text(0)), "attestation_report"),
        (register(|r| r.attestation_report = text(REPORT_BYTES_MAX + 1)), "attestation_report"),
        (register(|r| r.attestation_report = "é".to_owned()), "attestation_report"),
        (register(|r| r.collateral = text(COLLATERAL_BYTES_MAX + 1)), "collateral"),
        (register(|r| r.collateral = "\0".to_owned()), "collateral"),
        (register(|r| r.worker_type = text(0)), "worker_type"),
        (register(|r| r.worker_type = text(WORKER_NAME_BYTES_MAX + 1)), "worker_type"),
        (register(|r| r.worker_type = "a b".to_owned()), "worker_type"),
        (register(|r| r.service = text(0)), "service"),
        (register(|r| r.service = text(WORKER_NAME_BYTES_MAX + 1)), "service"),
        (register(|r| r.capacity = 0), "capacity"),
        (register(|r| r.capacity = CAPACITY_MAX + 1), "capacity"),
        (register(|r| r.window = INTEGER_MAX + 1), "window"),
        (register(|r| r.binding.policy_epoch = INTEGER_MAX + 1), "policy_epoch"),
        (slash(0, 1), "fraction"),
        (slash(MILLION + 1, 1), "fraction"),
        (slash(1, 0), "reason"),
        (slash(1, REASON_BYTES_MAX + 1), "reason"),
        (missed(INTEGER_MAX + 1), "window"),
        (remove(""), "ip_address"),
    ];
    for (message, name) in bad {
        assert_eq!(field(message.check().unwrap_err()), name, "{message:?}");
    }
}

/// A URL has a scheme, a host, and at most a port and a plain path.
#[test]
fn endpoints() {
    for good in [
        "https://worker.example",
        "http://192.0.0.1:21434",
        "https://a-b.c1:1/v1/_x~y.z",
        "https://[2001:db8::1]:65535/",
        "https://w",
    ] {
        assert_eq!(remove(good).check(), Ok(()), "{good}");
    }
    for bad in [
        "192.0.0.1",
        "ftp://worker.example",
        "https://",
        "https:///path",
        "https://user@worker.example",
        "https://worker.example:0",
        "https://worker.example:65536",
        "https://worker.example:",
        "https://worker.example:+1",
        "https://worker.example?x=1",
        "https://worker.example/#top",
        "https://worker.example/a b",
        "https://worker.example/%2e",
        "https://Worker.example",
        "https://-worker.example",
        "https://worker..example",
        "https://300.0.0.1",
        "https://1.2.3",
        "https://[::1",
        "https://[zz]",
        "https://[::1]x",
        "https://wörker.example",
        "HTTPS://worker.example",
    ] {
        assert_eq!(field(remove(bad).check().unwrap_err()), "ip_address", "{bad}");
    }
}

/// Terms are bounded, so that nothing that is computed from them overflows.
#[test]
fn term_bounds() {
    let most = 10_u128.pow(22);
    let good = [
        init(|_| {}),
        init(|t| t.stake_per_capacity = most.try_into().unwrap()),
        init(|t| (t.window_seconds, t.evidence_seconds) = (WINDOW_SECONDS_MIN, 120)),
        init(|t| (t.window_seconds, t.evidence_seconds) = (WINDOW_SECONDS_MAX, TERM_SECONDS_MAX)),
        init(|t| t.timelock_seconds = TERM_SECONDS_MAX),
        init(|t| t.unbonding_seconds = TERM_SECONDS_MAX),
        init(|t| t.missed_ppm = MISSED_PPM_MAX),
    ];
    for init in good {
        assert_eq!(init.check(), Ok(()), "{init:?}");
    }
    let bad = [
        (init(|t| t.stake_per_capacity = (most + 1).try_into().unwrap()), "stake_per_capacity"),
        (init(|t| t.window_seconds = WINDOW_SECONDS_MIN - 1), "window_seconds"),
        (init(|t| t.window_seconds = WINDOW_SECONDS_MAX + 1), "window_seconds"),
        (init(|t| t.evidence_seconds = 1199), "evidence_seconds"),
        (init(|t| t.evidence_seconds = TERM_SECONDS_MAX + 1), "evidence_seconds"),
        (init(|t| t.timelock_seconds = 0), "timelock_seconds"),
        (init(|t| t.timelock_seconds = TERM_SECONDS_MAX + 1), "timelock_seconds"),
        (init(|t| t.unbonding_seconds = 0), "unbonding_seconds"),
        (init(|t| t.unbonding_seconds = TERM_SECONDS_MAX + 1), "unbonding_seconds"),
        (init(|t| t.missed_ppm = 0), "missed_ppm"),
        (init(|t| t.missed_ppm = MISSED_PPM_MAX + 1), "missed_ppm"),
    ];
    for (init, name) in bad {
        assert_eq!(field(init.check().unwrap_err()), name, "{init:?}");
    }
}

/// Queries are bounded as messages are.
#[test]
fn query_bounds() {
    let parse = |text: &str| serde_json::from_str::<WorkersQuery>(text).unwrap();
    let long = "k".repeat(QUERY_TEXT_BYTES_MAX + 1);
    let good = [
        format!(r#"{{"get_workers":{{"limit":{LEDGER_PAGE_ROWS_MAX}}}}}"#),
        r#"{"get_next_worker":{"subscriber_public_key":"k","service":"s"}}"#.to_owned(),
        r#"{"evidence_chunk":{"worker":"secret1w","part":"report","chunk":3}}"#.to_owned(),
        r#"{"evidence_chunk":{"worker":"secret1w","part":"collateral","chunk":11}}"#.to_owned(),
        r#"{"count":{}}"#.to_owned(),
    ];
    for text in good {
        assert_eq!(parse(&text).check(), Ok(()), "{text}");
    }
    let bad = [
        (r#"{"get_workers":{"limit":0}}"#.to_owned(), "limit"),
        (r#"{"get_models":{"limit":101}}"#.to_owned(), "limit"),
        (r#"{"get_u_r_ls":{"limit":101}}"#.to_owned(), "limit"),
        (r#"{"get_u_r_ls":{"model":""}}"#.to_owned(), "model"),
        (format!(r#"{{"get_workers":{{"signature":"{long}"}}}}"#), "signature"),
        (
            format!(r#"{{"get_models":{{"subscriber_public_key":"{long}"}}}}"#),
            "subscriber_public_key",
        ),
        (
            r#"{"get_next_worker":{"subscriber_public_key":"","service":"s"}}"#.to_owned(),
            "subscriber_public_key",
        ),
        (
            format!(r#"{{"get_next_worker":{{"subscriber_public_key":"{long}","service":"s"}}}}"#),
            "subscriber_public_key",
        ),
        (r#"{"get_next_worker":{"subscriber_public_key":"k","service":""}}"#.to_owned(), "service"),
        (
            r#"{"evidence_chunk":{"worker":"secret1w","part":"report","chunk":4}}"#.to_owned(),
            "chunk",
        ),
        (
            r#"{"evidence_chunk":{"worker":"secret1w","part":"collateral","chunk":12}}"#.to_owned(),
            "chunk",
        ),
        (r#"{"count":{"model":"a b"}}"#.to_owned(), "model"),
    ];
    for (text, name) in bad {
        assert_eq!(field(parse(&text).check().unwrap_err()), name, "{text}");
    }
}

/// What Secret AI's tools send is understood.
#[test]
fn documented_forms() {
    for text in [
        r#"{"set_worker_wallet":{"ip_address":"https://w","payment_wallet":"secret1wallet"}}"#,
        r#"{"set_worker_address":{"new_ip_address":"https://v","old_ip_address":"https://w"}}"#,
        r#"{"set_worker_type":{"ip_address":"https://w","worker_type":"llama3.1:70b"}}"#,
        r#"{"remove_worker":{"ip_address":"https://w"}}"#,
    ] {
        let message: WorkersMsg = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
    }
    for text in [
        r#"{"get_workers":{"signature":"00","subscriber_public_key":"02"}}"#,
        r#"{"get_models":{"signature":"00","subscriber_public_key":"02"}}"#,
        r#"{"get_u_r_ls":{"signature":"00","subscriber_public_key":"02","model":null}}"#,
        r#"{"get_u_r_ls":{"signature":"00","subscriber_public_key":"02"}}"#,
    ] {
        let query: WorkersQuery = serde_json::from_str(text).unwrap();
        assert_eq!(query.check(), Ok(()), "{text}");
    }
    let models = WorkersReply::Models(vec!["llama3.1:70b".to_owned()]);
    assert_eq!(serde_json::to_string(&models).unwrap(), r#"{"models":["llama3.1:70b"]}"#);
    let urls = WorkersReply::Urls(vec!["https://w".to_owned()]);
    assert_eq!(serde_json::to_string(&urls).unwrap(), r#"{"urls":["https://w"]}"#);
    let none = WorkersReply::Workers(vec![]);
    assert_eq!(serde_json::to_string(&none).unwrap(), r#"{"workers":[]}"#);
}

/// The wire form of a registration is frozen, and closed.
#[test]
fn golden_registration() {
    let hex = |byte: &str, length| byte.repeat(length);
    let expected = format!(
        concat!(
            r#"{{"register_worker":{{"ip_address":"https://worker.example:443","#,
            r#""payment_wallet":"secret1wallet","attestation_report":"0400","#,
            r#""worker_type":"llama3.1:70b","collateral":"","binding":{{"#,
            r#""tls_spki_sha256":"{}","ledger_id":"{}","config_digest":"{}","policy_epoch":4}},"#,
            r#""service":"retrieval","capacity":5,"signing_key":"{}","hpke_key":"{}","window":8,"#,
            r#""proof":"{}"}}}}"#
        ),
        hex("01", 32),
        hex("02", 32),
        hex("03", 32),
        hex("06", 32),
        hex("07", 32),
        hex("09", 64),
    );
    let message = register(|_| {});
    assert_eq!(serde_json::to_string(&message).unwrap(), expected);
    assert_eq!(serde_json::from_str::<WorkersMsg>(&expected).unwrap(), message);
    for bad in [
        expected.replace(r#""window":8"#, r#""window":8,"admin":true"#),
        expected.replace(r#""window":8,"#, ""),
        expected.replace("register_worker", "enlist_worker"),
        expected.replace(&hex("09", 64), &hex("09", 63)),
        expected.replace(&hex("09", 64), &hex("0A", 64)),
    ] {
        assert!(serde_json::from_str::<WorkersMsg>(&bad).is_err(), "{bad}");
    }
}

/// Amounts are decimal text, also beyond what readers keep of JSON's numbers.
#[test]
fn amounts_are_text() {
    let text = serde_json::to_string(&init(|_| {}).terms).unwrap();
    assert!(
        text.starts_with(r#"{"denom":"uscrt","stake_per_capacity":"100","window_seconds":600"#)
    );
    for bad in [r#""0""#, "100", r#""0100""#, r#""-1""#, r#""1.5""#] {
        let changed = text.replace(r#""100""#, bad);
        assert!(serde_json::from_str::<WorkersTerms>(&changed).is_err(), "{bad}");
    }
}
