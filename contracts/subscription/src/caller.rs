//! Who asks.
//!
//! Layer: subscription shell.
//! Holds: the way from the permit in a question to the caller that the core knows.
//! Never: a question about itself; the core decides what a caller may know.
//! Invariant: a caller's wallet has signed a permit for administration, for this contract, that has not expired.
//!
//! The permit alone opens the question, as the documented queries have it: on Secret a question is encrypted for the
//! enclave, and elsewhere storage is open. Permits for searching and writing are for the access contract, and workers
//! see those; they open nothing here. This contract cannot revoke a permit: choose a near expiry.

use prag_contracts_permit::{Permissions, Permit};
use prag_contracts_shell::std::{Deps, Env};
use prag_contracts_shell::{Refusal, delegated};
use prag_protocol::Address;

/// The account behind a permit.
///
/// # Errors
/// [`Refusal::Permit`] says which rule the permit broke; [`Refusal::Hidden`] for one that is not for administration.
pub(crate) fn caller(deps: Deps<'_>, env: &Env, permit: &Permit) -> Result<Address, Refusal> {
    let delegation = delegated(deps, env, permit)?;
    match delegation.permissions {
        Permissions::Admin => Ok(delegation.account),
        Permissions::Use => Err(Refusal::Hidden),
    }
}
