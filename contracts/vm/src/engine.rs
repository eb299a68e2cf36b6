//! What both engines do.
//!
//! Layer: vm.
//! Holds: one call into a contract and what came of it; where built wasm and this package lie.
//! Never: state between two calls but the rows.
//! Invariant: every call starts from a fresh instance, as on a chain.

use crate::{Gas, Rows};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use prag_contracts_core::{Env, Funds};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// Which export is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Once, before everything else.
    Instantiate,
    /// A message.
    Execute,
    /// A question.
    Query,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub struct Called {
    /// The contract's response (messages) or reply (questions) as JSON, or the text of its refusal.
    pub result: Result<Value, String>,
    /// What it cost.
    pub gas: Gas,
}

/// Other contracts: a contract's address and a question's JSON to the reply's JSON, or the text of a refusal.
pub type Peers = Arc<dyn Fn(&str, &[u8]) -> Result<Vec<u8>, String> + Send + Sync>;

/// Nobody.
pub(crate) fn no_peers() -> Peers {
    Arc::new(|contract, _| Err(format!("there is no contract {contract}")))
}

/// Why an engine could not run a contract at all.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(String);

/// One contract on one kind of chain.
pub trait Engine {
    /// The prefix of this chain's addresses.
    fn prefix(&self) -> &'static str;
    /// The chain's id.
    fn chain_id(&self) -> &'static str;
    /// The contract's address.
    fn contract(&self) -> String;
    /// Whether storage is closed, so that questions need a permit.
    fn closed(&self) -> bool;
    /// The contract's rows.
    fn rows(&self) -> Rows;
    /// Replaces the contract's rows.
    fn set_rows(&mut self, rows: Rows);
    /// Has the chain's verifier of quotes accept this one from now on; it refuses all others. Nothing where the chain
    /// has no verifier.
    fn accept_quote(&mut self, quote: &[u8], collateral: &[u8]);
    /// Who answers when the contract asks another one; nobody unless it is set.
    fn set_peers(&mut self, peers: Peers);
    /// Calls an export. `sender` and `funds` count for messages only.
    ///
    /// # Errors
    /// [`EngineError`] if the contract trapped or answered with something that no chain reads.
    fn call_with(
        &mut self,
        entry: Entry,
        env: &Env,
        sender: &str,
        funds: &[Funds],
        message: &[u8],
    ) -> Result<Called, EngineError>;
    /// Calls an export without funds.
    ///
    /// # Errors
    /// Those of [`Engine::call_with`].
    fn call(
        &mut self,
        entry: Entry,
        env: &Env,
        sender: &str,
        message: &[u8],
    ) -> Result<Called, EngineError> {
        self.call_with(entry, env, sender, &[], message)
    }
}

/// Something that is measured.
pub trait Operation {
    /// Its name in tables.
    fn name(&self) -> &str;
    /// Does it on an engine.
    ///
    /// # Errors
    /// [`EngineError`] if the contract trapped.
    fn perform(&self, engine: &mut dyn Engine) -> Result<Called, EngineError>;
    /// What it costs over these rows.
    ///
    /// # Errors
    /// [`EngineError`] if the contract trapped, or refused it.
    fn cost(&self, engine: &mut dyn Engine, rows: &Rows) -> Result<Gas, EngineError> {
        engine.set_rows(rows.clone());
        let called = self.perform(engine)?;
        match called.result {
            Ok(_) => Ok(called.gas),
            Err(text) => Err(EngineError(format!("{} was refused: {text}", self.name()))),
        }
    }
}

impl EngineError {
    pub(crate) fn new(error: impl core::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl Entry {
    pub(crate) fn export(self) -> &'static str {
        match self {
            Self::Instantiate => "instantiate",
            Self::Execute => "execute",
            Self::Query => "query",
        }
    }
}

/// The bytes of `target/wasm/<contract>-<library>.wasm`, if `make contracts` has built them.
#[must_use]
pub fn built(contract: &str, library: &str) -> Option<Vec<u8>> {
    let folder = package().join("../../target/wasm");
    std::fs::read(folder.join(format!("{contract}-{library}.wasm"))).ok()
}

/// The package's folder, as `cargo run` and `cargo test` name it.
#[must_use]
pub fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default()
}

/// The header as chains hand it to contracts. Both libraries read the same fields.
pub(crate) fn env_json(env: &Env, chain_id: &str, contract: &str) -> Vec<u8> {
    let nanos = u128::from(env.time).saturating_mul(1_000_000_000).to_string();
    json!({
        "block": { "height": env.height, "time": nanos, "chain_id": chain_id },
        "transaction": null,
        "contract": { "address": contract, "code_hash": "" },
    })
    .to_string()
    .into_bytes()
}

/// Sender and funds as chains hand them to contracts.
pub(crate) fn info_json(sender: &str, funds: &[Funds]) -> Vec<u8> {
    let coin = |coin: &Funds| json!({ "denom": coin.denom, "amount": coin.amount.to_string() });
    let funds: Vec<Value> = funds.iter().map(coin).collect();
    json!({ "sender": sender, "funds": funds }).to_string().into_bytes()
}

/// A message or question as chains hand it to contracts.
pub(crate) fn json_of(value: &impl serde::Serialize) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(value).map_err(EngineError::new)
}

/// Reads a contract's answer. The two libraries spell "fine" and "refused" differently.
pub(crate) fn answer(
    entry: Entry,
    bytes: &[u8],
    fine: &str,
    refused: &str,
) -> Result<Result<Value, String>, EngineError> {
    let mut answer: Value = serde_json::from_slice(bytes).map_err(EngineError::new)?;
    if let Some(text) = answer.get(refused).and_then(Value::as_str) {
        return Ok(Err(text.to_owned()));
    }
    let value = answer.get_mut(fine).map(Value::take).ok_or(EngineError::new("no result"))?;
    if entry != Entry::Query {
        return Ok(Ok(value));
    }
    let text = value.as_str().ok_or(EngineError::new("a reply has to be base64"))?;
    let bytes = STANDARD.decode(text).map_err(EngineError::new)?;
    serde_json::from_slice(&bytes).map(Ok).map_err(EngineError::new)
}
