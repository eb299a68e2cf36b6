//! The contracts beside access, and this worker's part in them.
//!
//! Layer: server, below `settings`.
//! Holds: the terms under which an embedded ledger's contracts begin; what this worker is on them and how often it looks.
//! Never: a key; a change to a market that has begun: its terms are on the ledger.
//! Invariant: what passes the check is what the contracts accept.

use super::SettingsError;
use prag_client::border;
use prag_protocol::Address;
use prag_protocol::ledger::bank::{BankInit, Coin, Endowment};
use prag_protocol::ledger::coin::{Amount, CoinError, Denom};
use prag_protocol::ledger::market::MarketInit;
use prag_protocol::ledger::rewards::{RewardsConfig, RewardsInit};
use prag_protocol::ledger::workers::{Parties, WorkersInit, WorkersTerms};
use prag_trust::address::check_address;
use serde::Deserialize;

/// `[market]` in the settings. Amounts are whole numbers of the smallest unit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Market {
    /// Admin of the contracts, receiver of fees, and the only account that mints; the worker's own if absent.
    pub operator: Option<Address>,
    /// The one denomination.
    pub denom: String,
    /// What the worker's account begins with: its stake and bonds.
    pub worker_units: u64,
    /// What every account may have once, for trying things out; 0 for no faucet.
    pub faucet_units: u64,
    /// Length of a rewards epoch, seconds.
    pub epoch_s: u64,
    /// After its end: for reports.
    pub report_s: u64,
    /// After those: for demands, answers and challenges, a third each.
    pub challenge_s: u64,
    /// After the close: for claims.
    pub claim_s: u64,
    /// Protocol fee, basis points of an epoch's pool.
    pub fee_bps: u32,
    /// Owners' part.
    pub royalty_bps: u32,
    /// The part for being there.
    pub uptime_bps: u32,
    /// Weight of a query.
    pub query_weight: u32,
    /// Weight of a chunk.
    pub chunk_weight: u32,
    /// Weight of an embedded token.
    pub embedded_weight: u32,
    /// What a report puts at stake.
    pub bond: u64,
    /// What a demanded leaf pays.
    pub deposit: u64,
    /// The challenger's part of a lost bond, basis points.
    pub bounty_bps: u32,
    /// What a false report costs of a stake, millionths.
    pub slash_ppm: u32,
    /// Stake for each unit of capacity.
    pub stake: u64,
    /// Length of a liveness window.
    pub window_s: u64,
    /// Life of evidence.
    pub evidence_s: u64,
    /// Before other parties are in force.
    pub timelock_s: u64,
    /// Before a stake comes back.
    pub unbonding_s: u64,
    /// What a missed window costs of a stake, millionths.
    pub missed_ppm: u32,
    /// What this worker does by itself; nothing without it.
    pub worker: Option<MarketWorker>,
}

/// `[market.worker]`: it registers at each boot, answers for its liveness, reports use, shows leaves that somebody demands,
/// closes epochs and claims.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarketWorker {
    /// Under which URL; that of `listen` if absent.
    pub url: Option<String>,
    /// What it is chosen for.
    pub service: String,
    /// How much it takes on.
    pub capacity: u32,
    /// Where what it earns goes; it stays with the worker's account if absent.
    pub wallet: Option<Address>,
    /// What stays with the account beside two bonds, smallest units: on a chain, for the gas of its transactions.
    pub reserve_units: u64,
    /// Time between two looks at the ledger, seconds.
    pub check_s: u64,
}

impl Default for Market {
    fn default() -> Self {
        Self {
            operator: None,
            denom: "uprag".to_owned(),
            worker_units: 0,
            faucet_units: 0,
            epoch_s: 7 * DAY,
            report_s: DAY,
            challenge_s: 3 * DAY,
            claim_s: 30 * DAY,
            fee_bps: 500,
            royalty_bps: 2_000,
            uptime_bps: 1_000,
            query_weight: 10,
            chunk_weight: 2,
            embedded_weight: 1,
            bond: 1_000_000,
            deposit: 10_000,
            bounty_bps: 4_000,
            slash_ppm: 100_000,
            stake: 1_000_000,
            window_s: DAY,
            evidence_s: 30 * DAY,
            timelock_s: 2 * DAY,
            unbonding_s: 21 * DAY,
            missed_ppm: 1_000,
            worker: None,
        }
    }
}

impl Default for MarketWorker {
    fn default() -> Self {
        let service = "retrieval".to_owned();
        let (url, wallet, reserve_units) = (None, None, 0);
        Self { url, service, capacity: 1, wallet, reserve_units, check_s: 10 }
    }
}

