//! From a request to a plan: what a query may ask, and the vectors of its texts.
//!
//! Layer: flow.
//! Holds: the request's bounds and the grant's limits on it; which legs run.
//! Never: a query that was not checked embedded, nor one of several before all were checked.
//! Invariant: plan i is of request i.

use super::admit::Reader;
use super::embed::Blamed;
use super::search::Plan;
use super::{Worker, validate};
use crate::collection::CollectionShard;
use prag_embedder::Role;
use prag_protocol::filter::Filter;
use prag_protocol::limits::{K_MAX, QUERY_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::metering::K_DEFAULT;
use prag_protocol::wire::search::{Fusion, Mode, QueryRequest};

/// A plan whose text may still lack its vector.
pub(super) struct Draft {
    plan: Plan,
    /// What is to be embedded for it.
    text: Option<String>,
}

impl Draft {
    /// How many hits are wanted.
    pub(super) fn k(&self) -> usize {
        self.plan.k
    }
}

impl Worker {
    /// The plan of one request.
    pub(super) async fn plan(
        &self,
        reader: &Reader,
        shard: &CollectionShard,
        request: QueryRequest,
    ) -> Result<Plan, Problem> {
        let draft = self.draft(reader, shard, request)?;
        let planned = self.planned(vec![draft]).await;
        let plan = planned.map_err(|blamed| blamed.problem)?.pop();
        plan.ok_or_else(|| Problem::new(Code::Internal, "no plan"))
    }

    /// What a request asks for, checked.
    pub(super) fn draft(
        &self,
        reader: &Reader,
        shard: &CollectionShard,
        request: QueryRequest,
    ) -> Result<Draft, Problem> {
        let k = request.k.unwrap_or_else(|| reader.granted.max_k().min(K_DEFAULT));
        validate::within("k", u64::from(k), 1, u64::from(reader.granted.max_k().min(K_MAX)))?;
        let ef = request.ef.unwrap_or(DEFAULT_EF);
        validate::within("ef", u64::from(ef), 1, EF_MAX)?;
        let fusion = fusion(request.fusion)?;
        let filters = filters(reader, request.filter)?;
        let (text, given) = (request.text.is_some(), request.vector.is_some());
        let (dense, sparse) = if shard.oblivious() {
            vectors_alone(&request.mode, text, given)?
        } else {
            legs(&request.mode, text, given)?
        };
        if let Some(text) = &request.text {
            validate::text("text", text, QUERY_BYTES_MAX)?;
        }
        let dimension = shard.profile().dimension as usize;
        let vector = request.vector.map(|vector| validate::vector("vector", &vector, dimension));
        let vector = vector.transpose()?;
        let embeds = dense && vector.is_none();
        if embeds {
            check_embeds(shard)?;
        }
        let text = embeds.then(|| request.text.clone().unwrap_or_default());
        let plan = Plan {
            vector: vector.filter(|_| dense),
            text: request.text.filter(|_| sparse),
            filters,
            k: k as usize,
            ef: ef as usize,
            exact: request.exact || shard.oblivious(),
            fusion,
            embedded: text.as_ref().map_or(0, |text| self.tokens_metered(reader, text)),
            // Sizes of trees tell how much lies outside of a scope; where a proof is read tells what was found.
            proofs: request.receipt && reader.granted.scope().is_none() && !shard.oblivious(),
        };
        Ok(Draft { plan, text })
    }

    /// With the vectors of all their texts, which are embedded together.
    pub(super) async fn planned(&self, mut drafts: Vec<Draft>) -> Result<Vec<Plan>, Blamed> {
        let (places, texts): (Vec<usize>, Vec<String>) = drafts
            .iter_mut()
            .enumerate()
            .filter_map(|(place, draft)| Some((place, draft.text.take()?)))
            .unzip();
        let mut plans: Vec<Plan> = drafts.into_iter().map(|draft| draft.plan).collect();
        if texts.is_empty() {
            return Ok(plans);
        }
        let rows = self.embed_each(Role::Query, texts).await;
        let rows = rows.map_err(|Blamed { index, problem }| {
            let index = index.and_then(|index| places.get(index).copied());
            Blamed { index, problem }
        })?;
        for (place, vector) in places.into_iter().zip(rows.iter()) {
            if let Some(plan) = plans.get_mut(place) {
                plan.vector = Some(vector.to_vec());
            }
        }
        Ok(plans)
    }
}

/// Refuse a text where nothing embeds it.
fn check_embeds(shard: &CollectionShard) -> Result<(), Problem> {
    if shard.profile().pooling != "supplied" {
        return Ok(());
    }
    let detail = if shard.oblivious() {
        "this collection has supplied vectors: send `vector`"
    } else {
        "this collection has supplied vectors: send `vector`, or `mode` sparse"
    };
    Err(Problem::new(Code::InvalidField, detail).field("vector"))
}

/// Which legs run.
fn legs(mode: &Option<Mode>, text: bool, vector: bool) -> Result<(bool, bool), Problem> {
    let missing = |field: &str, why: &str| Err(Problem::new(Code::InvalidField, why).field(field));
    match mode {
        _ if !text && !vector => missing("text", "send `text`, `vector`, or both"),
        Some(Mode::Dense) => Ok((true, false)),
        Some(Mode::Sparse | Mode::Hybrid) if !text => missing("text", "BM25 needs `text`"),
        Some(Mode::Sparse) => Ok((false, true)),
        Some(Mode::Hybrid) => Ok((true, true)),
        None => Ok((true, text)),
    }
}

/// The legs of an oblivious collection: words are looked up in lists whose places and lengths tell which they are.
fn vectors_alone(mode: &Option<Mode>, text: bool, vector: bool) -> Result<(bool, bool), Problem> {
    match mode {
        None | Some(Mode::Dense) => legs(&Some(Mode::Dense), text, vector),
        Some(Mode::Sparse | Mode::Hybrid) => {
            let detail = "this collection is searched obliviously: by vectors alone, so `mode` is dense or left out";
            Err(Problem::new(Code::InvalidField, detail).field("mode"))
        }
    }
}

pub(super) fn filters(reader: &Reader, filter: Option<Filter>) -> Result<Vec<Filter>, Problem> {
    if let Some(filter) = &filter {
        filter
            .check()
            .map_err(|error| Problem::new(Code::BadFilter, error.to_string()).field("filter"))?;
    }
    Ok(filter.into_iter().chain(reader.granted.scope().cloned()).collect())
}

pub(super) fn fusion(fusion: Option<Fusion>) -> Result<prag_index::Fusion, Problem> {
    let bad = |field: &str, range: &str| {
        Problem::new(Code::InvalidField, format!("`{field}` must be {range}"))
            .field(field.to_owned())
    };
    match fusion {
        None => Ok(prag_index::Fusion::default()),
        Some(Fusion::Linear { weight }) if (0.0..=1.0).contains(&weight) => {
            Ok(prag_index::Fusion::Linear { weight })
        }
        Some(Fusion::Linear { .. }) => Err(bad("fusion.linear.weight", "0 to 1")),
        Some(Fusion::Rrf { k }) if (1..=1000).contains(&k) => {
            Ok(prag_index::Fusion::Rrf { k, weights: Vec::new() })
        }
        Some(Fusion::Rrf { .. }) => Err(bad("fusion.rrf.k", "1 to 1000")),
        Some(Fusion::Dbsf) => Ok(prag_index::Fusion::Dbsf),
    }
}

const DEFAULT_EF: u32 = 96;
const EF_MAX: u64 = 4096;
