//! What a run is told.
//!
//! Layer: benches.
//! Holds: the command line, and how large each measurement is.
//! Never: a threshold; bars stand beside the figures, in `tax` and `search`.
//! Invariant: a quick run walks the same paths as a full one, only fewer times.

use crate::error::BenchError;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use time::OffsetDateTime;

/// What privacy costs, and ours against others: one table, JSON and plots. `make bench` builds it optimised and runs
/// it.
#[derive(Clone, Debug, Parser)]
#[command(name = "prag-bench", version)]
pub struct Options {
    /// A smoke run of seconds: every figure is there, and none means anything.
    #[arg(long)]
    pub quick: bool,
    /// Where the figures go, as JSON; the plots lie beside it. The default is `target/bench/DATE.json`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// HTML pages to take passages from (`make corpus`); without them passages are made up, and the table says so.
    #[arg(long, value_name = "FOLDER")]
    pub corpus: Option<PathBuf>,
    /// Where the databases are written; the disk that counts. [default: the system's folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub disk: Option<PathBuf>,
    /// Chunks of the suite `tax`, each with a vector of 384 components.
    #[arg(long, value_name = "COUNT")]
    pub rows: Option<usize>,
    /// What is measured; may be given more than once. [default: all]
    #[arg(long, value_enum, value_name = "SUITE")]
    pub suite: Vec<Suite>,
    /// Data sets and kept indexes of the suite `search` (`make bench-data`). [default: the cache's `data`]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Data sets by name, instead of `glove-100d` and `wordnet-384d`; their files lie in `--data`.
    #[arg(long, value_name = "NAME")]
    pub set: Vec<String>,
    /// Python environment with the rivals (`make bench-data`). [default: the cache's `rivals`]
    #[arg(long, value_name = "FOLDER")]
    pub rivals: Option<PathBuf>,
    /// Rows of each data set, at most.
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    pub search_rows: usize,
    /// Sizes of the scaling series; beyond the first data set's own rows they are synthetic.
    #[arg(long, value_name = "COUNT", value_delimiter = ',', default_values_t = [10_000, 30_000])]
    pub scale: Vec<usize>,
    /// Only write the exact answers of the data sets, whole, beside them (`NAME.truth.ivecs`).
    #[arg(long)]
    pub truth: bool,
    /// How long the suite `search` measures, about; building what no cache holds comes on top.
    #[arg(long, value_name = "MINUTES", default_value_t = 6.0)]
    pub minutes: f64,
    /// This program, which the suite `search` starts again as an engine. [default: the one that runs]
    #[arg(long, value_name = "FILE", hide = true)]
    pub program: Option<PathBuf>,
    /// Be an engine: read requests from standard input, answer on standard output.
    #[arg(long, hide = true)]
    pub engine: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// What privacy costs, against a plain twin.
    Tax,
    /// The index and the server against others.
    Search,
}

/// How often each thing is done.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Chunks.
    pub rows: usize,
    /// Documents of a bulk write.
    pub bulk: usize,
    /// Documents that are written one by one.
    pub singles: usize,
    /// Times that a shard is opened.
    pub opens: usize,
    /// Searches.
    pub searches: usize,
    /// Requests of each kind.
    pub requests: usize,
    /// Verifications of each kind of evidence, and other small cryptography.
    pub checks: usize,
    /// Large blobs sealed and opened.
    pub blobs: usize,
    /// How large those are, bytes.
    pub blob_bytes: usize,
}

impl Options {
    /// A quick run of every suite that writes nothing outside of `disk` and starts no rival.
    #[must_use]
    pub fn quick(disk: PathBuf) -> Self {
        let out = Some(disk.join("quick.json"));
        let rivals = Some(disk.join("no rivals"));
        Self { quick: true, out, disk: Some(disk), rivals, ..Self::parse_from([""]) }
    }

    /// How often each thing is done.
    #[must_use]
    pub fn size(&self) -> Size {
        let full = Size {
            rows: 20_000,
            bulk: 16,
            singles: 300,
            opens: 15,
            searches: 2000,
            requests: 1000,
            checks: 300,
            blobs: 30,
            blob_bytes: 16 << 20,
        };
        let quick = Size {
            rows: 240,
            bulk: 4,
            singles: 4,
            opens: 2,
            searches: 8,
            requests: 4,
            checks: 2,
            blobs: 2,
            blob_bytes: 1 << 20,
        };
        let size = if self.quick { quick } else { full };
        Size { rows: self.rows.unwrap_or(size.rows), ..size }
    }

    /// Whether a suite is wanted.
    #[must_use]
    pub fn wants(&self, suite: Suite) -> bool {
        self.suite.is_empty() || self.suite.contains(&suite)
    }

    /// Where the figures go.
    #[must_use]
    pub fn out(&self) -> PathBuf {
        let today = OffsetDateTime::now_utc().date();
        let (year, month, day) = (today.year(), u8::from(today.month()), today.day());
        let dated = || PathBuf::from(format!("target/bench/{year}-{month:02}-{day:02}.json"));
        self.out.clone().unwrap_or_else(dated)
    }

    /// Where the databases are written.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.disk.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// Whether there is enough to measure.
    ///
    /// # Errors
    /// Names the option.
    pub fn check(&self) -> Result<(), BenchError> {
        let size = self.size();
        let least = (size.singles + size.bulk) * crate::data::CHUNKS_PER_DOCUMENT;
        if size.rows < least {
            return Err(BenchError::new("--rows", format!("at least {least}")));
        }
        if !self.minutes.is_finite() {
            return Err(BenchError::new("--minutes", "a number"));
        }
        Ok(())
    }
}
