//! An owner's word holds for the worker that it names, and for nobody else.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use bech32::{Bech32, Hrp};
use prag_trust::address::WalletKey;
use prag_trust::permit::PermitParams;

const BORN: u64 = 1_764_374_400;
const GUEST: [u8; 32] = [0x67; 32];

fn expected() -> Expected {
    let contract = bech32::encode::<Bech32>(Hrp::parse("wasm").unwrap(), &[7; 32]).unwrap();
    Expected { chain_id: "prag-made-1".to_owned(), contract }
}

fn owner() -> (WalletKey, SessionKey) {
    (WalletKey::from_bytes(&[1; 32]).unwrap(), SessionKey::from_bytes(&[2; 32]))
}

fn word(permissions: Permissions, until: u64) -> Introduction {
    let (wallet, key) = owner();
    let params = PermitParams::new(&expected(), &key.public_key(), permissions, BORN + 3600);
    let permit = Permit::sign(&wallet, params).unwrap();
    Introduction::sign(&key, &permit, &expected(), &wallet.address(), &GUEST, until).unwrap()
}

fn check(word: &Introduction, now: u64) -> Result<(), RelayError> {
    let (json, me) = (word.to_json().unwrap(), owner().0.address());
    Introduction::check(&json, &expected(), &me, &GUEST, now).map(drop)
}

/// The signed bytes and the JSON are frozen: the contract makes the first anew and reads the second.
#[test]
fn golden_word() {
    let word = word(Permissions::Admin, BORN + 60);
    let json = String::from_utf8(word.to_json().unwrap()).unwrap();
    assert_eq!(json, include_str!("golden/introduction.json").trim_end());
    let account = Border::at(&expected()).unwrap().out(&owner().0.address()).unwrap();
    let name = &word.permit.params.permit_name;
    let expected = expected();
    let bytes = speaker(&expected, &account, name).introduction_bytes(&GUEST, word.until);
    assert_eq!(hex::encode(bytes), include_str!("golden/signed_bytes.hex").trim_end());
}

/// Only the account's own, for this worker, for minutes, under a permit that administers, and as it was signed.
#[test]
fn a_word_is_checked_before_it_is_shown() {
    let good = word(Permissions::Admin, BORN + 300);
    assert_eq!((check(&good, BORN), check(&good, BORN + 299)), (Ok(()), Ok(())));
    for now in [BORN - 1, BORN + 300] {
        assert!(check(&good, now).is_err(), "{now}");
    }
    let (json, me) = (good.to_json().unwrap(), owner().0.address());
    let other = WalletKey::from_bytes(&[3; 32]).unwrap().address();
    assert!(Introduction::check(&json, &expected(), &other, &GUEST, BORN).is_err());
    assert!(Introduction::check(&json, &expected(), &me, &[0x68; 32], BORN).is_err());
    let elsewhere = Expected { chain_id: "prag-made-2".to_owned(), ..expected() };
    assert!(Introduction::check(&json, &elsewhere, &me, &GUEST, BORN).is_err());
    assert!(check(&word(Permissions::Query, BORN + 60), BORN).is_err());
    assert!(check(&Introduction { until: BORN + 299, ..good.clone() }, BORN).is_err());
    let long = [json.as_slice(), &vec![b' '; INTRODUCTION_BYTES_MAX]].concat();
    assert!(Introduction::check(&long, &expected(), &me, &GUEST, BORN).is_err());
    let text = String::from_utf8(json).unwrap().replacen('{', r#"{"more":1,"#, 1);
    assert!(Introduction::check(text.as_bytes(), &expected(), &me, &GUEST, BORN).is_err());
}
