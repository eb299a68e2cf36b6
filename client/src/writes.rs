//! Writing documents: put, bulk, delete.
//!
//! Layer: client, above `sdk`.
//! Holds: one typed method for each route that changes documents, with the level of acknowledgement asked for.
//! Never: an answer of another level than was asked for.
//! Invariant: status i of a bulk request answers line i.

use crate::error::ClientError;
use crate::identity::Purpose;
use crate::sdk::{Call, Client, collection_path, percent};
use prag_protocol::CollectionId;
use prag_protocol::wire::documents::{
    Ack, BulkLine, BulkReceipt, BulkStatus, DeleteDocuments, DeleteReply, PutDocument, PutReply,
};
use prag_protocol::wire::receipt::Receipt;

impl Client {
    /// Puts one document.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn put_document(
        &self,
        id: CollectionId,
        document: &PutDocument,
    ) -> Result<PutReply, ClientError> {
        self.put_document_when(id, document, Ack::Sealed).await
    }

    /// Puts one document; answered when it is as safe as `ack` says.
    ///
    /// # Errors
    /// [`ClientError`]; the code `not-anchored` says that the document is in, and no anchor covers it yet.
    pub async fn put_document_when(
        &self,
        id: CollectionId,
        document: &PutDocument,
        ack: Ack,
    ) -> Result<PutReply, ClientError> {
        let path = collection_path(id, "/documents");
        let call = Call::json(Purpose::Data, "PUT", path, document)?;
        let reply: PutReply = self.ask(&call.when(ack)).await?;
        reached(reply.ack, ack)?;
        Ok(reply)
    }

    /// Puts many documents or sealed records; status i answers line i.
    ///
    /// # Errors
    /// [`ClientError::Reply`] unless there is one status for each line.
    pub async fn bulk(
        &self,
        id: CollectionId,
        lines: &[BulkLine],
    ) -> Result<Vec<BulkStatus>, ClientError> {
        self.bulk_when(id, lines, Ack::Sealed).await
    }

    /// As [`Client::bulk`]; answered when all lines are as safe as `ack` says. Where the anchor is late, the status of
    /// each line that is in has the code `not-anchored`.
    ///
    /// # Errors
    /// As [`Client::bulk`].
    pub async fn bulk_when(
        &self,
        id: CollectionId,
        lines: &[BulkLine],
        ack: Ack,
    ) -> Result<Vec<BulkStatus>, ClientError> {
        let answer = self.send(&Self::bulk_call(id, lines)?.when(ack)).await?;
        Self::statuses(&answer.body, lines.len(), ack).map(|(statuses, _)| statuses)
    }

    pub(crate) fn bulk_call(
        id: CollectionId,
        lines: &[BulkLine],
    ) -> Result<Call<'static>, ClientError> {
        let mut body = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut body, line)
                .map_err(|_| ClientError::Crypto("encoding a line"))?;
            body.push(b'\n');
        }
        let path = collection_path(id, "/documents/bulk");
        let mut call = Call::bare(Purpose::Data, "POST", path);
        call.media_type = "application/x-ndjson";
        call.body = body;
        Ok(call)
    }

    /// One status for each of `lines` lines, each as safe as `ack` says; then the receipt, if there is one.
    pub(crate) fn statuses(
        body: &[u8],
        lines: usize,
        ack: Ack,
    ) -> Result<(Vec<BulkStatus>, Option<Receipt>), ClientError> {
        let mut parts = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let statuses: Result<Vec<BulkStatus>, _> =
            parts.by_ref().take(lines).map(serde_json::from_slice).collect();
        let receipt: Result<Option<BulkReceipt>, _> =
            parts.next().map(serde_json::from_slice).transpose();
        match (statuses, receipt, parts.next()) {
            (Ok(statuses), Ok(receipt), None) if statuses.len() == lines => {
                for status in &statuses {
                    if let BulkStatus::Ok(reply) = status {
                        reached(reply.ack, ack)?;
                    }
                }
                Ok((statuses, receipt.map(|line| line.receipt)))
            }
            _ => Err(ClientError::Reply("not one status for each line")),
        }
    }

    /// Deletes documents by ids or by filter.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_documents(
        &self,
        id: CollectionId,
        which: &DeleteDocuments,
    ) -> Result<DeleteReply, ClientError> {
        self.delete_documents_when(id, which, Ack::Sealed).await
    }

    /// Deletes documents by ids or by filter; answered when that is as safe as `ack` says.
    ///
    /// # Errors
    /// [`ClientError`]; the code `not-anchored` says that they are deleted, and no anchor covers it yet.
    pub async fn delete_documents_when(
        &self,
        id: CollectionId,
        which: &DeleteDocuments,
        ack: Ack,
    ) -> Result<DeleteReply, ClientError> {
        let path = collection_path(id, "/documents");
        let call = Call::json(Purpose::Data, "DELETE", path, which)?;
        let reply: DeleteReply = self.ask(&call.when(ack)).await?;
        reached(reply.ack, ack)?;
        Ok(reply)
    }

    /// Deletes one document by its handle.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_document(
        &self,
        id: CollectionId,
        handle: &str,
    ) -> Result<DeleteReply, ClientError> {
        let path = collection_path(id, &format!("/documents/{}", percent(handle)));
        self.ask(&Call::bare(Purpose::Data, "DELETE", path)).await
    }
}

/// A worker that does not know the levels passes `ack` over and answers `sealed`.
pub(crate) fn reached(said: Ack, asked: Ack) -> Result<(), ClientError> {
    if said == asked {
        Ok(())
    } else {
        Err(ClientError::Reply("it is of another level of acknowledgement than was asked for"))
    }
}
