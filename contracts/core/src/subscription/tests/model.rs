//! Random messages against a twin that counts days one by one and scans: same verdicts, same answers.

use super::*;
use prag_protocol::ledger::subscription::PERIODS_AHEAD_MAX;

/// Id, price, denomination, period, grace, fee in basis points, keys.
type Offer = (u32, u128, &'static str, u64, u64, u128, usize);

const OFFERS: [Offer; 4] = [
    (1, 1000, "uscrt", 3 * DAY, DAY, 500, 2),
    (2, 777, "uatom", DAY + DAY / 2, DAY, 0, 3),
    (3, 13, "uscrt", 3600, 0, 10_000, 1),
    (4, 50_021, "uatom", 10 * DAY + 1, 10 * DAY, 3333, 2),
];

#[derive(Clone, Debug)]
struct Paid {
    offer: Offer,
    start: u64,
    until: u64,
    cancelled: bool,
    /// The claim at the last touch.
    reserved: u128,
}

impl Paid {
    fn live(&self, now: u64) -> bool {
        now < self.until + if self.cancelled { 0 } else { self.offer.4 }
    }

    /// The price of what is unused: whole periods that begin later than now, and of the one that
    /// runs every day that begins at or after now, counted from its end.
    fn worth(&self, now: u64) -> u128 {
        if self.cancelled {
            return 0;
        }
        let (_, price, _, period, ..) = self.offer;
        let mut worth = 0;
        let mut begins = self.start;
        while begins < self.until {
            let end = begins + period;
            if begins > now {
                worth += price;
            } else if end > now {
                let mut days = 0;
                while (days + 1) * DAY <= period && end - (days + 1) * DAY >= now {
                    days += 1;
                }
                worth += price * u128::from(days * DAY) / u128::from(period);
            }
            begins = end;
        }
        worth
    }

    fn refund(&self, now: u64) -> u128 {
        self.worth(now) * (10_000 - self.offer.5) / 10_000
    }

    fn ahead(&self, now: u64) -> u64 {
        let mut ahead = 0;
        let mut begins = self.start;
        while begins < self.until {
            ahead += u64::from(begins > now);
            begins += self.offer.3;
        }
        ahead
    }

    /// When the day that has begun is over.
    fn day_end(&self, now: u64) -> u64 {
        let mut end = self.start;
        while end <= now && end < self.until {
            end += self.offer.3;
        }
        while end >= now + DAY {
            end -= DAY;
        }
        end.min(self.until)
    }
}

#[derive(Clone, Default)]
struct Twin {
    admin: String,
    proposed: Option<String>,
    retired: Vec<u32>,
    registered: Vec<String>,
    paid: BTreeMap<String, Paid>,
    keys: BTreeMap<u8, String>,
    /// By denomination: in, out to subscribers, out to the admin.
    flows: BTreeMap<String, (u128, u128, u128)>,
    sent: BTreeMap<(String, String), u128>,
}

impl Twin {
    fn known(&self, who: &str) -> bool {
        self.registered.contains(&who.to_owned()) || self.paid.contains_key(who)
    }

    fn allowed(&self, who: &str, now: u64) -> Option<usize> {
        if self.registered.contains(&who.to_owned()) {
            return Some(16);
        }
        self.paid.get(who).filter(|paid| paid.live(now)).map(|paid| paid.offer.6)
    }

    fn count(&self, who: &str) -> usize {
        self.keys.values().filter(|owner| *owner == who).count()
    }

    fn fits(&self, who: &str, offer: &Offer) -> bool {
        let registered = self.registered.contains(&who.to_owned());
        self.count(who) <= if registered { 16 } else { offer.6 }
    }

    fn renewable(&self, who: &str, now: u64) -> Option<Paid> {
        self.paid.get(who).filter(|paid| paid.live(now) && !paid.cancelled).cloned()
    }

    fn offer(&self, id: u32) -> Option<Offer> {
        OFFERS.into_iter().find(|offer| offer.0 == id && !self.retired.contains(&id))
    }

    fn flow(&mut self, denom: &str) -> &mut (u128, u128, u128) {
        self.flows.entry(denom.to_owned()).or_default()
    }

    fn pay(&mut self, who: &str, denom: &str, units: u128) {
        if units > 0 {
            *self.sent.entry((who.to_owned(), denom.to_owned())).or_default() += units;
        }
    }

    fn give(&mut self, who: &str, denom: &str, units: u128) {
        self.flow(denom).1 += units;
        self.pay(who, denom, units);
    }

    fn earned(&self, denom: &str) -> u128 {
        let (paid, refunded, withdrawn) = self.flows.get(denom).copied().unwrap_or_default();
        let reserved: u128 =
            self.paid.values().filter(|p| p.offer.2 == denom).map(|p| p.reserved).sum();
        paid - refunded - withdrawn - reserved
    }

    fn begin(&mut self, who: &str, offer: Offer, now: u64) {
        self.flow(offer.2).0 += offer.1;
        let (start, until) = (now, now + offer.3);
        let mut paid = Paid { offer, start, until, cancelled: false, reserved: 0 };
        paid.reserved = paid.worth(now);
        self.paid.insert(who.to_owned(), paid);
    }

    /// Whether the message is accepted; if so it has been applied.
    fn run(&mut self, who: &str, now: u64, funds: Coins, message: &SubscriptionMsg) -> bool {
        let exact = |offer: &Offer| *funds == [(offer.2, offer.1)];
        match message {
            SubscriptionMsg::Subscribe { plan } => {
                let Some(offer) = self.offer(*plan).filter(exact) else { return false };
                let good = self.renewable(who, now).is_none() && self.fits(who, &offer);
                if good {
                    self.begin(who, offer, now);
                }
                return good;
            }
            SubscriptionMsg::Renew {} => {
                let Some(mut paid) = self.renewable(who, now) else { return false };
                let open = self.offer(paid.offer.0).is_some() && exact(&paid.offer);
                if !open || paid.ahead(now) >= PERIODS_AHEAD_MAX {
                    return false;
                }
                self.flow(paid.offer.2).0 += paid.offer.1;
                paid.until += paid.offer.3;
                paid.reserved = paid.worth(now);
                self.paid.insert(who.to_owned(), paid);
                return true;
            }
            SubscriptionMsg::Upgrade { plan } => {
                let Some(paid) = self.renewable(who, now) else { return false };
                let Some(offer) = self.offer(*plan).filter(exact) else { return false };
                if paid.offer.0 == *plan || !self.fits(who, &offer) {
                    return false;
                }
                self.give(who, paid.offer.2, paid.refund(now));
                self.begin(who, offer, now);
                return true;
            }
            _ if !funds.is_empty() => return false,
            _ => {}
        }
        self.run_free(who, now, message)
    }

    fn run_free(&mut self, who: &str, now: u64, message: &SubscriptionMsg) -> bool {
        let admin = who == self.admin;
        match message {
            SubscriptionMsg::RegisterSubscriber { public_key } => {
                let account = name(public_key);
                let good = admin && !self.registered.contains(&account);
                if good {
                    self.registered.push(account);
                }
                good
            }
            SubscriptionMsg::RemoveSubscriber { public_key } => {
                let account = name(public_key);
                if !admin || !self.known(&account) {
                    return false;
                }
                if let Some(paid) = self.paid.remove(&account) {
                    self.give(&account, paid.offer.2, paid.worth(now));
                }
                self.registered.retain(|other| *other != account);
                self.keys.retain(|_, owner| *owner != account);
                true
            }
            SubscriptionMsg::SetAdmin { public_address } => {
                if admin {
                    self.proposed = Some(name(public_address)).filter(|heir| heir != who);
                }
                admin
            }
            SubscriptionMsg::AcceptAdmin {} => {
                let good = self.proposed.as_deref() == Some(who);
                if good {
                    (self.admin, self.proposed) = (who.to_owned(), None);
                }
                good
            }
            SubscriptionMsg::AddApiKey { api_key, identity, .. } => {
                let account = identity.as_ref().map_or_else(|| who.to_owned(), name);
                let may = account == who || admin;
                let allowed = self.allowed(&account, now).unwrap_or(0);
                let fresh = !self.keys.contains_key(&api_key[0]);
                let good = may && fresh && self.count(&account) < allowed;
                if good {
                    self.keys.insert(api_key[0], account);
                }
                good
            }
            SubscriptionMsg::RevokeApiKey { api_key } => {
                let owner = self.keys.get(&api_key[0]);
                let good = owner.is_some_and(|owner| owner == who || admin);
                if good {
                    self.keys.remove(&api_key[0]);
                }
                good
            }
            SubscriptionMsg::RetirePlan { plan } => {
                let good = admin && OFFERS.iter().any(|offer| offer.0 == *plan);
                if good {
                    self.retired.push(*plan);
                }
                good
            }
            SubscriptionMsg::Cancel {} => {
                if self.paid.get(who).is_some_and(|paid| paid.cancelled) {
                    return true;
                }
                let Some(mut paid) = self.renewable(who, now) else { return false };
                self.give(who, paid.offer.2, paid.refund(now));
                paid.until = paid.day_end(now);
                (paid.cancelled, paid.reserved) = (true, 0);
                self.paid.insert(who.to_owned(), paid);
                true
            }
            SubscriptionMsg::Settle { subscriber } => {
                let account = name(subscriber);
                if let Some(paid) = self.paid.get_mut(&account) {
                    paid.reserved = paid.worth(now);
                }
                self.known(&account)
            }
            SubscriptionMsg::Withdraw { denom, amount, to } => {
                let known = self.flows.contains_key(denom.as_str());
                let good = admin && known && amount.get() <= self.earned(denom.as_str());
                if good {
                    self.flow(denom.as_str()).2 += amount.get();
                    self.pay(&name(to), denom.as_str(), amount.get());
                }
                good
            }
            SubscriptionMsg::MakePlan { .. }
            | SubscriptionMsg::Subscribe { .. }
            | SubscriptionMsg::Renew {}
            | SubscriptionMsg::Upgrade { .. } => false,
        }
    }

    /// Every answer of the ledger, found by scanning.
    fn agrees(&self, world: &World, at: &str) {
        let now = world.env.time;
        for who in NAMES {
            assert_eq!(world.active(who), self.allowed(who, now).is_some(), "{who} {at}");
            let Some(seen) = world.subscription(who) else {
                assert!(!self.known(who), "{who} {at}");
                continue;
            };
            assert_eq!(seen.registered, self.registered.contains(&who.to_owned()), "{who} {at}");
            assert_eq!(seen.api_keys as usize, self.count(who), "{who} {at}");
            let paid = self.paid.get(who);
            assert_eq!(seen.refund, paid.map_or(0, |paid| paid.refund(now)), "{who} {at}");
            let until = paid.map(|paid| (paid.offer.0, paid.until, paid.reserved));
            let running = seen.running.map(|r| (r.plan, r.paid_until, r.reserved));
            assert_eq!(running, until, "{who} {at}");
            let live = paid.filter(|paid| paid.live(now)).map(|paid| paid.offer.0);
            assert_eq!(seen.terms.map(|terms| terms.plan), live, "{who} {at}");
        }
        for key in KEYS {
            let owner = world.api_key(key).map(|status| name(&status.subscriber));
            assert_eq!(owner.as_ref(), self.keys.get(&key), "{at}");
        }
        for denom in ["uscrt", "uatom"] {
            let account = world.account(denom);
            let flow = self.flows.get(denom).copied().unwrap_or_default();
            let (paid_in, refunded, withdrawn) = flow;
            let seen = (account.paid_in, account.refunded, account.withdrawn);
            assert_eq!(seen, flow, "{at}");
            let held = paid_in - refunded - withdrawn;
            assert_eq!(world.bank.get(denom).copied().unwrap_or(0), held, "{at}");
            assert_eq!(held - account.reserved, self.earned(denom), "{at}");
        }
        assert_eq!(world.sent, self.sent, "{at}");
    }

    /// Somebody's message; half of the time with the funds that it needs.
    fn message(&self, chance: &mut Chance) -> (Coins<'static>, SubscriptionMsg, &'static str) {
        let who = chance.one(&NAMES);
        let offer = chance.one(&OFFERS);
        let held = self.paid.get(who).map_or(offer, |paid| paid.offer);
        let (coin, own) = (price_of(offer), price_of(held));
        let key = chance.one(&KEYS);
        match chance.below(24) {
            0..=4 => (coin, subscribe(offer.0), who),
            5..=7 => (own, renew(), who),
            8 => (coin, renew(), who),
            9 | 10 => (coin, upgrade(offer.0), who),
            11 => (&[], cancel(), who),
            12 => (&[], register(chance.one(&NAMES)), who),
            13 => (&[], remove(chance.one(&NAMES)), who),
            14 => (&[], set_admin(chance.one(&NAMES)), who),
            15 => (&[], accept(), who),
            16 | 17 => (&[], add_key(key), who),
            18 => (&[], add_key_for(key, chance.one(&NAMES)), who),
            19 => (&[], revoke_key(key), who),
            20 if chance.below(12) == 0 => (&[], retire(chance.one(&[1, 2, 3, 4, 9])), who),
            20 | 21 => (chance.one::<Coins>(&[&[], &[], coin]), settle(chance.one(&NAMES)), who),
            _ => {
                let denom = chance.one(&["uscrt", "uatom"]);
                let earned = self.earned(denom).max(1);
                (&[], withdraw(denom, chance.one(&[1, earned, earned + 1])), who)
            }
        }
    }
}

fn price_of(offer: Offer) -> Coins<'static> {
    match offer.0 {
        1 => &[("uscrt", 1000)],
        2 => &[("uatom", 777)],
        3 => &[("uscrt", 13)],
        _ => &[("uatom", 50_021)],
    }
}

