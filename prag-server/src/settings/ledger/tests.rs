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

const SECRET: &str = r#"
    [ledger]
    kind = "secret"
    chain_id = "secret-4"
    prefix = "secret"
    contract = "CONTRACT"
    code_hash = "0303030303030303030303030303030303030303030303030303030303030303"
    network_key = "0909090909090909090909090909090909090909090909090909090909090909"
    nodes = ["https://one.example", "https://two.example", "https://three.example"]
    agree = 2
    execute_every_s = 600
    trusted = { height = 7, hash = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a" }
    trusting_period_s = 86400
    gas_price = { micro = 100000, denom = "uscrt" }
"#;

fn contract_of(prefix: &str, bytes: &[u8]) -> String {
    bech32::encode::<bech32::Bech32>(bech32::Hrp::parse(prefix).unwrap(), bytes).unwrap()
}

fn secret() -> String {
    SECRET.replace("CONTRACT", &contract_of("secret", &[7; 20]))
}

/// Secret's bounds are told with their names; nothing that decides trust has a default, and one node is not enough.
#[test]
fn secrets_bounds_are_named() {
    let text = secret();
    let settings = parsed(&text).unwrap();
    let Ledger::Secret(secret) = &settings.ledger else { panic!("secret") };
    assert_eq!((secret.agree, secret.execute_every_s, secret.relays_per_hour), (2, 600, 3600));
    let long = contract_of("secret", &[7; 32]);
    for (from, to, named) in [
        ("agree = 2", "agree = 1", "ledger.agree"),
        ("agree = 2", "agree = 4", "ledger.agree"),
        ("agree = 2", "", "agree"),
        ("execute_every_s = 600", "execute_every_s = 59", "ledger.execute_every_s"),
        ("execute_every_s = 600", "execute_every_s = 3601", "ledger.execute_every_s"),
        ("execute_every_s = 600", "", "execute_every_s"),
        ("0909", "09", "`ledger.network_key`: expected 64"),
        (&"09".repeat(32), &"00".repeat(32), "ledger.network_key"),
        (&contract_of("secret", &[7; 20]), &long, "ledger.contract"),
        ("https://one", "ftp://one", "ledger.nodes"),
        ("chain_id", "relays_per_hour = 3\n    chain_id", "ledger.relays_per_hour"),
        ("chain_id", "believe = true\n    chain_id", "believe"),
    ] {
        let told = parsed(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(told.contains(named), "{from} to {to}: {told}");
    }
    let market = format!("{text}[market.worker]\nservice = \"retrieval\"\n");
    assert!(parsed(&market).is_err(), "no market is reached through it");
}

/// All that decides what is believed of Secret is measured, its nodes too; what costs money only is not.
#[test]
fn secrets_trust_is_measured() {
    let files = [String::new(), String::new(), String::new()];
    let digest = |text: &str| parsed(text).unwrap().digest(&files);
    let text = secret();
    let base = digest(&text);
    for (from, to) in [
        ("secret-4", "secret-5"),
        (contract_of("secret", &[7; 20]).as_str(), contract_of("secret", &[8; 20]).as_str()),
        ("0303", "0304"),
        ("0909", "0908"),
        ("one.example", "four.example"),
        ("agree = 2", "agree = 3"),
        ("execute_every_s = 600", "execute_every_s = 601"),
        ("height = 7", "height = 8"),
        ("0a0a", "0a0b"),
        ("86400", "86401"),
    ] {
        assert_ne!(digest(&text.replacen(from, to, 1)), base, "{from}");
    }
    assert_eq!(digest(&text.replacen("100000", "100001", 1)), base);
}
