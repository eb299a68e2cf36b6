//! How long a reply looks from outside.
//!
//! Layer: `http`; used by the gateway alone.
//! Holds: the bucket of query and context replies, and Padmé for all others.
//! Never: a length that depends on hits, scores, or on whether the request was refused.
//! Invariant: a bucket is a function of the request's parameters and of the worker's one class of hits
//! ([`crate::room`]); what outgrows it is refused, not leaked.

use axum::http::Method;
use prag_protocol::limits::{
    BUDGET_TOKENS_MAX, CONTEXT_PASSAGES_MAX, HIT_BYTES_MAX, K_MAX, QUERIES_HITS_MAX, QUERIES_MAX,
};
use prag_protocol::wire::metering::{K_DEFAULT, PASSAGES_DEFAULT};
use prag_trust::padding::padded_len;
use serde::Deserialize;

/// Length of a reply before it is sealed, bytes of the binary HTTP message with its padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Exactly this long, whatever the answer: so many bytes, and room for so many hits.
    Bucket { bytes: usize, hits: usize },
    /// At least [`FLOOR_BYTES`], then Padmé over the answer's length.
    Loose,
}

impl Shape {
    /// The shape of the reply to a request, from the request alone.
    ///
    /// A body that does not parse has the bucket of the defaults: its refusal looks like an answer.
    pub(super) fn of(method: &Method, path: &str, body: &[u8]) -> Self {
        let mut parts = path.trim_start_matches('/').split('/');
        let route = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
        let (Some("v1"), Some("collections"), Some(_), Some(leaf), None) = route else {
            return Self::Loose;
        };
        if method != Method::POST {
            return Self::Loose;
        }
        match leaf {
            "query" => query(&serde_json::from_slice(body).unwrap_or_default()),
            "queries" => queries(&serde_json::from_slice(body).unwrap_or_default()),
            "context" => context(&serde_json::from_slice(body).unwrap_or_default()),
            _ => Self::Loose,
        }
    }

    /// Length of a reply of `message` bytes, where each hit has `hit_bytes`.
    pub(super) fn length(self, message: usize, hit_bytes: usize) -> usize {
        match self {
            Self::Bucket { bytes, hits } => bytes + hits * hit_bytes,
            Self::Loose => padded_len(message.max(FLOOR_BYTES)),
        }
    }

    /// Appends zeros after a binary HTTP message (RFC 9292, section 3.8). False if it does not fit.
    pub(super) fn pad(self, message: &mut Vec<u8>, hit_bytes: usize) -> bool {
        let wanted = self.length(message.len(), hit_bytes);
        let fits = message.len() <= wanted;
        if fits {
            message.resize(wanted, 0);
        }
        fits
    }
}

/// The part of a query that its reply's size follows. Everything else is passed over.
#[derive(Default, Deserialize)]
struct QueryShape {
    k: Option<u32>,
    #[serde(default)]
    with_metadata: bool,
    #[serde(default)]
    receipt: bool,
}

/// The part of a request of several queries that its reply's size follows.
#[derive(Default, Deserialize)]
struct QueriesShape {
    queries: Vec<QueryShape>,
}

/// The part of a context request that its reply's size follows.
#[derive(Default, Deserialize)]
struct ContextShape {
    budget: Option<u32>,
    passages: Option<u32>,
    #[serde(default)]
    receipt: bool,
}

fn query(shape: &QueryShape) -> Shape {
    let hits = shape.hits();
    Shape::Bucket { bytes: REPLY_BYTES + VOUCHER_BYTES + shape.beside(hits), hits }
}

/// The sum of the queries'. Where they want more hits than a request may, as many as it may: it is refused.
fn queries(shape: &QueriesShape) -> Shape {
    let (mut bytes, mut hits) = (REPLY_BYTES + VOUCHER_BYTES, 0);
    for query in shape.queries.iter().take(QUERIES_MAX) {
        let more = query.hits().min(QUERIES_HITS_MAX as usize - hits);
        bytes += ANSWER_BYTES + query.beside(more);
        hits += more;
    }
    Shape::Bucket { bytes, hits }
}

impl QueryShape {
    fn hits(&self) -> usize {
        self.k.unwrap_or(K_DEFAULT).clamp(1, K_MAX) as usize
    }

    /// Bytes that `hits` may add, besides what each of them has.
    fn beside(&self, hits: usize) -> usize {
        let metadata = if self.with_metadata { METADATA_BYTES } else { 0 };
        let receipt = if self.receipt { RECEIPT_BYTES + hits * PASSAGE_BYTES } else { 0 };
        hits * metadata + receipt
    }
}

fn context(shape: &ContextShape) -> Shape {
    let budget = shape.budget.unwrap_or(0).clamp(1, BUDGET_TOKENS_MAX) as usize;
    let passages = shape.passages.unwrap_or(PASSAGES_DEFAULT);
    let passages = passages.clamp(1, CONTEXT_PASSAGES_MAX) as usize;
    let text = (budget * TOKEN_BYTES).min(passages * HIT_BYTES);
    // A receipt shows each passage's text again, as it was before it was fenced.
    let receipt = if shape.receipt { RECEIPT_BYTES + passages * PASSAGE_BYTES + text } else { 0 };
    let bytes = REPLY_BYTES + VOUCHER_BYTES + text + passages * CITATION_BYTES + receipt;
    Shape::Bucket { bytes, hits: 0 }
}

