//! The rewards contract on a chain: epochs, reports, challenges, the pool.
//!
//! Layer: contracts; a shell over `core::rewards`.
//! Holds: the entry points.
//! Never: a rule about state; `migrate`: what was stored goes on under the code it was stored under.
//! Invariant: the core sees only senders, addresses and answers that the chain has checked, and what it pays out is paid
//! in the same transaction or nothing has happened.
//!
//! A slashing is a message to the workers contract that may fail alone: the report is void, and its bond lost, all the
//! same. Were it one transaction, a worker whose stake is gone, or a workers contract that does not know this one yet,
//! would keep every false report from being challenged, and false reports would be paid. The failure is an event
//! (`slash_failed`, with the epoch). It carries no gas limit of its own, so nobody can make it alone fail for gas.
//!
//! Questions are open on every chain: whoever doubts a report has to see it.

mod messages;
mod peers;

pub use messages::{InstantiateMsg, OwnMsg, OwnedClaim, SecretMsg};
pub use prag_protocol::ledger::rewards::RewardsQuery as QueryMsg;

/// What this build is told.
#[cfg(not(feature = "secret"))]
pub type ExecuteMsg = prag_protocol::ledger::rewards::RewardsMsg;
/// What this build is told.
#[cfg(feature = "secret")]
pub type ExecuteMsg = SecretMsg;

use peers::{Asked, Known};
use prag_contracts_core::rewards::{self, Event, Host, Outcome, Slash};
use prag_contracts_permit::SignedQuery;
use prag_contracts_shell::std::{
    Api, Binary, Deps, DepsMut, Env, MessageInfo, Reply, Response, SubMsg,
};
use prag_contracts_shell::{
    Curves, Peer, ReadStore, Refusal, Store, address, funds, happened, header, payments, sender,
    unpaid,
};
use prag_protocol::ledger::rewards::RewardsMsg;

/// Epoch 0 begins now.
///
/// # Errors
/// [`Refusal`]: coins, a foreign address, a workers contract that does not answer, a setting out of its bounds.
pub fn instantiate(
    deps: DepsMut<'_>,
    env: Env,
    info: MessageInfo,
    message: InstantiateMsg,
) -> Result<Response, Refusal> {
    unpaid(&info)?;
    let InstantiateMsg { rewards: init, access, workers } = message;
    address(deps.api, "treasury", &init.config.treasury)?;
    let known = Known::meet(deps.as_ref(), access, workers)?;
    let mut store = Store(deps.storage);
    rewards::instantiate(&mut store, &header(&env), &sender(&info)?, init)
        .map_err(Refusal::core)?;
    known.save(deps.storage)?;
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
    message: ExecuteMsg,
) -> Result<Response, Refusal> {
    let (sender, funds) = (sender(&info)?, funds(&info)?);
    let (message, question) = parts(message);
    named(deps.api, &message)?;
    let known = Known::load(deps.storage)?;
    let peers = Asked { known: &known, querier: deps.querier, question: question.as_ref() };
    let host = Host { verify: &Curves(deps.api), peers: &peers };
    let mut store = Store(deps.storage);
    let done = rewards::execute(&mut store, &header(&env), &sender, &funds, host, message);
    let Outcome { event, payments: due, slash } = done.map_err(Refusal::core)?;
    let attributes = event.iter().flat_map(|event| happened(&env, told(event), None));
    let slash = slash.filter(|slash| slash.ppm > 0).map(|slash| slashing(&known.workers, slash));
    Ok(Response::new()
        .add_attributes(attributes)
        .add_messages(payments(due))
        .add_submessages(slash.transpose()?))
}

/// Answers one question.
///
/// # Errors
/// [`Refusal`].
pub fn query(deps: Deps<'_>, env: Env, message: QueryMsg) -> Result<Binary, Refusal> {
    let store = ReadStore(deps.storage);
    let reply = rewards::query(&store, &header(&env), message).map_err(Refusal::core)?;
    prag_contracts_shell::binary(&reply)
}

/// A slashing has failed. Its id is the epoch of the report.
///
/// # Errors
/// None: the challenge stands.
pub fn reply(_: DepsMut<'_>, env: Env, reply: Reply) -> Result<Response, Refusal> {
    let attributes = happened(&env, "slash_failed", None);
    let response = Response::new().add_attributes(attributes);
    Ok(response.add_attribute("epoch", reply.id.to_string()))
}

fn slashing(workers: &Peer, slash: Slash) -> Result<SubMsg, Refusal> {
    let epoch = slash.epoch;
    let message = workers.tell(&slash.message())?;
    Ok(SubMsg::reply_on_error(message, epoch))
}

/// The ledger's message, and the owner's question if it comes along.
fn parts(message: ExecuteMsg) -> (RewardsMsg, Option<SignedQuery>) {
    #[cfg(not(feature = "secret"))]
    return (message, None);
    #[cfg(feature = "secret")]
    match message {
        SecretMsg::Ledger(message) => (message, None),
        SecretMsg::Own(OwnMsg::ClaimRoyalty(claim)) => {
            let OwnedClaim { epoch, royalty, question } = *claim;
            (RewardsMsg::Claim { epoch, royalty: Some(royalty) }, Some(question))
        }
    }
}

/// Whoever a message names has to be an account of this chain.
fn named(api: &dyn Api, message: &RewardsMsg) -> Result<(), Refusal> {
    match message {
        RewardsMsg::SetAdmin { admin } => address(api, "admin", admin),
        RewardsMsg::SetConfig { config } => address(api, "treasury", &config.treasury),
        // These name accounts that another message has named before, or none.
        RewardsMsg::Fund {}
        | RewardsMsg::ReportUsage { .. }
        | RewardsMsg::Demand { .. }
        | RewardsMsg::Reveal { .. }
        | RewardsMsg::Challenge { .. }
        | RewardsMsg::CloseEpoch { .. }
        | RewardsMsg::Claim { .. }
        | RewardsMsg::Settle { .. }
        | RewardsMsg::Sweep { .. }
        | RewardsMsg::AcceptAdmin {} => Ok(()),
    }
}

/// What may be told of an event: its kind.
fn told(event: &Event) -> &'static str {
    match event {
        Event::Funded { .. } => "funded",
        Event::Reported { .. } => "reported",
        Event::Demanded { .. } => "demanded",
        Event::Revealed { .. } => "revealed",
        Event::Voided { .. } => "voided",
        Event::Refunded { .. } => "refunded",
        Event::Closed { .. } => "closed",
        Event::Claimed { .. } => "claimed",
        Event::Settled { .. } => "settled",
        Event::Swept { .. } => "swept",
        Event::AdminNamed { .. } => "admin_named",
        Event::AdminAccepted { .. } => "admin_accepted",
        Event::ConfigSet { .. } => "config_set",
        _ => "changed",
    }
}

prag_contracts_shell::export!(reply);
