#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use crate::{ExecuteMsg, InstantiateMsg, SignedQueryMsg, execute, instantiate, reader};
use prag_contracts_core::AccessError;
#[cfg(not(feature = "secret"))]
use prag_contracts_permit::testing::account;
use prag_contracts_permit::testing::{Person, signed};
use prag_contracts_permit::{Expected, Introduction};
use prag_contracts_shell::Refusal;
use prag_contracts_shell::std::testing::{MockApi, MockQuerier, MockStorage, mock_env};
use prag_contracts_shell::std::{Addr, Env, MessageInfo, OwnedDeps, Storage, Timestamp, coins};
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, Placement, ShardOf};
use prag_protocol::{Address, CollectionId};

mod guests;
mod pulse;
mod relay;

const CONTRACT: &str = "cosmwasm1jpev2csrppg792t22rn8z8uew8h3sjcpglcd0qv9g8gj8ky922tscp8avs";
const COLLECTION: CollectionId = CollectionId([0xc0; 16]);
const NOW: u64 = 1_700_000_000;
const EXPECTED: Expected<'_> = Expected { chain_id: "prag-1", contract: CONTRACT };

/// The contract, an owner (1), a reader (2), a worker (3), and somebody else (4).
struct Room {
    deps: OwnedDeps<MockStorage, MockApi, MockQuerier>,
    people: [Person; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Owner,
    Reader,
    Worker,
    Stranger,
}

impl Room {
    fn new() -> Self {
        let people = [1, 2, 3, 4].map(|number| Person::new(number, CONTRACT).unwrap());
        let deps = OwnedDeps {
            storage: MockStorage::default(),
            api: MockApi::default(),
            querier: MockQuerier::default(),
            custom_query_type: Default::default(),
        };
        let mut room = Self { deps, people };
        room.tell(Who::Owner, create()).unwrap();
        let grant = grant(&room.address(Who::Reader));
        room.tell(Who::Owner, grant).unwrap();
        let placement = Placement {
            collection: COLLECTION,
            shard: 7,
            epoch: 1,
            worker: [2; 32],
            account: room.address(Who::Worker),
            lease_until: NOW + 1000,
        };
        room.tell(Who::Owner, AccessMsg::Place { placement }).unwrap();
        room
    }

    fn person(&self, who: Who) -> &Person {
        let [owner, reader, worker, stranger] = &self.people;
        match who {
            Who::Owner => owner,
            Who::Reader => reader,
            Who::Worker => worker,
            Who::Stranger => stranger,
        }
    }

    fn address(&self, who: Who) -> Address {
        self.person(who).address.clone()
    }

    fn tell(&mut self, who: Who, message: AccessMsg) -> Result<(), Refusal> {
        let sender = Addr::unchecked(self.address(who).as_str());
        let info = MessageInfo { sender, funds: Vec::new() };
        let message = ExecuteMsg::Ledger(message);
        execute(self.deps.as_mut(), env(NOW), info, message).map(|_| ())
    }

    fn ask(
        &self,
        who: Who,
        permission: &str,
        shard: Option<u32>,
        query: &AccessQuery,
    ) -> Result<AccessReply, Refusal> {
        self.ask_at(NOW, who, permission, shard, query)
    }

    fn ask_at(
        &self,
        now: u64,
        who: Who,
        permission: &str,
        shard: Option<u32>,
        query: &AccessQuery,
    ) -> Result<AccessReply, Refusal> {
        self.ask_with(now, (who, permission, shard), None, query)
    }

