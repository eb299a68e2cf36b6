//! Anchors: one root on the ledger over the durable heads of all shards, at a fixed cadence.
//!
//! Layer: flow.
//! Holds: taking an anchor, and the check of an opened shard against the last one.
//! Never: a head that is not durable; an anchor that forgets a shard that is locked or quarantined.
//! Invariant: the anchored head is an ancestor of the served one, or equal; a shard that is behind or beside its
//! anchor is not served. A crash between a write and its anchor leaves the shard ahead, which is as it should be.

use super::collections::vault;
use super::lease::SHARD;
use super::{Worker, lock, problems};
use crate::collection::CollectionError;
use crate::vault::Anchored;
use prag_client::ledger::Authorization;
use prag_client::system::OsEntropy;
use prag_client::vault::VaultError;
use prag_protocol::Lineage;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, ShardOf};
use prag_protocol::problem::{Code, Problem};
use prag_trust::entropy::random;
use prag_trust::head::Head;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// What this worker anchored last, so that whoever waits for an anchor need not ask the ledger.
#[derive(Default)]
pub(super) struct Anchoring {
    /// Heads that an anchor on the ledger covers.
    heads: BTreeMap<Lineage, Head>,
    taken: Option<Instant>,
}

impl Anchoring {
    /// Whether the ledger has this head, or one that continues it: heads of a lineage are this worker's alone.
    fn covers(&self, head: &Head) -> bool {
        let at = |head: &Head| (head.writer_epoch, head.size);
        self.heads.get(&head.lineage).is_some_and(|anchored| at(anchored) >= at(head))
    }
}

/// What the ledger says was anchored.
pub(super) enum LastAnchor {
    /// Nothing yet.
    None,
    /// These heads.
    Heads(Anchored),
    /// A root whose heads are not here: they were removed, or replaced by older ones.
    Lost,
}

impl LastAnchor {
    /// What was anchored of one shard.
    pub(super) fn head_of(&self, lineage: Lineage) -> Option<Head> {
        match self {
            Self::Heads(anchored) => anchored.of(lineage).copied(),
            Self::None | Self::Lost => None,
        }
    }
}

impl Worker {
    /// Anchor now, if any head has moved since the last anchor. True if one was written.
    ///
    /// # Errors
    /// Where ledger or storage fail; the next anchor covers what this one missed.
    pub async fn anchor(&self) -> Result<bool, Problem> {
        self.anchor_with(None).await
    }

    /// As [`Worker::anchor`]; `first` is a shard's head as its last worker had it, and counts unless one of that shard
    /// was anchored here before.
    pub(super) async fn anchor_with(&self, first: Option<Head>) -> Result<bool, Problem> {
        let mut anchoring = self.0.anchoring.lock().await;
        self.take_anchor(&mut anchoring, first).await
    }

    /// Wait until an anchor on the ledger covers `head`; take one where the last does not.
    ///
    /// Many who wait at once are served by one anchor: whoever comes to it finds the others' heads durable too.
    ///
    /// # Errors
    /// Where ledger or storage fail, or the shard of `head` was closed meanwhile.
    pub(super) async fn cover(&self, head: &Head) -> Result<(), Problem> {
        let mut anchoring = self.0.anchoring.lock().await;
        if anchoring.covers(head) {
            return Ok(());
        }
        if let Some(taken) = anchoring.taken {
            tokio::time::sleep_until(taken + PAUSE).await;
        }
        self.take_anchor(&mut anchoring, None).await?;
        if anchoring.covers(head) {
            return Ok(());
        }
        Err(Problem::new(Code::ShardUnavailable, "the shard was closed before its anchor"))
    }

    async fn take_anchor(
        &self,
        anchoring: &mut Anchoring,
        first: Option<Head>,
    ) -> Result<bool, Problem> {
        let (previous, mut heads) = match self.last_anchor().await? {
            LastAnchor::None => (NONE, BTreeMap::new()),
            LastAnchor::Heads(anchored) => (anchored.root(), anchored.heads()),
            LastAnchor::Lost => {
                return Err(Problem::new(Code::Storage, "the heads of the last anchor are lost"));
            }
        };
        let before = heads.clone();
        let worker = self.clone();
        let taken = tokio::task::spawn_blocking(move || worker.durable_heads()).await;
        let (known, taken) = taken.map_err(problems::internal)?;
        heads.retain(|lineage, _| known.contains(lineage));
        if let Some(first) = first {
            heads.entry(first.lineage).or_insert(first);
        }
        heads.extend(taken);
        if heads == before {
            anchoring.heads = heads;
            return Ok(false);
        }
        let shard = match self.0.parts.ledger.authorization() {
            Authorization::Request => None,
            // Without a placement no head here can have moved that anybody asks for.
            Authorization::Relay => match self.placed_somewhere().await? {
                None => return Ok(false),
                seat => seat,
            },
        };
        let blind =
            random(&mut OsEntropy).map_err(|_| Problem::new(Code::Internal, "no randomness"))?;
        let anchored = Anchored::new(blind, heads);
        let parts = &self.0.parts;
        parts.anchors.keep(&anchored).map_err(vault)?;
        let root = anchored.root();
        let worker = self.worker_key();
        let message = AccessMsg::Anchor { shard, worker, root, previous };
        parts.ledger.execute(&parts.account, &[], message).await.map_err(problems::ledger)?;
        anchoring.heads = anchored.heads();
        anchoring.taken = Some(Instant::now());
        parts.anchors.keep_only(&root).map_err(vault)?;
        Ok(true)
    }

