//! Which chain, contract and nodes, and what is believed to begin with.
//!
//! Layer: `cosmos`, above `error`.
//! Holds: what an owner's configuration says, checked.
//! Never: defaults for what decides trust; secrets.
//! Invariant: whatever passed [`Settings::check`] is in bounds.

use crate::CosmosError;
use bech32::Hrp;
use bech32::primitives::decode::CheckedHrpstring;
use prag_protocol::Address;
use serde::{Deserialize, Serialize};

/// One access contract on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The chain.
    pub network: Network,
    /// The access contract.
    pub contract: Address,
    /// SHA-256 of the contract's code: proven once, and the contract must have no administrator.
    #[serde(with = "prag_protocol::ledger::hex32")]
    pub code_hash: [u8; 32],
}

/// One chain, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The chain's id.
    pub chain_id: String,
    /// The prefix of its addresses.
    pub prefix: String,
    /// RPC addresses of the nodes, 1 to [`NODES_MAX`].
    pub nodes: Vec<String>,
    /// How many of them must show the same header.
    pub agree: usize,
    /// What is believed to begin with.
    pub trusted: TrustedHeader,
    /// Seconds for which a validator set is trusted: well below the chain's unbonding period.
    pub trusting_period_s: u64,
    /// Most seconds that the newest header may be old.
    pub staleness_s: u64,
    /// What gas costs.
    pub gas_price: GasPrice,
}

/// A header that the owner checked by other means, at most the trusting period ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedHeader {
    /// Its height.
    pub height: u64,
    /// Its block hash.
    #[serde(with = "prag_protocol::ledger::hex32")]
    pub hash: [u8; 32],
}

/// A contract, and what proves that it is the one that is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// Its address, as the chain spells it.
    pub contract: Address,
    /// SHA-256 of its code: proven once, and it must have no administrator.
    #[serde(with = "prag_protocol::ledger::hex32")]
    pub code_hash: [u8; 32],
}

/// The contracts beside access. Rewards names the ledger's id in its first message, so that this id cannot name them:
/// whoever relies on them pins them in its own settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketContracts {
    /// Who is a worker.
    pub workers: Pinned,
    /// Plans, subscribers, API keys.
    pub subscription: Pinned,
    /// Epochs, reports, the pool.
    pub rewards: Pinned,
}

/// What a unit of gas costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GasPrice {
    /// Millionths of the smallest unit of `denom` a unit of gas, at most 10^12.
    pub micro: u64,
    /// In what it is paid.
    pub denom: String,
}

impl Settings {
    /// Checks every bound.
    ///
    /// # Errors
    /// [`CosmosError::Setting`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), CosmosError> {
        self.network.check()?;
        self.contract_bytes().map(|_| ())
    }

    /// The contract's address in bytes.
    ///
    /// # Errors
    /// [`CosmosError::Setting`] where it is no contract of this chain.
    pub fn contract_bytes(&self) -> Result<[u8; 32], CosmosError> {
        contract_bytes(&self.network, &self.contract)
    }
}

/// The bytes of a contract's address on `network`.
///
/// # Errors
/// [`CosmosError::Setting`] where it is no contract of that chain.
pub(crate) fn contract_bytes(
    network: &Network,
    contract: &Address,
) -> Result<[u8; 32], CosmosError> {
    let wrong = CosmosError::Setting("contract");
    let Ok(parsed) = CheckedHrpstring::new::<bech32::Bech32>(contract.as_str()) else {
        return Err(wrong);
    };
    if parsed.hrp() != network.hrp()? {
        return Err(wrong);
    }
    parsed.byte_iter().collect::<Vec<u8>>().try_into().map_err(|_| wrong)
}

