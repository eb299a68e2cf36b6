//! After a report: leaves that somebody demands, the close, the claim.
//!
//! Layer: flow, attend.
//! Holds: what a kept book is good for, until nobody may ask about it any more.
//! Never: a demand that goes unanswered while there is a book; an owner's claim.
//! Invariant: a book is forgotten only when its epoch's claims are over, or the ledger has no report of it.

use super::report::book;
use crate::flow::Worker;
use crate::flow::problems::another;
use prag_protocol::ledger::market::Attended;
use prag_protocol::ledger::rewards::{
    EpochView, ReportRecord, RewardsMsg, RewardsQuery, RewardsReply, Shown, Tree,
};
use prag_protocol::problem::Problem;

impl Worker {
    /// Does for each taken book what its epoch is ready for. One that fails keeps no other back.
    pub(super) async fn settle_books(&self, attended: &mut Attended) -> Result<(), Problem> {
        for book in self.books().await?.into_iter().filter(|book| book.taken) {
            let settled = self.settle_book(book.epoch, &mut attended.done).await;
            attended.failed.extend(settled.err().map(|problem| problem.detail));
        }
        Ok(())
    }

    async fn settle_book(&self, epoch: u64, done: &mut Vec<String>) -> Result<(), Problem> {
        let view = self.epoch_view(epoch).await?;
        let Some((view, report)) = view.zip(self.reported(epoch).await?) else {
            return self.forget_book(epoch).await;
        };
        let (EpochView { record, schedule }, now) = (view, self.now());
        if report.open > 0 && now < schedule.answers_until {
            self.reveal(epoch, &report, done).await?;
        }
        if record.split.is_none() {
            if now < schedule.challenges_until {
                return Ok(());
            }
            self.act_rewards(RewardsMsg::CloseEpoch { epoch }, &[]).await?;
            done.push(format!("closed epoch {epoch}"));
        }
        if !report.claimed && !report.void && report.open == 0 {
            self.act_rewards(RewardsMsg::Claim { epoch, royalty: None }, &[]).await?;
            done.push(format!("claimed for epoch {epoch}"));
        }
        if schedule.claims_until.is_some_and(|until| now >= until) {
            self.forget_book(epoch).await?;
        }
        Ok(())
    }

    /// Shows each leaf that somebody has asked for.
    async fn reveal(
        &self,
        epoch: u64,
        report: &ReportRecord,
        done: &mut Vec<String>,
    ) -> Result<(), Problem> {
        let entries = self.kept(epoch).await?;
        let book = book(entries)?;
        let mut open = report.open;
        for (tree, leaves) in [(Tree::Usage, report.leaves), (Tree::Royalty, report.collections)] {
            for index in 0..leaves {
                if open == 0 {
                    return Ok(());
                }
                if !self.demanded(epoch, tree, index).await? {
                    continue;
                }
                let shown = match tree {
                    Tree::Usage => book.usage(index).map(|leaf| Shown::Usage(Box::new(leaf))),
                    Tree::Royalty => book.royalty(index).map(|leaf| Shown::Royalty(Box::new(leaf))),
                };
                let shown = shown.ok_or_else(another)?;
                self.act_rewards(RewardsMsg::Reveal { epoch, shown }, &[]).await?;
                done.push(format!("showed leaf {index} of epoch {epoch}"));
                open = open.saturating_sub(1);
            }
        }
        Ok(())
    }

    async fn demanded(&self, epoch: u64, tree: Tree, index: u64) -> Result<bool, Problem> {
        let worker = self.ledger_account();
        match self.rewards(RewardsQuery::Demand { epoch, worker, tree, index }).await? {
            RewardsReply::Demand(demand) => Ok(demand.is_some_and(|demand| !demand.answered)),
            _ => Err(another()),
        }
    }

    async fn epoch_view(&self, epoch: u64) -> Result<Option<EpochView>, Problem> {
        match self.rewards(RewardsQuery::Epoch { epoch }).await? {
            RewardsReply::Epoch(view) => Ok(view.map(|view| *view)),
            _ => Err(another()),
        }
    }
}
