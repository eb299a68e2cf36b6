//! What readers do: list, look up, query, context, embeddings, heads.
//!
//! Layer: client, above `sdk`.
//! Holds: one typed method for each route that only reads.
//! Never: an answer from a history that does not follow the one remembered here.
//! Invariant: [`Client::check_history`] remembers nothing that it could not connect to what it remembered.

use crate::attest::Session;
use crate::error::ClientError;
use crate::identity::Purpose;
use crate::sdk::{Call, Client, collection_path, page_query, percent};
use prag_protocol::CollectionId;
use prag_protocol::DocumentId;
use prag_protocol::problem::Code;
use prag_protocol::wire::Page;
use prag_protocol::wire::collections::Collection;
use prag_protocol::wire::documents::{DocumentInfo, Lookup};
use prag_protocol::wire::metering::{Metering, document_most, page_most};
use prag_protocol::wire::models::{Embeddings, EmbeddingsRequest, Models};
use prag_protocol::wire::search::{
    ContextReply, ContextRequest, QueriesReply, QueriesRequest, QueryReply, QueryRequest,
};
use prag_trust::head::{Head, HeadError, SignedHead};
use serde::Deserialize;
use std::sync::Arc;

/// Reply of `GET /v1/collections/{c}/head`.
#[derive(Deserialize)]
struct HeadReply {
    head: SignedHead,
    #[serde(default)]
    proof: Vec<String>,
    ledger_height: u64,
    ledger_root: String,
}

