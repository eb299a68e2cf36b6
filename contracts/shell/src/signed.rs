//! Questions under a permit: the chain's curves, clock and name.
//!
//! Layer: shell.
//! Holds: the way from a signed question to who asks.
//! Never: whether the permit was revoked: each contract asks its own state.
//! Invariant: an [`Asker`] passed every check of `permit`.

use crate::Refusal;
use crate::std::{Api, Deps, Env};
use prag_contracts_permit::{Asker, Curves, Expected, SignedQuery};

/// Who asks, and what.
///
/// # Errors
/// [`Refusal::Permit`] says which rule it broke.
pub fn ask(deps: Deps<'_>, env: &Env, signed: &SignedQuery) -> Result<Asker, Refusal> {
    let expected =
        Expected { chain_id: &env.block.chain_id, contract: env.contract.address.as_str() };
    let now = env.block.time.seconds();
    Ok(signed.verify(now, &expected, &Chain(deps.api))?)
}

/// The chain's signature checks. An error of theirs is a signature that does not verify.
struct Chain<'a>(&'a dyn Api);

impl Curves for Chain<'_> {
    fn secp256k1(&self, hash: &[u8; 32], signature: &[u8; 64], key: &[u8; 33]) -> bool {
        self.0.secp256k1_verify(hash, signature, key).unwrap_or(false)
    }

    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        self.0.ed25519_verify(message, signature, key).unwrap_or(false)
    }
}
