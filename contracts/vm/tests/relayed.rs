//! What a session key signed, sent by somebody else: through the real wasm and real signatures, on both engines.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

mod both;

use both::{engines, gas_does_not_grow};
use prag_access::OwnMsg;
use prag_contracts_core::access::{Relayed, relay};
use prag_contracts_permit::testing::{Person, relayed};
use prag_contracts_permit::{Expected, RelayTerms, SignedMessage};
use prag_contracts_vm::access::{Act, COLLECTION, Cast, START, operations, stocked};
use prag_contracts_vm::{Called, Engine, Entry, Rows};
use prag_protocol::ledger::{AccessMsg, RELAY_BYTES_MAX, RELAYED_MESSAGE_BYTES_MAX};

const TERMS: RelayTerms = RelayTerms { sequence: 7, until: START.time + 60 };

struct Room {
    engine: Box<dyn Engine + Send>,
    cast: Cast,
    rows: Rows,
}

impl Room {
    fn all() -> Vec<Self> {
        let room = |mut engine: Box<dyn Engine + Send>| {
            let cast = Cast::new(&engine.contract()).unwrap();
            let rows = stocked(&cast, engine.prefix(), 1).unwrap();
            engine.set_rows(rows.clone());
            Self { engine, cast, rows }
        };
        engines("access").into_iter().map(room).collect()
    }

    fn signed(&self, by: &Person, permission: &str, text: &[u8]) -> SignedMessage {
        let contract = self.engine.contract();
        let expected = Expected { chain_id: self.engine.chain_id(), contract: &contract };
        let permit = by.permit(&expected, &[permission], START.time + 100).unwrap();
        relayed(by, &expected, permit, TERMS, text)
    }

    fn owners(&self, message: &AccessMsg) -> SignedMessage {
        self.signed(&self.cast.owner, "prag_admin", &serde_json::to_vec(message).unwrap())
    }

    fn send(&mut self, signed: &SignedMessage, later: u64) -> Called {
        let message = serde_json::to_vec(&OwnMsg::Relayed(Box::new(signed.clone()))).unwrap();
        assert!(message.len() <= RELAY_BYTES_MAX + 16);
        let mut env = START;
        env.time += later;
        let sender = self.cast.stranger.address.to_string();
        self.engine.call(Entry::Execute, &env, &sender, &message).unwrap()
    }

    /// Refused in these words, without a write, and told what it cost.
    fn refuses(&mut self, name: &str, signed: &SignedMessage, later: u64, text: &str) {
        self.engine.set_rows(self.rows.clone());
        let Called { result, gas } = self.send(signed, later);
        println!("{:<10} {name:<40} {:>10} sdk gas", self.engine.prefix(), gas.sdk());
        assert_eq!(result, Err(text.to_owned()), "{name}");
        assert_eq!(gas.writes + gas.deletes, 0, "{name}");
        assert_eq!(self.engine.rows(), self.rows, "{name}");
    }
}

fn revoke(room: &Room) -> AccessMsg {
    let grantee = room.cast.reader.address.clone();
    AccessMsg::Revoke { collection: COLLECTION, grantee }
}

/// Nothing of what was signed can be changed, and nothing else was signed.
#[test]
fn changed_messages_are_refused() {
    for mut room in Room::all() {
        let good = room.owners(&revoke(&room));
        let session = "the session key's signature does not verify";
        let mut changed = good.clone();
        changed.sequence += 1;
        room.refuses("another sequence", &changed, 0, session);
        let mut changed = good.clone();
        changed.until -= 1;
        room.refuses("another time", &changed, 0, session);
        let destroy = AccessMsg::DestroyCollection { collection: COLLECTION };
        let mut changed = good.clone();
        changed.message = room.owners(&destroy).message;
        room.refuses("another message", &changed, 0, session);
        let mut changed = good.clone();
        changed.permit = room.signed(&room.cast.reader, "prag_admin", b"{}").permit;
        room.refuses("another's permit", &changed, 0, session);
        let mut changed = good.clone();
        changed.permit.params.permissions = vec!["prag_query".to_owned()];
        room.refuses("another permission", &changed, 0, "permit's signature does not verify");
        let mut changed = good.clone();
        changed.permit.params.chain_id = "elsewhere-1".to_owned();
        room.refuses("another chain", &changed, 0, "permit is for another chain");
        assert!(room.send(&good, 0).result.is_ok());
    }
}

