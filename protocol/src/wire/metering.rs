//! Metering: what a request brings, what its reply carries, and what it costs.
//!
//! Layer: protocol, wire.
//! Holds: request ids and vouchers as they travel; the cost of a reply, and the greatest cost of a request.
//! Never: a signature made or checked.
//! Invariant: a reply costs no more than its request could, so a client knows before it asks what it may owe.

use super::Page;
use super::documents::DocumentInfo;
use super::search::{
    ContextReply, ContextRequest, Mode, QueriesReply, QueriesRequest, QueryReply, QueryRequest,
};
use crate::ledger::voucher::{Counters, OfferedVoucher, SignedVoucher};
use crate::limits::{DOCUMENT_CHUNKS_MAX, PAGE_ROWS_MAX};
use crate::{Address, RequestId};
use serde::{Deserialize, Serialize};

/// In a worker's attestation: grantees' use is metered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Terms {
    /// Queries that a session may owe before it countersigns.
    pub credit: u64,
    /// The worker's account, as its vouchers name it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub worker: Address,
}

/// In a request: what metering needs to know of it. An owner's is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Metering {
    /// 32 random hex digits; the same for each retry, which is then served again but not counted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub request_id: Option<RequestId>,
    /// The latest voucher that the session has countersigned. An older one than the worker has is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub voucher: Option<SignedVoucher>,
}

/// A reply, and what the session has used with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Metered<T> {
    /// As it is without metering.
    #[serde(flatten)]
    pub reply: T,
    /// Where the session is metered: all that it has used, this reply included, signed by the worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub voucher: Option<OfferedVoucher>,
}

/// `POST /v1/collections/{c}/vouchers`: hand a voucher in, or only ask how the session stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HandIn {
    /// Countersigned by the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub voucher: Option<SignedVoucher>,
}

/// How a session stands with a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Standing {
    /// All that it has used, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub offered: Option<OfferedVoucher>,
    /// The latest that it has countersigned: whoever has lost it knows its own signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub countersigned: Option<SignedVoucher>,
}

/// A reply that is counted.
pub trait Counted {
    /// What it costs, where its request embedded so many tokens; of a page or a document, the most that it may: a grant
    /// with a larger `max_k` makes it fewer queries.
    fn cost(&self, embedded: u64) -> Counters;
}

impl Counted for QueryReply {
    fn cost(&self, embedded: u64) -> Counters {
        Counters { queries: 1, chunks: self.hits.len() as u64, embedded, ..Counters::default() }
    }
}

impl Counted for QueriesReply {
    fn cost(&self, embedded: u64) -> Counters {
        let chunks = self.replies.iter().map(|reply| reply.hits.len() as u64).sum();
        let queries = self.replies.len() as u64;
        Counters { queries, chunks, embedded, ..Counters::default() }
    }
}

impl Counted for ContextReply {
    fn cost(&self, embedded: u64) -> Counters {
        let chunks = self.citations.len() as u64;
        let input = u64::from(self.tokens);
        Counters { queries: 1, chunks, embedded, input, ..Counters::default() }
    }
}

impl Counted for DocumentInfo {
    fn cost(&self, embedded: u64) -> Counters {
        let chunks = u64::from(self.chunks);
        Counters { queries: chunks.max(1), chunks, embedded, ..Counters::default() }
    }
}

impl Counted for Page<DocumentInfo> {
    fn cost(&self, embedded: u64) -> Counters {
        let queries = (self.data.len() as u64).max(1);
        Counters { queries, embedded, ..Counters::default() }
    }
}

impl QueryRequest {
    /// What the reply costs at most.
    #[must_use]
    pub fn most(&self) -> Counters {
        let embeds = self.vector.is_none() && !matches!(self.mode, Some(Mode::Sparse));
        let text = self.text.as_deref().filter(|_| embeds);
        Counters {
            queries: 1,
            chunks: u64::from(self.k.unwrap_or(K_DEFAULT)),
            embedded: text.map_or(0, tokens),
            ..Counters::default()
        }
    }
}

