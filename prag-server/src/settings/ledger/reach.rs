//! How a chain is reached, of whatever kind it is.
//!
//! Layer: server, below `settings::ledger`.
//! Holds: what `[ledger]` says alike of a public chain and of Secret Network; for whom the worker pays there.
//! Never: what only one of the two has.
//! Invariant: whoever is paid for is named as this worker spells accounts.

use super::{Chain, Secret, SettingsError};
use prag_client::border;
use prag_cosmos::{GasPrice, Network, Payers, TrustedHeader};
use prag_protocol::Address;

/// One chain, its nodes, and who is paid for.
pub(crate) struct Reach<'a> {
    pub(crate) chain_id: &'a str,
    pub(super) prefix: &'a str,
    pub(super) nodes: &'a [String],
    pub(super) agree: usize,
    pub(super) trusted: TrustedHeader,
    pub(super) trusting_period_s: u64,
    pub(crate) gas_price: &'a GasPrice,
    pub(super) payers: &'a [Address],
    pub(super) relays_per_hour: u32,
}

macro_rules! reached {
    ($($settings:ty),*) => {$(
        impl $settings {
            /// What it says as any chain does.
            pub(crate) fn reach(&self) -> Reach<'_> {
                Reach {
                    chain_id: &self.chain_id,
                    prefix: &self.prefix,
                    nodes: &self.nodes,
                    agree: self.agree,
                    trusted: self.trusted,
                    trusting_period_s: self.trusting_period_s,
                    gas_price: &self.gas_price,
                    payers: &self.payers,
                    relays_per_hour: self.relays_per_hour,
                }
            }
        }
    )*};
}

reached!(Chain, Secret);

impl Reach<'_> {
    /// The network; its newest header may be as old as any view that admits somebody.
    pub(super) fn network(&self, staleness_s: u64) -> Network {
        Network {
            chain_id: self.chain_id.to_owned(),
            prefix: self.prefix.to_owned(),
            nodes: self.nodes.to_vec(),
            agree: self.agree,
            trusted: self.trusted,
            trusting_period_s: self.trusting_period_s,
            staleness_s,
            gas_price: self.gas_price.clone(),
        }
    }

    /// For whom the worker pays, in our spelling. They were checked.
    pub(crate) fn payers(&self) -> Payers {
        let here = |account: &Address| border::here(account).unwrap_or_else(|_| account.clone());
        Payers { accounts: self.payers.iter().map(here).collect(), per_hour: self.relays_per_hour }
    }

    /// Bounds of whom the worker pays for.
    pub(super) fn check_payers(&self) -> Result<(), SettingsError> {
        let known = self.payers.iter().all(|account| border::bytes(account).is_ok());
        if !known || self.payers.len() > PAYERS_MAX {
            return Err(SettingsError::Bounds("ledger.payers", "at most 1024 addresses"));
        }
        if self.relays_per_hour < 4 {
            return Err(SettingsError::Bounds("ledger.relays_per_hour", "4 or more"));
        }
        Ok(())
    }
}

/// Most accounts that are paid for by name.
const PAYERS_MAX: usize = 1024;
