//! Query: admit, embed, search, answer.
//!
//! Layer: flow.
//! Holds: the request's bounds and the grant's limits on it.
//! Never: exact scores; three digits leave the worker.
//! Invariant: the quota is used up, durably, before the reply.

use super::admit::Reader;
use super::receipt::Question;
use super::search::{Found, Plan, Ranked, Searched, depth, search};
use super::sketch::Signature;
use super::usage::count_usage;
use super::{Answer, Departure, Held, Worker, problems, validate};
use crate::collection::CollectionShard;
use prag_embedder::Role;
use prag_protocol::CollectionId;
use prag_protocol::filter::Filter;
use prag_protocol::limits::{K_MAX, QUERY_BYTES_MAX, TOKEN_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::metering::{Counted, K_DEFAULT, Metered};
use prag_protocol::wire::search::{Fusion, Hit, Mode, QueryReply, QueryRequest};
use prag_trust::head::Head;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::sync::Arc;

impl Worker {
    /// The chunks that answer a query, best first.
    ///
    /// # Errors
    /// Names the field and the limit.
    pub async fn query(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        mut request: QueryRequest,
        departure: &Departure,
    ) -> Result<Answer<Metered<QueryReply>>, Problem> {
        let reader = self.admit_search(caller, id).await?;
        let shard = reader.held.shard()?;
        self.keep_time(&shard, departure);
        let (with_metadata, metering) = (request.with_metadata, request.metering.take());
        check_token(&shard, request.token.as_deref())?;
        let charge = self.admit_usage(caller, &reader, metering, ("query", &request)).await?;
        let question = Question::of(&request)?;
        let most = request.most();
        let plan = self.plan(&reader, &shard, request).await?;
        let embedded = plan.embedded;
        let inquiry = question.map(|question| question.planned(&plan, 0));
        let (found, head) = self.find(&reader, &shard, plan).await?;
        let hits = found.iter().map(|found| hit(found, with_metadata)).collect();
        let receipt = inquiry.map(|inquiry| self.query_receipt(&shard, inquiry, head, &found));
        let profile = shard.profile().digest.clone();
        let reply = QueryReply { hits, profile, receipt: receipt.transpose()? };
        let voucher = count_usage(charge, reply.cost(embedded).least(&most)).await?;
        self.answer(caller, &reader, Metered { reply, voucher }).await
    }

    /// Use up one unit, search, and note what a grantee asked for and got. Answers the head of the view that was
    /// searched too, if the plan asks for proofs.
    pub(super) async fn find(
        &self,
        reader: &Reader,
        shard: &Arc<CollectionShard>,
        plan: Plan,
    ) -> Result<(Vec<Found>, Option<Head>), Problem> {
        self.consume(reader, 1).await?;
        // What an oblivious search finds touches no sketch: where it does would tell.
        let watched = !reader.granted.is_owner() && !shard.oblivious();
        let asked = watched.then(|| (signature(&plan), plan.text.clone()));
        let sample = self.0.probe.draw(self.0.settings.recall_probe, &plan);
        let held = Arc::clone(&reader.held);
        let (Searched { found, nearest }, head) = run(held, Arc::clone(shard), plan).await?;
        self.0.metrics.queried();
        if let Some(sample) = sample {
            self.probe(Arc::clone(shard), sample);
        }
        if let Some((signature, words)) = asked {
            let exact = nearest.is_some_and(|cosine| cosine >= EXACT_COSINE)
                || words.is_some_and(|words| found.first().is_some_and(|hit| holds(hit, &words)));
            reader.searched(signature, exact);
            reader.returned(found.iter().map(|hit| hit.document.id.as_str()));
        }
        Ok((found, head))
    }

    pub(super) async fn plan(
        &self,
        reader: &Reader,
        shard: &CollectionShard,
        request: QueryRequest,
    ) -> Result<Plan, Problem> {
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
        let mut embedded = 0;
        let vector = match request.vector {
            Some(vector) => Some(validate::vector("vector", &vector, dimension)?),
            None if dense => {
                let text = request.text.clone().unwrap_or_default();
                embedded = self.tokens_metered(reader, &text);
                Some(self.embed_query(shard, text).await?)
            }
            None => None,
        };
        Ok(Plan {
            vector: vector.filter(|_| dense),
            text: request.text.filter(|_| sparse),
            filters,
            k: k as usize,
            ef: ef as usize,
            exact: request.exact || shard.oblivious(),
            fusion,
            embedded,
            // Sizes of trees tell how much lies outside of a scope; where a proof is read tells what was found.
            proofs: request.receipt && reader.granted.scope().is_none() && !shard.oblivious(),
        })
    }

    /// The reply of an oblivious collection leaves at a multiple of the quantum. Who is not admitted is not kept.
    pub(super) fn keep_time(&self, shard: &CollectionShard, departure: &Departure) {
        if shard.oblivious() {
            let quantum = self.0.settings.oblivious_quantum_ms;
            departure.keep_to(std::time::Duration::from_millis(quantum));
        }
    }

    async fn embed_query(
        &self,
        shard: &CollectionShard,
        text: String,
    ) -> Result<Vec<f32>, Problem> {
        if shard.profile().pooling == "supplied" {
            let detail = if shard.oblivious() {
                "this collection has supplied vectors: send `vector`"
            } else {
                "this collection has supplied vectors: send `vector`, or `mode` sparse"
            };
            return Err(Problem::new(Code::InvalidField, detail).field("vector"));
        }
        let rows = self.embed(Role::Query, vec![text]).await?;
        rows.row(0).map(<[f32]>::to_vec).ok_or_else(|| Problem::new(Code::Device, "no vector"))
    }
}

async fn run(
    held: Arc<Held>,
    shard: Arc<CollectionShard>,
    plan: Plan,
) -> Result<(Searched, Option<Head>), Problem> {
    let light = is_light(&shard, &plan);
    let ranking = Arc::clone(&shard);
    let rank = move || {
        let (head, live) = if plan.proofs {
            let (head, live) = ranking.snapshot().map_err(problems::collection)?;
            (Some(head), live)
        } else {
            (None, ranking.read())
        };
        let ranked = search(&live, &plan);
        drop(live);
        Ok((ranked.map_err(|_| Problem::new(Code::Internal, "the search failed"))?, head))
    };
    let read = move |(ranked, head): (Ranked, Option<Head>)| {
        let searched = ranked.read().map_err(|error| held.damaged(&shard, error))?;
        Ok((searched, head))
    };
    if !light {
        let work = tokio::task::spawn_blocking(move || read(rank()?));
        return work.await.map_err(problems::internal)?;
    }
    let ranked = rank()?;
    if ranked.0.is_light() {
        return read(ranked);
    }
    tokio::task::spawn_blocking(move || read(ranked)).await.map_err(problems::internal)?
}

/// Whether a plan is ranked sooner than another thread would be woken for it: a walk of one graph, few rows to scan.
fn is_light(shard: &CollectionShard, plan: &Plan) -> bool {
    let walk = plan.text.is_none() && plan.filters.is_empty() && !plan.exact && !plan.proofs;
    // Who would have to wait for a writer waits on another thread.
    let Some(live) = shard.try_read() else { return false };
    let dimension = shard.profile().dimension as usize;
    let scanned = live.tail.rows.len().saturating_mul(dimension);
    walk && plan.ef.max(depth(plan.k)) <= LIGHT_EF
        && live.segments.len() <= LIGHT_SEGMENTS
        && scanned <= LIGHT_NUMBERS
}

/// Refuse to answer from before a write that the caller has seen acknowledged.
pub(super) fn check_token(shard: &CollectionShard, token: Option<&str>) -> Result<(), Problem> {
    let Some(token) = token else { return Ok(()) };
    validate::at_most("token", token.len(), TOKEN_BYTES_MAX, "bytes")?;
    let head = shard.head();
    let mut fields = token.split('.');
    let (version, lineage, size) = (fields.next(), fields.next(), fields.next());
    let size = size.and_then(|size| size.parse::<u64>().ok());
    match (version, lineage, size, fields.next()) {
        (Some("1"), Some(lineage), Some(size), None) if lineage == head.lineage.to_string() => {
            if size <= head.size {
                return Ok(());
            }
            Err(Problem::new(
                Code::Behind,
                "the worker has not seen that write; it may have been rolled back",
            ))
        }
        _ => Err(Problem::new(Code::InvalidField, "not a token of this collection").field("token")),
    }
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

fn hit(found: &Found, with_metadata: bool) -> Hit {
    let Found { document, chunk, score, .. } = found;
    let at = found.at();
    Hit {
        document: document.id.clone(),
        title: document.title.clone(),
        chunk: *chunk,
        score: three_digits(*score),
        text: found.text().to_owned(),
        start: at.map_or(0, |at| at.start),
        end: at.map_or(0, |at| at.end),
        heading_path: at.map(|at| at.heading_path.clone()).unwrap_or_default(),
        content_hash: hex::encode(document.content_hash),
        metadata: with_metadata.then(|| document.metadata()),
    }
}

/// What a plan is for, as [`super::watch`] compares it.
fn signature(plan: &Plan) -> Signature {
    match (&plan.vector, &plan.text) {
        (Some(vector), _) => Signature::of_vector(vector),
        (None, text) => Signature::of_text(text.as_deref().unwrap_or_default()),
    }
}

/// Whether a chunk has the words as they are, and they are enough to be no chance.
fn holds(found: &Found, words: &str) -> bool {
    let words = words.trim();
    words.len() >= EXACT_BYTES && found.text().contains(words)
}

/// Coarse scores: what probing for near duplicates would need stays inside.
pub(super) fn three_digits(score: f32) -> f32 {
    (score * 1000.0).round() / 1000.0
}

/// The same, as a receipt states it.
pub(super) fn thousandths(score: f32) -> i32 {
    #[allow(clippy::cast_possible_truncation)] // rounded, and what is out of range saturates
    let whole = (score * 1000.0).round() as i32;
    whole
}

const DEFAULT_EF: u32 = 96;
const EF_MAX: u64 = 4096;
/// Widest walk that is made where the request is: some tenths of a millisecond.
const LIGHT_EF: usize = 256;
/// Most graphs that are walked there.
const LIGHT_SEGMENTS: usize = 2;
/// Most numbers that are scanned there, of vectors of the tail.
const LIGHT_NUMBERS: usize = 1 << 20;
/// A query this near to a chunk is that chunk, but for a word or two.
const EXACT_COSINE: f32 = 0.97;
/// So many bytes in the same order are no chance.
const EXACT_BYTES: usize = 32;
