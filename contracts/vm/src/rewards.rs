//! What the rewards contract is told and asked, and the operations that are measured. Its story is a test.
//!
//! Layer: vm, above the engines.
//! Holds: messages of one account, natively and as an engine's chain has them.
//! Never: a rule of any contract.
//! Invariant: what happened before a measured operation did so by the core, at its own time.

mod around;
mod operations;

pub use around::{BOND, Curve, DEPOSIT, Known, LEDGER, book, init, key, peers};
pub use operations::{Step, operations, stocked};

use crate::access::{Cast, START};
use crate::engine::json_of;
use crate::{Called, Engine, EngineError, Entry};
use prag_contracts_core::Env;
use prag_contracts_permit::Expected;
use prag_contracts_permit::testing::{Person, signed};
use prag_contracts_shell::Peer;
use prag_protocol::CollectionId;
use prag_protocol::ledger::AccessQuery;
use prag_protocol::ledger::rewards::{RewardsMsg, RoyaltyClaim};
use prag_rewards::{InstantiateMsg, OwnMsg, OwnedClaim, SecretMsg};
use std::sync::Arc;

/// The contract's first message, by the owner. Its two others are the engine's own address, and the worker's.
///
/// # Errors
/// [`EngineError`] with the text of a constant that is not what it has to be.
pub fn birth(engine: &dyn Engine, cast: &Cast) -> Result<Vec<u8>, EngineError> {
    let code_hash = if engine.closed() { "ab".repeat(32) } else { String::new() };
    let peer = |address: &str| -> Result<Peer, EngineError> {
        let address = address.parse().map_err(EngineError::new)?;
        Ok(Peer { address, code_hash: code_hash.clone() })
    };
    json_of(&InstantiateMsg {
        rewards: init(cast)?,
        access: peer(&engine.contract())?,
        workers: peer(cast.worker.address.as_str())?,
    })
}

/// Begins the contract, with `access` to ask.
///
/// # Errors
/// [`EngineError`] if it trapped.
pub fn begun(
    engine: &mut dyn Engine,
    cast: &Arc<Cast>,
    access: Box<dyn Engine + Send>,
) -> Result<Called, EngineError> {
    let message = birth(engine, cast)?;
    engine.set_peers(peers(Arc::clone(cast), access));
    engine.call(Entry::Instantiate, &START, cast.owner.address.as_str(), &message)
}

/// The JSON of the claim of the royalty of epoch 0: where owners are no public answer, with the owner's question about
/// `of` beside it.
///
/// # Errors
/// [`EngineError`] if the chain's constants make no permit.
pub fn royalty(
    engine: &dyn Engine,
    owner: &Person,
    royalty: &RoyaltyClaim,
    of: CollectionId,
) -> Result<Vec<u8>, EngineError> {
    if !engine.closed() {
        return json_of(&RewardsMsg::Claim { epoch: 0, royalty: Some(royalty.clone()) });
    }
    let contract = engine.contract();
    let expected = Expected { chain_id: engine.chain_id(), contract: &contract };
    let ends = START.time.saturating_add(DAY);
    let permit = owner.permit(&expected, &["prag_query"], ends).map_err(EngineError::new)?;
    let query = json_of(&AccessQuery::Collection { collection: of })?;
    // The access contract of the stories stands still at their beginning.
    let until = START.time.saturating_add(60);
    let question = signed(owner, &expected, permit, None, until, &query);
    let claim = OwnedClaim { epoch: 0, royalty: royalty.clone(), question };
    json_of(&SecretMsg::Own(OwnMsg::ClaimRoyalty(Box::new(claim))))
}

/// So many days after the beginning of the stories.
#[must_use]
pub fn days(number: u64) -> Env {
    let time = START.time.saturating_add(DAY.saturating_mul(number));
    Env { height: START.height.saturating_add(number), time }
}

/// Seconds.
pub const DAY: u64 = 86_400;
