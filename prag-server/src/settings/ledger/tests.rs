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
