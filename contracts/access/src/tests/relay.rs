//! Relayed messages happen as their account's own, once; a refused one changes nothing, its sequence neither.

use super::*;
use crate::OwnMsg;
use prag_contracts_permit::testing::relayed;
use prag_contracts_permit::{PermitError, RelayTerms, SignedMessage};
use prag_protocol::ledger::Relaying;

const TERMS: RelayTerms = RelayTerms { sequence: 7, until: NOW + 60 };
const EXPECTED: Expected<'_> = Expected { chain_id: "prag-1", contract: CONTRACT };

impl Room {
    fn signed(&self, who: Who, permission: &str, terms: RelayTerms, text: &[u8]) -> SignedMessage {
        let person = self.person(who);
        let permit = person.permit(&EXPECTED, &[permission], NOW + 100).unwrap();
        relayed(person, &EXPECTED, permit, terms, text)
    }

    /// The owner's, under `prag_admin`.
    fn owners(&self, sequence: u64, message: &AccessMsg) -> SignedMessage {
        let text = serde_json::to_vec(message).unwrap();
        self.signed(Who::Owner, "prag_admin", RelayTerms { sequence, ..TERMS }, &text)
    }

    /// Sent by the stranger, through JSON.
    fn relay(&mut self, signed: &SignedMessage) -> Result<(), Refusal> {
        self.relay_at(NOW, signed)
    }

    fn relay_at(&mut self, now: u64, signed: &SignedMessage) -> Result<(), Refusal> {
        let json = serde_json::to_string(&OwnMsg::Relayed(Box::new(signed.clone()))).unwrap();
        let message: ExecuteMsg = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), json);
        let sender = Addr::unchecked(self.address(Who::Stranger).as_str());
        let info = MessageInfo { sender, funds: Vec::new() };
        execute(self.deps.as_mut(), env(now), info, message).map(|_| ())
    }

    /// Refused for this reason, and nothing changed.
    fn refuses(&mut self, signed: &SignedMessage, reason: Refusal) {
        let before = self.everything();
        assert_eq!(self.relay(signed), Err(reason));
        assert_eq!(self.everything(), before);
    }

    /// The rows of the other tests, and each person's sequence and permit.
    fn everything(&self) -> Vec<Option<Vec<u8>>> {
        let mut all = rows(self);
        for person in &self.people {
            let name = person.permit(&EXPECTED, &["prag_admin"], NOW + 100).unwrap();
            let name = name.params.permit_name.into_bytes();
            let text = person.address.as_str().as_bytes();
            let length = u8::try_from(text.len()).unwrap();
            for (table, last) in [(b'q', person.session_key().to_vec()), (b'r', name)] {
                let key = [&[1, table, length], text, &last].concat();
                all.push(self.deps.storage.get(&key));
            }
            let grant = [&[1, b'g'], &COLLECTION.0[..], text].concat();
            all.push(self.deps.storage.get(&grant));
        }
        all
    }
}

fn revoke(room: &Room) -> AccessMsg {
    AccessMsg::Revoke { collection: COLLECTION, grantee: room.address(Who::Reader) }
}

/// One message of each kind, as the owner could send it.
fn one_of_each(room: &Room) -> Vec<AccessMsg> {
    let (collection, shard, epoch) = (COLLECTION, 7, 1);
    let (worker, grantee) = ([2; 32], room.address(Who::Reader));
    let account = room.address(Who::Owner);
    let through = Some(ShardOf { collection, shard });
    let placement =
        Placement { collection, shard, epoch, worker, account, lease_until: NOW + 1000 };
    vec![
        AccessMsg::Place { placement },
        AccessMsg::Rebind { collection, shard, worker: [3; 32] },
        AccessMsg::ClaimWriter { collection, shard, epoch: 1 },
        AccessMsg::Anchor { shard: through, worker, root: [3; 32], previous: [0; 32] },
        AccessMsg::Consume { collection, shard, grantee: grantee.clone(), units: 1 },
        AccessMsg::Unplace { collection, shard },
        AccessMsg::CreateCollection {
            collection: CollectionId([1; 16]),
            commitment: [1; 32],
            epoch,
        },
        grant(&room.address(Who::Stranger)),
        AccessMsg::Revoke { collection, grantee },
        AccessMsg::RevokePermit { permit_name: "another".to_owned() },
        AccessMsg::SetPolicy { collection, measurements: vec![], readers: vec![] },
        AccessMsg::SetPrice { collection, offer: None },
        AccessMsg::RotateEpoch { collection, epoch: 2, commitment: [2; 32] },
        AccessMsg::Transfer { collection, to: room.address(Who::Stranger) },
        AccessMsg::DestroyCollection { collection: CollectionId([1; 16]) },
    ]
}

