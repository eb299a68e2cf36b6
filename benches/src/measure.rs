//! Interleaved measurement.
//!
//! Layer: benches.
//! Holds: rounds in which every side runs once, in an order drawn anew each time; progress on the terminal.
//! Never: one side's rounds after the other's: a machine that slows down would look like a slow side.
//! Invariant: sample i of each side was taken in round i, so ratios are formed within rounds.

use crate::data::Dice;
use crate::error::BenchError;
use indicatif::{ProgressBar, ProgressStyle};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// One side of a comparison: it prepares, works, and says how long the work took.
pub struct Side<'a> {
    name: String,
    run: Box<dyn FnMut(usize) -> Result<Duration, BenchError> + 'a>,
}

impl<'a> Side<'a> {
    /// A side called `name`. `run` gets the number of the round; what it does not time does not count.
    pub fn new(
        name: impl Into<String>,
        run: impl FnMut(usize) -> Result<Duration, BenchError> + 'a,
    ) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }

    /// A side that is timed whole.
    pub fn whole<T>(
        name: impl Into<String>,
        mut run: impl FnMut(usize) -> Result<T, BenchError> + 'a,
    ) -> Self {
        Self::new(name, move |round| time(|| run(round)))
    }
}

/// What a side took, round by round.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The side's name.
    pub name: String,
    /// Seconds, or whatever else was counted.
    pub samples: Vec<f64>,
}

impl Measured {
    /// One figure that was counted, not timed.
    #[must_use]
    pub fn once(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), samples: vec![value] }
    }
}

/// How long `work` takes. Its result is not optimised away, and dropped after the time.
///
/// # Errors
/// What `work` fails with.
pub fn time<T>(work: impl FnOnce() -> Result<T, BenchError>) -> Result<Duration, BenchError> {
    let begin = Instant::now();
    let done = black_box(work()?);
    let took = begin.elapsed();
    drop(done);
    Ok(took)
}

/// Runs every side `rounds` times, round by round, after `warm` rounds that do not count.
///
/// Rounds are numbered from 0 and go on through the warm ones: `run` sees `0..warm + rounds`.
///
/// # Errors
/// What a side fails with.
pub fn interleave(
    sides: Vec<Side<'_>>,
    warm: usize,
    rounds: usize,
    bar: &ProgressBar,
) -> Result<Vec<Measured>, BenchError> {
    interleave_within(sides, warm, (rounds, rounds), Duration::MAX, bar)
}

/// The same, for as many rounds as fit into `budget`: at least the first of `rounds`, at most the second.
///
/// # Errors
/// What a side fails with.
pub fn interleave_within(
    mut sides: Vec<Side<'_>>,
    warm: usize,
    (least, most): (usize, usize),
    budget: Duration,
    bar: &ProgressBar,
) -> Result<Vec<Measured>, BenchError> {
    let begin = Instant::now();
    let mut dice = Dice(0x9e37_79b9);
    let mut order: Vec<usize> = (0..sides.len()).collect();
    let mut measured: Vec<Measured> = sides
        .iter()
        .map(|side| Measured { name: side.name.clone(), samples: Vec::with_capacity(most) })
        .collect();
    bar.reset();
    bar.set_length((warm + most) as u64);
    for round in 0..warm + most {
        if round >= warm + least && begin.elapsed() >= budget {
            break;
        }
        dice.shuffle(&mut order);
        for &index in &order {
            let took = (sides[index].run)(round)?;
            if round >= warm {
                measured[index].samples.push(took.as_secs_f64());
            }
        }
        bar.inc(1);
    }
    Ok(measured)
}

/// Progress on standard error; nothing where that is no terminal.
pub struct Screen {
    bar: ProgressBar,
}

impl Screen {
    /// Shows progress.
    #[must_use]
    pub fn terminal() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:30} {pos:>5}/{len:5} {msg}");
        // The template is a constant; the default one would do too.
        Self { bar: bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())) }
    }

    /// Shows nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// What is measured from now on.
    pub fn now(&self, what: &str) -> &ProgressBar {
        self.bar.set_message(what.to_owned());
        &self.bar
    }

    /// Nothing more.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use std::cell::RefCell;

    /// Every side runs once a round, rounds do not overlap, the order changes, and warm rounds do not count.
    #[test]
    fn sides_take_turns() {
        let log = RefCell::new(Vec::new());
        let side = |name: &'static str, seconds: u64| {
            let log = &log;
            Side::new(name, move |round| {
                log.borrow_mut().push((round, name));
                Ok(Duration::from_secs(seconds))
            })
        };
        let bar = ProgressBar::hidden();
        let measured = interleave(vec![side("a", 1), side("b", 2)], 2, 40, &bar).unwrap();
        assert_eq!((&measured[0].name[..], measured[0].samples.len()), ("a", 40));
        assert!(measured[0].samples.iter().all(|&seconds| seconds == 1.0));
        assert!(measured[1].samples.iter().all(|&seconds| seconds == 2.0));
        let log = log.into_inner();
        let rounds: Vec<&[(usize, &str)]> = log.chunks(2).collect();
        assert_eq!(rounds.len(), 42);
        for (number, round) in rounds.iter().enumerate() {
            assert!(round.iter().all(|(seen, _)| *seen == number));
            assert_ne!(round[0].1, round[1].1);
        }
        let first = rounds.iter().filter(|round| round[0].1 == "a").count();
        assert!((10..=32).contains(&first), "{first}");
    }

    /// Rounds end with the budget, but not before there are enough.
    #[test]
    fn rounds_fit_a_budget() {
        let bar = ProgressBar::hidden();
        let run = |budget| {
            let side = Side::new("a", |_| Ok(Duration::from_secs(1)));
            interleave_within(vec![side], 1, (3, 9), budget, &bar).unwrap()[0].samples.len()
        };
        assert_eq!((run(Duration::ZERO), run(Duration::MAX)), (3, 9));
    }

    /// A side that fails ends the measurement with its own reason.
    #[test]
    fn a_failure_is_not_a_figure() {
        let failing = Side::whole("a", |_| Err::<(), _>(BenchError::new("here", "why")));
        let error = interleave(vec![failing], 0, 1, &ProgressBar::hidden()).unwrap_err();
        assert_eq!(error.to_string(), "here: why");
    }
}
