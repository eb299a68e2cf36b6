//! The workers contract on a chain: registrations, liveness, measurements, stakes.
//!
//! Layer: contracts; a shell over `core::workers`.
//! Holds: the three entry points.
//! Never: a rule about state; `migrate`: what was stored goes on under the code it was stored under; permits: whatever
//! a worker registers is public, so anybody asks, on Secret too.
//! Invariant: the core sees only senders, addresses and evidence that the chain has checked; what it pays out leaves in
//! the same transaction.

#[cfg(any(feature = "secret", test))]
mod collateral;
mod error;
mod evidence;
#[cfg(any(feature = "secret", test))]
mod quote;

use prag_contracts_core::workers::{self, Call, Event};
use prag_contracts_shell::std::{Api, Binary, Deps, DepsMut, Env, MessageInfo, Response};
use prag_contracts_shell::{
    Curves, ReadStore, Refusal, Store, address, binary, funds, happened, header, payments, sender,
    unpaid,
};
use prag_protocol::ledger::workers::{Parties, WorkersInit, WorkersMsg, WorkersQuery};

/// Begins the contract.
///
/// # Errors
/// [`Refusal`]; nothing was stored.
pub fn instantiate(
    deps: DepsMut<'_>,
    env: Env,
    info: MessageInfo,
    init: WorkersInit,
) -> Result<Response, Refusal> {
    unpaid(&info)?;
    address(deps.api, "admin", &init.admin)?;
    known(deps.api, &init.parties)?;
    evidence::fitting(&init.terms).map_err(Refusal::core)?;
    let mut store = Store(deps.storage);
    workers::instantiate(&mut store, &ledger(&env), init).map_err(Refusal::core)?;
    Ok(Response::new())
}

/// Runs one message of its sender, and pays what it makes due.
///
/// # Errors
/// [`Refusal`]; nothing has changed, and the funds go back.
pub fn execute(
    deps: DepsMut<'_>,
    env: Env,
    info: MessageInfo,
    message: WorkersMsg,
) -> Result<Response, Refusal> {
    message.check().map_err(Refusal::core)?;
    let (sender, funds) = (sender(&info)?, funds(&info)?);
    named(deps.api, &message)?;
    let verdict = evidence::verdict(&message).map_err(Refusal::core)?;
    let call = Call { sender: &sender, funds: &funds, verdict, verify: &Curves(deps.api) };
    let mut store = Store(deps.storage);
    let done = workers::execute(&mut store, &header(&env), &call, message);
    let done = done.map_err(Refusal::core)?;
    let attributes = done.events.iter().flat_map(|event| happened(&env, told(event), None));
    Ok(Response::new().add_messages(payments(done.payments)).add_attributes(attributes))
}

/// Answers one question. Anybody may ask.
///
/// # Errors
/// [`Refusal`].
pub fn query(deps: Deps<'_>, env: Env, message: WorkersQuery) -> Result<Binary, Refusal> {
    let store = ReadStore(deps.storage);
    let reply = workers::query(&store, &header(&env), message).map_err(Refusal::core)?;
    binary(&reply)
}

/// The contract's name in everything that workers sign. No other contract has it: chains do not reuse addresses.
fn ledger(env: &Env) -> String {
    format!("{}/{}", env.block.chain_id, env.contract.address)
}

/// Whoever a message names has to be an account of this chain.
fn named(api: &dyn Api, message: &WorkersMsg) -> Result<(), Refusal> {
    match message {
        WorkersMsg::RegisterWorker(registration) => {
            address(api, "payment_wallet", &registration.payment_wallet)
        }
        WorkersMsg::SetWorkerWallet { payment_wallet, .. } => {
            address(api, "payment_wallet", payment_wallet)
        }
        WorkersMsg::SetParties { parties } => known(api, parties),
        WorkersMsg::SetAdmin { admin } => address(api, "admin", admin),
        // These name accounts that another message has named before, or none.
        WorkersMsg::SetWorkerAddress { .. }
        | WorkersMsg::SetWorkerType { .. }
        | WorkersMsg::RemoveWorker { .. }
        | WorkersMsg::WithdrawStake {}
        | WorkersMsg::ReportLiveliness { .. }
        | WorkersMsg::ReportMissed { .. }
        | WorkersMsg::Slash { .. }
        | WorkersMsg::ApproveMeasurement { .. }
        | WorkersMsg::RetireMeasurement { .. }
        | WorkersMsg::ApproveWorker { .. }
        | WorkersMsg::RetireWorker { .. }
        | WorkersMsg::AcceptAdmin {} => Ok(()),
    }
}

fn known(api: &dyn Api, parties: &Parties) -> Result<(), Refusal> {
    if let Some(rewards) = &parties.rewards {
        address(api, "rewards", rewards)?;
    }
    if let Some(approver) = &parties.approver {
        address(api, "approver", approver)?;
    }
    address(api, "treasury", &parties.treasury)
}

/// What may be told of an event: its kind.
fn told(event: &Event) -> &'static str {
    match event {
        Event::WorkerRegistered { .. } => "worker_registered",
        Event::WalletSet { .. } => "wallet_set",
        Event::AddressSet { .. } => "address_set",
        Event::TypeSet { .. } => "type_set",
        Event::WorkerRemoved { .. } => "worker_removed",
        Event::StakeWithdrawn { .. } => "stake_withdrawn",
        Event::LivelinessReported { .. } => "liveliness_reported",
        Event::MissReported { .. } => "miss_reported",
        Event::Slashed { .. } => "slashed",
        Event::MeasurementApproved { .. } => "measurement_approved",
        Event::MeasurementRetired { .. } => "measurement_retired",
        Event::WorkerApproved { .. } => "worker_approved",
        Event::WorkerRetired { .. } => "worker_retired",
        Event::PartiesSet { .. } => "parties_set",
        Event::AdminProposed { .. } => "admin_proposed",
        Event::AdminSet { .. } => "admin_set",
        _ => "changed",
    }
}

prag_contracts_shell::export!();

#[cfg(test)]
mod tests;
