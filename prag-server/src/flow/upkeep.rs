//! Freezes and merges in the background: one thread of low priority, one shard after another.
//!
//! Layer: flow.
//! Holds: the thread, and the line of shards before it.
//! Never: a build beside another one, so that one build's memory is all that builds take.
//! Invariant: a shard stands in the line at most once; one that finds no place comes back with its next write.

use crate::collection::{CollectionError, CollectionShard, freeze};
use crate::machine;
use prag_client::system::OsEntropy;
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

fn work(line: &Receiver<Arc<CollectionShard>>) {
    machine::step_back();
    for shard in line {
        // Whatever is written from now on asks for a new turn.
        shard.step_out();
        match freeze::maintain(&shard, &mut OsEntropy) {
            Ok(()) | Err(CollectionError::Closed) => {}
            Err(error) => tracing::warn!(%error, "a freeze or merge failed; the shard goes on"),
        }
    }
}

const LINE_MAX: usize = 1024;
