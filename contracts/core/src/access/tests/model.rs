//! Random messages against a model that only scans: same verdicts, same answers, no trace of refusals.

use super::*;
use prag_protocol::ledger::{GRANT_SECONDS_MAX, INTEGER_MAX, LEASE_SECONDS_MAX, Offer};
use std::collections::BTreeSet;

fn message(chance: &mut Chance, now: u64) -> AccessMsg {
    let n = chance.one(&IDS);
    let who = chance.one(&NAMES);
    let shard = chance.one(&[0, 1]);
    let near = [
        0,
        1,
        5,
        40,
        200,
        1000,
        1000,
        1000,
        LEASE_SECONDS_MAX,
        GRANT_SECONDS_MAX,
        GRANT_SECONDS_MAX + 1,
    ];
    let time = now + chance.one(&near);
    match chance.below(21) {
        0 => create(n),
        1 if chance.below(10) == 0 => destroy(n),
        1 | 2 => transfer(n, who),
        3 if chance.below(6) == 0 => rotate(n, chance.one(&[2, 2, 3])),
        4..=6 => grant(n, who, chance.one(&[None, Some(1), Some(4), Some(9)]), time),
        7 | 8 => revoke(n, who),
        9 => revoke_permit(chance.one(&PERMITS)),
        3 | 10..=12 => place_on(n, shard, chance.one(&[1, 1, 2, 3]), time, who),
        13 if chance.below(3) == 0 => unplace(n, shard),
        14 => claim(n, shard, chance.one(&[1, 1, 2, 2, 3])),
        15 if chance.below(2) == 0 => {
            anchor_through(n, shard, chance.one(&[0, 1, 2]), chance.one(&[0, 1, 2]))
        }
        15 => anchor(chance.one(&[0, 1, 2]), chance.one(&[0, 1, 2])),
        16 => policy(n, &[chance.one(&[1, 2]), 2], &[3]),
        17 if chance.below(2) == 0 => rebind(n, shard, chance.one(&[5, 6])),
        20 => set_price(n, chance.one(&[None, Some(5), Some(9)])),
        13 | 17.. => consume(n, shard, who, chance.one(&[1, 2, 3, 5, INTEGER_MAX])),
    }
}

/// Quota, used, expires, revoked.
type Grant = (Option<u64>, u64, u64, bool);

#[derive(Clone, Default)]
struct Model {
    /// Owner, key epoch, destroyed.
    collections: BTreeMap<u8, (String, u32, bool)>,
    grants: BTreeMap<(u8, String), Grant>,
    permits: BTreeSet<(String, String)>,
    placements: BTreeMap<(u8, u32), Placement>,
    writers: BTreeMap<(u8, u32), u64>,
    anchors: BTreeMap<String, u8>,
    policies: BTreeMap<u8, u64>,
    prices: BTreeMap<u8, Offer>,
}

impl Model {
    fn owns(&self, who: &str, n: u8) -> bool {
        self.collections.get(&n).is_some_and(|(owner, _, dead)| owner == who && !dead)
    }

    fn works(&self, who: &str, n: u8, shard: u32, now: u64) -> bool {
        let Some(placement) = self.placements.get(&(n, shard)) else {
            return false;
        };
        let (_, epoch, dead) = &self.collections[&n];
        let fresh = placement.lease_until > now && placement.epoch >= *epoch;
        fresh && !dead && placement.account == account(who)
    }

