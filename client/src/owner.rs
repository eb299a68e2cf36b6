//! What owners do: collections, key release, documents, grants.
//!
//! Layer: client, above `sdk`.
//! Holds: one typed method for each route that changes something.
//! Never: a share that is released to a key outside verified evidence.
//! Invariant: a share is kept on this machine before any worker gets it.

use crate::attest::Session;
use crate::authorize::Effect;
use crate::border;
use crate::error::ClientError;
use crate::identity::Purpose;
use crate::sdk::{Call, Client, collection_path, percent};
use crate::unborn::is_unborn;
use prag_protocol::ledger::AccessMsg;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{
    Collection, CollectionState, CreateCollection, OpenCorpus, OpenedCorpus, Precision,
    ReleaseKeys, Residency, RotateKeys, Rotated, Search, VectorSource,
};
use prag_protocol::wire::grants::{Grant, LedgerReply, PutGrant, RevokeGrant, ScopeSalt};
use prag_protocol::wire::operations::Operation;
use prag_protocol::{Address, CollectionId, Epoch};
use prag_trust::entropy::random;
use prag_trust::key::Share;
use prag_trust::release::{Terms, seal_share};
use prag_trust::scope::ScopeTerms;

/// A collection that is to be made. What is not set is as the worker has it by default.
#[derive(Clone, Debug, Default)]
pub struct NewCollection {
    /// 1 to 128 bytes; unique among the owner's collections.
    pub name: String,
    /// Where vectors come from.
    pub vectors: VectorSource,
    /// Let the ledger keep the owner's share too; a ledger that keeps no shares refuses.
    pub managed: bool,
    /// Language of the terms for BM25; English if absent.
    pub language: Option<String>,
    /// How it is searched.
    pub search: Search,
    /// Where its texts lie while it is open.
    pub residency: Residency,
    /// What is kept of each component of its vectors.
    pub precision: Precision,
}

impl Client {
    /// Makes a collection with a fresh share, which is kept on this machine first.
    ///
    /// # Errors
    /// [`ClientError`]. Where the worker refused, the share goes again; where it may have made the collection all the
    /// same, the share stays.
    pub async fn create_collection(
        &self,
        name: &str,
        vectors: VectorSource,
    ) -> Result<Collection, ClientError> {
        self.create(NewCollection { name: name.to_owned(), vectors, ..NewCollection::default() })
            .await
    }

    /// As [`Client::create_collection`], and the ledger keeps the owner's share too: workers get it back from there.
    ///
    /// # Errors
    /// [`ClientError`]; a ledger that keeps no shares refuses.
    pub async fn create_managed_collection(
        &self,
        name: &str,
        vectors: VectorSource,
    ) -> Result<Collection, ClientError> {
        let name = name.to_owned();
        self.create(NewCollection { name, vectors, managed: true, ..NewCollection::default() })
            .await
    }

    /// Makes a collection with everything that its owner can choose.
    ///
    /// # Errors
    /// As [`Client::create_collection`].
    pub async fn create(&self, new: NewCollection) -> Result<Collection, ClientError> {
        let (id, share) = {
            let mut entropy = self.channel().entropy();
            let id = CollectionId(random(entropy.as_mut())?);
            let share = Share::random(entropy.as_mut())?;
            self.shares().keep(id, FIRST_EPOCH, &share, entropy.as_mut())?;
            (id, share)
        };
        let session = self.channel().session().await?;
        let body = CreateCollection {
            id,
            name: new.name,
            vectors: new.vectors,
            share: self.seal(&session, &share, id, FIRST_EPOCH)?,
            managed: new.managed,
            language: new.language,
            search: new.search,
            residency: new.residency,
            precision: new.precision,
        };
        let path = "/v1/collections".to_owned();
        let call = Call::json(Purpose::Admin, "POST", path, &body)?;
        let made = self.ask_ledger(&call, &Effect::Birth(id)).await;
        if let Err(ClientError::Problem(problem)) = &made
            && is_unborn(problem)
        {
            self.shares().forget(id)?;
        }
        made
    }

