//! Putting contracts on a chain.
//!
//! Layer: `cosmos`, above `chain`.
//! Holds: code stored, and a contract made of it, both proven.
//! Never: an administrator: what an owner pins stays what it is.
//! Invariant: what is returned is in a verified block.

use crate::transaction::{Executed, result};
use crate::{Chain, CosmosError};
use cosmrs::proto::cosmwasm::wasm::v1::{
    MsgInstantiateContract, MsgInstantiateContractResponse, MsgStoreCode, MsgStoreCodeResponse,
};
use prag_protocol::Address;
use serde::Serialize;

impl Chain {
    /// Stores code (at most [`CODE_BYTES_MAX`] bytes of wasm); returns its number.
    ///
    /// # Errors
    /// As of any transaction: [`CosmosError::Refused`] in the chain's words.
    pub async fn store(&self, wasm: Vec<u8>) -> Result<(u64, Executed), CosmosError> {
        if wasm.len() > CODE_BYTES_MAX {
            return Err(CosmosError::Large { what: "the code", max: CODE_BYTES_MAX });
        }
        let sender = self.sender.there();
        let message = MsgStoreCode { sender, wasm_byte_code: wasm, instantiate_permission: None };
        let done = self.sender.send(&message).await?;
        let stored: MsgStoreCodeResponse = result::reply(&done.data)?;
        Ok((stored.code_id, done))
    }

    /// Makes a contract of stored code, without an administrator; returns its address.
    ///
    /// # Errors
    /// As [`Chain::store`].
    pub async fn instantiate(
        &self,
        code: u64,
        label: &str,
        message: &impl Serialize,
    ) -> Result<(Address, Executed), CosmosError> {
        let message = MsgInstantiateContract {
            sender: self.sender.there(),
            admin: String::new(),
            code_id: code,
            label: label.to_owned(),
            msg: serde_json::to_vec(message).map_err(|_| CosmosError::Setting("message"))?,
            funds: Vec::new(),
        };
        let done = self.sender.send(&message).await?;
        let made: MsgInstantiateContractResponse = result::reply(&done.data)?;
        let address = made.address.parse();
        Ok((address.map_err(|_| CosmosError::Contract("its address is none"))?, done))
    }
}

/// Longest code, bytes: what wasmd takes by default.
pub const CODE_BYTES_MAX: usize = 800 << 10;
