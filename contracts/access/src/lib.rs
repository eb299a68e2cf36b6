//! The access contract on a chain: collections, grants, placements, anchors.
//!
//! Layer: contracts; a shell over `core::access`.
//! Holds: the three entry points.
//! Never: a rule about state; `migrate`: what was stored goes on under the code it was stored under.
//! Invariant: the core sees only senders and addresses that the chain has checked, or senders whose signatures it has.

mod messages;
#[cfg(any(feature = "secret", test))]
mod reader;
mod relay;

pub use messages::{ExecuteMsg, InstantiateMsg, OwnMsg, SignedQueryMsg};

use prag_contracts_core::access::{self, AccessError, Event};
use prag_contracts_shell::std::{Api, Binary, Deps, DepsMut, Env, MessageInfo, Response};
use prag_contracts_shell::{
    Refusal, Store, address, funds, happened, header, payments, sender, unpaid,
};
use prag_protocol::CollectionId;
use prag_protocol::ledger::AccessMsg;

/// What this build is asked: by anybody on public chains, whose storage is open anyway; by permit on Secret.
#[cfg(not(feature = "secret"))]
pub type QueryMsg = prag_protocol::ledger::AccessQuery;
/// What this build is asked: by anybody on public chains, whose storage is open anyway; by permit on Secret.
#[cfg(feature = "secret")]
pub type QueryMsg = SignedQueryMsg;

/// An empty ledger. It has no administrator.
///
/// # Errors
/// [`Refusal::Funds`].
pub fn instantiate(
    _: DepsMut<'_>,
    _: Env,
    info: MessageInfo,
    _: InstantiateMsg,
) -> Result<Response, Refusal> {
    unpaid(&info)?;
    Ok(Response::new())
}

/// Runs one message of its sender, or of whoever signed it.
///
/// # Errors
/// [`Refusal`]; nothing has changed.
pub fn execute(
    deps: DepsMut<'_>,
    env: Env,
    info: MessageInfo,
    message: ExecuteMsg,
) -> Result<Response, Refusal> {
    let (mut store, header) = (Store(deps.storage), header(&env));
    let mut due = Vec::new();
    if !matches!(message, ExecuteMsg::Own(OwnMsg::Buy(_))) {
        unpaid(&info)?;
    }
    let events = match message {
        ExecuteMsg::Ledger(message) => {
            let sender = sender(&info)?;
            named(deps.api, &message)?;
            access::execute(&mut store, &header, &sender, message)
        }
        ExecuteMsg::Own(OwnMsg::Relayed(signed)) => {
            let (said, message) = relay::opened(deps.api, &env, &signed)?;
            named(deps.api, &message)?;
            access::relay(&mut store, &header, relay::whose(&said), message)
        }
        ExecuteMsg::Own(OwnMsg::Pulse(message)) => {
            access::pulse(&mut store, &header, &sender(&info)?, message)
        }
        ExecuteMsg::Own(OwnMsg::Buy(message)) => {
            let (sender, funds) = (sender(&info)?, funds(&info)?);
            access::buy(&mut store, &header, &sender, &funds, message).map(|sold| {
                due.push(sold.payment);
                vec![sold.event]
            })
        }
    };
    let attributes = events.map_err(Refusal::core)?.into_iter().flat_map(|event| {
        let (action, collection) = told(&event);
        happened(&env, action, collection.map(|id| id.0).as_ref())
    });
    Ok(Response::new().add_attributes(attributes).add_messages(payments(due)))
}

/// Answers one question.
///
/// # Errors
/// [`Refusal`]: what the asker may not see answers like what is not there.
pub fn query(deps: Deps<'_>, env: Env, message: QueryMsg) -> Result<Binary, Refusal> {
    #[cfg(feature = "secret")]
    return reader::written(deps, &env, message);
    #[cfg(not(feature = "secret"))]
    {
        let store = prag_contracts_shell::ReadStore(deps.storage);
        let reply = access::query(&store, &header(&env), message).map_err(Refusal::core)?;
        prag_contracts_shell::binary(&reply)
    }
}

/// Whoever a message names has to be an account of this chain, and an anchor's shard has to be named.
fn named(api: &dyn Api, message: &AccessMsg) -> Result<(), Refusal> {
    match message {
        AccessMsg::Grant { grantee, .. } => address(api, "grantee", grantee),
        AccessMsg::Transfer { to, .. } => address(api, "to", to),
        // Workers that are placed, and nobody else.
        AccessMsg::Anchor { shard: None, .. } => Err(Refusal::core(AccessError::NotPlaced)),
        AccessMsg::Place { placement } => address(api, "account", &placement.account),
        // These name accounts that another message has named before, or none.
        AccessMsg::Revoke { .. }
        | AccessMsg::Consume { .. }
        | AccessMsg::CreateCollection { .. }
        | AccessMsg::DestroyCollection { .. }
        | AccessMsg::RevokePermit { .. }
        | AccessMsg::RotateEpoch { .. }
        | AccessMsg::Unplace { .. }
        | AccessMsg::Rebind { .. }
        | AccessMsg::ClaimWriter { .. }
        | AccessMsg::Anchor { .. }
        | AccessMsg::SetPolicy { .. }
        | AccessMsg::SetPrice { .. } => Ok(()),
    }
}

/// What may be told of an event: its kind, and whose collection's.
fn told(event: &Event) -> (&'static str, Option<CollectionId>) {
    match *event {
        Event::CollectionCreated { collection } => ("collection_created", Some(collection)),
        Event::CollectionDestroyed { collection } => ("collection_destroyed", Some(collection)),
        Event::Transferred { collection, .. } => ("transferred", Some(collection)),
        Event::EpochRotated { collection, .. } => ("epoch_rotated", Some(collection)),
        Event::Granted { collection, .. } => ("granted", Some(collection)),
        Event::PriceSet { collection, .. } => ("price_set", Some(collection)),
        Event::Bought { collection, .. } => ("bought", Some(collection)),
        Event::Revoked { collection, .. } => ("revoked", Some(collection)),
        Event::PermitRevoked { .. } => ("permit_revoked", None),
        Event::Placed { collection, .. } => ("placed", Some(collection)),
        Event::Rebound { collection, .. } => ("rebound", Some(collection)),
        Event::Unplaced { collection, .. } => ("unplaced", Some(collection)),
        Event::WriterClaimed { collection, .. } => ("writer_claimed", Some(collection)),
        Event::Anchored { .. } => ("anchored", None),
        Event::Pulsed { .. } => ("pulsed", None),
        Event::PolicySet { collection, .. } => ("policy_set", Some(collection)),
        Event::Consumed { collection, .. } => ("consumed", Some(collection)),
        _ => ("changed", None),
    }
}

prag_contracts_shell::export!();

#[cfg(test)]
mod tests;