    fn ask_with(
        &self,
        now: u64,
        (who, permission, shard): (Who, &str, Option<u32>),
        introduction: Option<Introduction>,
        query: &AccessQuery,
    ) -> Result<AccessReply, Refusal> {
        let person = self.person(who);
        let permit = person.permit(&EXPECTED, &[permission], NOW + 1_000_000).unwrap();
        let query = serde_json::to_vec(query).unwrap();
        let mut question = signed(person, &EXPECTED, permit, shard, now + 60, &query);
        question.introduction = introduction;
        reader::answer(
            self.deps.as_ref(),
            &env(now),
            SignedQueryMsg::WithPermit(Box::new(question)),
        )
    }
}

fn env(now: u64) -> Env {
    let mut env = mock_env();
    env.block.chain_id = "prag-1".to_owned();
    env.block.time = Timestamp::from_seconds(now);
    env.contract.address = Addr::unchecked(CONTRACT);
    env
}

fn create() -> AccessMsg {
    AccessMsg::CreateCollection { collection: COLLECTION, commitment: [1; 32], epoch: 1 }
}

fn grant(grantee: &Address) -> AccessMsg {
    AccessMsg::Grant {
        collection: COLLECTION,
        grantee: grantee.clone(),
        read: true,
        write: false,
        max_k: 10,
        quota: None,
        expires: NOW + 500,
        scope: None,
        delegate: 0,
    }
}

/// Who asks, under which permission, through which shard.
type Asker = (Who, &'static str, Option<u32>);

/// Every question, and who may ask it: for use, through shard 7, or to administer.
fn table(room: &Room) -> Vec<(AccessQuery, Vec<Asker>)> {
    let collection = COLLECTION;
    let (owner, reader) = (room.address(Who::Owner), room.address(Who::Reader));
    let (stranger, worker_account) = (room.address(Who::Stranger), room.address(Who::Worker));
    let use_of = |who| (who, "prag_query", None);
    let write_of = |who| (who, "prag_ingest", None);
    let admin = |who| (who, "prag_admin", None);
    let worker =
        || ["prag_query", "prag_ingest", "prag_admin"].map(|name| (Who::Worker, name, Some(7)));
    let any = |who| [use_of(who), write_of(who), admin(who)];
    let members = || [&any(Who::Owner)[..], &any(Who::Reader), &worker()].concat();
    let serving = || [&any(Who::Owner)[..], &worker()].concat();
    let page = |query| (query, vec![admin(Who::Owner)]);
    let listed = [&[admin(Who::Owner)][..], &worker()].concat();
    vec![
        (AccessQuery::Collection { collection }, members()),
        (AccessQuery::Placement { collection, shard: 7 }, members()),
        (AccessQuery::Writer { collection, shard: 7 }, members()),
        (AccessQuery::Policy { collection }, members()),
        (AccessQuery::Grant { collection, grantee: reader.clone() }, members()),
        (
            AccessQuery::Admission {
                collection,
                caller: reader.clone(),
                permit_name: "p".to_owned(),
            },
            members(),
        ),
        // Nobody is told by asking about itself.
        (
            AccessQuery::Admission { collection, caller: stranger, permit_name: "p".to_owned() },
            serving(),
        ),
        (
            AccessQuery::Admission {
                collection,
                caller: worker_account,
                permit_name: "p".to_owned(),
            },
            serving(),
        ),
        (
            AccessQuery::PermitRevoked { address: reader.clone(), permit_name: "p".to_owned() },
            any(Who::Reader).to_vec(),
        ),
        (AccessQuery::Shared { grantee: reader, offset: 0, limit: 1 }, any(Who::Reader).to_vec()),
        page(AccessQuery::Collections { owner, offset: 0, limit: 1 }),
        (AccessQuery::Grants { collection, offset: 0, limit: 1 }, listed),
    ]
}

/// The whole matrix: whoever is not listed for a question gets the answer that an absent collection has.
#[test]
fn who_may_ask_what() {
    let room = Room::new();
    for (query, allowed) in table(&room) {
        for who in [Who::Owner, Who::Reader, Who::Worker, Who::Stranger] {
            for permission in ["prag_query", "prag_ingest", "prag_admin"] {
                for shard in [None, Some(7), Some(8)] {
                    let asked = room.ask(who, permission, shard, &query);
                    // Only a worker's shard matters.
                    let named = if who == Who::Worker { shard } else { None };
                    if allowed.contains(&(who, permission, named)) {
                        assert!(
                            asked.is_ok(),
                            "{who:?} {permission} {shard:?} {query:?}: {asked:?}"
                        );
                    } else {
                        assert_eq!(
                            asked,
                            Err(Refusal::Hidden),
                            "{who:?} {permission} {shard:?} {query:?}"
                        );
                    }
                }
            }
        }
    }
}

/// A grant opens its collection until it ends; after that it speaks of itself only.
#[test]
fn a_grant_opens_until_it_ends() {
    let mut room = Room::new();
    let query = AccessQuery::Policy { collection: COLLECTION };
    let own = AccessQuery::Grant { collection: COLLECTION, grantee: room.address(Who::Reader) };
    let ask = |room: &Room, now, query| room.ask_at(now, Who::Reader, "prag_query", None, query);
    assert!(ask(&room, NOW + 499, &query).is_ok());
    assert_eq!(ask(&room, NOW + 500, &query), Err(Refusal::Hidden));
    assert!(ask(&room, NOW + 500, &own).is_ok());
    let grantee = room.address(Who::Reader);
    room.tell(Who::Owner, AccessMsg::Revoke { collection: COLLECTION, grantee }).unwrap();
    assert_eq!(ask(&room, NOW, &query), Err(Refusal::Hidden));
    let Ok(AccessReply::Grant(Some(grant))) = ask(&room, NOW, &own) else { panic!() };
    assert!(grant.revoked);
}

/// A lease opens until it ends or its key is past; a destroyed collection still says so to its worker.
#[test]
fn a_lease_opens_until_it_ends() {
    let mut room = Room::new();
    let query = AccessQuery::Collection { collection: COLLECTION };
    let ask = |room: &Room, now| room.ask_at(now, Who::Worker, "prag_query", Some(7), &query);
    assert!(ask(&room, NOW + 999).is_ok());
    assert_eq!(ask(&room, NOW + 1000), Err(Refusal::Hidden));
    room.tell(Who::Owner, AccessMsg::DestroyCollection { collection: COLLECTION }).unwrap();
    let Ok(AccessReply::Collection(Some(record))) = ask(&room, NOW) else { panic!() };
    assert!(record.destroyed);

    let mut room = Room::new();
    let rotate = AccessMsg::RotateEpoch { collection: COLLECTION, epoch: 2, commitment: [2; 32] };
    room.tell(Who::Owner, rotate).unwrap();
    assert_eq!(ask(&room, NOW), Err(Refusal::Hidden));
}

/// Anybody may ask for an anchor, without a permit; a worker writes one through its placement, and nobody else does.
#[test]
fn anchors_are_open() {
    let mut room = Room::new();
    let anchor = |shard: Option<u32>| {
        let shard = shard.map(|shard| ShardOf { collection: COLLECTION, shard });
        AccessMsg::Anchor { shard, worker: [2; 32], root: [3; 32], previous: [0; 32] }
    };
    let unplaced = Refusal::core(AccessError::NotPlaced);
    for (who, shard) in
        [(Who::Worker, None), (Who::Worker, Some(6)), (Who::Owner, Some(7)), (Who::Owner, None)]
    {
        assert_eq!(room.tell(who, anchor(shard)), Err(unplaced.clone()));
    }
    room.tell(Who::Worker, anchor(Some(7))).unwrap();
    let question = SignedQueryMsg::Anchor { account: room.address(Who::Worker) };
    let reply = reader::answer(room.deps.as_ref(), &env(NOW), question).unwrap();
    let AccessReply::Anchor(Some(anchor)) = reply else { panic!("{reply:?}") };
    assert_eq!(anchor.root, [3; 32]);
}

/// A question over a bound, or none at all, is refused as such and not as hidden.
#[test]
fn bad_questions_are_named() {
    let room = Room::new();
    let owner = room.address(Who::Owner);
    let long = AccessQuery::Collections { owner, offset: 0, limit: 101 };
    let refused = room.ask(Who::Owner, "prag_admin", None, &long).unwrap_err();
    assert_eq!(refused.to_string(), "limit must be 1 to 100");
}

/// Coins and senders without an address are refused, and nothing is stored.
#[test]
fn messages_are_checked_before_the_core() {
    let mut room = Room::new();
    let sender = Addr::unchecked(room.address(Who::Owner).as_str());
    let before = rows(&room);
    let info = MessageInfo { sender: sender.clone(), funds: coins(1, "uscrt") };
    let paid = execute(room.deps.as_mut(), env(NOW), info.clone(), ExecuteMsg::Ledger(create()));
    assert_eq!(paid.unwrap_err(), Refusal::Funds);
    let born = instantiate(room.deps.as_mut(), env(NOW), info, InstantiateMsg {});
    assert_eq!(born.unwrap_err(), Refusal::Funds);

    let odd = MessageInfo { sender: Addr::unchecked("Not An Address"), funds: Vec::new() };
    let told = execute(room.deps.as_mut(), env(NOW), odd, ExecuteMsg::Ledger(create()));
    assert_eq!(told.unwrap_err(), Refusal::Sender);
    assert_eq!(rows(&room), before);
}

/// An account of another chain is nobody here. (Secret's mock takes any text; there `vm` shows it with the wasm.)
#[cfg(not(feature = "secret"))]
#[test]
fn foreign_addresses_are_refused() {
    let mut room = Room::new();
    let before = rows(&room);
    let foreign = account("osmo", 1).unwrap();
    let placement = Placement {
        collection: COLLECTION,
        shard: 0,
        epoch: 1,
        worker: [2; 32],
        account: foreign.clone(),
        lease_until: NOW + 1,
    };
    for (message, field) in [
        (grant(&foreign), "grantee"),
        (AccessMsg::Transfer { collection: COLLECTION, to: foreign.clone() }, "to"),
        (AccessMsg::Place { placement }, "account"),
    ] {
        assert_eq!(room.tell(Who::Owner, message), Err(Refusal::Address(field)));
    }
    assert_eq!(rows(&room), before);
}

/// The frozen keys of the core are the chain's raw keys: no prefix, no padding.
#[test]
fn raw_keys_are_the_cores() {
    let room = Room::new();
    let key = [&[1, b'c'][..], &COLLECTION.0].concat();
    let value = room.deps.storage.get(&key).unwrap();
    assert_eq!(value[0], 1, "the record's format");
    assert!(room.deps.storage.get(&COLLECTION.0).is_none());
}

/// Values of the rows that these tests touch.
fn rows(room: &Room) -> Vec<Option<Vec<u8>>> {
    let fields = [b'c', b'y', b'l', b'p'];
    let key = |table: u8| [&[1, table][..], &COLLECTION.0].concat();
    let mut keys: Vec<Vec<u8>> = fields.into_iter().map(key).collect();
    keys.push([&key(b'l')[..], &[0]].concat());
    keys.push([&key(b'p')[..], &[0, 0, 0, 0]].concat());
    keys.iter().map(|key| room.deps.storage.get(key)).collect()
}
