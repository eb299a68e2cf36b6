//! A collection comes back from a snapshot, on this worker or on another one.
//!
//! Layer: flow.
//! Holds: placement by the owner's signed word, keys, a new shard beside the old one, and the turn from one to the
//! other.
//! Never: a shard that serves before all of it was checked; an older state that its owner did not ask for by name.
//! Invariant: up to the turn, which is one row of the catalogue, the collection is as it was; from then on it is the
//! restored one under the next writer epoch, which the ledger has before it serves. Whatever a crash leaves in
//! between is a spare shard, which the next opening removes, or a claim that the next opening makes.

use super::collections::vault;
use super::held::State;
use super::opening::wrap_key;
use super::snapshot::{Named, chosen, remembered_head, snapshot_id, standing};
use super::{Asker, Held, Worker, problems, validate};
use crate::collection::snapshot::{Opener, Source, Unpacked};
use crate::vault::{Entry, Restored};
use prag_client::system::OsEntropy;
use prag_client::vault::Shares;
use prag_protocol::CollectionId;
use prag_protocol::ledger::CollectionRecord;
use prag_protocol::limits::{COLLECTIONS_PER_OWNER_MAX, HIT_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{CollectionState, VaultKind};
use prag_protocol::wire::operations::{Operation, OperationKind};
use prag_protocol::wire::snapshots::{Checked, RestoreSnapshot};
use prag_store::{Open, ShardName};
use prag_trust::admission;
use prag_trust::entropy::random;
use prag_trust::head::Head;
use std::sync::Arc;

/// A restoration that was admitted and has its keys.
struct Job {
    id: CollectionId,
    record: CollectionRecord,
    shares: Shares,
    kind: VaultKind,
    named: Named,
    wanted: Option<[u8; 32]>,
    /// Heads that the snapshot must continue, unless the owner said otherwise, each with who knows it.
    known: Vec<(&'static str, Head)>,
    remembered: Option<Head>,
    older: bool,
    /// As the catalogue has it.
    entry: Option<Entry>,
    writer_epoch: u64,
}

/// A shard that was restored and is not in use yet.
struct Fresh {
    entry: Entry,
    whole: Unpacked,
    checked: Checked,
}

impl Worker {
    /// Restore a snapshot, in the background.
    ///
    /// # Errors
    /// As admission of the owner; `conflict` where this worker has the collection's shard and `replace` is not set;
    /// `key-missing`. The placement stands then.
    pub async fn restore_snapshot(
        &self,
        caller: &Asker,
        id: CollectionId,
        restore: RestoreSnapshot,
    ) -> Result<Operation, Problem> {
        let view = self.owners_view(caller, id).await?;
        let granted = admission::admit_admin(caller, id, &view, &self.gate());
        let epoch = granted.map_err(problems::denied)?.epoch();
        let named = self.target_for(id, restore.target.as_deref())?;
        let wanted = restore.snapshot.as_deref().map(snapshot_id).transpose()?;
        let remembered = restore.remembered.map(remembered_head).transpose()?;
        self.check_policy(id).await?;
        let alone = self.archiving()?;
        let held = self.known(id).ok();
        self.may_replace(caller, held.as_deref(), restore.replace)?;
        // Were it found damaged when it wakes, the head that it rested with would be gone.
        let rested = held.as_ref().and_then(|held| held.kept_head());
        if let Some(held) = &held {
            self.make_all_room(held)?;
            // What it has is to be compared with the snapshot; where it does not open, its head is.
            self.wake_if_it_fits(held).await;
        }
        let turning = self.0.turning.lock().await;
        self.place(caller, id, epoch).await?;
        let found = self.keys_to_restore(caller, id, restore.share).await?;
        drop(turning);
        let (record, shares, kind, seen) = found;
        let live = held.as_ref().and_then(|held| held.kept_head()).or(rested);
        let known = [
            ("you remember", remembered),
            ("its last worker had", seen),
            ("this worker has", live),
        ];
        let known = known.into_iter().filter_map(|(who, head)| Some((who, head?))).collect();
        let writer_epoch = self.writer_epoch(id).await?.saturating_add(1);
        let entry = held.map(|held| held.entry_now());
        let older = restore.older;
        let job = Job {
            id,
            record,
            shares,
            kind,
            named,
            wanted,
            known,
            remembered,
            older,
            entry,
            writer_epoch,
        };
        let (operation, task) = self.begin(&caller.address, OperationKind::Restore)?;
        let worker = self.clone();
        tokio::spawn(async move {
            let done = worker.restore(job, task.teller()).await;
            drop(alone);
            task.end(done.map(Some));
        });
        Ok(operation)
    }

    fn may_replace(
        &self,
        caller: &Asker,
        held: Option<&Held>,
        replace: bool,
    ) -> Result<(), Problem> {
        let Some(held) = held else {
            let collections = self.0.collections.read().unwrap_or_else(super::lock::ignore_poison);
            let mine = collections.values().filter(|held| held.entry.owner == caller.address);
            let count = mine.count() + 1;
            return validate::at_most("collections", count, COLLECTIONS_PER_OWNER_MAX, "entries");
        };
        let shards = self.0.parts.engine.list();
        let shards = shards.map_err(|error| problems::collection(error.into()))?;
        if replace || !shards.contains(&ShardName(held.entry.shard())) {
            return Ok(());
        }
        let detail = "this worker has the collection's shard; say `replace` to put the snapshot in its place";
        Err(Problem::new(Code::Conflict, detail).field("replace"))
    }

    /// Shares that open the ledger's commitment: the owner's from the request with the ledger's, or both from a vault.
    async fn keys_to_restore(
        &self,
        caller: &Asker,
        id: CollectionId,
        share: Option<serde_json::Value>,
    ) -> Result<(CollectionRecord, Shares, VaultKind, Option<Head>), Problem> {
        let word = self.word(id).await?;
        let epoch = word.record.epoch;
        let (found, tried) = self.find_keys(id, &word).await;
        if let Some(found) = found {
            let (kind, shares, head) = found.into_parts();
            return Ok((word.record, shares, kind, head));
        }
        let tried: Vec<String> =
            tried.iter().map(|one| format!("{} {}", one.kind.name(), one.reason)).collect();
        let missing = |why: &str| {
            let detail = format!(
                "no vault gave the keys ({}), and {why}; a snapshot opens with the owner's and the ledger's share",
                tried.join(", ")
            );
            Problem::new(Code::KeyMissing, detail)
        };
        let share = share.ok_or_else(|| missing("the owner's share did not come along"))?;
        let owner = self.open_share(caller, id, epoch, &share)?;
        let chain = self.chain_share(id, epoch).await;
        let chain = chain.map_err(|_| missing("the ledger's share is not to be had here"))?;
        let shares = Shares { chain, owner };
        let fits = wrap_key(&shares, id, &word.record).is_some();
        if fits {
            Ok((word.record, shares, VaultKind::Owner, None))
        } else {
            Err(problems::another_share())
        }
    }

    async fn restore(
        &self,
        mut job: Job,
        told: impl Fn(u64, u64) + Send + 'static,
    ) -> Result<Checked, Problem> {
        let last = self.last_anchor().await?;
        let worker = self.clone();
        let work = move || {
            let fresh = worker.unpack(&mut job, &last, &told);
            (job, fresh)
        };
        let (job, fresh) = tokio::task::spawn_blocking(work).await.map_err(problems::internal)?;
        self.turn_to(job, fresh?).await
    }

    /// The snapshot in a new shard, of which everything was checked. Blocks.
    fn unpack(
        &self,
        job: &mut Job,
        last: &super::anchor::LastAnchor,
        told: &dyn Fn(u64, u64),
    ) -> Result<Fresh, Problem> {
        let (id, epoch) = (job.id, job.record.epoch);
        let wrap = wrap_key(&job.shares, id, &job.record).ok_or_else(problems::another_share)?;
        let opener = Opener::new(id, epoch, wrap);
        let source = chosen(&job.named, &opener, job.wanted)?;
        let anchored = last.head_of(source.header.lineage);
        job.known.extend(anchored.map(|head| ("this worker anchored", head)));
        // As far as sizes tell, before anything is fetched.
        for (who, known) in &job.known {
            allowed(
                who,
                known,
                &source.index.head,
                known.size <= source.index.head.size,
                job.older,
            )?;
        }
        let entry = self.entry_to_be(job, &source)?;
        let noted = job.entry.clone().unwrap_or_else(|| Entry { restored: None, ..entry.clone() });
        let fresh_shard = entry.shard();
        let mut spare = noted.spare.clone();
        spare.push(fresh_shard);
        // The host may have removed a shard that nobody has opened: its name is noted before it is made.
        self.0.parts.catalog.keep(&Entry { spare, ..noted.clone() }).map_err(vault)?;
        let done = self.fill(job, &source, &opener, &entry, told);
        if done.is_err() {
            self.abandon(id, fresh_shard);
        }
        done.map(|(whole, checked)| Fresh { entry, whole, checked })
    }

    /// A new shard that is not to be goes, and the catalogue says what this worker holds, as before. Blocks.
    fn abandon(&self, id: CollectionId, shard: [u8; 16]) {
        let catalog = &self.0.parts.catalog;
        let removed = self.remove_shards([shard]);
        let noted = match self.known(id) {
            Ok(held) => catalog.keep(&held.entry_now()),
            Err(_unknown) => catalog.forget(id),
        };
        if let Err(problem) = removed.and(noted.map_err(vault)) {
            tracing::warn!(%problem, "a shard that was not restored stays until the next opening");
        }
    }

    fn fill(
        &self,
        job: &Job,
        source: &Source<'_>,
        opener: &Opener,
        entry: &Entry,
        told: &dyn Fn(u64, u64),
    ) -> Result<(Unpacked, Checked), Problem> {
        let mode = Open::Writer { expected_epoch: 0, claim: entry.writer_epoch() };
        let store = self.0.parts.engine.open(ShardName(entry.shard()), mode);
        let store = store.map_err(|error| problems::collection(error.into()))?;
        let whole = source.unpack(opener, &store, true, told).map_err(problems::snapshot)?;
        let at = |size| whole.root_at(size);
        for (who, known) in &job.known {
            let same = at(known.size) == Some(known.root) && known.lineage == whole.head.lineage;
            allowed(who, known, &whole.head, same, job.older)?;
        }
        let live = self.known(job.id).ok().and_then(|held| held.kept().ok());
        let standing = standing(job.remembered.as_ref(), &whole.head, at, live.as_deref());
        let snapshot = job.named.describe(&source.id, &source.header, &source.index);
        let writer_epoch = Some(entry.writer_epoch());
        Ok((whole, Checked { collection: job.id, snapshot, standing, writer_epoch }))
    }

    /// What the catalogue will say once the snapshot is in place.
    fn entry_to_be(&self, job: &Job, source: &Source<'_>) -> Result<Entry, Problem> {
        let index = &source.index;
        let damaged =
            || Problem::new(Code::SnapshotDamaged, "the index does not describe this collection");
        let shard = random(&mut OsEntropy);
        let shard = shard.map_err(|_| Problem::new(Code::Internal, "no randomness"))?;
        let restored = Some(Restored {
            shard,
            writer_epoch: job.writer_epoch,
            head: Head { writer_epoch: job.writer_epoch, ..index.head },
        });
        if let Some(entry) = &job.entry {
            if entry.lineage != source.header.lineage {
                let detail = "the snapshot is of another lineage than the collection has here";
                return Err(Problem::new(Code::Conflict, detail).field("snapshot"));
            }
            let mut spare = entry.spare.clone();
            spare.push(entry.shard());
            return Ok(Entry { restored, spare, ..entry.clone() });
        }
        let about = &index.about;
        let (search, residency, precision) = about.way.parts();
        Ok(Entry {
            id: job.id,
            name: about.name.clone(),
            owner: job.record.owner.clone(),
            lineage: source.header.lineage,
            epoch: job.record.epoch,
            vectors: serde_json::from_str(&about.vectors).map_err(|_| damaged())?,
            created: about.born,
            ready: true,
            managed: about.managed,
            // Nobody has counted its passages here.
            hit_bytes: HIT_BYTES_MAX,
            language: about.language.clone(),
            search,
            residency,
            precision,
            restored,
            spare: Vec::new(),
        })
    }

    /// Whether all is as it was when the snapshot began to be read: the ledger's word, and what this worker holds.
    async fn may_turn(&self, job: &Job, entry: &Entry) -> Result<(), Problem> {
        let now = self.alive(job.id).await?.ok_or_else(problems::forbidden)?;
        let next = self.writer_epoch(job.id).await?.saturating_add(1);
        let here = self.known(job.id).ok().map(|held| held.entry.shard());
        let before = job.entry.as_ref().map(Entry::shard);
        if now.epoch == job.record.epoch && next == entry.writer_epoch() && here == before {
            return Ok(());
        }
        let detail =
            "its keys were rotated, or it was restored or taken on, meanwhile; restore it again";
        Err(Problem::new(Code::Conflict, detail))
    }

    /// The turn: the old shard writes no more, the catalogue names the new one, the ledger its writer, and it serves.
    async fn turn_to(&self, job: Job, fresh: Fresh) -> Result<Checked, Problem> {
        let _alone = self.0.turning.lock().await;
        if let Err(problem) = self.may_turn(&job, &fresh.entry).await {
            self.abandon(job.id, fresh.entry.shard());
            return Err(problem);
        }
        let Fresh { entry, whole, checked } = fresh;
        let Job { id, record, shares, kind, older, .. } = job;
        let wrap = wrap_key(&shares, id, &record).ok_or_else(problems::another_share)?;
        self.0.parts.vaults.keep(id, record.epoch, &shares).map_err(vault)?;
        if let Ok(held) = self.known(id) {
            let late = held.lock_with_head();
            // Who wrote while the snapshot was read is not to lose it by that.
            let refused = late.map_or(Ok(()), |late| {
                let same = whole.root_at(late.size) == Some(late.root);
                allowed("this worker has by now", &late, &whole.head, same, older)
            });
            if let Err(refused) = refused {
                self.abandon(id, entry.shard());
                self.open_shard(&held, record.epoch, wrap, None).await;
                self.opened(&held, kind, record.epoch, shares);
                return Err(refused);
            }
        }
        self.0.parts.catalog.keep(&entry).map_err(vault)?;
        let held = Arc::new(Held::new(entry, State::Locked));
        self.hold(&held);
        self.open_shard(&held, record.epoch, wrap, None).await;
        self.opened(&held, kind, record.epoch, shares);
        self.check_lease(&held).await;
        if held.state() != CollectionState::Ready {
            let why = held.shard().err().map(|problem| problem.detail).unwrap_or_default();
            let detail = format!("the snapshot is in place and does not serve yet: {why}");
            return Err(Problem::new(Code::ShardUnavailable, detail));
        }
        // Until then the catalogue alone says what an opened shard must continue.
        if let Err(problem) = self.anchor().await {
            tracing::warn!(%problem, "a restored head is not anchored yet");
        }
        Ok(checked)
    }
}

/// Refuses a snapshot that does not continue what is known, unless its owner asked for that.
fn allowed(who: &str, known: &Head, head: &Head, same: bool, older: bool) -> Result<(), Problem> {
    if same || older {
        return Ok(());
    }
    let detail = if known.size > head.size {
        format!(
            "the snapshot has {} writes, and {who} {}: what was written since would be lost; say `older` to go back",
            head.size, known.size
        )
    } else {
        format!(
            "the snapshot is of another history than the one that {who}; say `older` to take it"
        )
    };
    Err(Problem::new(Code::SnapshotOlder, detail).field("snapshot"))
}