impl QueriesRequest {
    /// What the reply costs at most.
    #[must_use]
    pub fn most(&self) -> Counters {
        let each = self.queries.iter().map(QueryRequest::most);
        each.fold(Counters::default(), |sum, one| Counters {
            queries: sum.queries.saturating_add(one.queries),
            chunks: sum.chunks.saturating_add(one.chunks),
            embedded: sum.embedded.saturating_add(one.embedded),
            ..sum
        })
    }
}

impl ContextRequest {
    /// What the reply costs at most.
    #[must_use]
    pub fn most(&self) -> Counters {
        Counters {
            queries: 1,
            chunks: u64::from(self.passages.unwrap_or(PASSAGES_DEFAULT)),
            embedded: tokens(&self.prompt),
            input: u64::from(self.budget),
            ..Counters::default()
        }
    }
}

/// What a document costs at most.
#[must_use]
pub fn document_most() -> Counters {
    let chunks = DOCUMENT_CHUNKS_MAX as u64;
    Counters { queries: chunks, chunks, ..Counters::default() }
}

/// What a page of documents costs at most.
#[must_use]
pub fn page_most(rows: Option<u32>) -> Counters {
    let queries = u64::from(rows.unwrap_or(PAGE_ROWS_DEFAULT).min(PAGE_ROWS_MAX)).max(1);
    Counters { queries, ..Counters::default() }
}

/// More tokens than any tokenizer makes of a text: each stands for a byte at least, besides a few that every text has.
fn tokens(text: &str) -> u64 {
    (text.len() as u64).saturating_add(TOKENS_SPARE)
}

/// Hits of a query that names no `k`, where the grant allows as many.
pub const K_DEFAULT: u32 = 10;
/// Passages of a context that names no number, where the grant allows as many.
pub const PASSAGES_DEFAULT: u32 = 12;
/// Rows of a page that names no number.
pub const PAGE_ROWS_DEFAULT: u32 = 100;
/// Marks at both ends, and what a model is told before each text.
const TOKENS_SPARE: u64 = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A metered reply is the reply with one field more; without a voucher, the reply itself.
    #[test]
    fn a_voucher_is_one_field_more() {
        let text = r#"{"context":"c","tokens":7,"budget":64,"citations":[],"profile":"p"}"#;
        let metered: Metered<ContextReply> = serde_json::from_str(text).unwrap();
        assert_eq!(metered.voucher, None);
        assert_eq!(serde_json::to_string(&metered).unwrap(), text);
        assert_eq!(metered.reply.cost(3).values(), [1, 0, 3, 7, 0]);
    }

    /// What a request may cost follows from what it asks, and nothing that it leaves open is free.
    #[test]
    fn requests_have_a_greatest_cost() {
        let query =
            |text: &str| serde_json::from_str::<QueryRequest>(text).unwrap().most().values();
        assert_eq!(query(r#"{"text":"four"}"#), [1, 10, 68, 0, 0]);
        assert_eq!(query(r#"{"text":"four","mode":"sparse","k":3}"#), [1, 3, 0, 0, 0]);
        assert_eq!(query(r#"{"text":"four","vector":[1.0]}"#), [1, 10, 0, 0, 0]);
        let several = r#"{"queries":[{"text":"four"},{"text":"four","mode":"sparse","k":3}]}"#;
        let several = serde_json::from_str::<QueriesRequest>(several).unwrap();
        assert_eq!(several.most().values(), [2, 13, 68, 0, 0]);
        let context = ContextRequest { prompt: "four".into(), budget: 99, ..Default::default() };
        assert_eq!(context.most().values(), [1, 12, 68, 99, 0]);
        assert_eq!(page_most(None).values(), [100, 0, 0, 0, 0]);
        assert_eq!(page_most(Some(u32::MAX)).queries, 1000);
    }
}
