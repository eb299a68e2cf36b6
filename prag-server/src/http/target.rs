//! What a request's target names: path parameters, listings, opaque texts.
//!
//! Layer: `http`; shared by the routes.
//! Holds: extractors and checks that answer with problems.
//! Never: a lookup; whether a thing exists is for `flow` to say, after admission.
//! Invariant: what leaves here is within its bounds.

use super::problem::Refusal;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use prag_protocol::limits::{PAGE_ROWS_MAX, TOKEN_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::documents::{Ack, Writing};
use prag_protocol::{CollectionId, RequestId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What a path's template names, in order; anything but UTF-8 is a problem, not a text reply.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(named)) => Ok(Self(named)),
            Err(_) => Err(Problem::new(Code::InvalidField, "UTF-8").field("path").into()),
        }
    }
}

/// The query of a listing.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    /// Opaque, from the page before.
    pub(super) cursor: Option<String>,
    /// Rows wanted, 1 to 1000.
    pub(super) limit: Option<u32>,
    /// Which metered request this is.
    pub(super) request_id: Option<RequestId>,
}

impl Listing {
    /// Reads the query of a listing that is not metered.
    pub(super) fn parse(uri: &Uri) -> Result<Self, Problem> {
        let detail = "a listing takes one `cursor` and one `limit`";
        let refused = || Problem::new(Code::InvalidField, detail).field("query");
        let listing = Self::read(uri, refused)?;
        if listing.request_id.is_some() { Err(refused()) } else { Ok(listing) }
    }

    /// Reads the query of a listing of documents.
    pub(super) fn metered(uri: &Uri) -> Result<Self, Problem> {
        let detail = "a listing takes one `cursor`, one `limit` and one `request_id`";
        Self::read(uri, || Problem::new(Code::InvalidField, detail).field("query"))
    }

    fn read(uri: &Uri, refused: impl Fn() -> Problem) -> Result<Self, Problem> {
        let Query(listing) = Query::<Self>::try_from_uri(uri).map_err(|_| refused())?;
        if listing.limit.is_some_and(|rows| !(1..=PAGE_ROWS_MAX).contains(&rows)) {
            let problem = Problem::new(Code::InvalidField, "rows of a page, at least 1");
            return Err(problem.field("limit").limit(PAGE_ROWS_MAX));
        }
        if let Some(cursor) = &listing.cursor {
            token(cursor, "cursor")?;
        }
        Ok(listing)
    }
}

/// Which metered request this is: the query `request_id`.
pub(super) fn request_id(uri: &Uri) -> Result<Option<RequestId>, Problem> {
    #[derive(Deserialize)]
    struct Named {
        request_id: Option<RequestId>,
    }
    let detail = "32 lowercase hexadecimal digits, once";
    let refused = |_| Problem::new(Code::InvalidField, detail).field("request_id");
    Query::<Named>::try_from_uri(uri).map(|named| named.0.request_id).map_err(refused)
}

/// What a write is asked besides: the queries `ack` and `receipt`.
pub(super) fn writing(uri: &Uri) -> Result<Writing, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        ack: Option<String>,
        #[serde(default)]
        receipt: bool,
    }
    let refused = |detail: &str| Problem::new(Code::InvalidField, detail);
    let Ok(Query(Wanted { ack, receipt })) = Query::try_from_uri(uri) else {
        let detail = "a write takes `ack`, and `receipt` as true or false, once each";
        return Err(refused(detail).field("query"));
    };
    let ack = match ack.as_deref() {
        None | Some("sealed") => Ack::Sealed,
        Some("anchored") => Ack::Anchored,
        Some("replicated") => {
            let detail = "`replicated` is not available: this worker keeps one copy of a shard; take `sealed` or `anchored`";
            return Err(refused(detail).field("ack"));
        }
        Some(_) => return Err(refused("`sealed` or `anchored`").field("ack")),
    };
    Ok(Writing { ack, receipt })
}

/// The collection that a path names.
pub(super) fn collection_id(text: &str) -> Result<CollectionId, Problem> {
    text.parse().map_err(|_| {
        Problem::new(Code::InvalidField, "32 lowercase hexadecimal digits").field("collection")
    })
}

/// Refuses an opaque text that this worker cannot have made.
pub(super) fn token(text: &str, field: &str) -> Result<(), Problem> {
    let fits = (1..=TOKEN_BYTES_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let problem = Problem::new(Code::InvalidField, "opaque text of this worker, bytes");
    Err(problem.field(field).limit(TOKEN_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// A listing takes a cursor and a limit, within bounds, and nothing else.
    #[test]
    fn listings_are_bounded() {
        let parse = |query: &str| Listing::parse(&format!("/v1/x?{query}").parse().unwrap());
        let ok = parse("limit=1000&cursor=abc%2D1").unwrap();
        assert_eq!(ok.limit, Some(1000));
        assert_eq!(ok.cursor.as_deref(), Some("abc-1"));
        assert_eq!(parse("").unwrap(), Listing::default());
        for bad in [
            "limit=0",
            "limit=1001",
            "limit=x",
            "cursor=",
            "cursor=%00",
            "name=x",
            "limit=1&limit=2",
        ] {
            assert_eq!(parse(bad).unwrap_err().code, Code::InvalidField, "{bad}");
        }
        let long = format!("cursor={}", "a".repeat(TOKEN_BYTES_MAX + 1));
        assert!(parse(&long).is_err());
    }

    /// A level is one of two; the third has a name and is refused by it.
    #[test]
    fn levels_are_named() {
        let whole = |query: &str| writing(&format!("/v1/x{query}").parse().unwrap());
        let parse = |query: &str| whole(query).map(|writing| writing.ack);
        assert_eq!(parse("").unwrap(), Ack::Sealed);
        assert_eq!(parse("?").unwrap(), Ack::Sealed);
        for level in [Ack::Sealed, Ack::Anchored] {
            assert_eq!(parse(&format!("?ack={}", level.as_str())).unwrap(), level);
        }
        let replicated = parse("?ack=replicated").unwrap_err();
        assert!(replicated.detail.contains("`replicated` is not available"), "{replicated}");
        assert_eq!(replicated.field.as_deref(), Some("ack"));
        for bad in ["?ack=", "?ack=Anchored", "?ack=sealed&ack=anchored", "?wait=1"] {
            assert_eq!(parse(bad).unwrap_err().code, Code::InvalidField, "{bad}");
        }
    }

    /// A receipt is asked for by name, beside a level or without one.
    #[test]
    fn receipts_are_asked_for_by_name() {
        let parse = |query: &str| writing(&format!("/v1/x{query}").parse().unwrap());
        assert!(!parse("").unwrap().receipt && !parse("?receipt=false").unwrap().receipt);
        assert!(parse("?receipt=true").unwrap().receipt);
        let both = Writing { ack: Ack::Anchored, receipt: true };
        assert_eq!(parse("?ack=anchored&receipt=true").unwrap(), both);
        for bad in ["?receipt=1", "?receipt", "?receipt=true&receipt=true", "?id=x"] {
            assert_eq!(parse(bad).unwrap_err().code, Code::InvalidField, "{bad}");
        }
    }

    /// A path that names no collection is refused as a field.
    #[test]
    fn collection_ids_parse() {
        assert!(collection_id(&"0a".repeat(16)).is_ok());
        for bad in ["", "0a", &"0A".repeat(16), &"0a".repeat(17)] {
            assert_eq!(collection_id(bad).unwrap_err().code, Code::InvalidField);
        }
    }
}
