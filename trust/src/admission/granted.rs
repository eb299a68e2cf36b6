//! The proof of an admission.
//!
//! Layer: `trust::admission`.
//! Holds: the five rights, what was admitted with one of them, and what that is narrowed to.
//! Never: a constructor that others reach, or a step from one right to another.
//! Invariant: whoever holds a `Granted<R>` got it from the rule for `R`.

use super::Denied;
use crate::evidence::Reader;
use crate::verified::Verified;
use prag_protocol::filter::Filter;
use prag_protocol::{Address, CollectionId, Epoch};
use std::fmt;
use std::marker::PhantomData;

/// Marks a right that [`Granted`] can carry: [`See`], [`Read`], [`Write`], [`Give`] or [`Admin`].
pub trait Right: sealed::Right {}

/// May know that it is there, its state, size and head.
pub enum See {}
/// May search and read context.
pub enum Read {}
/// May put and delete documents.
pub enum Write {}
/// May grant and revoke: all grants as the owner, its own as a delegate.
pub enum Give {}
/// May release keys, rotate, destroy.
pub enum Admin {}

/// A right to what a collection holds: [`Read`] or [`Write`].
pub trait Content: Right {}

impl Content for Read {}
impl Content for Write {}

impl Right for See {}
impl Right for Read {}
impl Right for Write {}
impl Right for Give {}
impl Right for Admin {}

mod sealed {
    pub trait Right {}
    impl Right for super::See {}
    impl Right for super::Read {}
    impl Right for super::Write {}
    impl Right for super::Give {}
    impl Right for super::Admin {}
}

/// Proof that a caller was admitted to a collection. What needs the right asks for this.
///
/// Reading is not writing:
///
/// ```compile_fail,E0308
/// use prag_trust::admission::{Granted, Read, Write};
/// fn append(_: &Granted<Write>) {}
/// fn search(granted: &Granted<Read>) { append(granted) }
/// ```
///
/// ```
/// use prag_trust::admission::{Granted, Write};
/// fn append(_: &Granted<Write>) {}
/// fn replace(granted: &Granted<Write>) { append(granted) }
/// ```
///
/// Seeing that a collection is there is not reading it:
///
/// ```compile_fail,E0308
/// use prag_trust::admission::{Granted, Read, See};
/// fn search(_: &Granted<Read>) {}
/// fn describe(granted: &Granted<See>) { search(granted) }
/// ```
///
/// Who only sees it has nothing that a scope would narrow, and it need not have been opened:
///
/// ```compile_fail,E0599
/// use prag_trust::admission::{Granted, See};
/// fn narrowed(granted: &Granted<See>) -> bool { granted.scope().is_some() }
/// ```
///
/// ```
/// use prag_trust::admission::{Granted, Read, See};
/// fn narrowed(granted: &Granted<Read>) -> bool { granted.scope().is_some() }
/// fn is_narrowed(granted: &Granted<See>) -> bool { granted.is_scoped() }
/// ```
///
/// And nobody makes one up, nor another right of their own:
///
/// ```compile_fail,E0599
/// use prag_trust::admission::{Granted, Read};
/// let forged: Granted<Read> = Granted::default();
/// ```
///
/// ```compile_fail,E0277
/// struct Everything;
/// impl prag_trust::admission::Right for Everything {}
/// ```
#[derive(Clone)]
pub struct Granted<R: Right> {
    terms: Terms,
    right: PhantomData<fn() -> R>,
}

/// What was admitted.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) collection: CollectionId,
    pub(super) caller: Address,
    pub(super) owner: bool,
    pub(super) epoch: Epoch,
    pub(super) height: u64,
    pub(super) max_k: u32,
    pub(super) scope: Scope,
    pub(super) expires: u64,
    pub(super) reader: Option<Verified<Reader>>,
}

/// What it is narrowed to.
#[derive(Clone)]
pub(super) enum Scope {
    /// Nothing.
    Everything,
    /// This.
    Within(Filter),
    /// What the ledger's text says, which was not opened. No reason to show or take anything.
    Sealed,
}

impl Scope {
    /// Both at once.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Sealed, _) | (_, Self::Sealed) => Self::Sealed,
            (Self::Everything, one) | (one, Self::Everything) => one,
            (Self::Within(one), Self::Within(other)) => Self::Within(one.and(other)),
        }
    }
}

impl<R: Right> Granted<R> {
    fn new(terms: Terms) -> Self {
        Self { terms, right: PhantomData }
    }

    /// The collection, and no other.
    #[must_use]
    pub fn collection(&self) -> CollectionId {
        self.terms.collection
    }

    /// Who was admitted.
    #[must_use]
    pub fn caller(&self) -> &Address {
        &self.terms.caller
    }

    /// True for the owner, false for a grantee.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.terms.owner
    }

    /// The collection's key epoch at the view's height.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.terms.epoch
    }

    /// The view's height.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.terms.height
    }

    /// Most hits of one query, 1 to [`prag_protocol::limits::K_MAX`].
    #[must_use]
    pub fn max_k(&self) -> u32 {
        self.terms.max_k
    }

    /// Whether it is narrowed to a part of the collection.
    #[must_use]
    pub fn is_scoped(&self) -> bool {
        !matches!(self.terms.scope, Scope::Everything)
    }

    /// Unix seconds; void from this second on (permit or grant, the earlier).
    #[must_use]
    pub fn expires(&self) -> u64 {
        self.terms.expires
    }
}

impl<R: Content> Granted<R> {
    /// For the rules of [`super`] alone.
    pub(super) fn within(terms: Terms) -> Result<Self, Denied> {
        if matches!(terms.scope, Scope::Sealed) {
            Err(Denied::Sealed)
        } else {
            Ok(Self::new(terms))
        }
    }

    /// The filter that every read and write is narrowed to; `None` for the whole collection.
    #[must_use]
    pub fn scope(&self) -> Option<&Filter> {
        match &self.terms.scope {
            Scope::Within(filter) => Some(filter),
            // `within` makes none with a scope that is still sealed.
            Scope::Everything | Scope::Sealed => None,
        }
    }
}

impl Granted<See> {
    /// For the rules of [`super`] alone.
    pub(super) fn seen(terms: Terms) -> Self {
        Self::new(terms)
    }
}

impl Granted<Give> {
    /// For the rules of [`super`] alone.
    pub(super) fn giving(terms: Terms) -> Self {
        Self::new(terms)
    }
}

impl Granted<Admin> {
    /// For the rules of [`super`] alone.
    pub(super) fn owned(terms: Terms) -> Self {
        Self::new(terms)
    }
}

impl Granted<Read> {
    /// The attested reader that asks, to whom replies are sealed; `None` without a session.
    #[must_use]
    pub fn reader(&self) -> Option<&Verified<Reader>> {
        self.terms.reader.as_ref()
    }
}

impl<R: Right> fmt::Debug for Granted<R> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Granted(…)")
    }
}
