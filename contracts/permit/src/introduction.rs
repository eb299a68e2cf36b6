//! An introduction: an account has a contract tell somebody else's session key of what is the account's own.
//!
//! Layer: `permit`, above the permit.
//! Holds: the wire shape, the signed bytes, verification.
//! Never: a right to tell the contract anything; which of the account's things it opens: the contract's rule says so.
//! Invariant: a signature serves one guest at one contract, for minutes, under one permit to administer. The account is
//! under it, as in a relayed message.

use crate::encoding::fixed;
use crate::{Curves, Delegation, Expected, Permissions, Permit, PermitError};
use prag_protocol::Address;
use prag_protocol::ledger::{RELAY_SECONDS_MAX, Speaker};
use serde::{Deserialize, Serialize};

/// An account's word for a guest, which the guest shows with its own question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Introduction {
    /// Who delegated to the session key that signed: a permit to administer.
    pub permit: Permit,
    /// Unix seconds; void from this second on.
    pub until: u64,
    /// That session key's Ed25519 signature over [`introduction_bytes`], base64.
    pub signature: String,
}

/// What a session key signs: [`Speaker::introduction_bytes`]. `account`: whose word it is, as the chain spells it;
/// `guest`: the session key that asks.
#[must_use]
pub fn introduction_bytes(
    expected: &Expected<'_>,
    account: &Address,
    permit_name: &str,
    guest: &[u8; 32],
    until: u64,
) -> Vec<u8> {
    let Expected { chain_id, contract } = *expected;
    Speaker { chain_id, contract, account, permit_name }.introduction_bytes(guest, until)
}

impl Introduction {
    /// Checks permit and signature at `now`, the time of the last block in Unix seconds, for the session key `guest`.
    /// Returns whose word it is.
    ///
    /// # Errors
    /// One [`PermitError`] per rule, cheapest first. Whether the permit was revoked is not among them.
    pub fn verify(
        &self,
        now: u64,
        expected: &Expected<'_>,
        guest: &[u8; 32],
        curves: &dyn Curves,
    ) -> Result<Delegation, PermitError> {
        if !(1..=RELAY_SECONDS_MAX).contains(&self.until.saturating_sub(now)) {
            return Err(PermitError::Until);
        }
        let signature: [u8; 64] = fixed(&self.signature)?;
        let delegation = self.permit.verify(now, expected, curves)?;
        if delegation.permissions != Permissions::Admin {
            return Err(PermitError::Administration);
        }
        let Delegation { account, permit_name, session_key, .. } = &delegation;
        let bytes = introduction_bytes(expected, account, permit_name, guest, self.until);
        if !curves.ed25519(&bytes, &signature, session_key) {
            return Err(PermitError::Session);
        }
        Ok(delegation)
    }
}
