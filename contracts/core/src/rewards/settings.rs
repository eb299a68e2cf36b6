//! What is set, and by whom.
//!
//! Layer: core, rewards.
//! Holds: the beginning, the admin's two steps, and configs by epoch.
//! Never: a change to an epoch that has begun.
//! Invariant: at most three configs are kept, and one of them holds for every epoch that can still be
//! opened: the one that runs, and the one before.

use super::{Event, RewardsError, Step, Verdict, keys, time};
use crate::kv::Staged;
use crate::{Env, Kv};
use prag_protocol::Address;
use prag_protocol::ledger::rewards::{RewardsConfig, RewardsInit, RewardsSettings, Version};

/// Sets the contract up, once. `sender` is its admin, and epoch 0 begins now.
///
/// # Errors
/// [`RewardsError::Bound`] for a field outside its bounds; [`RewardsError::Exists`] the second time.
pub fn instantiate(
    kv: &mut dyn Kv,
    env: &Env,
    sender: &Address,
    init: RewardsInit,
) -> Result<(), RewardsError> {
    init.check()?;
    let row = keys::settings();
    if row.load(kv)?.is_some() {
        return Err(RewardsError::Exists);
    }
    let RewardsInit { ledger, denom, epoch_seconds, config } = init;
    let settings = RewardsSettings {
        ledger,
        denom,
        genesis: env.time,
        epoch_seconds,
        admin: sender.clone(),
        pending: None,
        versions: vec![Version { from: 0, config }],
    };
    let mut staged = Staged::over(kv);
    row.save(&mut staged, &settings)?;
    staged.keep();
    Ok(())
}

impl Step<'_> {
    pub(super) fn set_admin(&mut self, admin: Address) -> Verdict {
        self.admin()?;
        let named = Some(admin.clone());
        if self.settings.pending == named {
            return Ok(None);
        }
        self.settings.pending = named;
        keys::settings().save(self.kv, &self.settings)?;
        Ok(Some(Event::AdminNamed { admin }))
    }

    pub(super) fn accept_admin(&mut self) -> Verdict {
        if self.settings.pending.as_ref() != Some(self.sender) {
            return Err(RewardsError::NotNamed);
        }
        self.settings.pending = None;
        self.settings.admin = self.sender.clone();
        keys::settings().save(self.kv, &self.settings)?;
        let admin = self.sender.clone();
        Ok(Some(Event::AdminAccepted { admin }))
    }

    pub(super) fn set_config(&mut self, config: RewardsConfig) -> Verdict {
        self.admin()?;
        let max = self.settings.epoch_seconds;
        let windows = config.report_seconds.checked_add(config.challenge_seconds);
        if windows.is_none_or(|seconds| seconds > max) {
            return Err(RewardsError::Windows { max });
        }
        let running = time::running(&self.settings, self.env.time)?;
        let from = running.checked_add(1).ok_or(RewardsError::Exhausted("the epoch"))?;
        let versions = &mut self.settings.versions;
        versions.retain(|version| version.from != from);
        versions.push(Version { from, config });
        // Of those that began no later than the epoch before, the last one holds; others are history.
        let oldest = running.saturating_sub(1);
        let past = versions.iter().filter(|version| version.from <= oldest).count();
        versions.drain(..past.saturating_sub(1));
        keys::settings().save(self.kv, &self.settings)?;
        Ok(Some(Event::ConfigSet { from }))
    }

    fn admin(&self) -> Result<(), RewardsError> {
        if self.settings.admin == *self.sender { Ok(()) } else { Err(RewardsError::NotAdmin) }
    }

    /// The config of an epoch that is opened now. An epoch older than those kept can no longer be
    /// reported under any config, so that the oldest one may stand for it until that is refused.
    pub(super) fn config(&self, epoch: u64) -> Result<RewardsConfig, RewardsError> {
        let versions = &self.settings.versions;
        let holds = versions.iter().rev().find(|version| version.from <= epoch);
        let version = holds.or(versions.first()).ok_or(RewardsError::Damaged("settings"))?;
        Ok(version.config.clone())
    }
}