    /// What the ledger anchored last, for [`continued`].
    pub(super) async fn last_anchor(&self) -> Result<LastAnchor, Problem> {
        let parts = &self.0.parts;
        let query = AccessQuery::Anchor { account: parts.account.clone() };
        let root = match parts.ledger.query(query).await.map_err(problems::ledger)? {
            AccessReply::Anchor(None) => return Ok(LastAnchor::None),
            AccessReply::Anchor(Some(anchor)) => anchor.root,
            _ => return Err(problems::another()),
        };
        match parts.anchors.fetch(&root) {
            Ok(anchored) => Ok(LastAnchor::Heads(anchored)),
            Err(VaultError::Missing | VaultError::Tampered) => Ok(LastAnchor::Lost),
            Err(error) => Err(vault(error)),
        }
    }

    /// A shard that is placed here, through which a chain lets this worker anchor.
    async fn placed_somewhere(&self) -> Result<Option<ShardOf>, Problem> {
        let here: Vec<_> = {
            let collections = self.0.collections.read().unwrap_or_else(lock::ignore_poison);
            collections.keys().copied().collect()
        };
        for collection in here {
            let query = AccessQuery::Collection { collection };
            let reply = self.0.parts.ledger.query(query).await.map_err(problems::ledger)?;
            let AccessReply::Collection(record) = reply else { return Err(problems::another()) };
            let Some(record) = record.filter(|record| !record.destroyed) else { continue };
            if self.placed(collection, record.epoch).await?.is_some() {
                return Ok(Some(ShardOf { collection, shard: SHARD }));
            }
        }
        Ok(None)
    }

    /// Lineages of all collections here, and the heads of those whose keys are here, open or at rest.
    fn durable_heads(&self) -> (Vec<Lineage>, Vec<(Lineage, Head)>) {
        let held: Vec<_> = {
            let collections = self.0.collections.read().unwrap_or_else(lock::ignore_poison);
            collections.values().cloned().collect()
        };
        let known = held.iter().map(|held| held.entry.lineage).collect();
        let heads = held.iter().filter_map(|held| held.durable_head());
        let heads = heads.map(|head| (head.lineage, head));
        (known, heads.collect())
    }

    /// [`Worker::anchor`], but not before somebody has asked: the clock of a machine may be years ahead after a boot,
    /// and the ledger would never forget it. Who asks agrees with the clock, within the time window.
    ///
    /// # Errors
    /// As [`Worker::anchor`].
    pub async fn anchor_on_time(&self) -> Result<bool, Problem> {
        if self.0.heard.load(Ordering::Relaxed) { self.anchor().await } else { Ok(false) }
    }

    /// Anchor at the cadence of the settings, as long as this worker lives.
    pub(super) fn keep_anchoring(&self) {
        let cadence = Duration::from_secs(self.0.settings.anchor_s);
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(cadence).await;
                let Some(inner) = weak.upgrade() else { return };
                match Self(inner).anchor_on_time().await {
                    Ok(_) => {}
                    Err(problem) if problem.code == Code::LedgerUnconfirmed => {}
                    Err(problem) => tracing::warn!(%problem, "no anchor was written"),
                }
            }
        });
    }
}

/// Whether a shard of this head, with these roots at earlier sizes, continues what was anchored of it, and the heads that
/// others have `seen` of it.
///
/// A head of an earlier writer does not bind: its owner went back behind it, and the ledger has the claim.
///
/// # Errors
/// [`CollectionError::BehindAnchor`], [`CollectionError::Forked`], [`CollectionError::AnchorLost`].
pub(super) fn continued<const SEEN: usize>(
    head: &Head,
    root_at: impl Fn(u64) -> Option<[u8; 32]>,
    last: &LastAnchor,
    seen: [Option<&Head>; SEEN],
) -> Result<(), CollectionError> {
    let anchored = match last {
        LastAnchor::None => None,
        LastAnchor::Lost => return Err(CollectionError::AnchorLost),
        // A shard that is younger than the anchor is not in it.
        LastAnchor::Heads(anchored) => anchored.of(head.lineage),
    };
    let binding = [anchored].into_iter().chain(seen).flatten();
    let mut binding = binding.filter(|bound| bound.writer_epoch >= head.writer_epoch);
    binding.try_for_each(|bound| match root_at(bound.size) {
        None => Err(CollectionError::BehindAnchor { size: head.size, anchored: bound.size }),
        Some(root) if root == bound.root => Ok(()),
        Some(_) => Err(CollectionError::Forked { anchored: bound.size }),
    })
}

/// Between two anchors that somebody waits for: the shortest cadence that the settings allow.
const PAUSE: Duration = Duration::from_secs(1);
/// Stands for "no root yet" on the ledger.
const NONE: [u8; 32] = [0; 32];
