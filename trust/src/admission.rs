//! Admission: may this caller do this to this collection, by a fresh view of the ledger?
//!
//! Layer: `trust`, above `request`.
//! Holds: the rules for owners and grantees, and the [`Granted`] that only they make.
//! Never: the ledger itself, a clock, a difference between absent and foreign.
//! Invariant: a [`Granted`] exists only for a live collection, an unrevoked permit and an unexpired right,
//! each as of a view no older than the bound.

mod granted;

pub use granted::{Admin, Granted, Read, Right, Write};

use crate::permit::Permission;
use crate::request::Caller;
use crate::verified::Verified;
use granted::Terms;
use prag_protocol::CollectionId;
use prag_protocol::filter::Filter;
use prag_protocol::ledger::{CollectionRecord, GrantRecord, SCOPE_BYTES_MAX};
use prag_protocol::limits::{CLOCK_SKEW_SECONDS_MAX, K_MAX};

/// What the ledger says about one caller and one collection, at one height.
pub use prag_protocol::ledger::Admission as AccessView;

/// Why a caller is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// Absent, destroyed, foreign, revoked or expired: one answer on purpose.
    #[error("no such collection, or no right to it")]
    Forbidden,
    /// The permit does not carry the permission. Sign another permit.
    #[error("the permit lacks the permission {}", .0.name())]
    Permission(Permission),
    /// The ledger view is too old. Worth a retry once the worker caught up.
    #[error("the ledger view is {age} seconds old, over {max}")]
    StaleView {
        /// Seconds since the view's header.
        age: u64,
        /// Most seconds allowed.
        max: u64,
    },
    /// The ledger view is from the future: one of two clocks is wrong.
    #[error("the ledger view is {ahead} seconds ahead of the clock")]
    FutureView {
        /// Seconds between the clock and the view's header.
        ahead: u64,
    },
    /// The grant's units are used up.
    #[error("the grant's quota is used up")]
    Quota,
}

/// Admit a search: the owner, or a grantee who may read and has quota left.
///
/// `view` is the ledger's about this caller and this `collection`; `now` Unix seconds; `staleness_s` the
/// most seconds that the view may be old.
///
/// # Errors
/// [`Denied`].
pub fn admit_read(
    caller: &Verified<Caller>,
    collection: CollectionId,
    view: &AccessView,
    now: u64,
    staleness_s: u64,
) -> Result<Granted<Read>, Denied> {
    let record = preconditions(caller, Permission::Query, view, now, staleness_s)?;
    let terms = match right_of(caller, record, view, now)? {
        Standing::Owner => owner_terms(caller, collection, record, view),
        Standing::Grantee(grant) if grant.can_read => {
            if grant.quota.is_some_and(|quota| grant.used >= quota) {
                return Err(Denied::Quota);
            }
            grantee_terms(caller, collection, record, view, grant)?
        }
        Standing::Grantee(_) => return Err(Denied::Forbidden),
    };
    Ok(Granted::new(terms))
}

/// Admit a write: the owner, or a grantee who may write.
///
/// Parameters as [`admit_read`].
///
/// # Errors
/// [`Denied`].
pub fn admit_write(
    caller: &Verified<Caller>,
    collection: CollectionId,
    view: &AccessView,
    now: u64,
    staleness_s: u64,
) -> Result<Granted<Write>, Denied> {
    let record = preconditions(caller, Permission::Ingest, view, now, staleness_s)?;
    let terms = match right_of(caller, record, view, now)? {
        Standing::Owner => owner_terms(caller, collection, record, view),
        Standing::Grantee(grant) if grant.can_write => {
            grantee_terms(caller, collection, record, view, grant)?
        }
        Standing::Grantee(_) => return Err(Denied::Forbidden),
    };
    Ok(Granted::new(terms))
}

