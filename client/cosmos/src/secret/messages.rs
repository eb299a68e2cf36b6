//! `secret.compute.v1beta1`, as far as it is used, written by hand: cosmrs has no Secret Network.
//!
//! Layer: `cosmos::secret`.
//! Holds: the messages and replies as protobuf, and where a log hides a contract's error.
//! Never: the chain's own fields (callback hash and signature): they stay empty in what clients send.
//! Invariant: addresses are bytes in messages, and text in queries.
//!
//! Source: proto/secret/compute/v1beta1/{msg,query}.proto of Secret Network 1.2x.

use super::Sealed;
use base64::{Engine, engine::general_purpose::STANDARD};
use cosmrs::proto::cosmos::base::v1beta1::Coin;
use prost::{Message, Name};

/// Runs a message of a contract.
#[derive(Clone, PartialEq, Message)]
pub struct MsgExecuteContract {
    /// Account, 20 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub sender: Vec<u8>,
    /// Contract, 20 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub contract: Vec<u8>,
    /// The sealed message.
    #[prost(bytes = "vec", tag = "3")]
    pub msg: Vec<u8>,
    /// Set by enclaves only.
    #[prost(string, tag = "4")]
    pub callback_code_hash: String,
    /// Coins for the contract.
    #[prost(message, repeated, tag = "5")]
    pub sent_funds: Vec<Coin>,
    /// Set by enclaves only.
    #[prost(bytes = "vec", tag = "6")]
    pub callback_sig: Vec<u8>,
}

/// Makes a contract of stored code.
#[derive(Clone, PartialEq, Message)]
pub struct MsgInstantiateContract {
    /// Account, 20 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub sender: Vec<u8>,
    /// Set by enclaves only.
    #[prost(string, tag = "2")]
    pub callback_code_hash: String,
    /// Which code.
    #[prost(uint64, tag = "3")]
    pub code_id: u64,
    /// Unique on the chain.
    #[prost(string, tag = "4")]
    pub label: String,
    /// The sealed message.
    #[prost(bytes = "vec", tag = "5")]
    pub init_msg: Vec<u8>,
    /// Coins for the contract.
    #[prost(message, repeated, tag = "6")]
    pub init_funds: Vec<Coin>,
    /// Set by enclaves only.
    #[prost(bytes = "vec", tag = "7")]
    pub callback_sig: Vec<u8>,
    /// Who may put other code under it; empty is nobody.
    #[prost(string, tag = "8")]
    pub admin: String,
}

/// Asks a contract; path `/secret.compute.v1beta1.Query/QuerySecretContract`.
#[derive(Clone, PartialEq, Message)]
pub struct QueryContract {
    /// Contract, bech32.
    #[prost(string, tag = "1")]
    pub contract_address: String,
    /// The sealed question.
    #[prost(bytes = "vec", tag = "2")]
    pub query: Vec<u8>,
}

/// The answer to [`QueryContract`].
#[derive(Clone, PartialEq, Message)]
pub struct QueryReply {
    /// Sealed.
    #[prost(bytes = "vec", tag = "1")]
    pub data: Vec<u8>,
}

/// What an execute leaves behind.
#[derive(Clone, PartialEq, Message)]
pub struct ExecuteReply {
    /// Sealed; empty where the contract set none.
    #[prost(bytes = "vec", tag = "1")]
    pub data: Vec<u8>,
}

/// What an instantiate leaves behind.
#[derive(Clone, PartialEq, Message)]
pub struct InstantiateReply {
    /// The new contract, bech32.
    #[prost(string, tag = "1")]
    pub address: String,
    /// Sealed; empty where the contract set none.
    #[prost(bytes = "vec", tag = "2")]
    pub data: Vec<u8>,
}

impl MsgExecuteContract {
    /// An execute of a sealed message, with no coins.
    #[must_use]
    pub fn new(sender: [u8; 20], contract: [u8; 20], message: Sealed) -> Self {
        let (sender, contract, msg) = (sender.to_vec(), contract.to_vec(), message.0);
        Self { sender, contract, msg, ..Self::default() }
    }
}

impl MsgInstantiateContract {
    /// An instantiate with a sealed message, with neither coins nor an administrator.
    #[must_use]
    pub fn new(sender: [u8; 20], code_id: u64, label: String, message: Sealed) -> Self {
        let (sender, init_msg) = (sender.to_vec(), message.0);
        Self { sender, code_id, label, init_msg, ..Self::default() }
    }
}

impl Name for MsgExecuteContract {
    const NAME: &'static str = "MsgExecuteContract";
    const PACKAGE: &'static str = PACKAGE;
}

impl Name for MsgInstantiateContract {
    const NAME: &'static str = "MsgInstantiateContract";
    const PACKAGE: &'static str = PACKAGE;
}

/// The sealed error in a log or in a node's error, if there is one; `Session::open_error` reads it.
///
/// `encrypted: <base64>: execute contract failed`, or the other way about: `query contract failed: encrypted: <base64>`.
#[must_use]
pub fn encrypted_error(log: &str) -> Option<Vec<u8>> {
    let (_, rest) = log.split_once("encrypted: ")?;
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let end = rest.bytes().position(|byte| !base64(byte)).unwrap_or(rest.len());
    let bytes = STANDARD.decode(&rest[..end]).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

const PACKAGE: &str = "secret.compute.v1beta1";

#[cfg(test)]
mod tests;
