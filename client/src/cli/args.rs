//! The command line's grammar.
//!
//! Layer: client, below `cli`.
//! Holds: commands, options and their help.
//! Never: what they do.
//! Invariant: every option that an environment variable sets can be given on the line too.

mod documents;
mod ledger;
mod snapshot;
mod trust;
mod worker;

pub(super) use documents::{Add, DeleteDocuments, Document, Seal};
pub(super) use ledger::{
    Accept, Administered, ApproveWorker, ImageCommand, LedgerCommand, OfEpoch, Offer, OneImage,
    RetireWorker, SubscribeCommand, UsageOf, WorkerCommand,
};
pub(super) use snapshot::{SnapshotCommand, SnapshotOf, VerifySnapshot};
pub(super) use trust::{
    CollectionPolicy, EvidenceCommand, PolicyCommand, PolicyFile, ReceiptCommand, ReceiptPath,
    ShowPolicy, VerifyEvidence, VerifyReceipt,
};
pub(super) use worker::{Attest, Unlock};

use clap::{Args, Parser, Subcommand, ValueEnum};
use prag_protocol::Address;
use std::path::PathBuf;

/// Private retrieval: seal documents here, search them inside an attested worker.
#[derive(Parser)]
#[command(name = "prag", version, propagate_version = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// Print one JSON value instead of text.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// The worker.
    #[arg(long, global = true, env = "PRAG_URL", default_value = "http://127.0.0.1:7878")]
    pub(super) url: String,
    /// Whose keys to use.
    #[arg(long, global = true, env = "PRAG_IDENTITY", default_value = "default")]
    pub(super) identity: String,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make or show this machine's keys (PRAG_PASSPHRASE seals them).
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Verify a worker and show what it proved.
    Attest(Attest),
    /// Release its sealing root to a sealed worker, as its steward.
    Unlock(Unlock),
    /// Check a worker's evidence, offline or as a ledger keeps it.
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Check or show kept receipts offline.
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Set or show which images are trusted: by this machine, or by a collection.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Make, list, show or destroy collections.
    #[command(subcommand)]
    Collection(CollectionCommand),
    /// Seal a folder of documents into one file; nothing leaves this machine.
    Seal(Seal),
    /// Add files, folders or sealed corpus files to a collection.
    Add(Add),
    /// Search a collection.
    Query(Query),
    /// Get cited passages for a prompt, within a token budget.
    Context(Context),
    /// List, show or delete documents.
    #[command(subcommand)]
    Documents(DocumentsCommand),
    /// Let somebody read or write a collection.
    Grant(Grant),
    /// List the grants of a collection.
    Grants(One),
    /// Take a grant back.
    Revoke(Revoke),
    /// Show what a grant of a collection costs, or say it of your own.
    Price(Price),
    /// Buy a grant to read a collection, or more of one that you bought.
    Buy(Buy),
    /// Release key shares to a worker that has restarted, or renew its lease.
    Release(Maybe),
    /// Place a collection on another worker, which gets the keys from a worker that has them.
    Place(Place),
    /// Begin a new key epoch: fresh shares, every key wrapped anew.
    Rotate(Rotate),
    /// Make, list, verify, restore or prune sealed snapshots.
    #[command(subcommand)]
    Snapshot(SnapshotCommand),
    /// Build index segments now.
    Compact(One),
    /// Show the worker a remembered ledger head after its restart.
    Confirm(Confirm),
    /// Show what was used and what it earns, settle it, and move money.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Buy, renew or cancel a plan.
    #[command(subcommand)]
    Subscribe(SubscribeCommand),
    /// Have a worker act on the ledger, as its operator or steward.
    #[command(subcommand)]
    Worker(WorkerCommand),
    /// List the worker's embedding models.
    Models,
    /// Play an LLM worker: attest, then get context sealed to the attested key.
    Reader(Reader),
    /// Check this machine, the worker and every collection.
    Doctor,
}

#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Make a wallet and a session key.
    New,
    /// Show the address; never a secret.
    Show,
}

