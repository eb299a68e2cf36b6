//! What can go wrong outside the TEE, and what to do next.
//!
//! Layer: client.
//! Holds: one error for the crate, with a hint for people and an exit code's worth of kind.
//! Never: text, ids of documents, vectors or keys.
//! Invariant: whoever gets `Rollback`, `Fork` or `Pin` did not send anything after it was found.

use prag_protocol::CollectionId;
use prag_protocol::ledger::voucher::Counters;
use prag_protocol::problem::{Code, Problem};

/// Why the client stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The worker refused, with a registered code.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// No connection to the worker, or it broke. Worth a retry.
    #[error("cannot reach the worker at {url}: {reason}")]
    Unreachable {
        /// Base URL.
        url: String,
        /// What the transport said, without the path.
        reason: &'static str,
    },
    /// The URL is not `http://host[:port]` or `https://host[:port]`.
    #[error("the URL is not http:// or https:// with a host")]
    Url,
    /// The worker's evidence does not verify. Nothing was sent.
    #[error("the worker's evidence was refused: {0}")]
    Evidence(#[from] prag_trust::evidence::EvidenceError),
    /// Evidence that was brought as files does not verify.
    #[error("this evidence was refused: {0}")]
    EvidenceFile(prag_trust::evidence::EvidenceError),
    /// What a ledger keeps of a worker's evidence is none, or no more.
    #[error("the evidence that the ledger keeps was refused: {0}")]
    Kept(&'static str),
    /// The attestation is not well formed, or does not fit together.
    #[error("the worker's attestation was refused: {0}")]
    Attestation(&'static str),
    /// The connection is not with whom the evidence speaks for. Nothing was sent.
    #[error("the connection was refused: {0}")]
    Tls(&'static str),
    /// The worker's short-lived keys do not verify. Nothing was sent.
    #[error("the worker's keys were refused: {0}")]
    Keys(prag_trust::evidence::KeySetError),
    /// The worker follows another ledger or configuration than the one first seen here.
    #[error("the worker's {0} differs from the one remembered for this URL")]
    Pin(&'static str),
    /// The worker waits for its sealing root.
    #[error("the worker is sealed: its steward has not opened it since its last boot")]
    WorkerSealed,
    /// The worker has its sealing root.
    #[error("the worker is not sealed")]
    NotSealed,
    /// The worker has another steward.
    #[error("this identity is not the worker's steward")]
    NotSteward,
    /// The gateway could not open our message, twice.
    #[error("the worker's gateway refused the encrypted message (status {0})")]
    Gateway(u16),
    /// The sealed reply does not open, or is not what the route answers.
    #[error("the worker's reply was refused: {0}")]
    Reply(&'static str),
    /// The reply is sealed to another process, which attested with this identity's key.
    #[error("the reply is sealed to the attested reader that has this identity's session")]
    Sealed,
    /// Over a limit, found before anything was sent.
    #[error("{what} is {size} bytes, over the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size, bytes.
        size: usize,
        /// The limit, bytes.
        limit: usize,
    },
    /// The worker showed an older or another history than this machine remembers.
    #[error("collection {collection}: {reason}")]
    History {
        /// Whose history.
        collection: CollectionId,
        /// What is wrong with it.
        reason: prag_trust::head::HeadError,
    },
    /// The ledger stands lower than this machine remembers.
    #[error("the ledger went back from height {remembered} to {shown}")]
    LedgerRollback {
        /// The remembered height.
        remembered: u64,
        /// The height shown.
        shown: u64,
    },
    /// No collection of that name is visible to this identity.
    #[error("no collection of yours is named {0:?}")]
    NoCollection(String),
    /// No identity of that name on this machine.
    #[error("there is no identity named {0:?} on this machine")]
    NoIdentity(String),
    /// An identity of that name is there already.
    #[error("there is an identity named {0:?} already")]
    IdentityExists(String),
    /// Identities are named by 1 to 64 of `a-z A-Z 0-9 - _`.
    #[error("an identity's name is 1 to 64 letters, digits, '-' or '_'")]
    IdentityName,
    /// The secret file is sealed, and the passphrase is absent or wrong.
    #[error("the secret file does not open with this passphrase")]
    Passphrase,
    /// A secret file is damaged, or was written by another version.
    #[error("the secret file is damaged: {0}")]
    SecretFile(&'static str),
    /// This machine holds no share for the collection or corpus.
    #[error("this machine holds no key share for {0}")]
    NoShare(CollectionId),
    /// A local file or folder.
    #[error("{what}: {source}")]
    File {
        /// What was being done.
        what: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A sealed corpus file.
    #[error("sealed corpus: {0}")]
    Corpus(#[from] crate::corpus::CorpusError),
    /// The machine has no randomness.
    #[error(transparent)]
    Entropy(#[from] prag_trust::entropy::EntropyError),
    /// Signing or sealing failed on this machine.
    #[error("signing or sealing failed: {0}")]
    Crypto(&'static str),
    /// This machine gave no evidence of itself.
    #[error("the program that gives this machine's evidence {0}")]
    Attester(&'static str),
    /// The worker claims more than this machine can account for. It was not countersigned.
    #[error(
        "collection {collection}: the worker claims {}; this machine can account for {}",
        units(&claim.claimed),
        units(&claim.allowed)
    )]
    OverClaim {
        /// What was read.
        collection: CollectionId,
        /// What it claims, and what is allowed.
        claim: Box<crate::usage::Claim>,
    },
    /// A receipt does not hold, or is not of the request that it came with.
    #[error("the receipt was refused: {0}")]
    Receipt(crate::receipt::Refusal),
    /// A line of a receipt file.
    #[error("line {line}: {reason}")]
    ReceiptLine {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: Box<ClientError>,
    },
    /// The worker wants something signed that was not asked of it. Nothing was signed.
    #[error("the worker asks for a signature on something else than what it was asked to do")]
    Unasked,
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
}

impl ClientError {
    /// A file error with its place.
    pub(crate) fn file(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { what, source }
    }

    /// The problem's code, if the worker refused.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// A stable word for scripts: the problem's code, or the kind of local failure.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Problem(problem) => problem.code.as_str(),
            Self::Unreachable { .. } => "unreachable",
            Self::Url | Self::Usage(_) | Self::IdentityName => "usage",
            Self::Evidence(_)
            | Self::EvidenceFile(_)
            | Self::Kept(_)
            | Self::Attestation(_)
            | Self::Keys(_) => "evidence-refused",
            Self::Tls(_) => "tls-refused",
            Self::Pin(_) => "pin-mismatch",
            Self::WorkerSealed => "worker-sealed",
            Self::NotSealed => "not-sealed",
            Self::NotSteward => "not-steward",
            Self::Gateway(_) => "gateway-refused",
            Self::Reply(_) => "bad-reply",
            Self::Sealed => "sealed-reply",
            Self::TooLarge { .. } => "too-large",
            Self::History { .. } => "history-refused",
            Self::LedgerRollback { .. } => "ledger-rollback",
            Self::NoCollection(_) => "no-collection",
            Self::NoIdentity(_) | Self::IdentityExists(_) => "identity",
            Self::Passphrase | Self::SecretFile(_) => "secret-file",
            Self::NoShare(_) => "no-share",
            Self::File { .. } => "file",
            Self::Corpus(_) => "corpus",
            Self::Entropy(_) | Self::Crypto(_) => "crypto",
            Self::Attester(_) => "no-evidence",
            Self::Unasked => "unasked",
            Self::OverClaim { .. } => "over-claim",
            Self::Receipt(_) => "receipt-refused",
            Self::ReceiptLine { reason, .. } => reason.kind(),
        }
    }

    /// What to do next, for people.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        let hint = match self {
            Self::Problem(problem) if problem.code == Code::Conflict => {
                match problem.field.as_deref() {
                    Some("name") => "choose another name",
                    Some("replace") => "add --replace: what this worker has of the collection goes",
                    _ => return None,
                }
            }
            Self::Problem(problem) => return problem_hint(problem.code).map(str::to_owned),
            Self::Unreachable { .. } => "start the worker, or name another with --url",
            Self::Url => "use for instance --url http://127.0.0.1:7878",
            Self::Evidence(_) => {
                "nothing was sent; use a worker whose evidence this program can verify"
            }
            Self::Tls(_) => {
                "nothing was sent; reach the worker directly, or let the proxy pass TLS through or end it before a worker without TLS"
            }
            Self::Pin(_) => {
                "if you expected the change, run `prag attest --accept` (for a sealed worker, `prag unlock --accept`)"
            }
            Self::WorkerSealed => {
                "the account that its settings name as steward runs `prag unlock`"
            }
            Self::NotSteward => "name the identity of its settings' `steward` with --identity",
            Self::NotSealed => "there is nothing to unlock: use it, or see `prag attest`",
            Self::History { .. } | Self::LedgerRollback { .. } => {
                "do not use this worker: it serves an old or a forged state"
            }
            Self::OverClaim { .. } => {
                "nothing was countersigned; if this identity is used elsewhere too, or its files were lost, `prag ledger usage COLLECTION --accept` countersigns all of it"
            }
            Self::Unasked => "do not use this worker: it asks for more than its task",
            Self::NoCollection(_) => "see `prag collection list`; a grantee names it by its id",
            Self::NoIdentity(_) => "run `prag keys new`, or name another with --identity",
            Self::IdentityExists(_) => "choose another name with --identity",
            Self::Passphrase => "set PRAG_PASSPHRASE",
            Self::NoShare(_) => "run this where the collection was created or the corpus sealed",
            Self::Gateway(_) | Self::Reply(_) => {
                "check that the URL is a PRAG worker of this version"
            }
            Self::Sealed => "ask with `prag reader`, or with another identity",
            Self::TooLarge { .. } => "send less at once",
            Self::Attester(_) => "run it by hand, with PRAG_REPORT_DATA set to 128 hex digits",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Counters on one line.
pub(crate) fn units(used: &Counters) -> String {
    let [queries, chunks, embedded, input, _] = used.values();
    format!("{queries} queries, {chunks} chunks, {embedded} tokens embedded, {input} tokens served")
}

fn problem_hint(code: Code) -> Option<&'static str> {
    match code {
        Code::KeyMissing => {
            Some("run `prag release COLLECTION`: the worker has restarted, or its lease is over")
        }
        Code::LedgerUnavailable => Some(
            "try again once the chain answers; /readyz and `prag doctor` show how far the worker has followed it",
        ),
        Code::LedgerUnconfirmed => {
            Some("run `prag confirm`: it shows the worker the ledger head remembered here")
        }
        Code::Forbidden => {
            Some("check the name with `prag collection list`, or ask the owner for a grant")
        }
        Code::ReaderAttestationRequired => {
            Some("ask as an attested reader (`prag reader`), of an image that the owner lists")
        }
        Code::WorkerNotAllowed => {
            Some("its owner's `prag policy collection COLLECTION --worker IMAGE` lists images")
        }
        Code::CorpusNotOpen => Some("run the same `prag add` again: it opens the corpus first"),
        Code::ClockSkew => Some("set this machine's clock"),
        Code::Overloaded | Code::RateLimited => Some("try again in a moment"),
        Code::MemoryLimit => Some(
            "try again in a moment, delete documents, or have the worker's operator raise `memory.limit`",
        ),
        Code::NotAnchored => Some("run the same again: it waits for the next anchor"),
        Code::VoucherDue => Some("run `prag ledger usage COLLECTION --settle`"),
        Code::QuotaExhausted => Some("ask the owner for a larger quota"),
        Code::NoMarket => Some("use a worker whose settings have [market], or --dev"),
        Code::LedgerRefused => Some("see `prag ledger status` and `prag ledger rewards`"),
        Code::FundsShort => Some(
            "see `prag ledger status`; on a ledger for trying out, `prag ledger faucet` gives some",
        ),
        Code::WorkerSealed => Some("its steward runs `prag unlock`"),
        Code::ShardUnavailable => {
            Some("restore it: `prag snapshot restore COLLECTION`, or move its folder here")
        }
        Code::NoTarget => Some("name one of the worker's targets with --target"),
        Code::SnapshotNotFound => Some("see `prag snapshot list COLLECTION`"),
        Code::SnapshotOlder => Some(
            "restore a newer one (`prag snapshot list COLLECTION`); --older goes back, and what was written since is \
             lost",
        ),
        Code::SnapshotDamaged => Some("restore another one: see `prag snapshot list COLLECTION`"),
        Code::TargetUnavailable => Some("try again; the worker's operator sees to its targets"),
        _ => None,
    }
}
