#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    Expected, PERMIT_BYTES_MAX, Permission, Permissions, Permit, PermitError, PermitParams,
};
use crate::address::{SessionKey, WalletKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use k256::ecdsa::Signature;

const NOW: u64 = 1_700_000_000;
const EXPIRES: u64 = 1_800_000_000;

fn expected() -> Expected {
    Expected {
        chain_id: "prag-embedded-1".to_owned(),
        contract: "secret1q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zsv4vj2x".to_owned(),
    }
}

fn wallet() -> WalletKey {
    WalletKey::from_bytes(&[7; 32]).unwrap()
}

fn params() -> PermitParams {
    let session = SessionKey::from_bytes(&[9; 32]).public_key();
    PermitParams::new(&expected(), &session, Permissions::QueryAndIngest, EXPIRES)
}

/// Signs what `change` makes of good parameters, and says why it is refused.
fn refusal(change: impl FnOnce(&mut PermitParams)) -> PermitError {
    let mut changed = params();
    change(&mut changed);
    match Permit::sign(&wallet(), changed) {
        Ok(permit) => permit.verify(NOW, &expected()).unwrap_err(),
        Err(error) => error,
    }
}

/// Frozen bytes: the sign document, and the RFC 6979 signature that an independent program made.
#[test]
fn golden_permit() {
    let permit = Permit::sign(&wallet(), params()).unwrap();
    assert_eq!(
        permit.params.sign_document().unwrap(),
        include_str!("golden/sign_document.json").trim_end()
    );
    assert_eq!(
        permit.signature.signature,
        "2FnHxIgPGy7oPT0hnOx6WHsf/9/xIqWI9PeyqGV5+PNpiF1LyYp/gyZ9vlFKtEsHv6dMInoEY3QDORXhayjGlA=="
    );
    assert_eq!(
        String::from_utf8(permit.to_json().unwrap()).unwrap(),
        include_str!("golden/permit.json").trim_end()
    );
}

/// A good permit says whose it is, for which key, for what and until when.
#[test]
fn verifies_to_a_delegation() {
    let permit = Permit::sign(&wallet(), params()).unwrap();
    let permit = Permit::from_json(&permit.to_json().unwrap()).unwrap();
    let delegation = permit.verify(NOW, &expected()).unwrap();
    assert_eq!(delegation.address, wallet().address());
    assert_eq!(delegation.session_key, SessionKey::from_bytes(&[9; 32]).public_key());
    assert_eq!(delegation.expires, EXPIRES);
    assert_eq!(delegation.permit_name, permit.params.permit_name);
    assert!(delegation.permissions.allow(Permission::Query));
    assert!(delegation.permissions.allow(Permission::Ingest));
    assert!(!delegation.permissions.allow(Permission::Admin));
    assert!(!format!("{delegation:?}{permit:?}").contains("secret1"), "no address in a log");
}

/// The last second before the expiry is good; the expiry is not.
#[test]
fn expires_on_time() {
    let permit = Permit::sign(&wallet(), params()).unwrap();
    assert!(permit.verify(EXPIRES - 1, &expected()).is_ok());
    assert_eq!(permit.verify(EXPIRES, &expected()).unwrap_err(), PermitError::Expired);
}

/// Permissions are one of four sets, in any order, and nothing else.
#[test]
fn permissions_are_a_closed_set() {
    let with = |names: &[&str]| {
        let mut changed = params();
        changed.permissions = names.iter().map(|name| (*name).to_owned()).collect();
        let permit = Permit::sign(&wallet(), changed).unwrap();
        permit.verify(NOW, &expected()).map(|delegation| delegation.permissions)
    };
    assert_eq!(with(&["prag_query"]), Ok(Permissions::Query));
    assert_eq!(with(&["prag_ingest"]), Ok(Permissions::Ingest));
    assert_eq!(with(&["prag_ingest", "prag_query"]), Ok(Permissions::QueryAndIngest));
    assert_eq!(with(&["prag_admin"]), Ok(Permissions::Admin));
    let refused: [&[&str]; 7] = [
        &[],
        &["prag_admin", "prag_query"],
        &["prag_ingest", "prag_admin"],
        &["prag_query", "prag_ingest", "prag_admin"],
        &["prag_query", "prag_query"],
        &["owner"],
        &["PRAG_QUERY"],
    ];
    for names in refused {
        assert_eq!(with(names), Err(PermitError::Permissions), "{names:?}");
    }
}

/// Another chain, another contract, more contracts or none: refused by name.
#[test]
fn is_bound_to_chain_and_contract() {
    assert_eq!(refusal(|p| p.chain_id = "secret-4".to_owned()), PermitError::Chain);
    assert_eq!(refusal(|p| p.allowed_tokens.clear()), PermitError::Contract);
    assert_eq!(refusal(|p| p.allowed_tokens.push(expected().contract)), PermitError::Contract);
    assert_eq!(refusal(|p| p.allowed_tokens[0] = "secret1other".to_owned()), PermitError::Contract);
}

/// Characters that wallets and encoders disagree about never get as far as a signature.
#[test]
fn escapable_characters_are_refused() {
    for bad in ["<", ">", "&", "\"", "\\", "\u{2028}", "\u{2029}", "\n", "\u{7f}", "é"] {
        let name = |p: &mut PermitParams| p.permit_name.push_str(bad);
        assert_eq!(refusal(name), PermitError::Character("permit_name"), "{bad:?}");
        let chain = |p: &mut PermitParams| p.chain_id.push_str(bad);
        assert_eq!(refusal(chain), PermitError::Character("chain_id"), "{bad:?}");
        let token = |p: &mut PermitParams| p.allowed_tokens[0].push_str(bad);
        assert_eq!(refusal(token), PermitError::Character("allowed_tokens"), "{bad:?}");
        let permission = |p: &mut PermitParams| p.permissions[0].push_str(bad);
        assert_eq!(refusal(permission), PermitError::Character("permissions"), "{bad:?}");
    }
}

/// Only the one way of writing a name is a name.
#[test]
fn names_are_canonical() {
    let good = params().permit_name;
    let weak = format!("prag/1|sk=AQ{}|exp=1800000000", "A".repeat(41));
    let others = [
        good.replace("prag/1", "prag/2"),
        good.replace("|exp=", "|EXP="),
        good.replace("exp=", "exp=0"),
        good.replace("exp=", "exp=+"),
        good.replace("|exp=1800000000", ""),
        good.replace("|exp=", "=|exp="),
        good.replace("1800000000", "9007199254740992"),
        good.replace("p9hg", "p9hh"),
        format!("{good} "),
        "x".to_owned(),
        weak,
    ];
    for name in others {
        assert_eq!(refusal(|p| p.permit_name.clone_from(&name)), PermitError::Name, "{name}");
    }
    let latest = good.replace("1800000000", "9007199254740991");
    let mut changed = params();
    changed.permit_name = latest;
    let permit = Permit::sign(&wallet(), changed).unwrap();
    assert!(permit.verify(NOW, &expected()).is_ok());
}

/// The same signature with the other S is refused, though the curve's equation holds.
#[test]
fn high_s_is_refused() {
    let mut permit = Permit::sign(&wallet(), params()).unwrap();
    let bytes = STANDARD.decode(&permit.signature.signature).unwrap();
    let signature = Signature::from_slice(&bytes).unwrap();
    let high =
        Signature::from_scalars(signature.r().to_bytes(), (-*signature.s()).to_bytes()).unwrap();
    permit.signature.signature = STANDARD.encode(high.to_bytes());
    assert_eq!(permit.verify(NOW, &expected()).unwrap_err(), PermitError::HighS);
}

/// Another wallet, a changed field, or bytes that are no key: refused.
#[test]
fn forgeries_are_refused() {
    let good = Permit::sign(&wallet(), params()).unwrap();
    let verdict = |permit: &Permit| permit.verify(NOW, &expected()).unwrap_err();

    let other = WalletKey::from_bytes(&[8; 32]).unwrap();
    let mut permit = good.clone();
    permit.signature.pub_key.value = STANDARD.encode(other.public_key());
    assert_eq!(verdict(&permit), PermitError::Signature);

    let mut permit = good.clone();
    permit.params.permit_name = permit.params.permit_name.replace("1800000000", "1900000000");
    assert_eq!(verdict(&permit), PermitError::Signature);

    let mut permit = good.clone();
    permit.signature.pub_key.kind = "tendermint/PubKeyEd25519".to_owned();
    assert_eq!(verdict(&permit), PermitError::Encoding);

    for text in ["", "AA==", "not base64"] {
        let mut permit = good.clone();
        permit.signature.signature = text.to_owned();
        assert_eq!(verdict(&permit), PermitError::Encoding);
        let mut permit = good.clone();
        permit.signature.pub_key.value = text.to_owned();
        assert_eq!(verdict(&permit), PermitError::Encoding);
    }
}

/// Over a bound is refused, by the field's name, and before JSON is parsed.
#[test]
fn bounds_hold() {
    let long = |n: usize| "a".repeat(n);
    assert_eq!(refusal(|p| p.chain_id = long(129)), PermitError::TooLarge("chain_id"));
    assert_eq!(refusal(|p| p.chain_id = long(128)), PermitError::Chain);
    assert_eq!(refusal(|p| p.chain_id.clear()), PermitError::TooLarge("chain_id"));
    assert_eq!(
        refusal(|p| p.permissions = vec!["prag_query".to_owned(); 5]),
        PermitError::TooLarge("permissions")
    );
    let spaces = vec![b' '; PERMIT_BYTES_MAX + 1];
    assert_eq!(Permit::from_json(&spaces).unwrap_err(), PermitError::TooLarge("permit"));
    assert_eq!(Permit::from_json(&spaces[1..]).unwrap_err(), PermitError::Malformed);
    let json = Permit::sign(&wallet(), params()).unwrap().to_json().unwrap();
    let extra = String::from_utf8(json).unwrap().replacen("{", "{\"extra\":1,", 1);
    assert_eq!(Permit::from_json(extra.as_bytes()).unwrap_err(), PermitError::Malformed);
}
