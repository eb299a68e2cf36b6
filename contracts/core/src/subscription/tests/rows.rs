//! The frozen raw rows, rows that do not read back, and how many of them a message touches.

use super::*;
use prag_protocol::ledger::subscription::{API_KEYS_MAX, RunningRecord, SubscriberRecord};
use std::cell::Cell;

/// Other chains prove membership under these keys.
#[test]
fn golden_keys() {
    let mut world = World::with_ann();
    world.ok("ann", &[], add_key(1));
    let one = [1u8; 32];
    let row = |parts: &[&[u8]]| parts.concat();
    let expected = [
        row(&[b"\x03a"]),
        row(&[b"\x03cuscrt"]),
        row(&[b"\x03h", &[0]]),
        row(&[b"\x03h", &[1], &[0; 4]]),
        row(&[b"\x03h", &[2], &one]),
        row(&[b"\x03k", &one]),
        row(&[b"\x03l", &[0]]),
        row(&[b"\x03l", &[1], &[0; 4]]),
        row(&[b"\x03l", &[1], &[0, 0, 0, 1]]),
        row(&[b"\x03l", &[2], &[0, 0, 0, 1]]),
        row(&[b"\x03l", &[2], &[0, 0, 0, 2]]),
        row(&[b"\x03m", &[0]]),
        row(&[b"\x03m", &[1], &[0; 4]]),
        row(&[b"\x03m", &[2], b"secret1ann"]),
        row(&[b"\x03o\x0asecret1ann", &[0]]),
        row(&[b"\x03o\x0asecret1ann", &[1], &[0; 4]]),
        row(&[b"\x03o\x0asecret1ann", &[2], &one]),
        row(&[b"\x03p", &[0, 0, 0, 1]]),
        row(&[b"\x03p", &[0, 0, 0, 2]]),
        row(&[b"\x03s", b"secret1ann"]),
    ];
    let keys: Vec<_> = world.map.0.keys().cloned().collect();
    assert_eq!(keys, expected);
}

/// The bytes of each record: format, then the fields in order; amounts are decimal text.
#[test]
fn golden_values() {
    let mut world = World::with_ann();
    world.ok("ann", &[], add_key(1));
    let value = |key: &[u8]| world.map.get(key).unwrap();
    assert_eq!(value(b"\x03a"), b"\x01\x0csecret1admin\x00");
    assert_eq!(value(b"\x03cuscrt"), b"\x01\x043000\x010\x010\x043000");
    // 1,000,000 as a varint.
    let now = b"\xc0\x84\x3d";
    let key = [b"\x03k", &[1u8; 32][..]].concat();
    assert_eq!(value(&key), [&b"\x01\x0asecret1ann\x00"[..], now].concat());
    // id 1, price, denomination, 2,592,000 s, 432,000 s, 1000 bp, 3 keys, 500 units, active.
    let plan = b"\x01\x01\x043000\x05uscrt\x80\x9a\x9e\x01\x80\xaf\x1a\xe8\x07\x03\xf4\x03\x01";
    assert_eq!(value(b"\x03p\x00\x00\x00\x01"), plan);
    // not registered; plan 1, from, until 3,592,000, not cancelled, reserved.
    let rest = b"\xc0\x9e\xdb\x01\x00\x043000";
    let subscriber = [&b"\x01\x00\x01\x01"[..], now, rest].concat();
    assert_eq!(value(b"\x03ssecret1ann"), subscriber);
}

/// A record that was cut, stretched, or written in another format is damage, not an answer.
#[test]
fn damage_is_named() {
    let good = World::with_ann();
    let cases: [(&[u8], &str, &str, Coins, SubscriptionMsg); 4] = [
        (b"\x03a", "admins", "admin", &[], register("bob")),
        (b"\x03cuscrt", "accounts", "ann", &[], cancel()),
        (b"\x03p\x00\x00\x00\x01", "plans", "ann", PRICE, renew()),
        (b"\x03ssecret1ann", "subscribers", "ann", &[], add_key(1)),
    ];
    for (key, table, who, funds, message) in cases {
        let bytes = good.map.get(key).unwrap();
        let mut other_format = bytes.clone();
        other_format[0] = 2;
        let stretched = [bytes.as_slice(), &[0]].concat();
        let mut bad: Vec<_> = (0..bytes.len()).map(|end| bytes[..end].to_vec()).collect();
        bad.extend([other_format, stretched]);
        for value in bad {
            let mut world = good.clone();
            world.map.0.insert(key.to_vec(), value);
            let damaged = SubscriptionError::Damaged(table);
            world.refuses(who, funds, message.clone(), damaged);
        }
    }
}

/// Rows that contradict each other stop the message that would build on them.
#[test]
fn books_that_do_not_add_up() {
    let denom = "uscrt".parse().unwrap();
    let mut world = World::with_ann();
    let short = AccountRecord { paid_in: 3000, refunded: 1, withdrawn: 0, reserved: 3000 };
    keys::account(&denom).save(&mut world.map, &short).unwrap();
    let damaged = SubscriptionError::Damaged("accounts");
    world.refuses("ann", PRICE, renew(), damaged);
    world.refuses("bob", PRICE, subscribe(1), damaged);
    world.refuses("admin", &[], withdraw("uscrt", 1), damaged);

    let mut world = World::with_ann();
    let running = RunningRecord {
        plan: 1,
        start: NOW,
        paid_until: NOW + 30 * DAY,
        cancelled: false,
        reserved: 3001,
    };
    let record = SubscriberRecord { registered: false, running: Some(running) };
    keys::subscriber(&account("ann")).save(&mut world.map, &record).unwrap();
    world.refuses("ann", &[], cancel(), damaged);

    let mut world = World::with_ann();
    keys::plan(1).remove(&mut world.map);
    world.refuses("ann", PRICE, renew(), SubscriptionError::Damaged("subscribers"));
    let mut world = World::with_ann();
    world.ok("ann", &[], add_key(1));
    world.map.0.remove(&[&b"\x03h\x02"[..], &[1; 32]].concat());
    world.refuses("ann", &[], revoke_key(1), SubscriptionError::Damaged("lists"));
}

