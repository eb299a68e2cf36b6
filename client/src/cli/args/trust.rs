//! What is checked offline, and which images are trusted.
//!
//! Layer: client, `cli::args`.
//! Holds: commands, options and their help.
//! Never: what they do.
//! Invariant: as the parent's.

use super::digest;
use clap::{Args, Subcommand};
use prag_protocol::Address;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(in crate::cli) enum EvidenceCommand {
    /// Verify a TDX quote or an SNP report up to the vendor's root, claim by claim; or what a ledger keeps of a worker.
    Verify(VerifyEvidence),
}

#[derive(Subcommand)]
pub(in crate::cli) enum ReceiptCommand {
    /// Check every receipt of a file: evidence, signature, proofs, and what its hashes stand for.
    Verify(VerifyReceipt),
    /// Show what a receipt file says, unchecked, with the texts.
    Show(ReceiptPath),
}

#[derive(Subcommand)]
pub(in crate::cli) enum PolicyCommand {
    /// Store a policy on this machine; every command uses it from then on.
    Set(PolicyFile),
    /// Show the policy of this machine, or of a collection.
    Show(ShowPolicy),
    /// Set which images may serve a collection and, apart, which may read it.
    Collection(CollectionPolicy),
}

#[derive(Args)]
pub(in crate::cli) struct ShowPolicy {
    /// The collection's name or id; without it, the policy stored on this machine.
    pub(in crate::cli) collection: Option<String>,
}

#[derive(Args)]
pub(in crate::cli) struct CollectionPolicy {
    /// The collection's name or id.
    pub(in crate::cli) collection: String,
    /// An image that may serve, hex. Without any: as before, and at first those that this machine trusts.
    #[arg(long, value_name = "IMAGE", value_parser = digest)]
    pub(in crate::cli) worker: Vec<[u8; 32]>,
    /// Let the images serve that a policy file lists.
    #[arg(long, value_name = "FILE", conflicts_with = "worker")]
    pub(in crate::cli) from_policy: Option<PathBuf>,
    /// An image that may read, hex. Without any: as before.
    #[arg(long, value_name = "IMAGE", value_parser = digest)]
    pub(in crate::cli) reader: Vec<[u8; 32]>,
    /// Let grantees read without attesting.
    #[arg(long, conflicts_with = "reader")]
    pub(in crate::cli) any_reader: bool,
}

#[derive(Args)]
pub(in crate::cli) struct PolicyFile {
    /// JSON: epoch, measurements, ledger_ids, config_digests, tdx_tcb, snp_minimum, gpu, tls_in_tee, secret_vm.
    pub(in crate::cli) file: PathBuf,
}

#[derive(Args)]
pub(in crate::cli) struct VerifyReceipt {
    /// A file that `--receipt` made.
    pub(in crate::cli) file: PathBuf,
    /// The policy that the signer must meet, JSON; the stored one if absent.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) policy: Option<PathBuf>,
    /// As of when to judge the evidence: unix seconds or RFC 3339; each receipt's own time if absent.
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) at: Option<String>,
}

#[derive(Args)]
pub(in crate::cli) struct ReceiptPath {
    /// A file that `--receipt` made.
    pub(in crate::cli) file: PathBuf,
}

#[derive(Args)]
pub(in crate::cli) struct VerifyEvidence {
    /// A registered worker's account: its evidence comes from the ledger, and this machine's policy judges it.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = OFFLINE)]
    pub(in crate::cli) worker: Option<Address>,
    /// A TDX quote or an SNP report: raw, hex or base64.
    #[arg(long, value_name = "FILE", required_unless_present = "worker")]
    pub(in crate::cli) quote: Option<PathBuf>,
    /// Intel's collateral for a TDX quote, JSON.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) collateral: Option<PathBuf>,
    /// The chip's certificate (or a cloud's VLEK) for an SNP report: DER, PEM or a host's certificate table.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) vcek: Option<PathBuf>,
    /// AMD's ASVK for a report that a VLEK signed, DER or PEM; without it such reports are refused.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) asvk: Option<PathBuf>,
    /// The GPU's evidence, JSON with an `evidence_list`.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) gpu: Option<PathBuf>,
    /// The log behind a TDX quote's runtime registers, JSON.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) event_log: Option<PathBuf>,
    /// The policy that image, firmware and GPU must meet, JSON.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) policy: Option<PathBuf>,
    /// When: unix seconds or RFC 3339; now if absent.
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) at: Option<String>,
}

/// What verifies files.
const OFFLINE: [&str; 8] =
    ["quote", "collateral", "vcek", "asvk", "gpu", "event_log", "policy", "at"];