/// Which permit carries which message: administration those of owners, any one a permit's end, none a worker's.
#[test]
fn what_a_permit_carries() {
    let mut room = Room::new();
    let mut counts = [0; 3];
    for (message, sequence) in one_of_each(&room).into_iter().zip(1..) {
        let text = serde_json::to_vec(&message).unwrap();
        let terms = RelayTerms { sequence: 2 * sequence, ..TERMS };
        let used = room.signed(Who::Owner, "prag_ingest", terms, &text);
        let terms = RelayTerms { sequence: 2 * sequence + 1, ..TERMS };
        let admin = room.signed(Who::Owner, "prag_admin", terms, &text);
        match message.relaying() {
            Relaying::AnyPermit => {
                assert_eq!(room.relay(&used), Ok(()), "{message:?}");
                assert_eq!(room.relay(&admin), Ok(()), "{message:?}");
                counts[0] += 1;
            }
            Relaying::Administration => {
                room.refuses(&used, Refusal::Permission);
                assert_eq!(room.relay(&admin), Ok(()), "{message:?}");
                counts[1] += 1;
            }
            Relaying::Never => {
                room.refuses(&used, Refusal::OwnAccount);
                room.refuses(&admin, Refusal::OwnAccount);
                // By itself the owner, placed here, may.
                room.tell(Who::Owner, message).unwrap();
                counts[2] += 1;
            }
        }
    }
    assert_eq!(counts, [1, 10, 4]);
}

/// Once; and what the stranger that sends it could not do itself.
#[test]
fn a_relayed_message_happens_once() {
    let mut room = Room::new();
    let message = revoke(&room);
    assert!(room.tell(Who::Stranger, message.clone()).is_err());
    let signed = room.owners(7, &message);
    room.relay(&signed).unwrap();
    let last =
        |last| Refusal::Core(format!("sequence must be above {last}, the last of this session"));
    room.refuses(&signed, last(7));
    let earlier = room.owners(6, &grant(&room.address(Who::Reader)));
    room.refuses(&earlier, last(7));
    let later = room.owners(8, &grant(&room.address(Who::Reader)));
    room.relay(&later).unwrap();
    room.refuses(&signed, last(8));
}

/// Whoever signed has its own rights, not the sender's and not the owner's.
#[test]
fn nobody_gains_a_right() {
    let mut room = Room::new();
    let text = serde_json::to_vec(&revoke(&room)).unwrap();
    for who in [Who::Reader, Who::Worker, Who::Stranger] {
        let signed = room.signed(who, "prag_admin", TERMS, &text);
        let reason = "the collection is absent or not the sender's".to_owned();
        room.refuses(&signed, Refusal::Core(reason));
    }
    let mut foreign = room.owners(7, &revoke(&room));
    foreign.permit = room.signed(Who::Reader, "prag_admin", TERMS, &text).permit;
    room.refuses(&foreign, Refusal::Permit(PermitError::Session));
    let elsewhere = Expected { chain_id: "prag-2", ..EXPECTED };
    let owner = room.person(Who::Owner);
    let permit = owner.permit(&elsewhere, &["prag_admin"], NOW + 100).unwrap();
    let foreign = relayed(owner, &elsewhere, permit, TERMS, &text);
    room.refuses(&foreign, Refusal::Permit(PermitError::Chain));
}

