//! Requests that come back with a receipt.
//!
//! Layer: client, above `sdk`.
//! Holds: one method for each route that signs receipts; each checks its receipt before it returns.
//! Never: a receipt of another request, of another collection, or of another time.
//! Invariant: what is kept was checked from the very bytes that a file will hold.

use super::file::Shown;
use super::{Checked, OpenedChunk, OpenedRetrieval, Opening, Record, Refusal};
use crate::attest::Session;
use crate::error::ClientError;
use crate::identity::Purpose;
use crate::sdk::{Call, Client, collection_path};
use crate::writes::reached;
use prag_protocol::CollectionId;
use prag_protocol::limits::CLOCK_SKEW_SECONDS_MAX;
use prag_protocol::wire::documents::{
    Ack, BulkLine, BulkStatus, DeleteDocuments, DeleteReply, Outcome, PutDocument, PutReply,
};
use prag_protocol::wire::receipt::{OpenedDocument, Openings, Receipt as Handed};
use prag_protocol::wire::search::{
    Citation, ContextReply, ContextRequest, Hit, QueryReply, QueryRequest,
};
use prag_trust::receipt::Deed;
use std::sync::Arc;

/// A receipt that was checked, and what its worker proved: what a file holds of it.
pub struct Kept {
    pub(super) shown: Shown,
    pub(super) record: Record,
    /// What it says.
    pub checked: Checked,
}

/// A request whose receipt is awaited.
struct Awaited<'a> {
    client: &'a Client,
    collection: CollectionId,
    since: u64,
}

impl Client {
    /// Searches; the receipt covers every hit.
    ///
    /// # Errors
    /// [`ClientError::Receipt`] where the receipt does not hold, or is not of this answer.
    pub async fn query_with_receipt(
        &self,
        id: CollectionId,
        request: &QueryRequest,
    ) -> Result<(QueryReply, Kept), ClientError> {
        let awaited = self.awaited(id);
        let request = QueryRequest { receipt: true, ..request.clone() };
        let (reply, session) = self.query_in_session(id, &request).await?;
        awaited.query(&session, request, reply)
    }

    /// Searches for several things at once; a receipt for each answer.
    ///
    /// # Errors
    /// As [`Client::query_with_receipt`].
    pub async fn queries_with_receipts(
        &self,
        id: CollectionId,
        queries: &[QueryRequest],
    ) -> Result<Vec<(QueryReply, Kept)>, ClientError> {
        let awaited = self.awaited(id);
        let signed = |query: &QueryRequest| QueryRequest { receipt: true, ..query.clone() };
        let queries: Vec<QueryRequest> = queries.iter().map(signed).collect();
        let (replies, session) = self.queries_in_session(id, &queries).await?;
        let answers = queries.into_iter().zip(replies);
        answers.map(|(query, reply)| awaited.query(&session, query, reply)).collect()
    }

    /// Passages within a token budget; the receipt covers every one.
    ///
    /// # Errors
    /// As [`Client::query_with_receipt`].
    pub async fn context_with_receipt(
        &self,
        id: CollectionId,
        request: &ContextRequest,
    ) -> Result<(ContextReply, Kept), ClientError> {
        let awaited = self.awaited(id);
        let request = ContextRequest { receipt: true, ..request.clone() };
        let (mut reply, session) = self.context_in_session(id, &request).await?;
        let handed = reply.receipt.take().ok_or(MISSING)?;
        let Openings::Context { salt, passages } = handed.openings.clone() else {
            return Err(OTHER);
        };
        if !passages.iter().all(|passage| reply.context.contains(passage.text.trim())) {
            return Err(ClientError::Receipt(Refusal::Request("other passages")));
        }
        let chunks = paired(&reply.citations, passages, |cited, passage| {
            of_citation(cited, passage.salt, passage.chunk, passage.text)
        })?;
        let ContextRequest { prompt, filter, .. } = request;
        let opened = OpenedRetrieval { salt, text: Some(prompt), vector: None, filter, chunks };
        let scores = reply.citations.iter().map(|cited| cited.score);
        let kept = awaited.retrieval(&session, handed, opened, scores)?;
        Ok((reply, kept))
    }

