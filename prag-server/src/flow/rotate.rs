//! Rotation: from one key epoch to the next, without a moment in which neither opens.
//!
//! Layer: flow.
//! Holds: the order of a rotation: shares kept, placement, DEKs wrapped in both epochs, ledger, and only then the end
//! of the old one.
//! Never: a share of the old epoch given up before the ledger is at the new one.
//! Invariant: every step is durable before the next begins, and may be repeated: after a crash at any of them the
//! ledger says which epoch is current, and all of that epoch is there.

use super::collections::vault;
use super::opening::wrap_key;
use super::{Asker, Worker, problems};
use crate::collection::CollectionShard;
use prag_client::system::OsEntropy;
use prag_client::vault::{Shares, VaultError};
use prag_protocol::ledger::{AccessMsg, CollectionRecord};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{RotateKeys, Rotated};
use prag_protocol::{CollectionId, Epoch};
use prag_trust::key::{Key, Share, Wrap, derive_kek};
use std::sync::Arc;

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
        if self.0.parts.ledger.keeps_shares() {
            let detail = "this ledger keeps shares itself, and a rotation there is not built yet";
            return Err(Problem::new(Code::Conflict, detail).field("epoch"));
        }
        let owner = self.open_share(caller, id, rotate.epoch, &rotate.share)?;
        let shard = held.shard()?;
        if rotate.epoch == record.epoch {
            self.is_the_share(id, &record, owner)?;
        } else {
            let shares = self.turn(caller, id, rotate.epoch, owner, &shard).await?;
            self.hand_out(&shard, rotate.epoch, shares);
        }
        self.settle(id, rotate.epoch, &shard).await?;
        Ok(Rotated { epoch: rotate.epoch, height: self.0.parts.ledger.head().await.height })
    }

    /// Everything up to the ledger's word.
    async fn turn(
        &self,
        caller: &Asker,
        id: CollectionId,
        epoch: Epoch,
        owner: Share,
        shard: &Arc<CollectionShard>,
    ) -> Result<Shares, Problem> {
        let worker = self.clone();
        let keep = move || worker.keep_shares(id, epoch, owner);
        let kept = tokio::task::spawn_blocking(keep).await.map_err(problems::internal)?;
        let (commitment, wrap, shares) = kept.map_err(vault)?;
        let rotation = AccessMsg::RotateEpoch { collection: id, epoch, commitment };
        let [placing, rotation] = self.authorized(caller, [self.placing(id, epoch), rotation])?;
        self.send(caller, placing).await?;
        let preparing = Arc::clone(shard);
        let prepare = move || preparing.prepare_epoch(epoch, wrap, &mut OsEntropy);
        let prepared = tokio::task::spawn_blocking(prepare).await.map_err(problems::internal)?;
        prepared.map_err(problems::collection)?;
        self.send(caller, rotation).await?;
        Ok(shares)
    }

    /// Keep both shares of `epoch`; the ledger's is drawn once for an epoch, however often a rotation to it is tried.
    fn keep_shares(
        &self,
        id: CollectionId,
        epoch: Epoch,
        owner: Share,
    ) -> Result<([u8; 32], Key<Wrap>, Shares), VaultError> {
        let parts = &self.0.parts;
        let chain = match parts.chain_shares.fetch(id, epoch) {
            Ok(chain) => chain,
            Err(VaultError::Missing) => {
                let fresh = Share::random(&mut OsEntropy).map_err(|_| VaultError::Storage)?;
                parts.chain_shares.keep(id, epoch, &fresh)?;
                fresh
            }
            Err(error) => return Err(error),
        };
        let kek = derive_kek(&chain, &owner, id, epoch);
        let shares = Shares { chain, owner };
        parts.vaults.keep(id, epoch, &shares)?;
        Ok((kek.commitment(id, epoch), kek.derive::<Wrap>(), shares))
    }

    fn is_the_share(
        &self,
        id: CollectionId,
        record: &CollectionRecord,
        owner: Share,
    ) -> Result<(), Problem> {
        let chain = self.0.parts.chain_shares.fetch(id, record.epoch).map_err(vault)?;
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
