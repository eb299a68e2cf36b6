//! The story: create, grant, delegate, place, anchor, meter, sell, rotate, relay, revoke, refuse, ask.
//!
//! Layer: vm, access.
//! Holds: the steps in their order.
//! Never: two steps that only succeed: every rule of the contract that can refuse does so once.
//! Invariant: steps name no chain; whoever performs them does.

use super::{Act, COLLECTION, Cast, START, Step};
use crate::subscription::coins;
use prag_contracts_core::Env;
use prag_contracts_permit::testing::Person;
use prag_protocol::Address;
use prag_protocol::ledger::{AccessMsg, AccessQuery, BuyMsg, Offer, Placement, ShardOf};

/// Every step.
#[must_use]
pub fn story(cast: &Cast) -> Vec<Step<'_>> {
    let mut steps = Steps(Vec::new());
    birth(&mut steps, cast);
    grants(&mut steps, cast);
    delegating(&mut steps, cast);
    placements(&mut steps, cast);
    selling(&mut steps, cast);
    metering(&mut steps, cast);
    relaying(&mut steps, cast);
    end(&mut steps, cast);
    steps.0
}

fn birth<'a>(steps: &mut Steps<'a>, cast: &'a Cast) {
    let Cast { owner, reader, stranger, .. } = cast;
    let query = AccessQuery::Collection { collection: COLLECTION };
    steps.hidden("asked before birth", stranger, query.clone());
    steps.tell("create", owner, create());
    steps.tell("create again", stranger, create());
    steps.ask("the owner asks", owner, query.clone());
    steps.hidden("a stranger asks", stranger, query);
    steps.tell("not the owner", stranger, grant(&reader.address, 10, 3600));
}

fn grants<'a>(steps: &mut Steps<'a>, cast: &'a Cast) {
    let Cast { owner, reader, stranger, .. } = cast;
    steps.tell("grant to oneself", owner, grant(&owner.address, 10, 3600));
    steps.tell("max_k of zero", owner, grant(&reader.address, 0, 3600));
    steps.tell("expired at birth", owner, grant(&reader.address, 10, 0));
    steps.tell("grant", owner, grant(&reader.address, 10, 3600));
    steps.tell("grant to another", owner, grant(&stranger.address, 1, 3600));
    let mine = AccessQuery::Grant { collection: COLLECTION, grantee: reader.address.clone() };
    steps.ask("the grantee asks for its grant", reader, mine.clone());
    steps.hidden("another asks for it", stranger, mine);
    steps.ask(
        "the grantee asks for the collection",
        reader,
        AccessQuery::Collection { collection: COLLECTION },
    );
    let page = AccessQuery::Grants { collection: COLLECTION, offset: 0, limit: 100 };
    steps.administer("the owner lists its grants", owner, page.clone());
    steps.hidden("the grantee lists them", reader, page);
    steps.ask(
        "what is shared with the grantee",
        reader,
        AccessQuery::Shared { grantee: reader.address.clone(), offset: 0, limit: 10 },
    );
    let owned = AccessQuery::Collections { owner: owner.address.clone(), offset: 0, limit: 10 };
    steps.administer("the owner lists its collections", owner, owned.clone());
    steps.hidden("the same under a permit for use", owner, owned);
}

fn delegating<'a>(steps: &mut Steps<'a>, cast: &'a Cast) {
    let Cast { owner, reader, worker, stranger, .. } = cast;
    let one = || grant(&worker.address, 1, 3600);
    steps.tell("a grant by a grantee", stranger, one());
    steps.tell("a delegate", owner, appoint(&stranger.address, 1));
    steps.tell("a delegate of a delegate", stranger, appoint(&worker.address, 1));
    steps.tell("beyond the delegate's", stranger, grant(&worker.address, 11, 3600));
    steps.tell("over the owner's word", stranger, grant(&reader.address, 1, 3600));
    steps.tell("a delegate grants", stranger, one());
    let given = AccessQuery::Grant { collection: COLLECTION, grantee: worker.address.clone() };
    steps.ask("and sees what it gave", stranger, given.clone());
    steps.hidden("another grantee asks for that", reader, given);
    let revoke = AccessMsg::Revoke { collection: COLLECTION, grantee: worker.address.clone() };
    steps.tell("a delegate revokes", stranger, revoke);
}

