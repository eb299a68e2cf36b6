//! Who has a seat.

use super::*;
use crate::workers::seats::{BENCH_SEATS, BENCHES, load};

fn seated(done: &Done) -> bool {
    match done.events.as_slice() {
        [Event::WorkerRegistered { seated, .. } | Event::LivelinessReported { seated, .. }] => {
            *seated
        }
        other => panic!("{other:?}"),
    }
}

fn seats_of(world: &World, service: &str) -> usize {
    load(&world.map, service).unwrap().len()
}

fn full() -> World {
    let mut world = World::empty();
    for n in 0..usize::from(BENCHES) * BENCH_SEATS {
        assert!(seated(&world.enlist(&format!("w{n}"), 2)), "{n}");
    }
    world
}

/// A full service seats nobody of the same weight, but whoever weighs more, in place of the youngest of
/// the lightest on its bench.
#[test]
fn weight_gets_a_seat() {
    let mut world = full();
    assert!(!seated(&world.enlist("equal", 2)));
    assert!(!seated(&world.enlist("light", 1)));
    for n in 2..usize::from(BENCHES) {
        world.enlist(&format!("equal{n}"), 2);
    }
    // The next number sits on the bench of "w0", whose youngest is "w496".
    assert!(seated(&world.enlist("heavy", 3)));
    assert_eq!(seats_of(&world, "retrieval"), 512);
    let numbers: Vec<_> =
        load(&world.map, "retrieval").unwrap().iter().map(|seat| seat.number).collect();
    assert!(!numbers.contains(&world.record("w496").unwrap().number));
    assert!(numbers.contains(&world.record("heavy").unwrap().number));
    let report = {
        world.pass(1);
        world.report("w496")
    };
    assert!(!seated(&world.ok("w496", report)), "equals do not push each other out");
}

/// The seat of one that is not live any more is free, whatever it weighed.
#[test]
fn the_dead_make_room() {
    let mut world = full();
    world.pass(2);
    let done = world.enlist("light", 1);
    assert!(seated(&done));
    assert_eq!(world.chosen(), ["light"]);
    assert_eq!(seats_of(&world, "retrieval"), 512);
}

/// Another service, a smaller stake, leaving: the seat follows the record.
#[test]
fn seats_follow_records() {
    let mut world = World::new();
    let moved = world.register("ann", |r| (r.capacity, r.service) = (5, "other".to_owned()));
    assert!(seated(&world.ok("ann", moved)));
    assert_eq!((seats_of(&world, "retrieval"), seats_of(&world, "other")), (1, 1));
    assert_eq!(world.chosen(), ["bob"]);

    world.ok("rewards", slash("ann", 300_000));
    assert_eq!(load(&world.map, "other").unwrap()[0].weight, 3, "3,500 cover 3");
    world.ok("rewards", slash("ann", 999_999));
    assert_eq!(seats_of(&world, "other"), 0, "nothing covers nothing");
    world.pass(1);
    let report = world.report("ann");
    assert!(!seated(&world.ok("ann", report)));

    world.ok("bob", remove("bob"));
    assert_eq!(seats_of(&world, "retrieval"), 0);
    assert_eq!(world.next("anybody"), None);
}
