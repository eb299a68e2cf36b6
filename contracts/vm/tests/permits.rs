//! On Secret, what opens a question and what does not: through the real wasm and real signatures.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use prag_access::SignedQueryMsg;
use prag_contracts_permit::testing::{Person, signed};
use prag_contracts_permit::{Expected, SignedQuery};
use prag_contracts_vm::access::{COLLECTION, Cast, START, stocked};
use prag_contracts_vm::{Engine, Entry, Secret, built};
use prag_protocol::ledger::{AccessMsg, AccessQuery};

struct Room {
    engine: Secret,
    cast: Cast,
}

impl Room {
    fn new() -> Option<Self> {
        let Some(wasm) = built("access", "secret") else {
            println!("skipped: access-secret.wasm is not built; run `make contracts`");
            return None;
        };
        let mut engine = Secret::new(&wasm).unwrap();
        let cast = Cast::new(&engine.contract()).unwrap();
        engine.set_rows(stocked(&cast, engine.prefix(), 1).unwrap());
        Some(Self { engine, cast })
    }

    fn question(&self, person: &Person, chain_id: &str, contract: &str) -> SignedQuery {
        let expected = Expected { chain_id, contract };
        let permit = person.permit(&expected, &["prag_query"], START.time + 100).unwrap();
        let query = serde_json::to_vec(&AccessQuery::Policy { collection: COLLECTION }).unwrap();
        signed(person, &expected, permit, None, START.time + 60, &query)
    }

    fn good(&self) -> SignedQuery {
        self.question(&self.cast.reader, self.engine.chain_id(), &self.engine.contract())
    }

    fn ask(&mut self, question: SignedQuery, later: u64) -> Result<(), String> {
        let message = serde_json::to_vec(&SignedQueryMsg::WithPermit(Box::new(question))).unwrap();
        let mut env = START;
        env.time += later;
        self.engine.call(Entry::Query, &env, "", &message).unwrap().result.map(|_| ())
    }
}

#[test]
fn a_good_question_is_answered() {
    let Some(mut room) = Room::new() else { return };
    assert_eq!(room.ask(room.good(), 0), Ok(()));
}

#[test]
fn chain_and_contract_are_checked() {
    let Some(mut room) = Room::new() else { return };
    let (chain_id, contract) = (room.engine.chain_id(), room.engine.contract());
    let other = room.question(&room.cast.reader, "secret-3", &contract);
    assert_eq!(room.ask(other, 0), Err("permit is for another chain".to_owned()));
    let elsewhere = room.cast.owner.address.to_string();
    let other = room.question(&room.cast.reader, chain_id, &elsewhere);
    assert_eq!(room.ask(other, 0), Err("permit is for another contract".to_owned()));
}

#[test]
fn expiry_is_checked_twice() {
    let Some(mut room) = Room::new() else { return };
    let text = "until must be 1 to 300 seconds after the last block".to_owned();
    assert_eq!(room.ask(room.good(), 59), Ok(()));
    assert_eq!(room.ask(room.good(), 60), Err(text.clone()));
    let mut far = room.good();
    far.until = START.time + 301;
    assert_eq!(room.ask(far, 0), Err(text));
    // The permit ends at 100; a question that was signed later does not outlive it.
    let person = &room.cast.reader;
    let contract = room.engine.contract();
    let expected = Expected { chain_id: room.engine.chain_id(), contract: &contract };
    let permit = person.permit(&expected, &["prag_query"], START.time + 100).unwrap();
    let query = serde_json::to_vec(&AccessQuery::Policy { collection: COLLECTION }).unwrap();
    let late = signed(person, &expected, permit, None, START.time + 160, &query);
    assert_eq!(room.ask(late.clone(), 99), Ok(()));
    assert_eq!(room.ask(late, 100), Err("permit has expired".to_owned()));
}

#[test]
fn a_changed_question_is_refused() {
    let Some(mut room) = Room::new() else { return };
    let text = || Err("the session key's signature does not verify".to_owned());
    let mut changed = room.good();
    changed.shard = Some(0);
    assert_eq!(room.ask(changed, 0), text());
    let mut changed = room.good();
    changed.until -= 1;
    assert_eq!(room.ask(changed, 0), text());
    let mut changed = room.good();
    let other = room.question(&room.cast.owner, room.engine.chain_id(), &room.engine.contract());
    changed.signature = other.signature;
    assert_eq!(room.ask(changed, 0), text());
    let mut stolen = room.good();
    stolen.permit =
        room.question(&room.cast.owner, room.engine.chain_id(), &room.engine.contract()).permit;
    assert_eq!(room.ask(stolen, 0), text());
}

#[test]
fn a_permit_of_another_wallet_is_refused() {
    let Some(mut room) = Room::new() else { return };
    let mut forged = room.good();
    let other = room.question(&room.cast.owner, room.engine.chain_id(), &room.engine.contract());
    forged.permit.signature.pub_key = other.permit.signature.pub_key;
    assert_eq!(room.ask(forged, 0), Err("permit's signature does not verify".to_owned()));
}

/// The name that was signed is the handle: once revoked, it opens nothing.
#[test]
fn a_revoked_permit_is_refused() {
    let Some(mut room) = Room::new() else { return };
    let good = room.good();
    let permit_name = good.permit.params.permit_name.clone();
    let message = serde_json::to_vec(&AccessMsg::RevokePermit { permit_name }).unwrap();
    let reader = room.cast.reader.address.to_string();
    // Another's word changes nothing; the wallet's own does.
    let owner = room.cast.owner.address.to_string();
    room.engine.call(Entry::Execute, &START, &owner, &message).unwrap().result.unwrap();
    assert_eq!(room.ask(good.clone(), 0), Ok(()));
    room.engine.call(Entry::Execute, &START, &reader, &message).unwrap().result.unwrap();
    assert_eq!(room.ask(good, 0), Err("the permit is revoked".to_owned()));
}

/// Absent, and another's: one answer.
#[test]
fn absent_and_forbidden_answer_alike() {
    let Some(mut room) = Room::new() else { return };
    let stranger =
        room.question(&room.cast.stranger, room.engine.chain_id(), &room.engine.contract());
    let forbidden = room.ask(stranger.clone(), 0).unwrap_err();
    room.engine.set_rows(Default::default());
    assert_eq!(room.ask(stranger, 0).unwrap_err(), forbidden);
}
