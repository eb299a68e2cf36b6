//! The grammar of `prag ledger`, `prag subscribe` and `prag worker`.
//!
//! Layer: client, `cli::args`.
//! Holds: commands about what is owed and paid.
//! Never: what they do.
//! Invariant: nothing is countersigned, and no money moves, without a command or an option that says so.

use super::digest;
use clap::{Args, Subcommand, ValueEnum};
use prag_protocol::Address;

#[derive(Subcommand)]
pub(in crate::cli) enum LedgerCommand {
    /// Show what this identity has used and countersigned on this machine.
    Usage(UsageOf),
    /// Show the ledger: its epoch, where money is, and what this identity has.
    Status,
    /// List registered workers.
    Workers,
    /// List what this identity has granted, collection by collection.
    Grants,
    /// Show how an epoch of the rewards stands or was split.
    Rewards(OfEpoch),
    /// Take what this identity's collections have earned in an epoch.
    Claim(OfEpoch),
    /// Pay into the pool of the epoch that runs.
    Fund(Sum),
    /// Send money to another account.
    Send(Send),
    /// Make money, as the ledger's operator.
    Mint(Send),
    /// Take money for trying things out, where the ledger gives any.
    Faucet,
    /// Become the admin of a contract, as whom its admin has named: of `rewards`, the market's operator.
    Accept(Accept),
}

#[derive(Subcommand)]
pub(in crate::cli) enum SubscribeCommand {
    /// List plans.
    Plans,
    /// Buy a first period of a plan.
    To(Plan),
    /// Buy another period.
    Renew,
    /// Show this identity's subscription, and what cancelling would refund.
    Status,
    /// End it; what is unused is refunded.
    Cancel,
    /// Offer a plan, as the market's operator.
    Offer(Offer),
}

#[derive(Subcommand)]
pub(in crate::cli) enum WorkerCommand {
    /// Have the worker register itself anew, with fresh evidence and out of its own wallet.
    Register,
    /// Have the worker do now what it does by itself: answer for its liveness, report, claim.
    Heartbeat,
    /// As the market's approver: a worker's evidence, which you have verified, holds; from now on it is chosen and
    /// paid.
    Approve(ApproveWorker),
    /// As the market's approver or admin: a worker is chosen and paid no more. Whom the admin retires has to register
    /// anew.
    Retire(RetireWorker),
    /// Images that workers may be of.
    #[command(subcommand)]
    Image(ImageCommand),
}

#[derive(Subcommand)]
pub(in crate::cli) enum ImageCommand {
    /// List them, and from when on each is effective.
    List,
    /// As the registry's admin: an image may be a worker's, once the timelock has passed.
    Approve(OneImage),
    /// As the registry's admin: no worker of an image is chosen or paid, from now on.
    Retire(OneImage),
}

#[derive(Args)]
pub(in crate::cli) struct OneImage {
    /// Its measurement, 64 hex digits.
    #[arg(value_parser = digest)]
    pub(in crate::cli) image: [u8; 32],
}

#[derive(Args)]
pub(in crate::cli) struct ApproveWorker {
    /// The worker's account.
    pub(in crate::cli) worker: Address,
    /// The hash over what you verified, 64 hex digits: what it registers afterwards is not confirmed by this.
    #[arg(value_parser = digest)]
    pub(in crate::cli) evidence: [u8; 32],
    /// The image that it shows, 64 hex digits: one that the registry lists.
    #[arg(value_parser = digest)]
    pub(in crate::cli) image: [u8; 32],
}

#[derive(Args)]
pub(in crate::cli) struct RetireWorker {
    /// The worker's account.
    pub(in crate::cli) worker: Address,
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

#[derive(Args)]
pub(in crate::cli) struct OfEpoch {
    /// Which; the last one that ended if absent.
    #[arg(long)]
    pub(in crate::cli) epoch: Option<u64>,
}

#[derive(Args)]
pub(in crate::cli) struct Sum {
    /// Such as 12.5: in whole units of the ledger's money.
    pub(in crate::cli) amount: String,
}

#[derive(Args)]
pub(in crate::cli) struct Send {
    /// To whom.
    pub(in crate::cli) to: Address,
    /// Such as 12.5: in whole units of the ledger's money.
    pub(in crate::cli) amount: String,
}

#[derive(Args)]
pub(in crate::cli) struct Accept {
    /// Which.
    #[arg(value_enum)]
    pub(in crate::cli) contract: Administered,
}

#[derive(Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Administered {
    /// The registry of workers.
    Workers,
    /// Plans and subscribers.
    Subscription,
    /// Epochs and the pool.
    Rewards,
}

#[derive(Args)]
pub(in crate::cli) struct Plan {
    /// Its number.
    pub(in crate::cli) plan: u32,
}

#[derive(Args)]
pub(in crate::cli) struct Offer {
    /// Its number, never used before.
    pub(in crate::cli) plan: u32,
    /// Price of a period, such as 12.5.
    #[arg(long)]
    pub(in crate::cli) price: String,
    /// Length of a period.
    #[arg(long, default_value_t = 30)]
    pub(in crate::cli) days: u32,
    /// After a period: so long a renewal is taken, and the service goes on.
    #[arg(long, default_value_t = 3)]
    pub(in crate::cli) grace_days: u32,
    /// What is kept of a refund, hundredths of a percent.
    #[arg(long, default_value_t = 0)]
    pub(in crate::cli) refund_fee_bp: u32,
    /// Most API keys.
    #[arg(long, default_value_t = 4)]
    pub(in crate::cli) api_keys: u32,
    /// Units of one period.
    #[arg(long)]
    pub(in crate::cli) units: u64,
}
