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
        assert_eq!(row.load(&world.map).unwrap_err(), damaged);
        world.refuses("owner", rotate(1), damaged);
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
    world.refuses("owner", rotate(1), AccessError::Exhausted("the key epoch"));
    world.ok("owner", place(1, 0, u32::MAX, NOW + 10));
}
