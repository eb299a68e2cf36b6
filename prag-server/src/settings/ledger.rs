//! The ledger that the worker obeys: its own, or a contract on a chain.
//!
//! Layer: server, below `settings`.
//! Holds: `[ledger]`, its bounds, and what of it is measured.
//! Never: a key; a default for what decides trust: chain, contract, code and trusted header are the owner's to name.
//! Invariant: what decides what is believed enters the digest; where nodes are only a way to proofs, they do not.

mod reach;
mod secret;

pub(crate) use reach::Reach;
pub use secret::Secret;

use super::SettingsError;
use prag_cosmos::{CosmosError, GasPrice, MarketContracts, Settings as Cosmos, TrustedHeader};
use prag_protocol::Address;
use prag_protocol::ledger::hex32;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// `[ledger]`, by `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ledger {
    /// In the worker's own store: one worker, or one and its replicas.
    Embedded {},
    /// The access contract on a public chain of the Cosmos SDK; every row that is read is proven.
    Cosmos(Box<Chain>),
    /// The access contract on Secret Network; nodes must agree on what it answers, and an execute bounds how old that is.
    Secret(Box<Secret>),
}

/// The access contract on one chain, and how the chain is reached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// The chain's id, as permits name it.
    pub chain_id: String,
    /// The prefix of its addresses, such as `osmo`.
    pub prefix: String,
    /// The access contract.
    #[serde(deserialize_with = "contract")]
    pub contract: Address,
    /// SHA-256 of the contract's code, hex. The contract must have no administrator.
    #[serde(deserialize_with = "code_hash")]
    pub code_hash: [u8; 32],
    /// RPC addresses of nodes. None is believed; each that fails is passed over.
    pub nodes: Vec<String>,
    /// How many of them must show the same header.
    #[serde(default = "one")]
    pub agree: usize,
    /// A header that was checked by other means, `{ height = 1, hash = "…" }`: from it everything else is proven.
    #[serde(deserialize_with = "trusted")]
    pub trusted: TrustedHeader,
    /// Seconds for which a validator set is trusted: well below the chain's unbonding period.
    pub trusting_period_s: u64,
    /// What gas costs, `{ micro = 25000, denom = "uosmo" }`: millionths of the denomination a unit.
    #[serde(deserialize_with = "gas_price")]
    pub gas_price: GasPrice,
    /// Accounts whose signed messages the worker sends and pays for; everybody's where there are none.
    #[serde(default, deserialize_with = "payers")]
    pub payers: Vec<Address>,
    /// How many such messages an hour it pays for, 4 or more; for one account, a quarter of that.
    #[serde(default = "relays")]
    pub relays_per_hour: u32,
    /// The contracts beside access, `workers`, `subscription` and `rewards`, each `{ contract = "…", code_hash = "…" }`.
    #[serde(default, deserialize_with = "market")]
    pub market: Option<MarketContracts>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::Embedded {}
    }
}

impl Ledger {
    /// Whether it is in the worker's own store.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded {})
    }

    /// Whether the contracts beside access are reached through it.
    pub(super) fn runs_market(&self) -> bool {
        match self {
            Self::Embedded {} => true,
            Self::Cosmos(chain) => chain.market.is_some(),
            Self::Secret(_) => false,
        }
    }

    pub(super) fn check(&self, staleness_s: u64) -> Result<(), SettingsError> {
        match self {
            Self::Embedded {} => Ok(()),
            Self::Cosmos(chain) => {
                let settings = chain.settings(staleness_s);
                settings.check().map_err(explain)?;
                chain.reach().check_payers()?;
                let contracts = chain.market.as_ref();
                let contracts =
                    contracts.map(|all| [&all.workers, &all.subscription, &all.rewards]);
                let mut contracts = contracts.into_iter().flatten();
                contracts.try_for_each(|one| {
                    let contract = one.contract.clone();
                    let here = Cosmos { contract, ..settings.clone() };
                    here.contract_bytes()
                        .map(drop)
                        .map_err(|_| explain(CosmosError::Setting("market")))
                })
            }
            Self::Secret(secret) => {
                secret.settings(staleness_s).check().map_err(explain)?;
                secret.reach().check_payers()
            }
        }
    }

    /// The fields that enter the digest of the settings.
    ///
    /// Where one node is enough, a proof is; who chooses nodes can be silent, and nothing else. Where several must agree,
    /// who chooses them chooses who agrees, so they are measured. What gas costs is the operator's own money.
    pub(super) fn measured(&self) -> Vec<Vec<u8>> {
        let chain = match self {
            Self::Embedded {} => return vec![b"embedded".to_vec()],
            Self::Secret(secret) => return secret.measured(),
            Self::Cosmos(chain) => chain,
        };
        let mut fields = vec![
            b"cosmos".to_vec(),
            chain.chain_id.as_bytes().to_vec(),
            chain.prefix.as_bytes().to_vec(),
            chain.contract.as_str().as_bytes().to_vec(),
            chain.code_hash.to_vec(),
            chain.trusted.height.to_be_bytes().to_vec(),
            chain.trusted.hash.to_vec(),
            chain.trusting_period_s.to_be_bytes().to_vec(),
            (chain.agree as u64).to_be_bytes().to_vec(),
        ];
        if chain.agree > 1 {
            fields.extend(chain.nodes.iter().map(|node| node.as_bytes().to_vec()));
        }
        if let Some(MarketContracts { workers, subscription, rewards }) = &chain.market {
            fields.push(b"market".to_vec());
            for one in [workers, subscription, rewards] {
                fields.push(one.contract.as_str().as_bytes().to_vec());
                fields.push(one.code_hash.to_vec());
            }
        }
        fields
    }
}