fn selling<'a>(steps: &mut Steps<'a>, cast: &'a Cast) {
    let Cast { owner, reader, worker, stranger, offer } = cast;
    let price = |offer: Option<&Offer>| AccessMsg::SetPrice {
        collection: COLLECTION,
        offer: offer.cloned(),
    };
    steps.buy("buy what has no price", worker, offer, 5);
    steps.tell("a price of another's", stranger, price(Some(offer)));
    steps.tell("a price", owner, price(Some(offer)));
    steps.tell("the same price", owner, price(Some(offer)));
    steps.ask("anybody asks", stranger, AccessQuery::Price { collection: COLLECTION });
    steps.buy("buy for less", worker, offer, 4);
    steps.buy("buy one's own", owner, offer, 5);
    steps.buy("buy what one holds", reader, offer, 5);
    steps.buy("buy", worker, offer, 5);
    steps.buy("buy more", worker, offer, 5);
    steps.tell("consume what was sold", worker, consume(&worker.address, 7));
    steps.tell("consume more than was sold", worker, consume(&worker.address, 14));
    let revoke = AccessMsg::Revoke { collection: COLLECTION, grantee: worker.address.clone() };
    steps.tell("the owner revokes what it sold", owner, revoke);
    steps.buy("buy after that", worker, offer, 5);
    steps.tell("no price", owner, price(None));
    steps.buy("buy what has none any more", worker, offer, 5);
}

fn placements<'a>(steps: &mut Steps<'a>, cast: &'a Cast) {
    let Cast { owner, reader, worker, stranger, .. } = cast;
    steps.tell("a key epoch too far", owner, place(&worker.address, 3));
    steps.tell("place", owner, place(&worker.address, 1));
    steps.tell("claim without a placement", stranger, claim(1));
    steps.tell("claim", worker, claim(1));
    steps.tell("claim again", worker, claim(1));
    let rebind = AccessMsg::Rebind { collection: COLLECTION, shard: 0, worker: [0x33; 32] };
    steps.tell("rebind", worker, rebind);
    let writer = AccessQuery::Writer { collection: COLLECTION, shard: 0 };
    steps.through("the worker asks for its writer epoch", worker, writer.clone());
    steps.hidden("without naming its shard", worker, writer);
    steps.through(
        "the worker admits the grantee",
        worker,
        AccessQuery::Admission {
            collection: COLLECTION,
            caller: reader.address.clone(),
            permit_name: "prag/1|sk=x|exp=1".to_owned(),
        },
    );
    let anchor = |root, previous| anchor([0x33; 32], root, previous);
    steps.tell("anchor without a placement", stranger, anchor([1; 32], [0; 32]));
    steps.tell("anchor", worker, anchor([1; 32], [0; 32]));
    steps.tell("anchor on a stale root", worker, anchor([2; 32], [0; 32]));
    steps.tell("anchor on the last root", worker, anchor([2; 32], [1; 32]));
    let account = worker.address.clone();
    steps.ask("anybody asks for an anchor", stranger, AccessQuery::Anchor { account });
}