impl Market {
    /// For `--dev` without a `[market]`: short epochs, money for everybody.
    #[must_use]
    pub fn dev() -> Self {
        Self {
            worker_units: 1_000_000_000,
            faucet_units: 1_000_000_000,
            epoch_s: 3_600,
            report_s: 600,
            challenge_s: 600,
            claim_s: DAY,
            window_s: 300,
            evidence_s: DAY,
            timelock_s: 300,
            unbonding_s: 3_600,
            worker: Some(MarketWorker::default()),
            ..Self::default()
        }
    }

    /// How the contracts begin, where `account` is the worker's.
    ///
    /// # Errors
    /// [`SettingsError::Market`] names what is out of its bounds.
    pub fn init(&self, account: &Address) -> Result<MarketInit, SettingsError> {
        let made = self.made(account).map_err(|error| wrong(&error))?;
        let rewards = RewardsInit {
            ledger: [0; 32],
            denom: made.terms.denom.clone(),
            epoch_seconds: made.epoch_seconds,
            config: made.rewards.clone(),
        };
        rewards.check().map_err(|error| wrong(&error))?;
        let treasury = made.admin.clone();
        let workers = WorkersInit {
            admin: made.admin.clone(),
            parties: Parties { rewards: None, treasury, approver: None },
            terms: made.terms.clone(),
        };
        workers.check().map_err(|error| wrong(&error))?;
        Ok(made)
    }

    fn made(&self, account: &Address) -> Result<MarketInit, CoinError> {
        let denom: Denom = self.denom.parse()?;
        let units = |units: u64| Amount::try_from(u128::from(units));
        let coin = |number| match number {
            0 => Ok(None),
            number => Ok(Some(Coin { denom: denom.clone(), amount: units(number)? })),
        };
        let own = coin(self.worker_units)?.map(|coin| Endowment { account: account.clone(), coin });
        let admin = self.operator.clone().unwrap_or_else(|| account.clone());
        let bank = BankInit {
            operator: admin.clone(),
            endowments: own.into_iter().collect(),
            faucet: coin(self.faucet_units)?,
        };
        let rewards = RewardsConfig {
            treasury: admin.clone(),
            fee_bps: self.fee_bps,
            royalty_bps: self.royalty_bps,
            uptime_bps: self.uptime_bps,
            query_weight: self.query_weight,
            chunk_weight: self.chunk_weight,
            embedded_weight: self.embedded_weight,
            bond: units(self.bond)?,
            deposit: units(self.deposit)?,
            bounty_bps: self.bounty_bps,
            slash_ppm: self.slash_ppm,
            report_seconds: self.report_s,
            challenge_seconds: self.challenge_s,
            claim_seconds: self.claim_s,
        };
        let terms = WorkersTerms {
            denom,
            stake_per_capacity: units(self.stake)?,
            window_seconds: self.window_s,
            evidence_seconds: self.evidence_s,
            timelock_seconds: self.timelock_s,
            unbonding_seconds: self.unbonding_s,
            missed_ppm: self.missed_ppm,
            attested_only: false,
            approved_only: false,
        };
        Ok(MarketInit { admin, bank, terms, epoch_seconds: self.epoch_s, rewards })
    }

    /// On a chain, terms are in its contracts: here is only what this worker does by itself.
    pub(super) fn check_chain(&self) -> Result<(), SettingsError> {
        let terms = Self { worker: None, ..self.clone() };
        if terms != Self::default() {
            let why =
                "a chain's contracts have their own terms: only `[market.worker]` is set here";
            return Err(SettingsError::Market(why.to_owned()));
        }
        let spends_all =
            |worker: &MarketWorker| worker.wallet.is_some() && worker.reserve_units == 0;
        if self.worker.as_ref().is_some_and(spends_all) {
            let why = "`worker.reserve_units` must be above 0 where `worker.wallet` is set: the rest pays for gas";
            return Err(SettingsError::Market(why.to_owned()));
        }
        Ok(())
    }

    pub(super) fn check(&self, embedded: bool) -> Result<(), SettingsError> {
        let wallet = self.worker.as_ref().and_then(|worker| worker.wallet.as_ref());
        for account in [self.operator.as_ref(), wallet].into_iter().flatten() {
            // A chain's own spelling will do there.
            let chain = !embedded && border::bytes(account).is_ok();
            if !chain && check_address(account).is_err() {
                let why = "`operator` and `wallet` are addresses such as secret1…";
                return Err(SettingsError::Market(why.to_owned()));
            }
        }
        let pace = self.worker.as_ref().is_none_or(|worker| (1..=3600).contains(&worker.check_s));
        if !pace {
            return Err(SettingsError::Market("`worker.check_s` must be 1 to 3600".to_owned()));
        }
        let anybody = "secret1anybody".parse().map_err(|error| wrong(&error))?;
        self.init(&anybody).map(drop)
    }
}

fn wrong(error: &impl ToString) -> SettingsError {
    SettingsError::Market(error.to_string())
}

const DAY: u64 = 86_400;