#[derive(Subcommand)]
pub(super) enum CollectionCommand {
    /// Make a collection; its key share stays on this machine.
    Create(Create),
    /// List your collections and those granted to you.
    List,
    /// Show one, and check that its history continues the one remembered here.
    Show(One),
    /// Destroy a collection and its keys: what it holds is lost, in old backups too.
    #[command(visible_alias = "delete")]
    Destroy(Destroy),
}

#[derive(Subcommand)]
pub(super) enum DocumentsCommand {
    /// List documents.
    List(One),
    /// Show one document with its content.
    Show(Document),
    /// Delete documents by id or by filter.
    Delete(DeleteDocuments),
}

#[derive(Args)]
pub(super) struct One {
    /// The collection's name or id.
    pub(super) collection: String,
}

#[derive(Args)]
pub(super) struct Maybe {
    /// The collection's name or id; without it, every locked collection of yours.
    pub(super) collection: Option<String>,
}

#[derive(Args)]
pub(super) struct Create {
    /// 1 to 128 bytes, unique among yours.
    pub(super) name: String,
    /// The embedding model; the worker's default if absent.
    #[arg(long, conflicts_with = "dimension")]
    pub(super) model: Option<String>,
    /// Supply the vectors yourself: their length.
    #[arg(long)]
    pub(super) dimension: Option<u32>,
    /// Let the ledger keep your key share too, where it can: workers restart without you.
    #[arg(long)]
    pub(super) managed: bool,
    /// By whose stop words and stemmer text is searched, such as `german`; `none` takes words as they are. English if
    /// absent.
    #[arg(long)]
    pub(super) language: Option<String>,
    /// Search by vectors alone, looking at every chunk, so that neither which ones are read nor for how long tells the
    /// worker's host what was sought. Slower; docs/oblivious.md says what remains visible.
    #[arg(long, conflicts_with_all = ["residency", "precision"])]
    pub(super) oblivious: bool,
    /// Where its texts lie while it is open: `memory`, or `disk`, which takes less memory and shows the worker's host
    /// which groups of neighbouring passages an answer took.
    #[arg(long, value_enum, default_value_t = Residency::Memory)]
    pub(super) residency: Residency,
    /// What is kept of each component of a vector: `f16`, or `i8`, which takes less than half the memory and finds about
    /// one in a hundred fewer of the nearest.
    #[arg(long, value_enum, default_value_t = Precision::F16)]
    pub(super) precision: Precision,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Precision {
    F16,
    I8,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Residency {
    Memory,
    Disk,
}

#[derive(Args)]
pub(super) struct Place {
    /// The collection's name (as the worker of --url knows it) or id.
    pub(super) collection: String,
    /// The worker that shall hold it. It is verified first.
    #[arg(value_name = "URL")]
    pub(super) worker: String,
}

#[derive(Args)]
pub(super) struct Destroy {
    /// The collection's name or id.
    pub(super) collection: String,
    /// Do it: what the collection holds is lost for good.
    #[arg(long)]
    pub(super) yes: bool,
}

#[derive(Args)]
pub(super) struct Rotate {
    /// The collection's name or id.
    pub(super) collection: String,
    /// Then seal everything anew, so that keys of earlier epochs open nothing that is stored.
    #[arg(long)]
    pub(super) reencrypt: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Mode {
    Hybrid,
    Dense,
    Sparse,
}

#[derive(Args)]
pub(super) struct Query {
    /// The collection's name or id.
    pub(super) collection: String,
    /// What is sought; `-` reads it from standard input.
    pub(super) text: String,
    /// With `-`: each line of standard input is a query of its own, and many are asked at once.
    #[arg(long)]
    pub(super) lines: bool,
    /// Hits wanted.
    #[arg(short, long, default_value_t = 10)]
    pub(super) k: u32,
    /// Which searches run.
    #[arg(long, value_enum)]
    pub(super) mode: Option<Mode>,
    /// Which documents may answer, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(super) filter: Option<String>,
    /// Scan exactly instead of walking the graph.
    #[arg(long)]
    pub(super) exact: bool,
    /// Show each document's metadata.
    #[arg(long)]
    pub(super) metadata: bool,
    /// Keep a signed receipt in this new file (it holds the texts too).
    #[arg(long, value_name = "FILE")]
    pub(super) receipt: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Context {
    /// The collection's name or id.
    pub(super) collection: String,
    /// The prompt; `-` reads it from standard input.
    pub(super) prompt: String,
    /// Most tokens of the whole context.
    #[arg(short, long, default_value_t = 2000)]
    pub(super) budget: u32,
    /// Most passages.
    #[arg(long)]
    pub(super) passages: Option<u32>,
    /// Which documents may answer, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(super) filter: Option<String>,
    /// Keep a signed receipt in this new file (it holds the texts too).
    #[arg(long, value_name = "FILE")]
    pub(super) receipt: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Reader {
    /// The collection's name or id; without it, only the session is opened, and this machine's image shown.
    #[arg(requires = "prompt")]
    pub(super) collection: Option<String>,
    /// The prompt; `-` reads it from standard input.
    pub(super) prompt: Option<String>,
    /// Most tokens of the whole context.
    #[arg(short, long, default_value_t = 2000)]
    pub(super) budget: u32,
    /// A program that prints evidence of this machine as JSON; it gets PRAG_REPORT_DATA, hex.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) evidence_command: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Grant {
    /// The collection's name or id.
    pub(super) collection: String,
    /// Whom: an address such as secret1…
    pub(super) grantee: Address,
    /// May put and delete documents too.
    #[arg(long)]
    pub(super) write: bool,
    /// May not query.
    #[arg(long)]
    pub(super) no_read: bool,
    /// Most hits of one query.
    #[arg(long, default_value_t = 10)]
    pub(super) max_k: u32,
    /// Queries in all; unlimited if absent.
    #[arg(long)]
    pub(super) quota: Option<u64>,
    /// When it ends: `30d`, `12h`, `10m`, or unix seconds.
    #[arg(long, default_value = "30d")]
    pub(super) expires: String,
    /// Only documents that this filter matches, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(super) scope: Option<String>,
    /// May give so many grants of its own within this one.
    #[arg(long, value_name = "GRANTS", default_value_t = 0)]
    pub(super) delegate: u32,
}

#[derive(Args)]
pub(super) struct Price {
    /// The collection's name or id.
    pub(super) collection: String,
    /// Sell grants for this, such as 12.5: in whole units of the ledger's money. They read the whole collection.
    #[arg(long, conflicts_with = "none")]
    pub(super) amount: Option<String>,
    /// How long a grant that is bought lasts: `30d`, `12h`, `10m`.
    #[arg(long = "for", value_name = "SPAN", default_value = "30d", requires = "amount")]
    pub(super) span: String,
    /// Most hits of one query.
    #[arg(long, default_value_t = 10, requires = "amount")]
    pub(super) max_k: u32,
    /// Queries in all; unlimited if absent.
    #[arg(long, requires = "amount")]
    pub(super) quota: Option<u64>,
    /// Sell no grants any more.
    #[arg(long)]
    pub(super) none: bool,
}

#[derive(Args)]
pub(super) struct Buy {
    /// The collection's id; its name, where you know it already.
    pub(super) collection: String,
    /// Most that you pay, such as 12.5: more is refused before anything is sent.
    #[arg(long, value_name = "AMOUNT")]
    pub(super) at_most: Option<String>,
}

#[derive(Args)]
pub(super) struct Revoke {
    /// The collection's name or id.
    pub(super) collection: String,
    /// Whose grant.
    pub(super) grantee: Address,
}

#[derive(Args)]
pub(super) struct Confirm {
    /// The ledger's height that you remember; what this machine remembers if absent.
    #[arg(requires = "root")]
    pub(super) height: Option<u64>,
    /// Its root at that height, hex.
    pub(super) root: Option<String>,
}

/// The digest of an image, or of evidence.
fn digest(text: &str) -> Result<[u8; 32], &'static str> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).map(|()| digest).map_err(|_| "64 hexadecimal digits")
}
