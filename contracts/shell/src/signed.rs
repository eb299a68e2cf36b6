//! Questions under a permit: the chain's clock and name.
//!
//! Layer: shell.
//! Holds: the way from a signed question to who asks.
//! Never: whether the permit was revoked: each contract asks its own state. On Secret the header of a query is the
//! node's word: a node that turns its clock back gets an old answer encrypted for whoever asked, and nothing else.
//! Invariant: an [`Asker`] passed every check of `permit`.

use crate::std::{Deps, Env};
use crate::{Curves, Refusal};
use prag_contracts_permit::{Asker, Expected, SignedQuery};

/// Who asks, and what.
///
/// # Errors
/// [`Refusal::Permit`] says which rule it broke.
pub fn ask(deps: Deps<'_>, env: &Env, signed: &SignedQuery) -> Result<Asker, Refusal> {
    let expected =
        Expected { chain_id: &env.block.chain_id, contract: env.contract.address.as_str() };
    let now = env.block.time.seconds();
    Ok(signed.verify(now, &expected, &Curves(deps.api))?)
}
