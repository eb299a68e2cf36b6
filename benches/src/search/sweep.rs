//! Recall against rate, engine by engine, and the rates at equal recall.
//!
//! Layer: benches, search.
//! Holds: one pass over every breadth for the curves, then interleaved rounds at the breadths around each recall.
//! Never: recall from another run of a query than the one whose breadth is compared.
//! Invariant: in a round every engine answers the same queries, in an order drawn anew.

use super::engine::Block;
use super::fleet::{Contender, OURS};
use crate::contest::{Bracket, Contest, Contestant, Point, Rate};
use crate::data::Dice;
use crate::error::{BenchError, Step};
use crate::measure::{Measured, Screen, Side, interleave_within};
use crate::vectors::set::Set;
use crate::vectors::truth::recall;
use std::collections::BTreeSet;
use std::time::Duration;

/// Recalls at which engines are compared.
pub(super) const RECALLS: [f64; 2] = [0.95, 0.99];
/// Hits.
pub(super) const K: usize = 10;

/// A data set and the engines on it.
pub(super) struct Sweep<'a> {
    pub(super) set: &'a Set,
    pub(super) fleet: &'a [Contender],
    /// Engine by engine.
    pub(super) curves: Vec<Vec<Point>>,
}

/// The rates of an engine at a recall, round by round.
pub(super) struct Rates {
    pub(super) engine: usize,
    pub(super) recall: f64,
    pub(super) measured: Measured,
}

impl<'a> Sweep<'a> {
    /// Every engine over every breadth, once, on one thread.
    pub(super) fn new(
        set: &'a Set,
        fleet: &'a [Contender],
        screen: &Screen,
    ) -> Result<Self, BenchError> {
        let bar = screen.now(&format!("{}: recall against rate", set.name));
        bar.reset();
        bar.set_length(BREADTHS.len() as u64);
        let mut curves: Vec<Vec<Point>> = vec![Vec::new(); fleet.len()];
        let mut order: Vec<usize> = (0..fleet.len()).collect();
        let mut dice = Dice(1);
        for ef in BREADTHS {
            dice.shuffle(&mut order);
            for &engine in &order {
                if !goes_on(&curves[engine]) {
                    continue;
                }
                let block = Block { count: set.queries.len(), ..block(ef, 1) };
                let answers = fleet[engine].search(block)?.step(&fleet[engine].name)?;
                let recall = recall(&set.truth, &answers.ids, K);
                let rate = block.count as f64 / answers.seconds;
                curves[engine].push(Point { ef, recall, rate });
            }
            bar.inc(1);
        }
        Ok(Self { set, fleet, curves })
    }

    /// Where a recall lies on an engine's curve.
    pub(super) fn bracket(&self, engine: usize, recall: f64) -> Option<Bracket> {
        let reached: Vec<f64> = self.curves[engine].iter().map(|point| point.recall).collect();
        Bracket::of(&reached, recall)
    }

    /// The least breadth with which an engine reaches `recall`; its widest where it does not.
    pub(super) fn breadth(&self, engine: usize, recall: f64) -> usize {
        let points = &self.curves[engine];
        let reached = points.iter().find(|point| point.recall >= recall).or(points.last());
        reached.map_or(K, |point| point.ef)
    }

