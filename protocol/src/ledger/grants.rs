//! Grants: what one account may do with one collection, and by whose word.
//!
//! Layer: protocol, ledger part.
//! Holds: the stored record, who gave it, and how far it reaches.
//! Never: who may give one (contracts/core decides); what a scope says.
//! Invariant: a grant that a delegate gave reaches no further than the delegate's own, at any time; and what a delegate
//! gave cannot be handed on, so that one more record says all.

use crate::Address;
use serde::{Deserialize, Serialize};

/// What one grantee may do with one collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GrantRecord {
    /// Who is granted.
    pub grantee: Address,
    /// May put and delete documents.
    pub can_write: bool,
    /// May query and read context.
    pub can_read: bool,
    /// Most hits of one query.
    pub max_k: u32,
    /// Units in all; `None` is unlimited.
    pub quota: Option<u64>,
    /// Units used, at most `quota`; of a delegate, with those used by whom it granted.
    pub used: u64,
    /// Unix seconds; void from this second on.
    pub expires: u64,
    /// The filter that every read is narrowed to, as JSON text or sealed; opaque to the ledger.
    pub scope: Option<String>,
    /// Revoked: void until granted anew.
    pub revoked: bool,
    /// By whose word.
    #[serde(default)]
    pub source: Source,
    /// How many grants of its own may stand at once; 0 for whoever is no delegate.
    #[serde(default)]
    pub delegate: u32,
    /// How many of its own stand, in this term.
    #[serde(default)]
    pub given: u32,
    /// Grows when the grantee ceases to be a delegate: what it gave in terms before stays void.
    #[serde(default)]
    pub term: u32,
}

/// Who gave a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// The collection's owner.
    #[default]
    Owner,
    /// A grantee whose own grant says that it may.
    Delegate {
        /// Who.
        by: Address,
        /// In which term of its own grant.
        term: u32,
    },
    /// The grantee paid the collection's price.
    Sale,
}

impl GrantRecord {
    /// Neither revoked nor expired at `now`, Unix seconds.
    #[must_use]
    pub fn holds(&self, now: u64) -> bool {
        !self.revoked && now < self.expires
    }

    /// Whether the delegate's own grant `through` carries this one, which it gave.
    #[must_use]
    pub fn carried_by(&self, through: &Self) -> bool {
        let delegate = through.delegate > 0 && !through.revoked;
        let Source::Delegate { by, term } = &self.source else { return false };
        delegate && *by == through.grantee && *term == through.term
    }

    /// This grant within `through`, that of the delegate who gave it: the lesser of each. `None` where a delegate gave it
    /// and `through` does not carry it. `used` stays this grant's own.
    #[must_use]
    pub fn reach(&self, through: Option<&Self>) -> Option<Self> {
        if !matches!(self.source, Source::Delegate { .. }) {
            return Some(self.clone());
        }
        let through = through.filter(|through| self.carried_by(through))?;
        let left = through.quota.map(|quota| quota.saturating_sub(through.used));
        let shared = left.map(|left| self.used.saturating_add(left));
        Some(Self {
            can_write: self.can_write && through.can_write,
            can_read: self.can_read && through.can_read,
            max_k: self.max_k.min(through.max_k),
            quota: [self.quota, shared].into_iter().flatten().min(),
            expires: self.expires.min(through.expires),
            delegate: 0,
            ..self.clone()
        })
    }
}