/// A store whose every touch is counted.
struct Counted {
    map: Map,
    read: Cell<u32>,
    written: u32,
}

impl Counted {
    fn reset(&mut self) {
        self.read.set(0);
        self.written = 0;
    }
}

impl Kv for Counted {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.read.set(self.read.get() + 1);
        self.map.get(key)
    }
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.written += 1;
        self.map.put(key, value);
    }
    fn delete(&mut self, key: &[u8]) {
        self.written += 1;
        self.map.delete(key);
    }
}

/// A world with `others` more subscribers, each with a key.
fn crowded(others: u32) -> World {
    let mut world = World::with_ann();
    for n in 0..others {
        let who = format!("s{n}");
        world.ok(&who, PRICE, subscribe(1));
        let mut api_key = [0xee; 32];
        api_key[..4].copy_from_slice(&n.to_be_bytes());
        let identity = None;
        let message = SubscriptionMsg::AddApiKey { api_key, identity, name: None, created: None };
        world.ok(&who, &[], message);
    }
    world
}

/// No message touches more rows among ten thousand subscribers and keys than it does among two.
#[test]
fn messages_do_not_cost_more() {
    let cost = |others: u32| {
        let world = crowded(others);
        let mut messages: Vec<(&str, Coins, SubscriptionMsg)> = vec![
            ("bob", PRICE, subscribe(1)),
            ("bob", PRICE, renew()),
            ("bob", &[], add_key(50)),
            ("bob", OTHER_PRICE, upgrade(2)),
            ("bob", &[], revoke_key(50)),
            ("bob", &[], cancel()),
            ("bob", PRICE, subscribe(1)),
            ("x", &[], settle("ann")),
            ("admin", &[], withdraw("uscrt", 1)),
            ("admin", &[], plan(3, 1, "uscrt", 1, 0, 0, 1)),
            ("admin", &[], retire(3)),
            ("admin", &[], register("ann")),
            ("admin", &[], set_admin("heir")),
            ("heir", &[], accept()),
        ];
        let full = u8::try_from(API_KEYS_MAX).unwrap();
        messages.extend((0..full).map(|key| ("ann", &[][..], add_key(key))));
        messages.push(("heir", &[], remove("ann")));
        let env = Env { height: 8, time: NOW + DAY };
        let mut counted = Counted { map: world.map, read: Cell::new(0), written: 0 };
        messages
            .into_iter()
            .map(|(who, funds, message)| {
                counted.reset();
                let funds: Vec<_> = funds
                    .iter()
                    .map(|(denom, amount)| Funds { denom: (*denom).to_owned(), amount: *amount })
                    .collect();
                let shown = format!("{message:?}");
                let who = account(who);
                subscription::execute(&mut counted, &env, &who, &funds, message).unwrap();
                let verb = shown.split(' ').next().unwrap().to_owned();
                (verb, counted.read.get(), counted.written)
            })
            .collect::<Vec<_>>()
    };
    let few = cost(2);
    assert_eq!(few, cost(10_000));
    for (verb, read, written) in few {
        println!("{verb}: {read} rows read, {written} written");
        let bound = if verb == "RemoveSubscriber" { 200 } else { 24 };
        assert!(read + written <= bound, "{verb}: {read} + {written}");
    }
}

/// No query reads more rows among ten thousand than among two hundred, and none more than its page.
#[test]
fn queries_do_not_cost_more() {
    let cost = |others: u32| {
        let world = crowded(others);
        let counted = Counted { map: world.map, read: Cell::new(0), written: 0 };
        let (subscriber, identity) = (account("s7"), account("s7"));
        let mut hash = [0xee; 32];
        hash[..4].copy_from_slice(&7u32.to_be_bytes());
        let (offset, limit, permit) = (5, 100, ());
        let queries = [
            (SubscriptionQuery::GetAdmin {}, 1),
            (SubscriptionQuery::SubscriberStatus { public_key: account("s7") }, 2),
            (SubscriptionQuery::ApiKeys { offset, limit }, 102),
            (SubscriptionQuery::SubscribersWithPermit { permit, offset, limit }, 102),
            (SubscriptionQuery::ApiKeysByIdentityWithPermit { identity, permit }, 4),
            (SubscriptionQuery::SubscriptionWithPermit { subscriber, permit }, 5),
            (SubscriptionQuery::ApiKey { hash }, 3),
            (SubscriptionQuery::QueryIdentityByApiKeyHash { api_key_hash: hash }, 1),
            (SubscriptionQuery::Plans { offset: 0, limit }, 5),
        ];
        let env = Env { height: 8, time: NOW + DAY };
        let admin = account("admin");
        queries.map(|(query, most)| {
            counted.read.set(0);
            subscription::query(&counted, &env, Some(&admin), &query).unwrap();
            let read = counted.read.get();
            assert!(read <= most, "{query:?} read {read} rows");
            read
        })
    };
    assert_eq!(cost(200), cost(10_000));
}
