//! What a session key signed happens as it was signed, and nothing else does.

use super::*;
use crate::testing::{Person, relayed};
use crate::{RelayTerms, SignedMessage, relay_bytes};
use prag_protocol::ledger::{INTEGER_MAX, RELAY_BYTES_MAX, RELAYED_MESSAGE_BYTES_MAX};

const TERMS: RelayTerms = RelayTerms { sequence: 7, until: NOW + 60 };

fn person(number: u8) -> Person {
    Person::new(number, CONTRACT).unwrap()
}

fn message(terms: RelayTerms, text: &[u8]) -> SignedMessage {
    let permit = person(1).permit(&EXPECTED, &["prag_admin"], EXPIRES).unwrap();
    relayed(&person(1), &EXPECTED, permit, terms, text)
}

fn verdict(message: &SignedMessage, now: u64) -> Result<(), PermitError> {
    message.verify(now, &EXPECTED, &Native).map(|_| ())
}

/// What clients sign (`client::relay`) is what a contract reads, to the byte.
#[test]
fn golden_message_of_the_client() {
    let golden = include_str!("../../../../client/src/relay/golden/relayed.json").trim_end();
    let bytes = include_str!("../../../../client/src/relay/golden/signed_bytes.hex").trim_end();
    let signed: SignedMessage = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::to_string(&signed).unwrap(), golden);
    let contract = signed.permit.params.allowed_tokens[0].clone();
    let expected = Expected { chain_id: "prag-made-1", contract: &contract };
    let said = signed.verify(signed.until - 60, &expected, &Native).unwrap();
    assert_eq!(said.sequence, 7);
    assert_eq!(said.delegation.permissions, Permissions::Admin);
    let account = account_of(&public(&wallet(1)), &contract).unwrap();
    assert_eq!(said.delegation.account, account);
    let text = format!(
        r#"{{"revoke":{{"collection":"{}","grantee":"{}"}}}}"#,
        "01".repeat(16),
        account_of(&public(&wallet(3)), &contract).unwrap()
    );
    assert_eq!(said.message, text.as_bytes());

    let terms = RelayTerms { sequence: 7, until: signed.until };
    let name = &signed.permit.params.permit_name;
    let signed_bytes = relay_bytes(&expected, &account, name, terms, &said.message);
    let hex: String = signed_bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, bytes);
    let session = ed25519_dalek::SigningKey::from_bytes(&[2; 32]);
    assert_eq!(STANDARD.encode(session.sign(&signed_bytes).to_bytes()), signed.signature);
}

fn public(wallet: &SigningKey) -> [u8; 33] {
    wallet.verifying_key().to_encoded_point(true).as_bytes().try_into().unwrap()
}

#[test]
fn a_message_says_who_says_what() {
    let said = message(TERMS, b"{\"x\":1}").verify(NOW, &EXPECTED, &Native).unwrap();
    assert_eq!((said.sequence, said.message.as_slice()), (7, &b"{\"x\":1}"[..]));
    assert_eq!(said.delegation.account, person(1).address);
}

#[test]
fn a_message_lives_for_minutes() {
    let at = |until, now| verdict(&message(RelayTerms { sequence: 1, until }, b"{}"), now);
    assert_eq!(at(NOW + 1, NOW), Ok(()));
    assert_eq!(at(NOW + 300, NOW), Ok(()));
    for until in [NOW, NOW - 1, NOW + 301, u64::MAX] {
        assert_eq!(at(until, NOW), Err(PermitError::Until), "{until}");
    }
    assert_eq!(at(EXPIRES + 1, EXPIRES), Err(PermitError::Expired), "with its permit");
}