    /// Puts one document.
    ///
    /// # Errors
    /// As [`Client::query_with_receipt`]; the document is durable all the same.
    pub async fn put_document_with_receipt(
        &self,
        id: CollectionId,
        document: &PutDocument,
        ack: Ack,
    ) -> Result<(PutReply, Kept), ClientError> {
        let awaited = self.awaited(id);
        let path = collection_path(id, "/documents");
        let call = Call::json(Purpose::Data, "PUT", path, document)?.when(ack).with_receipt();
        let (mut reply, session) = self.ask_in_session::<PutReply>(&call).await?;
        reached(reply.ack, ack)?;
        let handed = reply.receipt.take().ok_or(MISSING)?;
        let kept = awaited.write(&session, handed, &[(Some(document), reply.outcome)])?;
        Ok((reply, kept))
    }

    /// Puts many documents or sealed records; status i answers line i, and the receipt covers all that were taken.
    ///
    /// # Errors
    /// As [`Client::put_document_with_receipt`].
    pub async fn bulk_with_receipt(
        &self,
        id: CollectionId,
        lines: &[BulkLine],
        ack: Ack,
    ) -> Result<(Vec<BulkStatus>, Kept), ClientError> {
        let awaited = self.awaited(id);
        let call = Self::bulk_call(id, lines)?.when(ack).with_receipt();
        let (answer, asked) = self.send_asked(&call).await?;
        let (statuses, receipt) = Self::statuses(&answer.body, lines.len(), ack)?;
        let handed = receipt.ok_or(MISSING)?;
        let taken = lines.iter().zip(&statuses).filter_map(|(line, status)| {
            let BulkStatus::Ok(reply) = status else { return None };
            match line {
                BulkLine::Document(document) => Some((Some(document), reply.outcome)),
                BulkLine::Sealed(_) => Some((None, reply.outcome)),
            }
        });
        let kept = awaited.write(&asked.session, handed, &taken.collect::<Vec<_>>())?;
        Ok((statuses, kept))
    }

    /// Deletes documents by ids or by filter.
    ///
    /// # Errors
    /// As [`Client::query_with_receipt`]; the documents are gone all the same.
    pub async fn delete_documents_with_receipt(
        &self,
        id: CollectionId,
        which: &DeleteDocuments,
        ack: Ack,
    ) -> Result<(DeleteReply, Kept), ClientError> {
        let awaited = self.awaited(id);
        let request = DeleteDocuments { receipt: true, ..which.clone() };
        let path = collection_path(id, "/documents");
        let call = Call::json(Purpose::Data, "DELETE", path, &request)?.when(ack);
        let (mut reply, session) = self.ask_in_session::<DeleteReply>(&call).await?;
        reached(reply.ack, ack)?;
        let handed = reply.receipt.take().ok_or(MISSING)?;
        let Openings::Deletion(opened) = handed.openings.clone() else { return Err(OTHER) };
        let asked = |one: &prag_protocol::DocumentId| {
            request.ids.as_ref().is_none_or(|ids| ids.contains(one))
        };
        if opened.len() as u64 != reply.deleted || !opened.iter().all(|one| asked(&one.id)) {
            return Err(ClientError::Receipt(Refusal::Request("other documents")));
        }
        let kept = awaited.keep(&session, handed, Opening::Deletion(opened))?;
        Ok((reply, kept))
    }

    fn awaited(&self, collection: CollectionId) -> Awaited<'_> {
        Awaited { client: self, collection, since: self.channel().now() }
    }
}

