//! What the chain says about a message: header, sender, addresses.
//!
//! Layer: shell.
//! Holds: conversions into the core's types.
//! Never: trust in an address's text; the chain's own check runs first.
//! Invariant: times are whole seconds of the block's header.

use crate::Refusal;
use crate::std::{Api, Env, MessageInfo};
use prag_protocol::Address;

/// The header that the core runs under.
#[must_use]
pub fn header(env: &Env) -> prag_contracts_core::Env {
    prag_contracts_core::Env { height: env.block.height, time: env.block.time.seconds() }
}

/// Who signed the transaction, or the contract that sent the message.
///
/// # Errors
/// [`Refusal::Sender`] where the account's text is no bech32 address.
pub fn sender(info: &MessageInfo) -> Result<Address, Refusal> {
    info.sender.as_str().parse().map_err(|_| Refusal::Sender)
}

/// An address in a message must be one of this chain: what is handed to another cannot be fetched back.
///
/// # Errors
/// [`Refusal::Address`] names the field.
pub fn address(api: &dyn Api, field: &'static str, address: &Address) -> Result<(), Refusal> {
    match api.addr_validate(address.as_str()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::Address(field)),
    }
}
