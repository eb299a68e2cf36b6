//! Reports of use: one book an epoch, kept before it is sent.
//!
//! Layer: flow, attend.
//! Holds: what is reported when, and what becomes of a report whose answer was lost.
//! Never: another book for an epoch that one was kept for; a session that is reported twice.
//! Invariant: kept, sent, marked in the meter, marked as taken, in this order; after a death anywhere the ledger says which.

use super::Scene;
use crate::flow::collections::vault;
use crate::flow::problems::another;
use crate::flow::{Worker, problems};
use ed25519_dalek::Signer;
use prag_contracts_core::rewards::book::{Book, Entry};
use prag_protocol::ledger::bank::Coin;
use prag_protocol::ledger::rewards::{
    ReportRecord, RewardsConfig, RewardsMsg, RewardsQuery, RewardsReply,
};
use prag_protocol::ledger::workers::{WorkersQuery, WorkersReply};
use prag_protocol::problem::{Code, Problem};

impl Worker {
    /// Reports the epoch that ended last, if that can be; before that, brings to an end what an earlier look began.
    /// An earlier one that fails keeps no other back, and is said in `failed`.
    pub(super) async fn report(
        &self,
        scene: &Scene<'_>,
        failed: &mut Vec<String>,
    ) -> Result<Vec<String>, Problem> {
        let books = self.books().await?;
        for book in books.iter().filter(|book| !book.taken) {
            failed.extend(self.follow(scene, book.epoch).await.err().map(|problem| problem.detail));
        }
        let Some(epoch) = scene.running.checked_sub(1) else { return Ok(Vec::new()) };
        let known = books.iter().any(|book| book.epoch == epoch);
        if known || !scene.takes(epoch, self.now()) || self.reported(epoch).await?.is_some() {
            return Ok(Vec::new());
        }
        let entries = self.entries().await?;
        if entries.is_empty() && !self.was_there(scene, epoch).await? {
            return Ok(Vec::new());
        }
        let sessions = entries.len();
        book(entries.clone())?;
        let kept = (self.clone(), entries.clone());
        let keep = move || kept.0.0.parts.reports.keep(epoch, &kept.1).map_err(vault);
        tokio::task::spawn_blocking(keep).await.map_err(problems::internal)??;
        self.send_report(scene, epoch, entries).await?;
        Ok(vec![format!("reported epoch {epoch}: {sessions} sessions")])
    }

    /// Whether being there in an epoch is paid for.
    async fn was_there(&self, scene: &Scene<'_>, epoch: u64) -> Result<bool, Problem> {
        let paid = scene.config(epoch).is_some_and(|config| config.uptime_bps > 0);
        if !paid {
            return Ok(false);
        }
        let (from, until) = (scene.ends(epoch.checked_sub(1)), scene.ends(Some(epoch)));
        let worker = self.ledger_account();
        match self.registry(WorkersQuery::Reporter { worker, from, until }).await? {
            WorkersReply::Reporter(reporter) => Ok(reporter.is_some_and(|one| one.answers > 0)),
            _ => Err(another()),
        }
    }

    /// A book that was kept, and nobody knows what became of it.
    async fn follow(&self, scene: &Scene<'_>, epoch: u64) -> Result<(), Problem> {
        let entries = self.kept(epoch).await?;
        let root = book(entries.clone())?.report();
        match self.reported(epoch).await? {
            Some(record)
                if record.root == root.root && record.royalty_root == root.royalty_root =>
            {
                self.take_report(epoch, entries).await
            }
            None if scene.takes(epoch, self.now()) => self.send_report(scene, epoch, entries).await,
            // Too late, or another book of this account is there: what is in this one goes into a later report.
            None | Some(_) => self.forget_book(epoch).await,
        }
    }

    async fn send_report(
        &self,
        scene: &Scene<'_>,
        epoch: u64,
        entries: Vec<Entry>,
    ) -> Result<(), Problem> {
        let report = book(entries.clone())?.report();
        let message = report.signed_bytes(&scene.settings.ledger, &self.ledger_account(), epoch);
        let signature = self.0.parts.signing.sign(&message).to_bytes();
        let bond = scene.config(epoch).map(|config| config.bond).ok_or_else(another)?;
        let funds = [Coin { denom: scene.settings.denom.clone(), amount: bond }];
        self.act_rewards(RewardsMsg::ReportUsage { epoch, report, signature }, &funds).await?;
        self.take_report(epoch, entries).await
    }

    /// The ledger has the book. Twice is as once.
    async fn take_report(&self, epoch: u64, entries: Vec<Entry>) -> Result<(), Problem> {
        let worker = self.clone();
        let work = move || {
            if let Some(meter) = worker.meter() {
                let failed = |_| Problem::new(Code::Storage, "what was reported was not marked");
                meter.reported(&entries).map_err(failed)?;
            }
            worker.0.parts.reports.taken(epoch).map_err(vault)
        };
        tokio::task::spawn_blocking(work).await.map_err(problems::internal)?
    }

    /// What the meter has for a report.
    async fn entries(&self) -> Result<Vec<Entry>, Problem> {
        let Some(meter) = self.meter().cloned() else { return Ok(Vec::new()) };
        let work = move || {
            let mut entries = meter.entries();
            entries.truncate(ENTRIES_MAX);
            entries
        };
        tokio::task::spawn_blocking(work).await.map_err(problems::internal)
    }

    /// This worker's report of an epoch, as the ledger has it.
    pub(super) async fn reported(&self, epoch: u64) -> Result<Option<ReportRecord>, Problem> {
        let worker = self.ledger_account();
        match self.rewards(RewardsQuery::Report { epoch, worker }).await? {
            RewardsReply::Report(record) => Ok(record.map(|record| *record)),
            _ => Err(another()),
        }
    }
}

impl Scene<'_> {
    /// The config that holds for an epoch that can be reported now.
    fn config(&self, epoch: u64) -> Option<&RewardsConfig> {
        let versions = &self.settings.versions;
        let holds = versions.iter().rev().find(|version| version.from <= epoch);
        holds.or(versions.first()).map(|version| &version.config)
    }

    /// The first second after an epoch; of none, the first of all.
    fn ends(&self, epoch: Option<u64>) -> u64 {
        let epochs = epoch.map_or(0, |epoch| epoch.saturating_add(1));
        let seconds = epochs.saturating_mul(self.settings.epoch_seconds);
        self.settings.genesis.saturating_add(seconds)
    }

    /// Whether reports of an epoch are taken at this time.
    fn takes(&self, epoch: u64, now: u64) -> bool {
        let ends = self.ends(Some(epoch));
        let window = self.config(epoch).map_or(0, |config| config.report_seconds);
        (ends..ends.saturating_add(window)).contains(&now)
    }
}

/// Damaged entries are no book.
pub(super) fn book(entries: Vec<Entry>) -> Result<Book, Problem> {
    Book::new(entries).map_err(|error| Problem::new(Code::Internal, error.to_string()))
}

/// Most sessions of one report; the rest is in the next.
const ENTRIES_MAX: usize = 1 << 16;
