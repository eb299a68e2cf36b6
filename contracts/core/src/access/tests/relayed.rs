//! Relayed messages happen once, in order, as their account's.

use super::*;
use crate::access::{Relayed, relay};

const KEY: [u8; 32] = [9; 32];
const PERMIT: &str = "p1";

impl World {
    fn relayed(
        &mut self,
        who: &str,
        (session_key, sequence): (&[u8; 32], u64),
        message: AccessMsg,
    ) -> Result<Vec<Event>, AccessError> {
        let account = account(who);
        let by = Relayed { account: &account, session_key, permit_name: PERMIT, sequence };
        relay(&mut self.map, &self.env, by, message)
    }

    /// Refused for this reason, and nothing changed: the sequence neither.
    fn does_not_relay(
        &mut self,
        who: &str,
        by: (&[u8; 32], u64),
        message: AccessMsg,
        reason: AccessError,
    ) {
        let before = self.map.clone();
        assert_eq!(self.relayed(who, by, message), Err(reason));
        assert_eq!(self.map, before, "{who} {} left a trace", by.1);
    }
}

/// Relayed or sent by oneself: the same events and the same rows, but for the session's sequence.
#[test]
fn a_relayed_message_is_its_accounts_own() {
    let all = [create(2), revoke(1, "reader"), rotate(1, 2), transfer(1, "next"), destroy(2)];
    let (mut own, mut other) = (World::new(), World::new());
    for (message, sequence) in all.into_iter().zip(1..) {
        let told = own.run("owner", message.clone());
        assert_eq!(other.relayed("owner", (&KEY, sequence), message), told);
        let row = other.map.0.remove(&[b"\x01q\x0csecret1owner", &KEY[..]].concat());
        assert!(row.is_some());
        assert_eq!(other.map, own.map);
    }
}

/// Frozen: the key of the sequence, and its value.
#[test]
fn golden_sequence() {
    let mut world = World::new();
    world.relayed("owner", (&KEY, 300), create(2)).unwrap();
    let key = [b"\x01q\x0csecret1owner", &KEY[..]].concat();
    assert_eq!(world.map.get(&key).unwrap(), [1, 0xac, 2]);
    for bad in [&[1][..], &[2, 0xac, 2], &[1, 0xac, 2, 0]] {
        world.map.put(&key, bad);
        let damaged = AccessError::Damaged("sequences");
        world.does_not_relay("owner", (&KEY, 301), create(3), damaged);
    }
}

/// What has happened does not happen again, nor what was signed before it; gaps do no harm.
#[test]
fn sequences_only_grow() {
    let mut world = World::new();
    let last = |last| AccessError::Sequence { last };
    world.does_not_relay("owner", (&KEY, 0), create(2), last(0));
    world.relayed("owner", (&KEY, 1), create(2)).unwrap();
    world.does_not_relay("owner", (&KEY, 1), create(2), last(1));
    world.does_not_relay("owner", (&KEY, 1), create(3), last(1));
    world.relayed("owner", (&KEY, 1000), create(3)).unwrap();
    world.does_not_relay("owner", (&KEY, 999), create(4), last(1000));
    world.relayed("owner", (&KEY, u64::MAX), create(4)).unwrap();
    world.does_not_relay("owner", (&KEY, u64::MAX), create(5), last(u64::MAX));
}

/// Sessions of one account, and accounts with one session key, do not wait for each other.
#[test]
fn sessions_are_apart() {
    let mut world = World::new();
    world.relayed("owner", (&KEY, 9), create(2)).unwrap();
    world.relayed("owner", (&[8; 32], 1), create(3)).unwrap();
    world.relayed("reader", (&KEY, 1), create(4)).unwrap();
    world.does_not_relay("owner", (&KEY, 9), create(5), AccessError::Sequence { last: 9 });
}

/// A refused message uses up nothing: what is refused today may be sent again, as long as it is no later one's past.
#[test]
fn refusals_use_up_no_sequence() {
    let mut world = World::new();
    world.does_not_relay("stranger", (&KEY, 5), rotate(1, 2), AccessError::Forbidden);
    world.does_not_relay("owner", (&KEY, 5), create(1), AccessError::Exists);
    let bound = create(2);
    let AccessMsg::CreateCollection { collection, commitment, .. } = bound else { panic!() };
    let bound = AccessMsg::CreateCollection { collection, commitment, epoch: 2 };
    let before = world.map.clone();
    assert!(matches!(world.relayed("owner", (&KEY, 5), bound), Err(AccessError::Bound(_))));
    assert_eq!(world.map, before);
    world.relayed("owner", (&KEY, 5), create(2)).unwrap();
}

/// A permit that is given up carries nothing more, not even itself; another account's permit of that name does.
#[test]
fn a_revoked_permit_carries_nothing() {
    let mut world = World::new();
    world.relayed("owner", (&KEY, 1), revoke_permit(PERMIT)).unwrap();
    for message in [create(2), revoke_permit(PERMIT), revoke_permit("p2")] {
        world.does_not_relay("owner", (&KEY, 2), message, AccessError::PermitRevoked);
    }
    world.ok("owner", create(2));
    world.relayed("reader", (&KEY, 1), create(3)).unwrap();
}

/// However many sessions there were, a message touches as many rows.
#[test]
fn one_row_a_session() {
    let mut world = World::new();
    let before = world.map.0.len();
    for number in 1..=200_u8 {
        world.relayed("owner", (&[number; 32], 1), rotate(1, u32::from(number) + 1)).unwrap();
        assert_eq!(world.map.0.len(), before + usize::from(number));
    }
}
