//! Watching grantees: how fast each may ask, and what its owner should look at.
//!
//! Layer: flow.
//! Holds: for each grantee of one collection a bucket, a sketch of what it got, and two flags.
//! Never: a refusal because of a flag; anything outside memory, in logs or in metrics.
//! Invariant: at most [`WATCHED_MAX`] grantees; forgetting one to make room never refills its bucket.

use super::rate::{Bucket, Pace};
use super::sketch::{Distinct, Recent, Signature};
use prag_protocol::Address;
use prag_protocol::wire::grants::GrantFlag;
use std::collections::HashMap;

/// The grantees of one collection that asked since the boot.
#[derive(Default)]
pub(super) struct Watch(HashMap<Address, Watched>);

struct Watched {
    bucket: Bucket,
    /// Unix seconds of its last request.
    seen: u64,
    returned: Distinct,
    recent: Recent,
    /// Once true, until the owner grants anew.
    probing: bool,
}

impl Watch {
    /// Whether so many searches of `who` may pass now (Unix seconds). Where too many are watched, one that is at rest makes room; where
    /// none is, a newcomer is refused.
    pub(super) fn pass(&mut self, who: &Address, pace: Pace, (searches, now): (u64, u64)) -> bool {
        if !self.0.contains_key(who) {
            if self.0.len() >= WATCHED_MAX && !self.make_room(pace, now) {
                return false;
            }
            self.0.insert(who.clone(), Watched::new(pace, now));
        }
        self.0.get_mut(who).is_some_and(|watched| {
            watched.seen = now;
            watched.bucket.take(pace, searches, now)
        })
    }

    /// Note a search, and whether what it asked for was there.
    pub(super) fn searched(&mut self, who: &Address, signature: Signature, exact: bool) {
        if let Some(watched) = self.0.get_mut(who) {
            watched.probing |= watched.recent.note(signature, exact);
        }
    }

    /// Note the documents that were returned, by id.
    pub(super) fn returned<'a>(&mut self, who: &Address, ids: impl Iterator<Item = &'a str>) {
        if let Some(watched) = self.0.get_mut(who) {
            ids.for_each(|id| watched.returned.note(id));
        }
    }

    /// What the owner should look at; `documents`: how many there are.
    pub(super) fn flags(&self, who: &Address, documents: u64) -> Vec<GrantFlag> {
        let Some(watched) = self.0.get(who) else {
            return Vec::new();
        };
        let returned = watched.returned.count();
        let dump = returned >= DUMP_MIN && returned.saturating_mul(2) >= documents;
        let flags = [(GrantFlag::Dump, dump), (GrantFlag::Probing, watched.probing)];
        flags.into_iter().filter(|(_, raised)| *raised).map(|(flag, _)| flag).collect()
    }

    /// Begin anew with a grantee: its owner has granted again.
    pub(super) fn forget(&mut self, who: &Address) {
        self.0.remove(who);
    }

    fn make_room(&mut self, pace: Pace, now: u64) -> bool {
        let rested = self.0.iter_mut().filter_map(|(who, watched)| {
            watched.bucket.is_full(pace, now).then(|| (watched.seen, who.clone()))
        });
        let oldest = rested.min();
        oldest.is_some_and(|(_, who)| self.0.remove(&who).is_some())
    }
}

impl Watched {
    fn new(pace: Pace, now: u64) -> Self {
        Self {
            bucket: Bucket::full(pace, now),
            seen: now,
            returned: Distinct::default(),
            recent: Recent::default(),
            probing: false,
        }
    }
}

/// Grantees watched in one collection, of about 3 KB each.
const WATCHED_MAX: usize = 4096;
/// Fewer different documents are no dump, however small the collection.
const DUMP_MIN: u64 = 16;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    const PACE: Pace = Pace { per_second: 1, burst: 2 };

    fn who(number: usize) -> Address {
        format!("secret1{number}").try_into().unwrap()
    }

    /// Half of the documents is a dump, one fewer is not; a grant made anew begins anew.
    #[test]
    fn a_dump_is_half_of_it() {
        let (mut watch, who) = (Watch::default(), who(1));
        assert!(watch.pass(&who, PACE, (1, 1)));
        let ids: Vec<String> = (0..50).map(|number| number.to_string()).collect();
        watch.returned(&who, ids[..49].iter().map(String::as_str));
        assert_eq!(watch.flags(&who, 100), []);
        watch.returned(&who, ids[49..].iter().map(String::as_str));
        assert_eq!(watch.flags(&who, 100), [GrantFlag::Dump]);
        watch.forget(&who);
        assert_eq!(watch.flags(&who, 100), []);
    }

    /// Few documents are no dump, even if they are all.
    #[test]
    fn a_handful_is_no_dump() {
        let (mut watch, who) = (Watch::default(), who(1));
        assert!(watch.pass(&who, PACE, (1, 1)));
        for number in 0..DUMP_MIN - 1 {
            watch.returned(&who, std::iter::once(number.to_string().as_str()));
        }
        assert_eq!(watch.flags(&who, DUMP_MIN - 1), []);
    }

    /// Where all places are taken by busy grantees a newcomer waits, and no bucket is refilled by pushing one out.
    #[test]
    fn room_is_bounded_and_refills_nobody() {
        let mut watch = Watch::default();
        for number in 0..WATCHED_MAX {
            assert!(watch.pass(&who(number), PACE, (1, 1)));
        }
        assert!(!watch.pass(&who(WATCHED_MAX), PACE, (1, 1)), "all are busy");
        assert!(watch.pass(&who(0), PACE, (1, 1)));
        assert!(!watch.pass(&who(0), PACE, (1, 1)));
        assert!(watch.pass(&who(WATCHED_MAX), PACE, (1, 2)), "one at rest makes room");
        assert_eq!(watch.0.len(), WATCHED_MAX);
        assert!(watch.0.contains_key(&who(0)), "and not the busy one");
    }
}
