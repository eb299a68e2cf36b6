//! The grammar of `prag ledger`.
//!
//! Layer: client, `cli::args`.
//! Holds: commands about what is owed and paid.
//! Never: what they do.
//! Invariant: nothing is countersigned without an option that says so.

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(in crate::cli) enum LedgerCommand {
    /// Show what this identity has used and countersigned on this machine.
    Usage(UsageOf),
}

#[derive(Args)]
pub(in crate::cli) struct UsageOf {
    /// Only this collection: its name (as the worker of --url knows it) or id.
    pub(in crate::cli) collection: Option<String>,
    /// Countersign what the worker of --url claims, if it fits what was asked.
    #[arg(long, requires = "collection")]
    pub(in crate::cli) settle: bool,
    /// Countersign it although it is more than this machine can account for.
    #[arg(long, requires = "collection")]
    pub(in crate::cli) accept: bool,
}
