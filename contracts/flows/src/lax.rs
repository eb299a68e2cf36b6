//! A registry without its shell's rules: what a stranger could deploy under the same messages.
//!
//! Layer: flows.
//! Holds: its entry points.
//! Never: a look at the terms that it begins with; messages.
//! Invariant: it answers what the core answers.

use cosmwasm_std::{Binary, Deps, DepsMut, Empty, Env, MessageInfo, Response, StdError, StdResult};
use cw_multi_test::{Contract, ContractWrapper};
use prag_contracts_core::workers;
use prag_contracts_shell::{ReadStore, Store, binary, header};
use prag_protocol::ledger::workers::{WorkersInit, WorkersQuery};

/// The contract.
#[must_use]
pub(crate) fn contract() -> Box<dyn Contract<Empty>> {
    Box::new(ContractWrapper::new(execute, instantiate, query))
}

fn instantiate(
    deps: DepsMut<'_>,
    env: Env,
    _: MessageInfo,
    init: WorkersInit,
) -> StdResult<Response> {
    let mut store = Store(deps.storage);
    workers::instantiate(&mut store, env.contract.address.as_str(), init).map_err(failed)?;
    Ok(Response::new())
}

fn execute(_: DepsMut<'_>, _: Env, _: MessageInfo, _: Empty) -> StdResult<Response> {
    Err(StdError::generic_err("this registry takes no messages"))
}

fn query(deps: Deps<'_>, env: Env, query: WorkersQuery) -> StdResult<Binary> {
    let reply = workers::query(&ReadStore(deps.storage), &header(&env), query).map_err(failed)?;
    binary(&reply).map_err(failed)
}

fn failed(error: impl ToString) -> StdError {
    StdError::generic_err(error.to_string())
}