/// Admit administration: the owner alone.
///
/// Parameters as [`admit_read`].
///
/// # Errors
/// [`Denied`].
pub fn admit_admin(
    caller: &Verified<Caller>,
    collection: CollectionId,
    view: &AccessView,
    now: u64,
    staleness_s: u64,
) -> Result<Granted<Admin>, Denied> {
    let record = preconditions(caller, Permission::Admin, view, now, staleness_s)?;
    let terms = match right_of(caller, record, view, now)? {
        Standing::Owner => owner_terms(caller, collection, record, view),
        Standing::Grantee(_) => return Err(Denied::Forbidden),
    };
    Ok(Granted::new(terms))
}

/// Whether `view` is recent: at most `staleness_s` seconds old, and not ahead of the clock by more than its skew.
///
/// # Errors
/// [`Denied::StaleView`], [`Denied::FutureView`].
pub fn fresh(view: &AccessView, now: u64, staleness_s: u64) -> Result<(), Denied> {
    let age = now.saturating_sub(view.time);
    if age > staleness_s {
        return Err(Denied::StaleView { age, max: staleness_s });
    }
    let ahead = view.time.saturating_sub(now);
    if ahead > CLOCK_SKEW_SECONDS_MAX { Err(Denied::FutureView { ahead }) } else { Ok(()) }
}

enum Standing<'a> {
    Owner,
    Grantee(&'a GrantRecord),
}

/// What holds for everybody: permission, freshness, a live permit, a live collection.
///
/// The first two do not depend on the collection, so their answers tell nothing about it.
fn preconditions<'a>(
    caller: &Caller,
    permission: Permission,
    view: &'a AccessView,
    now: u64,
    staleness_s: u64,
) -> Result<&'a CollectionRecord, Denied> {
    if !caller.permissions.allow(permission) {
        return Err(Denied::Permission(permission));
    }
    fresh(view, now, staleness_s)?;
    if caller.expires <= now || view.permit_revoked {
        return Err(Denied::Forbidden);
    }
    match &view.collection {
        Some(record) if !record.destroyed => Ok(record),
        Some(_) | None => Err(Denied::Forbidden),
    }
}

fn right_of<'a>(
    caller: &Caller,
    record: &CollectionRecord,
    view: &'a AccessView,
    now: u64,
) -> Result<Standing<'a>, Denied> {
    if record.owner == caller.address {
        return Ok(Standing::Owner);
    }
    match &view.grant {
        Some(grant) if grant.grantee == caller.address && !grant.revoked && grant.expires > now => {
            Ok(Standing::Grantee(grant))
        }
        Some(_) | None => Err(Denied::Forbidden),
    }
}

fn owner_terms(
    caller: &Caller,
    collection: CollectionId,
    record: &CollectionRecord,
    view: &AccessView,
) -> Terms {
    Terms {
        collection,
        caller: caller.address.clone(),
        owner: true,
        epoch: record.epoch,
        height: view.height,
        max_k: K_MAX,
        scope: None,
        expires: caller.expires,
    }
}

fn grantee_terms(
    caller: &Caller,
    collection: CollectionId,
    record: &CollectionRecord,
    view: &AccessView,
    grant: &GrantRecord,
) -> Result<Terms, Denied> {
    // A scope that we cannot read must not widen into the whole collection.
    let scope = grant.scope.as_deref().map(parse_scope).transpose()?;
    if grant.max_k == 0 {
        return Err(Denied::Forbidden);
    }
    Ok(Terms {
        collection,
        caller: caller.address.clone(),
        owner: false,
        epoch: record.epoch,
        height: view.height,
        max_k: grant.max_k.min(K_MAX),
        scope,
        expires: caller.expires.min(grant.expires),
    })
}

fn parse_scope(text: &str) -> Result<Filter, Denied> {
    if text.len() > SCOPE_BYTES_MAX {
        return Err(Denied::Forbidden);
    }
    serde_json::from_str(text).map_err(|_| Denied::Forbidden)
}

#[cfg(test)]
mod tests;
