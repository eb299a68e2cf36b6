//! From the leaves' errors to problem codes.
//!
//! Layer: flow.
//! Holds: one function for each error type.
//! Never: content; details come from errors that carry places and limits only.
//! Invariant: whatever is not the caller's fault says so.

use crate::collection::CollectionError;
use crate::collection::memory::Full;
use crate::collection::snapshot::SnapshotError;
use prag_chunk::ChunkError;
use prag_client::ledger::LedgerError;
use prag_embedder::EmbedError;
use prag_protocol::problem::{Code, Problem};
use prag_store::StoreError;
use prag_store::archive::ArchiveError;
use prag_trust::admission::Denied;

pub(super) fn forbidden() -> Problem {
    Problem::new(
        Code::Forbidden,
        "no such collection, or no grant for you; check the id and ask its owner for a grant",
    )
}

pub(super) fn key_missing() -> Problem {
    Problem::new(
        Code::KeyMissing,
        "the worker has no key for this collection: it restarted, or its lease is over; its owner must release it",
    )
}

pub(super) fn another() -> Problem {
    Problem::new(Code::Internal, "the ledger answered another question")
}

pub(super) fn another_share() -> Problem {
    Problem::new(Code::CiphertextInvalid, "this is not the collection's share").field("share")
}

pub(super) fn denied(denied: Denied) -> Problem {
    match denied {
        Denied::StaleView { age, max } => Problem::new(
            Code::LedgerStale,
            format!("the worker's ledger view is {age} s old; at most {max} s is accepted"),
        ),
        Denied::Permission(_) => Problem::new(
            Code::PermissionMissing,
            "the permit does not carry the permission for this",
        ),
        Denied::FutureView { ahead } => Problem::new(
            Code::LedgerStale,
            format!("the worker's ledger view is {ahead} s ahead of its clock"),
        ),
        Denied::Quota => Problem::new(Code::QuotaExhausted, "the grant's quota is used up"),
        Denied::ReaderMissing => Problem::new(
            Code::ReaderAttestationRequired,
            "the owner lists the images that may read; open a session with evidence of yours (POST /v1/sessions)",
        ),
        Denied::ReaderImage => Problem::new(
            Code::ReaderAttestationRequired,
            "the owner does not list your image among those that may read; ask the owner",
        ),
        Denied::WorkerImage => worker_image(),
        _ => forbidden(),
    }
}

pub(super) fn worker_image() -> Problem {
    Problem::new(
        Code::WorkerNotAllowed,
        "the collection's policy does not list this worker's image: its keys are wiped here; ask another worker, or have \
         the owner list the image",
    )
}

pub(super) fn ledger(error: LedgerError) -> Problem {
    match error {
        LedgerError::Refused(why) => Problem::new(Code::Conflict, why),
        LedgerError::Unconfirmed => Problem::new(
            Code::LedgerUnconfirmed,
            "nobody has shown this worker a remembered ledger head since it started; its owner's `prag confirm` does",
        ),
        LedgerError::RolledBack => Problem::new(
            Code::LedgerStale,
            "the worker's ledger is older than the head that you remember, or of another history",
        ),
        LedgerError::Unavailable(why) => Problem::new(
            Code::LedgerUnavailable,
            format!("{why}; the worker goes on by itself once its ledger does"),
        ),
        LedgerError::Unknown => Problem::new(
            Code::LedgerUnavailable,
            "whether the ledger took it is unknown: look at what holds before you ask for it again",
        ),
        other => Problem::new(Code::Storage, other.to_string()),
    }
}

/// As [`ledger`], of a contract beside access: a refusal is that contract's own word.
pub(super) fn market(error: LedgerError) -> Problem {
    match error {
        LedgerError::Refused(why) => Problem::new(Code::LedgerRefused, why),
        LedgerError::Short { has, needs } => {
            let detail = format!(
                "{needs} of the smallest unit are to be paid, and the account has {has}: get more, or send less"
            );
            Problem::new(Code::FundsShort, detail)
        }
        LedgerError::NoMarket => Problem::new(
            Code::NoMarket,
            "this worker's ledger runs access alone; set `[market]` in its settings, or ask a worker that has one",
        ),
        other => ledger(other),
    }
}