    /// Half the time somebody who may, if there is somebody; otherwise anybody.
    fn sender(&self, chance: &mut Chance, now: u64, message: &AccessMsg) -> &'static str {
        let may = |who: &&&str| self.clone().run(who, now, message);
        match NAMES.iter().find(may) {
            Some(who) if chance.below(2) == 0 => who,
            Some(_) | None => chance.one(&NAMES),
        }
    }

    /// Whether the message is accepted; if so it has been applied.
    fn run(&mut self, who: &str, now: u64, message: &AccessMsg) -> bool {
        let sender = who.to_owned();
        let ahead = |time: u64, max: u64| time > now && time <= now + max;
        match message {
            AccessMsg::CreateCollection { collection, .. } => {
                let n = collection.0[0];
                let fresh = !self.collections.contains_key(&n);
                if fresh {
                    self.collections.insert(n, (sender, 1, false));
                }
                fresh
            }
            AccessMsg::RevokePermit { permit_name } => {
                self.permits.insert((sender, permit_name.clone()));
                true
            }
            AccessMsg::Anchor { shard: through, root, previous, .. } => {
                let placed =
                    through.is_none_or(|of| self.works(who, of.collection.0[0], of.shard, now));
                let last = self.anchors.get(who).copied().unwrap_or(0);
                let good = placed && root[0] != 0 && previous[0] == last;
                if good {
                    self.anchors.insert(sender, root[0]);
                }
                good
            }
            AccessMsg::ClaimWriter { collection, shard, epoch } => {
                let at = (collection.0[0], *shard);
                let next = self.writers.get(&at).copied().unwrap_or(0) + 1;
                let good = self.works(who, at.0, at.1, now) && *epoch == next;
                if good {
                    self.writers.insert(at, next);
                }
                good
            }
            AccessMsg::Rebind { collection, shard, worker } => {
                let at = (collection.0[0], *shard);
                let good = self.works(who, at.0, at.1, now);
                if good && let Some(placement) = self.placements.get_mut(&at) {
                    placement.worker = *worker;
                }
                good
            }
            AccessMsg::Consume { collection, shard, grantee, units } => {
                let n = collection.0[0];
                let works = self.works(who, n, *shard, now);
                let Some(grant) = self.grants.get_mut(&(n, name(grantee))) else {
                    return false;
                };
                let (quota, used, expires, revoked) = grant;
                let fits = u128::from(*used) + u128::from(*units)
                    <= u128::from(quota.unwrap_or(INTEGER_MAX));
                let good = works && !*revoked && *expires > now && fits;
                if good {
                    *used += units;
                }
                good
            }
            AccessMsg::DestroyCollection { collection }
            | AccessMsg::Transfer { collection, .. }
            | AccessMsg::RotateEpoch { collection, .. }
            | AccessMsg::Grant { collection, .. }
            | AccessMsg::Revoke { collection, .. }
            | AccessMsg::Unplace { collection, .. }
            | AccessMsg::SetPolicy { collection, .. }
            | AccessMsg::SetPrice { collection, .. }
            | AccessMsg::Place { placement: Placement { collection, .. } } => {
                let n = collection.0[0];
                self.owns(who, n) && self.run_own(who, n, ahead, message)
            }
        }
    }

    fn run_own(
        &mut self,
        who: &str,
        n: u8,
        ahead: impl Fn(u64, u64) -> bool,
        message: &AccessMsg,
    ) -> bool {
        let record = self.collections.get_mut(&n).unwrap();
        match message {
            AccessMsg::DestroyCollection { .. } => {
                record.2 = true;
                self.prices.remove(&n);
            }
            AccessMsg::Transfer { to, .. } if *to != account(who) => {
                record.0 = name(to);
                self.prices.remove(&n);
            }
            AccessMsg::SetPrice { offer, .. } => {
                self.prices.retain(|of, _| *of != n);
                self.prices.extend(offer.clone().map(|offer| (n, offer)));
            }
            // Every rotation of this walk has the same commitment, so the current epoch repeats the last one.
            AccessMsg::RotateEpoch { epoch, .. } if *epoch == record.1 => {}
            AccessMsg::RotateEpoch { epoch, .. } if *epoch == record.1 + 1 => record.1 += 1,
            AccessMsg::Grant { grantee, quota, expires, .. }
                if *grantee != account(who) && ahead(*expires, GRANT_SECONDS_MAX) =>
            {
                let grant = (*quota, 0, *expires, false);
                self.grants.insert((n, name(grantee)), grant);
            }
            AccessMsg::Revoke { grantee, .. } => {
                let Some(grant) = self.grants.get_mut(&(n, name(grantee))) else {
                    return false;
                };
                grant.3 = true;
            }
            AccessMsg::Place { placement }
                if (record.1..=record.1 + 1).contains(&placement.epoch)
                    && ahead(placement.lease_until, LEASE_SECONDS_MAX) =>
            {
                self.placements.insert((n, placement.shard), placement.clone());
            }
            AccessMsg::Unplace { shard, .. } => {
                self.placements.remove(&(n, *shard));
            }
            AccessMsg::SetPolicy { measurements, .. } if measurements[0] != measurements[1] => {
                *self.policies.entry(n).or_default() += 1;
            }
            _ => return false,
        }
        true
    }

    /// Every answer of the ledger, found by scanning.
    fn agrees(&self, world: &World) {
        for n in IDS {
            let collection = id(n);
            let expected = self.collections.get(&n).cloned();
            let reply = world.ask(AccessQuery::Collection { collection });
            let AccessReply::Collection(seen) = reply else { panic!() };
            assert_eq!(seen.map(|r| (name(&r.owner), r.epoch, r.destroyed)), expected);

            let reply = world.ask(AccessQuery::Policy { collection });
            let AccessReply::Policy(seen) = reply else { panic!() };
            assert_eq!(seen.map(|r| r.epoch), self.policies.get(&n).copied());

            let reply = world.ask(AccessQuery::Price { collection });
            assert_eq!(reply, AccessReply::Price(self.prices.get(&n).cloned()));

            for shard in [0, 1] {
                let reply = world.ask(AccessQuery::Placement { collection, shard });
                let expected = self.placements.get(&(n, shard)).cloned();
                assert_eq!(reply, AccessReply::Placement(expected));
                let reply = world.ask(AccessQuery::Writer { collection, shard });
                let AccessReply::Writer(seen) = reply else { panic!() };
                assert_eq!(seen.map(|r| r.epoch), self.writers.get(&(n, shard)).copied());
            }

            let reply = world.ask(AccessQuery::Grants { collection, offset: 0, limit: 100 });
            let AccessReply::Grants { total, rows } = reply else { panic!() };
            assert_eq!(total as usize, rows.len());
            let rows: BTreeMap<_, _> = rows
                .into_iter()
                .map(|r| ((n, name(&r.grantee)), (r.quota, r.used, r.expires, r.revoked)))
                .collect();
            let mut expected = self.grants.clone();
            expected.retain(|(of, _), grant| *of == n && !grant.3);
            assert_eq!(rows, expected);
            assert_eq!(total as usize, rows.len(), "a row came twice");
        }
        for who in NAMES {
            self.agrees_on(world, who);
        }
    }

    fn agrees_on(&self, world: &World, who: &str) {
        let address = account(who);
        let owned = self.collections.iter().filter(|(_, c)| c.0 == who && !c.2);
        let shared = self.grants.iter().filter(|((_, to), g)| to == who && !g.3);
        let owned: Vec<_> = owned.map(|(n, _)| id(*n)).collect();
        let shared: Vec<_> = shared.map(|((n, _), _)| id(*n)).collect();
        let (offset, limit) = (0, 100);
        let asked = [
            (AccessQuery::Collections { owner: address.clone(), offset, limit }, owned),
            (AccessQuery::Shared { grantee: address.clone(), offset, limit }, shared),
        ];
        for (query, expected) in asked {
            let AccessReply::Collections { total, mut rows } = world.ask(query) else { panic!() };
            rows.sort();
            assert_eq!(total as usize, rows.len());
            assert_eq!(rows, expected);
        }
        let reply = world.ask(AccessQuery::Anchor { account: address.clone() });
        let AccessReply::Anchor(seen) = reply else { panic!() };
        assert_eq!(seen.map(|r| r.root[0]), self.anchors.get(who).copied());
        for permit in PERMITS {
            let query = AccessQuery::Admission {
                collection: id(1),
                caller: address.clone(),
                permit_name: permit.to_owned(),
            };
            let AccessReply::Admission(seen) = world.ask(query) else { panic!() };
            let revoked = self.permits.contains(&(who.to_owned(), permit.to_owned()));
            assert_eq!(seen.permit_revoked, revoked);
            let grant = seen.grant.map(|r| (r.quota, r.used, r.expires, r.revoked));
            assert_eq!(grant, self.grants.get(&(1, who.to_owned())).copied());
        }
    }
}

