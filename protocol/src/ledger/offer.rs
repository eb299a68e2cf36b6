//! Offers: a collection's price, and what it buys.
//!
//! Layer: protocol, ledger part.
//! Holds: the terms, and the message that takes them.
//! Never: who may set them, or whom the money goes to (contracts/core decides).
//! Invariant: whoever buys names every term, so that a price that changed meanwhile is refused, not paid.

use super::check::within;
use super::coin::{Amount, Denom};
use super::{BoundError, GRANT_SECONDS_MAX, INTEGER_MAX};
use crate::CollectionId;
use crate::limits::K_MAX;
use serde::{Deserialize, Serialize};

/// What a grant to read all of a collection costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Its price.
    pub amount: Amount,
    /// What the price is in.
    pub denom: Denom,
    /// How long it lasts, 1 to [`GRANT_SECONDS_MAX`].
    pub seconds: u64,
    /// Most hits of one query, 1 to [`K_MAX`].
    pub max_k: u32,
    /// Units in all; absent is unlimited.
    #[serde(default)]
    pub quota: Option<u64>,
}

/// Anybody but the owner, with the exact price: gets the grant, and the owner the money. Whoever holds one that was
/// bought gets as much time and as many units more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BuyMsg {
    /// Which collection.
    pub collection: CollectionId,
    /// The terms as the buyer has seen them.
    pub offer: Offer,
}

impl Offer {
    /// Checks every bound that needs no state; price and denomination are bounded by their types.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        within("seconds", self.seconds, 1, GRANT_SECONDS_MAX)?;
        within("max_k", u64::from(self.max_k), 1, u64::from(K_MAX))?;
        within("quota", self.quota.unwrap_or(1), 1, INTEGER_MAX)
    }
}