fn metering<'a>(steps: &mut Steps<'a>, cast: &'a Cast) {
    let Cast { owner, reader, worker, stranger, .. } = cast;
    steps.tell("consume", worker, consume(&reader.address, 400));
    steps.tell("consume too much", worker, consume(&reader.address, 601));
    steps.tell("consume the rest", worker, consume(&reader.address, 600));
    steps.tell("consume unplaced", stranger, consume(&reader.address, 1));
    let policy = AccessMsg::SetPolicy {
        collection: COLLECTION,
        measurements: vec![[7; 32], [8; 32]],
        readers: vec![[9; 32]],
    };
    steps.tell("policy", owner, policy);
    let twice = AccessMsg::SetPolicy {
        collection: COLLECTION,
        measurements: vec![[7; 32], [7; 32]],
        readers: vec![],
    };
    steps.tell("a policy that repeats itself", owner, twice);
    let rotate =
        |epoch| AccessMsg::RotateEpoch { collection: COLLECTION, epoch, commitment: [4; 32] };
    steps.tell("rotate", owner, rotate(2));
    steps.tell("rotate again", owner, rotate(2));
    steps.tell("skip an epoch", owner, rotate(4));
    steps.tell("claim under a past key", worker, claim(2));
    steps.hidden_through(
        "the fenced worker asks",
        worker,
        AccessQuery::Policy { collection: COLLECTION },
    );
}

fn relaying<'a>(steps: &mut Steps<'a>, cast: &'a Cast) {
    let Cast { owner, reader, stranger, .. } = cast;
    let policy = |readers| AccessMsg::SetPolicy {
        collection: COLLECTION,
        measurements: vec![[7; 32]],
        readers,
    };
    steps.relay("a relayed policy", owner, 10, policy(vec![]));
    steps.relay("the same again", owner, 10, policy(vec![]));
    steps.relay("another of that sequence", owner, 10, policy(vec![[9; 32]]));
    steps.relay("an earlier one", owner, 9, policy(vec![[9; 32]]));
    steps.relay("another, later", owner, 12, policy(vec![[9; 32]]));
    steps.relay("of who does not own it", stranger, 1, policy(vec![]));
    let twice = AccessMsg::RotateEpoch { collection: COLLECTION, epoch: 2, commitment: [5; 32] };
    steps.relay("refused by the core", owner, 13, twice);
    steps.relay("its sequence is free", owner, 13, grant(&stranger.address, 5, 3600));
    let permit_name = "prag/1|sk=of-no-session|exp=1".to_owned();
    steps.relay("a relayed end of a permit", reader, 1, AccessMsg::RevokePermit { permit_name });
}

fn end<'a>(steps: &mut Steps<'a>, cast: &'a Cast) {
    let Cast { owner, reader, worker, stranger, .. } = cast;
    let revoke = AccessMsg::Revoke { collection: COLLECTION, grantee: reader.address.clone() };
    steps.tell("revoke", owner, revoke.clone());
    steps.tell("revoke again", owner, revoke);
    steps.hidden(
        "the revoked grantee asks",
        reader,
        AccessQuery::Collection { collection: COLLECTION },
    );
    steps.ask(
        "but sees that it is revoked",
        reader,
        AccessQuery::Grant { collection: COLLECTION, grantee: reader.address.clone() },
    );
    steps.tell("place anew", owner, place(&worker.address, 2));
    steps.tell("consume a revoked grant", worker, consume(&reader.address, 1));
    let permit_name = "prag/1|sk=of-another-session|exp=1".to_owned();
    steps.tell(
        "revoke a permit",
        reader,
        AccessMsg::RevokePermit { permit_name: permit_name.clone() },
    );
    let address = reader.address.clone();
    steps.ask("is it revoked", reader, AccessQuery::PermitRevoked { address, permit_name });
    let to = stranger.address.clone();
    let transfer = AccessMsg::Transfer { collection: COLLECTION, to };
    steps.tell("transfer", owner, transfer.clone());
    steps.tell("transfer what is gone", owner, transfer);
    steps.tell("unplace", stranger, AccessMsg::Unplace { collection: COLLECTION, shard: 0 });
    let destroy = AccessMsg::DestroyCollection { collection: COLLECTION };
    steps.tell("destroy", stranger, destroy.clone());
    steps.tell("destroy again", stranger, destroy);
    steps.ask("what is left", stranger, AccessQuery::Collection { collection: COLLECTION });
}

/// Steps so far; each is a block later than the one before.
struct Steps<'a>(Vec<Step<'a>>);

