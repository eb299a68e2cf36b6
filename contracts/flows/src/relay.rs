//! A contract that passes messages on: whoever calls ours may be a contract, and may go on after our refusal.
//!
//! Layer: flows.
//! Holds: its messages and entry points.
//! Never: rules; it is what a stranger could deploy.
//! Invariant: a message that may fail is rolled back alone; one that may not takes the whole transaction with it.

use cosmwasm_std::{
    Addr, Binary, Deps, DepsMut, Empty, Env, MessageInfo, Reply, Response, StdError, StdResult,
    SubMsg, WasmMsg,
};
use cw_multi_test::{Contract, ContractWrapper};
use serde::{Deserialize, Serialize};

/// One message to pass on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// To which contract.
    pub to: Addr,
    /// Its JSON.
    pub message: Binary,
    /// Whether to go on after a refusal.
    pub may_fail: bool,
}

/// Messages to pass on, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassOn(pub Vec<Pass>);

/// The contract.
#[must_use]
pub fn contract() -> Box<dyn Contract<Empty>> {
    Box::new(ContractWrapper::new(execute, instantiate, query).with_reply(reply))
}

fn instantiate(_: DepsMut<'_>, _: Env, _: MessageInfo, _: Empty) -> StdResult<Response> {
    Ok(Response::new())
}

fn execute(_: DepsMut<'_>, _: Env, _: MessageInfo, PassOn(all): PassOn) -> StdResult<Response> {
    let messages = all.into_iter().map(|Pass { to, message, may_fail }| {
        let call = WasmMsg::Execute { contract_addr: to.into(), msg: message, funds: Vec::new() };
        if may_fail { SubMsg::reply_on_error(call, 0) } else { SubMsg::new(call) }
    });
    Ok(Response::new().add_submessages(messages))
}

fn reply(_: DepsMut<'_>, _: Env, reply: Reply) -> StdResult<Response> {
    // Only refusals are replied to: say so, and go on.
    let refused = reply.result.into_result().err().unwrap_or_default();
    Ok(Response::new().add_attribute("refused", refused))
}

fn query(_: Deps<'_>, _: Env, _: Empty) -> StdResult<Binary> {
    Err(StdError::generic_err("the relay answers nothing"))
}
