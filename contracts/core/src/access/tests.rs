#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]
use super::*;
use crate::access;
use crate::tests::{Chance, Map};
use crate::{Funds, Payment};
use prag_protocol::ledger::{
    AccessQuery, AccessReply, Admission, GrantRecord, Offer, Placement, ShardOf,
};
use std::collections::BTreeMap;

mod delegates;
mod effects;
mod giving;
mod model;
mod price;
mod pulse;
mod refusals;
mod relayed;
mod rows;

/// A ledger at one height and time, with short verbs.
pub(super) struct World {
    pub(super) map: Map,
    pub(super) env: Env,
}

pub(super) const NOW: u64 = 1_000_000;

impl World {
    pub(super) fn empty() -> Self {
        let env = Env { height: 7, time: NOW };
        let map = Map::default();
        Self { map, env }
    }

    /// Collection 1 of "owner", placed on "worker" for 100 s, granted to "reader" for 50 s and 10 units.
    pub(super) fn new() -> Self {
        let mut world = Self::empty();
        world.ok("owner", create(1));
        world.ok("owner", place(1, 0, 1, NOW + 100));
        world.ok("owner", grant(1, "reader", Some(10), NOW + 50));
        world
    }

    pub(super) fn run(&mut self, who: &str, message: AccessMsg) -> Result<Vec<Event>, AccessError> {
        access::execute(&mut self.map, &self.env, &account(who), message)
    }

    pub(super) fn ok(&mut self, who: &str, message: AccessMsg) -> Vec<Event> {
        let shown = format!("{message:?}");
        match self.run(who, message) {
            Ok(events) => events,
            Err(error) => panic!("{shown}: {error}"),
        }
    }

    /// Refused for this reason, and nothing changed.
    pub(super) fn refuses(&mut self, who: &str, message: AccessMsg, reason: AccessError) {
        let before = self.map.clone();
        let shown = format!("{who}: {message:?}");
        assert_eq!(self.run(who, message), Err(reason), "{shown}");
        assert_eq!(self.map, before, "{shown} left a trace");
    }

    pub(super) fn ask(&self, query: AccessQuery) -> AccessReply {
        access::query(&self.map, &self.env, query).unwrap()
    }

    pub(super) fn grant(&self, n: u8, who: &str) -> GrantRecord {
        let (collection, grantee) = (id(n), account(who));
        match self.ask(AccessQuery::Grant { collection, grantee }) {
            AccessReply::Grant(Some(grant)) => grant,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn admission(&self, n: u8, who: &str) -> Admission {
        let (collection, caller) = (id(n), account(who));
        match self.ask(AccessQuery::Admission { collection, caller, permit_name: "p".to_owned() }) {
            AccessReply::Admission(admission) => admission,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn used(&self, n: u8, who: &str) -> u64 {
        self.grant(n, who).used
    }
}

pub(super) fn id(n: u8) -> CollectionId {
    CollectionId([n; 16])
}

pub(super) fn account(name: &str) -> Address {
    format!("secret1{name}").parse().unwrap()
}

pub(super) fn create(n: u8) -> AccessMsg {
    AccessMsg::CreateCollection { collection: id(n), commitment: [n; 32], epoch: 1 }
}

pub(super) fn destroy(n: u8) -> AccessMsg {
    let collection = id(n);
    AccessMsg::DestroyCollection { collection }
}

pub(super) fn transfer(n: u8, to: &str) -> AccessMsg {
    AccessMsg::Transfer { collection: id(n), to: account(to) }
}

pub(super) fn rotate(n: u8, epoch: u32) -> AccessMsg {
    AccessMsg::RotateEpoch { collection: id(n), epoch, commitment: [0xee; 32] }
}

pub(super) fn rebind(n: u8, shard: u32, worker: u8) -> AccessMsg {
    AccessMsg::Rebind { collection: id(n), shard, worker: [worker; 32] }
}

pub(super) fn grant(n: u8, to: &str, quota: Option<u64>, expires: u64) -> AccessMsg {
    AccessMsg::Grant {
        collection: id(n),
        grantee: account(to),
        read: true,
        write: false,
        max_k: 10,
        quota,
        expires,
        scope: None,
        delegate: 0,
    }
}

/// As [`grant`], with so many grants of its own.
pub(super) fn appoint(n: u8, to: &str, quota: Option<u64>, expires: u64, most: u32) -> AccessMsg {
    let mut message = grant(n, to, quota, expires);
    if let AccessMsg::Grant { delegate, .. } = &mut message {
        *delegate = most;
    }
    message
}

/// What 100 seconds and 10 units cost.
pub(super) fn offer(amount: u128) -> Offer {
    Offer {
        amount: amount.try_into().unwrap(),
        denom: "uscrt".parse().unwrap(),
        seconds: 100,
        max_k: 10,
        quota: Some(10),
    }
}

pub(super) fn set_price(n: u8, amount: Option<u128>) -> AccessMsg {
    AccessMsg::SetPrice { collection: id(n), offer: amount.map(offer) }
}

pub(super) fn revoke(n: u8, from: &str) -> AccessMsg {
    AccessMsg::Revoke { collection: id(n), grantee: account(from) }
}

pub(super) fn revoke_permit(name: &str) -> AccessMsg {
    let permit_name = name.to_owned();
    AccessMsg::RevokePermit { permit_name }
}

pub(super) fn place_on(n: u8, shard: u32, epoch: u32, lease_until: u64, who: &str) -> AccessMsg {
    let placement = Placement {
        collection: id(n),
        shard,
        epoch,
        worker: [5; 32],
        account: account(who),
        lease_until,
    };
    AccessMsg::Place { placement }
}

pub(super) fn place(n: u8, shard: u32, epoch: u32, lease_until: u64) -> AccessMsg {
    place_on(n, shard, epoch, lease_until, "worker")
}

pub(super) fn unplace(n: u8, shard: u32) -> AccessMsg {
    let collection = id(n);
    AccessMsg::Unplace { collection, shard }
}

pub(super) fn claim(n: u8, shard: u32, epoch: u64) -> AccessMsg {
    AccessMsg::ClaimWriter { collection: id(n), shard, epoch }
}

pub(super) fn anchor(root: u8, previous: u8) -> AccessMsg {
    let (root, previous) = ([root; 32], [previous; 32]);
    AccessMsg::Anchor { shard: None, worker: [5; 32], root, previous }
}

/// The same by whoever holds a live placement of the shard.
pub(super) fn anchor_through(n: u8, shard: u32, root: u8, previous: u8) -> AccessMsg {
    let mut message = anchor(root, previous);
    if let AccessMsg::Anchor { shard: through, .. } = &mut message {
        *through = Some(ShardOf { collection: id(n), shard });
    }
    message
}

pub(super) fn policy(n: u8, measurements: &[u8], readers: &[u8]) -> AccessMsg {
    let wide = |entries: &[u8]| entries.iter().map(|entry| [*entry; 32]).collect();
    AccessMsg::SetPolicy {
        collection: id(n),
        measurements: wide(measurements),
        readers: wide(readers),
    }
}

pub(super) fn consume(n: u8, shard: u32, grantee: &str, units: u64) -> AccessMsg {
    AccessMsg::Consume { collection: id(n), shard, grantee: account(grantee), units }
}
