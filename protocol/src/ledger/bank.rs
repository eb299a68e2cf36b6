//! What the bank of an embedded ledger is told and asked: where no chain has one of its own.
//!
//! Layer: protocol, ledger part.
//! Holds: messages, queries, replies, and the bank's beginning.
//! Never: who may send them (contracts/core decides); a coin that moves with another contract's message, which is funds.
//! Invariant: amounts are decimal text in JSON, and at least one unit moves.

use super::coin::{Amount, Denom};
use super::{BoundError, amount};
use crate::Address;
use serde::{Deserialize, Serialize};

/// Most accounts that a bank begins with.
pub const ENDOWED_MAX: usize = 64;

/// So much of one denomination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coin {
    /// Of what.
    pub denom: Denom,
    /// Smallest units.
    pub amount: Amount,
}

/// Money that an account has from the first moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endowment {
    /// Whose.
    pub account: Address,
    /// What.
    pub coin: Coin,
}

/// How a bank begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankInit {
    /// The only account that mints, for good.
    pub operator: Address,
    /// Minted at once.
    #[serde(default)]
    pub endowments: Vec<Endowment>,
    /// What every account may have once, for trying things out; absent where money means something.
    #[serde(default)]
    pub faucet: Option<Coin>,
}

/// A transition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BankMsg {
    /// Anybody: gives of its own.
    Send {
        /// To whom.
        to: Address,
        /// What.
        coin: Coin,
    },
    /// Operator: makes money.
    Mint {
        /// For whom.
        to: Address,
        /// What.
        coin: Coin,
    },
    /// Anybody, once, where there is a faucet.
    Faucet {},
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BankQuery {
    /// The account itself or the operator: what it has. Anybody: what a contract has.
    Balance {
        /// Whose.
        account: Address,
        /// Of what.
        denom: Denom,
    },
    /// Anybody: all that was ever minted.
    Supply {
        /// Of what.
        denom: Denom,
    },
    /// Anybody: who mints, and what the faucet gives.
    Config {},
}

/// The answer to the [`BankQuery`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BankReply {
    /// Smallest units.
    Balance(#[serde(with = "amount")] u128),
    /// Smallest units.
    Supply(#[serde(with = "amount")] u128),
    /// What is set.
    Config(BankConfig),
}

/// What is set for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankConfig {
    /// Mints.
    pub operator: Address,
    /// What every account may have once.
    pub faucet: Option<Coin>,
}

impl BankInit {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        super::check::length("endowments", self.endowments.len(), 0, ENDOWED_MAX)
    }
}
