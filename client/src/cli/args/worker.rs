//! What a worker is looked at and opened with.
//!
//! Layer: client, `cli::args`.
//! Holds: options and their help.
//! Never: what they do.
//! Invariant: as the parent's.

use clap::Args;

#[derive(Args)]
pub(in crate::cli) struct Attest {
    /// The worker, instead of --url.
    #[arg(value_name = "URL")]
    pub(in crate::cli) worker: Option<String>,
    /// Accept another ledger or configuration than the one remembered for this URL.
    #[arg(long)]
    pub(in crate::cli) accept: bool,
}

#[derive(Args)]
pub(in crate::cli) struct Unlock {
    /// Accept another configuration than the one remembered for this URL.
    #[arg(long)]
    pub(in crate::cli) accept: bool,
}