impl Chain {
    /// As the ledger takes them.
    #[must_use]
    pub fn settings(&self, staleness_s: u64) -> Cosmos {
        let network = self.reach().network(staleness_s);
        Cosmos { network, contract: self.contract.clone(), code_hash: self.code_hash }
    }
}

/// The field that the chain's own check names, as it stands in the file, with its limit.
pub(crate) fn explain(error: CosmosError) -> SettingsError {
    let CosmosError::Setting(field) = error else {
        return SettingsError::Malformed(error.to_string());
    };
    let (key, range) = match field {
        "chain_id" => ("ledger.chain_id", "1 to 50 bytes"),
        "prefix" => ("ledger.prefix", "the lower-case prefix of the chain's addresses"),
        "nodes" => ("ledger.nodes", "1 to 16 addresses, http:// or https://, of at most 512 bytes"),
        "agree" => ("ledger.agree", "1, on Secret 2, to the number of `ledger.nodes`"),
        "trusted" => ("ledger.trusted.height", "1 or more"),
        "trusting_period_s" => ("ledger.trusting_period_s", "60 to 31622400"),
        "staleness_s" => ("staleness_s", "1 to `ledger.trusting_period_s`"),
        "gas_price.micro" => ("ledger.gas_price.micro", "0 to 1000000000000"),
        "gas_price.denom" => ("ledger.gas_price.denom", "a denomination of 3 to 128 bytes"),
        "contract" => (
            "ledger.contract",
            "a contract's address on this chain: 32 bytes in bech32, on Secret 20",
        ),
        "market" => ("ledger.market", "contracts' addresses on this chain, 32 bytes in bech32"),
        "network_key" => ("ledger.network_key", "a network's key for messages"),
        "execute_every_s" => ("ledger.execute_every_s", "60 to 3600"),
        other => (other, "usable"),
    };
    SettingsError::Bounds(key, range)
}

fn relays() -> u32 {
    3600
}

fn one() -> usize {
    1
}

/// Types that refuse in words of their own are told with the name of their key: a tagged table has lost its lines.
fn named<E: Error>(key: &'static str) -> impl FnOnce(E) -> E {
    move |error| E::custom(format!("`ledger.{key}`: {error}"))
}

fn contract<'de, D: Deserializer<'de>>(text: D) -> Result<Address, D::Error> {
    Address::deserialize(text).map_err(named("contract"))
}

fn code_hash<'de, D: Deserializer<'de>>(text: D) -> Result<[u8; 32], D::Error> {
    hex32::deserialize(text).map_err(named("code_hash"))
}

fn trusted<'de, D: Deserializer<'de>>(table: D) -> Result<TrustedHeader, D::Error> {
    TrustedHeader::deserialize(table).map_err(named("trusted"))
}

fn payers<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<Address>, D::Error> {
    Vec::deserialize(list).map_err(named("payers"))
}

fn market<'de, D: Deserializer<'de>>(table: D) -> Result<Option<MarketContracts>, D::Error> {
    MarketContracts::deserialize(table).map(Some).map_err(named("market"))
}

fn gas_price<'de, D: Deserializer<'de>>(table: D) -> Result<GasPrice, D::Error> {
    GasPrice::deserialize(table).map_err(named("gas_price"))
}

#[cfg(test)]
mod tests;
