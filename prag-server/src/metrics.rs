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
    probed: AtomicU64,
    /// Of the last window, in thousandths.
    recall: AtomicU64,
    /// Blobs read, as last shown: two counters make the figure, and it never falls.
    blobs_read: AtomicU64,
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

    /// A window of `queries` was run again exactly: so many of so many best rows had been found.
    pub fn probed(&self, queries: u64, found: u64, wanted: u64) {
        let thousandths = found.saturating_mul(1000) / wanted.max(1);
        self.recall.store(thousandths, Ordering::Relaxed);
        self.probed.fetch_add(queries, Ordering::Relaxed);
    }

    /// The text that `/metrics` serves: collections held, and of these locked, quarantined and at rest; what was read,
    /// `texts` of it for texts on disk, which is left out: it would tell what was found.
    #[must_use]
    pub fn render(&self, held: [usize; 4], reads: Reads, texts: u64) -> String {
        let blobs = reads.blobs.saturating_sub(texts);
        let [collections, locked, quarantined, resting] = held;
        let mut out = String::new();
        let mut line = |name: &str, kind: &str, help: &str, value: u64| {
            figure(&mut out, name, kind, help, value);
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
            "Blobs read from storage, but for texts that lie on disk; a query adds none.",
            self.blobs_read.fetch_max(blobs, Ordering::Relaxed).max(blobs),
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
        let probed = count(&self.probed);
        line(
            "prag_recall_probed_queries_total",
            "counter",
            "Queries run again exactly, in whole windows.",
            probed,
        );
        if probed > 0 {
            line(
                "prag_recall_probed_thousandths",
                "gauge",
                "Best rows that the last window's queries had found, of 1000.",
                count(&self.recall),
            );
        }
        out
    }
}

/// One figure without a label, and what it tells.
pub(crate) fn figure(out: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Texts that were read for answers are in no figure, and none falls.
    #[test]
    fn texts_are_not_counted() {
        let metrics = Metrics::default();
        let shows = |blobs, texts, shown: u64| {
            let text = metrics.render([0; 4], Reads { rows: 3, blobs }, texts);
            assert!(text.contains(&format!("\nprag_storage_blobs_read_total {shown}\n")), "{text}");
        };
        shows(7, 0, 7);
        shows(12, 5, 7);
        shows(12, 6, 7);
        shows(14, 6, 8);
    }

    /// Recall is shown once there is one, without a label.
    #[test]
    fn recall_is_a_total() {
        let metrics = Metrics::default();
        let render = || metrics.render([0; 4], Reads { rows: 0, blobs: 0 }, 0);
        assert!(!render().contains("prag_recall_probed_thousandths"));
        metrics.probed(50, 497, 500);
        assert!(render().contains("\nprag_recall_probed_queries_total 50\n"));
        assert!(render().contains("\nprag_recall_probed_thousandths 994\n"));
        assert!(!render().contains('{'));
    }
}
