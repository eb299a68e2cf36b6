//! What makes a report false, and why nothing else can.
//!
//! Layer: core, rewards.
//! Holds: the rules for one leaf, for two neighbours, and for a session and its collection.
//! Never: state, money; how a leaf got here.
//! Invariant: a report that breaks no rule bills every session once, from where it may to what both sides
//! signed, and its totals and every collection's units are the sums of that.
//!
//! Why one or two leaves are always enough. Let n usage leaves and g royalty leaves be committed.
//! 1. *Sums.* Usage leaf 0 has nothing before it; leaf i + 1 has before it what leaf i has, plus what leaf i
//!    bills; the last leaf with what it bills makes the totals. If no leaf and no two neighbours break this,
//!    then by induction the totals are the sum of all leaves.
//! 2. *Once.* Each usage leaf's (collection, session) is greater than that of the leaf before: no two are of
//!    one session, and the leaves of a collection lie together.
//! 3. *Groups.* `group` begins at 0, stays within a collection, grows by one at the next, and ends at g - 1:
//!    group j is the j-th collection, and none is without leaves.
//! 4. *Across.* A usage leaf of group j names royalty leaf j's collection and lies at its `first` or later; one
//!    of an earlier group lies before it: so `first` is where group j begins. There the units before are equal
//!    on both sides: so each royalty leaf's `before` is what (1) says. A royalty leaf's units lead to the
//!    next leaf's `before`, and the last one's to the totals: so units are what the collection's sessions read.
//! 5. *Each usage leaf by itself.* It names this ledger and worker, both signatures hold, and it starts no
//!    lower than what an earlier epoch is on record to have billed, and no higher than it ends.
//!
//! That a consumer is somebody else than the worker no rule can show. There the attested key stands for the image
//! (`reports`): what it signs was metered for sessions that were admitted.
//!
//! Leaves that nobody sees break no rule. So anybody may demand one (`demands`): a worker that cannot show
//! a leaf in time has no report.

use crate::Verify;
use prag_protocol::Address;
use prag_protocol::ledger::rewards::{Proven, ReportRecord, RoyaltyLeaf, UsageLeaf};
use prag_protocol::ledger::voucher::{Counters, Role};
use std::cmp::Ordering;

/// What one usage leaf is held against.
pub(super) struct Facts<'a> {
    pub(super) report: &'a ReportRecord,
    pub(super) worker: &'a Address,
    pub(super) ledger: &'a [u8; 32],
    /// What earlier epochs are on record to have billed the session.
    pub(super) settled: Counters,
}

impl Facts<'_> {
    /// Whether a usage leaf of the report breaks a rule by itself.
    pub(super) fn is_false(&self, shown: &Proven<UsageLeaf>, verify: &dyn Verify) -> bool {
        let leaf = &shown.leaf;
        let voucher = &leaf.signed.voucher;
        let Some(end) = sum(leaf) else {
            return true;
        };
        let names = voucher.ledger == *self.ledger && voucher.worker == *self.worker;
        let start = leaf.start.minus(&self.settled).is_some();
        let begins = shown.index > 0 || (leaf.before == Counters::default() && leaf.group == 0);
        let last = is_last(shown.index, self.report.leaves);
        let last_group = is_last(leaf.group, self.report.collections);
        let ends = !last || (end == self.report.totals && last_group);
        !(names && start && begins && ends && signed(leaf, verify))
    }
}

/// Whether a royalty leaf of the report breaks a rule by itself.
pub(super) fn is_royalty_false(report: &ReportRecord, shown: &Proven<RoyaltyLeaf>) -> bool {
    let end = shown.leaf.before.checked_add(shown.leaf.units);
    is_last(shown.index, report.collections) && end != Some(report.totals.chunks)
}

/// Whether two usage leaves break a rule; `None` if they are no neighbours.
pub(super) fn is_pair_false(first: &Proven<UsageLeaf>, second: &Proven<UsageLeaf>) -> Option<bool> {
    neighbours(first.index, second.index)?;
    let (a, b) = (&first.leaf, &second.leaf);
    let (one, next) = (&a.signed.voucher, &b.signed.voucher);
    let sorted = (one.collection, one.session) < (next.collection, next.session);
    let step = u64::from(one.collection != next.collection);
    let grouped = a.group.checked_add(step) == Some(b.group);
    Some(!(sorted && grouped && sum(a) == Some(b.before)))
}

/// Whether two royalty leaves break a rule; `None` if they are no neighbours.
pub(super) fn is_royalty_pair_false(
    first: &Proven<RoyaltyLeaf>,
    second: &Proven<RoyaltyLeaf>,
) -> Option<bool> {
    neighbours(first.index, second.index)?;
    Some(first.leaf.before.checked_add(first.leaf.units) != Some(second.leaf.before))
}

/// Whether a usage leaf and a royalty leaf of one report break a rule.
pub(super) fn is_across_false(usage: &Proven<UsageLeaf>, royalty: &Proven<RoyaltyLeaf>) -> bool {
    let RoyaltyLeaf { collection, first, before, units: _ } = royalty.leaf;
    let leaf = &usage.leaf;
    match leaf.group.cmp(&royalty.index) {
        Ordering::Less => usage.index >= first,
        // The collection's own first leaf, or the last one before it, shows where it begins.
        Ordering::Greater => false,
        Ordering::Equal => {
            let named = leaf.signed.voucher.collection == collection;
            let begins = usage.index != first || leaf.before.chunks == before;
            !(named && usage.index >= first && begins)
        }
    }
}

/// What lies before the next leaf.
fn sum(leaf: &UsageLeaf) -> Option<Counters> {
    leaf.before.plus(&leaf.billed()?)
}

fn signed(leaf: &UsageLeaf, verify: &dyn Verify) -> bool {
    let signed = &leaf.signed;
    let voucher = &signed.voucher;
    let holds = |role, signature, key| verify.ed25519(&voucher.signed_bytes(role), signature, key);
    holds(Role::Worker, &signed.worker_signature, &voucher.worker_key)
        && holds(Role::Consumer, &signed.consumer_signature, &voucher.session)
}

fn is_last(index: u64, size: u64) -> bool {
    index.checked_add(1) == Some(size)
}

fn neighbours(first: u64, second: u64) -> Option<()> {
    (first.checked_add(1) == Some(second)).then_some(())
}