/// A refused message uses up nothing: it may be sent again once what it needs is there.
#[test]
fn a_refusal_uses_up_no_sequence() {
    let mut room = Room::new();
    let signed = room.owners(7, &create());
    room.refuses(&signed, Refusal::Core("the collection id was used before".to_owned()));
    let good = room.owners(7, &revoke(&room));
    room.relay(&good).unwrap();
}

/// A permit's end may come by a relayed message under itself; then it carries nothing more.
#[test]
fn a_revoked_permit_carries_nothing() {
    let mut room = Room::new();
    let name = room.owners(1, &create()).permit.params.permit_name;
    let end = AccessMsg::RevokePermit { permit_name: name };
    let signed = room.owners(1, &end);
    room.relay(&signed).unwrap();
    for message in [end, revoke(&room)] {
        let signed = room.owners(2, &message);
        room.refuses(&signed, Refusal::Core("the permit is revoked".to_owned()));
    }
}

/// From its signature until `until`, by the block's clock.
#[test]
fn a_message_ends() {
    for (now, ends) in [(NOW + 59, false), (NOW + 60, true), (NOW - 240, false), (NOW - 241, true)]
    {
        let mut room = Room::new();
        let signed = room.owners(7, &AccessMsg::DestroyCollection { collection: COLLECTION });
        let refused = Err(Refusal::Permit(PermitError::Until));
        assert_eq!(room.relay_at(now, &signed), if ends { refused } else { Ok(()) }, "{now}");
    }
}

/// What was signed has to be one of the ledger's messages: no other relayed one, and nothing else.
#[test]
fn what_is_no_message_is_refused() {
    let mut room = Room::new();
    let inner = OwnMsg::Relayed(Box::new(room.owners(9, &revoke(&room))));
    let nested = serde_json::to_vec(&inner).unwrap();
    let id = COLLECTION.to_string();
    let more = format!(r#"{{"destroy_collection":{{"collection":"{id}","force":true}}}}"#);
    let two = format!(
        r#"{{"destroy_collection":{{"collection":"{id}"}},"unplace":{{"collection":"{id}","shard":7}}}}"#
    );
    for text in [nested.as_slice(), b"", b"{}", b"[]", more.as_bytes(), two.as_bytes()] {
        let signed = room.signed(Who::Owner, "prag_admin", TERMS, text);
        room.refuses(&signed, Refusal::Json);
    }
    let mut long = room.owners(7, &revoke(&room));
    long.message = "A".repeat(8196);
    room.refuses(&long, Refusal::Permit(PermitError::TooLarge("message")));
    let over = AccessMsg::CreateCollection {
        collection: CollectionId([1; 16]),
        commitment: [1; 32],
        epoch: 2,
    };
    let signed = room.owners(7, &over);
    room.refuses(&signed, Refusal::Core("epoch must be 1 to 1".to_owned()));
}

/// Coins would be lost here, too.
#[test]
fn a_relayed_message_takes_no_coins() {
    let mut room = Room::new();
    let message = ExecuteMsg::Own(OwnMsg::Relayed(Box::new(room.owners(7, &revoke(&room)))));
    let sender = Addr::unchecked(room.address(Who::Stranger).as_str());
    let info = MessageInfo { sender, funds: coins(1, "uscrt") };
    let before = room.everything();
    let told = execute(room.deps.as_mut(), env(NOW), info, message);
    assert_eq!(told.unwrap_err(), Refusal::Funds);
    assert_eq!(room.everything(), before);
}

/// The ledger's messages keep their spelling, and what the ledger refuses is refused beside the new name, too.
#[test]
fn messages_keep_their_spelling() {
    let room = Room::new();
    for message in one_of_each(&room) {
        let json = serde_json::to_string(&message).unwrap();
        let read: ExecuteMsg = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        assert_eq!(read, ExecuteMsg::Ledger(message));
    }
    for bad in [
        r#"{"relayed":{}}"#,
        r#"{"relay":{}}"#,
        r#"{"anchor":{}}"#,
        r#""relayed""#,
        "{}",
        "[]",
        "7",
    ] {
        assert!(serde_json::from_str::<ExecuteMsg>(bad).is_err(), "{bad}");
    }
}
