#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use crate::curves::small_order;
use crate::{
    Curves, Expected, Permissions, Permit, PermitError, PermitParams, PermitPublicKey,
    PermitSignature, SignedQuery, account_of, question_bytes,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer;
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};

mod introduction;
mod relay;

const NOW: u64 = 1_700_000_000;
const EXPIRES: u64 = 1_800_000_000;
const CONTRACT: &str = "secret1q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zsv4vj2x";
const EXPECTED: Expected<'_> = Expected { chain_id: "prag-embedded-1", contract: CONTRACT };

/// The curves as chains have them: neither low S nor small order is their matter.
struct Native;

impl Curves for Native {
    fn secp256k1(&self, hash: &[u8; 32], signature: &[u8; 64], key: &[u8; 33]) -> bool {
        let signature = Signature::from_slice(signature).map(|s| s.normalize_s().unwrap_or(s));
        let key = VerifyingKey::from_sec1_bytes(key);
        match (signature, key) {
            (Ok(signature), Ok(key)) => key.verify_prehash(hash, &signature).is_ok(),
            _ => false,
        }
    }

    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        use ed25519_dalek::Verifier;
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        ed25519_dalek::VerifyingKey::from_bytes(key)
            .is_ok_and(|key| key.verify(message, &signature).is_ok())
    }
}

fn wallet(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).unwrap()
}

fn session() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[9; 32])
}

fn params() -> PermitParams {
    let key = session().verifying_key().to_bytes();
    PermitParams::new(&EXPECTED, &key, &["prag_query", "prag_ingest"], EXPIRES)
}

fn sign(params: PermitParams) -> Result<Permit, PermitError> {
    let document = params.sign_document()?;
    let signature: Signature = wallet(7).sign(document.as_bytes());
    let signature = signature.normalize_s().unwrap_or(signature);
    let key = wallet(7).verifying_key().to_encoded_point(true);
    let pub_key = PermitPublicKey {
        kind: "tendermint/PubKeySecp256k1".to_owned(),
        value: STANDARD.encode(key.as_bytes()),
    };
    let signature = STANDARD.encode(signature.to_bytes());
    Ok(Permit { params, signature: PermitSignature { pub_key, signature } })
}

fn good() -> Permit {
    sign(params()).unwrap()
}

fn refusal(change: impl FnOnce(&mut PermitParams)) -> PermitError {
    let mut changed = params();
    change(&mut changed);
    match sign(changed) {
        Ok(permit) => permit.verify(NOW, &EXPECTED, &Native).unwrap_err(),
        Err(error) => error,
    }
}

fn question(until: u64, query: &[u8]) -> SignedQuery {
    let permit = good();
    let bytes = question_bytes(&EXPECTED, &permit.params.permit_name, Some(3), until, query);
    let signature = STANDARD.encode(session().sign(&bytes).to_bytes());
    let (query, shard) = (STANDARD.encode(query), Some(3));
    SignedQuery { permit, query, shard, until, signature, introduction: None }
}

/// The frozen bytes that `trust` signs and verifies are the ones that a contract reads.
#[test]
fn golden_permit_of_trust() {
    let golden = include_str!("../../../trust/src/permit/golden/permit.json").trim_end();
    let document = include_str!("../../../trust/src/permit/golden/sign_document.json").trim_end();
    let permit: Permit = serde_json::from_str(golden).unwrap();
    assert_eq!(permit, good());
    assert_eq!(permit.params.sign_document().unwrap(), document);
    assert_eq!(serde_json::to_string(&permit).unwrap(), golden);
    let delegation = permit.verify(NOW, &EXPECTED, &Native).unwrap();
    assert_eq!(delegation.session_key, session().verifying_key().to_bytes());
    assert_eq!(delegation.expires, EXPIRES);
    assert_eq!(delegation.permissions, Permissions::Use);
    assert_eq!(delegation.permit_name, permit.params.permit_name);
}

/// Addresses are those of the chain where the contract lies. The first is Bitcoin's well-known hash of the key of 1.
#[test]
fn accounts_take_the_contracts_prefix() {
    let key = wallet(1).verifying_key().to_encoded_point(true);
    let mut one = [0; 32];
    one[31] = 1;
    let generator = SigningKey::from_slice(&one).unwrap();
    let generator = generator.verifying_key().to_encoded_point(true);
    let generator = generator.as_bytes().try_into().unwrap();
    let cosmos = account_of(&generator, "cosmos1contract").unwrap();
    assert_eq!(cosmos.as_str(), "cosmos1w508d6qejxtdg4y5r3zarvary0c5xw7k6ah60c");
    let key = key.as_bytes().try_into().unwrap();
    assert!(account_of(&key, CONTRACT).unwrap().as_str().starts_with("secret1"));
    assert_eq!(account_of(&key, "nowhere"), Err(PermitError::Contract));
}

#[test]
fn a_permit_expires_on_time() {
    assert!(good().verify(EXPIRES - 1, &EXPECTED, &Native).is_ok());
    assert_eq!(good().verify(EXPIRES, &EXPECTED, &Native), Err(PermitError::Expired));
}

