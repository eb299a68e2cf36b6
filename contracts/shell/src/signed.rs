//! Questions and messages under a permit: the chain's clock and name.
//!
//! Layer: shell.
//! Holds: the way from a signed question to who asks, from a signed message to who says it, and from a permit to whose
//! it is.
//! Never: whether the permit was revoked: each contract asks its own state. On Secret the header of a query is the
//! node's word: a node that turns its clock back gets an old answer encrypted for whoever asked, and nothing else. That
//! of a message is the block's.
//! Invariant: an [`Asker`], and what is [`Said`], passed every check of `permit`.

use crate::std::{Api, Deps, Env};
use crate::{Curves, Refusal};
use prag_contracts_permit::{
    Asker, Delegation, Expected, Permit, Said, SignedMessage, SignedQuery,
};

/// Who asks, and what.
///
/// # Errors
/// [`Refusal::Permit`] says which rule it broke.
pub fn ask(deps: Deps<'_>, env: &Env, signed: &SignedQuery) -> Result<Asker, Refusal> {
    Ok(signed.verify(env.block.time.seconds(), &here(env), &Curves(deps.api))?)
}

/// Who says what, whoever sends it.
///
/// # Errors
/// [`Refusal::Permit`] says which rule it broke.
pub fn say(api: &dyn Api, env: &Env, signed: &SignedMessage) -> Result<Said, Refusal> {
    Ok(signed.verify(env.block.time.seconds(), &here(env), &Curves(api))?)
}

/// What a permit alone delegates, and for whom.
///
/// # Errors
/// [`Refusal::Permit`] says which rule it broke.
pub fn delegated(deps: Deps<'_>, env: &Env, permit: &Permit) -> Result<Delegation, Refusal> {
    Ok(permit.verify(env.block.time.seconds(), &here(env), &Curves(deps.api))?)
}

fn here(env: &Env) -> Expected<'_> {
    Expected { chain_id: &env.block.chain_id, contract: env.contract.address.as_str() }
}
