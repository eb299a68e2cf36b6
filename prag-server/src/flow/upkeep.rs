//! Freezes and merges in the background: one thread of low priority, one shard after another.
//!
//! Layer: flow.
//! Holds: the thread, the line of shards before it, how it builds, and the end of writes that it cannot keep up with.
//! Never: a build beside another one, so that one build's memory is all that builds take.
//! Invariant: a shard stands in the line at most once; one that finds no place comes back with its next write.

use super::Worker;
use crate::collection::tiers::Shape;
use crate::collection::upkeep::Upkeep;
use crate::collection::{CollectionError, CollectionShard, freeze};
use crate::machine;
use crate::settings::Settings;
use prag_client::system::OsEntropy;
use prag_protocol::problem::{Code, Problem};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The line before the thread. Dropped, it ends the thread after its last build.
pub(super) struct Line(SyncSender<Arc<CollectionShard>>);

impl Line {
    /// Start the thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(LINE_MAX);
        // Rayon's threads begin with the priority of whoever asks first: not with this one's, since openings use them.
        let _ = rayon::current_num_threads();
        let thread = std::thread::Builder::new().name("prag-upkeep".to_owned());
        thread.spawn(move || work(&receiver))?;
        Ok(Self(sender))
    }

    /// Freeze and merge what is due in the shard, when its turn comes.
    pub(super) fn add(&self, shard: &Arc<CollectionShard>) {
        if shard.line_up() && self.0.try_send(Arc::clone(shard)).is_err() {
            shard.step_out();
        }
    }
}

/// How builds run on this machine.
pub(super) fn builds(settings: &Settings) -> Upkeep {
    let shape = Shape { freeze_rows: settings.freeze_rows, fan: settings.merge_segments };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = match settings.build_threads {
        0 => cores.div_ceil(2),
        threads => threads,
    };
    Upkeep::new(shape, threads, settings.build_mib_per_s << 20)
}

impl Worker {
    /// Refuses where builds are so far behind that searches would scan for long.
    ///
    /// # Errors
    /// `overloaded`; worth a retry once the freeze is done.
    pub(super) fn check_tail(&self, rows: usize) -> Result<(), Problem> {
        let most = self.0.settings.freeze_rows.saturating_mul(TAIL_FREEZES_MAX).max(TAIL_ROWS_MIN);
        if rows < most {
            return Ok(());
        }
        let detail = "rows wait for a freeze in this collection: writes come in faster than segments are built";
        Err(Problem::new(Code::Overloaded, detail).limit(u64::try_from(most).unwrap_or(u64::MAX)))
    }
}

fn work(line: &Receiver<Arc<CollectionShard>>) {
    machine::step_back();
    for shard in line {
        // Whatever is written from now on asks for a new turn.
        shard.step_out();
        // One that breaks off must not be the last one of all shards.
        let built = catch_unwind(AssertUnwindSafe(|| freeze::maintain(&shard, &mut OsEntropy)));
        match built {
            Ok(Ok(()) | Err(CollectionError::Closed)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a freeze or merge failed; the shard goes on"),
            Err(_) => tracing::error!("a freeze or merge broke off; the shard goes on"),
        }
    }
}

const LINE_MAX: usize = 1024;
/// A tail of so many times the rows that start a freeze takes no more.
const TAIL_FREEZES_MAX: usize = 16;
/// But never fewer than this.
const TAIL_ROWS_MIN: usize = 100_000;
