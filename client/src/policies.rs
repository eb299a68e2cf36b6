//! A collection's policy: which images may serve it, and which may read it.
//!
//! Layer: client, above `sdk`.
//! Holds: one typed method for each of its routes.
//! Never: the policy that this machine asks of workers (`trusted`).
//! Invariant: a policy is set whole, with an administrator's permit.

use crate::error::ClientError;
use crate::identity::Purpose;
use crate::sdk::{Call, Client, collection_path};
use prag_protocol::CollectionId;
use prag_protocol::ledger::AccessMsg;
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::wire::policy::{CollectionPolicy, SetPolicy};

impl Client {
    /// Replaces a collection's policy.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_policy(
        &self,
        id: CollectionId,
        policy: &SetPolicy,
    ) -> Result<LedgerReply, ClientError> {
        let path = collection_path(id, "/policy");
        let (measurements, readers) = (policy.workers.clone(), policy.readers.clone());
        let message = AccessMsg::SetPolicy { collection: id, measurements, readers };
        self.ledger_ask(&Call::json(Purpose::Admin, "PUT", path, policy)?, message).await
    }

    /// A collection's policy; epoch 0 where none was ever set.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn policy(&self, id: CollectionId) -> Result<CollectionPolicy, ClientError> {
        self.ask(&Call::bare(Purpose::Admin, "GET", collection_path(id, "/policy"))).await
    }
}
