//! Query, and several at once: admit, plan, search, answer.
//!
//! Layer: flow.
//! Holds: the order; what is noted of a grantee; the shape of a hit.
//! Never: exact scores; three digits leave the worker.
//! Invariant: the quota is used up, durably, before the reply.

use super::admit::Reader;
use super::look::look;
use super::plan::Draft;
use super::receipt::{Inquiry, Question};
use super::search::{Found, Plan, Searched};
use super::sketch::Signature;
use super::usage::count_usage;
use super::{Answer, Departure, Worker, validate};
use crate::collection::CollectionShard;
use prag_protocol::CollectionId;
use prag_protocol::limits::{QUERIES_HITS_MAX, QUERIES_MAX, TOKEN_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::metering::{Counted, Metered};
use prag_protocol::wire::search::{Hit, QueriesReply, QueriesRequest, QueryReply, QueryRequest};
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
        let metering = request.metering.take();
        check_token(&shard, request.token.as_deref())?;
        let charge = self.admit_usage(caller, &reader, metering, ("query", &request)).await?;
        let most = request.most();
        let form = Form::of(&request)?;
        let plan = self.plan(&reader, &shard, request).await?;
        let embedded = plan.embedded;
        let form = form.planned(&plan);
        let found = self.find(&reader, &shard, plan).await?;
        let reply = self.reply(&shard, form, found)?;
        let voucher = count_usage(charge, reply.cost(embedded).least(&most)).await?;
        self.answer(caller, &reader, Metered { reply, voucher }).await
    }

    /// The chunks that answer each of several queries. All are checked before the first is embedded or counted.
    ///
    /// # Errors
    /// Names the query, the field and the limit.
    pub async fn queries(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        mut request: QueriesRequest,
        departure: &Departure,
    ) -> Result<Answer<Metered<QueriesReply>>, Problem> {
        let reader = self.admit_read(caller, id).await?;
        let shard = reader.held.shard()?;
        self.keep_time(&shard, departure);
        let count = request.queries.len() as u64;
        validate::within("queries", count, 1, QUERIES_MAX as u64)?;
        self.keep_pace(&reader, count)?;
        let metering = request.metering.take();
        for (index, query) in request.queries.iter().enumerate() {
            check_one(&shard, query).map_err(|problem| problem.of_entry(LIST, index))?;
        }
        let charge = self.admit_usage(caller, &reader, metering, ("queries", &request)).await?;
        let most = request.most();
        let (mut forms, mut drafts) = (Vec::new(), Vec::new());
        for (index, query) in request.queries.into_iter().enumerate() {
            forms.push(Form::of(&query)?);
            let draft = self.draft(&reader, &shard, query);
            drafts.push(draft.map_err(|problem| problem.of_entry(LIST, index))?);
        }
        check_hits(&drafts)?;
        let plans = self.planned(drafts).await.map_err(|blamed| blamed.of_entry(LIST))?;
        let embedded = plans.iter().map(|plan| plan.embedded).sum();
        let forms: Vec<Form> =
            forms.into_iter().zip(&plans).map(|(form, plan)| form.planned(plan)).collect();
        self.consume(&reader, count).await?;
        let found = self.watched(&reader, &shard, plans).await?;
        let replies = forms.into_iter().zip(found);
        let replies = replies.map(|(form, found)| self.reply(&shard, form, found));
        let reply = QueriesReply { replies: replies.collect::<Result<_, _>>()? };
        let voucher = count_usage(charge, reply.cost(embedded).least(&most)).await?;
        self.answer(caller, &reader, Metered { reply, voucher }).await
    }

    /// Use up one unit, and look.
    pub(super) async fn find(
        &self,
        reader: &Reader,
        shard: &Arc<CollectionShard>,
        plan: Plan,
    ) -> Result<(Vec<Found>, Option<Head>), Problem> {
        self.consume(reader, 1).await?;
        let found = self.watched(reader, shard, vec![plan]).await?.pop();
        found.ok_or_else(|| Problem::new(Code::Internal, "no answer"))
    }

    /// Search, and note what a grantee asked for and got. Answers the head of the view that was searched too, where the
    /// plan asks for proofs.
    async fn watched(
        &self,
        reader: &Reader,
        shard: &Arc<CollectionShard>,
        plans: Vec<Plan>,
    ) -> Result<Vec<(Vec<Found>, Option<Head>)>, Problem> {
        // What an oblivious search finds touches no sketch: where it does would tell.
        let watches = !reader.granted.is_owner() && !shard.oblivious();
        let noted: Vec<_> = plans
            .iter()
            .map(|plan| {
                let asked = watches.then(|| (signature(plan), plan.text.clone()));
                (asked, self.0.probe.draw(self.0.settings.recall_probe, plan))
            })
            .collect();
        let searched = look(Arc::clone(&reader.held), Arc::clone(shard), plans).await?;
        let answers = searched.into_iter().zip(noted);
        let answers = answers.map(|((Searched { found, nearest }, head), (asked, sample))| {
            self.0.metrics.queried();
            if let Some(sample) = sample {
                self.probe(Arc::clone(shard), sample);
            }
            if let Some((signature, words)) = asked {
                let first = found.first();
                let exact = nearest.is_some_and(|cosine| cosine >= EXACT_COSINE)
                    || words.is_some_and(|words| first.is_some_and(|hit| holds(hit, &words)));
                reader.searched(signature, exact);
                reader.returned(found.iter().map(|hit| hit.document.id.as_str()));
            }
            (found, head)
        });
        Ok(answers.collect())
    }

    fn reply(
        &self,
        shard: &CollectionShard,
        form: Form,
        (found, head): (Vec<Found>, Option<Head>),
    ) -> Result<QueryReply, Problem> {
        let hits = found.iter().map(|found| hit(found, form.with_metadata)).collect();
        let sign = |inquiry| self.query_receipt(shard, inquiry, head, &found);
        let receipt = form.inquiry.map(sign).transpose()?;
        Ok(QueryReply { hits, profile: shard.profile().digest.clone(), receipt })
    }

    /// The reply of an oblivious collection leaves at a multiple of the quantum. Who is not admitted is not kept.
    pub(super) fn keep_time(&self, shard: &CollectionShard, departure: &Departure) {
        if shard.oblivious() {
            let quantum = self.0.settings.oblivious_quantum_ms;
            departure.keep_to(std::time::Duration::from_millis(quantum));
        }
    }
}

