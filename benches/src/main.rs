//! `prag-bench`: runs the benchmarks, prints the table, and writes JSON and plots beside each other.

use clap::Parser;
use prag_benches::measure::Screen;
use prag_benches::{BenchError, Options, plot, run, search, table};
use std::process::ExitCode;

/// The worker's: it runs in this process.
#[global_allocator]
static ALLOCATOR: prag_server::Allocator = prag_server::Allocator;

fn main() -> ExitCode {
    let options = Options::parse();
    let done = if options.engine {
        search::serve(std::io::stdin(), std::io::stdout())
    } else {
        bench(&options)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(options: &Options) -> Result<(), BenchError> {
    let report = run(options, &Screen::terminal())?;
    let written = report.write(&options.out())?;
    // The table first: it must not go with a plot that fails.
    println!("{}", table::markdown(&report));
    let plots = plot::write(&report, &written)?;
    for path in [vec![written], plots].concat() {
        println!("{}", path.display());
    }
    Ok(())
}