impl Network {
    /// Checks every bound.
    ///
    /// # Errors
    /// [`CosmosError::Setting`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), CosmosError> {
        let hold = |holds: bool, name| if holds { Ok(()) } else { Err(CosmosError::Setting(name)) };
        let url = |node: &String| {
            let known = node.starts_with("https://") || node.starts_with("http://");
            known && node.len() <= URL_BYTES_MAX
        };
        let nodes = self.nodes.len();
        let denom = &self.gas_price.denom;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-".contains(&byte);
        hold(matches!(self.chain_id.len(), 1..=CHAIN_ID_BYTES_MAX), "chain_id")?;
        self.hrp()?;
        hold((1..=NODES_MAX).contains(&nodes) && self.nodes.iter().all(url), "nodes")?;
        hold((1..=nodes).contains(&self.agree), "agree")?;
        hold(self.trusted.height > 0, "trusted")?;
        hold((60..=TRUSTING_SECONDS_MAX).contains(&self.trusting_period_s), "trusting_period_s")?;
        hold((1..=self.trusting_period_s).contains(&self.staleness_s), "staleness_s")?;
        hold(self.gas_price.micro <= MICRO_MAX, "gas_price.micro")?;
        hold((3..=128).contains(&denom.len()) && denom.bytes().all(plain), "gas_price.denom")
    }

    /// The prefix of the chain's addresses.
    pub(crate) fn hrp(&self) -> Result<Hrp, CosmosError> {
        let lower = self.prefix.bytes().all(|byte| byte.is_ascii_lowercase());
        let parsed = Hrp::parse(&self.prefix).ok().filter(|_| lower);
        parsed.ok_or(CosmosError::Setting("prefix"))
    }
}

/// Most nodes.
pub const NODES_MAX: usize = 16;
/// Longest URL of a node, bytes.
const URL_BYTES_MAX: usize = 512;
/// Longest chain id, bytes (the SDK's own bound).
const CHAIN_ID_BYTES_MAX: usize = 50;
/// Dearest gas: a million of the smallest unit.
const MICRO_MAX: u64 = 1_000_000_000_000;
/// Longest trusting period: a year.
const TRUSTING_SECONDS_MAX: u64 = 366 * 86_400;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn settings() -> Settings {
        let prefix = Hrp::parse("wasm").unwrap();
        let contract = bech32::encode::<bech32::Bech32>(prefix, &[7; 32]).unwrap();
        let network = Network {
            chain_id: "prag-test-1".to_owned(),
            prefix: "wasm".to_owned(),
            nodes: vec!["http://127.0.0.1:1".to_owned(), "https://node.example".to_owned()],
            agree: 2,
            trusted: TrustedHeader { height: 5, hash: [9; 32] },
            trusting_period_s: 86_400,
            staleness_s: 60,
            gas_price: GasPrice { micro: 25_000, denom: "ustake".to_owned() },
        };
        Settings { network, contract: contract.parse().unwrap(), code_hash: [3; 32] }
    }

    /// Each bound holds on its far side, and names its field.
    #[test]
    fn bounds() {
        assert_eq!(settings().check(), Ok(()));
        assert_eq!(settings().contract_bytes().unwrap(), [7; 32]);
        type Change = fn(&mut Network);
        let bad: [(&str, Change); 15] = [
            ("chain_id", |s| s.chain_id.clear()),
            ("chain_id", |s| s.chain_id = "c".repeat(51)),
            ("prefix", |s| s.prefix.clear()),
            ("prefix", |s| s.prefix = "WASM".to_owned()),
            ("nodes", |s| s.nodes.clear()),
            ("nodes", |s| s.nodes = vec!["https://a".to_owned(); 17]),
            ("nodes", |s| s.nodes = vec!["file:///etc/passwd".to_owned()]),
            ("agree", |s| s.agree = 0),
            ("agree", |s| s.agree = 3),
            ("trusted", |s| s.trusted.height = 0),
            ("trusting_period_s", |s| s.trusting_period_s = 59),
            ("staleness_s", |s| s.staleness_s = 0),
            ("staleness_s", |s| s.staleness_s = 86_401),
            ("gas_price.micro", |s| s.gas_price.micro = 1_000_000_000_001),
            ("gas_price.denom", |s| s.gas_price.denom = "a b".to_owned()),
        ];
        for (field, change) in bad {
            let mut settings = settings();
            change(&mut settings.network);
            assert_eq!(settings.check(), Err(CosmosError::Setting(field)));
        }
        for (prefix, bytes) in [("wasm", &[7; 20][..]), ("osmo", &[7; 32])] {
            let prefix = Hrp::parse(prefix).unwrap();
            let text = bech32::encode::<bech32::Bech32>(prefix, bytes).unwrap();
            let other = Settings { contract: text.parse().unwrap(), ..settings() };
            assert_eq!(other.check(), Err(CosmosError::Setting("contract")), "no contract here");
        }
    }

    /// An owner's file reads back, and says nothing that is not asked.
    #[test]
    fn files_are_closed() {
        let text = serde_json::to_string(&settings()).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings());
        let more = text.replacen('{', r#"{"trust_everything":true,"#, 1);
        assert!(serde_json::from_str::<Settings>(&more).is_err());
    }
}
