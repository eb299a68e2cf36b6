//! Snapshots: made, listed and verified, in a target that the worker's settings name.
//!
//! Layer: flow.
//! Holds: the owner's admission for each, one at a time on a worker, and long work as operations.
//! Never: a target that a request brought; a step of a search or a write that waits for a target.
//! Invariant: what a snapshot is called is the hash of its index; the newest is by writer epoch, size and time.

use super::{Asker, Worker, problems};
use crate::collection::CollectionShard;
use crate::collection::snapshot::{
    About, Index, Opener, SnapshotError, Source, Target, Way, Written,
};
use crate::vault::Entry;
use prag_client::ledger::Scopes;
use prag_client::snapshots::folder_of;
use prag_client::system::OsEntropy;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::snapshot::{Header, SNAPSHOTS_MAX};
use prag_protocol::wire::operations::{Operation, OperationKind};
use prag_protocol::wire::snapshots::{
    AtTarget, Checked, ClosedSnapshot, Snapshot, Snapshots, Standing, VerifySnapshot,
};
use prag_protocol::{CollectionId, Epoch};
use prag_store::archive::{Archive, ObjectInfo};
use prag_store::{Engine, MemoryEngine, Open, Shard, ShardName};
use prag_trust::head::Head;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// A target under its name.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) name: String,
    archive: Arc<dyn Archive>,
    folder: [u8; 16],
}

impl Named {
    pub(super) fn target(&self) -> Target<'_> {
        Target { archive: self.archive.as_ref(), folder: self.folder }
    }

    pub(super) fn describe(&self, id: &[u8; 32], header: &Header, index: &Index) -> Snapshot {
        Snapshot {
            id: hex::encode(id),
            target: self.name.clone(),
            created: index.created,
            head: serde_json::to_value(index.head).unwrap_or_default(),
            epoch: header.epoch,
            profile: index.profile.clone(),
            documents: index.documents,
            chunks: index.chunks,
            objects: header.objects.len() as u64,
            bytes: header.bytes(),
            new_objects: 0,
            new_bytes: 0,
            previous: index.previous.map(hex::encode),
        }
    }
}

impl Worker {
    /// Write a snapshot of a collection that serves here, in the background.
    ///
    /// # Errors
    /// As admission of its owner; `no-target`; `overloaded` while another snapshot or restoration is under way.
    pub async fn create_snapshot(
        &self,
        caller: &Asker,
        id: CollectionId,
        at: AtTarget,
    ) -> Result<Operation, Problem> {
        let (_granted, held) = self.admit_admin(caller, id).await?;
        let shard = self.awake(&held).await?;
        let named = self.target_for(id, at.target.as_deref())?;
        let alone = self.archiving()?;
        let (operation, task) = self.begin(&caller.address, OperationKind::Snapshot)?;
        let worker = self.clone();
        tokio::task::spawn_blocking(move || {
            let done = worker.write_snapshot(&held.entry, &shard, &named, &task.teller());
            // Before anybody hears that it is done: the next one may follow at once.
            drop(alone);
            task.end(done.map_err(problems::taken).map(Some));
        });
        Ok(operation)
    }

    /// The snapshots of a collection in a target, as far as they open with its keys.
    ///
    /// # Errors
    /// As [`Worker::create_snapshot`]; `target-unavailable`.
    pub async fn list_snapshots(
        &self,
        caller: &Asker,
        id: CollectionId,
        at: AtTarget,
    ) -> Result<Snapshots, Problem> {
        let (_granted, held) = self.admit_admin(caller, id).await?;
        let shard = self.awake(&held).await?;
        let named = self.target_for(id, at.target.as_deref())?;
        let targets = self.0.parts.archives.names();
        let work = move || {
            let opener = shard.opener().map_err(problems::collection)?;
            let (open, closed) = catalogued(&named, &opener).map_err(problems::snapshot)?;
            let data = open.iter().map(|one| named.describe(&one.id, &one.header, &one.index));
            let data = data.collect();
            Ok(Snapshots { target: named.name.clone(), targets, data, closed })
        };
        tokio::task::spawn_blocking(work).await.map_err(problems::internal)?
    }

