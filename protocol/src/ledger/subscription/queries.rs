//! What the subscription contract is asked.
//!
//! Layer: protocol, ledger part.
//! Holds: queries, and the bounds that need no state.
//! Never: permits; `P` is whatever a shell takes as one, and nothing here looks into it.
//! Invariant: everything is refused by field and limit before any state is read.

use crate::Address;
use crate::ledger::check::page_rows;
use crate::ledger::coin::Denom;
#[cfg(feature = "schema")]
use crate::ledger::schema::Hex32;
use crate::ledger::{BoundError, LEDGER_PAGE_ROWS_MAX, hex32};
use serde::{Deserialize, Serialize};

/// A question. "Caller" is whom the shell has authenticated, by a permit or otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SubscriptionQuery<P> {
    /// Anybody: the admin's account. Documented.
    GetAdmin {},
    /// Anybody: whether an account is active. Documented.
    SubscriberStatus {
        /// The account.
        public_key: Address,
    },
    /// Admin or the account itself: the same. Documented.
    SubscriberStatusWithPermit {
        /// The account.
        public_key: Address,
        /// Says who the caller is.
        permit: P,
    },
    /// A page of key hashes: all for the admin, its own for a subscriber. Documented.
    ApiKeys {
        /// Rows to skip.
        #[serde(default)]
        offset: u32,
        /// Rows at most, 1 to [`LEDGER_PAGE_ROWS_MAX`].
        #[serde(default = "page")]
        limit: u32,
    },
    /// The same. Documented.
    ApiKeysWithPermit {
        /// Says who the caller is.
        permit: P,
        /// Rows to skip.
        #[serde(default)]
        offset: u32,
        /// Rows at most, 1 to [`LEDGER_PAGE_ROWS_MAX`].
        #[serde(default = "page")]
        limit: u32,
    },
    /// Admin or the account itself: its keys, which are at most [`super::API_KEYS_MAX`]. Documented.
    ApiKeysByIdentityWithPermit {
        /// The account.
        identity: Address,
        /// Says who the caller is.
        permit: P,
    },
    /// Anybody who knows the hash: whose key it is. Documented.
    QueryIdentityByApiKeyHash {
        /// The key's SHA-256.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        api_key_hash: [u8; 32],
    },
    /// Anybody who knows the hash: all that a worker needs to serve the key's bearer, or not.
    ApiKey {
        /// The key's SHA-256.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        hash: [u8; 32],
    },
    /// Admin or the account itself: its subscription.
    SubscriptionWithPermit {
        /// The account.
        subscriber: Address,
        /// Says who the caller is.
        permit: P,
    },
    /// Admin: a page of subscribers, in no particular order.
    SubscribersWithPermit {
        /// Says who the caller is.
        permit: P,
        /// Rows to skip.
        offset: u32,
        /// Rows at most, 1 to [`LEDGER_PAGE_ROWS_MAX`].
        limit: u32,
    },
    /// Anybody: a plan.
    Plan {
        /// Which.
        plan: u32,
    },
    /// Anybody: a page of all plans, oldest first.
    Plans {
        /// Rows to skip.
        offset: u32,
        /// Rows at most, 1 to [`LEDGER_PAGE_ROWS_MAX`].
        limit: u32,
    },
    /// Anybody: what came and went in a denomination.
    Account {
        /// Which.
        denom: Denom,
    },
}

impl<P> SubscriptionQuery<P> {
    /// The permit that came along, for the shell to verify.
    #[must_use]
    pub fn permit(&self) -> Option<&P> {
        match self {
            Self::SubscriberStatusWithPermit { permit, .. }
            | Self::ApiKeysWithPermit { permit, .. }
            | Self::ApiKeysByIdentityWithPermit { permit, .. }
            | Self::SubscriptionWithPermit { permit, .. }
            | Self::SubscribersWithPermit { permit, .. } => Some(permit),
            Self::GetAdmin {}
            | Self::SubscriberStatus { .. }
            | Self::ApiKeys { .. }
            | Self::QueryIdentityByApiKeyHash { .. }
            | Self::ApiKey { .. }
            | Self::Plan { .. }
            | Self::Plans { .. }
            | Self::Account { .. } => None,
        }
    }

    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        match self {
            Self::ApiKeys { limit, .. }
            | Self::ApiKeysWithPermit { limit, .. }
            | Self::SubscribersWithPermit { limit, .. }
            | Self::Plans { limit, .. } => page_rows(*limit),
            Self::GetAdmin {}
            | Self::SubscriberStatus { .. }
            | Self::SubscriberStatusWithPermit { .. }
            | Self::ApiKeysByIdentityWithPermit { .. }
            | Self::QueryIdentityByApiKeyHash { .. }
            | Self::ApiKey { .. }
            | Self::SubscriptionWithPermit { .. }
            | Self::Plan { .. }
            | Self::Account { .. } => Ok(()),
        }
    }
}

fn page() -> u32 {
    LEDGER_PAGE_ROWS_MAX
}
