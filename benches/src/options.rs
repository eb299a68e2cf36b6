//! What a run is told.
//!
//! Layer: benches.
//! Holds: the command line, and how large each measurement is.
//! Never: a threshold; bars stand beside the figures in `tax`.
//! Invariant: a quick run walks the same paths as a full one, only fewer times.

use crate::error::BenchError;
use clap::Parser;
use std::path::PathBuf;
use time::OffsetDateTime;

/// What privacy costs, measured: one table, JSON and plots. `make bench` builds it optimised and runs it.
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
    /// Chunks, each with a vector of 384 components.
    #[arg(long, value_name = "COUNT")]
    pub rows: Option<usize>,
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
    /// A quick run that writes nothing outside of `disk`.
    #[must_use]
    pub fn quick(disk: PathBuf) -> Self {
        let out = Some(disk.join("quick.json"));
        Self { quick: true, out, corpus: None, disk: Some(disk), rows: None }
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
        Ok(())
    }
}
