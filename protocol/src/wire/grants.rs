//! Grants: who may read or write a collection, how much, until when.
//!
//! Layer: protocol, wire.
//! Holds: bodies of grants and of ledger transitions; the salt of a scope.
//! Never: who may grant: the contract core decides.
//! Invariant: an absent right is no right, but for `read`, which a grant is for.

use crate::Address;
use crate::filter::Filter;
use crate::ledger::hex32;
use serde::{Deserialize, Serialize};
use std::fmt;

/// `POST /v1/collections/{c}/grants`; the same grantee again replaces the grant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PutGrant {
    /// Who is granted; not the owner.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub grantee: Address,
    /// May query and read context.
    #[serde(default = "yes")]
    pub read: bool,
    /// May put and delete documents.
    #[serde(default)]
    pub write: bool,
    /// Most hits of one query, 1 to 1000.
    #[serde(default = "default_k")]
    pub max_k: u32,
    /// Queries in all; absent means unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<u64>,
    /// Unix seconds; at most ten years ahead.
    pub expires: u64,
    /// Only chunks of documents that this filter matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub scope: Option<Filter>,
    /// 64 hex digits that the caller has drawn, for a ledger that others read: it gets a salted commitment to the scope,
    /// and its sealed body. Not asked for where the worker keeps the ledger itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub scope_salt: Option<ScopeSalt>,
    /// How many grants of its own the grantee may give within this one, 0 to 1024. The owner alone says more than 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delegate: u32,
}

/// 32 random bytes, new for each grant: whoever knows them can try which scope a commitment is of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeSalt(#[serde(with = "hex32")] pub [u8; 32]);

impl fmt::Debug for ScopeSalt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ScopeSalt(…)")
    }
}

/// A grant as its owner sees it, and the delegate who gave it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Grant {
    /// The grant.
    #[serde(flatten)]
    pub grant: PutGrant,
    /// Queries used.
    pub used: u64,
    /// True once revoked.
    pub revoked: bool,
    /// The delegate who gave it, and within whose own grant it reaches; absent where the owner did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub by: Option<Address>,
    /// Void although it is not revoked: the delegate who gave it has lost its own grant, or may give none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
    /// The grantee paid for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bought: bool,
    /// Of a delegate: how many grants of its own stand.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub given: u32,
    /// It has a scope that does not open here, so `scope` is absent and nobody is admitted by it: the keys are not here,
    /// or it was sealed under others. Where the keys are here, grant again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scope_unreadable: bool,
    /// What the worker has noticed since its boot, or since the grant was made anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<GrantFlag>,
}

/// A habit of a grantee that its owner may want to look at. It changes nothing by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GrantFlag {
    /// At least half of the collection's documents were returned to it.
    Dump,
    /// Most of its last 64 searches asked for a passage that is there, word for word or nearly, or for the same as
    /// one just before with a small change: so one finds out what is in a collection.
    Probing,
}

/// `DELETE /v1/collections/{c}/grants`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RevokeGrant {
    /// Who loses the grant.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub grantee: Address,
}

/// Reply to a ledger transition.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerReply {
    /// Ledger height at which it holds.
    pub height: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn yes() -> bool {
    true
}

fn default_k() -> u32 {
    10
}
