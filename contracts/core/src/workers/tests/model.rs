//! Random messages against a model that only scans: same verdicts, same payments, same answers.

use super::chance::{NAMES, SENDERS, SERVICES, TYPES, message};
use super::*;
use crate::workers::rendezvous::choose;
use crate::workers::seats::Seat;
use prag_protocol::ledger::MILLION;
use prag_protocol::ledger::workers::WINDOWS_KEPT;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
struct Worker {
    number: u64,
    url: String,
    kind: String,
    service: String,
    capacity: u32,
    key: [u8; 32],
    stake: u128,
    approval: u32,
    expires: u64,
    since: u64,
    answered: BTreeSet<u64>,
    punished: BTreeSet<u64>,
    live_until: u64,
    leaving: Option<(u64, u64)>,
}

#[derive(Clone, Default)]
struct Model {
    workers: BTreeMap<String, Worker>,
    numbers: u64,
    heard: BTreeSet<u64>,
    /// Number, measurement, effective from.
    approvals: Vec<(u32, u8, u64)>,
    approved: u32,
    admin: String,
    proposed: Option<String>,
    court: String,
    next_court: Option<(String, u64)>,
}

/// Who is paid how much.
type Paid = Vec<(String, u128)>;

impl Model {
    fn court(&self, now: u64) -> String {
        match &self.next_court {
            Some((court, from)) if *from <= now => court.clone(),
            Some(_) | None => self.court.clone(),
        }
    }

    /// What is paid, if the message is accepted; it has then been applied.
    fn run(&mut self, world: &World, who: &str, sent: u128, message: &WorkersMsg) -> Option<Paid> {
        let mut next = self.clone();
        let paid = next.try_run(world, who, sent, message)?;
        next.heard.insert(world.window());
        *self = next;
        Some(paid)
    }

    fn try_run(
        &mut self,
        world: &World,
        who: &str,
        sent: u128,
        message: &WorkersMsg,
    ) -> Option<Paid> {
        let (now, window) = (world.env.time, world.window());
        match message {
            WorkersMsg::RegisterWorker(registration) => {
                self.register(world, who, sent, registration)?;
                return Some(vec![]);
            }
            _ if sent > 0 => return None,
            WorkersMsg::SetWorkerWallet { ip_address, .. } => {
                self.own(who, ip_address)?;
            }
            WorkersMsg::SetWorkerAddress { new_ip_address, old_ip_address } => {
                self.own(who, old_ip_address)?.url.clone_from(new_ip_address);
            }
            WorkersMsg::SetWorkerType { ip_address, worker_type } => {
                self.own(who, ip_address)?.kind.clone_from(worker_type);
            }
            WorkersMsg::RemoveWorker { ip_address } => {
                let worker = self.own(who, ip_address)?;
                worker.leaving = Some((window, now + 5000));
                worker.live_until = worker.live_until.min(now);
            }
            WorkersMsg::WithdrawStake {} => {
                self.workers.get(who)?.leaving.filter(|(_, from)| *from <= now)?;
                let stake = self.workers.remove(who)?.stake;
                return Some(if stake == 0 { vec![] } else { vec![(who.to_owned(), stake)] });
            }
            WorkersMsg::ReportLiveliness { window: of, signature } => {
                let worker = self.workers.get_mut(who).filter(|worker| worker.leaving.is_none())?;
                let good = sign(&challenge(LEDGER, &account(who), window), &worker.key);
                let fresh = *of == window && worker.expires > now;
                if !fresh || *signature != good || !worker.answered.insert(window) {
                    return None;
                }
                worker.live_until = worker.expires.min((window + 2) * WINDOW);
            }
            WorkersMsg::ReportMissed { worker, window: of } => {
                let heard = self.heard.contains(of);
                let worker = self.workers.get_mut(&name(worker))?;
                let known = *of < window && window - of < WINDOWS_KEPT;
                let owed = *of >= worker.since && worker.leaving.is_none_or(|(left, _)| *of < left);
                let open = !worker.answered.contains(of) && worker.punished.insert(*of);
                if !(heard && known && owed && open) {
                    return None;
                }
                return cut(worker, 10_000);
            }
            WorkersMsg::Slash { worker, fraction, .. } => {
                if self.court(now) != who {
                    return None;
                }
                return cut(self.workers.get_mut(&name(worker))?, *fraction);
            }
            WorkersMsg::AcceptAdmin {} => {
                self.admin = self.proposed.take().filter(|proposed| proposed == who)?;
            }
            _ => return self.run_admin(now, who, message),
        }
        Some(vec![])
    }

