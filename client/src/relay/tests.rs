//! What a session key signed is relayed, and nothing else.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use bech32::{Bech32, Hrp};
use prag_protocol::CollectionId;
use prag_trust::address::WalletKey;
use prag_trust::permit::{Permissions, PermitParams};

fn expected() -> Expected {
    let contract = bech32::encode::<Bech32>(Hrp::parse("wasm").unwrap(), &[7; 32]).unwrap();
    Expected { chain_id: "prag-made-1".to_owned(), contract }
}

const BORN: u64 = 1_764_374_400;

struct Party {
    wallet: WalletKey,
    session: SessionKey,
    permit: Permit,
}

fn party(wallet: u8, session: u8) -> Party {
    let (wallet, session) =
        (WalletKey::from_bytes(&[wallet; 32]).unwrap(), SessionKey::from_bytes(&[session; 32]));
    let permit = permit(&wallet, &session, Permissions::Admin);
    Party { wallet, session, permit }
}

fn permit(wallet: &WalletKey, session: &SessionKey, permissions: Permissions) -> Permit {
    let params = PermitParams::new(&expected(), &session.public_key(), permissions, BORN + 3600);
    Permit::sign(wallet, params).unwrap()
}

fn revoke(grantee: &Party) -> AccessMsg {
    let collection = CollectionId([1; 16]);
    AccessMsg::Revoke { collection, grantee: grantee.wallet.address() }
}

const TERMS: RelayTerms = RelayTerms { sequence: 7, until: BORN + 60 };

fn relay(by: &Party, message: &AccessMsg, terms: RelayTerms) -> Relay {
    let account = by.wallet.address();
    Relay::sign(&by.session, &by.permit, &expected(), &account, message, terms).unwrap()
}

fn check(relay: &Relay, by: &Party, message: &AccessMsg, now: u64) -> Result<Relay, RelayError> {
    let bytes = relay.to_json().unwrap();
    Relay::check(&bytes, &expected(), &by.wallet.address(), message, now)
}

/// The signed bytes are frozen: the contract makes them anew.
#[test]
fn golden_bytes() {
    let terms = RelayTerms { sequence: 7, until: 9 };
    let expected = Expected { chain_id: "c-1".to_owned(), contract: "wasm1x".to_owned() };
    let account: Address = "wasm1reader".parse().unwrap();
    let speaker = speaker(&expected, &account, "prag/1|sk=k|exp=1");
    let bytes = speaker.relay_bytes(terms.sequence, terms.until, b"{}");
    let text = [
        "PRAG-RELAY/v1",
        "\0\0\0\u{3}c-1",
        "\0\0\0\u{6}wasm1x",
        "\0\0\0\u{b}wasm1reader",
        "\0\0\0\u{11}prag/1|sk=k|exp=1",
        "\0\0\0\u{8}\0\0\0\0\0\0\0\u{7}",
        "\0\0\0\u{8}\0\0\0\0\0\0\0\u{9}",
        "\0\0\0\u{2}{}",
    ];
    assert_eq!(bytes, text.concat().as_bytes());
}

/// A whole message, and what was signed: contracts/permit verifies the first and makes the second anew.
#[test]
fn golden_message() {
    let (owner, reader) = (party(1, 2), party(3, 4));
    let relay = relay(&owner, &revoke(&reader), TERMS);
    let json = include_str!("golden/relayed.json").trim_end();
    assert_eq!(String::from_utf8(relay.to_json().unwrap()).unwrap(), json);
    let text = STANDARD.decode(&relay.message).unwrap();
    let account = Border::at(&expected()).unwrap().out(&owner.wallet.address()).unwrap();
    let name = &owner.permit.params.permit_name;
    let expected = expected();
    let speaker = speaker(&expected, &account, name);
    let bytes = speaker.relay_bytes(TERMS.sequence, TERMS.until, &text);
    assert_eq!(hex::encode(bytes), include_str!("golden/signed_bytes.hex").trim_end());
}

/// What was signed passes, and the message goes out in the chain's spelling.
#[test]
fn signed_messages_pass() {
    let (owner, reader) = (party(1, 2), party(3, 4));
    let message = revoke(&reader);
    let passed = check(&relay(&owner, &message, TERMS), &owner, &message, BORN).unwrap();
    let text = String::from_utf8(STANDARD.decode(&passed.message).unwrap()).unwrap();
    assert!(text.contains("wasm1") && !text.contains("secret1"), "{text}");
}

