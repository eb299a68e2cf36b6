//! Embedding off the async threads.
//!
//! Layer: flow.
//! Holds: the worker's model, and texts on their way through it.
//! Never: truncates; a text that is too long is refused by the embedder.
//! Invariant: one batch call at a time uses the cores; queries go before documents.

use super::{Worker, problems, validate};
use prag_embedder::{Embedder, Role, Rows};
use prag_protocol::limits::{EMBEDDING_INPUTS_MAX, QUERY_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::models::{
    Embedding, Embeddings, EmbeddingsRequest, Input, InputType, Model, Models, Usage,
};
use prag_trust::permit::Permission;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::sync::Arc;

impl Worker {
    /// The models that this worker serves.
    #[must_use]
    pub fn models(&self) -> Models {
        let card = self.0.parts.embedder.model();
        let model = Model {
            id: card.name.clone(),
            object: "model".to_owned(),
            owned_by: "prag".to_owned(),
            dimension: u32::try_from(card.dim).unwrap_or(u32::MAX),
            max_tokens: u32::try_from(card.max_tokens).unwrap_or(u32::MAX),
            weights: hex::encode(card.weights_blake3),
        };
        Models { object: "list".to_owned(), data: vec![model] }
    }

    /// Embed texts for a caller with a valid permit to query.
    ///
    /// # Errors
    /// Names the input and the limit.
    pub async fn embeddings(
        &self,
        caller: &Verified<Caller>,
        request: EmbeddingsRequest,
    ) -> Result<Embeddings, Problem> {
        if !caller.permissions.allow(Permission::Query) {
            return Err(Problem::new(Code::PermissionMissing, "the permit must carry prag_query"));
        }
        let card = self.0.parts.embedder.model().clone();
        if !request.model.is_empty() && request.model != card.name {
            let detail = format!("this worker serves the model {}", card.name);
            return Err(Problem::new(Code::InvalidField, detail).field("model"));
        }
        if request.encoding_format.as_deref().is_some_and(|format| format != "float") {
            let problem = Problem::new(Code::InvalidField, "only `float` is supported");
            return Err(problem.field("encoding_format"));
        }
        let texts = match request.input {
            Input::One(text) => vec![text],
            Input::Many(texts) => texts,
        };
        validate::within("input", texts.len() as u64, 1, EMBEDDING_INPUTS_MAX as u64)?;
        for text in &texts {
            validate::text("input", text, QUERY_BYTES_MAX)?;
        }
        let role = match request.input_type {
            InputType::Passage => Role::Passage,
            InputType::Query => Role::Query,
        };
        let tokens = texts.iter().map(|text| self.0.parts.embedder.count(text) as u64).sum();
        let rows = self.embed_each(role, texts).await.map_err(|Blamed { index, problem }| {
            let field = index.map_or_else(|| "input".to_owned(), |index| format!("input[{index}]"));
            problem.field(field)
        })?;
        let data = (0u32..)
            .zip(rows.iter())
            .map(|(index, row)| Embedding {
                object: "embedding".to_owned(),
                index,
                embedding: row.to_vec(),
            })
            .collect();
        let usage = Usage { prompt_tokens: tokens, total_tokens: tokens };
        Ok(Embeddings { object: "list".to_owned(), data, model: card.name, usage })
    }

    /// Embed texts together. Where it is one of them that fails, says which.
    pub(super) async fn embed_each(&self, role: Role, texts: Vec<String>) -> Result<Rows, Blamed> {
        let embedder = Arc::clone(&self.0.parts.embedder);
        let work = move || embed_rows(embedder.as_ref(), role, &texts);
        let rows = tokio::task::spawn_blocking(work).await;
        rows.map_err(|error| Blamed { index: None, problem: problems::internal(error) })?
    }

    pub(super) fn embedder(&self) -> &Arc<dyn Embedder> {
        &self.0.parts.embedder
    }
}

/// Why texts were not embedded.
pub(super) struct Blamed {
    /// Place of the text at fault.
    pub(super) index: Option<usize>,
    pub(super) problem: Problem,
}

impl Blamed {
    /// As a problem of an entry of the list that field `list` holds.
    pub(super) fn of_entry(self, list: &str) -> Problem {
        match self.index {
            Some(index) => self.problem.of_entry(list, index),
            None => self.problem,
        }
    }
}

/// Embed on this thread. Blocks.
pub(super) fn embed_now(
    embedder: &dyn Embedder,
    role: Role,
    texts: &[String],
) -> Result<Rows, Problem> {
    embed_rows(embedder, role, texts).map_err(|blamed| blamed.problem)
}

fn embed_rows(embedder: &dyn Embedder, role: Role, texts: &[String]) -> Result<Rows, Blamed> {
    let views: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut rows = Rows::zeros(views.len(), embedder.model().dim);
    let mut done = 0;
    for part in views.chunks(prag_embedder::TEXTS_MAX.max(1)) {
        let embedded = embedder.embed(role, part).map_err(|error| {
            let index = error.text().map(|index| done + index);
            Blamed { index, problem: problems::embed(error) }
        })?;
        for vector in embedded.iter() {
            if let Some(row) = rows.row_mut(done) {
                row.copy_from_slice(vector);
            }
            done += 1;
        }
    }
    Ok(rows)
}
