//! Collections: birth, key release, listing, death.
//!
//! Layer: flow.
//! Holds: the order ledger ↔ vault ↔ store for each of these, every step repeatable.
//! Never: opens a shard without a fresh ledger view that says its epoch is alive.
//! Invariant: each collection has its own shares, its own KEK, its own shard.

use super::opening::wrap_key;
use super::profile::Chosen;
use super::{Asker, Held, Worker, lock, problems, validate};
use crate::collection::shard::Counts;
use crate::released::released_share;
use crate::vault::Entry;
use prag_client::system::OsEntropy;
use prag_client::vault::{Shares, VaultError};
use prag_protocol::ledger::AccessMsg;
use prag_protocol::limits::{COLLECTIONS_PER_OWNER_MAX, HIT_BYTES_MIN, NAME_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{Collection, CreateCollection, ReleaseKeys, VaultKind};
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::{CollectionId, Epoch, Lineage};
use prag_trust::entropy::random;
use prag_trust::key::{Share, Wrap, derive_kek};
use prag_trust::permit::Permission;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;

impl Worker {
    /// Create a collection with a fresh chain share and the owner's share, and place it on this worker.
    ///
    /// # Errors
    /// Names the field; nothing is left behind that a second try would trip over.
    pub async fn create_collection(
        &self,
        caller: &Asker,
        create: CreateCollection,
    ) -> Result<Collection, Problem> {
        if !caller.permissions.allow(Permission::Admin) {
            return Err(Problem::new(Code::PermissionMissing, "the permit must carry prag_admin"));
        }
        validate::text("name", &create.name, NAME_BYTES_MAX)?;
        if create.id == CollectionId::WORKER_ROOT {
            return Err(Problem::new(Code::InvalidField, "reserved for sealing roots").field("id"));
        }
        self.name_is_free(caller, &create)?;
        let _room = self.room_for_a_shard(NEW_COLLECTION_BYTES).await?;
        if create.managed && !self.0.parts.ledger.keeps_shares() {
            let detail = "this worker's ledger keeps no shares, so it cannot manage the key";
            return Err(Problem::new(Code::InvalidField, detail).field("managed"));
        }
        let profile = self.profile_for(&Chosen::by(&create))?;
        let owner = self.open_share(caller, create.id, FIRST_EPOCH, &create.share)?;
        let (births, now) = (&self.0.births, self.now());
        let chain = births.take(create.id, &caller.address, now, &mut OsEntropy);
        let chain = chain.map_err(no_entropy)?;
        let kek = derive_kek(&chain, &owner, create.id, FIRST_EPOCH);
        let commitment = kek.commitment(create.id, FIRST_EPOCH);
        let wrap = kek.derive::<Wrap>();
        drop(kek);
        let entry = self.new_entry(caller, create)?;
        let message =
            AccessMsg::CreateCollection { collection: entry.id, commitment, epoch: FIRST_EPOCH };
        let messages = [message, self.placing(entry.id, FIRST_EPOCH)];
        let [creation, placing] = match self.authorized(caller, messages) {
            Ok(authorized) => authorized,
            Err(problem) => {
                births.keep(entry.id, &caller.address, now, chain);
                return Err(problem);
            }
        };
        let _alone = self.0.turning.lock().await;
        self.send(caller, creation).await?;
        self.send(caller, placing).await?;
        let parts = &self.0.parts;
        parts.catalog.keep(&entry).map_err(vault)?;
        let shares = Shares { chain, owner };
        let place = (entry.id, FIRST_EPOCH);
        self.keep_chain_share(caller, place, &shares, (commitment, entry.managed)).await?;
        parts.vaults.keep(entry.id, FIRST_EPOCH, &shares).map_err(vault)?;
        let worker = self.clone();
        let work = move || worker.create_shard(entry, profile, wrap);
        let held = tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
        self.check_lease(&held).await;
        self.opened(&held, VaultKind::Owner, FIRST_EPOCH, shares);
        self.describe(&held, true, FIRST_EPOCH)
    }

    fn new_entry(&self, caller: &Asker, create: CreateCollection) -> Result<Entry, Problem> {
        Ok(Entry {
            id: create.id,
            name: create.name,
            owner: caller.address.clone(),
            lineage: Lineage(random(&mut OsEntropy).map_err(no_entropy)?),
            epoch: FIRST_EPOCH,
            vectors: create.vectors,
            created: self.now(),
            ready: false,
            managed: create.managed,
            hit_bytes: HIT_BYTES_MIN,
            language: create.language,
            search: create.search,
            residency: create.residency,
            precision: create.precision,
            restored: None,
            spare: Vec::new(),
        })
    }

    /// Release the owner's share again, after a restart or a lapsed lease; where the key is held, renew its lease.
    ///
    /// # Errors
    /// `ciphertext-invalid` where the share is not the one that the ledger's commitment names.
    pub async fn release_keys(
        &self,
        caller: &Asker,
        id: CollectionId,
        release: ReleaseKeys,
    ) -> Result<Collection, Problem> {
        let (_granted, held) = self.admit_admin(caller, id).await?;
        self.wake_if_it_fits(&held).await;
        self.check_policy(id).await?;
        let _alone = self.0.turning.lock().await;
        let record = self.alive(id).await?.ok_or_else(problems::forbidden)?;
        let epoch = record.epoch;
        let owner = self.open_share(caller, id, epoch, &release.share)?;
        self.place(caller, id, epoch).await?;
        let shares = Shares { chain: self.chain_share(id, epoch).await?, owner };
        let wrap = wrap_key(&shares, id, &record).ok_or_else(problems::another_share)?;
        self.0.parts.vaults.keep(id, epoch, &shares).map_err(vault)?;
        self.check_lease(&held).await;
        if held.shard().is_err() {
            self.open_shard(&held, epoch, wrap, None).await;
            self.opened(&held, VaultKind::Owner, epoch, shares);
        }
        self.check_lease(&held).await;
        self.describe(&held, true, epoch)
    }

    /// The collections that the caller owns, or holds a live grant for.
    ///
    /// # Errors
    /// Names the field and the limit.
    pub async fn list_collections(
        &self,
        caller: &Asker,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<prag_protocol::wire::Page<Collection>, Problem> {
        let limit = validate::page(limit)?;
        let after: Option<CollectionId> =
            match cursor {
                None => None,
                Some(cursor) => Some(cursor.parse().map_err(|_| {
                    Problem::new(Code::InvalidField, "not a cursor").field("cursor")
                })?),
            };
        let mut ids: Vec<CollectionId> = {
            let collections = self.0.collections.read().unwrap_or_else(lock::ignore_poison);
            collections.keys().copied().filter(|id| Some(*id) > after).collect()
        };
        ids.sort();
        let mut data = Vec::new();
        let mut next_cursor = None;
        for id in ids {
            let seen = match self.collection(caller, id).await {
                Ok(seen) => seen,
                Err(problem) if problem.code == Code::Forbidden => continue,
                Err(problem) => return Err(problem),
            };
            if data.len() == limit {
                next_cursor = data.last().map(|last: &Collection| last.id.to_string());
                break;
            }
            data.push(seen);
        }
        Ok(prag_protocol::wire::Page { data, next_cursor })
    }

    /// One collection.
    ///
    /// # Errors
    /// `forbidden` for an absent one too.
    pub async fn collection(
        &self,
        caller: &Asker,
        id: CollectionId,
    ) -> Result<Collection, Problem> {
        if caller.permissions.allow(Permission::Admin) {
            let (granted, held) = self.admit_admin(caller, id).await?;
            self.look_once(&held).await;
            return self.describe(&held, true, granted.epoch());
        }
        let (granted, held) = self.admit_see(caller, id).await?;
        self.look_once(&held).await;
        let mut seen = self.describe(&held, granted.is_owner(), granted.epoch())?;
        if granted.is_scoped() {
            (seen.documents, seen.chunks) = (0, 0);
        }
        Ok(seen)
    }

    /// Destroy a collection: its epoch on the ledger, its shares, its shard's files.
    ///
    /// # Errors
    /// A step that fails is repeated by asking again.
    pub async fn delete_collection(
        &self,
        caller: &Asker,
        id: CollectionId,
    ) -> Result<LedgerReply, Problem> {
        let (_granted, held) = self.admit_admin(caller, id).await?;
        let _alone = self.0.turning.lock().await;
        let reply =
            self.transition(caller, AccessMsg::DestroyCollection { collection: id }).await?;
        held.lock();
        self.0.collections.write().unwrap_or_else(lock::ignore_poison).remove(&id);
        let worker = self.clone();
        let work = move || worker.bury(&held.entry);
        tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
        Ok(reply)
    }

    fn name_is_free(&self, caller: &Asker, create: &CreateCollection) -> Result<(), Problem> {
        let collections = self.0.collections.read().unwrap_or_else(lock::ignore_poison);
        let mine = || collections.values().filter(|held| held.entry.owner == caller.address);
        validate::at_most("collections", mine().count() + 1, COLLECTIONS_PER_OWNER_MAX, "entries")?;
        if mine().any(|held| held.entry.name == create.name) {
            return Err(
                Problem::new(Code::Conflict, "you have a collection of this name").field("name")
            );
        }
        Ok(())
    }

    pub(super) fn open_share(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        epoch: Epoch,
        share: &serde_json::Value,
    ) -> Result<Share, Problem> {
        released_share(self.ring(), share, &self.worker_key(), caller, id, epoch, self.now())
    }

    pub(super) fn describe(
        &self,
        held: &Held,
        owner: bool,
        epoch: Epoch,
    ) -> Result<Collection, Problem> {
        let shard = held.shard().ok();
        let Counts { documents, chunks, segments } = held.counts().unwrap_or_default();
        let profile = match &shard {
            Some(shard) => shard.profile().clone(),
            None => self.profile_for(&Chosen::of(&held.entry))?,
        };
        let head = match &shard {
            Some(shard) => Some(shard.head()),
            None => held.durable_head(),
        };
        let head = head.filter(|_| owner).map(|head| self.signed_head(&head));
        Ok(Collection {
            id: held.entry.id,
            name: if owner { held.entry.name.clone() } else { String::new() },
            owner: held.entry.owner.clone(),
            epoch,
            state: held.state(),
            documents,
            chunks,
            segments,
            profile,
            lease_until: Some(held.lease_until()).filter(|until| owner && *until > 0),
            head,
            keys: owner.then(|| held.report()),
        })
    }
}

pub(super) fn vault(error: VaultError) -> Problem {
    match error {
        VaultError::Missing => {
            Problem::new(Code::KeyMissing, "the worker has no share for this collection")
        }
        VaultError::Refused | VaultError::Answer => {
            Problem::new(Code::KeyMissing, "the ledger did not release its share to this worker")
        }
        VaultError::Stale => Problem::new(Code::LedgerStale, error.to_string()),
        _ => Problem::new(Code::Storage, error.to_string()),
    }
}

fn no_entropy(_: prag_trust::entropy::EntropyError) -> Problem {
    Problem::new(Code::Internal, "no randomness")
}

const FIRST_EPOCH: Epoch = 1;
/// An open shard, with room for its first documents.
const NEW_COLLECTION_BYTES: u64 = 1 << 20;
