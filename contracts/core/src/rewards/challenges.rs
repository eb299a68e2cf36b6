//! Challenges: a proven falsehood voids a report.
//!
//! Layer: core, rewards.
//! Holds: proofs of inclusion, what a void report costs whom, and what is on record as billed.
//! Never: the rules of truth (`truth`).
//! Invariant: a void report counts for nothing, and stays void.

use super::pool::{Purse, part};
use super::reports::discount;
use super::truth::{self, Facts};
use super::{Event, RewardsError, Slash, Step, Verdict, keys};
use prag_merkle::{leaf_hash, verify_inclusion};
use prag_protocol::Address;
use prag_protocol::ledger::BPS;
use prag_protocol::ledger::rewards::{
    EpochRecord, Evidence, Proven, ReportRecord, RoyaltyLeaf, Shown, UsageLeaf,
};

impl Step<'_> {
    pub(super) fn challenge(
        &mut self,
        number: u64,
        worker: Address,
        evidence: &Evidence,
    ) -> Verdict {
        if let Evidence::Unanswered { tree, index } = evidence {
            return self.unanswered(number, worker, *tree, *index);
        }
        let (mut epoch, mut report) =
            self.doubted(number, &worker, |schedule| schedule.challenges_until)?;
        if !self.is_false(&report, &worker, evidence)? {
            return Err(RewardsError::NotFalse);
        }
        let to = self.sender.clone();
        self.void(&mut epoch, &mut report, &to)?;
        keys::epoch(number).save(self.kv, &epoch)?;
        keys::report(number, &worker).save(self.kv, &report)?;
        self.slash =
            Some(Slash { worker: worker.clone(), epoch: number, ppm: epoch.config.slash_ppm });
        Ok(Some(Event::Voided { epoch: number, worker }))
    }

    fn is_false(
        &self,
        report: &ReportRecord,
        worker: &Address,
        evidence: &Evidence,
    ) -> Result<bool, RewardsError> {
        match evidence {
            Evidence::Leaf(Shown::Usage(shown)) => {
                prove_usage(report, shown)?;
                let voucher = &shown.leaf.signed.voucher;
                let row = keys::settled(voucher.collection, &voucher.session, worker);
                let settled = row.load(self.kv)?.unwrap_or_default();
                let ledger = &self.settings.ledger;
                let facts = Facts { report, worker, ledger, settled };
                Ok(facts.is_false(shown, self.host.verify))
            }
            Evidence::Leaf(Shown::Royalty(shown)) => {
                prove_royalty(report, shown)?;
                Ok(truth::is_royalty_false(report, shown))
            }
            Evidence::UsagePair { first, second } => {
                prove_usage(report, first)?;
                prove_usage(report, second)?;
                truth::is_pair_false(first, second).ok_or(RewardsError::NotFalse)
            }
            Evidence::RoyaltyPair { first, second } => {
                prove_royalty(report, first)?;
                prove_royalty(report, second)?;
                truth::is_royalty_pair_false(first, second).ok_or(RewardsError::NotFalse)
            }
            Evidence::Across { usage, royalty } => {
                prove_usage(report, usage)?;
                prove_royalty(report, royalty)?;
                Ok(truth::is_across_false(usage, royalty))
            }
            Evidence::Unanswered { .. } => Err(RewardsError::NotFalse),
        }
    }

    /// Voids a report: `to` gets its part of the bond, and the pool the rest.
    pub(super) fn void(
        &mut self,
        epoch: &mut EpochRecord,
        report: &mut ReportRecord,
        to: &Address,
    ) -> Result<(), RewardsError> {
        if report.open == 0 {
            discount(&mut epoch.standing, report)?;
        }
        report.void = true;
        let bond = std::mem::take(&mut report.bond);
        let bounty = part(bond, epoch.config.bounty_bps.into(), BPS.into())?;
        let rest = bond.checked_sub(bounty).ok_or(RewardsError::Damaged("reports"))?;
        self.pay(Purse::Bonds, to, bounty)?;
        self.shift(Purse::Bonds, Purse::Carry, rest)
    }

    /// Only closed epochs settle: while an epoch can be challenged, what is on record is of earlier ones.
    /// A void report settles too: what it billed is lost to its worker, not billed anew.
    pub(super) fn settle(
        &mut self,
        number: u64,
        worker: Address,
        shown: &Proven<UsageLeaf>,
    ) -> Verdict {
        if self.epoch(number)?.split.is_none() {
            return Err(RewardsError::NotClosed);
        }
        prove_usage(&self.report(number, &worker)?, shown)?;
        let voucher = &shown.leaf.signed.voucher;
        let row = keys::settled(voucher.collection, &voucher.session, &worker);
        let before = row.load(self.kv)?.unwrap_or_default();
        let settled = before.greatest(&voucher.used);
        if settled == before {
            return Ok(None);
        }
        row.save(self.kv, &settled)?;
        Ok(Some(Event::Settled { epoch: number, worker }))
    }
}

pub(super) fn prove(report: &ReportRecord, shown: &Shown) -> Result<(), RewardsError> {
    match shown {
        Shown::Usage(shown) => prove_usage(report, shown),
        Shown::Royalty(shown) => prove_royalty(report, shown),
    }
}

fn prove_usage(report: &ReportRecord, shown: &Proven<UsageLeaf>) -> Result<(), RewardsError> {
    let leaf = leaf_hash(&shown.leaf.to_bytes());
    verify_inclusion(&report.root, report.leaves, shown.index, &leaf, &shown.proof)
        .map_err(|_| RewardsError::Proof)
}

pub(super) fn prove_royalty(
    report: &ReportRecord,
    shown: &Proven<RoyaltyLeaf>,
) -> Result<(), RewardsError> {
    let leaf = leaf_hash(&shown.leaf.to_bytes());
    verify_inclusion(&report.royalty_root, report.collections, shown.index, &leaf, &shown.proof)
        .map_err(|_| RewardsError::Proof)
}