    fn run_admin(&mut self, now: u64, who: &str, message: &WorkersMsg) -> Option<Paid> {
        if self.admin != who {
            return None;
        }
        match message {
            WorkersMsg::ApproveMeasurement { measurement: [byte, ..] } => {
                if !self.approvals.iter().any(|row| row.1 == *byte) {
                    self.approved += 1;
                    self.approvals.push((self.approved, *byte, now + 1000));
                }
            }
            WorkersMsg::RetireMeasurement { measurement: [byte, ..] } => {
                self.approvals.retain(|row| row.1 != *byte);
            }
            WorkersMsg::SetParties { parties } => {
                self.court = self.court(now);
                let court = name(parties.rewards.as_ref().unwrap());
                self.next_court = Some((court, now + 1000));
            }
            WorkersMsg::SetAdmin { admin } => {
                self.proposed = Some(name(admin)).filter(|admin| *admin != self.admin);
            }
            other => panic!("{other:?}"),
        }
        Some(vec![])
    }

    fn own(&mut self, who: &str, url: &str) -> Option<&mut Worker> {
        self.workers.get_mut(who).filter(|worker| worker.leaving.is_none() && worker.url == url)
    }

    fn register(
        &mut self,
        world: &World,
        who: &str,
        sent: u128,
        registration: &Registration,
    ) -> Option<()> {
        let (now, window) = (world.env.time, world.window());
        let mut expected = registration.clone();
        prove(who, &mut expected);
        let approval = match world.verdict {
            Verdict::Stored => 0,
            Verdict::Attested { measurement: [byte, ..], .. } => {
                self.approvals.iter().find(|row| row.1 == byte && row.2 <= now)?.0
            }
        };
        // The walk's quotes are of the sender's own key.
        let bound = approval == 0 || registration.signing_key == key(who);
        let before = self.workers.get(who).cloned();
        let stake = before.as_ref().map_or(0, |worker| worker.stake) + sent;
        let covered = stake >= UNIT * u128::from(registration.capacity);
        if registration.window != window || expected != *registration || !bound || !covered {
            return None;
        }
        let expires = now + 10 * WINDOW;
        let mut worker = before.unwrap_or_else(|| {
            self.numbers += 1;
            Worker {
                number: self.numbers,
                url: String::new(),
                kind: String::new(),
                service: String::new(),
                capacity: 0,
                key: [0; 32],
                stake: 0,
                approval: 0,
                expires: 0,
                since: window,
                answered: BTreeSet::new(),
                punished: BTreeSet::new(),
                live_until: 0,
                leaving: None,
            }
        });
        if let Some((left, _)) = worker.leaving.take() {
            worker.punished.extend(left..window);
        }
        worker.answered.insert(window);
        worker.url.clone_from(&registration.ip_address);
        worker.kind.clone_from(&registration.worker_type);
        worker.service.clone_from(&registration.service);
        worker.capacity = registration.capacity;
        worker.key = registration.signing_key;
        (worker.stake, worker.approval, worker.expires) = (stake, approval, expires);
        worker.live_until = expires.min((window + 2) * WINDOW);
        self.workers.insert(who.to_owned(), worker);
        Some(())
    }

    /// Those that can be chosen now.
    fn live(&self, now: u64) -> Vec<(&Worker, Seat)> {
        let stands = |number: u32| number == 0 || self.approvals.iter().any(|row| row.0 == number);
        let seat = |worker: &Worker| Seat {
            number: worker.number,
            weight: worker.capacity.min(u32::try_from(worker.stake / UNIT).unwrap()),
            live_until: worker.live_until,
            approval: worker.approval,
        };
        let live = self.workers.values().map(|worker| (worker, seat(worker)));
        live.filter(|(worker, seat)| {
            worker.leaving.is_none()
                && stands(worker.approval)
                && worker.live_until > now
                && seat.weight > 0
        })
        .collect()
    }

