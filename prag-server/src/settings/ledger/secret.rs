//! The access contract on Secret Network, as the settings name it.
//!
//! Layer: server, below `settings::ledger`.
//! Holds: `[ledger]` of kind `secret`, and what of it is measured.
//! Never: a default for what decides trust: how many nodes agree, the network's key and how often the worker executes are
//! the owner's to name too.
//! Invariant: nodes are always measured: who chooses them chooses who agrees.

use super::{code_hash, contract, gas_price, payers, relays, trusted};
use prag_cosmos::secret::SecretSettings;
use prag_cosmos::{GasPrice, TrustedHeader};
use prag_protocol::Address;
use serde::Deserialize;
use serde::de::Deserializer;

/// The access contract on one network of Secret's kind, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The chain's id, as permits name it.
    pub chain_id: String,
    /// The prefix of its addresses.
    pub prefix: String,
    /// The access contract.
    #[serde(deserialize_with = "contract")]
    pub contract: Address,
    /// SHA-256 of the contract's code, hex: enclaves refuse a message for other code.
    #[serde(deserialize_with = "code_hash")]
    pub code_hash: [u8; 32],
    /// The key to which messages are sealed, hex (`/registration/v1beta1/tx-key`, checked by other means).
    #[serde(deserialize_with = "network_key")]
    pub network_key: [u8; 32],
    /// RPC addresses of nodes, of operators that do not act together.
    pub nodes: Vec<String>,
    /// How many of them must answer alike, 2 or more.
    pub agree: usize,
    /// Seconds, 60 to 3600, since the worker's last proven execute for which anything is served. It sends the next when
    /// three quarters of them are over.
    pub execute_every_s: u64,
    /// A header that was checked by other means, `{ height = 1, hash = "…" }`.
    #[serde(deserialize_with = "trusted")]
    pub trusted: TrustedHeader,
    /// Seconds for which a validator set is trusted: well below the chain's unbonding period.
    pub trusting_period_s: u64,
    /// What gas costs, `{ micro = 100000, denom = "uscrt" }`: millionths of the denomination a unit.
    #[serde(deserialize_with = "gas_price")]
    pub gas_price: GasPrice,
    /// Accounts whose signed messages the worker sends and pays for; everybody's where there are none.
    #[serde(default, deserialize_with = "payers")]
    pub payers: Vec<Address>,
    /// How many such messages an hour it pays for, 4 or more; for one account, a quarter of that.
    #[serde(default = "relays")]
    pub relays_per_hour: u32,
}

impl Secret {
    /// As the ledger takes them.
    #[must_use]
    pub fn settings(&self, staleness_s: u64) -> SecretSettings {
        let network = self.reach().network(staleness_s);
        let Self { code_hash, network_key, execute_every_s, .. } = *self;
        let contract = self.contract.clone();
        SecretSettings { network, contract, code_hash, network_key, execute_every_s }
    }

    /// The fields that enter the digest of the settings.
    pub(super) fn measured(&self) -> Vec<Vec<u8>> {
        let mut fields = vec![
            b"secret".to_vec(),
            self.chain_id.as_bytes().to_vec(),
            self.prefix.as_bytes().to_vec(),
            self.contract.as_str().as_bytes().to_vec(),
            self.code_hash.to_vec(),
            self.network_key.to_vec(),
            self.trusted.height.to_be_bytes().to_vec(),
            self.trusted.hash.to_vec(),
            self.trusting_period_s.to_be_bytes().to_vec(),
            self.execute_every_s.to_be_bytes().to_vec(),
            (self.agree as u64).to_be_bytes().to_vec(),
        ];
        fields.extend(self.nodes.iter().map(|node| node.as_bytes().to_vec()));
        fields
    }
}

fn network_key<'de, D: Deserializer<'de>>(text: D) -> Result<[u8; 32], D::Error> {
    prag_protocol::ledger::hex32::deserialize(text).map_err(super::named("network_key"))
}