/// Whether the ledger's silence is all that stands in the way: it passes by itself.
pub(super) fn waits(problem: &Problem) -> bool {
    matches!(problem.code, Code::LedgerUnavailable | Code::LedgerStale)
}

/// The memory limit, or the part of it that writes may use, has no room.
pub(super) fn memory(full: Full) -> Problem {
    let detail = format!(
        "{full} (`memory.limit`): searches go on; delete documents, or ask the worker's operator for a higher limit"
    );
    Problem::new(Code::MemoryLimit, detail).limit(full.limit)
}

pub(super) fn collection(error: CollectionError) -> Problem {
    if let CollectionError::Memory(full) = error {
        return memory(full);
    }
    let code = match &error {
        CollectionError::TooLarge { .. } => Code::TooLarge,
        CollectionError::Crowded { .. } | CollectionError::Keys { .. } | CollectionError::Read => {
            Code::Overloaded
        }
        CollectionError::Tampered(_)
        | CollectionError::Closed
        | CollectionError::Format(_)
        | CollectionError::Unknown(_)
        | CollectionError::BehindAnchor { .. }
        | CollectionError::Forked { .. }
        | CollectionError::Superseded { .. }
        | CollectionError::AnchorLost => Code::ShardUnavailable,
        CollectionError::Store(StoreError::Tampered(_) | StoreError::Closed { .. }) => {
            Code::ShardUnavailable
        }
        CollectionError::Store(_) => Code::Storage,
        _ => Code::Internal,
    };
    Problem::new(code, error.to_string())
}

/// What a caller reads of a snapshot that was not made, read or restored.
pub(super) fn snapshot(error: SnapshotError) -> Problem {
    use CollectionError::{Format, Seal, Tampered};
    let text = error.to_string();
    let code = match error {
        SnapshotError::Archive(ArchiveError::Io(_)) => Code::TargetUnavailable,
        SnapshotError::TooMany
        | SnapshotError::Full
        | SnapshotError::Archive(ArchiveError::TooMany(_)) => Code::TooLarge,
        SnapshotError::Keys(_) => {
            let why =
                "they are not this collection's, or were destroyed when its keys were rotated";
            return Problem::new(Code::CiphertextInvalid, format!("{text}: {why}"));
        }
        SnapshotError::Collection(Tampered(_) | Format(_) | Seal(_)) => Code::SnapshotDamaged,
        SnapshotError::Collection(other) => return collection(other),
        SnapshotError::Damaged(_)
        | SnapshotError::Header(_)
        | SnapshotError::Contents(_)
        | SnapshotError::Archive(_) => Code::SnapshotDamaged,
    };
    Problem::new(code, text)
}

/// As [`snapshot`], of one that is being made: what fails its check there is the shard.
pub(super) fn taken(error: SnapshotError) -> Problem {
    match error {
        SnapshotError::Collection(error) => collection(error),
        other => snapshot(other),
    }
}

pub(super) fn chunk(error: ChunkError) -> Problem {
    let code = match &error {
        ChunkError::SourceTooLong { .. } | ChunkError::TooManyPieces { .. } => Code::TooLarge,
        _ => Code::InvalidField,
    };
    Problem::new(code, error.to_string()).field("content")
}

pub(super) fn embed(error: EmbedError) -> Problem {
    match &error {
        EmbedError::TooLong { tokens, max, .. } => {
            let detail = format!("the text has {tokens} tokens, more than {max}");
            Problem::new(Code::TooLarge, detail).field("text").limit(*max)
        }
        EmbedError::Empty { .. } => {
            Problem::new(Code::EmptyText, "the text is empty").field("text")
        }
        _ => Problem::new(Code::Device, "the embedding model failed"),
    }
}

pub(super) fn internal(_: tokio::task::JoinError) -> Problem {
    Problem::new(Code::Internal, "a task of the worker failed; nothing was acknowledged")
}