#[test]
fn a_permit_is_bound_to_chain_and_contract() {
    assert_eq!(refusal(|p| p.chain_id = "secret-4".to_owned()), PermitError::Chain);
    assert_eq!(refusal(|p| p.allowed_tokens.clear()), PermitError::Contract);
    assert_eq!(refusal(|p| p.allowed_tokens.push(CONTRACT.to_owned())), PermitError::Contract);
    assert_eq!(refusal(|p| p.allowed_tokens[0] = "secret1other".to_owned()), PermitError::Contract);
}

#[test]
fn permissions_are_a_closed_set() {
    let with = |names: &[&str]| {
        let mut changed = params();
        changed.permissions = names.iter().map(|name| (*name).to_owned()).collect();
        let verified = sign(changed).unwrap().verify(NOW, &EXPECTED, &Native);
        verified.map(|delegation| delegation.permissions)
    };
    for names in [&["prag_query"][..], &["prag_ingest"], &["prag_ingest", "prag_query"]] {
        assert_eq!(with(names), Ok(Permissions::Use), "{names:?}");
    }
    assert_eq!(with(&["prag_admin"]), Ok(Permissions::Admin));
    let refused: [&[&str]; 6] = [
        &[],
        &["prag_admin", "prag_query"],
        &["prag_query", "prag_ingest", "prag_admin"],
        &["prag_query", "prag_query"],
        &["owner"],
        &["PRAG_QUERY"],
    ];
    for names in refused {
        assert_eq!(with(names), Err(PermitError::Permissions), "{names:?}");
    }
}

#[test]
fn escapable_characters_are_refused() {
    for bad in ["<", ">", "&", "\"", "\\", "\u{2028}", "\u{2029}", "\n", "\u{7f}", "é"] {
        let name = |p: &mut PermitParams| p.permit_name.push_str(bad);
        assert_eq!(refusal(name), PermitError::Character("permit_name"), "{bad:?}");
        let permission = |p: &mut PermitParams| p.permissions[0].push_str(bad);
        assert_eq!(refusal(permission), PermitError::Character("permissions"), "{bad:?}");
    }
}

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
}

/// Chains verify either S; only the low one is a permit's.
#[test]
fn high_s_is_refused() {
    let mut permit = good();
    let bytes = STANDARD.decode(&permit.signature.signature).unwrap();
    let signature = Signature::from_slice(&bytes).unwrap();
    let high =
        Signature::from_scalars(signature.r().to_bytes(), (-*signature.s()).to_bytes()).unwrap();
    permit.signature.signature = STANDARD.encode(high.to_bytes());
    assert_eq!(permit.verify(NOW, &EXPECTED, &Native), Err(PermitError::HighS));
}

/// Half the order is the last low S, and one more the first high one: the library's own test agrees on both sides.
#[test]
fn low_s_ends_where_the_library_ends_it() {
    let bytes = |last: u8| {
        let mut bytes = [0x11; 64];
        bytes[32..].copy_from_slice(
            &STANDARD.decode("f////////////////////11XbnNXpFAd3+kvRmgbIKA=").unwrap(),
        );
        bytes[63] = last;
        bytes
    };
    for (last, low) in [(0x9f, true), (0xa0, true), (0xa1, false), (0xff, false)] {
        let bytes = bytes(last);
        let library = Signature::from_slice(&bytes).unwrap().normalize_s().is_none();
        assert_eq!(library, low, "{last:x}");
        assert_eq!(crate::curves::low_s(&bytes), low, "{last:x}");
    }
}

/// Every key that the library calls weak is on the list, with either sign; a real key is not.
#[test]
fn small_order_is_what_the_library_calls_weak() {
    let listed = [
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "7P///////////////////////////////////////38=",
        "7f///////////////////////////////////////38=",
        "7v///////////////////////////////////////38=",
        "JuiVj8KyJ7BFw/SJ8u+Y8NXfrAXTxjM5sTgCiG1T/AU=",
        "xxdqcD1N2E+6PAt2DRBnDyogU/osOczGTsf9d5KsA3o=",
    ];
    for text in listed {
        let key: [u8; 32] = STANDARD.decode(text).unwrap().try_into().unwrap();
        for sign in [0, 0x80] {
            let mut key = key;
            key[31] |= sign;
            assert!(small_order(&key), "{text}");
            let weak = ed25519_dalek::VerifyingKey::from_bytes(&key).map(|key| key.is_weak());
            assert!(weak.unwrap_or(true), "{text}");
        }
    }
    assert!(!small_order(&session().verifying_key().to_bytes()));
}

