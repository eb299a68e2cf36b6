//! Old snapshots go, and what only they needed.
//!
//! Layer: flow.
//! Holds: which snapshots stay, and the order: indexes first, objects then.
//! Never: an object that an index which stays names, be it of ended keys or not.
//! Invariant: a crash leaves objects that no index names; the next pruning removes them, or a snapshot uses them.

use super::snapshot::catalogued;
use super::{Asker, Worker, problems, validate};
use crate::collection::snapshot::{Opener, SnapshotError, Target};
use prag_protocol::CollectionId;
use prag_protocol::problem::Problem;
use prag_protocol::snapshot::{HeaderError, SNAPSHOTS_MAX};
use prag_protocol::wire::snapshots::{PruneSnapshots, Pruned};
use std::collections::HashSet;

impl Worker {
    /// Remove all but the newest snapshots of a target. Those whose keys are ended go too.
    ///
    /// # Errors
    /// As [`Worker::create_snapshot`]; `target-unavailable`: call again.
    pub async fn prune_snapshots(
        &self,
        caller: &Asker,
        id: CollectionId,
        prune: PruneSnapshots,
    ) -> Result<Pruned, Problem> {
        let (_granted, held) = self.admit_admin(caller, id).await?;
        let shard = held.shard()?;
        let named = self.target_for(id, prune.target.as_deref())?;
        validate::within("keep", u64::from(prune.keep), 1, SNAPSHOTS_MAX as u64)?;
        let alone = self.archiving()?;
        let work = move || {
            let _alone = alone;
            let opener = shard.opener().map_err(problems::collection)?;
            let old = {
                let (open, _) = catalogued(&named, &opener).map_err(problems::snapshot)?;
                let keep = usize::try_from(prune.keep).unwrap_or(usize::MAX);
                open.iter().rev().skip(keep).map(|one| one.id).collect()
            };
            let pruned = pruned(named.target(), &opener, &old).map_err(problems::snapshot)?;
            Ok(Pruned { target: named.name.clone(), ..pruned })
        };
        tokio::task::spawn_blocking(work).await.map_err(problems::internal)?
    }
}

fn pruned(
    target: Target<'_>,
    opener: &Opener,
    old: &HashSet<[u8; 32]>,
) -> Result<Pruned, SnapshotError> {
    let mut needed = HashSet::new();
    let mut gone = Pruned { target: String::new(), removed: Vec::new(), objects: 0, bytes: 0 };
    for info in target.indexes()? {
        let header = match target.header(info) {
            Ok(header) => header,
            Err(error @ SnapshotError::Archive(_)) => return Err(error),
            // What a later build wrote may name any object.
            Err(error @ SnapshotError::Header(HeaderError::Version(_))) => return Err(error),
            // An index that does not parse names nothing, and stays: somebody may want to look at it.
            Err(_) => continue,
        };
        if old.contains(&info.hash) || header.epoch < opener.epoch() {
            target.remove_index(info.hash)?;
            gone.removed.push(hex::encode(info.hash));
        } else {
            needed.extend(header.objects.iter().map(|object| object.name));
        }
    }
    for info in target.objects()? {
        if !needed.contains(&info.hash) {
            target.remove_object(info.hash)?;
            gone.objects += 1;
            gone.bytes += info.bytes;
        }
    }
    Ok(gone)
}