#[test]
fn bounds_hold() {
    let with = |sequence| verdict(&message(RelayTerms { sequence, ..TERMS }, b"{}"), NOW);
    assert_eq!((with(1), with(INTEGER_MAX)), (Ok(()), Ok(())));
    for sequence in [0, INTEGER_MAX + 1, u64::MAX] {
        assert_eq!(with(sequence), Err(PermitError::Sequence), "{sequence}");
    }
    let long = |bytes| verdict(&message(TERMS, &vec![b' '; bytes]), NOW);
    assert_eq!(long(RELAYED_MESSAGE_BYTES_MAX), Ok(()));
    assert_eq!(long(RELAYED_MESSAGE_BYTES_MAX + 1), Err(PermitError::TooLarge("message")));
}

/// The longest message with the longest permit stays below the bound of the whole, so a contract, whose chain has
/// parsed it already, keeps that bound by those of the parts.
#[test]
fn the_whole_is_bounded_by_its_parts() {
    let mut longest = message(TERMS, &[b' '; RELAYED_MESSAGE_BYTES_MAX]);
    let text = "a".repeat(128);
    let Permit { params, signature } = &mut longest.permit;
    params.permit_name = text.clone();
    params.chain_id = text.clone();
    params.allowed_tokens = vec![text.clone(); 4];
    params.permissions = vec![text.clone(); 4];
    signature.signature = text.clone();
    signature.pub_key.value = text.clone();
    longest.signature = text;
    (longest.sequence, longest.until) = (u64::MAX, u64::MAX);
    let json = serde_json::to_string(&longest).unwrap();
    assert!(json.len() <= RELAY_BYTES_MAX, "{}", json.len());
    let extra = json.replacen('{', "{\"extra\":1,", 1);
    assert!(serde_json::from_str::<SignedMessage>(&extra).is_err());
}

/// A signature is over one message, sequence, time, permit, chain and contract.
#[test]
fn a_changed_message_is_refused() {
    let changes: [fn(&mut SignedMessage); 4] = [
        |m| m.message = STANDARD.encode(b"{ }"),
        |m| m.sequence += 1,
        |m| m.until += 1,
        |m| m.signature = STANDARD.encode([0; 64]),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut changed = message(TERMS, b"{}");
        change(&mut changed);
        assert_eq!(verdict(&changed, NOW), Err(PermitError::Session), "{at}");
    }
    let malformed: [fn(&mut SignedMessage); 3] =
        [|m| m.message.push('!'), |m| m.signature = "AA==".to_owned(), |m| m.signature.clear()];
    for (at, change) in malformed.into_iter().enumerate() {
        let mut changed = message(TERMS, b"{}");
        change(&mut changed);
        assert_eq!(verdict(&changed, NOW), Err(PermitError::Encoding), "{at}");
    }
    let elsewhere = Expected { chain_id: "secret-4", ..EXPECTED };
    let refused = message(TERMS, b"{}").verify(NOW, &elsewhere, &Native);
    assert_eq!(refused, Err(PermitError::Chain));
}

/// Another wallet's permit of the same name, for the same session key, does not carry what that key signed.
#[test]
fn session_keys_cannot_be_borrowed() {
    let good = message(TERMS, b"{}");
    let stolen = SignedMessage { permit: sign(good.permit.params.clone()).unwrap(), ..good };
    assert!(stolen.permit.verify(NOW, &EXPECTED, &Native).is_ok());
    assert_eq!(verdict(&stolen, NOW), Err(PermitError::Session));
}

/// Hostile bytes: what verifies says exactly what was signed, however its JSON is spelled.
#[test]
fn fuzz_signed_messages() {
    let good = [message(TERMS, b"{\"x\":1}"), message(RelayTerms { sequence: 8, ..TERMS }, b"{}")];
    let said: Vec<_> =
        good.iter().map(|message| message.verify(NOW, &EXPECTED, &Native).unwrap()).collect();
    let texts: Vec<Vec<u8>> =
        good.iter().map(|message| serde_json::to_vec(message).unwrap()).collect();
    prag_fuzz::fuzz(1, &texts, |bytes| {
        let Ok(message) = serde_json::from_slice::<SignedMessage>(bytes) else { return };
        if let Ok(verified) = message.verify(NOW, &EXPECTED, &Native) {
            assert!(said.contains(&verified), "{verified:?}");
        }
    });
}