#[test]
fn forgeries_are_refused() {
    let verdict = |permit: &Permit| permit.verify(NOW, &EXPECTED, &Native).unwrap_err();
    let mut permit = good();
    let other = wallet(8).verifying_key().to_encoded_point(true);
    permit.signature.pub_key.value = STANDARD.encode(other.as_bytes());
    assert_eq!(verdict(&permit), PermitError::Signature);
    let mut permit = good();
    permit.params.permit_name = permit.params.permit_name.replace("1800000000", "1900000000");
    assert_eq!(verdict(&permit), PermitError::Signature);
    let mut permit = good();
    permit.signature.pub_key.kind = "tendermint/PubKeyEd25519".to_owned();
    assert_eq!(verdict(&permit), PermitError::Encoding);
    for text in ["", "AA==", "not base64"] {
        let mut permit = good();
        permit.signature.signature = text.to_owned();
        assert_eq!(verdict(&permit), PermitError::Encoding);
        let mut permit = good();
        permit.signature.pub_key.value = text.to_owned();
        assert_eq!(verdict(&permit), PermitError::Encoding);
    }
}

#[test]
fn bounds_hold() {
    let long = "a".repeat(129);
    assert_eq!(refusal(|p| p.permit_name = long.clone()), PermitError::TooLarge("permit_name"));
    assert_eq!(
        refusal(|p| p.permissions = vec!["prag_query".to_owned(); 5]),
        PermitError::TooLarge("permissions")
    );
    let mut big = question(NOW + 60, b"{}");
    big.query = "A".repeat(crate::QUESTION_BYTES_MAX + 4);
    assert_eq!(big.verify(NOW, &EXPECTED, &Native), Err(PermitError::TooLarge("query")));
    let json = serde_json::to_string(&question(NOW + 60, b"{}")).unwrap();
    assert!(serde_json::from_str::<SignedQuery>(&json).is_ok());
    let extra = json.replacen('{', "{\"extra\":1,", 1);
    assert!(serde_json::from_str::<SignedQuery>(&extra).is_err());
}

/// Frozen: what session keys sign.
#[test]
fn golden_question() {
    let bytes =
        question_bytes(&Expected { chain_id: "c", contract: "d1e" }, "name", Some(258), 7, b"{}");
    let mut expected = b"PRAG-QUESTION/v1".to_vec();
    expected.extend(b"\0\0\0\x01c\0\0\0\x03d1e\0\0\0\x04name");
    expected.extend(b"\0\0\0\x04\0\0\x01\x02");
    expected.extend(b"\0\0\0\x08\0\0\0\0\0\0\0\x07\0\0\0\x02{}");
    assert_eq!(bytes, expected);
    let without = question_bytes(&EXPECTED, "n", None, 7, b"{}");
    assert_ne!(without, question_bytes(&EXPECTED, "n", Some(0), 7, b"{}"));
}

#[test]
fn a_question_says_who_asks_what() {
    let asker = question(NOW + 60, b"{\"x\":1}").verify(NOW, &EXPECTED, &Native).unwrap();
    assert_eq!(asker.query, b"{\"x\":1}");
    assert_eq!(asker.shard, Some(3));
    let key = wallet(7).verifying_key().to_encoded_point(true);
    let account = account_of(&key.as_bytes().try_into().unwrap(), CONTRACT).unwrap();
    assert_eq!(asker.delegation.account, account);
}

#[test]
fn a_question_lives_for_minutes() {
    let verdict = |until, now| question(until, b"{}").verify(now, &EXPECTED, &Native).map(|_| ());
    assert_eq!(verdict(NOW + 1, NOW), Ok(()));
    assert_eq!(verdict(NOW + 300, NOW), Ok(()));
    for until in [NOW, NOW - 1, NOW + 301, u64::MAX] {
        assert_eq!(verdict(until, NOW), Err(PermitError::Until), "{until}");
    }
    assert_eq!(verdict(NOW, u64::MAX), Err(PermitError::Until));
}

/// A signature is over one question, shard, time, permit, chain and contract.
#[test]
fn a_changed_question_is_refused() {
    let changes: [fn(&mut SignedQuery); 4] = [
        |q| q.query = STANDARD.encode(b"{ }"),
        |q| q.shard = None,
        |q| q.shard = Some(4),
        |q| q.until += 1,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut question = question(NOW + 60, b"{}");
        change(&mut question);
        let verdict = question.verify(NOW, &EXPECTED, &Native);
        assert_eq!(verdict, Err(PermitError::Session), "{at}");
    }
    let mut malformed = question(NOW + 60, b"{}");
    malformed.signature = "AA==".to_owned();
    assert_eq!(malformed.verify(NOW, &EXPECTED, &Native), Err(PermitError::Encoding));
}

/// Hostile bytes: what verifies says exactly what was signed, however its JSON is spelled.
#[test]
fn fuzz_signed_questions() {
    let good = [question(NOW + 60, b"{\"x\":1}"), question(NOW + 300, b"{}")];
    let signed: Vec<_> =
        good.iter().map(|question| question.verify(NOW, &EXPECTED, &Native).unwrap()).collect();
    let texts: Vec<Vec<u8>> =
        good.iter().map(|question| serde_json::to_vec(question).unwrap()).collect();
    prag_fuzz::fuzz(1, &texts, |bytes| {
        let Ok(question) = serde_json::from_slice::<SignedQuery>(bytes) else { return };
        if let Ok(asker) = question.verify(NOW, &EXPECTED, &Native) {
            assert!(signed.contains(&asker), "{asker:?}");
        }
    });
}
