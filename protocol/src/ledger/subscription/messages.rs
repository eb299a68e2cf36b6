//! What the subscription contract is told.
//!
//! Layer: protocol, ledger part.
//! Holds: messages, and the bounds that need no state.
//! Never: who may send them (contracts/core decides).
//! Invariant: everything is refused by field and limit before any state is read.

use super::{API_KEYS_MAX, KeyName, PERIOD_SECONDS_MAX};
use crate::Address;
use crate::ledger::check::within;
use crate::ledger::coin::{Amount, Denom};
#[cfg(feature = "schema")]
use crate::ledger::schema::Hex32;
use crate::ledger::{BPS, BoundError, INTEGER_MAX, hex32};
use serde::{Deserialize, Serialize};

/// A transition. No message but `subscribe`, `renew` and `upgrade` takes funds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SubscriptionMsg {
    /// Admin: an account is active from now on, without a plan. Documented.
    RegisterSubscriber {
        /// The account.
        public_key: Address,
    },
    /// Admin: an account is no subscriber any more. Its keys go, and all of its unused time is
    /// refunded, without a fee. Documented.
    RemoveSubscriber {
        /// The account.
        public_key: Address,
    },
    /// Admin: proposes another admin, in place of any other proposal; proposing itself withdraws
    /// it. Documented, but there it is done at once.
    SetAdmin {
        /// The account.
        #[serde(alias = "public_key")]
        public_address: Address,
    },
    /// Who was proposed: is the admin from now on.
    AcceptAdmin {},
    /// Subscriber, for itself, or admin, for anybody active: another key. Documented.
    AddApiKey {
        /// The key's SHA-256.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        api_key: [u8; 32],
        /// Whose; absent is the sender's.
        #[serde(default)]
        identity: Option<Address>,
        /// What to call it.
        #[serde(default)]
        name: Option<KeyName>,
        /// Unix seconds; absent is now. Only shown.
        #[serde(default)]
        created: Option<u64>,
    },
    /// Subscriber, for its own, or admin: a key is none any more. Documented.
    RevokeApiKey {
        /// The key's SHA-256.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        api_key: [u8; 32],
    },
    /// Admin: a new plan, for good.
    MakePlan {
        /// Never used before.
        id: u32,
        /// Price of one period.
        price: Amount,
        /// What the price is in.
        denom: Denom,
        /// Length of one period, seconds, 1 to [`PERIOD_SECONDS_MAX`].
        period_seconds: u64,
        /// Seconds, at most one period.
        grace_seconds: u64,
        /// Basis points, at most [`BPS`].
        refund_fee_bp: u32,
        /// At most [`API_KEYS_MAX`].
        api_keys: u32,
        /// Units of one period, at least 1.
        units: u64,
    },
    /// Admin: a plan takes neither subscriptions nor renewals any more. Again is no error.
    RetirePlan {
        /// Which.
        plan: u32,
    },
    /// Anybody without a running plan, with the exact price: one period from now.
    Subscribe {
        /// Which plan.
        plan: u32,
    },
    /// Subscriber, with the exact price: one period more, from where the last one ends.
    Renew {},
    /// Subscriber: ends its plan and is refunded. Again is no error.
    Cancel {},
    /// Subscriber, with the exact price of the other plan: is refunded for its plan as by `cancel`,
    /// and has one period of the other from now.
    Upgrade {
        /// To which plan.
        plan: u32,
    },
    /// Anybody: counts as earned what a subscriber's refund cannot claim any more. Again is no error.
    Settle {
        /// Whose.
        subscriber: Address,
    },
    /// Admin: pays out of what is earned.
    Withdraw {
        /// In which denomination.
        denom: Denom,
        /// How much.
        amount: Amount,
        /// To whom: a treasury, or the rewards contract.
        to: Address,
    },
}

impl SubscriptionMsg {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        match self {
            // Price and denomination are bounded by their types.
            Self::MakePlan {
                period_seconds,
                grace_seconds,
                refund_fee_bp,
                api_keys,
                units,
                ..
            } => {
                within("period_seconds", *period_seconds, 1, PERIOD_SECONDS_MAX)?;
                // A renewal in the grace must reach past now, so one period covers the grace.
                within("grace_seconds", *grace_seconds, 0, *period_seconds)?;
                within("refund_fee_bp", u64::from(*refund_fee_bp), 0, u64::from(BPS))?;
                within("api_keys", u64::from(*api_keys), 0, u64::from(API_KEYS_MAX))?;
                within("units", *units, 1, INTEGER_MAX)
            }
            Self::AddApiKey { created, .. } => {
                within("created", created.unwrap_or(0), 0, INTEGER_MAX)
            }
            Self::RegisterSubscriber { .. }
            | Self::RemoveSubscriber { .. }
            | Self::SetAdmin { .. }
            | Self::AcceptAdmin {}
            | Self::RevokeApiKey { .. }
            | Self::RetirePlan { .. }
            | Self::Subscribe { .. }
            | Self::Renew {}
            | Self::Cancel {}
            | Self::Upgrade { .. }
            | Self::Settle { .. }
            | Self::Withdraw { .. } => Ok(()),
        }
    }
}
