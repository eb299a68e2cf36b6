//! Counters, in Prometheus' text format.
//!
//! Layer: server.
//! Holds: totals over all collections.
//! Never: an id, a name, a label that tells collections or callers apart.
//! Invariant: every number is one that the host could count from outside, or a total over everything.

use prag_store::Reads;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// The worker's counters.
#[derive(Default)]
pub struct Metrics {
    queries: AtomicU64,
    chunks: AtomicU64,
    tokens: AtomicU64,
}

impl Metrics {
    /// One query or context was asked, whatever became of it: telling success from failure would undo padding.
    pub fn queried(&self) {
        self.queries.fetch_add(1, Ordering::Relaxed);
    }

    /// Chunks and tokens of one document were ingested.
    pub fn ingested(&self, chunks: u64, tokens: u64) {
        self.chunks.fetch_add(chunks, Ordering::Relaxed);
        self.tokens.fetch_add(tokens, Ordering::Relaxed);
    }

    /// The text that `/metrics` serves: collections held, and of these locked, quarantined and at rest.
    #[must_use]
    pub fn render(&self, held: [usize; 4], reads: Reads) -> String {
        let [collections, locked, quarantined, resting] = held;
        let mut out = String::new();
        let mut line = |name: &str, kind: &str, help: &str, value: u64| {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        line("prag_queries_total", "counter", "Queries and contexts asked.", count(&self.queries));
        line("prag_chunks_ingested_total", "counter", "Chunks ingested.", count(&self.chunks));
        line(
            "prag_tokens_embedded_total",
            "counter",
            "Tokens embedded for documents.",
            count(&self.tokens),
        );
        line(
            "prag_storage_rows_read_total",
            "counter",
            "Rows read from storage; a query adds none.",
            reads.rows,
        );
        line(
            "prag_storage_blobs_read_total",
            "counter",
            "Blobs read from storage; a query adds none.",
            reads.blobs,
        );
        line("prag_collections", "gauge", "Collections held.", collections as u64);
        line("prag_collections_locked", "gauge", "Collections without a key.", locked as u64);
        line(
            "prag_collections_quarantined",
            "gauge",
            "Collections whose data failed a check.",
            quarantined as u64,
        );
        line(
            "prag_collections_resting",
            "gauge",
            "Collections closed until asked for.",
            resting as u64,
        );
        out
    }
}