/// Shortest reply: refusals and small answers look alike.
const FLOOR_BYTES: usize = 2048;
/// Headers, profile digest, JSON around the hits; a refusal fits too.
const REPLY_BYTES: usize = 2048;
/// Profile digest and JSON around the hits of one answer among several.
const ANSWER_BYTES: usize = 256;
/// A voucher (at most 1,000 bytes of JSON, a third more where the reply is sealed), in every bucket: whether use is
/// metered, and whose, shows in no length.
const VOUCHER_BYTES: usize = 1408;
/// One passage of a context at its longest.
const HIT_BYTES: usize = HIT_BYTES_MAX as usize;
/// One document's metadata, where it was asked for; more of it is refused by name.
const METADATA_BYTES: usize = 8192;
/// One citation: title, headings, id, digest.
const CITATION_BYTES: usize = 2560;
/// A receipt without its entries: what was asked, head, signature, salt.
const RECEIPT_BYTES: usize = 1024;
/// One entry of a receipt: a proof of 32 hashes in base64 (1,500 bytes), and a salt.
const PASSAGE_BYTES: usize = 2048;
/// Bytes of context a token may stand for; English has 4 to 5.
const TOKEN_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    const QUERY: &str = "/v1/collections/00/query";
    const QUERIES: &str = "/v1/collections/00/queries";
    const CONTEXT: &str = "/v1/collections/00/context";

    /// The bucket follows k and budget, and neither text nor validity.
    #[test]
    fn buckets_follow_parameters_only() {
        let of = |path, body: &str| Shape::of(&Method::POST, path, body.as_bytes());
        let ten = of(QUERY, "{\"k\":10,\"text\":\"a\"}");
        assert_eq!(ten, of(QUERY, "{\"text\":\"another, much longer question\"}"));
        assert_eq!(ten, of(QUERY, "not JSON"));
        assert_eq!(ten, of(QUERY, "{\"k\":\"ten\"}"));
        assert_ne!(ten, of(QUERY, "{\"k\":11}"));
        assert_ne!(ten, of(QUERY, "{\"k\":10,\"with_metadata\":true}"));
        assert_ne!(ten, of(QUERY, "{\"k\":10,\"receipt\":true}"));
        assert_eq!(of(QUERY, "{\"k\":4000000000}"), of(QUERY, "{\"k\":1000}"));
        assert_ne!(of(CONTEXT, "{\"budget\":256}"), of(CONTEXT, "{\"budget\":512}"));
        assert_ne!(
            of(CONTEXT, "{\"budget\":256}"),
            of(CONTEXT, "{\"budget\":256,\"receipt\":true}")
        );
        assert_eq!(Shape::of(&Method::GET, QUERY, b""), Shape::Loose);
        assert_eq!(of("/v1/collections/00/documents/query", "{}"), Shape::Loose);
        assert_eq!(of("/v1/models", "{}"), Shape::Loose);
    }

    /// The bucket of several queries follows their parameters, and ends where a request's bounds do.
    #[test]
    fn several_queries_share_a_bucket() {
        let of = |body: &str| Shape::of(&Method::POST, QUERIES, body.as_bytes());
        let room = |body: &str| match of(body) {
            Shape::Bucket { bytes, hits } => (bytes, hits),
            Shape::Loose => panic!("loose"),
        };
        let two = r#"{"queries":[{"k":3,"text":"a"},{"k":4,"vector":[1,2]}]}"#;
        assert_eq!(of(two), of(r#"{"queries":[{"k":4},{"k":3,"text":"a longer question"}]}"#));
        assert_eq!(room(two).1, 7);
        assert_ne!(of(two), of(r#"{"queries":[{"k":3},{"k":4,"receipt":true}]}"#));
        assert_ne!(of(two), of(r#"{"queries":[{"k":7}]}"#));
        assert_eq!(of("not JSON"), of(r#"{"queries":[]}"#));
        let many = |count: usize, k: u32| {
            format!(r#"{{"queries":[{}]}}"#, vec![format!(r#"{{"k":{k}}}"#); count].join(","))
        };
        assert_eq!(room(&many(64, 20)).1, 1000);
        assert_eq!(of(&many(5000, 1)), of(&many(64, 1)));
        let one = match Shape::of(&Method::POST, QUERY, br#"{"k":5,"receipt":true}"#) {
            Shape::Bucket { bytes, hits } => (bytes, hits),
            Shape::Loose => panic!("loose"),
        };
        let listed = room(r#"{"queries":[{"k":5,"receipt":true}]}"#);
        assert_eq!((one.0 + ANSWER_BYTES, one.1), listed);
    }

    /// A bucket is exact, and what outgrows it is left alone and reported.
    #[test]
    fn pads_to_the_bucket_or_refuses() {
        let bucket = |bytes| Shape::Bucket { bytes, hits: 2 };
        let mut message = vec![1; 10];
        assert!(bucket(44).pad(&mut message, 10));
        assert_eq!(message.len(), 64);
        assert!(bucket(44).pad(&mut message, 10));
        assert!(!bucket(43).pad(&mut message, 10) && !bucket(44).pad(&mut message, 9));
        assert_eq!(message.len(), 64);
    }

    /// Refusals and short answers share one length; longer ones share few.
    #[test]
    fn loose_replies_have_few_lengths() {
        let mut lengths = std::collections::BTreeSet::new();
        for length in (1..200_000usize).step_by(7) {
            let mut message = vec![1; length];
            assert!(Shape::Loose.pad(&mut message, 8192));
            assert!(message.len() >= length.max(FLOOR_BYTES));
            lengths.insert(message.len());
        }
        assert!(lengths.len() < 200, "{}", lengths.len());
    }
}
