//! Snapshots, as owners ask for them.
//!
//! Layer: client, above `sdk` and `owner`.
//! Holds: one typed method for each route, where a collection's snapshots lie in a target, and what is remembered of
//! them.
//! Never: a path, an address or a credential of a target: a worker knows its targets by name.
//! Invariant: a restored history replaces the one remembered here only where its owner asked to go back.

pub mod offline;

use crate::authorize::Effect;
use crate::error::ClientError;
use crate::identity::Purpose;
use crate::remembered::MadeSnapshot;
use crate::sdk::{Call, Client, collection_path};
use prag_protocol::CollectionId;
use prag_protocol::wire::operations::Operation;
use prag_protocol::wire::snapshots::{
    AtTarget, Checked, PruneSnapshots, Pruned, RestoreSnapshot, Snapshots, Standing, VerifySnapshot,
};
use prag_trust::head::Head;

/// Which snapshot is restored, and what its owner agrees to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restoration {
    /// The target's name; the worker's first if absent.
    pub target: Option<String>,
    /// The snapshot's id; the newest that opens if absent.
    pub snapshot: Option<String>,
    /// Go back behind what is remembered or anchored.
    pub older: bool,
    /// Put it in the place of the shard that the worker has.
    pub replace: bool,
}

/// The folder of a collection's snapshots in every target: a hash of its id, so that a target learns no id.
#[must_use]
pub fn folder_of(collection: CollectionId) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("prag 2026 snapshot folder v1");
    hasher.update(&collection.0);
    let mut folder = [0; 16];
    hasher.finalize_xof().fill(&mut folder);
    folder
}

impl Client {
    /// Starts writing a snapshot. Follow it with [`Client::operation`], then [`Client::snapshot_made`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn create_snapshot(
        &self,
        id: CollectionId,
        at: &AtTarget,
    ) -> Result<Operation, ClientError> {
        let path = collection_path(id, "/snapshots");
        self.ask(&Call::json(Purpose::Admin, "POST", path, at)?).await
    }

    /// Remembers a snapshot that was made or verified, so that this machine can check it without any key.
    ///
    /// # Errors
    /// [`ClientError::Reply`] where it is not well formed; [`ClientError::File`].
    pub fn snapshot_made(&self, checked: &Checked) -> Result<(), ClientError> {
        let head: Head = serde_json::from_value(checked.snapshot.head.clone())
            .map_err(|_| ClientError::Reply("its snapshot has no head"))?;
        let made = MadeSnapshot {
            id: checked.snapshot.id.clone(),
            target: checked.snapshot.target.clone(),
            created: checked.snapshot.created,
            head,
        };
        self.channel().remembered().made_snapshot(checked.collection, made)
    }

    /// The snapshots in a target.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn snapshots(
        &self,
        id: CollectionId,
        at: &AtTarget,
    ) -> Result<Snapshots, ClientError> {
        let path = collection_path(id, "/snapshots/list");
        self.ask(&Call::json(Purpose::Admin, "POST", path, at)?).await
    }

    /// Starts reading a snapshot whole; it is compared with the head that is remembered here.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verify_snapshot(
        &self,
        id: CollectionId,
        target: Option<String>,
        snapshot: Option<String>,
    ) -> Result<Operation, ClientError> {
        let remembered = self.remembered_head(id)?;
        let body = VerifySnapshot { target, snapshot, remembered };
        let path = collection_path(id, "/snapshots/verify");
        self.ask(&Call::json(Purpose::Admin, "POST", path, &body)?).await
    }

    /// Places the collection on this worker and starts restoring a snapshot there. The owner's share goes along,
    /// sealed to the worker, where this machine has it. Follow it with [`Client::operation`], then
    /// [`Client::restored`].
    ///
    /// # Errors
    /// [`ClientError`]. The placement stands.
    pub async fn restore_snapshot(
        &self,
        id: CollectionId,
        restoration: &Restoration,
    ) -> Result<Operation, ClientError> {
        let Restoration { target, snapshot, older, replace } = restoration.clone();
        let session = self.channel().session().await?;
        let share = match self.shares().epochs(id)?.last() {
            Some(epoch) => {
                let share = self.shares().fetch(id, *epoch)?;
                Some(self.seal(&session, &share, id, *epoch)?)
            }
            None => None,
        };
        let remembered = self.remembered_head(id)?;
        let body = RestoreSnapshot { target, snapshot, share, remembered, older, replace };
        let path = collection_path(id, "/snapshots/restore");
        let call = Call::json(Purpose::Admin, "POST", path, &body)?;
        self.ask_ledger(&call, &Effect::Placement(id, None)).await
    }

    /// Checks the history of a restored collection against the one remembered here. With `older`, the owner's word, a
    /// history that does not continue it takes its place.
    ///
    /// # Errors
    /// [`ClientError::History`] where the worker serves another history than was asked for.
    pub async fn restored(
        &self,
        id: CollectionId,
        checked: &Checked,
        older: bool,
    ) -> Result<Head, ClientError> {
        let goes_back = matches!(checked.standing, Standing::Older | Standing::Other);
        if goes_back && older {
            self.channel().remembered().forget(id)?;
        }
        let head = self.check_history(id).await?;
        if checked.writer_epoch.is_some_and(|epoch| head.writer_epoch < epoch) {
            return Err(ClientError::Reply("it is not at the writer epoch that it restored under"));
        }
        self.snapshot_made(checked)?;
        Ok(head)
    }

    /// Removes all but the newest `keep` snapshots of a target, and what only they needed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn prune_snapshots(
        &self,
        id: CollectionId,
        target: Option<String>,
        keep: u32,
    ) -> Result<Pruned, ClientError> {
        let path = collection_path(id, "/snapshots/prune");
        let body = PruneSnapshots { target, keep };
        let pruned: Pruned = self.ask(&Call::json(Purpose::Admin, "POST", path, &body)?).await?;
        self.channel().remembered().forget_snapshots(id, &pruned.removed)?;
        Ok(pruned)
    }

    fn remembered_head(&self, id: CollectionId) -> Result<Option<serde_json::Value>, ClientError> {
        let signed = self.channel().remembered().head(id)?;
        let head = signed.map(|signed| serde_json::to_value(signed.head)).transpose();
        head.map_err(|_| ClientError::Crypto("encoding a head"))
    }
}
