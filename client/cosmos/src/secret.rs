//! Secret Network's contract messages: sealed to the network's enclaves, and their answers.
//!
//! Layer: `cosmos`.
//! Holds: the cipher, the six messages of `secret.compute.v1beta1` that cosmrs lacks, and a contract that is asked and
//! told through several nodes.
//! Never: an integrity claim about the chain: whoever holds the network's key can answer. k of n nodes have to agree.
//! Invariant: an answer opens only under the key and nonce of its own question.

mod cipher;
mod contract;
mod messages;

pub use cipher::{ANSWER_BYTES_MAX, CodeHash, MESSAGE_BYTES_MAX, NetworkKey, Sealed, Session};
pub use contract::SecretContract;
pub use messages::{
    ExecuteReply, InstantiateReply, MsgExecuteContract, MsgInstantiateContract, QueryContract,
    QueryReply, encrypted_error,
};

#[cfg(test)]
pub(crate) use cipher::tests::Enclave;
