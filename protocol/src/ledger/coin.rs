//! Money on the ledger: denominations and amounts.
//!
//! Layer: protocol, ledger part.
//! Holds: what a chain calls a currency, and what can be paid of it.
//! Never: floats, signs, rounding; zero where something is to be paid.
//! Invariant: a value that exists is a value that parses.

use super::amount;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Greatest [`Amount`]: 2^96 - 1, so that times and fractions can be multiplied in 128 bits.
pub const AMOUNT_MAX: u128 = (1 << 96) - 1;

/// Why text or a number is not money. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoinError {
    /// A denomination is a letter and 2 to 127 of letters, digits and `/ : . _ -`.
    #[error("denomination must be a letter and 2 to 127 of letters, digits and /:._-")]
    Denom,
    /// An amount is 1 to [`AMOUNT_MAX`].
    #[error("amount must be 1 to 2^96 - 1 of the smallest unit")]
    Amount,
}

/// What a chain calls a currency, such as `uscrt`.
///
/// Source: the Cosmos SDK's rule for denominations (`x/bank`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Denom(String);

impl Denom {
    /// Most bytes of a denomination.
    pub const BYTES_MAX: usize = 128;

    /// The denomination's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Denom {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for Denom {
    type Error = CoinError;
    fn try_from(text: String) -> Result<Self, CoinError> {
        let fits = (3..=Self::BYTES_MAX).contains(&text.len());
        let lead = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        let plain =
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/:._-".contains(&byte));
        if fits && lead && plain { Ok(Self(text)) } else { Err(CoinError::Denom) }
    }
}

impl std::str::FromStr for Denom {
    type Err = CoinError;
    fn from_str(text: &str) -> Result<Self, CoinError> {
        text.to_owned().try_into()
    }
}

impl From<Denom> for String {
    fn from(denom: Denom) -> String {
        denom.0
    }
}

/// Something to be paid: 1 to [`AMOUNT_MAX`] of a smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Amount(u128);

impl Amount {
    /// The amount as a number.
    #[must_use]
    pub fn get(self) -> u128 {
        self.0
    }
}

impl TryFrom<u128> for Amount {
    type Error = CoinError;
    fn try_from(units: u128) -> Result<Self, CoinError> {
        if (1..=AMOUNT_MAX).contains(&units) { Ok(Self(units)) } else { Err(CoinError::Amount) }
    }
}

/// What an [`Amount`] is written as.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Wire(#[serde(with = "amount")] u128);

impl TryFrom<Wire> for Amount {
    type Error = CoinError;
    fn try_from(Wire(units): Wire) -> Result<Self, CoinError> {
        units.try_into()
    }
}

impl From<Amount> for Wire {
    fn from(amount: Amount) -> Self {
        Self(amount.0)
    }
}