impl Client {
    /// The collections that this identity owns or was granted.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn collections(&self) -> Result<Vec<Collection>, ClientError> {
        self.all(Purpose::Data, "/v1/collections").await
    }

    /// The collections that this identity owns, as a worker lists them for their owner: also those that it serves no
    /// more, where the ledger tells it of nothing else.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn own_collections(&self) -> Result<Vec<Collection>, ClientError> {
        self.all(Purpose::Admin, "/v1/collections").await
    }

    /// As [`Client::own_collections`], one of them.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn own_collection(&self, id: CollectionId) -> Result<Collection, ClientError> {
        self.ask(&Call::bare(Purpose::Admin, "GET", collection_path(id, ""))).await
    }

    /// One collection.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn collection(&self, id: CollectionId) -> Result<Collection, ClientError> {
        self.ask(&Call::bare(Purpose::Data, "GET", collection_path(id, ""))).await
    }

    /// The collection that `name` names: its id, or the name that its owner gave it.
    ///
    /// # Errors
    /// [`ClientError::NoCollection`] if there is none of that name.
    pub async fn resolve(&self, name: &str) -> Result<CollectionId, ClientError> {
        if let Ok(id) = name.parse() {
            return Ok(id);
        }
        id_of(&self.collections().await?, name)
    }

    /// As [`Client::resolve`], of the collections that this identity owns.
    ///
    /// # Errors
    /// As [`Client::resolve`].
    pub async fn resolve_own(&self, name: &str) -> Result<CollectionId, ClientError> {
        match name.parse() {
            Ok(id) => Ok(id),
            Err(_) => id_of(&self.own_collections().await?, name),
        }
    }

    /// Every document of a collection, without contents.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn documents(&self, id: CollectionId) -> Result<Vec<DocumentInfo>, ClientError> {
        self.every_page(async |cursor| self.documents_page(id, cursor.as_deref(), None).await).await
    }

    /// One page of a collection's documents.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn documents_page(
        &self,
        id: CollectionId,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<DocumentInfo>, ClientError> {
        let call = |metering| {
            let path = collection_path(id, "/documents");
            let mut call = Call::bare(Purpose::Data, "GET", path).reading(id);
            call.query = page_query(cursor, limit, request_field(metering));
            Ok(call)
        };
        self.ask_metered(id, page_most(limit), call).await.map(|(page, _)| page)
    }

    /// One document with its content, by handle.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn document(
        &self,
        id: CollectionId,
        handle: &str,
    ) -> Result<DocumentInfo, ClientError> {
        let path = collection_path(id, &format!("/documents/{}", percent(handle)));
        let call = |metering: Option<Metering>| {
            let mut call = Call::bare(Purpose::Data, "GET", path.clone());
            call.query = request_field(metering).unwrap_or_default();
            Ok(call.reading(id))
        };
        self.ask_metered(id, document_most(), call).await.map(|(document, _)| document)
    }

    /// One document with its content, by id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lookup(
        &self,
        id: CollectionId,
        document: DocumentId,
    ) -> Result<DocumentInfo, ClientError> {
        let path = collection_path(id, "/documents/lookup");
        let call = |metering| {
            let lookup = Lookup { id: document.clone(), metering };
            Ok(Call::json(Purpose::Data, "POST", path.clone(), &lookup)?.reading(id))
        };
        self.ask_metered(id, document_most(), call).await.map(|(document, _)| document)
    }

    /// Searches.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn query(
        &self,
        id: CollectionId,
        request: &QueryRequest,
    ) -> Result<QueryReply, ClientError> {
        self.query_in_session(id, request).await.map(|(reply, _)| reply)
    }

    /// Searches for several things under one signature; reply i answers query i. Cheaper than one after another, and the
    /// texts are embedded together.
    ///
    /// # Errors
    /// [`ClientError`]; one query that is not acceptable refuses all.
    pub async fn queries(
        &self,
        id: CollectionId,
        queries: &[QueryRequest],
    ) -> Result<Vec<QueryReply>, ClientError> {
        self.queries_in_session(id, queries).await.map(|(replies, _)| replies)
    }

    /// Passages within a token budget, cited.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn context(
        &self,
        id: CollectionId,
        request: &ContextRequest,
    ) -> Result<ContextReply, ClientError> {
        self.context_in_session(id, request).await.map(|(reply, _)| reply)
    }

    pub(crate) async fn query_in_session(
        &self,
        id: CollectionId,
        request: &QueryRequest,
    ) -> Result<(QueryReply, Arc<Session>), ClientError> {
        let call = |metering| {
            let body = QueryRequest { metering, ..request.clone() };
            let path = collection_path(id, "/query");
            Ok(Call::json(Purpose::Data, "POST", path, &body)?.searching(id))
        };
        self.ask_metered(id, request.most(), call).await
    }

    pub(crate) async fn queries_in_session(
        &self,
        id: CollectionId,
        queries: &[QueryRequest],
    ) -> Result<(Vec<QueryReply>, Arc<Session>), ClientError> {
        let request = QueriesRequest { queries: queries.to_vec(), metering: None };
        let call = |metering| {
            let body = QueriesRequest { metering, ..request.clone() };
            let path = collection_path(id, "/queries");
            Ok(Call::json(Purpose::Data, "POST", path, &body)?.searching(id))
        };
        let asked = self.ask_metered::<QueriesReply>(id, request.most(), call).await;
        let (QueriesReply { replies }, session) = asked?;
        if replies.len() != queries.len() {
            return Err(ClientError::Reply("it does not answer every query"));
        }
        Ok((replies, session))
    }

    pub(crate) async fn context_in_session(
        &self,
        id: CollectionId,
        request: &ContextRequest,
    ) -> Result<(ContextReply, Arc<Session>), ClientError> {
        let call = |metering| {
            let body = ContextRequest { metering, ..request.clone() };
            let path = collection_path(id, "/context");
            Ok(Call::json(Purpose::Data, "POST", path, &body)?.searching(id))
        };
        self.ask_metered(id, request.most(), call).await
    }

    /// Embeds texts.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn embeddings(&self, request: &EmbeddingsRequest) -> Result<Embeddings, ClientError> {
        let path = "/v1/embeddings".to_owned();
        self.ask(&Call::json(Purpose::Data, "POST", path, request)?).await
    }

    /// The worker's models.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn models(&self) -> Result<Models, ClientError> {
        self.ask(&Call::bare(Purpose::Data, "GET", "/v1/models".to_owned())).await
    }

    /// Asks for the collection's head, and for the proof that it follows the one remembered here.
    ///
    /// Returns the head that is now remembered.
    ///
    /// # Errors
    /// [`ClientError::History`] for an older or another history: stop using this worker.
    pub async fn check_history(&self, id: CollectionId) -> Result<Head, ClientError> {
        let remembered = self.channel().remembered();
        let old = remembered.head(id)?;
        let mut call = Call::bare(Purpose::Data, "GET", collection_path(id, "/head"));
        if let Some(old) = &old {
            call.query = format!("from={}", old.head.size);
        }
        let reply: HeadReply = match self.ask(&call).await {
            // The worker itself says that it has less than was remembered.
            Err(error) if old.is_some() && error.code() == Some(Code::Behind) => {
                let reason = HeadError::Rollback;
                return Err(ClientError::History { collection: id, reason });
            }
            reply => reply?,
        };
        let session = self.channel().session().await?;
        let proof: Option<Vec<[u8; 32]>> = reply.proof.iter().map(|node| unhex(node)).collect();
        let proof = proof.ok_or(ClientError::Reply("its proof is not hex"))?;
        remembered.advance(id, &reply.head, &session.worker().sig_pk, &proof)?;
        let ledger = &session.attestation().ledger_id;
        remembered.advance_ledger(ledger, reply.ledger_height, Some(&reply.ledger_root))?;
        Ok(reply.head.head)
    }

    /// [`Client::check_history`], where this identity may see the head. A grantee may not; but once a
    /// head is remembered, a refusal to show the next one is a failure.
    ///
    /// # Errors
    /// As [`Client::check_history`].
    pub async fn remember_history(&self, id: CollectionId) -> Result<(), ClientError> {
        let known = self.channel().remembered().head(id)?.is_some();
        match self.check_history(id).await {
            Ok(_) => Ok(()),
            Err(error) => match error.code() {
                Some(Code::Forbidden | Code::PermissionMissing) if !known => Ok(()),
                _ => Err(error),
            },
        }
    }
}

/// The request's id, as a field of a query.
fn request_field(metering: Option<Metering>) -> Option<String> {
    metering?.request_id.map(|id| format!("request_id={id}"))
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0u8; 32];
    hex::decode_to_slice(text, &mut out).ok().map(|()| out)
}
fn id_of(collections: &[Collection], name: &str) -> Result<CollectionId, ClientError> {
    let found = collections.iter().find(|collection| collection.name == name);
    found.map(|found| found.id).ok_or_else(|| ClientError::NoCollection(name.to_owned()))
}
