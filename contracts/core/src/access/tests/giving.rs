//! Random histories of owners, delegates and buyers against a twin that counts by scanning: same verdicts, same reach.

use super::*;
use prag_protocol::ledger::{BuyMsg, Source};

const PEOPLE: [&str; 5] = ["ann", "bob", "cyd", "dan", "eve"];

/// By whose word, as the twin sees it: every time that somebody becomes a delegate has a number of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Owner,
    Delegate(&'static str, u32),
    Sale,
}

#[derive(Clone, Debug)]
struct Given {
    by: By,
    quota: Option<u64>,
    used: u64,
    expires: u64,
    revoked: bool,
    delegate: u32,
    /// Since when it is a delegate's.
    since: u32,
}

#[derive(Default)]
struct Twin {
    grants: BTreeMap<&'static str, Given>,
    appointments: u32,
    price: Option<Offer>,
}

impl Twin {
    fn stand(&self, by: &str, since: u32) -> u32 {
        let counted = |one: &&Given| {
            !one.revoked && matches!(one.by, By::Delegate(of, at) if of == by && at == since)
        };
        u32::try_from(self.grants.values().filter(counted).count()).unwrap()
    }

    fn delegate(&self, who: &str, now: u64) -> Option<&Given> {
        self.grants.get(who).filter(|own| !own.revoked && own.expires > now && own.delegate > 0)
    }

    /// Who carries the grant, if it needs that; `Err` where it needs it and nobody does.
    fn carrier(&self, grant: &Given) -> Result<Option<&'static str>, ()> {
        let By::Delegate(by, since) = grant.by else { return Ok(None) };
        let own = &self.grants[by];
        let carries = !own.revoked && own.delegate > 0 && own.since == since;
        if carries { Ok(Some(by)) } else { Err(()) }
    }

    fn grant(
        &mut self,
        who: &str,
        to: &'static str,
        now: u64,
        terms: (Option<u64>, u64, u32),
    ) -> bool {
        let (quota, expires, delegate) = terms;
        let before = self.grants.get(to).cloned();
        if to == who || expires <= now {
            return false;
        }
        let by = if who == "owner" {
            By::Owner
        } else {
            let Some(own) = self.delegate(who, now) else { return false };
            let (who, since) = (PEOPLE.into_iter().find(|one| *one == who).unwrap(), own.since);
            let mine =
                before.as_ref().is_none_or(|b| matches!(b.by, By::Delegate(of, _) if of == who));
            let within = quota.is_none_or(|quota| own.quota.is_none_or(|most| quota <= most))
                && expires <= own.expires
                && delegate == 0;
            let counted =
                before.as_ref().is_some_and(|b| !b.revoked && b.by == By::Delegate(who, since));
            if !mine || !within || self.stand(who, since) - u32::from(counted) >= own.delegate {
                return false;
            }
            By::Delegate(who, since)
        };
        let still = before.filter(|b| b.delegate > 0 && delegate > 0).map(|b| b.since);
        let since = still.unwrap_or_else(|| {
            self.appointments += 1;
            self.appointments
        });
        let given = Given { by, quota, used: 0, expires, revoked: false, delegate, since };
        self.grants.insert(to, given);
        true
    }

    fn revoke(&mut self, who: &str, from: &str, now: u64) -> bool {
        let own = who == "owner" || self.delegate(who, now).is_some();
        let Some(grant) = self.grants.get_mut(from) else { return false };
        let mine = who == "owner" || matches!(grant.by, By::Delegate(of, _) if of == who);
        if own && mine && !grant.revoked {
            (grant.revoked, grant.delegate) = (true, 0);
            if who == "owner" {
                grant.by = By::Owner;
            }
        }
        own && mine
    }

    fn left(grant: &Given) -> u64 {
        grant.quota.map_or(u64::from(u32::MAX), |quota| quota.saturating_sub(grant.used))
    }

    fn consume(&mut self, from: &str, units: u64, now: u64) -> bool {
        let Some(grant) = self.grants.get(from).cloned() else { return false };
        let Ok(carrier) = self.carrier(&grant) else { return false };
        let all = [Some(&grant), carrier.map(|by| &self.grants[by])];
        let fits = |one: &Given| !one.revoked && one.expires > now && Self::left(one) >= units;
        if !all.into_iter().flatten().all(fits) {
            return false;
        }
        self.grants.get_mut(from).unwrap().used += units;
        if let Some(by) = carrier {
            self.grants.get_mut(by).unwrap().used += units;
        }
        true
    }

    fn buy(&mut self, who: &'static str, offer: &Offer, now: u64) -> bool {
        if self.price.as_ref() != Some(offer) {
            return false;
        }
        let before = self.grants.get(who).cloned();
        if before.as_ref().is_some_and(|b| b.revoked && b.by == By::Owner) {
            return false;
        }
        let (mut quota, mut used, mut from) = (offer.quota, 0, now);
        if let Some(running) = before.filter(|b| !b.revoked && b.expires > now) {
            if running.by != By::Sale {
                return false;
            }
            (quota, used) = (quota.zip(running.quota).map(|(a, b)| a + b), running.used);
            from = running.expires;
        }
        self.appointments += 1;
        let since = self.appointments;
        let expires = from + offer.seconds;
        let given =
            Given { by: By::Sale, quota, used, expires, revoked: false, delegate: 0, since };
        self.grants.insert(who, given);
        true
    }

    fn agrees(&self, world: &World) {
        for (who, given) in &self.grants {
            let seen = world.grant(1, who);
            let told = (seen.quota, seen.used, seen.expires, seen.revoked, seen.delegate);
            let kept = (given.quota, given.used, given.expires, given.revoked, given.delegate);
            assert_eq!(told, kept, "{who}");
            let by = match &seen.source {
                Source::Owner => "owner".to_owned(),
                Source::Delegate { by, .. } => by.as_str().replace("secret1", ""),
                Source::Sale => "sale".to_owned(),
            };
            let expected = match given.by {
                By::Owner => "owner",
                By::Delegate(by, _) => by,
                By::Sale => "sale",
            };
            assert_eq!(by, expected, "{who}");
            if given.delegate > 0 {
                assert_eq!(seen.given, self.stand(who, given.since), "{who}");
            }
            self.reaches(world, who, given);
        }
    }

    fn reaches(&self, world: &World, who: &str, given: &Given) {
        let reach = world.admission(1, who).reach();
        let Ok(carrier) = self.carrier(given) else {
            assert_eq!(reach, None, "{who} without a carrier");
            return;
        };
        let reach = reach.unwrap();
        let own = carrier.map(|by| &self.grants[by]);
        let expires = own.map_or(given.expires, |own| own.expires.min(given.expires));
        let units = own.map_or(Self::left(given), |own| Self::left(own).min(Self::left(given)));
        let told =
            reach.quota.map_or(u64::from(u32::MAX), |quota| quota.saturating_sub(reach.used));
        assert_eq!((reach.expires, told, reach.revoked), (expires, units, given.revoked), "{who}");
    }
}

