//! The frozen raw rows, and rows that do not read back.

use super::*;
use prag_protocol::ledger::CollectionRecord;

/// Other chains prove membership under these keys.
#[test]
fn golden_keys() {
    let mut world = World::new();
    world.ok("owner", revoke_permit("p1"));
    world.ok("owner", policy(1, &[1], &[]));
    world.ok("worker", claim(1, 0, 1));
    world.ok("worker", anchor(1, 0));
    let one = [1u8; 16];
    let row = |parts: &[&[u8]]| parts.concat();
    let expected = [
        row(&[b"\x01a", b"secret1worker"]),
        row(&[b"\x01c", &one]),
        row(&[b"\x01g", &one, b"secret1reader"]),
        row(&[b"\x01l", &one, &[0]]),
        row(&[b"\x01l", &one, &[1], &[0; 4]]),
        row(&[b"\x01l", &one, &[2], b"secret1reader"]),
        row(&[b"\x01o\x0csecret1owner", &[0]]),
        row(&[b"\x01o\x0csecret1owner", &[1], &[0; 4]]),
        row(&[b"\x01o\x0csecret1owner", &[2], &one]),
        row(&[b"\x01p", &one, &[0; 4]]),
        row(&[b"\x01r\x0csecret1owner", b"p1"]),
        row(&[b"\x01s\x0dsecret1reader", &[0]]),
        row(&[b"\x01s\x0dsecret1reader", &[1], &[0; 4]]),
        row(&[b"\x01s\x0dsecret1reader", &[2], &one]),
        row(&[b"\x01w", &one, &[0; 4]]),
        row(&[b"\x01y", &one]),
    ];
    let keys: Vec<_> = world.map.0.keys().cloned().collect();
    assert_eq!(keys, expected);
}

/// The bytes of a record: format, owner, epoch, commitment as hex, destroyed.
#[test]
fn golden_value() {
    let mut world = World::empty();
    world.ok("owner", create(1));
    let value = world.map.get(&[b"\x01c", &[1u8; 16][..]].concat()).unwrap();
    let hex = "01".repeat(32);
    let expected = [b"\x01\x0csecret1owner\x01\x40", hex.as_bytes(), &[0]].concat();
    assert_eq!(value, expected);
}

/// The bytes of a grant that a delegate gave, and of a price: format 2 and 1, then the fields in their order.
#[test]
fn golden_grant_and_price() {
    let mut world = World::empty();
    world.ok("owner", create(1));
    world.ok("owner", appoint(1, "agent", Some(300), NOW + 50, 3));
    world.ok("agent", grant(1, "reader", Some(10), NOW + 50));
    world.ok("owner", set_price(1, Some(7)));
    let value = |table: &[u8], rest: &[u8]| {
        world.map.get(&[b"\x01", table, &[1u8; 16][..], rest].concat()).unwrap()
    };
    // Grantee, no write, read, at most 10 hits, 10 units of which 0 are used, 1,000,050 as a varint, no scope, not revoked,
    // by a delegate in its term 0; then that this is no delegate, which has given nothing, in its term 0.
    let expected = [
        b"\x02\x0dsecret1reader\x00\x01\x0a\x01\x0a\x00".as_slice(),
        &[0xf2, 0x84, 0x3d, 0, 0],
        b"\x01\x0csecret1agent\x00",
        &[0, 0, 0],
    ];
    assert_eq!(value(b"g", b"secret1reader"), expected.concat());
    let expected = [
        b"\x02\x0csecret1agent\x00\x01\x0a\x01\xac\x02\x00".as_slice(),
        &[0xf2, 0x84, 0x3d, 0, 0],
        &[0, 3, 1, 0],
    ];
    assert_eq!(value(b"g", b"secret1agent"), expected.concat());
    assert_eq!(value(b"e", b""), b"\x01\x017\x05uscrt\x64\x0a\x01\x0a");
    let mut old = value(b"g", b"secret1reader");
    old[0] = 1;
    world.map.0.insert([b"\x01g", &[1u8; 16][..], b"secret1reader"].concat(), old);
    world.refuses("owner", revoke(1, "reader"), AccessError::Damaged("grants"));
}

/// Who was placed until another account was: format, account, until when; under a key of its own. Whoever goes on, or was
/// placed no more, leaves none.
#[test]
fn golden_row_of_who_left() {
    let key = [b"\x01d", &[1u8; 16][..], &[0; 4]].concat();
    let mut world = World::new();
    world.ok("owner", place(1, 0, 1, NOW + 200));
    assert_eq!(world.map.get(&key), None, "it goes on");
    world.ok("owner", place_on(1, 0, 1, NOW + 100, "other"));
    // 1,003,600 as a varint.
    let expected = [b"\x01\x0dsecret1worker".as_slice(), &[0xd0, 0xa0, 0x3d]].concat();
    assert_eq!(world.map.get(&key), Some(expected.clone()));
    world.env.time += 100;
    world.ok("owner", place(1, 0, 1, NOW + 200));
    assert_eq!(world.map.get(&key), Some(expected), "the other's lease was over");
}

