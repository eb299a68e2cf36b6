//! Listing, reading and deleting documents.
//!
//! Layer: flow.
//! Holds: opaque handles and cursors.
//! Never: a document's id in a URL; handles are keyed hashes.
//! Invariant: a scoped grantee sees only documents in its scope, and pays for them as if it had searched.

use super::admit::Reader;
use super::ingest::token;
use super::usage::count_usage;
use super::{Answer, Worker, plan, problems, validate};
use crate::collection::CollectionShard;
use crate::collection::record::{Document, Op};
use crate::collection::renew;
use crate::collection::shard::batch;
use crate::collection::shelf::Kept;
use crate::meter::Charge;
use prag_protocol::filter::Filter;
use prag_protocol::ledger::voucher::Counters;
use prag_protocol::limits::{DELETE_IDS_MAX, RECEIPT_ENTRIES_MAX, TOKEN_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::Page;
use prag_protocol::wire::documents::{DeleteDocuments, DeleteReply, DocumentInfo, Lookup, Writing};
use prag_protocol::wire::metering::{Counted, Metered, Metering};
use prag_protocol::{CollectionId, DocumentId, RequestId};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::borrow::Cow;
use std::ops::Bound;
use std::sync::Arc;

impl Worker {
    /// One page of documents, by id.
    ///
    /// # Errors
    /// Names the field and the limit.
    pub async fn list_documents(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        cursor: Option<String>,
        limit: Option<u32>,
        request: Option<RequestId>,
    ) -> Result<Answer<Metered<Page<DocumentInfo>>>, Problem> {
        let reader = self.admit_search(caller, id).await?;
        let shard = reader.held.shard()?;
        let limit = validate::page(limit)?;
        let metering = Some(Metering { request_id: request, voucher: None });
        let asked = ("documents", &(&cursor, limit));
        let charge = self.admit_usage(caller, &reader, metering, asked).await?;
        let page = page(&reader, &shard, cursor, limit)?;
        let units = reader.units(page.data.len());
        self.consume(&reader, units).await?;
        reader.returned(page.data.iter().map(|row| row.id.as_str()));
        let cost = Counters { queries: units, ..page.cost(0) };
        let voucher = count_usage(charge, cost).await?;
        self.answer(caller, &reader, Metered { reply: page, voucher }).await
    }

    /// One document with its original, by handle.
    ///
    /// # Errors
    /// `document-not-found` where there is none, or it is out of the grant's scope.
    pub async fn document(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        handle: &str,
        request: Option<RequestId>,
    ) -> Result<Answer<Metered<DocumentInfo>>, Problem> {
        let reader = self.admit_search(caller, id).await?;
        let shard = reader.held.shard()?;
        let metering = Some(Metering { request_id: request, voucher: None });
        let charge = self.admit_usage(caller, &reader, metering, ("document", &handle)).await?;
        let found = shard.by_handle(handle);
        let document = self.read_one(&reader, &shard, found, charge).await?;
        self.answer(caller, &reader, document).await
    }

    /// One document with its original, by id.
    ///
    /// # Errors
    /// As [`Worker::document`].
    pub async fn lookup(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        lookup: Lookup,
    ) -> Result<Answer<Metered<DocumentInfo>>, Problem> {
        let reader = self.admit_search(caller, id).await?;
        let shard = reader.held.shard()?;
        let Lookup { id, metering } = lookup;
        let charge = self.admit_usage(caller, &reader, metering, ("lookup", &id)).await?;
        let found = shard.document(&id);
        let document = self.read_one(&reader, &shard, found, charge).await?;
        self.answer(caller, &reader, document).await
    }

    /// A whole document, for as many units as searches would have cost; one that is not there costs one too, so
    /// that asking which ids exist is not free. That one is not billed, as there is no reply to put a voucher into.
    async fn read_one(
        &self,
        reader: &Reader,
        shard: &Arc<CollectionShard>,
        found: Option<Kept>,
        charge: Option<Charge>,
    ) -> Result<Metered<DocumentInfo>, Problem> {
        let scope = plan::filters(reader, None)?;
        let found = found.filter(|kept| visible(&kept.document, &scope));
        let chunks = found.as_ref().map_or(0, |kept| kept.document.chunks.len());
        let units = reader.units(chunks);
        self.consume(reader, units).await?;
        let kept = found.ok_or_else(absent)?;
        reader.returned(std::iter::once(kept.document.id.as_str()));
        let document = Arc::clone(&kept.document);
        let content = if kept.on_disk() {
            // Held to the end, also where the caller goes away: the shard's files stay open.
            let open = Arc::clone(shard);
            let read = move || {
                let content = kept.content().map(Cow::into_owned);
                drop((kept, open));
                content
            };
            tokio::task::spawn_blocking(read).await.map_err(problems::internal)?
        } else {
            kept.content().map(Cow::into_owned)
        };
        let content = content.map_err(|error| reader.held.damaged(shard, error))?;
        let reply = DocumentInfo { content: Some(content), ..info(shard, &document) };
        let cost = Counters { queries: units, ..reply.cost(0) };
        Ok(Metered { voucher: count_usage(charge, cost).await?, reply })
    }

    /// Delete one document, by handle, and answer when that is as safe as `ack` says.
    ///
    /// # Errors
    /// `document-not-found` where there is none; `not-anchored`: it is deleted, and that is sealed.
    pub async fn delete_document(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        handle: &str,
        wanted: Writing,
    ) -> Result<DeleteReply, Problem> {
        let (granted, held) = self.admit_write(caller, id).await?;
        let shard = held.shard()?;
        let scope: Vec<Filter> = granted.scope().cloned().into_iter().collect();
        let kept = shard.by_handle(handle).filter(|kept| visible(&kept.document, &scope));
        let id = kept.ok_or_else(absent)?.document.id.clone();
        self.delete(shard, scope, vec![id], wanted, false).await
    }

    /// Delete documents, by id or by filter, and answer when that is as safe as `ack` says; with `purge`, once the bytes of
    /// all that was ever deleted are gone.
    ///
    /// # Errors
    /// Names the field and the limit; nothing was deleted. `not-anchored`: they are, and that is sealed. A purge that
    /// fails leaves the documents deleted: ask again.
    pub async fn delete_documents(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        request: DeleteDocuments,
        wanted: Writing,
    ) -> Result<DeleteReply, Problem> {
        let (granted, held) = self.admit_write(caller, id).await?;
        let shard = held.shard()?;
        let scope: Vec<Filter> = granted.scope().cloned().into_iter().collect();
        let ids = match (request.ids, request.filter) {
            (Some(ids), None) => {
                validate::at_most("ids", ids.len(), DELETE_IDS_MAX, "ids")?;
                ids
            }
            (None, Some(filter)) => matching(&shard, &filter)?,
            (Some(_), Some(_)) | (None, None) => {
                let detail = "send exactly one of `ids` and `filter`";
                return Err(Problem::new(Code::InvalidField, detail).field("ids"));
            }
        };
        let receipt = wanted.receipt || request.receipt;
        self.delete(shard, scope, ids, Writing { receipt, ..wanted }, request.purge).await
    }

    async fn delete(
        &self,
        shard: Arc<CollectionShard>,
        scope: Vec<Filter>,
        ids: Vec<DocumentId>,
        Writing { ack, receipt }: Writing,
        purge: bool,
    ) -> Result<DeleteReply, Problem> {
        let (worker, written) = (self.clone(), Arc::clone(&shard));
        let work = move || {
            let shard = written;
            let present: Vec<DocumentId> = {
                let live = shard.read();
                let mine = |id: &DocumentId| {
                    live.documents.get(id).is_some_and(|at| visible(&at.document, &scope))
                };
                ids.into_iter().filter(mine).collect()
            };
            if receipt {
                validate::at_most("receipt", present.len(), RECEIPT_ENTRIES_MAX, "documents")?;
            }
            let mut entropy = prag_client::system::OsEntropy;
            let mut batches = Vec::new();
            for ids in present.chunks(DELETE_IDS_MAX) {
                let ops = ids.iter().cloned().map(Op::Delete).collect();
                let batch = batch(ops, None, worker.now(), &mut entropy);
                batches.push(batch.map_err(problems::collection)?);
            }
            let written = batches.len() as u64;
            let head = if batches.is_empty() {
                shard.head()
            } else {
                shard.write(batches, &mut entropy).map_err(problems::collection)?
            };
            worker.freeze_if_due(&shard);
            if purge {
                renew::purge(&shard, &mut entropy).map_err(problems::collection)?;
            }
            let sign = || worker.deletion_receipt(&shard, &head, written, &present, purge);
            Ok(DeleteReply {
                deleted: present.len() as u64,
                purged: purge,
                head: worker.signed_head(&head),
                token: token(&head),
                ack,
                receipt: receipt.then(sign).transpose()?,
            })
        };
        let reply = tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
        self.acknowledge(&shard, ack).await?;
        Ok(reply)
    }
}

fn matching(shard: &CollectionShard, filter: &Filter) -> Result<Vec<DocumentId>, Problem> {
    if filter.is_empty() {
        let detail = "an empty filter matches everything; delete the collection instead";
        return Err(Problem::new(Code::BadFilter, detail).field("filter"));
    }
    filter
        .check()
        .map_err(|error| Problem::new(Code::BadFilter, error.to_string()).field("filter"))?;
    let live = shard.read();
    let matches = live
        .documents
        .values()
        .filter(|at| filter.matches(at.document.id.as_str(), &at.document.metadata()));
    Ok(matches.map(|at| at.document.id.clone()).collect())
}

/// One page of what the reader may see.
fn page(
    reader: &Reader,
    shard: &CollectionShard,
    cursor: Option<String>,
    limit: usize,
) -> Result<Page<DocumentInfo>, Problem> {
    let live = shard.read();
    let start = match cursor {
        None => Bound::Unbounded,
        Some(cursor) => Bound::Excluded(at_cursor(shard, &cursor)?),
    };
    let scope = plan::filters(reader, None)?;
    let mut rows = live
        .documents
        .range((start, Bound::Unbounded))
        .filter(|(_, at)| visible(&at.document, &scope))
        .map(|(_, at)| info(shard, &at.document));
    let data: Vec<DocumentInfo> = rows.by_ref().take(limit).collect();
    let more = rows.next().is_some();
    let next_cursor = data.last().filter(|_| more).map(|row| row.handle.clone());
    Ok(Page { data, next_cursor })
}

fn visible(document: &Document, scope: &[Filter]) -> bool {
    scope.is_empty() || {
        let metadata = document.metadata();
        scope.iter().all(|filter| filter.matches(document.id.as_str(), &metadata))
    }
}

fn info(shard: &CollectionShard, document: &Document) -> DocumentInfo {
    DocumentInfo {
        id: document.id.clone(),
        handle: shard.handle(&document.id),
        title: document.title.clone(),
        format: document.format(),
        bytes: document.content.len() as u64,
        chunks: u32::try_from(document.chunks.len()).unwrap_or(u32::MAX),
        content_hash: hex::encode(document.content_hash),
        metadata: document.metadata(),
        content: None,
    }
}

fn at_cursor(shard: &CollectionShard, cursor: &str) -> Result<DocumentId, Problem> {
    validate::at_most("cursor", cursor.len(), TOKEN_BYTES_MAX, "bytes")?;
    let unknown = || {
        Problem::new(
            Code::InvalidField,
            "the cursor is not of this listing, or its document is gone; start again",
        )
        .field("cursor")
    };
    shard.by_handle(cursor).map(|kept| kept.document.id.clone()).ok_or_else(unknown)
}

fn absent() -> Problem {
    Problem::new(Code::DocumentNotFound, "no such document in this collection")
}