/// Bounds come first: time, sequence, length.
#[test]
fn bounds_are_checked() {
    for mut room in Room::all() {
        let good = room.owners(&revoke(&room));
        let until = "until must be 1 to 300 seconds after the last block";
        room.refuses("too late", &good, 60, until);
        let mut far = good.clone();
        far.until = START.time + 301;
        room.refuses("too early", &far, 0, until);
        let mut none = good.clone();
        none.sequence = 0;
        room.refuses("no sequence", &none, 0, "sequence must be 1 to 9007199254740991");
        let long = vec![b' '; RELAYED_MESSAGE_BYTES_MAX + 3];
        let long = room.signed(&room.cast.owner, "prag_admin", &long);
        room.refuses("too long", &long, 0, "permit field message is over its bound");
        let longest = vec![b' '; RELAYED_MESSAGE_BYTES_MAX];
        let longest = room.signed(&room.cast.owner, "prag_admin", &longest);
        room.refuses("long, and no message", &longest, 0, "the message does not parse");
    }
}

/// What a permit does not carry, and what no longer happens.
#[test]
fn rights_and_repetitions_are_checked() {
    for mut room in Room::all() {
        let text = serde_json::to_vec(&revoke(&room)).unwrap();
        let used = room.signed(&room.cast.owner, "prag_query", &text);
        room.refuses("a permit for use", &used, 0, "the permit does not allow this message");
        let foreign = room.signed(&room.cast.stranger, "prag_admin", &text);
        let text = "the collection is absent or not the sender's";
        room.refuses("not the owner's", &foreign, 0, text);
        let rebind = AccessMsg::Rebind { collection: COLLECTION, shard: 0, worker: [9; 32] };
        let rebind = serde_json::to_vec(&rebind).unwrap();
        let rebind = room.signed(&room.cast.worker, "prag_admin", &rebind);
        let text = "only its own account may send this message";
        room.refuses("a worker's own message", &rebind, 0, text);
        let good = room.owners(&revoke(&room));
        let inner = serde_json::to_vec(&OwnMsg::Relayed(Box::new(good.clone()))).unwrap();
        let nested = room.signed(&room.cast.owner, "prag_admin", &inner);
        room.refuses("relayed in relayed", &nested, 0, "the message does not parse");

        room.engine.set_rows(room.rows.clone());
        assert!(room.send(&good, 0).result.is_ok());
        room.rows = room.engine.rows();
        let text = "sequence must be above 7, the last of this session";
        room.refuses("a replay", &good, 0, text);
        let permit_name = good.permit.params.permit_name.clone();
        let end = serde_json::to_vec(&AccessMsg::RevokePermit { permit_name }).unwrap();
        let owner = room.cast.owner.address.to_string();
        room.engine.call(Entry::Execute, &START, &owner, &end).unwrap().result.unwrap();
        room.rows = room.engine.rows();
        room.refuses("under a revoked permit", &good, 0, "the permit is revoked");
    }
}

/// However many sessions have had messages relayed, the next one costs the same.
#[test]
fn gas_does_not_grow_with_sessions() {
    for mut room in Room::all() {
        let states = [1, 100, 10_000_u32].map(|sessions| {
            let mut rows = room.rows.clone();
            for number in 0..sessions {
                let mut session_key = [0; 32];
                session_key[..4].copy_from_slice(&number.to_be_bytes());
                let account = &room.cast.owner.address;
                let by =
                    Relayed { account, session_key: &session_key, permit_name: "p", sequence: 1 };
                // Nothing is placed there, and a repetition is no error.
                let nothing = AccessMsg::Unplace { collection: COLLECTION, shard: 5 };
                relay(&mut rows, &START, by, nothing).unwrap();
            }
            rows
        });
        assert_eq!(states[2].0.len(), room.rows.0.len() + 10_000);
        let mut operations = operations(&room.cast);
        operations.retain(|step| matches!(step.act, Act::Relay { .. }));
        assert!(operations.len() >= 3);
        gas_does_not_grow(room.engine.as_mut(), &states, &operations, 1000);
    }
}