    /// Rounds at the breadths around each recall.
    pub(super) fn rates(
        &self,
        threads: usize,
        budget: Duration,
        screen: &Screen,
    ) -> Result<Vec<Rates>, BenchError> {
        let mut wanted = BTreeSet::new();
        for engine in 0..self.fleet.len() {
            for bracket in RECALLS.iter().filter_map(|recall| self.bracket(engine, *recall)) {
                wanted.extend([(engine, bracket.below), (engine, bracket.above)]);
            }
        }
        let wanted: Vec<(usize, usize)> = wanted.into_iter().collect();
        let count = self.set.queries.len().min(QUERIES);
        let side = |&(engine, point): &(usize, usize)| {
            let ef = self.curves[engine][point].ef;
            Side::new(self.fleet[engine].label(), move |_| {
                let block = Block { count, ..block(ef, threads) };
                let answers = self.fleet[engine].search(block)?.step("an answer")?;
                Ok(Duration::from_secs_f64(answers.seconds))
            })
        };
        let what = if threads == 1 { "one thread" } else { "all threads" };
        let bar = screen.now(&format!("{}: rates at equal recall, {what}", self.set.name));
        let sides = wanted.iter().map(side).collect();
        let measured = interleave_within(sides, 1, (ROUNDS_MIN, ROUNDS_MAX), budget, bar)?;
        let samples = |engine: usize, point: usize| {
            let index = wanted.iter().position(|one| *one == (engine, point))?;
            measured.get(index).map(|measured| &measured.samples)
        };
        let mut rates = Vec::new();
        for engine in 0..self.fleet.len() {
            for recall in RECALLS {
                let Some(bracket) = self.bracket(engine, recall) else { continue };
                let below = samples(engine, bracket.below).step("a round")?;
                let above = samples(engine, bracket.above).step("a round")?;
                let rate = |seconds: f64| count as f64 / seconds;
                let pairs = below.iter().zip(above);
                let samples = pairs.map(|(low, high)| bracket.rate(rate(*low), rate(*high)));
                let (name, samples) = (self.fleet[engine].label(), samples.collect());
                rates.push(Rates { engine, recall, measured: Measured { name, samples } });
            }
        }
        Ok(rates)
    }

    /// The engines side by side.
    pub(super) fn contest(&self, rates: &[(bool, Vec<Rates>)]) -> Contest {
        let engine = |(index, contender): (usize, &Contender)| Contestant {
            name: contender.name.clone(),
            version: contender.opened.version.clone(),
            build_seconds: contender.opened.seconds,
            built_now: contender.opened.fresh,
            bytes_per_row: contender.opened.bytes as f64 / self.set.rows as f64,
            curve: self.curves[index].clone(),
            rates: medians(index, rates),
        };
        Contest {
            set: self.set.name.clone(),
            data: self.set.about.clone(),
            rows: self.set.rows,
            engines: self.fleet.iter().enumerate().map(engine).collect(),
        }
    }

    /// Which engine is ours.
    pub(super) fn ours(&self) -> usize {
        self.fleet.iter().position(|contender| contender.name == OURS).unwrap_or_default()
    }
}

fn medians(engine: usize, rates: &[(bool, Vec<Rates>)]) -> Vec<Rate> {
    let mut medians = Vec::new();
    for (all_threads, rates) in rates {
        for rates in rates.iter().filter(|rates| rates.engine == engine) {
            if let Some(rate) = median(&rates.measured.samples) {
                medians.push(Rate { all_threads: *all_threads, recall: rates.recall, rate });
            }
        }
    }
    medians
}

pub(super) fn median(samples: &[f64]) -> Option<f64> {
    crate::stats::Summary::of(samples).map(|summary| summary.median)
}

/// A block without a filter.
pub(super) fn block(ef: usize, threads: usize) -> Block {
    Block { first: 0, count: 0, k: K, ef, threads, permille: None }
}

/// A curve ends where nearly all is found, or where more breadth changes nothing: an exact scan has one point.
fn goes_on(curve: &[Point]) -> bool {
    let Some(last) = curve.last() else { return true };
    let still = curve.iter().rev().nth(2).is_some_and(|point| point.recall >= last.recall);
    last.recall < ENOUGH && !still
}

const BREADTHS: [usize; 15] = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 896, 1280];
const ENOUGH: f64 = 0.996;
/// Queries of a block in the rounds.
const QUERIES: usize = 400;
const ROUNDS_MIN: usize = 3;
const ROUNDS_MAX: usize = 60;
