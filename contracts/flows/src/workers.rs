//! The workers contract, as far as flows of other contracts need it.
//!
//! Layer: flows.
//! Holds: entry points over `core::workers` that store evidence without judging it.
//! Never: a rule of its own.
//! Invariant: what it answers is the core's answer.

use cosmwasm_std::{Binary, Deps, DepsMut, Empty, Env, MessageInfo, Response};
use cw_multi_test::{Contract, ContractWrapper};
use prag_contracts_core::workers::{self, Call, Verdict};
use prag_contracts_shell::{
    Curves, ReadStore, Refusal, Store, binary, funds, header, payments, sender,
};
use prag_protocol::ledger::workers::{WorkersInit, WorkersMsg, WorkersQuery};

/// The contract.
pub(crate) fn contract() -> Box<dyn Contract<Empty>> {
    Box::new(ContractWrapper::new(execute, instantiate, query))
}

fn instantiate(
    deps: DepsMut<'_>,
    env: Env,
    _: MessageInfo,
    init: WorkersInit,
) -> Result<Response, Refusal> {
    let ledger = format!("{}/{}", env.block.chain_id, env.contract.address);
    workers::instantiate(&mut Store(deps.storage), &ledger, init).map_err(Refusal::core)?;
    Ok(Response::new())
}

fn execute(
    deps: DepsMut<'_>,
    env: Env,
    info: MessageInfo,
    message: WorkersMsg,
) -> Result<Response, Refusal> {
    let (sender, funds) = (sender(&info)?, funds(&info)?);
    let verify = &Curves(deps.api);
    let call = Call { sender: &sender, funds: &funds, verdict: Verdict::Stored, verify };
    let done = workers::execute(&mut Store(deps.storage), &header(&env), &call, message);
    let done = done.map_err(Refusal::core)?;
    Ok(Response::new().add_messages(payments(done.payments)))
}

fn query(deps: Deps<'_>, env: Env, message: WorkersQuery) -> Result<Binary, Refusal> {
    let store = ReadStore(deps.storage);
    binary(&workers::query(&store, &header(&env), message).map_err(Refusal::core)?)
}
