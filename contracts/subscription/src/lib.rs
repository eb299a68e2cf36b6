//! The subscription contract on a chain: plans, subscribers, API keys, money.
//!
//! Layer: contracts; a shell over `core::subscription`.
//! Holds: the three entry points.
//! Never: a rule about state; `migrate`: what was stored goes on under the code it was stored under.
//! Invariant: the core sees only senders, callers and addresses that the chain has checked, and what it pays out is
//! paid in the same transaction or nothing has happened.

mod caller;
mod messages;

pub use messages::InstantiateMsg;

use prag_contracts_core::subscription::{self, Event, Outcome};
use prag_contracts_permit::Permit;
use prag_contracts_shell::std::{Api, Binary, Deps, DepsMut, Env, MessageInfo, Response};
use prag_contracts_shell::{
    ReadStore, Refusal, Store, address, funds, happened, header, payments, sender, unpaid,
};
use prag_protocol::ledger::subscription::{SubscriptionMsg, SubscriptionQuery};

/// What this contract is asked, on every chain alike: the documented questions carry their permits.
pub type QueryMsg = SubscriptionQuery<Permit>;

/// A contract with an admin, and neither plans nor subscribers.
///
/// # Errors
/// [`Refusal`]; nothing was stored.
pub fn instantiate(
    deps: DepsMut<'_>,
    _: Env,
    info: MessageInfo,
    message: InstantiateMsg,
) -> Result<Response, Refusal> {
    unpaid(&info)?;
    let admin = match message.admin {
        Some(admin) => {
            address(deps.api, "admin", &admin)?;
            admin
        }
        None => sender(&info)?,
    };
    subscription::instantiate(&mut Store(deps.storage), &admin).map_err(Refusal::core)?;
    Ok(Response::new())
}

/// Runs one message of its sender.
///
/// # Errors
/// [`Refusal`]; nothing has changed, and the funds go back.
pub fn execute(
    deps: DepsMut<'_>,
    env: Env,
    info: MessageInfo,
    message: SubscriptionMsg,
) -> Result<Response, Refusal> {
    let (sender, funds) = (sender(&info)?, funds(&info)?);
    named(deps.api, &message)?;
    let mut store = Store(deps.storage);
    let done = subscription::execute(&mut store, &header(&env), &sender, &funds, message);
    let Outcome { events, payments: due } = done.map_err(Refusal::core)?;
    let attributes = events.iter().flat_map(|event| happened(&env, told(event), None));
    Ok(Response::new().add_attributes(attributes).add_messages(payments(due)))
}

/// Answers one question.
///
/// # Errors
/// [`Refusal`]; who may not have an answer does not learn whether there is one.
pub fn query(deps: Deps<'_>, env: Env, message: QueryMsg) -> Result<Binary, Refusal> {
    message.check().map_err(Refusal::core)?;
    let caller = message.permit().map(|permit| caller::caller(deps, &env, permit)).transpose()?;
    let store = ReadStore(deps.storage);
    let reply = subscription::query(&store, &header(&env), caller.as_ref(), &message);
    prag_contracts_shell::binary(&reply.map_err(Refusal::core)?)
}

/// Whoever a message names has to be an account of this chain.
fn named(api: &dyn Api, message: &SubscriptionMsg) -> Result<(), Refusal> {
    match message {
        SubscriptionMsg::RegisterSubscriber { public_key } => {
            address(api, "public_key", public_key)
        }
        SubscriptionMsg::SetAdmin { public_address } => {
            address(api, "public_address", public_address)
        }
        SubscriptionMsg::Withdraw { to, .. } => address(api, "to", to),
        // These name accounts that another message has named before, or none.
        SubscriptionMsg::RemoveSubscriber { .. }
        | SubscriptionMsg::AcceptAdmin {}
        | SubscriptionMsg::AddApiKey { .. }
        | SubscriptionMsg::RevokeApiKey { .. }
        | SubscriptionMsg::MakePlan { .. }
        | SubscriptionMsg::RetirePlan { .. }
        | SubscriptionMsg::Subscribe { .. }
        | SubscriptionMsg::Renew {}
        | SubscriptionMsg::Cancel {}
        | SubscriptionMsg::Upgrade { .. }
        | SubscriptionMsg::Settle { .. } => Ok(()),
    }
}

/// What may be told of an event: its kind.
fn told(event: &Event) -> &'static str {
    match event {
        Event::AdminProposed { .. } => "admin_proposed",
        Event::AdminSet { .. } => "admin_set",
        Event::Registered { .. } => "registered",
        Event::Removed { .. } => "removed",
        Event::PlanMade { .. } => "plan_made",
        Event::PlanRetired { .. } => "plan_retired",
        Event::Subscribed { .. } => "subscribed",
        Event::Renewed { .. } => "renewed",
        Event::Cancelled { .. } => "cancelled",
        Event::Upgraded { .. } => "upgraded",
        Event::Settled { .. } => "settled",
        Event::ApiKeyAdded { .. } => "api_key_added",
        Event::ApiKeyRevoked { .. } => "api_key_revoked",
        Event::Withdrawn { .. } => "withdrawn",
        _ => "changed",
    }
}

prag_contracts_shell::export!();
