//! Secret Network's contract messages: sealed to the network's enclaves, and their answers.
//!
//! Layer: `cosmos`.
//! Holds: the cipher, the six messages of `secret.compute.v1beta1` that cosmrs lacks, a contract that is asked and told
//! through several nodes, and the access contract as a worker's ledger (`closed`).
//! Never: an integrity claim about the chain: whoever holds the network's key can answer. k of n nodes have to agree.
//! Invariant: an answer opens only under the key and nonce of its own question.

mod cipher;
mod closed;
mod contract;
mod hosts;
mod messages;
mod pulses;
mod question;
mod replies;
mod settings;

pub use cipher::{ANSWER_BYTES_MAX, CodeHash, MESSAGE_BYTES_MAX, NetworkKey, Sealed, Session};
pub(crate) use closed::Closed;
pub use contract::SecretContract;
pub use messages::{
    ExecuteReply, InstantiateReply, MsgExecuteContract, MsgInstantiateContract, QueryContract,
    QueryReply, encrypted_error,
};
pub use settings::SecretSettings;

#[cfg(test)]
pub(crate) use cipher::tests::Enclave;
