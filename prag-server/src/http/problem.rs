//! Problem documents (RFC 9457) and the status code of each registered problem.
//!
//! Layer: `http`; the only file that knows status codes of failures.
//! Holds: the map from code to status, and the reply that carries a problem.
//! Never: content; `detail` was written by whoever refused, and names places and limits only.
//! Invariant: every registered code has a status; a code from the future answers 500.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prag_protocol::ledger::AccessMsg;
use prag_protocol::ledger::transaction::TransactionTerms;
use prag_protocol::problem::{Code, Problem};
use serde::{Deserialize, Serialize};

/// What a handler answers: JSON, or a problem.
pub(super) type Reply<T> = Result<Json<T>, Refusal>;

/// A problem on its way out.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

/// A problem as it travels: `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `https://prag.dev/problems/` and the code: an identifier, not an address to fetch.
    pub r#type: String,
    /// A short sentence for people, the same for every problem of this code.
    pub title: String,
    /// The status code, repeated.
    pub status: u16,
    /// The registered code; match on this.
    pub code: Code,
    /// What happened and what to do next.
    pub detail: String,
    /// The field at fault, as a path such as `filter.must[0].range.gte`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The limit that was crossed, in the unit that `detail` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Messages to the ledger that the caller must sign, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub sign: Vec<AccessMsg>,
    /// The terms of the transaction that the caller must sign, where its message goes in one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub transaction: Option<Box<TransactionTerms>>,
}

impl From<Problem> for ProblemBody {
    fn from(problem: Problem) -> Self {
        let code = problem.code;
        Self {
            r#type: format!("{TYPE_BASE}{}", code.as_str()),
            title: code.title().to_owned(),
            status: status(code).as_u16(),
            code,
            detail: problem.detail,
            field: problem.field,
            limit: problem.limit,
            sign: problem.sign,
            transaction: problem.transaction,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = self.0.code;
        let mut response = (status(code), Json(ProblemBody::from(self.0))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if retry(code) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Something was made.
pub(super) fn created<T: Serialize>(made: T) -> Response {
    (StatusCode::CREATED, Json(made)).into_response()
}

/// Something was started, and goes on.
pub(super) fn accepted<T: Serialize>(started: T) -> Response {
    (StatusCode::ACCEPTED, Json(started)).into_response()
}

/// The status of an answer in binary HTTP; of one whose body was `lost`, that of an internal error.
pub(super) fn to_binary(answer: StatusCode, lost: bool) -> bhttp::StatusCode {
    let answer = if lost { status(Code::Internal) } else { answer };
    bhttp::StatusCode::try_from(answer.as_u16()).unwrap_or(bhttp::StatusCode::OK)
}

/// The status code of a problem.
pub(super) fn status(code: Code) -> StatusCode {
    match code {
        Code::Malformed | Code::TooDeep | Code::ChannelInvalid => StatusCode::BAD_REQUEST,
        Code::PermitInvalid
        | Code::PermitExpired
        | Code::SignatureInvalid
        | Code::ClockSkew
        | Code::Replayed
        | Code::ChallengeInvalid => StatusCode::UNAUTHORIZED,
        Code::Forbidden
        | Code::PermissionMissing
        | Code::ReaderAttestationRequired
        | Code::EvidenceRefused => StatusCode::FORBIDDEN,
        Code::DocumentNotFound
        | Code::OperationNotFound
        | Code::RouteNotFound
        | Code::NoMarket
        | Code::NoTarget
        | Code::SnapshotNotFound => StatusCode::NOT_FOUND,
        Code::VoucherDue | Code::FundsShort => StatusCode::PAYMENT_REQUIRED,
        Code::AuthorizationRequired => StatusCode::PRECONDITION_REQUIRED,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::Conflict
        | Code::CorpusNotOpen
        | Code::VoucherOld
        | Code::LedgerRefused
        | Code::SnapshotOlder => StatusCode::CONFLICT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::ChannelRequired => StatusCode::MISDIRECTED_REQUEST,
        Code::InvalidField
        | Code::UnknownField
        | Code::WrongDimension
        | Code::BadVector
        | Code::EmptyText
        | Code::BadFilter
        | Code::IdempotencyMismatch
        | Code::VoucherInvalid
        | Code::VoucherForeign
        | Code::SnapshotDamaged
        | Code::CiphertextInvalid => StatusCode::UNPROCESSABLE_ENTITY,
        Code::QuotaExhausted | Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::KeyMissing | Code::WorkerNotAllowed => StatusCode::LOCKED,
        Code::ShardUnavailable
        | Code::LedgerStale
        | Code::LedgerUnconfirmed
        | Code::LedgerUnavailable
        | Code::Behind
        | Code::NotAnchored
        | Code::WorkerSealed
        | Code::MemoryLimit
        | Code::TargetUnavailable
        | Code::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        Code::Device | Code::Storage | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether the same request may well succeed a second later.
fn retry(code: Code) -> bool {
    use Code::{Behind, LedgerStale, LedgerUnavailable, NotAnchored, Overloaded, RateLimited};
    let soon = matches!(code, Behind | NotAnchored | Overloaded | RateLimited | Code::MemoryLimit);
    soon || matches!(code, LedgerStale | LedgerUnavailable)
}

/// Media type of a problem document (RFC 9457, section 3).
pub(super) const MEDIA_TYPE: &str = "application/problem+json";
const TYPE_BASE: &str = "https://prag.dev/problems/";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Every code has a status of its own class: a fault of ours is 5xx, a refusal 4xx.
    #[test]
    fn every_code_has_a_status() {
        let ours = [Code::Device, Code::Storage, Code::Internal];
        for &code in Code::ALL {
            let found = status(code);
            assert!(found.is_client_error() || found.is_server_error(), "{code:?}");
            let faulty = found == StatusCode::INTERNAL_SERVER_ERROR;
            assert_eq!(faulty, ours.contains(&code), "{code:?}");
        }
    }

    /// Absent and forbidden collections share one code, hence one status and one title.
    #[tokio::test]
    async fn the_document_is_rfc_9457() {
        let problem = Problem::new(Code::InvalidField, "1 to 1000").field("k").limit(1000u32);
        let response = Refusal(problem.clone()).into_response();
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let bytes = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let body: ProblemBody = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(body.r#type, "https://prag.dev/problems/invalid-field");
        assert_eq!((body.status, body.limit), (422, Some(1000)));
        // The same bytes read back as the plain problem that clients match on.
        assert_eq!(serde_json::from_slice::<Problem>(&bytes).unwrap(), problem);
    }
}
