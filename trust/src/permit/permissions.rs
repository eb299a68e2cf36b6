//! What a permit lets its session key do.
//!
//! Layer: `trust::permit`.
//! Holds: the three permissions and the closed set of their combinations.
//! Never: an unknown permission; administration together with another permission.
//! Invariant: a [`Permissions`] is never empty.

use super::PermitError;

/// One thing that a permit can allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// `prag_query`: search, read context.
    Query,
    /// `prag_ingest`: put and delete documents.
    Ingest,
    /// `prag_admin`: collections, grants, key release.
    Admin,
}

/// What one permit allows: query, ingest, both, or administration alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// Search only.
    Query,
    /// Writing only.
    Ingest,
    /// Search and writing.
    QueryAndIngest,
    /// Administration, and nothing else.
    Admin,
}

impl Permission {
    /// The permission's text in a permit.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "prag_query",
            Self::Ingest => "prag_ingest",
            Self::Admin => "prag_admin",
        }
    }
}

impl Permissions {
    /// Whether `permission` is among them.
    #[must_use]
    pub fn allow(self, permission: Permission) -> bool {
        self.list().contains(&permission)
    }

    /// Their texts, in the order in which we write them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.list().iter().map(|permission| permission.name())
    }

    /// The set that these texts name, in any order.
    pub(super) fn parse(names: &[String]) -> Result<Self, PermitError> {
        let (mut query, mut ingest, mut admin) = (false, false, false);
        for name in names {
            let seen = match name.as_str() {
                "prag_query" => &mut query,
                "prag_ingest" => &mut ingest,
                "prag_admin" => &mut admin,
                _ => return Err(PermitError::Permissions),
            };
            if std::mem::replace(seen, true) {
                return Err(PermitError::Permissions);
            }
        }
        match (query, ingest, admin) {
            (true, false, false) => Ok(Self::Query),
            (false, true, false) => Ok(Self::Ingest),
            (true, true, false) => Ok(Self::QueryAndIngest),
            (false, false, true) => Ok(Self::Admin),
            (false, false, false) | (true, _, true) | (_, true, true) => {
                Err(PermitError::Permissions)
            }
        }
    }

    fn list(self) -> &'static [Permission] {
        match self {
            Self::Query => &[Permission::Query],
            Self::Ingest => &[Permission::Ingest],
            Self::QueryAndIngest => &[Permission::Query, Permission::Ingest],
            Self::Admin => &[Permission::Admin],
        }
    }
}
