//! Search over a live view: filter, both legs, fusion.
//!
//! Layer: flow; joins the collection's parts and the index.
//! Holds: the order filter → bitmap → dense and sparse → fuse → top k.
//! Never: post-filters; admits anybody; reads the disk for a rank, nor while a view is held.
//! Invariant: statistics and candidates come only from rows that the caller may see.

use super::veiled;
use crate::collection::CollectionError;
use crate::collection::record::{Chunk, Document};
use crate::collection::shelf::{Shelf, cited};
use crate::collection::state::{Live, Part, Row};
use prag_index::{Fusion, IndexError, TermStats, fuse};
use prag_protocol::filter::Filter;
use prag_trust::receipt::{self, Inclusion};
use roaring::RoaringBitmap;
use std::sync::Arc;

/// What to look for.
pub(super) struct Plan {
    /// Unit vector, where the dense leg runs.
    pub(super) vector: Option<Vec<f32>>,
    /// Query text, where the sparse leg runs.
    pub(super) text: Option<String>,
    /// The caller's filter and the grant's scope, each of which must hold.
    pub(super) filters: Vec<Filter>,
    /// How many hits.
    pub(super) k: usize,
    /// Breadth of the graph walk.
    pub(super) ef: usize,
    /// Scan everything instead of walking the graph.
    pub(super) exact: bool,
    /// How to merge.
    pub(super) fusion: Fusion,
    /// Prove where each hit lies.
    pub(super) proofs: bool,
    /// Tokens that were embedded for it, where they are metered.
    pub(super) embedded: u64,
}

/// What was found.
pub(super) struct Searched {
    /// Best first.
    pub(super) found: Vec<Found>,
    /// Cosine of the nearest chunk, where the dense leg ran. For the worker alone: no digit of it leaves.
    pub(super) nearest: Option<f32>,
}

/// What was found, without what must still be unpacked, or read from disk.
pub(super) enum Ranked {
    /// All of it is there.
    Whole(Searched),
    /// Best first, and the cosine of the nearest.
    Bare(Vec<Bare>, Option<f32>),
}

/// A chunk that answers, and where its text lies.
pub(super) struct Bare {
    row: Row,
    shelf: Option<Arc<Shelf>>,
    score: f32,
    part: Option<receipt::Part>,
}

impl Ranked {
    /// Whether [`Ranked::read`] is done sooner than another thread would be woken for it.
    pub(super) fn is_light(&self) -> bool {
        let Self::Bare(bare, _) = self else { return true };
        let mut left = LIGHT_BYTES;
        bare.iter().all(|Bare { row, shelf, .. }| {
            left = left.saturating_sub(row.document.unpacks(row.chunk));
            shelf.is_none() && left > 0
        })
    }

    /// With the texts. Once, and by whoever searches: what is made of a hit later may be made where nothing long may
    /// run. Blocks on the disk where the texts lie there, so hold no view.
    ///
    /// # Errors
    /// [`CollectionError`] if one does not open at its place; then nothing is answered.
    pub(super) fn read(self) -> Result<Searched, CollectionError> {
        let (bare, nearest) = match self {
            Self::Whole(searched) => return Ok(searched),
            Self::Bare(bare, nearest) => (bare, nearest),
        };
        let rows: Vec<_> = bare.iter().map(|bare| (&bare.row, bare.shelf.as_ref())).collect();
        let texts = cited(&rows)?;
        let found = bare.into_iter().zip(texts).map(|(bare, unpacked)| {
            let Bare { row: Row { document, chunk }, score, part, .. } = bare;
            Found { document, place: chunk, chunk, hash: None, unpacked, score, part }
        });
        Ok(Searched { found: found.collect(), nearest })
    }
}

/// A chunk that answers.
pub(super) struct Found {
    pub(super) document: Arc<Document>,
    /// Which of the chunks in `document` it is.
    pub(super) place: u32,
    /// Which of the whole document's chunks it is.
    pub(super) chunk: u32,
    /// Its hash, where `document` is an excerpt.
    pub(super) hash: Option<[u8; 32]>,
    /// The cited text, where `document` does not keep it as it is.
    pub(super) unpacked: Option<String>,
    pub(super) score: f32,
    /// Where it lies, if the plan asks for proofs.
    pub(super) part: Option<receipt::Part>,
}

impl Found {
    /// The chunk.
    pub(super) fn at(&self) -> Option<&Chunk> {
        self.document.chunks.get(self.place as usize)
    }

    /// The cited text.
    pub(super) fn text(&self) -> &str {
        let kept = || self.document.kept_text(self.place).unwrap_or_default();
        self.unpacked.as_deref().unwrap_or_else(kept)
    }

    /// The chunk's salt.
    pub(super) fn salt(&self) -> [u8; 16] {
        self.at().map_or([0; 16], |chunk| chunk.salt)
    }

    /// What stands for the chunk in receipts.
    pub(super) fn chunk_hash(&self) -> [u8; 32] {
        self.hash.unwrap_or_else(|| self.document.hash_of(self.chunk, self.text()))
    }
}

/// Part and ordinal.
pub(super) type Id = (u32, u32);

