//! The workers contract's story, and the operations that are measured.
//!
//! Layer: vm, above the engines.
//! Holds: who says and asks what, and what the core says to the same.
//! Never: an expectation that is not the core's own, but for evidence, which the shell judges before the core.
//! Invariant: a step means the same natively and on each engine.

mod evidence;
mod operations;
mod scene;
mod story;

pub use operations::{operations, stocked};
pub use scene::{START, Scene, begun};
pub use story::story;

use crate::engine::json_of;
use crate::{Called, Engine, EngineError, Entry, Operation, Rows, told};
use ed25519_dalek::{Signature, VerifyingKey};
use prag_contracts_core::workers::{self, Call, Verdict};
use prag_contracts_core::{Env, Funds, Verify};
use prag_protocol::Address;
use prag_protocol::ledger::workers::{WorkersMsg, WorkersQuery};
use serde_json::Value;

/// One thing that somebody does.
pub struct Step {
    /// Its name in tables.
    pub name: &'static str,
    /// Who does it.
    pub by: Address,
    /// What.
    pub act: Act,
    /// Under which header.
    pub env: Env,
}

/// A message or a question.
pub enum Act {
    /// A message.
    Tell {
        /// The message.
        message: Box<WorkersMsg>,
        /// What is sent along.
        funds: Vec<Funds>,
        /// What the shell makes of its evidence: the core's argument, or the shell's own refusal.
        verdict: Result<Verdict, &'static str>,
        /// A quote with packed collateral that the chain's verifier accepts from now on.
        quote: Option<(Vec<u8>, Vec<u8>)>,
    },
    /// A question.
    Ask(WorkersQuery),
}

impl Step {
    /// Does it in the core alone: what [`told`] says of a message, or the reply, or the refusal's text.
    ///
    /// # Errors
    /// The core's text, or the shell's.
    pub fn natively(&self, rows: &mut Rows) -> Result<Value, String> {
        match &self.act {
            Act::Tell { message, funds, verdict, .. } => {
                let verdict = (*verdict).map_err(str::to_owned)?;
                let call = Call { sender: &self.by, funds, verdict, verify: &Strict };
                let done = workers::execute(rows, &self.env, &call, (**message).clone());
                let done = done.map_err(|error| error.to_string())?;
                Ok(told(&done.events, &done.payments))
            }
            Act::Ask(query) => {
                let reply = workers::query(rows, &self.env, query.clone());
                let reply = reply.map_err(|error| error.to_string())?;
                Ok(serde_json::to_value(reply).unwrap_or(Value::Null))
            }
        }
    }
}

impl Operation for Step {
    fn name(&self) -> &str {
        self.name
    }

    fn perform(&self, engine: &mut dyn Engine) -> Result<Called, EngineError> {
        let by = self.by.as_str();
        match &self.act {
            Act::Tell { message, funds, quote, .. } => {
                if let Some((quote, collateral)) = quote {
                    engine.accept_quote(quote, collateral);
                }
                engine.call_with(Entry::Execute, &self.env, by, funds, &json_of(message)?)
            }
            Act::Ask(query) => engine.call(Entry::Query, &self.env, by, &json_of(query)?),
        }
    }
}

/// Signatures natively: by another library than the engines', and by its strictest rule.
struct Strict;

impl Verify for Strict {
    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        let signature = Signature::from_bytes(signature);
        VerifyingKey::from_bytes(key)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}