/// How a query is to be answered.
struct Form {
    with_metadata: bool,
    question: Option<Question>,
    inquiry: Option<Inquiry>,
}

impl Form {
    fn of(request: &QueryRequest) -> Result<Self, Problem> {
        let question = Question::of(request)?;
        Ok(Self { with_metadata: request.with_metadata, question, inquiry: None })
    }

    /// With the plan that was made for it.
    fn planned(mut self, plan: &Plan) -> Self {
        self.inquiry = self.question.take().map(|question| question.planned(plan, 0));
        self
    }
}

/// Refuse what the list may not hold.
fn check_one(shard: &CollectionShard, query: &QueryRequest) -> Result<(), Problem> {
    if query.metering.is_some() {
        let detail =
            "all queries of a request are counted together: `metering` stands beside `queries`";
        return Err(Problem::new(Code::InvalidField, detail).field("metering"));
    }
    check_token(shard, query.token.as_deref())
}

/// Refuse more hits than one reply holds.
fn check_hits(drafts: &[Draft]) -> Result<(), Problem> {
    let hits: usize = drafts.iter().map(Draft::k).sum();
    if hits <= QUERIES_HITS_MAX as usize {
        return Ok(());
    }
    let detail = format!(
        "the queries want {hits} hits together; at most {QUERIES_HITS_MAX} are answered at once"
    );
    Err(Problem::new(Code::TooLarge, detail).field(LIST).limit(QUERIES_HITS_MAX))
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
        content_hash: digits(&document.content_hash),
        metadata: with_metadata.then(|| document.metadata()),
    }
}

/// In hex. The crate's own `encode` goes digit by digit, ten hashes a query.
fn digits(hash: &[u8; 32]) -> String {
    let mut digits = [0; 64];
    hex::encode_to_slice(hash, &mut digits).expect("two digits a byte");
    String::from_utf8_lossy(&digits).into_owned()
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

/// The field that holds several queries.
const LIST: &str = "queries";
/// A query this near to a chunk is that chunk, but for a word or two.
const EXACT_COSINE: f32 = 0.97;
/// So many bytes in the same order are no chance.
const EXACT_BYTES: usize = 32;