/// Run the plan. Blocks.
pub(super) fn search(live: &Live, plan: &Plan) -> Result<Ranked, IndexError> {
    if live.oblivious() {
        return veiled::search(live, plan).map(Ranked::Whole);
    }
    let allowed: Vec<RoaringBitmap> =
        live.parts().map(|part| allowed(&part, &plan.filters)).collect();
    let depth = plan.depth();
    let dense = plan.vector.as_ref().map(|vector| dense(live, plan, vector, &allowed, depth));
    let sparse = plan.text.as_ref().map(|text| sparse(live, text, &allowed, depth));
    let (dense, sparse) = (dense.transpose()?, sparse.transpose()?);
    let nearest = dense.as_ref().and_then(|hits| hits.first()).map(|(_, cosine)| *cosine);
    let fused = match (dense, sparse) {
        (Some(dense), Some(sparse)) => fuse(&[dense, sparse], &plan.fusion)
            .into_iter()
            .map(|fused| (fused.id, fused.score))
            .collect(),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => Vec::new(),
    };
    let found = fused.into_iter().take(plan.k);
    let found = found.filter_map(|(id, score)| locate(live, id, score, plan.proofs));
    Ok(Ranked::Bare(found.collect(), nearest))
}

impl Plan {
    /// Candidates of each leg: what is fused is looked for further down; what is not, no further than it is answered.
    pub(super) fn depth(&self) -> usize {
        if self.vector.is_some() && self.text.is_some() {
            (self.k * DEPTH_PER_HIT).max(DEPTH_MIN)
        } else {
            self.k
        }
    }
}

/// The rows of a part that may answer.
pub(super) fn allowed(part: &Part<'_>, filters: &[Filter]) -> RoaringBitmap {
    let mut rows = match part {
        Part::Segment(segment) => segment.live.clone(),
        Part::Tail(tail) => tail.live.clone(),
    };
    for filter in filters {
        rows &= match part {
            Part::Segment(segment) => segment.index.filter(filter),
            Part::Tail(tail) => tail.index.filter(filter),
        };
    }
    rows
}

fn dense(
    live: &Live,
    plan: &Plan,
    vector: &[f32],
    allowed: &[RoaringBitmap],
    depth: usize,
) -> Result<Vec<(Id, f32)>, IndexError> {
    let ef = plan.ef.max(depth);
    let mut hits = Vec::new();
    for ((number, part), rows) in (0u32..).zip(live.parts()).zip(allowed) {
        let found = match part {
            Part::Segment(segment) if plan.exact => {
                segment.index.dense_exact(vector, rows, depth)?
            }
            Part::Segment(segment) => segment.index.dense(vector, rows, depth, ef)?,
            Part::Tail(tail) => tail.index.dense_exact(vector, rows, depth)?,
        };
        hits.extend(found.into_iter().map(|hit| ((number, hit.ordinal), hit.score)));
    }
    Ok(best(hits, depth))
}

fn sparse(
    live: &Live,
    text: &str,
    allowed: &[RoaringBitmap],
    depth: usize,
) -> Result<Vec<(Id, f32)>, IndexError> {
    let query = live.analyzer().analyze(text);
    let mut stats = TermStats::default();
    for (part, rows) in live.parts().zip(allowed) {
        stats.merge(&match part {
            Part::Segment(segment) => segment.index.stats(&query, Some(rows))?,
            Part::Tail(tail) => tail.index.stats(&query, Some(rows))?,
        });
    }
    let mut hits = Vec::new();
    for ((number, part), rows) in (0u32..).zip(live.parts()).zip(allowed) {
        let found = match part {
            Part::Segment(segment) => segment.index.sparse(&query, &stats, rows, depth)?,
            Part::Tail(tail) => tail.index.sparse(&query, &stats, rows, depth)?,
        };
        hits.extend(found.into_iter().map(|hit| ((number, hit.ordinal), hit.score)));
    }
    Ok(best(hits, depth))
}

/// Highest score first, ties by position, at most `depth`.
pub(super) fn best(mut hits: Vec<(Id, f32)>, depth: usize) -> Vec<(Id, f32)> {
    hits.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    hits.truncate(depth);
    hits
}

fn locate(live: &Live, (part, ordinal): Id, score: f32, proofs: bool) -> Option<Bare> {
    let part = live.parts().nth(part as usize)?;
    let (row, shelf) = match &part {
        Part::Segment(segment) => (segment.rows.get(ordinal as usize)?, segment.shelf.clone()),
        Part::Tail(tail) => (tail.rows.get(ordinal as usize)?, None),
    };
    let row = row.clone();
    let part = if proofs { Some(prove(&part, ordinal)?) } else { None };
    Some(Bare { row, shelf, score, part })
}

fn prove(part: &Part<'_>, ordinal: u32) -> Option<receipt::Part> {
    let (tree, index) = (part.tree(), u64::from(ordinal));
    let proof = tree.inclusion(index, tree.size())?;
    let at = Inclusion { index, proof };
    Some(receipt::Part { root: tree.root(), size: tree.size(), at })
}

/// Most bytes that are unpacked where the request is: a tenth of a millisecond or two.
const LIGHT_BYTES: usize = 512 << 10;
/// Candidates of each leg for one hit wanted.
const DEPTH_PER_HIT: usize = 4;
/// Fewest candidates of each leg.
const DEPTH_MIN: usize = 64;
