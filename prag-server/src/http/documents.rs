//! Routes of documents.
//!
//! Layer: `http`; calls `flow`.
//! Holds: put, bulk (NDJSON, a status per line), list, look up, delete.
//! Never: a document id in a URL: paths carry opaque handles.
//! Invariant: line i of a bulk reply answers line i of the request, and a bad line spoils no other.

use super::auth::Signed;
use super::json;
use super::problem::{ProblemBody, Refusal, Reply};
use super::target::{Listing, Named, collection_id, request_id, token, writing};
use crate::flow::{Answer, Worker};
use axum::Json;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use prag_protocol::limits::BULK_LINES_MAX;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::Page;
use prag_protocol::wire::documents::{
    Ack, BulkLine, BulkReceipt, BulkStatus, DeleteDocuments, DeleteReply, DocumentInfo, Lookup,
    PutDocument, PutReply,
};
use prag_protocol::wire::metering::Metered;
use serde::{Deserialize, Serialize};

/// One page of documents.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct DocumentPage {
    /// The rows.
    data: Vec<DocumentInfo>,
    /// Send it back as `cursor`; absent on the last page.
    next_cursor: Option<String>,
}

/// Put one document; the same id again replaces it.
#[utoipa::path(put, path = "/v1/collections/{collection}/documents", tag = "documents", request_body = PutDocument,
    params(("collection" = String, Path, description = "32 hex digits"), ("ack" = Option<Ack>, Query, description = "Answer when it is `sealed` (the default) or `anchored`"), ("receipt" = Option<bool>, Query, description = "Sign a receipt"), ("Idempotency-Key" = Option<String>, Header, description = "The same key and body again have the first reply")),
    responses((status = 200, body = PutReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn put(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    uri: Uri,
    signed: Signed,
) -> Reply<PutReply> {
    let (id, wanted) = (collection_id(&id)?, writing(&uri)?);
    let key = signed.idempotency_key()?;
    let document: PutDocument = signed.json()?;
    Ok(Json(worker.put_document(&signed.caller, id, document, key, wanted).await?))
}

/// Put many documents or sealed records: NDJSON, one status line for each line; then one for the receipt, if wanted.
#[utoipa::path(post, path = "/v1/collections/{collection}/documents/bulk", tag = "documents",
    params(("collection" = String, Path, description = "32 hex digits"), ("ack" = Option<Ack>, Query, description = "Answer when it is `sealed` (the default) or `anchored`"), ("receipt" = Option<bool>, Query, description = "Sign a receipt")),
    request_body(content = BulkLine, content_type = "application/x-ndjson", description = "One per line, at most 1000 lines and 4 MiB"),
    responses((status = 200, body = BulkStatus, content_type = "application/x-ndjson"), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn bulk(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    uri: Uri,
    signed: Signed,
) -> Result<Response, Refusal> {
    let (id, wanted) = (collection_id(&id)?, writing(&uri)?);
    signed.media_type(&[NDJSON, "application/jsonl", "application/json"])?;
    let lines = parse_lines(&signed.body)?;
    let (statuses, receipt) = worker.bulk(&signed.caller, id, lines, wanted).await?;
    let mut out = write_lines(&statuses)?;
    if let Some(receipt) = receipt {
        out.extend(write_lines(&[BulkReceipt { receipt }])?);
    }
    Ok(([(header::CONTENT_TYPE, NDJSON)], out).into_response())
}

/// List documents, without their content. An attested reader gets the reply sealed.
#[utoipa::path(get, path = "/v1/collections/{collection}/documents", tag = "documents",
    params(("collection" = String, Path, description = "32 hex digits"), ("cursor" = Option<String>, Query, description = "From the page before"), ("limit" = Option<u32>, Query, description = "Rows, 1 to 1000"), ("request_id" = Option<String>, Query, description = "32 hex digits; the same for each retry of a metered request")),
    responses((status = 200, body = Metered<DocumentPage>), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    uri: Uri,
    signed: Signed,
) -> Reply<Answer<Metered<Page<DocumentInfo>>>> {
    let id = collection_id(&id)?;
    let Listing { cursor, limit, request_id } = Listing::metered(&uri)?;
    Ok(Json(worker.list_documents(&signed.caller, id, cursor, limit, request_id).await?))
}

/// One document with its content, by handle. An attested reader gets the reply sealed.
#[utoipa::path(get, path = "/v1/collections/{collection}/documents/{handle}", tag = "documents",
    params(("collection" = String, Path, description = "32 hex digits"), ("handle" = String, Path, description = "Opaque, from a put or a listing"), ("request_id" = Option<String>, Query, description = "32 hex digits; the same for each retry of a metered request")),
    responses((status = 200, body = Metered<DocumentInfo>), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn show(
    State(worker): State<Worker>,
    Named((id, handle)): Named<(String, String)>,
    uri: Uri,
    signed: Signed,
) -> Reply<Answer<Metered<DocumentInfo>>> {
    let id = collection_id(&id)?;
    token(&handle, "handle")?;
    let request = request_id(&uri)?;
    Ok(Json(worker.document(&signed.caller, id, &handle, request).await?))
}

/// One document with its content, by id. An attested reader gets the reply sealed.
#[utoipa::path(post, path = "/v1/collections/{collection}/documents/lookup", tag = "documents", request_body = Lookup,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Metered<DocumentInfo>), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn lookup(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<Answer<Metered<DocumentInfo>>> {
    let id = collection_id(&id)?;
    Ok(Json(worker.lookup(&signed.caller, id, signed.json()?).await?))
}

/// Delete one document, by handle.
#[utoipa::path(delete, path = "/v1/collections/{collection}/documents/{handle}", tag = "documents",
    params(("ack" = Option<Ack>, Query, description = "Answer when it is `sealed` (the default) or `anchored`"), ("receipt" = Option<bool>, Query, description = "Sign a receipt"), ("collection" = String, Path, description = "32 hex digits"), ("handle" = String, Path, description = "Opaque, from a put or a listing")),
    responses((status = 200, body = DeleteReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn delete_one(
    State(worker): State<Worker>,
    Named((id, handle)): Named<(String, String)>,
    uri: Uri,
    signed: Signed,
) -> Reply<DeleteReply> {
    let (id, wanted) = (collection_id(&id)?, writing(&uri)?);
    token(&handle, "handle")?;
    Ok(Json(worker.delete_document(&signed.caller, id, &handle, wanted).await?))
}

/// Delete documents by ids or by filter; with `purge`, answer when their bytes are gone.
#[utoipa::path(delete, path = "/v1/collections/{collection}/documents", tag = "documents", request_body = DeleteDocuments,
    params(("collection" = String, Path, description = "32 hex digits"), ("ack" = Option<Ack>, Query, description = "Answer when it is `sealed` (the default) or `anchored`"), ("receipt" = Option<bool>, Query, description = "Sign a receipt")),
    responses((status = 200, body = DeleteReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn delete_many(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    uri: Uri,
    signed: Signed,
) -> Reply<DeleteReply> {
    let (id, wanted) = (collection_id(&id)?, writing(&uri)?);
    let which: DeleteDocuments = signed.json()?;
    Ok(Json(worker.delete_documents(&signed.caller, id, which, wanted).await?))
}

/// Lines to values; a line that does not parse stands as its problem.
pub(super) fn parse_lines(body: &[u8]) -> Result<Vec<Result<BulkLine, Problem>>, Problem> {
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new(Code::Malformed, "no line to put"));
    }
    let lines: Vec<&[u8]> = body.split(|&byte| byte == b'\n').take(BULK_LINES_MAX + 1).collect();
    if lines.len() > BULK_LINES_MAX {
        let problem = Problem::new(Code::TooLarge, "lines of a bulk request");
        return Err(problem.limit(BULK_LINES_MAX));
    }
    Ok(lines.into_iter().map(parse_line).collect())
}

/// One line. What it is shows in its fields, so that a fault is named where it stands.
fn parse_line(line: &[u8]) -> Result<BulkLine, Problem> {
    #[derive(Deserialize)]
    struct Probe {
        sealed: Option<serde::de::IgnoredAny>,
    }
    let probe = serde_json::from_slice::<Probe>(line);
    if probe.is_ok_and(|probe| probe.sealed.is_some()) {
        json::parse(line).map(BulkLine::Sealed)
    } else {
        json::parse(line).map(BulkLine::Document)
    }
}

fn write_lines<T: Serialize>(values: &[T]) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    for value in values {
        serde_json::to_writer(&mut out, value)
            .map_err(|_| Problem::new(Code::Internal, "a status does not serialize"))?;
        out.push(b'\n');
    }
    Ok(out)
}

const NDJSON: &str = "application/x-ndjson";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Line i is answered by entry i: good, bad and blank lines keep their places.
    #[test]
    fn lines_keep_their_places() {
        let corpus = "00".repeat(16);
        let body = format!(
            "{{\"id\":\"a\",\"content\":\"x\"}}\r\n{{\"id\":\"b\"}}\n\n{{\"corpus\":\"{corpus}\",\"record\":3,\"sealed\":\"AA\"}}\n{{\"id\":\"c\",\"content\":\"x\",\"colour\":1}}\n"
        );
        let lines = parse_lines(body.as_bytes()).unwrap();
        assert_eq!(lines.len(), 5);
        assert!(matches!(lines[0], Ok(BulkLine::Document(_))));
        let missing = lines[1].as_ref().unwrap_err();
        assert_eq!(missing.field.as_deref(), Some("content"));
        assert_eq!(lines[2].as_ref().unwrap_err().code, Code::Malformed);
        assert!(matches!(&lines[3], Ok(BulkLine::Sealed(line)) if line.record == 3));
        let unknown = lines[4].as_ref().unwrap_err();
        assert_eq!((unknown.code, unknown.field.as_deref()), (Code::UnknownField, Some("colour")));
    }

    /// The limit of lines has two sides, and an empty body is no bulk request.
    #[test]
    fn lines_are_bounded() {
        let line = "{\"id\":\"a\",\"content\":\"x\"}\n";
        assert_eq!(
            parse_lines(line.repeat(BULK_LINES_MAX).as_bytes()).unwrap().len(),
            BULK_LINES_MAX
        );
        let over = parse_lines(line.repeat(BULK_LINES_MAX + 1).as_bytes());
        assert_eq!(over.unwrap_err().code, Code::TooLarge);
        assert_eq!(parse_lines(b"").unwrap_err().code, Code::Malformed);
        assert_eq!(parse_lines(b" \n").unwrap_err().code, Code::Malformed);
    }

    /// Statuses leave as one JSON value a line.
    #[test]
    fn statuses_are_lines() {
        let problem = || BulkStatus::Problem(Problem::new(Code::EmptyText, "x"));
        let out = write_lines(&[problem(), problem()]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 2);
        for line in text.lines() {
            assert!(matches!(serde_json::from_str(line).unwrap(), BulkStatus::Problem(_)));
        }
    }
}