impl<'a> Steps<'a> {
    fn tell(&mut self, name: &'static str, by: &'a Person, message: AccessMsg) {
        self.add(name, by, Act::Tell(message));
    }

    fn relay(&mut self, name: &'static str, by: &'a Person, sequence: u64, message: AccessMsg) {
        self.add(name, by, Act::Relay { message, sequence });
    }

    fn buy(&mut self, name: &'static str, by: &'a Person, offer: &Offer, amount: u128) {
        let message = BuyMsg { collection: COLLECTION, offer: offer.clone() };
        self.add(name, by, Act::Buy { message, funds: coins(amount) });
    }

    fn ask(&mut self, name: &'static str, by: &'a Person, query: AccessQuery) {
        self.add(name, by, Act::Ask { query, permission: USE, shard: None, hidden: false });
    }

    fn administer(&mut self, name: &'static str, by: &'a Person, query: AccessQuery) {
        let permission = "prag_admin";
        self.add(name, by, Act::Ask { query, permission, shard: None, hidden: false });
    }

    fn hidden(&mut self, name: &'static str, by: &'a Person, query: AccessQuery) {
        self.add(name, by, Act::Ask { query, permission: USE, shard: None, hidden: true });
    }

    fn through(&mut self, name: &'static str, by: &'a Person, query: AccessQuery) {
        self.add(name, by, Act::Ask { query, permission: USE, shard: Some(0), hidden: false });
    }

    fn hidden_through(&mut self, name: &'static str, by: &'a Person, query: AccessQuery) {
        self.add(name, by, Act::Ask { query, permission: USE, shard: Some(0), hidden: true });
    }

    fn add(&mut self, name: &'static str, by: &'a Person, act: Act) {
        let blocks = u64::try_from(self.0.len()).unwrap_or(u64::MAX);
        let height = START.height.saturating_add(blocks);
        let time = START.time.saturating_add(blocks.saturating_mul(6));
        self.0.push(Step { name, by, act, env: Env { height, time } });
    }
}

pub(super) fn create() -> AccessMsg {
    AccessMsg::CreateCollection { collection: COLLECTION, commitment: [1; 32], epoch: 1 }
}

/// `seconds` from the start of the stories.
pub(super) fn grant(grantee: &Address, max_k: u32, seconds: u64) -> AccessMsg {
    AccessMsg::Grant {
        collection: COLLECTION,
        grantee: grantee.clone(),
        read: true,
        write: false,
        max_k,
        quota: Some(1000),
        expires: START.time.saturating_add(seconds),
        scope: Some(r#"{"label":"public"}"#.to_owned()),
        delegate: 0,
    }
}

/// As [`grant`], with so many grants of its own.
pub(super) fn appoint(grantee: &Address, most: u32) -> AccessMsg {
    let mut message = grant(grantee, 10, 3600);
    if let AccessMsg::Grant { delegate, .. } = &mut message {
        *delegate = most;
    }
    message
}

pub(super) fn place(account: &Address, epoch: u32) -> AccessMsg {
    let placement = Placement {
        collection: COLLECTION,
        shard: 0,
        epoch,
        worker: [0x22; 32],
        account: account.clone(),
        lease_until: START.time.saturating_add(86_400),
    };
    AccessMsg::Place { placement }
}

pub(super) fn anchor(worker: [u8; 32], root: [u8; 32], previous: [u8; 32]) -> AccessMsg {
    let shard = Some(ShardOf { collection: COLLECTION, shard: 0 });
    AccessMsg::Anchor { shard, worker, root, previous }
}

pub(super) fn claim(epoch: u64) -> AccessMsg {
    AccessMsg::ClaimWriter { collection: COLLECTION, shard: 0, epoch }
}

pub(super) fn consume(grantee: &Address, units: u64) -> AccessMsg {
    AccessMsg::Consume { collection: COLLECTION, shard: 0, grantee: grantee.clone(), units }
}

const USE: &str = "prag_query";
