//! `[ledger]` names its bounds, and is measured.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::super::Settings;
use super::*;

const CHAIN: &str = r#"
    [ledger]
    kind = "cosmos"
    chain_id = "prag-1"
    prefix = "wasm"
    contract = "wasm1qurswpc8qurswpc8qurswpc8qurswpc8qurswpc8qurswpc8qursk77vz5"
    code_hash = "0303030303030303030303030303030303030303030303030303030303030303"
    nodes = ["https://one.example", "http://127.0.0.1:26657"]
    trusted = { height = 7, hash = "0909090909090909090909090909090909090909090909090909090909090909" }
    trusting_period_s = 86400
    gas_price = { micro = 25000, denom = "ustake" }
"#;

fn parsed(text: &str) -> Result<Settings, SettingsError> {
    let settings = Settings::parse(text)?;
    settings.check().map(|()| settings)
}

/// The contract of the text above, so that nobody has to encode one by hand.
fn chain() -> String {
    let prefix = bech32::Hrp::parse("wasm").unwrap();
    let contract = bech32::encode::<bech32::Bech32>(prefix, &[7; 32]).unwrap();
    let line = CHAIN.lines().find(|line| line.contains("contract =")).unwrap();
    CHAIN.replace(line, &format!("contract = \"{contract}\""))
}

/// Each bound is told with the name that the field has in the file.
#[test]
fn bounds_are_named() {
    let text = chain();
    assert!(parsed(&text).is_ok(), "{:?}", parsed(&text));
    assert_eq!(parsed("[ledger]\nkind = 'embedded'").unwrap().ledger, Ledger::Embedded {});
    for (from, to, named) in [
        ("prag-1", "", "ledger.chain_id"),
        ("\"wasm\"", "\"WASM\"", "ledger.prefix"),
        ("https://one", "ftp://one", "ledger.nodes"),
        ("height = 7", "height = 0", "ledger.trusted.height"),
        ("86400", "59", "ledger.trusting_period_s"),
        ("25000", "1000000000001", "ledger.gas_price.micro"),
        ("ustake", "u", "ledger.gas_price.denom"),
        ("prefix = \"wasm\"", "prefix = \"osmo\"", "ledger.contract"),
        ("prefix", "agree = 3\n    prefix", "ledger.agree"),
        ("0303", "03", "`ledger.code_hash`: expected 64"),
        ("0909", "09", "`ledger.trusted`: expected 64"),
        ("height = 7", "height = 'top'", "`ledger.trusted`"),
        ("prefix", "believe = true\n    prefix", "believe"),
        ("\"cosmos\"", "\"ethereum\"", "ethereum"),
    ] {
        let told = parsed(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(told.contains(named), "{from} to {to}: {told}");
    }
    let told = parsed("[ledger]\nkind = 'embedded'\nchain_id = 'a'").unwrap_err().to_string();
    assert!(told.contains("chain_id"), "{told}");
    let told =
        parsed(&text.replacen("    chain_id = \"prag-1\"\n", "", 1)).unwrap_err().to_string();
    assert!(told.contains("chain_id"), "no default for what decides trust: {told}");
}

/// What decides what is believed is measured; who is only asked for proofs is not, until several must agree.
#[test]
fn trust_is_measured() {
    let files = [String::new(), String::new(), String::new()];
    let digest = |text: &str| parsed(text).unwrap().digest(&files);
    let text = chain();
    let base = digest(&text);
    assert_ne!(base, Settings::default().digest(&files));
    let contract = {
        let prefix = bech32::Hrp::parse("wasm").unwrap();
        bech32::encode::<bech32::Bech32>(prefix, &[8; 32]).unwrap()
    };
    let own = text.lines().find(|line| line.contains("contract =")).unwrap();
    let other = text.replace(own, &format!("contract = '{contract}'"));
    assert_ne!(digest(&other), base);
    for (from, to) in [
        ("prag-1", "prag-2"),
        ("0303", "0304"),
        ("height = 7", "height = 8"),
        ("0909", "0908"),
        ("86400", "86401"),
        ("prefix", "agree = 2\n    prefix"),
    ] {
        assert_ne!(digest(&text.replacen(from, to, 1)), base, "{from}");
    }
    for (from, to) in [("one.example", "two.example"), ("25000", "26000")] {
        assert_eq!(digest(&text.replacen(from, to, 1)), base, "{from}");
    }
    let agreed = text.replacen("prefix", "agree = 2\n    prefix", 1);
    assert_ne!(digest(&agreed), digest(&agreed.replace("one.example", "two.example")));
}

/// The contracts beside access are pinned, on this chain, and measured; what the worker does there is all that `[market]` says.
#[test]
fn markets_of_chains_are_pinned() {
    let text = chain();
    let contract = |byte: u8| {
        let prefix = bech32::Hrp::parse("wasm").unwrap();
        bech32::encode::<bech32::Bech32>(prefix, &[byte; 32]).unwrap()
    };
    let line = |name: &str, contract: &str, code: &str| {
        format!("market.{name} = {{ contract = \"{contract}\", code_hash = \"{code}\" }}\n")
    };
    let with = |rewards: &str, code: &str| {
        let [one, two] = [contract(1), contract(2)];
        let zeros = "00".repeat(32);
        let workers = line("workers", &one, &zeros);
        let subscription = line("subscription", &two, &zeros);
        format!("{text}\n{workers}{subscription}{}", line("rewards", rewards, code))
    };
    let (third, zeros) = (contract(3), "00".repeat(32));
    let market = with(&third, &zeros);
    let part = "[market.worker]\nservice = \"retrieval\"\n";
    assert!(parsed(&format!("{market}{part}")).is_ok(), "{:?}", parsed(&format!("{market}{part}")));
    let measured = |text: &str| parsed(text).unwrap().ledger.measured();
    assert_ne!(measured(&market), measured(&text));
    assert_ne!(measured(&market), measured(&with(&contract(4), &zeros)));
    assert_ne!(measured(&market), measured(&with(&third, &"01".repeat(32))));
    let wallet = format!("{part}wallet = \"{}\"\n", contract(5));
    let reserve = "reserve_units = 100000\n";
    assert!(parsed(&format!("{market}{wallet}{reserve}")).is_ok(), "the chain's own spelling");
    for (bad, named) in [
        (with("wasm1nobody", &zeros), "ledger.market"),
        (with(&third, "00"), "`ledger.market`"),
        (format!("{text}{part}"), "ledger.market"),
        (format!("{market}[market]\nfee_bps = 1\n"), "only `[market.worker]`"),
        (format!("{market}{wallet}"), "reserve_units"),
        (format!("{text}payers = [\"nobody\"]\n"), "ledger.payers"),
        (format!("{text}relays_per_hour = 3\n"), "ledger.relays_per_hour"),
    ] {
        let told = parsed(&bad).unwrap_err().to_string();
        assert!(told.contains(named), "{named}: {told}");
    }
}
