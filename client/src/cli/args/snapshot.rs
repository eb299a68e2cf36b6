//! What snapshots are made, listed, verified, restored and pruned with.
//!
//! Layer: client, `cli::args`.
//! Holds: options and their help.
//! Never: what they do.
//! Invariant: as the parent's.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(in crate::cli) enum SnapshotCommand {
    /// Write a sealed snapshot to a target of the worker; only what changed since the last one is written.
    Create(SnapshotOf),
    /// List the snapshots in a target.
    List(SnapshotOf),
    /// Check a snapshot: by a worker with the keys, everything; with --folder, hashes only, without worker and keys.
    Verify(VerifySnapshot),
    /// Restore a snapshot on the worker of --url, which is placed for it. Its history gets the next writer epoch.
    Restore(RestoreSnapshot),
    /// Remove all but the newest snapshots of a target, and those whose keys are ended.
    Prune(PruneSnapshots),
}

#[derive(Args)]
pub(in crate::cli) struct SnapshotOf {
    /// The collection's name or id; its id where the worker does not know it yet.
    pub(in crate::cli) collection: String,
    /// A target, by its name in the worker's settings; the first one there if absent.
    #[arg(long, visible_aliases = ["to", "from"], value_name = "TARGET")]
    pub(in crate::cli) target: Option<String>,
}

#[derive(Args)]
pub(in crate::cli) struct VerifySnapshot {
    #[command(flatten)]
    pub(in crate::cli) of: SnapshotOf,
    /// Which one; the newest if absent (with --folder: all).
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) snapshot: Option<String>,
    /// Look at this folder, a target's or a copy of it, on this machine.
    #[arg(long, value_name = "DIR", conflicts_with = "target")]
    pub(in crate::cli) folder: Option<PathBuf>,
}

#[derive(Args)]
pub(in crate::cli) struct RestoreSnapshot {
    #[command(flatten)]
    pub(in crate::cli) of: SnapshotOf,
    /// Which one; the newest that opens if absent.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) snapshot: Option<String>,
    /// Go back behind the newest known state: what was written since the snapshot is lost.
    #[arg(long)]
    pub(in crate::cli) older: bool,
    /// Put the snapshot in the place of the shard that the worker has.
    #[arg(long)]
    pub(in crate::cli) replace: bool,
}

#[derive(Args)]
pub(in crate::cli) struct PruneSnapshots {
    #[command(flatten)]
    pub(in crate::cli) of: SnapshotOf,
    /// How many of the newest stay, 1 to 1024.
    #[arg(long)]
    pub(in crate::cli) keep: u32,
}
