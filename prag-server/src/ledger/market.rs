//! The contracts beside access on the embedded ledger.
//!
//! Layer: ledger.
//! Holds: their accounts, the check of signatures, and their refusals as the ledger's.
//! Never: a rule; contracts/core decides.
//! Invariant: no key signs for a contract's account.

use prag_client::ledger::LedgerError;
use prag_contracts_core::Verify;
use prag_contracts_core::bank::BankError;
use prag_contracts_core::market::MarketError;
use prag_protocol::ledger::market::Contracts;

/// Signatures, as every chain checks them.
pub(super) struct Ed25519;

impl Verify for Ed25519 {
    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        ed25519_dalek::VerifyingKey::from_bytes(key)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

/// The accounts: no hash of a key has these texts, which fail the check sum of addresses.
pub(super) fn contracts() -> Option<Contracts> {
    Some(Contracts {
        workers: "secret1pragembeddedworkers".parse().ok()?,
        subscription: "secret1pragembeddedsubscription".parse().ok()?,
        rewards: "secret1pragembeddedrewards".parse().ok()?,
    })
}

pub(super) fn refused(error: MarketError) -> LedgerError {
    match error {
        MarketError::Bank(BankError::Short { has, needs }) => LedgerError::Short { has, needs },
        other => LedgerError::Refused(other.to_string()),
    }
}
