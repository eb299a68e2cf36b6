//! An account's word holds for the guest that it names, and for nobody else.

use super::*;
use crate::testing::{Person, introduced, signed};
use crate::{Introduction, introduction_bytes};

const GUEST: [u8; 32] = [0x67; 32];

fn person(number: u8) -> Person {
    Person::new(number, CONTRACT).unwrap()
}

fn word(permission: &str, until: u64) -> Introduction {
    let permit = person(1).permit(&EXPECTED, &[permission], EXPIRES).unwrap();
    introduced(&person(1), &EXPECTED, permit, &GUEST, until)
}

fn verdict(word: &Introduction, now: u64, guest: &[u8; 32]) -> Result<(), PermitError> {
    let said = word.verify(now, &EXPECTED, guest, &Native)?;
    assert_eq!(said.account, person(1).address);
    Ok(())
}

/// What clients sign (`client::introduction`) is what a contract reads, to the byte.
#[test]
fn golden_word_of_the_client() {
    let golden =
        include_str!("../../../../client/src/introduction/golden/introduction.json").trim_end();
    let bytes =
        include_str!("../../../../client/src/introduction/golden/signed_bytes.hex").trim_end();
    let word: Introduction = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::to_string(&word).unwrap(), golden);
    let contract = word.permit.params.allowed_tokens[0].clone();
    let expected = Expected { chain_id: "prag-made-1", contract: &contract };
    let said = word.verify(word.until - 60, &expected, &GUEST, &Native).unwrap();
    let key = wallet(1).verifying_key().to_encoded_point(true);
    let account = account_of(&key.as_bytes().try_into().unwrap(), &contract).unwrap();
    assert_eq!((&said.account, said.permissions), (&account, Permissions::Admin));
    let name = &word.permit.params.permit_name;
    let signed = introduction_bytes(&expected, &account, name, &GUEST, word.until);
    let hex: String = signed.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, bytes);
}

/// For minutes, under a permit that administers, for its guest.
#[test]
fn a_word_has_its_bounds() {
    let at = |until, now| verdict(&word("prag_admin", until), now, &GUEST);
    assert_eq!((at(NOW + 1, NOW), at(NOW + 300, NOW)), (Ok(()), Ok(())));
    for until in [NOW, NOW - 1, NOW + 301, u64::MAX] {
        assert_eq!(at(until, NOW), Err(PermitError::Until), "{until}");
    }
    assert_eq!(at(EXPIRES + 1, EXPIRES), Err(PermitError::Expired), "with its permit");
    let good = word("prag_admin", NOW + 60);
    assert_eq!(verdict(&good, NOW, &[0x68; 32]), Err(PermitError::Session));
    let weak = word("prag_ingest", NOW + 60);
    assert_eq!(verdict(&weak, NOW, &GUEST), Err(PermitError::Administration));
    let later = Introduction { until: NOW + 61, ..good.clone() };
    assert_eq!(verdict(&later, NOW, &GUEST), Err(PermitError::Session));
    let elsewhere = Expected { chain_id: "secret-4", ..EXPECTED };
    assert_eq!(good.verify(NOW, &elsewhere, &GUEST, &Native), Err(PermitError::Chain));
    let permit = sign(good.permit.params.clone()).unwrap();
    let stolen = Introduction { permit, ..good };
    assert_eq!(verdict(&stolen, NOW, &GUEST), Err(PermitError::Session), "another wallet's permit");
}

/// A question brings its host along, and is refused with a word for somebody else.
#[test]
fn a_question_brings_its_host() {
    let permit = person(2).permit(&EXPECTED, &["prag_query"], EXPIRES).unwrap();
    let mut question = signed(&person(2), &EXPECTED, permit, None, NOW + 60, b"{}");
    let plain = serde_json::to_string(&question).unwrap();
    assert!(!plain.contains("introduction"), "as before");
    assert_eq!(question.verify(NOW, &EXPECTED, &Native).unwrap().host, None);
    let permit = person(1).permit(&EXPECTED, &["prag_admin"], EXPIRES).unwrap();
    let key = person(2).session_key();
    question.introduction = Some(introduced(&person(1), &EXPECTED, permit, &key, NOW + 60));
    let asker = question.verify(NOW, &EXPECTED, &Native).unwrap();
    assert_eq!(asker.delegation.account, person(2).address);
    assert_eq!(asker.host.unwrap().account, person(1).address);
    question.introduction = Some(word("prag_admin", NOW + 60));
    assert_eq!(question.verify(NOW, &EXPECTED, &Native), Err(PermitError::Session));
}

/// Hostile bytes: what verifies says exactly what was signed, however its JSON is spelled.
#[test]
fn fuzz_introductions() {
    let good = [word("prag_admin", NOW + 60), word("prag_admin", NOW + 61)];
    let said: Vec<_> =
        good.iter().map(|word| word.verify(NOW, &EXPECTED, &GUEST, &Native).unwrap()).collect();
    let texts: Vec<Vec<u8>> = good.iter().map(|word| serde_json::to_vec(word).unwrap()).collect();
    prag_fuzz::fuzz(2, &texts, |bytes| {
        let Ok(word) = serde_json::from_slice::<Introduction>(bytes) else { return };
        if let Ok(verified) = word.verify(NOW, &EXPECTED, &GUEST, &Native) {
            assert!(said.contains(&verified), "{verified:?}");
        }
    });
}