/// The contract and a twin that scans agree on every verdict and every answer.
#[test]
fn agrees_with_a_twin_that_scans() {
    let mut accepted = BTreeMap::<String, (u32, u32)>::new();
    for seed in 0..120 {
        let mut chance = Chance(seed);
        let mut world = World::empty();
        for (id, price, denom, period, grace, fee, keys) in OFFERS {
            let (fee, keys) = (u32::try_from(fee).unwrap(), u32::try_from(keys).unwrap());
            world.ok("admin", &[], plan(id, price, denom, period, grace, fee, keys));
        }
        let mut twin = Twin { admin: "admin".to_owned(), ..Twin::default() };
        for step in 0..300 {
            let leap = chance.one(&[0, 1, 60, 3600, DAY / 2, DAY, 2 * DAY]);
            world.after(chance.one(&[0, leap]));
            let (funds, message, sender) = twin.message(&mut chance);
            let now = world.env.time;
            // Half of the time somebody who may, if there is somebody.
            let may = |who: &&&str| twin.clone().run(who, now, funds, &message);
            let able = NAMES.iter().find(may).filter(|_| chance.below(2) == 0);
            let who = able.copied().unwrap_or(sender);
            let before = world.map.clone();
            let expected = twin.run(who, now, funds, &message);
            let verdict = world.run(who, funds, message.clone());
            let at = format!("seed {seed} step {step} {who} {message:?}: {verdict:?}");
            assert_eq!(verdict.is_ok(), expected, "{at}");
            if !expected || verdict.as_ref().is_ok_and(|done| done.events.is_empty()) {
                assert_eq!(world.map, before, "{at}");
            }
            twin.agrees(&world, &at);
            let shown = format!("{message:?}");
            let kind = shown.split([' ', '{']).next().unwrap().to_owned();
            let count = accepted.entry(kind).or_default();
            if expected { count.0 += 1 } else { count.1 += 1 }
        }
    }
    // The walk is worth something only if it saw both sides of every line.
    assert_eq!(accepted.len(), 13, "{accepted:?}");
    for (kind, (yes, no)) in accepted {
        assert!(yes > 50, "{kind} was accepted {yes} times");
        assert!(no > 20, "{kind} was refused {no} times");
    }
}

const NAMES: [&str; 4] = ["admin", "ann", "bob", "cyd"];
const KEYS: [u8; 6] = [1, 2, 3, 4, 5, 6];
