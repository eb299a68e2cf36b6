//! The worker's own part in the market: registered, alive, its use reported, its share claimed.
//!
//! Layer: flow.
//! Holds: the order of one look at the ledger, and its cadence.
//! Never: a step before somebody whose permit verified has asked: until then the clock may be years ahead.
//! Invariant: each step asks the ledger what holds and does what is missing, so that a look that was cut short is repeated.

mod books;
mod register;
mod report;
mod settle;

use super::{Worker, problems};
use crate::settings::MarketWorker;
use prag_protocol::ledger::bank::{BankMsg, BankQuery, BankReply, Coin};
use prag_protocol::ledger::coin::Amount;
use prag_protocol::ledger::market::{
    AskAttend, Attend, Attended, MarketMsg, MarketQuery, MarketReply,
};
use prag_protocol::ledger::rewards::{RewardsMsg, RewardsQuery, RewardsReply, RewardsSettings};
use prag_protocol::problem::{Code, Problem};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What holds for all steps of one look.
struct Scene<'a> {
    market: &'a MarketWorker,
    settings: RewardsSettings,
    /// The epoch that runs.
    running: u64,
}

impl Worker {
    /// One look: what was done and what failed, in words.
    pub async fn attend(&self) -> Attended {
        let mut said = self.0.attending.lock().await;
        let mut attended =
            Attended { account: self.ledger_account(), done: Vec::new(), failed: Vec::new() };
        if let Err(problem) = self.look(&mut attended).await {
            attended.failed.push(problem.detail);
        }
        if *said != attended.failed {
            attended.failed.iter().for_each(|why| tracing::warn!(%why, "the market waits"));
            said.clone_from(&attended.failed);
        }
        attended
    }

    async fn look(&self, attended: &mut Attended) -> Result<(), Problem> {
        let Some(market) = self.part() else {
            let detail = "this worker takes no part: its settings have no [market.worker]";
            return Err(Problem::new(Code::NoMarket, detail));
        };
        let (settings, running) = match self.rewards(RewardsQuery::Config {}).await? {
            RewardsReply::Config { settings, epoch } => (*settings, epoch),
            _ => return Err(problems::another()),
        };
        if settings.ledger != self.0.parts.ledger.id() {
            let detail = "the rewards contract pays for vouchers of another ledger than this worker obeys: nothing is \
                 reported";
            return Err(Problem::new(Code::NoMarket, detail));
        }
        let scene = Scene { market, settings, running };
        let registered = self.stay_registered(&scene).await;
        if registered.is_ok() {
            let awaited = self.awaited().await.unwrap_or_else(|problem| Some(problem.detail));
            attended.failed.extend(awaited);
        }
        // Money that a registration still needs stays here.
        let pays = registered.is_ok();
        let reported = self.report(&scene, &mut attended.failed).await;
        let settled = self.settle_books(attended).await.map(|()| Vec::new());
        let paid = if pays { self.pay_out(&scene).await } else { Ok(Vec::new()) };
        let steps = [registered, reported, settled, paid];
        for step in steps {
            match step {
                Ok(done) => attended.done.extend(done),
                Err(problem) => attended.failed.push(problem.detail),
            }
        }
        Ok(())
    }

    /// Look when somebody who may asks for it.
    ///
    /// # Errors
    /// `permission-missing` for anybody but the market's operator and the worker's steward.
    pub async fn attend_asked(
        &self,
        caller: &Verified<Caller>,
        AskAttend { attend }: AskAttend,
    ) -> Result<Attended, Problem> {
        let admin = self.administers(caller).await?;
        let steward = self.0.settings.steward.as_ref() == Some(&caller.address);
        if !admin || !(steward || self.operates(caller).await?) {
            let detail =
                "the market's operator and the worker's steward ask a worker to act on the ledger";
            return Err(Problem::new(Code::PermissionMissing, detail));
        }
        if let Attend::Register = attend
            && let Some(market) = self.part()
        {
            let _alone = self.0.attending.lock().await;
            let done = vec![self.register(market).await?];
            let account = self.ledger_account();
            return Ok(Attended { account, done, failed: Vec::new() });
        }
        Ok(self.attend().await)
    }

    async fn operates(&self, caller: &Verified<Caller>) -> Result<bool, Problem> {
        match self.market(MarketQuery::Bank(BankQuery::Config {})).await? {
            MarketReply::Bank(BankReply::Config(config)) => {
                Ok(config.operator == self.0.parts.ledger.spelled(&caller.address))
            }
            _ => Err(problems::another()),
        }
    }

    /// The last look, when the worker ends: nothing waits for a report that could be made now.
    pub async fn attend_last(&self) {
        if self.takes_part() && tokio::time::timeout(LAST, self.attend()).await.is_err() {
            tracing::warn!("the last look at the market was cut short");
        }
    }

    /// This worker's part in the market, if it has one.
    fn part(&self) -> Option<&MarketWorker> {
        self.0.settings.market.as_ref()?.worker.as_ref()
    }

    fn takes_part(&self) -> bool {
        self.part().is_some() && self.0.heard.load(Ordering::Relaxed)
    }

    /// Look at the cadence of the settings, as long as this worker lives.
    pub(super) fn keep_attending(&self) {
        let Some(cadence) = self.part().map(|market| Duration::from_secs(market.check_s)) else {
            return;
        };
        let weak = std::sync::Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(cadence).await;
                let Some(inner) = weak.upgrade() else { return };
                let worker = Self(inner);
                if worker.takes_part() {
                    worker.attend().await;
                }
            }
        });
    }

    /// Run a message as the worker's own account.
    async fn act(&self, message: MarketMsg, funds: &[Coin]) -> Result<u64, Problem> {
        let parts = &self.0.parts;
        let acted = parts.ledger.execute_market(&parts.account, &[], message, funds).await;
        acted.map_err(problems::market)
    }

    async fn act_rewards(&self, message: RewardsMsg, funds: &[Coin]) -> Result<u64, Problem> {
        self.act(MarketMsg::Rewards(Box::new(message)), funds).await
    }

    /// What is above two bonds and the reserve goes to the wallet of the settings.
    async fn pay_out(&self, scene: &Scene<'_>) -> Result<Vec<String>, Problem> {
        let Some(to) = scene.market.wallet.clone() else { return Ok(Vec::new()) };
        let denom = scene.settings.denom.clone();
        let (account, ledger) = (&self.0.parts.account, &self.0.parts.ledger);
        if ledger.spelled(&to) == self.ledger_account() {
            return Ok(Vec::new());
        }
        let query = BankQuery::Balance { account: account.clone(), denom: denom.clone() };
        let asked = ledger.query_market(Some(account), MarketQuery::Bank(query)).await;
        let MarketReply::Bank(BankReply::Balance(has)) = asked.map_err(problems::market)? else {
            return Err(problems::another());
        };
        let bond = scene.settings.versions.last().map_or(0, |last| last.config.bond.get());
        let stays = bond.saturating_mul(2).saturating_add(scene.market.reserve_units.into());
        let Ok(amount) = Amount::try_from(has.saturating_sub(stays)) else {
            return Ok(Vec::new());
        };
        let coin = Coin { denom: denom.clone(), amount };
        self.act(MarketMsg::Bank(BankMsg::Send { to, coin }), &[]).await?;
        Ok(vec![format!("paid {} {denom} to the wallet", amount.get())])
    }
}

/// Time for the last look.
const LAST: Duration = Duration::from_secs(10);
