//! Which contract of Secret Network, and what is believed about it to begin with.
//!
//! Layer: `cosmos::secret`, above `cosmos`' settings.
//! Holds: what an owner's configuration says, checked.
//! Never: defaults for what decides trust; one node alone; a key that would make every message public.
//! Invariant: whatever passed [`SecretSettings::check`] is in bounds.

use super::cipher::contributes;
use crate::{CosmosError, Network};
use bech32::primitives::decode::CheckedHrpstring;
use prag_protocol::Address;
use serde::{Deserialize, Serialize};

/// One access contract on one network of Secret's kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSettings {
    /// The chain. Two nodes at least have to agree.
    pub network: Network,
    /// The access contract.
    pub contract: Address,
    /// SHA-256 of the contract's code: it is in every message, and enclaves refuse a message that was meant for other
    /// code.
    #[serde(with = "prag_protocol::ledger::hex32")]
    pub code_hash: [u8; 32],
    /// The key to which the network's enclaves have messages sealed.
    #[serde(with = "prag_protocol::ledger::hex32")]
    pub network_key: [u8; 32],
    /// Most seconds since this account's last proven execute for which anything is answered.
    pub execute_every_s: u64,
}

impl SecretSettings {
    /// Checks every bound.
    ///
    /// # Errors
    /// [`CosmosError::Setting`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), CosmosError> {
        let hold = |holds: bool, name| if holds { Ok(()) } else { Err(CosmosError::Setting(name)) };
        self.network.check()?;
        hold(self.network.agree >= AGREE_MIN, "agree")?;
        hold(contributes(&self.network_key), "network_key")?;
        let period = (EXECUTE_SECONDS_MIN..=EXECUTE_SECONDS_MAX).contains(&self.execute_every_s);
        hold(period, "execute_every_s")?;
        hold(self.is_contract(), "contract")
    }

    /// Contracts of Secret have addresses as long as accounts.
    fn is_contract(&self) -> bool {
        let parsed = CheckedHrpstring::new::<bech32::Bech32>(self.contract.as_str());
        let Ok(parsed) = parsed else { return false };
        self.network.hrp().is_ok_and(|prefix| prefix == parsed.hrp())
            && parsed.byte_iter().count() == CONTRACT_BYTES
    }
}

/// Fewest nodes that agree: one alone would be believed.
const AGREE_MIN: usize = 2;
/// Shortest period between executes: some blocks, and the time to try again.
const EXECUTE_SECONDS_MIN: u64 = 60;
/// Longest: an hour.
const EXECUTE_SECONDS_MAX: u64 = 3600;
const CONTRACT_BYTES: usize = 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::fixture::{Chain, address};
    use crate::secret::Enclave;

    fn settings() -> SecretSettings {
        let nodes = vec!["http://127.0.0.1:1".to_owned(), "https://node.example".to_owned()];
        SecretSettings {
            network: Chain::new().settings(nodes, 2).network,
            contract: address("wasm", &[9; 20]),
            code_hash: [3; 32],
            network_key: Enclave::new(7).key().0,
            execute_every_s: 600,
        }
    }

    /// Each bound holds on its far side, and names its field.
    #[test]
    fn bounds() {
        assert_eq!(settings().check(), Ok(()));
        type Change = fn(&mut SecretSettings);
        let bad: [(&str, Change); 9] = [
            ("agree", |s| s.network.agree = 1),
            ("agree", |s| s.network.agree = 3),
            ("chain_id", |s| s.network.chain_id.clear()),
            ("network_key", |s| s.network_key = [0; 32]),
            ("network_key", |s| s.network_key = std::array::from_fn(|at| u8::from(at == 0))),
            ("execute_every_s", |s| s.execute_every_s = 59),
            ("execute_every_s", |s| s.execute_every_s = 3601),
            ("contract", |s| s.contract = address("wasm", &[9; 32])),
            ("contract", |s| s.contract = address("osmo", &[9; 20])),
        ];
        for (field, change) in bad {
            let mut settings = settings();
            change(&mut settings);
            assert_eq!(settings.check(), Err(CosmosError::Setting(field)));
        }
    }

    /// An owner's file reads back, and says nothing that is not asked.
    #[test]
    fn files_are_closed() {
        let text = serde_json::to_string(&settings()).unwrap();
        assert_eq!(serde_json::from_str::<SecretSettings>(&text).unwrap(), settings());
        let more = text.replacen('{', r#"{"trust_everything":true,"#, 1);
        assert!(serde_json::from_str::<SecretSettings>(&more).is_err());
    }
}
