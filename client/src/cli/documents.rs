//! `prag documents`.
//!
//! Layer: client, below `cli`.
//! Holds: listing, showing and deleting documents.
//! Never: a document id in a URL.
//! Invariant: deleting what is absent is no failure.

use super::Done;
use super::args;
use super::screen::{Screen, clean, clean_lines, table};
use super::search::filter;
use crate::error::ClientError;
use crate::receipt::ReceiptFile;
use crate::sdk::Client;
use prag_protocol::limits::DELETE_IDS_MAX;
use prag_protocol::wire::documents::{Ack, DeleteDocuments};
use prag_protocol::{CollectionId, DocumentId};
use serde_json::json;

pub(super) async fn list(client: &Client, screen: Screen, which: &args::One) -> Done {
    let id = client.resolve(&which.collection).await?;
    let documents = client.documents(id).await?;
    screen.show(&documents, || {
        let rows: Vec<Vec<String>> = documents
            .iter()
            .map(|one| {
                vec![
                    clean(one.id.as_str()),
                    one.bytes.to_string(),
                    one.chunks.to_string(),
                    clean(&one.title),
                ]
            })
            .collect();
        table(&["ID", "BYTES", "CHUNKS", "TITLE"], &rows)
    });
    Ok(true)
}

pub(super) async fn show(client: &Client, screen: Screen, which: &args::Document) -> Done {
    let id = client.resolve(&which.collection).await?;
    let document = client.lookup(id, document_id(&which.id)?).await?;
    screen.show(&document, || clean_lines(document.content.as_deref().unwrap_or_default()));
    Ok(true)
}

pub(super) async fn delete(client: &Client, screen: Screen, which: &args::DeleteDocuments) -> Done {
    let id = client.resolve(&which.collection).await?;
    let mut file = which.receipt.as_deref().map(ReceiptFile::create).transpose()?;
    let (mut deleted, purge) = (0, which.purge);
    if let Some(filter) = filter(which.filter.as_deref())? {
        let request = DeleteDocuments { filter: Some(filter), purge, ..DeleteDocuments::default() };
        deleted += delete_some(client, id, &request, which.ack.into(), file.as_mut()).await?;
    } else {
        let ids: Result<Vec<_>, _> = which.ids.iter().map(|text| document_id(text)).collect();
        for some in ids?.chunks(DELETE_IDS_MAX) {
            let ids = Some(some.to_vec());
            let request = DeleteDocuments { ids, purge, ..DeleteDocuments::default() };
            deleted += delete_some(client, id, &request, which.ack.into(), file.as_mut()).await?;
        }
    }
    client.remember_history(id).await?;
    let purged = if which.purge { "; no byte of them is left in the worker's files" } else { "" };
    let value = json!({ "deleted": deleted, "purged": which.purge });
    screen.show(&value, || format!("deleted {deleted} documents{purged}"));
    Ok(true)
}

async fn delete_some(
    client: &Client,
    id: CollectionId,
    request: &DeleteDocuments,
    ack: Ack,
    file: Option<&mut ReceiptFile>,
) -> Result<u64, ClientError> {
    let Some(file) = file else {
        return Ok(client.delete_documents_when(id, request, ack).await?.deleted);
    };
    let (reply, kept) = client.delete_documents_with_receipt(id, request, ack).await?;
    file.keep(&kept)?;
    Ok(reply.deleted)
}

fn document_id(text: &str) -> Result<DocumentId, ClientError> {
    text.parse().map_err(|error: prag_protocol::IdError| ClientError::Usage(error.to_string()))
}