/// A record that was cut, stretched, or written in another format is damage, not an answer.
#[test]
fn damage_is_named() {
    let row = keys::collection(id(1));
    let key = [b"\x01c", &[1u8; 16][..]].concat();
    let mut world = World::new();
    let good = world.map.get(&key).unwrap();
    let mut other_format = good.clone();
    other_format[0] = 2;
    let stretched = [good.as_slice(), &[0]].concat();
    let mut cuts: Vec<_> = (0..good.len()).map(|end| good[..end].to_vec()).collect();
    cuts.extend([other_format, stretched]);
    for bad in cuts {
        world.map.0.insert(key.clone(), bad);
        let damaged = AccessError::Damaged("collections");
        assert_eq!(AccessError::from(row.load(&world.map).unwrap_err()), damaged);
        world.refuses("owner", rotate(1, 2), damaged);
        world.refuses("stranger", create(1), damaged);
    }
}

/// A list whose two directions disagree is damage, and a transition on it leaves no trace.
#[test]
fn torn_lists() {
    let mut world = World::new();
    let number = [&b"\x01l"[..], &[1; 16], &[2], b"secret1reader"].concat();
    world.map.0.remove(&number);
    world.refuses("owner", revoke(1, "reader"), AccessError::Damaged("lists"));

    let mut world = World::new();
    world.map.0.insert(number.clone(), vec![0; 3]);
    world.refuses("owner", revoke(1, "reader"), AccessError::Damaged("lists"));
}

/// The last epochs can be reached, and none after them.
#[test]
fn epochs_end() {
    let mut world = World::new();
    let last = CollectionRecord {
        owner: account("owner"),
        epoch: u32::MAX,
        commitment: [0; 32],
        destroyed: false,
    };
    keys::collection(id(1)).save(&mut world.map, &last).unwrap();
    world.refuses("owner", rotate(1, u32::MAX), AccessError::Exhausted("the key epoch"));
    world.ok("owner", place(1, 0, u32::MAX, NOW + 10));
}

/// A list is a set, through any order of additions and removals, and the empty one leaves no row.
#[test]
fn lists_are_sets() {
    let mut chance = Chance(1);
    let mut map = Map::default();
    let list = keys::granted(id(1));
    let mut model = std::collections::BTreeSet::new();
    for _ in 0..3000 {
        let member = vec![7, u8::try_from(chance.below(40)).unwrap()];
        if model.remove(&member) {
            list.remove(&mut map, &member).unwrap();
        } else {
            list.add(&mut map, &member).unwrap();
            model.insert(member);
        }
        let (count, mut members) = list.page(&map, 0, 100).unwrap();
        members.sort();
        assert_eq!(usize::try_from(count).unwrap(), members.len());
        assert!(members.iter().eq(&model));
    }
    for member in model {
        list.remove(&mut map, &member).unwrap();
    }
    assert_eq!(map, Map::default());
}

/// A store whose every touch is counted.
struct Counted {
    map: Map,
    touched: std::cell::Cell<u32>,
}

impl Kv for Counted {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.touched.set(self.touched.get() + 1);
        self.map.get(key)
    }
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.touched.set(self.touched.get() + 1);
        self.map.put(key, value);
    }
    fn delete(&mut self, key: &[u8]) {
        self.touched.set(self.touched.get() + 1);
        self.map.delete(key);
    }
}

/// No message costs more rows among ten thousand than it does among few.
#[test]
fn cost_does_not_grow() {
    let cost = |others: u32| {
        let mut world = World::new();
        world.ok("owner", grant(1, "second", None, NOW + 10));
        for n in 0..others {
            world.ok("owner", grant(1, &format!("g{n}"), None, NOW + 10));
            let mut message = create(2);
            if let AccessMsg::CreateCollection { collection, .. } = &mut message {
                collection.0[12..].copy_from_slice(&n.to_be_bytes());
            }
            world.ok("owner", message);
        }
        let messages = [
            ("owner", create(3)),
            ("owner", grant(1, "friend", None, NOW + 10)),
            ("worker", claim(1, 0, 1)),
            ("worker", consume(1, 0, "reader", 1)),
            ("owner", revoke(1, "reader")),
            ("owner", place(1, 0, 2, NOW + 10)),
            ("worker", rebind(1, 0, 6)),
            ("owner", rotate(1, 2)),
            ("owner", unplace(1, 0)),
            ("owner", policy(1, &[1], &[])),
            ("owner", revoke_permit("p1")),
            ("worker", anchor(1, 0)),
            ("owner", transfer(1, "heir")),
            ("heir", destroy(1)),
        ];
        let env = world.env;
        let touched = std::cell::Cell::new(0);
        let map = world.map;
        let mut counted = Counted { map, touched };
        messages.map(|(who, message)| {
            counted.touched.set(0);
            access::execute(&mut counted, &env, &account(who), message).unwrap();
            counted.touched.get()
        })
    };
    let few = cost(2);
    assert_eq!(few, cost(10_000));
    assert!(few.iter().all(|touched| *touched <= 30), "{few:?}");
}
