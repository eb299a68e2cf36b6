//! What a request costs, from the bare index up to the SDK's whole call: one part of the suite, in a minute.
//!
//! Layer: benches.
//! Holds: the command line of `prag-bench`, of which `--rows`, `--disk` and `--corpus` count.
//! Never: other rows than the whole suite has.
//! Invariant: the figures are printed as they are there.

use clap::Parser;
use prag_benches::measure::Screen;
use prag_benches::report::{Report, Sheet};
use prag_benches::{BenchError, Options, machine, table, tax};

fn main() -> Result<(), BenchError> {
    let options = Options::parse();
    options.check()?;
    let run = machine::Run::begin(&options)?;
    let (screen, mut sheet) = (Screen::terminal(), Sheet::default());
    tax::requests(&options, &screen, &mut sheet)?;
    screen.clear();
    println!("{}", table::markdown(&Report::new(run.end(), sheet)));
    Ok(())
}
