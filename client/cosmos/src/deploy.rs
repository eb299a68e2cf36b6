//! Putting the access contract on a chain.
//!
//! Layer: `cosmos`, above `transaction`.
//! Holds: code stored, a contract made of it, both proven; payments between accounts, for tests and first funds.
//! Never: an administrator: what an owner pins stays what it is.
//! Invariant: what is returned is in a verified block.

use crate::transaction::{Sender, result};
use crate::{CosmosError, Network};
use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use cosmrs::proto::cosmos::base::v1beta1::Coin;
use cosmrs::proto::cosmwasm::wasm::v1::{
    MsgInstantiateContract, MsgInstantiateContractResponse, MsgStoreCode, MsgStoreCodeResponse,
};
use prag_protocol::Address;
use prag_trust::address::WalletKey;
use prag_trust::entropy::Clock;
use prost::{Message, Name};
use std::sync::Arc;

/// Who puts contracts on a chain.
pub struct Deployer {
    sender: Sender,
}

impl Deployer {
    /// `wallet` pays.
    ///
    /// # Errors
    /// [`CosmosError::Setting`].
    pub fn open(
        network: Network,
        wallet: &WalletKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CosmosError> {
        Ok(Self { sender: Sender::open(network, None, wallet, clock)? })
    }

    /// Stores code (at most [`CODE_BYTES_MAX`] bytes of wasm); returns its number.
    ///
    /// # Errors
    /// As of any transaction: [`CosmosError::Refused`] in the chain's words.
    pub async fn store(&self, wasm: Vec<u8>) -> Result<u64, CosmosError> {
        if wasm.len() > CODE_BYTES_MAX {
            return Err(CosmosError::Large { what: "the code", max: CODE_BYTES_MAX });
        }
        let sender = self.sender.there();
        let message = MsgStoreCode { sender, wasm_byte_code: wasm, instantiate_permission: None };
        Ok(self.send::<_, MsgStoreCodeResponse>(&message).await?.code_id)
    }

    /// Makes a contract of stored code, without an administrator; returns its address.
    ///
    /// # Errors
    /// As [`Deployer::store`].
    pub async fn instantiate(
        &self,
        code: u64,
        label: &str,
        json: &[u8],
    ) -> Result<Address, CosmosError> {
        let message = MsgInstantiateContract {
            sender: self.sender.there(),
            admin: String::new(),
            code_id: code,
            label: label.to_owned(),
            msg: json.to_vec(),
            funds: Vec::new(),
        };
        let made: MsgInstantiateContractResponse = self.send(&message).await?;
        made.address.parse().map_err(|_| CosmosError::Contract("its address is none"))
    }

    /// Pays `amount` to `account`, which the chain then knows.
    ///
    /// # Errors
    /// As [`Deployer::store`].
    pub async fn pay(&self, account: &Address, amount: u128) -> Result<(), CosmosError> {
        let denom = self.sender.network.gas_price.denom.clone();
        let message = MsgSend {
            from_address: self.sender.there(),
            to_address: self.sender.border.out(account)?.as_str().to_owned(),
            amount: vec![Coin { denom, amount: amount.to_string() }],
        };
        self.sender.send(&message).await.map(|_| ())
    }

    async fn send<M: Message + Name, R: Message + Default>(
        &self,
        message: &M,
    ) -> Result<R, CosmosError> {
        let (_, data) = self.sender.send(message).await?;
        result::reply(&data)
    }
}

/// Longest code, bytes: what wasmd takes by default.
pub const CODE_BYTES_MAX: usize = 800 << 10;
