//! A model of the contract that scans where the contract keeps sums.

use super::*;
use prag_protocol::ledger::rewards::Standing;
use std::collections::BTreeSet;

/// What somebody does. Leaves are those of the report that there is, or of some other one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Fund(u128),
    Report(u64, usize),
    Demand(u64, &'static str, Tree, u64),
    Reveal(u64, Tree, u64),
    Challenge(u64, &'static str),
    Unanswered(u64, &'static str, Tree, u64),
    Close(u64),
    Claim(u64),
    Royalty(u64, &'static str, u64),
    Settle(u64, &'static str, u64),
    Sweep(u64),
}

pub(super) struct Report {
    pub(super) book: Book,
    /// A signature of its first leaf is bad.
    forged: bool,
    void: bool,
    claimed: bool,
    bond: u128,
    /// Who asked, and whether it was answered; `None` once the deposit went back.
    demands: BTreeMap<(u8, u64), Option<(&'static str, bool)>>,
    royalties: BTreeSet<u64>,
}

impl Report {
    fn open(&self) -> bool {
        self.demands.values().flatten().any(|(_, answered)| !answered) || self.refunded()
    }

    fn refunded(&self) -> bool {
        self.demands.values().any(Option::is_none)
    }

    fn counts(&self) -> bool {
        !self.void && !self.open()
    }

    fn weight(&self) -> u128 {
        let [queries, chunks, embedded, input, output] = self.book.report().totals.values();
        u128::from(input + 4 * output + 10 * queries + 2 * chunks + embedded)
    }

    fn units(&self) -> u128 {
        self.book.report().totals.chunks.into()
    }
}

#[derive(Default)]
pub(super) struct Epoch {
    funded: u128,
    pub(super) reports: BTreeMap<&'static str, Report>,
    /// When, royalty, uptime, work.
    closed: Option<(u64, u128, u128, u128)>,
    unclaimed: u128,
    swept: bool,
}

impl Epoch {
    /// Reports, weight, units, answers.
    fn standing(&self) -> (u64, u128, u128, u128) {
        let counted = self.reports.iter().filter(|(_, report)| report.counts());
        counted.fold((0, 0, 0, 0), |sum, (who, report)| {
            (
                sum.0 + 1,
                sum.1 + report.weight(),
                sum.2 + report.units(),
                sum.3 + u128::from(answers(who)),
            )
        })
    }
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) epochs: BTreeMap<u64, Epoch>,
    carry: u128,
    /// What was settled of each worker's sessions of collection 1.
    settled: BTreeMap<(&'static str, u8), [u64; 5]>,
}

type Paid = Vec<(&'static str, u128)>;

impl Model {
    /// Who got what; `None` if it is refused. Then nothing has changed.
    pub(super) fn run(&mut self, who: &'static str, now: u64, act: Act) -> Option<Paid> {
        let began = |epoch: u64| epoch * EPOCH;
        match act {
            Act::Fund(amount) => {
                let epoch = self.epochs.entry(now / EPOCH).or_default();
                epoch.funded += amount;
                (amount > 0).then(Vec::new)
            }
            Act::Report(e, kind) => {
                let since = now.checked_sub(began(e) + EPOCH)?;
                let worker = WORKERS.contains(&who);
                let known =
                    self.epochs.get(&e).is_some_and(|epoch| epoch.reports.contains_key(who));
                if since >= 30 || !worker || known {
                    return None;
                }
                let report = Report {
                    book: library(who, kind),
                    forged: kind == 3,
                    void: false,
                    claimed: false,
                    bond: BOND,
                    demands: BTreeMap::new(),
                    royalties: BTreeSet::new(),
                };
                self.epochs.entry(e).or_default().reports.insert(who, report);
                Some(Vec::new())
            }
            Act::Demand(..) | Act::Reveal(..) | Act::Challenge(..) | Act::Unanswered(..) => {
                self.doubt(who, now, act)
            }
            Act::Close(e) => self.close(e, now),
            Act::Claim(_) | Act::Royalty(..) => self.claim(who, now, act),
            Act::Settle(e, worker, index) => {
                let epoch = self.epochs.get(&e)?;
                let leaves = epoch.reports.get(worker)?.book.usage_leaves();
                epoch.closed?;
                let voucher = &leaves.get(usize::try_from(index).unwrap())?.signed.voucher;
                if voucher.collection == id(1) {
                    let end = voucher.used.values();
                    let settled = self.settled.entry((worker, voucher.session[0])).or_default();
                    *settled = std::array::from_fn(|at| settled[at].max(end[at]));
                }
                Some(Vec::new())
            }
            Act::Sweep(e) => {
                let epoch = self.epochs.get_mut(&e)?;
                if epoch.swept || now < epoch.closed?.0 + 50 {
                    return None;
                }
                epoch.swept = true;
                self.carry += std::mem::take(&mut epoch.unclaimed);
                Some(Vec::new())
            }
        }
    }

    fn doubt(&mut self, who: &'static str, now: u64, act: Act) -> Option<Paid> {
        let began = |epoch: u64| epoch * EPOCH;
        match act {
            Act::Demand(e, worker, tree, index) => {
                let report = self.epochs.get_mut(&e)?.reports.get_mut(worker)?;
                let size = match tree {
                    Tree::Usage => report.book.report().leaves,
                    Tree::Royalty => report.book.report().collections,
                };
                let key = (tree as u8, index);
                let fits = now < began(e) + DEMANDS_END && !report.void && index < size;
                if !fits || report.demands.contains_key(&key) {
                    return None;
                }
                report.demands.insert(key, Some((who, false)));
                Some(Vec::new())
            }
            Act::Reveal(e, tree, index) => {
                let report = self.epochs.get_mut(&e)?.reports.get_mut(who)?;
                let demand = report.demands.get_mut(&(tree as u8, index))?.as_mut()?;
                if report.void || now >= began(e) + ANSWERS_END {
                    return None;
                }
                let paid = if demand.1 { Vec::new() } else { vec![(who, DEPOSIT)] };
                demand.1 = true;
                Some(paid)
            }
            Act::Challenge(e, worker) => {
                let report = self.epochs.get_mut(&e)?.reports.get_mut(worker)?;
                let leaf = report.book.usage_leaves().first()?;
                let session = leaf.signed.voucher.session[0];
                let settled = self.settled.get(&(worker, session)).copied().unwrap_or_default();
                let twice =
                    leaf.start.values().iter().zip(settled).any(|(start, end)| *start < end);
                if now >= began(e) + CHALLENGES_END || report.void || !(report.forged || twice) {
                    return None;
                }
                report.void = true;
                report.bond = 0;
                self.carry += 600;
                Some(vec![(who, 400)])
            }
            Act::Unanswered(e, worker, tree, index) => {
                let report = self.epochs.get_mut(&e)?.reports.get_mut(worker)?;
                let demand = report.demands.get_mut(&(tree as u8, index))?;
                let (by, answered) = (*demand)?;
                if answered || (!report.void && now < began(e) + ANSWERS_END) {
                    return None;
                }
                *demand = None;
                if report.void {
                    return Some(vec![(by, DEPOSIT)]);
                }
                report.void = true;
                report.bond = 0;
                self.carry += 600;
                Some(vec![(by, 400), (by, DEPOSIT)])
            }
            _ => panic!("{act:?}"),
        }
    }

    fn close(&mut self, e: u64, now: u64) -> Option<Paid> {
        let epoch = self.epochs.get_mut(&e)?;
        if now < e * EPOCH + CHALLENGES_END || epoch.closed.is_some() {
            return None;
        }
        let dust = if now < e * EPOCH + CHALLENGES_END + EPOCH { self.carry } else { 0 };
        let pool = epoch.funded + dust;
        let (_, weight, units, answers) = epoch.standing();
        let (fee, royalty, uptime) = (pool * 5 / 100, pool * 20 / 100, pool * 10 / 100);
        let work = pool - fee - royalty - uptime;
        let given = [(royalty, units), (uptime, answers), (work, weight)];
        let [royalty, uptime, work] = given.map(|(part, total)| if total > 0 { part } else { 0 });
        let given = royalty + uptime + work;
        let fee = if pool == 0 { 0 } else { fee * given / (pool - fee) };
        epoch.closed = Some((now, royalty, uptime, work));
        epoch.unclaimed = given;
        self.carry += epoch.funded;
        self.carry -= fee + given;
        Some(vec![("treasury", fee)])
    }

    fn claim(&mut self, who: &'static str, now: u64, act: Act) -> Option<Paid> {
        let (Act::Claim(e) | Act::Royalty(e, ..)) = act else { panic!() };
        let epoch = self.epochs.get_mut(&e)?;
        let (closed, royalty, uptime, work) = epoch.closed?;
        let (_, weight, units, answered) = epoch.standing();
        let late = now >= closed + 50;
        let share = |part: u128, own: u128, all: u128| (part * own).checked_div(all).unwrap_or(0);
        let amount = match act {
            Act::Royalty(_, worker, index) => {
                let report = epoch.reports.get_mut(worker)?;
                let leaf = report.book.royalty_leaves().get(usize::try_from(index).unwrap())?;
                let amount = share(royalty, leaf.units.into(), units);
                let mine = format!("owner{}", leaf.collection.0[0]) == who;
                let again = report.royalties.contains(&index);
                if late || !report.counts() || !mine || again || amount == 0 {
                    return None;
                }
                report.royalties.insert(index);
                epoch.unclaimed -= amount;
                amount
            }
            _ => {
                let report = epoch.reports.get_mut(who)?;
                if !report.counts() || report.claimed {
                    return None;
                }
                report.claimed = true;
                let earned = share(work, report.weight(), weight)
                    + share(uptime, answers(who).into(), answered);
                let earned = if late { 0 } else { earned };
                epoch.unclaimed -= earned;
                earned + std::mem::take(&mut report.bond)
            }
        };
        Some(vec![(who, amount)])
    }

    /// Demands that wait for an answer.
    pub(super) fn waiting(&self, e: u64) -> Vec<(&'static str, Tree, u64)> {
        let reports = self.epochs.get(&e).into_iter().flat_map(|epoch| &epoch.reports);
        let demands =
            reports.flat_map(|(who, report)| report.demands.iter().map(move |d| (*who, d)));
        let open = demands.filter(|(_, (_, state))| matches!(state, Some((_, false))));
        let tree = |byte: u8| if byte == Tree::Usage as u8 { Tree::Usage } else { Tree::Royalty };
        open.map(|(who, ((byte, index), _))| (who, tree(*byte), *index)).collect()
    }

    fn pool(&self) -> [u128; 5] {
        let reports = || self.epochs.values().flat_map(|epoch| epoch.reports.values());
        let waiting = reports().flat_map(|r| r.demands.values().flatten()).filter(|d| !d.1);
        let open = self.epochs.values().filter(|epoch| epoch.closed.is_none());
        [
            reports().map(|report| report.bond).sum(),
            DEPOSIT * waiting.count() as u128,
            open.map(|epoch| epoch.funded).sum(),
            self.epochs.values().map(|epoch| epoch.unclaimed).sum(),
            self.carry,
        ]
    }

    pub(super) fn agrees(&self, world: &World) {
        let PoolRecord { bonds, deposits, open, unclaimed, carry, .. } = world.pool();
        assert_eq!([bonds, deposits, open, unclaimed, carry], self.pool());
        for (e, epoch) in &self.epochs {
            let Standing { reports, weight, units, answers } = world.epoch(*e).record.standing;
            assert_eq!((reports, weight, units, answers), epoch.standing());
            for (who, report) in &epoch.reports {
                let seen = world.report(*e, who);
                assert_eq!((seen.void, seen.claimed), (report.void, report.claimed));
                assert_eq!((seen.bond, seen.weight), (report.bond, report.weight()));
            }
        }
    }
}

/// What `who` says in that epoch; what it commits to in its kinds is fixed, so reports can be made up anew.
pub(super) fn library(who: &str, kind: usize) -> Book {
    match kind {
        0 => Book::new(Vec::new()).unwrap(),
        1 => book(who),
        2 => Book::new(vec![entry(who, 1, 7, [9; 5], [10, 20, 9, 10, 9])]).unwrap(),
        _ => {
            let mut leaves = book(who).usage_leaves().to_vec();
            leaves[0].signed.consumer_signature[0] ^= 1;
            let totals = book(who).report().totals;
            Book::of(leaves, book(who).royalty_leaves().to_vec(), totals)
        }
    }
}

fn answers(who: &str) -> u64 {
    match who {
        "ann" => 3,
        "bob" => 1,
        _ => 0,
    }
}

pub(super) const WORKERS: [&str; 3] = ["ann", "bob", "cyd"];
/// Kinds of [`library`]; the last one is forged, and drawn twice as often.
pub(super) const KINDS: [usize; 6] = [0, 1, 1, 2, 3, 3];
