//! Search of an oblivious collection.
//!
//! Layer: flow; joins the collection's veils and the index.
//! Holds: one scan over every part; what its answers' records say.
//! Never: the graph, words, bitmaps of a filter, or a row that was looked up because it was found.
//! Invariant: up to the records of the answers nothing depends on what was asked.

use super::search::{Found, Plan, Searched};
use crate::collection::state::{Live, Part};
use crate::collection::veil;
use prag_index::IndexError;
use prag_index::oblivious::{Question, Silent, Source, scan};
use std::sync::Arc;

/// Run the plan. Blocks.
pub(super) fn search(live: &Live, plan: &Plan) -> Result<Searched, IndexError> {
    let vector = plan.vector.as_deref().ok_or(IndexError::Query)?;
    let sources: Vec<Source<'_>> = live
        .parts()
        .map(|part| match part {
            Part::Segment(part) => part.veil.as_ref().map(|veil| veil.source(&part.index)),
            Part::Tail(part) => part.veil.as_ref().map(|veil| veil.source(&part.index)),
        })
        .collect::<Option<_>>()
        .ok_or(IndexError::Rows)?;
    let question = Question { vector, filters: &plan.filters, k: plan.k };
    let answers = scan(&sources, &question, &mut Silent)?;
    let mut found = Vec::with_capacity(answers.len());
    for answer in answers {
        let shown = veil::read(&answer.record).map_err(|_| IndexError::Rows)?;
        found.push(Found {
            document: Arc::new(shown.document),
            place: 0,
            chunk: shown.chunk,
            hash: Some(shown.hash),
            score: answer.score,
            part: None,
        });
    }
    Ok(Searched { found, nearest: None })
}
