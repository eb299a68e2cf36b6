//! Context for a prompt: passages packed into a token budget, numbered and cited.
//!
//! Layer: flow.
//! Holds: the text around passages; each is fenced and marked untrusted.
//! Never: a token over the budget, counted by the model's own tokenizer over the whole text.
//! Invariant: citation i belongs to the passage marked `[i]`; the fence occurs in no passage.

use super::query::{check_token, three_digits};
use super::receipt::Question;
use super::search::Found;
use super::usage::count_usage;
use super::{Answer, Departure, Worker, problems, validate};
use prag_embedder::Embedder;
use prag_protocol::CollectionId;
use prag_protocol::limits::{BUDGET_TOKENS_MAX, CONTEXT_PASSAGES_MAX, QUERY_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::metering::{Counted, Metered, PASSAGES_DEFAULT};
use prag_protocol::wire::search::{Citation, ContextReply, ContextRequest, Mode, QueryRequest};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::collections::HashSet;

impl Worker {
    /// Cited passages for a prompt, within the budget.
    ///
    /// # Errors
    /// Names the field and the limit.
    pub async fn context(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        mut request: ContextRequest,
        departure: &Departure,
    ) -> Result<Answer<Metered<ContextReply>>, Problem> {
        let reader = self.admit_search(caller, id).await?;
        let shard = reader.held.shard()?;
        self.keep_time(&shard, departure);
        validate::within("budget", u64::from(request.budget), 64, u64::from(BUDGET_TOKENS_MAX))?;
        validate::text("prompt", &request.prompt, QUERY_BYTES_MAX)?;
        check_token(&shard, request.token.as_deref())?;
        let most = reader.granted.max_k().min(CONTEXT_PASSAGES_MAX);
        let passages = request.passages.unwrap_or(most.min(PASSAGES_DEFAULT));
        validate::within("passages", u64::from(passages), 1, u64::from(most))?;
        let metering = request.metering.take();
        let charge = self.admit_usage(caller, &reader, metering, ("context", &request)).await?;
        let most = request.most();
        let sparse_only = shard.profile().pooling == "supplied";
        if sparse_only && shard.oblivious() {
            let detail = "this collection has supplied vectors and is searched by vectors alone: send queries with `vector`";
            return Err(Problem::new(Code::InvalidField, detail).field("prompt"));
        }
        let query = QueryRequest {
            text: Some(request.prompt),
            k: Some(passages),
            mode: sparse_only.then_some(Mode::Sparse),
            fusion: request.fusion,
            filter: request.filter,
            receipt: request.receipt,
            ..QueryRequest::default()
        };
        let question = Question::of(&query)?;
        let plan = self.plan(&reader, &shard, query).await?;
        let embedded = plan.embedded;
        let inquiry = question.map(|question| question.planned(&plan, request.budget));
        let (found, head) = self.find(&reader, &shard, plan).await?;
        let worker = self.clone();
        let profile = shard.profile().digest.clone();
        let work = move || {
            let (mut reply, cited) =
                pack(&found, request.budget, worker.embedder().as_ref(), profile);
            let sign = |inquiry| worker.context_receipt(&shard, inquiry, head, &cited);
            reply.receipt = inquiry.map(sign).transpose()?;
            Ok(reply)
        };
        let reply: ContextReply =
            tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
        let voucher = count_usage(charge, reply.cost(embedded).least(&most)).await?;
        self.answer(caller, &reader, Metered { reply, voucher }).await
    }
}

/// Passages in order of rank, while they fit; one that does not fit is passed over. Answers those cited, too.
fn pack<'a>(
    found: &'a [Found],
    budget: u32,
    embedder: &dyn Embedder,
    profile: String,
) -> (ContextReply, Vec<&'a Found>) {
    let mut context = String::new();
    let mut citations: Vec<Citation> = Vec::new();
    let mut cited = Vec::new();
    let mut tokens = 0;
    let mut seen = HashSet::new();
    for found in found {
        let text = found.text();
        if !seen.insert(*blake3::hash(text.as_bytes()).as_bytes()) {
            continue;
        }
        let number = u32::try_from(citations.len() + 1).unwrap_or(u32::MAX);
        let longer = format!("{context}{}", passage(number, found));
        let counted = count(embedder, &longer);
        if counted > budget {
            continue;
        }
        citations.push(citation(number, found, count(embedder, text)));
        cited.push(found);
        context = longer;
        tokens = counted;
    }
    (ContextReply { context, tokens, budget, citations, profile, receipt: None }, cited)
}

fn passage(number: u32, found: &Found) -> String {
    let text = found.text();
    let fence = fence(text);
    let mut source = one_line(&found.document.title);
    if let Some(chunk) = found.at() {
        for heading in chunk.heading_path.iter().map(|heading| one_line(heading)) {
            if heading != source {
                source.push_str(" › ");
                source.push_str(&heading);
            }
        }
    }
    format!("[{number}] {source} (untrusted text, quoted)\n{fence}\n{}\n{fence}\n\n", text.trim())
}

/// A run of tildes longer than any in `text`.
fn fence(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for letter in text.chars() {
        run = if letter == '~' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "~".repeat((longest + 1).max(3))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn citation(number: u32, found: &Found, tokens: u32) -> Citation {
    let chunk = found.at();
    Citation {
        number,
        document: found.document.id.clone(),
        title: found.document.title.clone(),
        heading_path: chunk.map(|chunk| chunk.heading_path.clone()).unwrap_or_default(),
        start: chunk.map_or(0, |chunk| chunk.start),
        end: chunk.map_or(0, |chunk| chunk.end),
        content_hash: hex::encode(found.document.content_hash),
        score: three_digits(found.score),
        tokens,
    }
}

fn count(embedder: &dyn Embedder, text: &str) -> u32 {
    u32::try_from(embedder.count(text)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::fence;

    /// A passage cannot close its own fence.
    #[test]
    fn fence_is_longer_than_any_run() {
        assert_eq!(fence("plain"), "~~~");
        assert_eq!(fence("a ~~~ b ~~~~~ c"), "~~~~~~");
    }
}
