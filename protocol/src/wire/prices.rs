//! Prices: what a grant of a collection costs whoever has none.
//!
//! Layer: protocol, wire.
//! Holds: one body, for saying and for asking.
//! Never: the purchase, which is a message to the ledger with money (`ledger::market`).
//! Invariant: an absent offer is no offer.

use crate::ledger::Offer;
use serde::{Deserialize, Serialize};

/// `PUT /v1/collections/{c}/price`, and the reply to `GET`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// What a grant costs, and what it is; absent where none is for sale.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub offer: Option<Offer>,
}
