//! Metering of grantees' use.
//!
//! Layer: server, below `settings`.
//! Holds: how much is lent.
//! Never: a price: the ledger has it.
//! Invariant: an owner's own use is not metered.

use serde::Deserialize;

/// `[metering]` in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metering {
    /// Queries that a session may owe before it countersigns; at least as many as it asks at once.
    pub credit: u64,
}
