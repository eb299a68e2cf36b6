//! What an account of a chain signs, so that a contract there takes its message together with its money.
//!
//! Layer: protocol, ledger part.
//! Holds: the terms of one transaction, and those with a wallet's signature.
//! Never: the message itself: whoever signs knows what it asked for, and nobody tells it.
//! Invariant: integers are those of the SDK's own document, which both sides lay out anew.

use super::{amount, hex64};
use crate::Address;
use serde::{Deserialize, Serialize};

/// Everything of a transaction but what it does. Whoever signs pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionTerms {
    /// The chain's id.
    pub chain_id: String,
    /// Who signs, as the chain spells it.
    pub sender: Address,
    /// The contract that is told, or who is paid.
    pub to: Address,
    /// The number that the chain knows the account by.
    pub account_number: u64,
    /// How many transactions it has sent.
    pub sequence: u64,
    /// The last height whose block can have it.
    pub timeout_height: u64,
    /// Most gas.
    pub gas: u64,
    /// What the gas costs, smallest units; paid also where the contract refuses.
    #[serde(with = "amount")]
    pub fee: u128,
    /// Of what.
    pub fee_denom: String,
}

/// A transaction that its sender has signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedTransaction {
    /// What was signed, with the message that comes beside it.
    pub terms: TransactionTerms,
    /// The wallet's compressed public key, 66 hexadecimal digits.
    pub public_key: String,
    /// secp256k1 over the document's SHA-256, r ‖ s.
    #[serde(with = "hex64")]
    pub signature: [u8; 64],
}

/// Most gas of one transaction.
pub const TRANSACTION_GAS_MAX: u64 = 50_000_000;
/// Longest [`SignedTransaction`] as JSON, bytes.
pub const TRANSACTION_BYTES_MAX: usize = 4 << 10;
