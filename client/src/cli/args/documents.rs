//! What documents are sealed, added, shown and deleted with.
//!
//! Layer: client, `cli::args`.
//! Holds: options and their help.
//! Never: what they do.
//! Invariant: as the parent's.

use clap::{Args, ValueEnum};
use prag_protocol::wire::documents::Ack;
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct Seal {
    /// The folder.
    pub(in crate::cli) folder: PathBuf,
    /// The sealed corpus file to write.
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: PathBuf,
}

#[derive(Args)]
pub(in crate::cli) struct Add {
    /// The collection's name or id.
    pub(in crate::cli) collection: String,
    /// Folders, files (.md .markdown .html .htm .txt .text .rst .jsonl) or sealed corpus files.
    #[arg(required = true)]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Begin a sealed corpus again, instead of where an earlier run stopped.
    #[arg(long)]
    pub(in crate::cli) restart: bool,
    /// When each batch counts as added.
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) ack: Level,
    /// Keep signed receipts, one for each request, in this new file.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) receipt: Option<PathBuf>,
}

/// Levels of acknowledgement.
#[derive(Clone, Copy, Default, ValueEnum)]
pub(in crate::cli) enum Level {
    /// On the worker's disk.
    #[default]
    Sealed,
    /// Also covered by an anchor on the ledger: the worker itself then refuses an older copy.
    Anchored,
}

impl From<Level> for Ack {
    fn from(level: Level) -> Self {
        match level {
            Level::Sealed => Self::Sealed,
            Level::Anchored => Self::Anchored,
        }
    }
}

#[derive(Args)]
pub(in crate::cli) struct Document {
    /// The collection's name or id.
    pub(in crate::cli) collection: String,
    /// The document's id.
    pub(in crate::cli) id: String,
}

#[derive(Args)]
pub(in crate::cli) struct DeleteDocuments {
    /// The collection's name or id.
    pub(in crate::cli) collection: String,
    /// The documents' ids.
    #[arg(required_unless_present = "filter")]
    pub(in crate::cli) ids: Vec<String>,
    /// Every document that this filter matches, as JSON.
    #[arg(long, value_name = "JSON", conflicts_with = "ids")]
    pub(in crate::cli) filter: Option<String>,
    /// When they count as deleted.
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) ack: Level,
    /// Keep a signed receipt in this new file.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) receipt: Option<PathBuf>,
    /// Return only when the bytes of all that was ever deleted are gone from the worker's files.
    #[arg(long)]
    pub(in crate::cli) purge: bool,
}
