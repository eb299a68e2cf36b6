//! Admission: may this caller do this to this collection, by a fresh view of the ledger?
//!
//! Layer: `trust`, above `request` and `evidence`.
//! Holds: the rules for owners, grantees, delegates, worker's image and reader's image, and the [`Granted`] that only they
//! make.
//! Never: the ledger itself, a clock, a difference between absent and foreign.
//! Invariant: a [`Granted`] exists only for a live collection, an unrevoked permit and an unexpired right,
//! each as of a view no older than the bound; and one to read or write only on a worker whose image the
//! collection's policy allows.

mod granted;

pub use granted::{Admin, Content, Give, Granted, Read, Right, See, Write};

use crate::evidence::Reader;
use crate::permit::Permission;
use crate::request::Caller;
use crate::scope::{OpenedScope, SealedScope};
use crate::verified::Verified;
use granted::{Scope, Terms};
use prag_protocol::CollectionId;
use prag_protocol::filter::Filter;
use prag_protocol::ledger::{CollectionRecord, GrantRecord, PolicyRecord, SCOPE_BYTES_MAX};
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
    /// The collection's policy does not list the image of this worker. Ask a worker that it lists.
    #[error("the collection's policy does not list this worker's image")]
    WorkerImage,
    /// The collection's grantees must show what they run, and this one has not. Open a session with evidence.
    #[error("the collection asks for an attested reader")]
    ReaderMissing,
    /// The collection's policy does not list the image of this reader. Ask the owner.
    #[error("the collection's policy does not list this reader's image")]
    ReaderImage,
    /// All else holds, and the scope of the grant is sealed. Open it, and ask again with what it says.
    #[error("the scope of the grant is sealed")]
    Sealed,
}

/// The worker that admits, at the time when it does.
#[derive(Clone, Copy)]
pub struct Gate<'a> {
    /// The digest of the worker's own image, as its own evidence shows it.
    pub image: [u8; 32],
    /// Unix seconds.
    pub now: u64,
    /// Most seconds that the ledger's view may be old.
    pub staleness_s: u64,
    /// What the scopes of the grant and of its delegate's say, where sealed ones were opened after [`Denied::Sealed`].
    pub scopes: &'a [OpenedScope],
}

/// Admit a search: the owner, or a grantee who may read and has quota left.
///
/// `view` is the ledger's about this caller and this `collection`. `reader` is the session that was opened with
/// evidence over the caller's key, if there is one. Where the policy lists readers, a grantee needs one of a listed
/// image; the owner needs none: it is their own data. Nobody without a grant learns of the policy.
///
/// # Errors
/// [`Denied`].
pub fn admit_read(
    caller: &Verified<Caller>,
    reader: Option<&Verified<Reader>>,
    collection: CollectionId,
    view: &AccessView,
    gate: &Gate<'_>,
) -> Result<Granted<Read>, Denied> {
    let (mut terms, grant) = readable(caller, collection, view, gate)?;
    let live =
        |one: &&Verified<Reader>| one.session_key == caller.session_key && one.expires > gate.now;
    terms.reader = reader.filter(live).cloned();
    if let Some(grant) = grant {
        attested(terms.reader.as_ref(), view)?;
        if grant.quota.is_some_and(|quota| grant.used >= quota) {
            return Err(Denied::Quota);
        }
    }
    serves(view, gate)?;
    Granted::within(terms)
}

/// Admit a look at a collection from outside, its state, size and head: whoever may read, attested or not, quota or
/// not.
///
/// Parameters as [`admit_read`].
///
/// # Errors
/// [`Denied`].
pub fn admit_see(
    caller: &Verified<Caller>,
    collection: CollectionId,
    view: &AccessView,
    gate: &Gate<'_>,
) -> Result<Granted<See>, Denied> {
    readable(caller, collection, view, gate).map(|(terms, _)| Granted::seen(terms))
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
    gate: &Gate<'_>,
) -> Result<Granted<Write>, Denied> {
    let record = preconditions(caller, Permission::Ingest, view, gate)?;
    let terms = match right_of(caller, record, view, gate)? {
        Standing::Owner => owner_terms(caller, collection, record, view),
        Standing::Grantee(grant) if grant.can_write => {
            grantee_terms(caller, (collection, record), view, &grant, gate)?
        }
        Standing::Grantee(_) => return Err(Denied::Forbidden),
    };
    serves(view, gate)?;
    Granted::within(terms)
}

/// Admit administration: the owner alone, on a worker of any image, so that a wrong policy can be set right.
///
/// Parameters as [`admit_read`].
///
/// # Errors
/// [`Denied`].
pub fn admit_admin(
    caller: &Verified<Caller>,
    collection: CollectionId,
    view: &AccessView,
    gate: &Gate<'_>,
) -> Result<Granted<Admin>, Denied> {
    let record = preconditions(caller, Permission::Admin, view, gate)?;
    let terms = match right_of(caller, record, view, gate)? {
        Standing::Owner => owner_terms(caller, collection, record, view),
        Standing::Grantee(_) => return Err(Denied::Forbidden),
    };
    Ok(Granted::owned(terms))
}

