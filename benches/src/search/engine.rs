//! An engine in a process of its own, and what is said to it.
//!
//! Layer: benches, search.
//! Holds: one JSON object a line in each direction; ours and the rivals speak the same (`rivals/serve.py`).
//! Never: a line longer than [`LINE_BYTES_MAX`]; a time that was taken on this side of the pipe.
//! Invariant: seconds are the engine's own, over a whole block of queries, so no side pays for the pipe.

use crate::error::{BenchError, Step};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// What an engine is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Ask {
    /// Have the index of the first `rows` of a file, built or from the cache.
    Open(Open),
    /// Answer a block of queries.
    Search(Block),
    /// Have a server's own clients ask for a while.
    Load(Load),
}

/// Clients that each ask one query after the other.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Load {
    /// How many clients.
    pub clients: usize,
    /// For how long.
    pub seconds: f64,
}

/// What clients saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Loaded {
    /// From the first question to the last answer.
    pub seconds: f64,
    /// Of each answer, seconds.
    pub latencies: Vec<f64>,
}

/// What is indexed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Open {
    /// Rows, fvecs.
    pub base: PathBuf,
    /// Queries, fvecs.
    pub query: PathBuf,
    /// How many of the rows.
    pub rows: usize,
    /// Threads that build.
    pub threads: usize,
    /// Where built indexes are kept; nothing: build anew, keep nothing.
    pub cache: Option<PathBuf>,
    /// Of vectors codes are kept and nothing else. Ours only.
    #[serde(default)]
    pub codes_alone: bool,
}

/// Queries to answer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Block {
    /// The first of them.
    pub first: usize,
    /// How many.
    pub count: usize,
    /// Hits wanted.
    pub k: usize,
    /// Breadth of the walk.
    pub ef: usize,
    /// Threads that search.
    pub threads: usize,
    /// Only rows whose number modulo 1000 is below this.
    pub permille: Option<u32>,
}

/// An index that is ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Opened {
    /// What building took, all threads.
    pub seconds: f64,
    /// What the process grew by: index and vectors.
    pub bytes: u64,
    /// Of the engine.
    pub version: String,
    /// Whether it was built now, and not taken from the cache.
    #[serde(default)]
    pub fresh: bool,
    /// Where a server is asked: a URL, or what Postgres' clients take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Answers to a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Answers {
    /// For all of them together.
    pub seconds: f64,
    /// Rows, best first.
    pub ids: Vec<Vec<u32>>,
}

/// What an engine says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Reply {
    /// It failed.
    Failed {
        /// Why.
        error: String,
    },
    /// It has no such thing.
    Unsupported {
        /// Always true.
        unsupported: bool,
    },
    /// To [`Ask::Search`].
    Answers(Answers),
    /// To [`Ask::Load`].
    Loaded(Loaded),
    /// To [`Ask::Open`].
    Opened(Opened),
}

/// A running engine.
pub(super) struct Engine {
    /// Short: `hnswlib`.
    pub name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Engine {
    /// Starts `program`, which answers on its standard output.
    ///
    /// # Errors
    /// [`BenchError`] where it cannot be started.
    pub(super) fn start(name: &str, program: &mut Command) -> Result<Self, BenchError> {
        let program = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = program.spawn().step(name)?;
        let input = Some(child.stdin.take().step(name)?);
        let output = BufReader::with_capacity(1 << 16, child.stdout.take().step(name)?);
        Ok(Self { name: name.to_owned(), child, input, output })
    }

    /// Has the index built or loaded.
    ///
    /// # Errors
    /// [`BenchError`] with the engine's own words.
    pub(super) fn open(&mut self, open: &Open) -> Result<Opened, BenchError> {
        match self.ask(&Ask::Open(open.clone()))? {
            Reply::Opened(opened) => Ok(opened),
            _ => Err(BenchError::new(&self.name, "another answer than to `open`")),
        }
    }

    /// Answers to a block, or nothing where the engine cannot do what is asked.
    ///
    /// # Errors
    /// [`BenchError`] with the engine's own words, or where it answered fewer queries than asked.
    pub(super) fn search(&mut self, block: Block) -> Result<Option<Answers>, BenchError> {
        match self.ask(&Ask::Search(block))? {
            Reply::Answers(answers) if answers.ids.len() == block.count => Ok(Some(answers)),
            Reply::Unsupported { .. } => Ok(None),
            _ => Err(BenchError::new(&self.name, "another answer than to `search`")),
        }
    }

    /// Has clients ask.
    ///
    /// # Errors
    /// [`BenchError`] with the server's own words.
    pub(super) fn load(&mut self, load: Load) -> Result<Loaded, BenchError> {
        match self.ask(&Ask::Load(load))? {
            Reply::Loaded(loaded) => Ok(loaded),
            _ => Err(BenchError::new(&self.name, "another answer than to `load`")),
        }
    }

    fn ask(&mut self, ask: &Ask) -> Result<Reply, BenchError> {
        let mut line = serde_json::to_vec(ask).step(&self.name)?;
        line.push(b'\n');
        let input = self.input.as_mut().step(&self.name)?;
        input.write_all(&line).and_then(|()| input.flush()).step(&self.name)?;
        line.clear();
        let read = self.output.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        if read.step(&self.name)? == 0 || line.last() != Some(&b'\n') {
            return Err(BenchError::new(&self.name, "it ended, or said too much"));
        }
        match serde_json::from_slice(&line).step(&self.name)? {
            Reply::Failed { error } => Err(BenchError::new(&self.name, error)),
            reply => Ok(reply),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // An engine ends with its input, and a server stops what it started; one that does not is stopped.
        drop(self.input.take());
        for _ in 0..ENDING_POLLS {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(POLL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Longest answer: 10,000 queries of 100 hits.
pub(super) const LINE_BYTES_MAX: u64 = 16 << 20;
const POLL: Duration = Duration::from_millis(50);
/// Ten seconds: Postgres writes a checkpoint.
const ENDING_POLLS: usize = 200;
