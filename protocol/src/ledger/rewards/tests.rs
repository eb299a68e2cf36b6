#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::ledger::voucher::{Counters, SignedVoucher, Voucher};
use crate::ledger::{BPS, MILLION};
use crate::{Address, CollectionId};

fn somebody() -> Address {
    "secret1worker".parse().unwrap()
}

fn config() -> RewardsConfig {
    RewardsConfig {
        treasury: "secret1treasury".parse().unwrap(),
        fee_bps: 500,
        royalty_bps: 2_000,
        uptime_bps: 1_000,
        query_weight: 10,
        chunk_weight: 2,
        embedded_weight: 1,
        bond: 1_000_000.try_into().unwrap(),
        deposit: 20_000.try_into().unwrap(),
        bounty_bps: 5_000,
        slash_ppm: 100_000,
        report_seconds: 2 * 86_400,
        challenge_seconds: 3 * 86_400,
        claim_seconds: 28 * 86_400,
    }
}

fn init() -> RewardsInit {
    RewardsInit {
        ledger: [0x1d; 32],
        denom: "uscrt".parse().unwrap(),
        epoch_seconds: EPOCH_SECONDS_DEFAULT,
        config: config(),
    }
}

fn report() -> UsageReport {
    UsageReport {
        root: [1; 32],
        leaves: 3,
        totals: Counters { queries: 1, chunks: 2, embedded: 3, input: 4, output: 5 },
        royalty_root: [2; 32],
        collections: 2,
    }
}

fn reported(epoch: u64, report: UsageReport) -> RewardsMsg {
    RewardsMsg::ReportUsage { epoch, report, signature: [0xc3; 64] }
}

fn usage(index: u64, proof: usize) -> Box<Proven<UsageLeaf>> {
    let voucher = Voucher {
        ledger: [0x1d; 32],
        worker: somebody(),
        worker_key: [0x11; 32],
        collection: CollectionId([0xc0; 16]),
        consumer: "secret1reader".parse().unwrap(),
        session: [0x5e; 32],
        sequence: 7,
        used: Counters { queries: 1, chunks: 2, embedded: 3, input: 4, output: 5 },
    };
    let signed =
        SignedVoucher { voucher, worker_signature: [0xa1; 64], consumer_signature: [0xb2; 64] };
    let before = Counters { queries: 6, chunks: 7, embedded: 8, input: 9, output: 10 };
    let leaf = UsageLeaf { signed, start: Counters::default(), group: 1, before };
    Box::new(Proven { index, leaf, proof: vec![[3; 32]; proof] })
}