impl Awaited<'_> {
    fn query(
        &self,
        session: &Arc<Session>,
        request: QueryRequest,
        mut reply: QueryReply,
    ) -> Result<(QueryReply, Kept), ClientError> {
        let handed = reply.receipt.take().ok_or(MISSING)?;
        let Openings::Query { salt, chunks } = handed.openings.clone() else {
            return Err(OTHER);
        };
        let chunks = paired(&reply.hits, chunks, of_hit)?;
        let QueryRequest { text, vector, filter, .. } = request;
        let opened = OpenedRetrieval { salt, text, vector, filter, chunks };
        let scores = reply.hits.iter().map(|hit| hit.score);
        let kept = self.retrieval(session, handed, opened, scores)?;
        Ok((reply, kept))
    }

    fn retrieval(
        &self,
        session: &Arc<Session>,
        handed: Handed,
        opened: OpenedRetrieval,
        scores: impl Iterator<Item = f32>,
    ) -> Result<Kept, ClientError> {
        let kept = self.keep(session, handed, Opening::Retrieval(Box::new(opened)))?;
        #[allow(clippy::cast_possible_truncation)] // rounded, and what is out of range saturates
        let scores = scores.map(|score| (score * 1000.0).round() as i32);
        let same = match &kept.checked.receipt.deed {
            Deed::Retrieval(signed) => signed.passages.iter().map(|one| one.score).eq(scores),
            Deed::Write(_) | Deed::Deletion(_) => false,
        };
        if same { Ok(kept) } else { Err(ClientError::Receipt(Refusal::Request("other scores"))) }
    }

    /// `taken`: the documents as they were sent, where they were sent in the clear, and what became of them.
    fn write(
        &self,
        session: &Arc<Session>,
        handed: Handed,
        taken: &[(Option<&PutDocument>, Outcome)],
    ) -> Result<Kept, ClientError> {
        let Openings::Write(opened) = handed.openings.clone() else { return Err(OTHER) };
        let sent = |one: &OpenedDocument, document: &PutDocument| {
            let content = blake3::hash(document.content.as_bytes());
            one.id == document.id && one.content_hash == content.to_hex().as_str()
        };
        let same = opened.len() == taken.len()
            && opened
                .iter()
                .zip(taken)
                .all(|(one, (document, _))| document.is_none_or(|document| sent(one, document)));
        let kept = self.keep(session, handed, Opening::Write(opened))?;
        let outcomes = match &kept.checked.receipt.deed {
            Deed::Write(signed) => {
                signed.iter().map(|one| one.outcome).eq(taken.iter().map(|(_, outcome)| *outcome))
            }
            Deed::Retrieval(_) | Deed::Deletion(_) => false,
        };
        if same && outcomes {
            Ok(kept)
        } else {
            Err(ClientError::Receipt(Refusal::Request("other documents")))
        }
    }

    fn keep(
        &self,
        session: &Arc<Session>,
        handed: Handed,
        opening: Opening,
    ) -> Result<Kept, ClientError> {
        let record = Record { signed: handed.signed, signature: handed.signature, opening };
        // As it will be read: a number may have other bits once it was text.
        let text =
            serde_json::to_vec(&record).map_err(|_| ClientError::Crypto("encoding a receipt"))?;
        let read: Record = serde_json::from_slice(&text)
            .map_err(|_| ClientError::Receipt(Refusal::Form("opening")))?;
        let checked = read.check(session.worker()).map_err(ClientError::Receipt)?;
        let refused = |why| Err(ClientError::Receipt(Refusal::Request(why)));
        if checked.receipt.collection != self.collection {
            return refused("another collection");
        }
        let (since, now) = (self.since, self.client.channel().now());
        let skew = CLOCK_SKEW_SECONDS_MAX;
        if !(since.saturating_sub(skew)..=now + skew).contains(&checked.receipt.time) {
            return refused("another time");
        }
        Ok(Kept { shown: Shown::of(session), record, checked })
    }
}

/// What a reply shows of each chunk, with the rest that the receipt hands out.
fn paired<A, B>(
    shown: &[A],
    rest: Vec<B>,
    chunk: impl Fn(&A, B) -> OpenedChunk,
) -> Result<Vec<OpenedChunk>, ClientError> {
    if shown.len() != rest.len() {
        return Err(ClientError::Receipt(Refusal::Entries));
    }
    Ok(shown.iter().zip(rest).map(|(one, rest)| chunk(one, rest)).collect())
}

fn of_hit(hit: &Hit, salt: String) -> OpenedChunk {
    OpenedChunk {
        salt,
        document: hit.document.clone(),
        title: hit.title.clone(),
        chunk: hit.chunk,
        start: hit.start,
        end: hit.end,
        heading_path: hit.heading_path.clone(),
        content_hash: hit.content_hash.clone(),
        text: hit.text.clone(),
    }
}

fn of_citation(cited: &Citation, salt: String, chunk: u32, text: String) -> OpenedChunk {
    OpenedChunk {
        salt,
        document: cited.document.clone(),
        title: cited.title.clone(),
        chunk,
        start: cited.start,
        end: cited.end,
        heading_path: cited.heading_path.clone(),
        content_hash: cited.content_hash.clone(),
        text,
    }
}

const MISSING: ClientError = ClientError::Receipt(Refusal::Request("there is none"));
const OTHER: ClientError = ClientError::Receipt(Refusal::Entries);
