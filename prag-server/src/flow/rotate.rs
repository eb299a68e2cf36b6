//! Rotation: from one key epoch to the next, without a moment in which neither opens.
//!
//! Layer: flow.
//! Holds: the order of a rotation: placement, shares kept, DEKs wrapped in both epochs, ledger, and only then the end
//! of the old one.
//! Never: a share of the old epoch given up before the ledger is at the new one.
//! Invariant: every step is durable before the next begins, and may be repeated: after a crash at any of them the
//! ledger says which epoch is current, and all of that epoch is there.

use super::collections::vault;
use super::opening::wrap_key;
use super::{Asker, Worker, problems};
use crate::collection::CollectionShard;
use crate::vault::Entry;
use prag_client::system::OsEntropy;
use prag_client::vault::{Shares, VaultError};
use prag_protocol::ledger::{AccessMsg, CollectionRecord};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{RotateKeys, Rotated};
use prag_protocol::{CollectionId, Epoch};
use prag_trust::key::{Share, Wrap, derive_kek};
use std::sync::Arc;

/// What the ledger is at now.
struct Turned {
    shares: Shares,
    /// Where the ledger said so.
    height: u64,
}

impl Worker {
    /// Begin the next key epoch; or, where the ledger is at it already, end what was cut short.
    ///
    /// # Errors
    /// `conflict` for any other epoch; `ciphertext-invalid` where the share is not the one that the ledger's
    /// commitment names. After a failure one of the two epochs is whole, and the same call goes on from there.
    pub async fn rotate_keys(
        &self,
        caller: &Asker,
        id: CollectionId,
        rotate: RotateKeys,
    ) -> Result<Rotated, Problem> {
        let (_granted, held) = self.admit_admin(caller, id).await?;
        let _alone = self.0.turning.lock().await;
        let record = self.alive(id).await?.ok_or_else(problems::forbidden)?;
        let next = record.epoch.checked_add(1);
        if rotate.epoch != record.epoch && Some(rotate.epoch) != next {
            let detail = format!("the key epoch is {}", record.epoch);
            return Err(Problem::new(Code::Conflict, detail).field("epoch"));
        }
        let owner = self.open_share(caller, id, rotate.epoch, &rotate.share)?;
        let shard = held.shard()?;
        let height = if rotate.epoch == record.epoch {
            self.is_the_share(id, &record, owner).await?;
            // Of the state that `record` is from, or a later one.
            self.0.parts.ledger.standing().await.map_err(problems::ledger)?.height
        } else {
            let turned = self.turn(caller, &held.entry, rotate.epoch, owner, &shard).await?;
            self.hand_out(&shard, rotate.epoch, turned.shares);
            turned.height
        };
        self.settle(id, rotate.epoch, &shard).await?;
        Ok(Rotated { epoch: rotate.epoch, height })
    }

    /// Everything up to the ledger's word.
    async fn turn(
        &self,
        caller: &Asker,
        entry: &Entry,
        epoch: Epoch,
        owner: Share,
        shard: &Arc<CollectionShard>,
    ) -> Result<Turned, Problem> {
        let id = entry.id;
        let shares = Shares { chain: self.draw_share(caller, id, epoch).await?, owner };
        let (commitment, wrap) = {
            let kek = derive_kek(&shares.chain, &shares.owner, id, epoch);
            (kek.commitment(id, epoch), kek.derive::<Wrap>())
        };
        let rotation = AccessMsg::RotateEpoch { collection: id, epoch, commitment };
        let [placing, rotation] = match self.authorized(caller, [self.placing(id, epoch), rotation])
        {
            Ok(authorized) => authorized,
            Err(problem) => {
                self.await_signature(caller, id, shares.chain);
                return Err(problem);
            }
        };
        self.send(caller, placing).await?;
        if self.0.parts.ledger.keeps_shares() {
            self.keep_chain_share(caller, (id, epoch), &shares, (commitment, entry.managed))
                .await?;
        }
        let (worker, preparing) = (self.clone(), Arc::clone(shard));
        let prepare = move || {
            worker.0.parts.vaults.keep(id, epoch, &shares).map_err(vault)?;
            let prepared = preparing.prepare_epoch(epoch, wrap, &mut OsEntropy);
            prepared.map_err(problems::collection).map(|()| shares)
        };
        let prepared = tokio::task::spawn_blocking(prepare).await.map_err(problems::internal)?;
        let shares = prepared?;
        let height = self.send(caller, rotation).await?.height;
        Ok(Turned { shares, height })
    }

    /// The ledger's share of `epoch`. Beside a ledger that keeps none it is drawn once for an epoch, however often a
    /// rotation to it is tried: what was kept here is what the ledger may turn to. A ledger that keeps shares turns to
    /// none but the last that it was handed, so there a try that failed binds nobody.
    async fn draw_share(
        &self,
        caller: &Asker,
        id: CollectionId,
        epoch: Epoch,
    ) -> Result<Share, Problem> {
        if self.0.parts.ledger.keeps_shares() {
            let drawn = self.0.births.take(id, &caller.address, self.now(), &mut OsEntropy);
            return drawn.map_err(|_| vault(VaultError::Storage));
        }
        let worker = self.clone();
        let draw = move || {
            let kept = &worker.0.parts.chain_shares;
            match kept.fetch(id, epoch) {
                Err(VaultError::Missing) => {
                    let fresh = Share::random(&mut OsEntropy).map_err(|_| VaultError::Storage)?;
                    kept.keep(id, epoch, &fresh)?;
                    Ok(fresh)
                }
                known => known,
            }
        };
        tokio::task::spawn_blocking(draw).await.map_err(problems::internal)?.map_err(vault)
    }

    /// The owner is asked to sign for this share, and has to find it again.
    fn await_signature(&self, caller: &Asker, id: CollectionId, chain: Share) {
        if self.0.parts.ledger.keeps_shares() {
            self.0.births.keep(id, &caller.address, self.now(), chain);
        }
    }

    async fn is_the_share(
        &self,
        id: CollectionId,
        record: &CollectionRecord,
        owner: Share,
    ) -> Result<(), Problem> {
        let chain = self.chain_share(id, record.epoch).await?;
        let opens = wrap_key(&Shares { chain, owner }, id, record).is_some();
        opens.then_some(()).ok_or_else(problems::another_share)
    }

    /// The end of every epoch before the ledger's: wrapped keys, then shares.
    pub(super) async fn settle(
        &self,
        id: CollectionId,
        epoch: Epoch,
        shard: &Arc<CollectionShard>,
    ) -> Result<(), Problem> {
        let (worker, shard) = (self.clone(), Arc::clone(shard));
        let work = move || {
            shard.settle_epoch(epoch).map_err(problems::collection)?;
            let parts = &worker.0.parts;
            parts.vaults.retire(id, epoch).map_err(vault)?;
            parts.chain_shares.retire(id, epoch).map_err(vault)
        };
        tokio::task::spawn_blocking(work).await.map_err(problems::internal)?
    }
}
