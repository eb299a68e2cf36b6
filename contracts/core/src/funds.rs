//! Money that comes with a message, and money that leaves.
//!
//! Layer: bottom of the core.
//! Holds: the two shapes that shells turn into bank messages and back.
//! Never: balances; each contract accounts for its own.
//! Invariant: amounts are whole numbers of the smallest unit.

use prag_protocol::Address;

/// Coins that the sender put into the contract with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funds {
    /// Denomination.
    pub denom: String,
    /// Smallest units.
    pub amount: u128,
}

/// Coins that the contract sends, once the transition is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// To whom.
    pub to: Address,
    /// Denomination.
    pub denom: String,
    /// Smallest units, at least 1.
    pub amount: u128,
}

/// Whether just this came: one coin, to the unit.
pub(crate) fn exactly(came: &[Funds], denom: &str, amount: u128) -> bool {
    matches!(came, [coin] if coin.denom == denom && coin.amount == amount)
}
