//! Pulses: one row an account, of the last message.

use super::*;
use crate::access::{pulse, pulse_of};
use prag_protocol::ledger::{Pulse, PulseMsg};

/// Frozen: the key, and the value: format, nonce as hex, height.
#[test]
fn golden_pulse() {
    let mut world = World::new();
    let before = world.map.0.len();
    let message = PulseMsg { nonce: [7; 32] };
    let events = pulse(&mut world.map, &world.env, &account("worker"), message).unwrap();
    assert_eq!(events, [Event::Pulsed { account: account("worker") }]);
    assert_eq!(world.map.0.len(), before + 1);
    let value = world.map.get(b"\x01hsecret1worker").unwrap();
    assert_eq!(value, [b"\x01\x40", "07".repeat(32).as_bytes(), &[7]].concat());
    world.map.put(b"\x01hsecret1worker", &value[1..]);
    let damaged = AccessError::Damaged("pulses");
    assert_eq!(pulse_of(&world.map, &account("worker")), Err(damaged));
}

/// The last one counts, of its own account; zeros change nothing.
#[test]
fn the_last_pulse_counts() {
    let mut world = World::new();
    let send = |world: &mut World, who: &str, nonce: u8| {
        let (map, env) = (&mut world.map, &world.env);
        pulse(map, env, &account(who), PulseMsg { nonce: [nonce; 32] })
    };
    send(&mut world, "worker", 1).unwrap();
    world.env.height += 5;
    send(&mut world, "worker", 2).unwrap();
    send(&mut world, "other", 3).unwrap();
    let before = world.map.clone();
    assert_eq!(send(&mut world, "worker", 0), Err(AccessError::ZeroNonce));
    assert_eq!(world.map, before);
    let seen = pulse_of(&world.map, &account("worker")).unwrap();
    assert_eq!(seen, Some(Pulse { nonce: [2; 32], height: 12 }));
    assert_eq!(pulse_of(&world.map, &account("nobody")).unwrap(), None);
}