/// Everything that was signed is held to: message, terms, account, permit, chain and contract.
#[test]
fn changed_messages_do_not_pass() {
    let (owner, reader) = (party(1, 2), party(3, 4));
    let message = revoke(&reader);
    let good = relay(&owner, &message, TERMS);
    type Change = fn(&mut Relay);
    let changes: [Change; 8] = [
        |r| r.sequence += 1,
        |r| r.sequence = 0,
        |r| r.sequence = INTEGER_MAX + 1,
        |r| r.until += 1,
        |r| {
            r.message = STANDARD.encode(
                br#"{"destroy_collection":{"collection":"01010101010101010101010101010101"}}"#,
            )
        },
        |r| r.message.push('!'),
        |r| r.signature = STANDARD.encode([0; 64]),
        |r| r.signature.truncate(8),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = good.clone();
        change(&mut changed);
        let told = check(&changed, &owner, &message, BORN);
        assert!(told.is_err(), "change {number}");
    }
    let other = AccessMsg::DestroyCollection { collection: CollectionId([1; 16]) };
    assert!(check(&good, &owner, &other, BORN).is_err(), "another message");
    let told = check(&good, &reader, &message, BORN);
    assert!(matches!(told, Err(RelayError::Rule("somebody else signed"))));
    let elsewhere = Expected { chain_id: "prag-made-2".to_owned(), ..expected() };
    let bytes = good.to_json().unwrap();
    let account = owner.wallet.address();
    assert!(Relay::check(&bytes, &elsewhere, &account, &message, BORN).is_err(), "another chain");
    let long = vec![b' '; RELAY_BYTES_MAX + 1];
    assert!(Relay::check(&long, &expected(), &account, &message, BORN).is_err());
    assert!(Relay::check(b"", &expected(), &account, &message, BORN).is_err());
}

/// A message lives for minutes: from its signature until `until`, and not from further ahead.
#[test]
fn messages_end() {
    let (owner, reader) = (party(1, 2), party(3, 4));
    let message = revoke(&reader);
    let good = relay(&owner, &message, TERMS);
    assert!(check(&good, &owner, &message, TERMS.until - 1).is_ok());
    assert!(check(&good, &owner, &message, TERMS.until).is_err());
    assert!(check(&good, &owner, &message, TERMS.until - RELAY_SECONDS_MAX).is_ok());
    assert!(check(&good, &owner, &message, TERMS.until - RELAY_SECONDS_MAX - 1).is_err());
}

/// Another wallet that signs a permit for the same session key cannot take over what that key signed.
#[test]
fn session_keys_cannot_be_borrowed() {
    let (owner, reader) = (party(1, 2), party(3, 4));
    let message = revoke(&reader);
    let good = relay(&owner, &message, TERMS);
    let thief = party(5, 2);
    assert_eq!(thief.permit.params.permit_name, owner.permit.params.permit_name);
    let stolen = Relay { permit: thief.permit.clone(), ..good };
    let told = check(&stolen, &thief, &message, BORN);
    assert!(matches!(told, Err(RelayError::Rule("the signature does not verify"))));
}

/// A permit to search administers nothing; but whoever has one may revoke it.
#[test]
fn administration_has_its_own_permit() {
    let (mut owner, reader) = (party(1, 2), party(3, 4));
    owner.permit = permit(&owner.wallet, &owner.session, Permissions::QueryAndIngest);
    let message = revoke(&reader);
    let told = check(&relay(&owner, &message, TERMS), &owner, &message, BORN);
    assert!(matches!(told, Err(RelayError::Rule("the permit does not allow this"))));
    let own = AccessMsg::RevokePermit { permit_name: owner.permit.params.permit_name.clone() };
    assert!(check(&relay(&owner, &own, TERMS), &owner, &own, BORN).is_ok());
}

/// What speaks for a worker's TEE goes out from its own account, under no permit.
#[test]
fn a_workers_messages_are_not_relayed() {
    let owner = party(1, 2);
    let (collection, shard) = (CollectionId([1; 16]), 0);
    let grantee = party(3, 4).wallet.address();
    for message in [
        AccessMsg::Rebind { collection, shard, worker: [2; 32] },
        AccessMsg::ClaimWriter { collection, shard, epoch: 1 },
        AccessMsg::Anchor { shard: None, worker: [2; 32], root: [3; 32], previous: [0; 32] },
        AccessMsg::Consume { collection, shard, grantee, units: 1 },
    ] {
        let told = check(&relay(&owner, &message, TERMS), &owner, &message, BORN);
        assert!(matches!(told, Err(RelayError::Rule("only its own account may send this"))));
    }
}