fn name(address: &Address) -> String {
    address.as_str().trim_start_matches("secret1").to_owned()
}

/// The ledger and a model that scans agree on every verdict and every answer.
#[test]
fn agrees_with_a_model_that_scans() {
    let mut accepted = BTreeMap::<String, (u32, u32)>::new();
    for seed in 0..100 {
        let mut chance = Chance(seed);
        let mut world = World::empty();
        let mut model = Model::default();
        for step in 0..400 {
            world.env.height += 1;
            world.env.time += chance.below(4);
            let message = message(&mut chance, world.env.time);
            let who = model.sender(&mut chance, world.env.time, &message);
            let before = world.map.clone();
            let expected = model.run(who, world.env.time, &message);
            let verdict = world.run(who, message.clone());
            let at = format!("seed {seed} step {step} {who} {message:?}: {verdict:?}");
            assert_eq!(verdict.is_ok(), expected, "{at}");
            if !expected || verdict.as_ref().is_ok_and(Vec::is_empty) {
                assert_eq!(world.map, before, "{at}");
            }
            if step % 10 == 0 {
                model.agrees(&world);
            }
            let shown = format!("{message:?}");
            let kind = shown.split(' ').next().unwrap().to_owned();
            let count = accepted.entry(kind).or_default();
            if expected { count.0 += 1 } else { count.1 += 1 }
        }
        model.agrees(&world);
    }
    // The walk is worth something only if it saw both sides of every line.
    assert_eq!(accepted.len(), 15);
    for (kind, (yes, no)) in accepted {
        assert!(yes > 50, "{kind} was accepted {yes} times");
        assert!(no > 20 || kind == "RevokePermit", "{kind} was refused {no} times");
    }
}

const IDS: [u8; 2] = [1, 2];
const NAMES: [&str; 3] = ["ann", "bob", "cyd"];
const PERMITS: [&str; 2] = ["p1", "p2"];
