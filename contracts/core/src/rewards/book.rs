//! A worker's book of one epoch: vouchers in, a true report and its proofs out.
//!
//! Layer: core, rewards; for whoever reports or watches, not for the contract.
//! Holds: the leaves of both trees, in order, and the trees over them.
//! Never: signatures, money; whether a voucher is the latest (`Voucher::supersedes`).
//! Invariant: a report of a book breaks no rule of `truth` that needs no signature.

use prag_merkle::{MerkleLog, leaf_hash};
use prag_protocol::ledger::rewards::{
    Proven, REPORT_LEAVES_MAX, RoyaltyLeaf, UsageLeaf, UsageReport,
};
use prag_protocol::ledger::voucher::{Counters, SignedVoucher};

/// One session's use in the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The latest voucher.
    pub signed: SignedVoucher,
    /// What of it was reported in earlier epochs.
    pub start: Counters,
}

/// Why entries make no report. Not retryable as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// More than [`REPORT_LEAVES_MAX`]. Report the rest in the next epoch.
    #[error("a report has at most {REPORT_LEAVES_MAX} vouchers")]
    Full,
    /// Two entries of one session of one collection. Keep the one that supersedes.
    #[error("two entries are of one session and collection")]
    Twice,
    /// An entry starts above its end.
    #[error("an entry starts above its end")]
    Backwards,
    /// The sums are above what a report can hold.
    #[error("the sums of the entries are too large")]
    Overflow,
}

/// The leaves of a report, and proofs of them.
#[derive(Clone, Debug)]
pub struct Book {
    usage: Vec<UsageLeaf>,
    royalty: Vec<RoyaltyLeaf>,
    trees: (MerkleLog, MerkleLog),
    totals: Counters,
}

impl Book {
    /// The book of these entries, in whatever order they come.
    ///
    /// # Errors
    /// [`BookError`] says what is wrong with the entries.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, BookError> {
        if u64::try_from(entries.len()).map_or(true, |leaves| leaves > REPORT_LEAVES_MAX) {
            return Err(BookError::Full);
        }
        let key = |entry: &Entry| (entry.signed.voucher.collection, entry.signed.voucher.session);
        entries.sort_by_key(key);
        if entries.windows(2).any(|pair| matches!(pair, [a, b] if key(a) == key(b))) {
            return Err(BookError::Twice);
        }
        let mut usage = Vec::with_capacity(entries.len());
        let mut royalty: Vec<RoyaltyLeaf> = Vec::new();
        let mut before = Counters::default();
        for (first, Entry { signed, start }) in (0..).zip(entries) {
            let collection = signed.voucher.collection;
            if royalty.last().is_none_or(|last| last.collection != collection) {
                royalty.push(RoyaltyLeaf { collection, first, before: before.chunks, units: 0 });
            }
            let group = (royalty.len() as u64).saturating_sub(1);
            let leaf = UsageLeaf { signed, start, group, before };
            let billed = leaf.billed().ok_or(BookError::Backwards)?;
            before = before.plus(&billed).ok_or(BookError::Overflow)?;
            if let Some(last) = royalty.last_mut() {
                last.units = last.units.checked_add(billed.chunks).ok_or(BookError::Overflow)?;
            }
            usage.push(leaf);
        }
        before.check().map_err(|_| BookError::Overflow)?;
        Ok(Self::of(usage, royalty, before))
    }

    /// A book of leaves as they are, true or not: what a watcher makes of the leaves that a worker publishes, to
    /// compare roots and prove what is false.
    #[must_use]
    pub fn of(usage: Vec<UsageLeaf>, royalty: Vec<RoyaltyLeaf>, totals: Counters) -> Self {
        let trees = (
            MerkleLog::from_leaf_hashes(usage.iter().map(|leaf| leaf_hash(&leaf.to_bytes()))),
            MerkleLog::from_leaf_hashes(royalty.iter().map(|leaf| leaf_hash(&leaf.to_bytes()))),
        );
        Self { usage, royalty, trees, totals }
    }

    /// What the worker commits to.
    #[must_use]
    pub fn report(&self) -> UsageReport {
        UsageReport {
            root: self.trees.0.root(),
            leaves: self.trees.0.size(),
            totals: self.totals,
            royalty_root: self.trees.1.root(),
            collections: self.trees.1.size(),
        }
    }

    /// The usage leaves, by (collection, session).
    #[must_use]
    pub fn usage_leaves(&self) -> &[UsageLeaf] {
        &self.usage
    }

    /// The royalty leaves, by collection.
    #[must_use]
    pub fn royalty_leaves(&self) -> &[RoyaltyLeaf] {
        &self.royalty
    }

    /// A usage leaf and its proof; `None` beyond the last.
    #[must_use]
    pub fn usage(&self, index: u64) -> Option<Proven<UsageLeaf>> {
        proven(&self.usage, &self.trees.0, index)
    }

    /// A royalty leaf and its proof; `None` beyond the last.
    #[must_use]
    pub fn royalty(&self, index: u64) -> Option<Proven<RoyaltyLeaf>> {
        proven(&self.royalty, &self.trees.1, index)
    }
}

fn proven<L: Clone>(leaves: &[L], tree: &MerkleLog, index: u64) -> Option<Proven<L>> {
    let leaf = leaves.get(usize::try_from(index).ok()?)?.clone();
    let proof = tree.inclusion(index, tree.size())?;
    Some(Proven { index, leaf, proof })
}
