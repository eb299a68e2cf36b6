//! One contract: told by proven transactions, asked through its rows.
//!
//! Layer: `cosmos`, above `transaction`, `rows` and `question`.
//! Holds: any JSON message with funds; the answers of our contracts' cores over proven rows; a node's word, named so.
//! Never: a contract that was not proven to be the code that was named; an address within a message translated: messages
//! and questions are in the chain's spelling ([`crate::Chain::spelled`]).
//! Invariant: whatever decides anything is asked by [`Contract::query`], which no set of nodes can answer falsely.

use crate::chain::coins;
use crate::settings::contract_bytes;
use crate::transaction::{Executed, Sender};
use crate::{CosmosError, Question, code};
use cosmrs::proto::cosmwasm::wasm::v1::{
    MsgExecuteContract, QuerySmartContractStateRequest, QuerySmartContractStateResponse,
};
use prag_contracts_core::Funds;
use prag_protocol::Address;
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// One contract of known code, as one account reaches it. Only [`crate::Chain::contract`] makes one.
///
/// ```compile_fail,E0451
/// fn moved(known: prag_cosmos::Contract, address: prag_protocol::Address) -> prag_cosmos::Contract {
///     prag_cosmos::Contract { address, ..known }
/// }
/// ```
///
/// ```
/// fn address(known: &prag_cosmos::Contract) -> &prag_protocol::Address { known.address() }
/// ```
#[derive(Clone)]
pub struct Contract {
    sender: Arc<Sender>,
    address: Address,
    bytes: [u8; 32],
}

impl Contract {
    pub(crate) async fn pinned(
        sender: Arc<Sender>,
        address: &Address,
        code_hash: &[u8; 32],
    ) -> Result<Self, CosmosError> {
        let bytes = contract_bytes(&sender.network, address)?;
        code::pinned(&sender.rows, &bytes, code_hash).await?;
        Ok(Self { sender, address: address.clone(), bytes })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Executes a message, with `funds` that go back if it is refused.
    ///
    /// # Errors
    /// [`CosmosError::Refused`] with the contract's words, and [`CosmosError::NotIncluded`]: it has not happened.
    /// [`CosmosError::Unknown`]: it may have, so ask for the state before it is sent again.
    /// [`CosmosError::Large`] over [`EXECUTE_BYTES_MAX`].
    pub async fn execute(
        &self,
        message: &impl Serialize,
        funds: &[Funds],
    ) -> Result<Executed, CosmosError> {
        let execute = MsgExecuteContract {
            sender: self.sender.there(),
            contract: self.address.as_str().to_owned(),
            msg: json("message", message)?,
            funds: coins(funds)?,
        };
        self.sender.send(&execute).await
    }

    /// The answer of the contract's core over its rows, each of them proven under one header.
    ///
    /// # Errors
    /// [`CosmosError::Refused`] with the core's words; [`CosmosError::Damaged`]; as [`crate::Chain::header`].
    pub async fn query<Q: Question>(&self, question: &Q) -> Result<Q::Answer, CosmosError> {
        self.sender.rows.answer(&self.bytes, question).await
    }

    /// What one node says that the contract answers. **Nothing proves it**: a node can make it up, or answer of an old
    /// state. For administration and display, and where only the contract itself can answer, as with permits.
    ///
    /// # Errors
    /// [`CosmosError::Refused`] with the words that the node says are the contract's; [`CosmosError::Node`] for an
    /// answer that does not parse.
    pub async fn query_unproven<R: DeserializeOwned>(
        &self,
        question: &impl Serialize,
    ) -> Result<R, CosmosError> {
        let address = self.address.as_str().to_owned();
        let ask =
            QuerySmartContractStateRequest { address, query_data: json("question", question)? };
        let ask = &ask.encode_to_vec();
        let asked = self.sender.rows.nodes.first(|node| async move {
            let answer = node.ask(QUERY_PATH, ask, None, false).await?;
            let reply = QuerySmartContractStateResponse::decode(answer.value.as_slice()).ok();
            let parsed = reply.and_then(|reply| serde_json::from_slice(&reply.data).ok());
            parsed.ok_or_else(|| node.fails("answers no such thing"))
        });
        asked.await.map_err(|error| match error {
            CosmosError::Code { code: 1.., log, .. } => CosmosError::Refused(log),
            other => other,
        })
    }
}

pub(crate) fn json(what: &'static str, value: &impl Serialize) -> Result<Vec<u8>, CosmosError> {
    let bytes = serde_json::to_vec(value).map_err(|_| CosmosError::Setting(what))?;
    if bytes.len() <= EXECUTE_BYTES_MAX {
        Ok(bytes)
    } else {
        Err(CosmosError::Large { what, max: EXECUTE_BYTES_MAX })
    }
}

/// Longest message or question, bytes of JSON: above a registration with the longest evidence.
pub const EXECUTE_BYTES_MAX: usize = 256 << 10;
const QUERY_PATH: &str = "/cosmwasm.wasm.v1.Query/SmartContractState";

#[cfg(test)]
mod tests;
