//! What this machine knows of its use: what it asked, what it has countersigned, and what it would not.
//!
//! Layer: client, beside `remembered`.
//! Holds: one session's use of one collection on one worker, and what may be claimed for it; in `tab`, its file.
//! Never: a question or an answer; a countersignature above what was asked, unless its person accepts it.
//! Invariant: `answered` and `open` together are never below what an honest worker has counted.
//!
//! A request is open until its reply shows what it cost, and one whose reply was lost stays open, to be billed once at
//! most. A retry, even by a later process, takes the id of the open request that asks the same.

mod tab;

pub(crate) use tab::{Tab, all};

use prag_protocol::ledger::voucher::{Counters, SignedVoucher, Voucher};
use prag_protocol::limits::REQUEST_IDS_MAX;
use prag_protocol::{Address, CollectionId, RequestId};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// One session's use of one collection on one worker, as this machine knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Whose it is.
    pub whose: Whose,
    /// The latest voucher that it has countersigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<SignedVoucher>,
    /// The latest claim that it would not countersign, and what it allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Claim>,
    /// What answered requests cost in all, at most.
    answered: Counters,
    /// Requests without an answer, oldest first.
    open: Vec<Open>,
}

/// Which use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    /// The ledger that pays, hex.
    pub ledger: String,
    /// The worker's account.
    pub worker: Address,
    /// What is read.
    pub collection: CollectionId,
    /// Whom the session acts for.
    pub consumer: Address,
    /// The session's key, hex.
    pub session: String,
}

/// More than was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// All that the worker says was used.
    pub claimed: Counters,
    /// All that this machine can account for.
    pub allowed: Counters,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    id: RequestId,
    /// A hash over the id and the request.
    mark: String,
    most: Counters,
    /// It was sent before: what was counted then may be more than a later reply shows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    again: bool,
}

impl Usage {
    fn new(whose: Whose) -> Self {
        let answered = Counters::default();
        Self { whose, voucher: None, refused: None, answered, open: Vec::new() }
    }

    /// All that is countersigned.
    #[must_use]
    pub fn countersigned(&self) -> Counters {
        self.voucher.as_ref().map(|signed| signed.voucher.used).unwrap_or_default()
    }

    /// All that the worker may claim: what is countersigned or answered, and what was asked since.
    #[must_use]
    pub fn allowed(&self) -> Counters {
        self.open.iter().fold(self.answered, |sum, open| add(&sum, &open.most))
    }

    /// Requests whose reply was lost, or is awaited.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.open.len()
    }

    /// A request is about to be sent. Returns its id: `fresh`, or that of the same request whose reply was lost; not one in
    /// `busy`, whose reply is awaited.
    fn begin(
        &mut self,
        mark: impl Fn(&RequestId) -> String,
        most: Counters,
        fresh: RequestId,
        busy: &HashSet<RequestId>,
    ) -> RequestId {
        let same = |open: &&mut Open| !busy.contains(&open.id) && open.mark == mark(&open.id);
        if let Some(open) = self.open.iter_mut().find(same) {
            open.again = true;
            return open.id;
        }
        self.open.push(Open { id: fresh, mark: mark(&fresh), most, again: false });
        while self.open.len() > REQUEST_IDS_MAX {
            // The worker has forgotten its id too: it may have been counted, once.
            let lost = self.open.remove(0);
            self.answered = add(&self.answered, &lost.most);
        }
        fresh
    }

    /// The reply shows what a request cost, unless it was sent before: then all that it might is left open to the voucher.
    fn answer(&mut self, id: RequestId, cost: &Counters, again: bool) {
        if let Some(open) = self.forget(id) {
            let cost = if again || open.again { &open.most } else { cost };
            self.answered = add(&self.answered, cost);
        }
    }

    /// A request was refused, hence not counted; `None` if it was not open.
    fn forget(&mut self, id: RequestId) -> Option<Open> {
        let at = self.open.iter().position(|open| open.id == id)?;
        Some(self.open.remove(at))
    }

    /// Whether a voucher of this session is to be countersigned: `false` for one that brings nothing new.
    fn weigh(&self, claim: &Voucher) -> Result<bool, Claim> {
        let floor = self.countersigned();
        let known = self.voucher.as_ref().map_or(0, |signed| signed.voucher.sequence);
        let allowed = self.allowed();
        let fits = if claim.sequence <= known {
            floor.minus(&claim.used).is_some()
        } else {
            claim.used.minus(&floor).is_some() && allowed.minus(&claim.used).is_some()
        };
        if fits { Ok(claim.sequence > known) } else { Err(Claim { claimed: claim.used, allowed }) }
    }

    /// A voucher is countersigned. No answered request has cost more than it says, as it counts them all.
    fn settle(&mut self, signed: SignedVoucher) {
        self.answered = self.answered.least(&signed.voucher.used);
        (self.voucher, self.refused) = (Some(signed), None);
    }

    /// Somebody with this session's key has countersigned more than this machine knows of: begin from there.
    fn adopt(&mut self, signed: SignedVoucher) {
        let since = self.answered.minus(&self.countersigned()).unwrap_or_default();
        self.answered = add(&signed.voucher.used, &since);
        (self.voucher, self.refused) = (Some(signed), None);
    }
}

/// No counter of a request is near the end of its type; where one is all the same, the most is allowed that can be said.
fn add(sum: &Counters, more: &Counters) -> Counters {
    sum.plus(more).unwrap_or_else(|| sum.greatest(more))
}

#[cfg(test)]
mod tests;