    /// Read a snapshot whole and check all of it, in the background.
    ///
    /// # Errors
    /// As [`Worker::create_snapshot`]; `snapshot-not-found`.
    pub async fn verify_snapshot(
        &self,
        caller: &Asker,
        id: CollectionId,
        verify: VerifySnapshot,
    ) -> Result<Operation, Problem> {
        let (_granted, held) = self.admit_admin(caller, id).await?;
        let shard = self.awake(&held).await?;
        let named = self.target_for(id, verify.target.as_deref())?;
        let wanted = verify.snapshot.as_deref().map(snapshot_id).transpose()?;
        let remembered = verify.remembered.map(remembered_head).transpose()?;
        let alone = self.archiving()?;
        let (operation, task) = self.begin(&caller.address, OperationKind::Verify)?;
        tokio::task::spawn_blocking(move || {
            let told = task.teller();
            let verified = || {
                let opener = shard.opener().map_err(problems::collection)?;
                let source = chosen(&named, &opener, wanted)?;
                let store = scratch().map_err(problems::snapshot)?;
                let whole = source.unpack(&opener, &store, false, &told);
                let whole = whole.map_err(problems::snapshot)?;
                let at = |size| whole.root_at(size);
                let standing = standing(remembered.as_ref(), &whole.head, at, Some(&shard));
                let snapshot = named.describe(&source.id, &source.header, &source.index);
                Ok(Checked { collection: id, snapshot, standing, writer_epoch: None })
            };
            let done = verified();
            drop(alone);
            task.end(done.map(Some));
        });
        Ok(operation)
    }

    fn write_snapshot(
        &self,
        entry: &Entry,
        shard: &CollectionShard,
        named: &Named,
        told: &dyn Fn(u64, u64),
    ) -> Result<Checked, SnapshotError> {
        let previous = {
            let (mut open, closed) = catalogued(named, &shard.opener()?)?;
            if open.len() + closed.len() >= SNAPSHOTS_MAX {
                return Err(SnapshotError::Full);
            }
            open.pop().map(|newest| newest.id)
        };
        if self.0.parts.ledger.scopes() == Scopes::Sealed {
            // What is sealed under it later opens for whoever restores this.
            shard.scope_key(&mut OsEntropy)?;
        }
        let moment = shard.keep_moment(self.now())?;
        let way = Way::of(entry.search, entry.residency, entry.precision);
        let way = way.ok_or(crate::collection::CollectionError::Unknown("way of searching"))?;
        let written = || {
            let mode = Open::At(moment.checkpoint);
            let store = self.0.parts.engine.open(ShardName(entry.shard()), mode);
            let store = store.map_err(crate::collection::CollectionError::from)?;
            let about = About {
                name: entry.name.clone(),
                owner: entry.owner.clone(),
                vectors: serde_json::to_string(&entry.vectors).unwrap_or_default(),
                born: entry.created,
                managed: entry.managed,
                language: entry.language.clone(),
                way,
            };
            let target = named.target();
            moment.write(store.as_ref(), about, previous, target, told, &mut OsEntropy)
        };
        let written = written();
        if let Err(error) = shard.drop_moments() {
            tracing::warn!(%error, "a checkpoint stays until the next snapshot");
        }
        let Written { id, header, index, new_objects, new_bytes } = written?;
        let snapshot = named.describe(&id, &header, &index);
        Ok(Checked {
            collection: entry.id,
            snapshot: Snapshot { new_objects, new_bytes, ..snapshot },
            standing: Standing::Unknown,
            writer_epoch: None,
        })
    }

    /// The target for a collection's snapshots.
    pub(super) fn target_for(
        &self,
        id: CollectionId,
        name: Option<&str>,
    ) -> Result<Named, Problem> {
        let archives = &self.0.parts.archives;
        let (name, archive) = archives.find(name).ok_or_else(|| {
            let names = archives.names();
            let detail = if names.is_empty() {
                "this worker's settings name no target for snapshots: its operator sets `[[snapshots]]`"
                    .to_owned()
            } else {
                format!("this worker's targets are: {}", names.join(", "))
            };
            Problem::new(Code::NoTarget, detail).field("target")
        })?;
        Ok(Named { name, archive, folder: folder_of(id) })
    }

    /// The right to work on snapshots: one at a time.
    pub(super) fn archiving(&self) -> Result<OwnedMutexGuard<()>, Problem> {
        let detail = "this worker is at another snapshot or restoration; try again when it is done";
        let alone = Arc::clone(&self.0.archiving).try_lock_owned();
        alone.map_err(|_| Problem::new(Code::Overloaded, detail))
    }
}