    /// Destroys a collection and its keys, here and there; what this machine remembers of it goes too.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn destroy_collection(&self, id: CollectionId) -> Result<LedgerReply, ClientError> {
        let call = Call::bare(Purpose::Admin, "DELETE", collection_path(id, ""));
        let end = AccessMsg::DestroyCollection { collection: id };
        let reply = self.ledger_ask(&call, end).await?;
        self.shares().forget(id)?;
        self.channel().remembered().forget(id)?;
        Ok(reply)
    }

    /// Releases the share of `epoch` to the worker again, after it has restarted or its lease has ended; where it has
    /// the key, that renews its lease.
    ///
    /// # Errors
    /// [`ClientError::NoShare`] where this machine does not hold it.
    pub async fn release(&self, id: CollectionId, epoch: Epoch) -> Result<Collection, ClientError> {
        let share = self.shares().fetch(id, epoch)?;
        let session = self.channel().session().await?;
        let share = self.seal(&session, &share, id, epoch)?;
        let path = collection_path(id, "/keys");
        let call = Call::json(Purpose::Admin, "PUT", path, &ReleaseKeys { share })?;
        let effect = Effect::Placement(id, Some(epoch));
        let released: Collection = self.ask_ledger(&call, &effect).await?;
        if released.state == CollectionState::Ready && released.epoch == epoch {
            self.shares().retire(id, epoch)?;
        }
        Ok(released)
    }

    /// Begins the next key epoch with a fresh share, or ends a rotation that was cut short. The new share is kept on
    /// this machine beside the old one before anything is sent; the old one goes once the worker, asked anew, is at the
    /// new epoch.
    ///
    /// # Errors
    /// [`ClientError`]; both shares stay then, and the same call goes on from where the last one ended.
    pub async fn rotate(&self, id: CollectionId) -> Result<Rotated, ClientError> {
        let collection = self.collection(id).await?;
        if collection.owner != *self.identity().address() {
            let detail = "only its owner rotates a collection's keys";
            return Err(Problem::new(Code::Forbidden, detail).into());
        }
        let before = collection.epoch;
        let kept = self.shares().epochs(id)?;
        // A share of the current epoch beside older ones: the ledger turned, and the end of it was not heard here.
        let unheard = kept.contains(&before) && kept.iter().any(|epoch| *epoch < before);
        let epoch = if unheard { before } else { before.saturating_add(1) };
        if !self.shares().has(id, epoch) {
            let mut entropy = self.channel().entropy();
            let share = Share::random(entropy.as_mut())?;
            self.shares().keep(id, epoch, &share, entropy.as_mut())?;
        }
        let rotated = self.rotate_to(id, epoch, &self.shares().fetch(id, epoch)?).await?;
        let now = self.collection(id).await?.epoch;
        if rotated.epoch != epoch || now != epoch {
            return Err(ClientError::Reply("the worker is not at the epoch that it rotated to"));
        }
        self.shares().retire(id, epoch)?;
        Ok(rotated)
    }

    /// Asks the worker to go to `epoch` with this share, which the caller has kept; [`Client::rotate`] does both.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn rotate_to(
        &self,
        id: CollectionId,
        epoch: Epoch,
        share: &Share,
    ) -> Result<Rotated, ClientError> {
        let session = self.channel().session().await?;
        let body = RotateKeys { epoch, share: self.seal(&session, share, id, epoch)? };
        let call = Call::json(Purpose::Admin, "POST", collection_path(id, "/rotate"), &body)?;
        let rotated: Rotated = self.ask_ledger(&call, &Effect::Rotation(id, epoch)).await?;
        let ledger = &session.attestation().ledger_id;
        self.channel().remembered().advance_ledger(ledger, rotated.height, None)?;
        Ok(rotated)
    }

    /// Starts sealing anew what lies under keys of earlier epochs.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn reencrypt(&self, id: CollectionId) -> Result<Operation, ClientError> {
        let path = collection_path(id, "/reencrypt");
        self.ask(&Call::bare(Purpose::Data, "POST", path)).await
    }

    /// Places a collection on this worker, which then gets the keys from the vaults that it is configured with. The
    /// owner's share is not needed; the answer says what was tried.
    ///
    /// # Errors
    /// `key-missing` where no vault gave the keys of a collection that the worker does not know yet. Worth a retry: the
    /// placement stands.
    pub async fn place(&self, id: CollectionId) -> Result<Collection, ClientError> {
        let path = collection_path(id, "/placement");
        let call = Call::bare(Purpose::Admin, "PUT", path);
        self.ask_ledger(&call, &Effect::Placement(id, None)).await
    }

    /// Lets the worker open the records of a sealed corpus.
    ///
    /// # Errors
    /// [`ClientError::NoShare`] where this machine did not seal it.
    pub async fn open_corpus(
        &self,
        id: CollectionId,
        corpus: CollectionId,
        manifest: &[u8],
    ) -> Result<OpenedCorpus, ClientError> {
        use base64::Engine;
        let share = self.shares().fetch(corpus, crate::corpus::CORPUS_EPOCH)?;
        let session = self.channel().session().await?;
        let body = OpenCorpus {
            corpus,
            manifest: base64::engine::general_purpose::STANDARD.encode(manifest),
            share: self.seal(&session, &share, corpus, crate::corpus::CORPUS_EPOCH)?,
        };
        let path = collection_path(id, "/corpora");
        self.ask(&Call::json(Purpose::Data, "POST", path, &body)?).await
    }

    /// Starts making segments of the tail.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn compact(&self, id: CollectionId) -> Result<Operation, ClientError> {
        let path = collection_path(id, "/compact");
        self.ask(&Call::bare(Purpose::Data, "POST", path)).await
    }

    /// Where long work stands.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn operation(&self, operation: &str) -> Result<Operation, ClientError> {
        let path = format!("/v1/operations/{}", percent(operation));
        self.ask(&Call::bare(Purpose::Data, "GET", path)).await
    }

    /// Grants, or replaces a grant. A scope goes to the worker with a salt, which is drawn here unless the caller brings
    /// one; what a ledger that others read gets of it is signed only if it commits to this very scope.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn put_grant(
        &self,
        id: CollectionId,
        grant: &PutGrant,
    ) -> Result<LedgerReply, ClientError> {
        let path = collection_path(id, "/grants");
        let mut grant = PutGrant { grantee: self.named(&grant.grantee).await?, ..grant.clone() };
        let json = grant.scope.as_ref().map(serde_json::to_string).transpose();
        let json = json.map_err(|_| ClientError::Crypto("encoding a scope"))?;
        if json.is_some() && grant.scope_salt.is_none() {
            grant.scope_salt = Some(ScopeSalt(random(self.channel().entropy().as_mut())?));
        }
        let message = AccessMsg::Grant {
            collection: id,
            grantee: grant.grantee.clone(),
            read: grant.read,
            write: grant.write,
            max_k: grant.max_k,
            quota: grant.quota,
            expires: grant.expires,
            scope: None,
            delegate: grant.delegate,
        };
        let effect = match (&json, &grant.scope_salt) {
            (Some(json), Some(ScopeSalt(salt))) => {
                let terms = ScopeTerms { collection: id, grantee: &grant.grantee, salt, json };
                Effect::Grant(message, terms.commitment())
            }
            _ => Effect::Exactly(message),
        };
        let call = Call::json(Purpose::Admin, "POST", path, &grant)?;
        let reply = self.ask_ledger(&call, &effect).await?;
        self.ledger_reply(reply).await
    }

    /// The grants of a collection.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn grants(&self, id: CollectionId) -> Result<Vec<Grant>, ClientError> {
        self.all(Purpose::Admin, &collection_path(id, "/grants")).await
    }

    /// Revokes a grant.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn revoke_grant(
        &self,
        id: CollectionId,
        grantee: Address,
    ) -> Result<LedgerReply, ClientError> {
        let path = collection_path(id, "/grants");
        let grantee = self.named(&grantee).await?;
        let message = AccessMsg::Revoke { collection: id, grantee: grantee.clone() };
        let call = Call::json(Purpose::Admin, "DELETE", path, &RevokeGrant { grantee })?;
        self.ledger_ask(&call, message).await
    }

    /// An account as requests name it: a person may have copied it from the chain.
    async fn named(&self, account: &Address) -> Result<Address, ClientError> {
        let session = self.channel().session().await?;
        Ok(border::unspelled(&session.expected(), account))
    }

    /// Revokes a permit of one's own by its name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn revoke_permit(&self, permit_name: &str) -> Result<LedgerReply, ClientError> {
        let body = serde_json::json!({ "permit_name": permit_name });
        let path = "/v1/permits/revoke".to_owned();
        let message = AccessMsg::RevokePermit { permit_name: permit_name.to_owned() };
        self.ledger_ask(&Call::json(Purpose::Admin, "POST", path, &body)?, message).await
    }

    /// Shows the worker a ledger head that somebody remembered, so that it serves after a restart.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn confirm_ledger(
        &self,
        height: u64,
        root: &str,
    ) -> Result<LedgerReply, ClientError> {
        let body = serde_json::json!({ "height": height, "root": root });
        let path = "/v1/ledger/confirm".to_owned();
        let reply = self.ask(&Call::json(Purpose::Admin, "POST", path, &body)?).await?;
        self.ledger_reply(reply).await
    }

    /// A ledger transition: its height must not be lower than one seen before.
    pub(crate) async fn ledger_ask(
        &self,
        call: &Call<'_>,
        message: AccessMsg,
    ) -> Result<LedgerReply, ClientError> {
        let reply = self.ask_ledger(call, &Effect::Exactly(message)).await?;
        self.ledger_reply(reply).await
    }

    pub(crate) async fn ledger_reply(
        &self,
        reply: LedgerReply,
    ) -> Result<LedgerReply, ClientError> {
        let session = self.channel().session().await?;
        let ledger = &session.attestation().ledger_id;
        self.channel().remembered().advance_ledger(ledger, reply.height, None)?;
        Ok(reply)
    }

    pub(crate) fn seal(
        &self,
        session: &Session,
        share: &Share,
        id: CollectionId,
        epoch: Epoch,
    ) -> Result<serde_json::Value, ClientError> {
        let mut entropy = self.channel().entropy();
        let terms = Terms { collection: id, epoch, nonce: random(entropy.as_mut())? };
        let owner = self.identity().session();
        let (worker, keys) = (session.worker(), session.keys());
        let sealed = seal_share(share, worker, keys, &terms, owner, entropy.as_mut())
            .map_err(|_| ClientError::Crypto("sealing a share"))?;
        serde_json::to_value(sealed).map_err(|_| ClientError::Crypto("encoding a share"))
    }
}

const FIRST_EPOCH: Epoch = 1;