fn royalty(index: u64, proof: usize) -> Box<Proven<RoyaltyLeaf>> {
    let leaf = RoyaltyLeaf { collection: CollectionId([0xc0; 16]), first: 1, before: 2, units: 3 };
    Box::new(Proven { index, leaf, proof: vec![[3; 32]; proof] })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The leaves are frozen: every root in the world is over them.
#[test]
fn golden_leaves() {
    let leaf = usage(0, 0).leaf;
    let numbers = |of: &[u64]| of.iter().map(|n| format!("{n:016x}")).collect::<String>();
    let expected = [
        "505241472d55534147452f7631000000", // PRAG-USAGE/v1
        &hex(&leaf.signed.voucher.to_bytes()),
        &"a1".repeat(64),
        &"b2".repeat(64),
        &numbers(&[0, 0, 0, 0, 0]),
        &numbers(&[1]),
        &numbers(&[6, 7, 8, 9, 10]),
    ];
    assert_eq!(hex(&leaf.to_bytes()), expected.concat());
    let expected = [
        "505241472d524f59414c54592f763100", // PRAG-ROYALTY/v1
        &"c0".repeat(16),
        &numbers(&[1, 2, 3]),
    ];
    assert_eq!(hex(&royalty(0, 0).leaf.to_bytes()), expected.concat());
}

/// The bytes that a worker signs are frozen, and each field moves them.
#[test]
fn golden_report() {
    let bytes = report().signed_bytes(&[0x1d; 32], &somebody(), 9);
    let numbers = |of: &[u64]| of.iter().map(|n| format!("{n:016x}")).collect::<String>();
    let expected = [
        "505241472d5245504f52542f76310000", // PRAG-REPORT/v1
        &"1d".repeat(32),
        "0d73656372657431776f726b6572", // secret1worker
        &numbers(&[9]),
        &"01".repeat(32),
        &numbers(&[3, 1, 2, 3, 4, 5]),
        &"02".repeat(32),
        &numbers(&[2]),
    ];
    assert_eq!(hex(&bytes), expected.concat());
}

/// A config is refused by its first bad field, on both sides of every line.
#[test]
fn config_bounds() {
    let good = config();
    assert_eq!(good.check(), Ok(()));
    let whole = RewardsConfig { fee_bps: 5_000, royalty_bps: 5_000, uptime_bps: 0, ..good.clone() };
    assert_eq!(whole.check(), Ok(()));
    for (field, bad) in [
        ("fee_bps", RewardsConfig { fee_bps: FEE_BPS_MAX + 1, ..good.clone() }),
        ("royalty_bps", RewardsConfig { royalty_bps: BPS - 499, ..good.clone() }),
        ("royalty_bps", RewardsConfig { royalty_bps: u32::MAX, ..good.clone() }),
        ("uptime_bps", RewardsConfig { uptime_bps: 7_501, ..good.clone() }),
        ("uptime_bps", RewardsConfig { uptime_bps: 1, ..whole }),
        ("query_weight", RewardsConfig { query_weight: UNIT_WEIGHT_MAX + 1, ..good.clone() }),
        ("chunk_weight", RewardsConfig { chunk_weight: UNIT_WEIGHT_MAX + 1, ..good.clone() }),
        ("embedded_weight", RewardsConfig { embedded_weight: UNIT_WEIGHT_MAX + 1, ..good.clone() }),
        ("bounty_bps", RewardsConfig { bounty_bps: BOUNTY_BPS_MAX + 1, ..good.clone() }),
        ("slash_ppm", RewardsConfig { slash_ppm: MILLION + 1, ..good.clone() }),
        ("report_seconds", RewardsConfig { report_seconds: 0, ..good.clone() }),
        ("report_seconds", RewardsConfig { report_seconds: EPOCH_SECONDS_MAX + 1, ..good.clone() }),
        ("challenge_seconds", RewardsConfig { challenge_seconds: 2, ..good.clone() }),
        ("claim_seconds", RewardsConfig { claim_seconds: 0, ..good.clone() }),
        ("claim_seconds", RewardsConfig { claim_seconds: u64::MAX, ..good }),
    ] {
        assert_eq!(bad.check().unwrap_err().field, field);
        let error = RewardsMsg::SetConfig { config: bad }.check().unwrap_err();
        assert_eq!(error.field, field);
    }
}

/// The windows of a beginning fit into an epoch.
#[test]
fn init_bounds() {
    assert_eq!(init().check(), Ok(()));
    let fitting = RewardsInit { epoch_seconds: 5 * 86_400, ..init() };
    assert_eq!(fitting.check(), Ok(()));
    for epoch_seconds in [0, 5 * 86_400 - 1, EPOCH_SECONDS_MAX + 1] {
        let bad = RewardsInit { epoch_seconds, ..init() };
        assert_eq!(bad.check().unwrap_err().field, "epoch_seconds");
    }
}

/// Everything hostile in a leaf, a proof or a report is refused by name.
#[test]
fn message_bounds() {
    let (epoch, worker) = (0, somebody());
    let reveal = |usage| RewardsMsg::Reveal { epoch, shown: Shown::Usage(usage) };
    let pair = |first, second| {
        let evidence = Evidence::UsagePair { first, second };
        RewardsMsg::Challenge { epoch, worker: somebody(), evidence }
    };
    let across = |royalty| {
        let evidence = Evidence::Across { usage: usage(0, 0), royalty };
        RewardsMsg::Challenge { epoch, worker: somebody(), evidence }
    };
    let (deep, far) = (PROOF_HASHES_MAX, REPORT_LEAVES_MAX - 1);
    for good in [
        reveal(usage(far, deep)),
        pair(usage(0, deep), usage(far, 0)),
        across(royalty(far, deep)),
        reported(INTEGER_MAX, report()),
        RewardsMsg::Sweep { epoch: INTEGER_MAX },
    ] {
        assert_eq!(good.check(), Ok(()), "{good:?}");
    }
    let spoil = |spoil: fn(&mut UsageLeaf)| {
        let mut shown = usage(0, 0);
        spoil(&mut shown.leaf);
        shown
    };
    let royal = |spoil: fn(&mut RoyaltyLeaf)| {
        let mut shown = royalty(0, 0);
        spoil(&mut shown.leaf);
        shown
    };
    let claim = |shown: Box<Proven<RoyaltyLeaf>>| RewardsMsg::Claim {
        epoch,
        royalty: Some(RoyaltyClaim { worker: somebody(), shown: *shown }),
    };
    let demand = |tree, index| RewardsMsg::Demand { epoch, worker: somebody(), tree, index };
    let unanswered = |index| RewardsMsg::Challenge {
        epoch,
        worker: somebody(),
        evidence: Evidence::Unanswered { tree: Tree::Usage, index },
    };
    let settle = |shown| RewardsMsg::Settle { epoch, worker: worker.clone(), shown };
    for (field, bad) in [
        ("proof", reveal(usage(0, deep + 1))),
        ("index", reveal(usage(far + 1, 0))),
        ("index", pair(usage(far + 1, 0), usage(0, 0))),
        ("proof", pair(usage(0, 0), usage(0, deep + 1))),
        ("proof", across(royalty(0, deep + 1))),
        ("index", demand(Tree::Royalty, far + 1)),
        ("index", unanswered(far + 1)),
        ("sequence", settle(spoil(|leaf| leaf.signed.voucher.sequence = 0))),
        ("output", settle(spoil(|leaf| leaf.signed.voucher.used.output = u64::MAX))),
        ("input", settle(spoil(|leaf| leaf.start.input = INTEGER_MAX + 1))),
        ("chunks", reveal(spoil(|leaf| leaf.before.chunks = INTEGER_MAX + 1))),
        ("group", reveal(spoil(|leaf| leaf.group = REPORT_LEAVES_MAX + 1))),
        ("first", claim(royal(|leaf| leaf.first = REPORT_LEAVES_MAX + 1))),
        ("before", claim(royal(|leaf| leaf.before = INTEGER_MAX + 1))),
        ("units", across(royal(|leaf| leaf.units = INTEGER_MAX + 1))),
        ("epoch", RewardsMsg::Sweep { epoch: INTEGER_MAX + 1 }),
        ("epoch", RewardsMsg::CloseEpoch { epoch: u64::MAX }),
        ("epoch", RewardsMsg::Claim { epoch: u64::MAX, royalty: None }),
        ("epoch", reported(u64::MAX, report())),
    ] {
        assert_eq!(bad.check().unwrap_err().field, field, "{bad:?}");
    }
}

/// Totals need vouchers, and collections lie between one and the number of vouchers.
#[test]
fn report_bounds() {
    let none = UsageReport { leaves: 0, collections: 0, totals: Counters::default(), ..report() };
    let check = |report| reported(0, report).check();
    assert_eq!(check(none.clone()), Ok(()));
    for (field, bad) in [
        ("totals", UsageReport { totals: report().totals, ..none.clone() }),
        ("collections", UsageReport { collections: 1, ..none }),
        ("collections", UsageReport { collections: 0, ..report() }),
        ("collections", UsageReport { collections: 4, ..report() }),
        ("leaves", UsageReport { leaves: REPORT_LEAVES_MAX + 1, ..report() }),
    ] {
        assert_eq!(check(bad).unwrap_err().field, field);
    }
}

/// The JSON that wallets sign: names, text amounts, hex.
#[test]
fn json_forms() {
    let (epoch, worker) = (9, somebody());
    let counters = r#"{"queries":1,"chunks":2,"embedded":3,"input":4,"output":5}"#;
    for (message, expected) in [
        (RewardsMsg::Fund {}, r#"{"fund":{}}"#.to_owned()),
        (RewardsMsg::AcceptAdmin {}, r#"{"accept_admin":{}}"#.to_owned()),
        (RewardsMsg::CloseEpoch { epoch }, r#"{"close_epoch":{"epoch":9}}"#.to_owned()),
        (
            RewardsMsg::Claim { epoch, royalty: None },
            r#"{"claim":{"epoch":9,"royalty":null}}"#.to_owned(),
        ),
        (
            reported(epoch, report()),
            format!(
                concat!(
                    r#"{{"report_usage":{{"epoch":9,"report":{{"root":"{}","leaves":3,"totals":{},"#,
                    r#""royalty_root":"{}","collections":2}},"signature":"{}"}}}}"#
                ),
                "01".repeat(32),
                counters,
                "02".repeat(32),
                "c3".repeat(64)
            ),
        ),
        (
            RewardsMsg::Demand { epoch, worker: worker.clone(), tree: Tree::Usage, index: 1 },
            r#"{"demand":{"epoch":9,"worker":"secret1worker","tree":"usage","index":1}}"#
                .to_owned(),
        ),
        (
            RewardsMsg::Challenge {
                epoch,
                worker,
                evidence: Evidence::Unanswered { tree: Tree::Royalty, index: 1 },
            },
            concat!(
                r#"{"challenge":{"epoch":9,"worker":"secret1worker","#,
                r#""evidence":{"unanswered":{"tree":"royalty","index":1}}}}"#
            )
            .to_owned(),
        ),
        (
            RewardsMsg::Reveal { epoch, shown: Shown::Royalty(royalty(4, 1)) },
            format!(
                concat!(
                    r#"{{"reveal":{{"epoch":9,"shown":{{"royalty":{{"index":4,"leaf":{{"#,
                    r#""collection":"{}","first":1,"before":2,"units":3}},"proof":["{}"]}}}}}}}}"#
                ),
                "c0".repeat(16),
                "03".repeat(32)
            ),
        ),
    ] {
        assert_eq!(serde_json::to_string(&message).unwrap(), expected);
        assert_eq!(serde_json::from_str::<RewardsMsg>(&expected).unwrap(), message);
    }
    let text = serde_json::to_string(&RewardsMsg::SetConfig { config: config() }).unwrap();
    assert!(text.contains(r#""bond":"1000000","deposit":"20000""#), "{text}");
    let absent = serde_json::from_str::<RewardsMsg>(r#"{"claim":{"epoch":9}}"#).unwrap();
    assert_eq!(absent, RewardsMsg::Claim { epoch, royalty: None });
    let text = serde_json::to_string(&init()).unwrap();
    let implied = text.replace(r#""epoch_seconds":604800,"#, "");
    assert!(implied.len() < text.len());
    assert_eq!(serde_json::from_str::<RewardsInit>(&implied).unwrap(), init());
    for bad in [r#"{"fund":{"epoch":1}}"#, r#"{"sweep":{}}"#, r#"{"mint":{}}"#] {
        assert!(serde_json::from_str::<RewardsMsg>(bad).is_err(), "{bad}");
    }
}

/// What messages weigh on a chain, bytes of JSON: a proof of a million leaves has 20 hashes.
#[test]
fn message_sizes() {
    let bytes = |message: &RewardsMsg| serde_json::to_string(message).unwrap().len();
    let worker: Address = format!("secret1{}", "q".repeat(38)).parse().unwrap();
    let large = Counters {
        queries: 10_000_000,
        chunks: 100_000_000,
        embedded: 1_000_000_000,
        input: 10_000_000_000,
        output: 10_000_000_000,
    };
    let full = UsageReport { leaves: 1 << 20, totals: large, collections: 1_000, ..report() };
    let report = reported(1_000, full);
    let mut shown = usage(1 << 19, 20);
    shown.leaf.signed.voucher.worker = worker.clone();
    shown.leaf.signed.voucher.consumer = worker.clone();
    shown.leaf.signed.voucher.used = large;
    shown.leaf.before = large;
    let royalty = RoyaltyClaim { worker: worker.clone(), shown: *royalty(500, 10) };
    let claim = RewardsMsg::Claim { epoch: 1_000, royalty: Some(royalty) };
    let evidence = Evidence::UsagePair { first: shown.clone(), second: shown.clone() };
    let pair = RewardsMsg::Challenge { epoch: 1_000, worker, evidence };
    let reveal = RewardsMsg::Reveal { epoch: 1_000, shown: Shown::Usage(shown) };
    let sizes = [&report, &claim, &reveal, &pair].map(bytes);
    println!("report, royalty claim, reveal, pair: {sizes:?} bytes");
    for (is, most) in sizes.into_iter().zip([550, 1_000, 2_700, 5_500]) {
        assert!(is <= most, "{sizes:?}");
    }
}

/// Queries are bounded as messages are.
#[test]
fn query_bounds() {
    let demand = |epoch, index| {
        let (worker, tree) = (somebody(), Tree::Usage);
        RewardsQuery::Demand { epoch, worker, tree, index }
    };
    assert_eq!(demand(INTEGER_MAX, REPORT_LEAVES_MAX - 1).check(), Ok(()));
    assert_eq!(demand(0, REPORT_LEAVES_MAX).check().unwrap_err().field, "index");
    let epoch = INTEGER_MAX + 1;
    for bad in [
        demand(epoch, 0),
        RewardsQuery::Epoch { epoch },
        RewardsQuery::Report { epoch, worker: somebody() },
        RewardsQuery::Claimable { epoch, account: somebody() },
    ] {
        assert_eq!(bad.check().unwrap_err().field, "epoch", "{bad:?}");
    }
}