/// A store for what is only looked at.
pub(super) fn scratch() -> Result<Arc<dyn Shard>, SnapshotError> {
    let mode = Open::Writer { expected_epoch: 0, claim: 1 };
    let opened = MemoryEngine::new().open(ShardName([0; 16]), mode);
    Ok(opened.map_err(crate::collection::CollectionError::from)?)
}

/// The snapshot `wanted`, or the newest that opens.
pub(super) fn chosen<'a>(
    named: &'a Named,
    opener: &Opener,
    wanted: Option<[u8; 32]>,
) -> Result<Source<'a>, Problem> {
    let missing = |detail| Problem::new(Code::SnapshotNotFound, detail).field("snapshot");
    match wanted {
        Some(hash) => {
            let infos = named.target().indexes();
            let infos = infos.map_err(|error| problems::snapshot(error.into()))?;
            let info = infos.into_iter().find(|info| info.hash == hash);
            let info = info.ok_or_else(|| missing("the target has no snapshot of that id"))?;
            Source::open(named.target(), info, opener).map_err(problems::snapshot)
        }
        None => {
            let newest = newest(named, opener).map_err(problems::snapshot)?;
            newest
                .ok_or_else(|| missing("no snapshot of this collection there opens with its keys"))
        }
    }
}

fn newest<'a>(named: &'a Named, opener: &Opener) -> Result<Option<Source<'a>>, SnapshotError> {
    Ok(catalogued(named, opener)?.0.pop())
}

/// The snapshots that open, oldest first, and those that do not.
pub(super) fn catalogued<'a>(
    named: &'a Named,
    opener: &Opener,
) -> Result<(Vec<Source<'a>>, Vec<ClosedSnapshot>), SnapshotError> {
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for info in named.target().indexes()? {
        match Source::open(named.target(), info, opener) {
            Ok(source) => open.push(source),
            Err(SnapshotError::Archive(error @ prag_store::archive::ArchiveError::Io(_))) => {
                return Err(error.into());
            }
            Err(error) => closed.push(shut(info, &error, opener.epoch())),
        }
    }
    let age = |index: &Index| (index.head.writer_epoch, index.head.size, index.created);
    open.sort_by_key(|source| age(&source.index));
    Ok((open, closed))
}

fn shut(info: ObjectInfo, error: &SnapshotError, now: Epoch) -> ClosedSnapshot {
    let reason = match error {
        SnapshotError::Keys(epoch) if *epoch < now => {
            format!("its keys, of epoch {epoch}, were destroyed by a rotation to epoch {now}")
        }
        other => other.to_string(),
    };
    ClosedSnapshot { id: hex::encode(info.hash), reason }
}

/// A snapshot's id, as a request names it.
pub(super) fn snapshot_id(text: &str) -> Result<[u8; 32], Problem> {
    let mut id = [0; 32];
    let bad = |_| Problem::new(Code::InvalidField, "64 hex digits").field("snapshot");
    hex::decode_to_slice(text, &mut id).map_err(bad)?;
    Ok(id)
}

/// The head that a caller remembers.
pub(super) fn remembered_head(value: serde_json::Value) -> Result<Head, Problem> {
    let bad = |_| Problem::new(Code::InvalidField, "not a head").field("remembered");
    serde_json::from_value(value).map_err(bad)
}

/// How `head`, whose earlier roots are `root_at`, stands to one that is known. `live` is a shard of the collection that
/// may know more.
pub(super) fn standing(
    known: Option<&Head>,
    head: &Head,
    root_at: impl Fn(u64) -> Option<[u8; 32]>,
    live: Option<&CollectionShard>,
) -> Standing {
    let Some(known) = known else { return Standing::Unknown };
    if known.lineage != head.lineage {
        return Standing::Other;
    }
    if known.size > head.size {
        let seen = live.and_then(|live| live.root_at(head.size));
        let same = seen.is_none_or(|root| root == head.root);
        return if same { Standing::Older } else { Standing::Other };
    }
    match root_at(known.size) {
        Some(root) if root == known.root && known.size == head.size => Standing::Equal,
        Some(root) if root == known.root => Standing::Newer,
        _ => Standing::Other,
    }
}
