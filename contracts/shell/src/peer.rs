//! Other contracts of the same chain.
//!
//! Layer: shell.
//! Holds: where one lies, a question to it, a message for it.
//! Never: trust in more than what was set when the asking contract was instantiated.
//! Invariant: on Secret a code hash goes with every question and message: nobody else's code answers to the address.

use crate::std::{Api, QuerierWrapper, WasmMsg};
use crate::{Refusal, address, binary};
use prag_protocol::Address;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A contract that another one asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its address.
    pub address: Address,
    /// Secret Network: the hash of its code, 64 lowercase hexadecimal digits. Elsewhere: empty.
    #[serde(default)]
    pub code_hash: String,
}

impl Peer {
    /// Whether this chain could have it.
    ///
    /// # Errors
    /// [`Refusal::Address`] names the field; [`Refusal::CodeHash`].
    pub fn check(&self, api: &dyn Api, field: &'static str) -> Result<(), Refusal> {
        address(api, field, &self.address)?;
        let length = if cfg!(feature = "secret") { 64 } else { 0 };
        let hex = self.code_hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex && self.code_hash.len() == length { Ok(()) } else { Err(Refusal::CodeHash) }
    }

    /// Its answer.
    ///
    /// # Errors
    /// [`Refusal::Peer`] where it refuses, does not exist, or answers something else.
    pub fn ask<T: DeserializeOwned>(
        &self,
        querier: QuerierWrapper<'_>,
        question: &impl Serialize,
    ) -> Result<T, Refusal> {
        #[cfg(feature = "secret")]
        let asked =
            querier.query_wasm_smart(self.code_hash.as_str(), self.address.as_str(), question);
        #[cfg(not(feature = "secret"))]
        let asked = querier.query_wasm_smart(self.address.as_str(), question);
        asked.map_err(|_| Refusal::Peer)
    }

    /// A message for it, without funds.
    ///
    /// # Errors
    /// [`Refusal::Json`] where the message has no JSON.
    pub fn tell(&self, message: &impl Serialize) -> Result<WasmMsg, Refusal> {
        Ok(WasmMsg::Execute {
            contract_addr: self.address.to_string(),
            #[cfg(feature = "secret")]
            code_hash: self.code_hash.clone(),
            msg: binary(message)?,
            funds: Vec::new(),
        })
    }
}
