//! A worker's pulse, and what it sees in answers: through the real wasm of Secret, real permits and real signatures.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use prag_access::{OwnMsg, SignedQueryMsg};
use prag_contracts_permit::Expected;
use prag_contracts_permit::testing::{Person, introduced, signed};
use prag_contracts_vm::access::{COLLECTION, Cast, START, stocked};
use prag_contracts_vm::{Called, Engine, Entry, Secret, built};
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessQuery, AccessReply, FreshReply, Pulse, PulseMsg};

fn room() -> Option<(Secret, Cast)> {
    let Some(wasm) = built("access", "secret") else {
        println!("skipped: access-secret.wasm is not built; run `make contracts`");
        return None;
    };
    let mut engine = Secret::new(&wasm).unwrap();
    let cast = Cast::new(&engine.contract()).unwrap();
    engine.set_rows(stocked(&cast, engine.prefix(), 1).unwrap());
    Some((engine, cast))
}

fn pulse(engine: &mut dyn Engine, by: &Person, nonce: u8) -> Called {
    let message = OwnMsg::Pulse(PulseMsg { nonce: [nonce; 32] });
    let message = serde_json::to_vec(&message).unwrap();
    engine.call(Entry::Execute, &START, by.address.as_str(), &message).unwrap()
}

fn fresh(
    engine: &mut Secret,
    by: &Person,
    shard: Option<u32>,
    query: &AccessQuery,
) -> Result<FreshReply, String> {
    fresh_by(engine, (by, None), shard, query)
}

/// As [`fresh`], by the word of a host.
fn fresh_by(
    engine: &mut Secret,
    (by, host): (&Person, Option<&Person>),
    shard: Option<u32>,
    query: &AccessQuery,
) -> Result<FreshReply, String> {
    let contract = engine.contract();
    let expected = Expected { chain_id: engine.chain_id(), contract: &contract };
    let permit = by.permit(&expected, &["prag_query"], START.time + 100).unwrap();
    let query = serde_json::to_vec(query).unwrap();
    let mut question = signed(by, &expected, permit, shard, START.time + 60, &query);
    question.introduction = host.map(|host| {
        let permit = host.permit(&expected, &["prag_admin"], START.time + 100).unwrap();
        introduced(host, &expected, permit, &by.session_key(), START.time + 60)
    });
    let message = serde_json::to_vec(&SignedQueryMsg::Fresh(Box::new(question))).unwrap();
    let called = engine.call(Entry::Query, &START, "", &message).unwrap();
    println!("secret     fresh: {} sdk gas", called.gas.sdk());
    called.result.map(|reply| serde_json::from_value(reply).unwrap())
}

/// The nonce stands in the worker's answers from its message on, and the answers are those without it.
#[test]
fn a_pulse_shows_in_its_accounts_answers() {
    let Some((mut engine, cast)) = room() else { return };
    let query = AccessQuery::Collection { collection: COLLECTION };
    let before = fresh(&mut engine, &cast.worker, Some(0), &query).unwrap();
    assert_eq!(before.pulse, None);
    let told = pulse(&mut engine, &cast.worker, 7);
    println!("secret     pulse: {} sdk gas", told.gas.sdk());
    told.result.unwrap();
    let after = fresh(&mut engine, &cast.worker, Some(0), &query).unwrap();
    assert_eq!(after.reply, before.reply);
    assert_eq!(after.pulse, Some(Pulse { nonce: [7; 32], height: START.height }));
    assert_eq!(fresh(&mut engine, &cast.owner, None, &query).unwrap().pulse, None, "another's");
}

/// A stranger's pulse opens nothing: absent, and another's, answer alike; a worker lists grants, a reader does not.
#[test]
fn a_pulse_opens_nothing() {
    let Some((mut engine, cast)) = room() else { return };
    pulse(&mut engine, &cast.stranger, 7).result.unwrap();
    let query = AccessQuery::Collection { collection: COLLECTION };
    let forbidden = fresh(&mut engine, &cast.stranger, Some(0), &query).unwrap();
    let own = Some(Pulse { nonce: [7; 32], height: START.height });
    assert_eq!(forbidden, FreshReply { reply: None, pulse: own });
    let page = AccessQuery::Grants { collection: COLLECTION, offset: 0, limit: 1 };
    assert!(fresh(&mut engine, &cast.worker, Some(0), &page).unwrap().reply.is_some());
    assert_eq!(fresh(&mut engine, &cast.reader, None, &page).unwrap().reply, None);
    let absent = AccessQuery::Collection { collection: CollectionId([0xee; 16]) };
    assert_eq!(fresh(&mut engine, &cast.stranger, Some(0), &absent).unwrap(), forbidden);
}

/// The owner's word opens a collection to a worker that is not placed; nobody else's does, and it opens no grants.
#[test]
fn an_owner_introduces_a_worker() {
    let Some((mut engine, cast)) = room() else { return };
    let (query, by) = (AccessQuery::Collection { collection: COLLECTION }, &cast.stranger);
    let told = fresh_by(&mut engine, (by, Some(&cast.owner)), Some(0), &query).unwrap();
    assert!(matches!(told.reply, Some(AccessReply::Collection(Some(_)))), "{told:?}");
    let page = AccessQuery::Grants { collection: COLLECTION, offset: 0, limit: 1 };
    let told = fresh_by(&mut engine, (by, Some(&cast.owner)), Some(0), &page).unwrap();
    assert_eq!(told.reply, None);
    for host in [&cast.reader, &cast.worker, by] {
        let told = fresh_by(&mut engine, (by, Some(host)), Some(0), &query).unwrap();
        assert_eq!(told.reply, None);
    }
}

/// A pulse without chance is refused, and nothing is written.
#[test]
fn zeros_are_no_pulse() {
    let Some((mut engine, cast)) = room() else { return };
    let before = engine.rows();
    let told = pulse(&mut engine, &cast.worker, 0);
    assert_eq!(told.result, Err("nonce must not be zeros".to_owned()));
    assert_eq!((told.gas.writes, engine.rows() == before), (0, true));
}
