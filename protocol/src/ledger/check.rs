//! The bounds of messages and questions of the access ledger that need no state, and how all ledgers name a bound.
//!
//! Layer: protocol, ledger part.
//! Holds: one rule for each field.
//! Never: state, or who may send what (contracts/core decides).
//! Invariant: everything is refused by field and limit before any state is read.

use super::{
    AccessMsg, AccessQuery, DELEGATED_MAX, INTEGER_MAX, LEDGER_PAGE_ROWS_MAX, Offer,
    PERMIT_NAME_BYTES_MAX, POLICY_ENTRIES_MAX, SCOPE_BYTES_MAX, SHARDS_MAX,
};
use crate::Epoch;
use crate::limits::K_MAX;

/// A field is outside its bounds. Not retryable as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} must be {min} to {max}")]
pub struct BoundError {
    /// The field.
    pub field: &'static str,
    /// Least value, length or count.
    pub min: u64,
    /// Greatest value, length or count.
    pub max: u64,
}

impl AccessMsg {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        match self {
            Self::CreateCollection { epoch, .. } => within("epoch", u64::from(*epoch), 1, 1),
            Self::Grant { max_k, quota, expires, scope, delegate, .. } => {
                within("max_k", u64::from(*max_k), 1, u64::from(K_MAX))?;
                within("quota", quota.unwrap_or(1), 1, INTEGER_MAX)?;
                within("expires", *expires, 1, INTEGER_MAX)?;
                within("delegate", u64::from(*delegate), 0, u64::from(DELEGATED_MAX))?;
                let scope_bytes = scope.as_ref().map_or(1, String::len);
                length("scope", scope_bytes, 1, SCOPE_BYTES_MAX)
            }
            Self::RevokePermit { permit_name } => permit(permit_name),
            Self::Place { placement } => {
                shard(placement.shard)?;
                let epoch = u64::from(placement.epoch);
                within("epoch", epoch, 1, u64::from(Epoch::MAX))?;
                within("lease_until", placement.lease_until, 1, INTEGER_MAX)
            }
            Self::Unplace { shard: number, .. } | Self::Rebind { shard: number, .. } => {
                shard(*number)
            }
            Self::RotateEpoch { epoch, .. } => {
                within("epoch", u64::from(*epoch), 2, u64::from(Epoch::MAX))
            }
            Self::ClaimWriter { shard: number, epoch, .. } => {
                shard(*number)?;
                within("epoch", *epoch, 1, INTEGER_MAX)
            }
            Self::SetPolicy { measurements, readers, .. } => {
                length("measurements", measurements.len(), 0, POLICY_ENTRIES_MAX)?;
                length("readers", readers.len(), 0, POLICY_ENTRIES_MAX)
            }
            Self::Consume { shard: number, units, .. } => {
                shard(*number)?;
                within("units", *units, 1, INTEGER_MAX)
            }
            Self::Anchor { shard: through, .. } => through.map_or(Ok(()), |of| shard(of.shard)),
            Self::SetPrice { offer, .. } => offer.as_ref().map_or(Ok(()), Offer::check),
            Self::DestroyCollection { .. } | Self::Revoke { .. } | Self::Transfer { .. } => Ok(()),
        }
    }
}

impl AccessQuery {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        match self {
            Self::PermitRevoked { permit_name, .. } | Self::Admission { permit_name, .. } => {
                permit(permit_name)
            }
            Self::Placement { shard: number, .. } | Self::Writer { shard: number, .. } => {
                shard(*number)
            }
            Self::Collections { limit, .. }
            | Self::Grants { limit, .. }
            | Self::Shared { limit, .. } => page_rows(*limit),
            Self::Collection { .. }
            | Self::Grant { .. }
            | Self::Anchor { .. }
            | Self::Policy { .. }
            | Self::Price { .. } => Ok(()),
        }
    }
}

fn shard(number: u32) -> Result<(), BoundError> {
    within("shard", u64::from(number), 0, u64::from(SHARDS_MAX) - 1)
}

fn permit(name: &str) -> Result<(), BoundError> {
    length("permit_name", name.len(), 1, PERMIT_NAME_BYTES_MAX)
}

pub(super) fn page_rows(limit: u32) -> Result<(), BoundError> {
    within("limit", u64::from(limit), 1, u64::from(LEDGER_PAGE_ROWS_MAX))
}

pub(super) fn length(
    field: &'static str,
    is: usize,
    min: usize,
    max: usize,
) -> Result<(), BoundError> {
    // A length that does not fit in 64 bits is certainly too long.
    let wide = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    within(field, wide(is), wide(min), wide(max))
}

pub(super) fn within(field: &'static str, is: u64, min: u64, max: u64) -> Result<(), BoundError> {
    if (min..=max).contains(&is) { Ok(()) } else { Err(BoundError { field, min, max }) }
}