    /// Every answer of the ledger, found by scanning.
    fn agrees(&self, world: &World) {
        let live = self.live(world.env.time);
        for service in SERVICES {
            let seats = live.iter().filter(|(worker, _)| worker.service == service);
            let seats: Vec<_> = seats.map(|(_, seat)| seat.clone()).collect();
            for subject in ["a", "b", "c", "d"] {
                let query = WorkersQuery::GetNextWorker {
                    signature: None,
                    subscriber_public_key: subject.to_owned(),
                    service: service.to_owned(),
                };
                let WorkersReply::Worker(seen) = world.ask(query) else { panic!() };
                let expected = choose(service, subject, &seats).map(|seat| seat.number);
                assert_eq!(seen.map(|record| record.number), expected, "{service} {subject}");
            }
        }
        let (signature, subscriber_public_key, offset, limit) = (None, None, 0, 100);
        let staying = || self.workers.values().filter(|worker| worker.leaving.is_none());
        let query = WorkersQuery::GetModels { signature, subscriber_public_key, offset, limit };
        let WorkersReply::Models(models) = world.ask(query) else { panic!() };
        let expected: BTreeSet<_> = staying().map(|worker| worker.kind.clone()).collect();
        assert_eq!(models.len(), expected.len());
        assert_eq!(models.into_iter().collect::<BTreeSet<_>>(), expected);
        for kind in TYPES {
            let (signature, subscriber_public_key) = (None, None);
            let model = Some(kind.to_owned());
            let query =
                WorkersQuery::GetUrls { signature, subscriber_public_key, model, offset, limit };
            let WorkersReply::Urls(mut urls) = world.ask(query) else { panic!() };
            let of_kind = live.iter().filter(|(worker, _)| worker.kind == kind);
            let mut expected: Vec<_> = of_kind.map(|(worker, _)| worker.url.clone()).collect();
            urls.sort();
            expected.sort();
            assert_eq!(urls, expected);
        }
        let (signature, subscriber_public_key) = (None, None);
        let query = WorkersQuery::GetWorkers { signature, subscriber_public_key, offset, limit };
        let WorkersReply::Workers(rows) = world.ask(query) else { panic!() };
        assert_eq!(rows.len(), staying().count());
        for who in NAMES {
            let seen = world.record(who);
            let expected = self.workers.get(who);
            assert_eq!(
                seen.map(|r| (r.number, r.stake, r.live_until, r.leaving.is_some())),
                expected.map(|w| (w.number, w.stake, w.live_until, w.leaving.is_some())),
                "{who}"
            );
        }
    }
}

fn cut(worker: &mut Worker, ppm: u32) -> Option<Paid> {
    let part = (worker.stake * u128::from(ppm) / u128::from(MILLION)).max(1);
    worker.stake = worker.stake.checked_sub(part)?;
    Some(vec![("treasury".to_owned(), part)])
}

/// The ledger and a model that scans agree on every verdict, payment and answer; and at every moment,
/// what came in is what is staked and what went out.
#[test]
fn agrees_with_a_model_that_scans() {
    let mut accepted = BTreeMap::<String, (u32, u32)>::new();
    let mut attested = 0;
    for seed in 0..40 {
        let mut chance = Chance(seed);
        let mut world = World::empty();
        let (admin, court) = ("admin".to_owned(), "rewards".to_owned());
        let mut model = Model { admin, court, ..Model::default() };
        let (mut came, mut went) = (0, 0);
        for step in 0..400 {
            world.env.height += 1;
            world.env.time += chance.one(&[0, 10, 100, 200, 500]);
            let who = chance.one(&SENDERS);
            let nonce = challenge(LEDGER, &account(who), world.window());
            let report_data = super::evidence::report_data(key(who), nonce, false);
            let measurement = [chance.one(&[1, 2]); 32];
            world.verdict = match chance.below(3) {
                0 => Verdict::Attested { measurement, report_data },
                _ => Verdict::Stored,
            };
            let message = message(&mut chance, &world, who);
            let pays = matches!(message, WorkersMsg::RegisterWorker(_)) || chance.below(20) == 0;
            let sent = if pays { chance.one(&[0, 1, UNIT, 2 * UNIT, 5 * UNIT]) } else { 0 };
            let before = world.map.clone();
            let expected = model.run(&world, who, sent, &message);
            let coin = [(sent, "uscrt")];
            let funds = if sent == 0 { &coin[..0] } else { &coin[..] };
            let verdict = world.run(who, funds, message.clone());
            let at = format!("seed {seed} step {step} {who} {message:?}: {verdict:?}");
            let paid = verdict.map(|done| {
                let paid = done.payments.into_iter();
                paid.map(|payment| (name(&payment.to), payment.amount)).collect::<Paid>()
            });
            assert_eq!(paid.as_ref().ok(), expected.as_ref(), "{at}");
            match expected {
                None => assert_eq!(world.map, before, "{at}"),
                Some(paid) => {
                    came += sent;
                    went += paid.iter().map(|(_, amount)| amount).sum::<u128>();
                }
            }
            let staked: u128 = model.workers.values().map(|worker| worker.stake).sum();
            assert_eq!(came, staked + went, "{at}");
            attested += model.workers.values().filter(|worker| worker.approval > 0).count();
            if step % 20 == 0 {
                model.agrees(&world);
            }
            let shown = format!("{message:?}");
            let kind = shown.split([' ', '(']).next().unwrap().to_owned();
            let count = accepted.entry(kind).or_default();
            if paid.is_ok() { count.0 += 1 } else { count.1 += 1 }
        }
        model.agrees(&world);
    }
    // The walk is worth something only if it saw both sides of every line.
    assert_eq!(accepted.len(), 14);
    assert!(attested > 500, "{attested}");
    for (kind, (yes, no)) in accepted {
        assert!(yes > 20, "{kind} was accepted {yes} times");
        assert!(no > 30, "{kind} was refused {no} times");
    }
}
