//! What a steward does: keeps the sealing root of a worker whose TEE has no key of its own, and opens the worker with it.
//!
//! Layer: client, above `sdk`.
//! Holds: one call, made to a sealed worker.
//! Never: a root that a worker or its host has chosen; a root for a worker whose evidence did not verify.
//! Invariant: a root is kept on this machine before any worker gets it.

use crate::error::ClientError;
use crate::identity::Purpose;
use crate::sdk::{Call, Client};
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_protocol::wire::attestation::Unlocked;
use prag_protocol::wire::collections::ReleaseKeys;
use prag_trust::key::Share;
use prag_trust::release::{ROOT_EPOCH, SEALED_CHAIN};

/// An opened worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The name of its data directory, under which its root is kept here.
    pub directory: CollectionId,
    /// True where the root was made now: a worker that is older than that refuses it.
    pub first: bool,
    /// The ledger that it obeys, hex.
    pub ledger_id: String,
}

impl Client {
    /// Releases its sealing root to a sealed worker, over a channel that was connected to be unlocked
    /// ([`crate::channel::Channel::connect_for`]).
    ///
    /// # Errors
    /// [`ClientError::NotSteward`] where the worker has another steward, `ciphertext-invalid` where its state was sealed
    /// under another root. A root that was made for a worker that then refused it is forgotten again; after any other
    /// failure it stays, since the worker may have taken it.
    pub async fn unlock(&self) -> Result<Opened, ClientError> {
        let session = self.channel().session().await?;
        let shown = session.attestation();
        if shown.chain_id != SEALED_CHAIN {
            return Err(ClientError::Attestation("it names a ledger, though it is sealed"));
        }
        let directory: CollectionId = shown
            .contract
            .parse()
            .map_err(|_| ClientError::Attestation("its data directory has no name"))?;
        let (root, first) = match self.shares().root(directory)? {
            Some(root) => (root, false),
            None => {
                let mut entropy = self.channel().entropy();
                let root = Share::random(entropy.as_mut())?;
                self.shares().keep_root(directory, &root, entropy.as_mut())?;
                (root, true)
            }
        };
        let share = self.seal(&session, &root, CollectionId::WORKER_ROOT, ROOT_EPOCH)?;
        let call =
            Call::json(Purpose::Admin, "PUT", "/v1/root".to_owned(), &ReleaseKeys { share })?;
        let done: Result<Unlocked, ClientError> = self.ask(&call).await;
        if first && done.as_ref().is_err_and(not_taken) {
            self.shares().forget_root(directory)?;
        }
        match done {
            Ok(unlocked) => Ok(Opened { directory, first, ledger_id: unlocked.ledger_id }),
            Err(error) if error.code() == Some(Code::Forbidden) => Err(ClientError::NotSteward),
            Err(error) => Err(error),
        }
    }
}

/// Whether the worker said that it did not take the root.
fn not_taken(error: &ClientError) -> bool {
    let refusals =
        [Code::CiphertextInvalid, Code::Forbidden, Code::PermissionMissing, Code::Conflict];
    error.code().is_some_and(|code| refusals.contains(&code))
}