/// Admit the giving and taking of grants: the owner, or a delegate, whom the ledger holds to its own grant.
///
/// Parameters as [`admit_read`].
///
/// # Errors
/// [`Denied`].
pub fn admit_give(
    caller: &Verified<Caller>,
    collection: CollectionId,
    view: &AccessView,
    gate: &Gate<'_>,
) -> Result<Granted<Give>, Denied> {
    let record = preconditions(caller, Permission::Admin, view, gate)?;
    let terms = match right_of(caller, record, view, gate)? {
        Standing::Owner => owner_terms(caller, collection, record, view),
        Standing::Grantee(grant) if grant.delegate > 0 => {
            grantee_terms(caller, (collection, record), view, &grant, gate)?
        }
        Standing::Grantee(_) => return Err(Denied::Forbidden),
    };
    Ok(Granted::giving(terms))
}

/// What the owner, or a grantee who may read, is admitted to; the latter with the grant.
fn readable(
    caller: &Caller,
    collection: CollectionId,
    view: &AccessView,
    gate: &Gate<'_>,
) -> Result<(Terms, Option<GrantRecord>), Denied> {
    let record = preconditions(caller, Permission::Query, view, gate)?;
    match right_of(caller, record, view, gate)? {
        Standing::Owner => Ok((owner_terms(caller, collection, record, view), None)),
        Standing::Grantee(grant) if grant.can_read => {
            Ok((grantee_terms(caller, (collection, record), view, &grant, gate)?, Some(grant)))
        }
        Standing::Grantee(_) => Err(Denied::Forbidden),
    }
}

/// Whether a worker of `image` may hold a collection's keys under `policy`; without one, the placement decides.
#[must_use]
pub fn may_serve(policy: Option<&PolicyRecord>, image: &[u8; 32]) -> bool {
    policy.is_none_or(|policy| policy.measurements.contains(image))
}

fn serves(view: &AccessView, gate: &Gate<'_>) -> Result<(), Denied> {
    let allowed = may_serve(view.policy.as_ref(), &gate.image);
    if allowed { Ok(()) } else { Err(Denied::WorkerImage) }
}

/// Whether a grantee shows an image that the policy lists. A policy without readers asks for none.
fn attested(reader: Option<&Verified<Reader>>, view: &AccessView) -> Result<(), Denied> {
    let readers = view.policy.as_ref().map_or(&[][..], |policy| &policy.readers);
    match reader {
        _ if readers.is_empty() => Ok(()),
        None => Err(Denied::ReaderMissing),
        Some(reader) if readers.contains(&reader.measurement) => Ok(()),
        Some(_) => Err(Denied::ReaderImage),
    }
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

enum Standing {
    Owner,
    /// With the grant as far as it reaches.
    Grantee(GrantRecord),
}

/// What holds for everybody: permission, freshness, a live permit, a live collection.
///
/// The first two do not depend on the collection, so their answers tell nothing about it.
fn preconditions<'a>(
    caller: &Caller,
    permission: Permission,
    view: &'a AccessView,
    gate: &Gate<'_>,
) -> Result<&'a CollectionRecord, Denied> {
    let Gate { now, staleness_s, .. } = *gate;
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

fn right_of(
    caller: &Caller,
    record: &CollectionRecord,
    view: &AccessView,
    gate: &Gate<'_>,
) -> Result<Standing, Denied> {
    if record.owner == caller.address {
        return Ok(Standing::Owner);
    }
    let holds = |grant: &GrantRecord| grant.grantee == caller.address && grant.holds(gate.now);
    view.reach().filter(holds).map(Standing::Grantee).ok_or(Denied::Forbidden)
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
        scope: Scope::Everything,
        expires: caller.expires,
        reader: None,
    }
}

fn grantee_terms(
    caller: &Caller,
    (collection, record): (CollectionId, &CollectionRecord),
    view: &AccessView,
    grant: &GrantRecord,
    gate: &Gate<'_>,
) -> Result<Terms, Denied> {
    let mut scope = scope_of(collection, grant, gate.scopes)?;
    if let Some(through) = &view.through {
        scope = scope.and(scope_of(collection, through, gate.scopes)?);
    }
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
        reader: None,
    })
}

/// A scope that we cannot read, or that says nothing, must not widen into the whole collection.
fn scope_of(
    collection: CollectionId,
    grant: &GrantRecord,
    opened: &[OpenedScope],
) -> Result<Scope, Denied> {
    let Some(text) = grant.scope.as_deref() else { return Ok(Scope::Everything) };
    if text.len() > SCOPE_BYTES_MAX {
        return Err(Denied::Forbidden);
    }
    if SealedScope::is(text) {
        let opened = opened.iter().find(|opened| opened.is_of(text, collection, &grant.grantee));
        return Ok(opened.map_or(Scope::Sealed, |opened| Scope::Within(opened.filter().clone())));
    }
    let filter: Filter = serde_json::from_str(text).map_err(|_| Denied::Forbidden)?;
    if filter.is_empty() { Err(Denied::Forbidden) } else { Ok(Scope::Within(filter)) }
}

#[cfg(test)]
mod tests;
