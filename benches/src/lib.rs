//! The benchmarks: one command, one table, JSON and plots.
//!
//! Layer: top, beside `tests`; nothing of ours depends on it.
//! Holds: the harness (interleaved rounds, paired ratios, report, plots) and what it measures, suite by suite: `tax`,
//!   `search`.
//! Never: a judgement (bars are printed beside the figures, and nothing fails for being slow); a mock.
//! Invariant: what is compared ran in the same run, interleaved, on the same data; both sides of the privacy tax in one
//!   process and build.

pub mod contest;
pub mod data;
pub mod error;
pub mod machine;
pub mod measure;
pub mod options;
pub mod plot;
pub mod report;
pub mod search;
pub mod stats;
pub mod table;
pub mod tax;
pub mod vectors;

pub use error::{BenchError, Step};
pub use options::{Options, Suite};
pub use report::Report;

use measure::Screen;
use report::Sheet;

/// Run every suite. Blocks for minutes, or with `options.quick` for seconds.
///
/// # Errors
/// [`BenchError`] names the step that failed; figures measured until then are lost.
pub fn run(options: &Options, screen: &Screen) -> Result<Report, BenchError> {
    options.check()?;
    let run = machine::Run::begin(options)?;
    let mut sheet = Sheet::default();
    if options.wants(Suite::Tax) && !options.truth {
        tax::run(options, screen, &mut sheet)?;
    }
    if options.wants(Suite::Search) {
        search::run(options, screen, &mut sheet)?;
    }
    screen.clear();
    Ok(Report::new(run.end(), sheet))
}