#[test]
fn histories() {
    let (mut good, mut given, mut sold) = (0, 0, 0);
    for seed in 1..=500 {
        let mut chance = Chance(seed);
        let mut world = World::empty();
        world.ok("owner", create(1));
        world.ok("owner", place(1, 0, 1, NOW + 1_000_000));
        let mut twin = Twin::default();
        for _ in 0..60 {
            world.env.time += chance.one(&[0, 1, 1, 3, 20]);
            let now = world.env.time;
            let to = chance.one(&PEOPLE);
            let who = chance.one(&["owner", "ann", "ann", "bob", "bob", "cyd"]);
            let quota = chance.one(&[None, Some(3), Some(6), Some(12)]);
            let near = if who == "owner" { [0, 5, 60, 90, 200] } else { [0, 2, 5, 10, 20] };
            let expires = now + chance.one(&near);
            let most = if who == "owner" {
                chance.one(&[0, 1, 2, 3])
            } else {
                chance.one(&[0, 0, 0, 0, 1])
            };
            let before = world.map.clone();
            let expected;
            let seen = match chance.below(12) {
                0..=5 => {
                    expected = twin.grant(who, to, now, (quota, expires, most));
                    given += u32::from(expected && who != "owner");
                    world.run(who, appoint(1, to, quota, expires, most)).is_ok()
                }
                6 => {
                    expected = twin.revoke(who, to, now);
                    world.run(who, revoke(1, to)).is_ok()
                }
                7 => {
                    let price = chance.one(&[None, Some(5), Some(9)]);
                    expected = who == "owner";
                    if expected {
                        twin.price = price.map(offer);
                    }
                    world.run(who, set_price(1, price)).is_ok()
                }
                8 => {
                    let (amount, collection) = (chance.one(&[5, 9]), id(1));
                    expected = twin.buy(to, &offer(amount), now);
                    sold += u32::from(expected);
                    let message = BuyMsg { collection, offer: offer(amount) };
                    let funds = [Funds { denom: "uscrt".to_owned(), amount }];
                    access::buy(&mut world.map, &world.env, &account(to), &funds, message).is_ok()
                }
                _ => {
                    let units = chance.one(&[1, 2, 4]);
                    expected = twin.consume(to, units, now);
                    world.run("worker", consume(1, 0, to, units)).is_ok()
                }
            };
            assert_eq!(seen, expected, "seed {seed}");
            good += u32::from(seen);
            assert!(seen || world.map == before, "a refusal left a trace");
            twin.agrees(&world);
        }
    }
    assert!(good > 3000 && given > 200 && sold > 200, "{good} {given} {sold}");
}
