//! Ours against the well-known ones: index against index, and server against server.
//!
//! Layer: benches.
//! Holds: the parts of the suite, in the order of the table.
//! Never: a rival on other vectors, another `k`, or fewer threads than ours; a rival that is left out in silence.
//! Invariant: what stands in one row was measured in one run, interleaved round by round, at the recall that it names.

mod engine;
mod fleet;
mod grow;
mod load;
mod ours;
mod servers;
mod sweep;
mod versus;

pub use ours::serve;

use crate::error::BenchError;
use crate::measure::Screen;
use crate::options::Options;
use crate::report::Sheet;
use crate::vectors::set::Set;
use fleet::Yard;
use std::time::Duration;

/// Runs the suite.
///
/// # Errors
/// [`BenchError`] of the first step of ours that failed; a rival that fails is named in the report.
pub fn run(options: &Options, screen: &Screen, sheet: &mut Sheet) -> Result<(), BenchError> {
    let yard = Yard::new(options)?;
    if !yard.has_rivals() {
        sheet.skip("search/…/qdrant", "the rivals are not installed (`make bench-data`)");
    }
    let sets = sets(options, &yard, screen, sheet)?;
    let Some(first) = sets.first() else { return Ok(()) };
    if options.truth {
        return Ok(());
    }
    let minutes = if options.quick { 0.0 } else { options.minutes.clamp(0.0, 1e5) };
    let budget = Duration::from_secs_f64(minutes * 60.0);
    let part = |budget: Duration| Part { yard: &yard, budget, screen };
    for set in &sets {
        versus::run(part(budget * 3 / 10), set, sheet)?;
    }
    let last = sets.last().unwrap_or(first);
    let (builds, scale, served) = sizes(options);
    grow::builds(&yard, &last.scaled(yard.scratch.path(), builds.min(last.rows))?, screen, sheet)?;
    grow::scale(part(budget / 10), first, &scale, sheet)?;
    let served = last.scaled(yard.scratch.path(), served.min(last.rows))?;
    servers::run(part(budget / 5), &served, sheet)
}

/// What a part of the suite that measures for a while is given.
#[derive(Clone, Copy)]
struct Part<'a> {
    yard: &'a Yard,
    /// How long it measures; building is not counted.
    budget: Duration,
    screen: &'a Screen,
}

fn sets(
    options: &Options,
    yard: &Yard,
    screen: &Screen,
    sheet: &mut Sheet,
) -> Result<Vec<Set>, BenchError> {
    if options.quick {
        let small = |dimension| Set::made_up(yard.scratch.path(), dimension, (600, 20), &PERMILLES);
        return [16, 32].into_iter().map(small).collect();
    }
    let folder = fleet::data(options)?;
    let named: Vec<&str> = options.set.iter().map(String::as_str).collect();
    let names: &[&str] = if named.is_empty() { &SETS } else { &named };
    let mut sets = Vec::new();
    for name in names {
        screen.now(&format!("{name}: the exact answers"));
        let rows = if options.truth { usize::MAX } else { options.search_rows };
        match Set::open(&folder, name, rows, &PERMILLES)? {
            Some(set) => sets.push(set),
            None => {
                sheet.skip(&format!("search/{name}"), "its files are not there (`make bench-data`)")
            }
        }
    }
    Ok(sets)
}

/// Rows that are built, those of the scaling series, and those that servers serve.
fn sizes(options: &Options) -> (usize, Vec<usize>, usize) {
    if options.quick { (400, vec![200, 700], 240) } else { (30_000, options.scale.clone(), 20_000) }
}

const SETS: [&str; 2] = ["glove-100d", "wordnet-384d"];
/// Filters: so many of 1000 rows.
const PERMILLES: [u32; 3] = [100, 10, 1];
