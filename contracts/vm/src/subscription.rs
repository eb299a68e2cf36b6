//! The subscription contract's story, and the operations that are measured.
//!
//! Layer: vm, above the engines.
//! Holds: who says, pays and asks what, and what the core says to the same.
//! Never: an expectation that is not the core's own.
//! Invariant: a step means the same natively and on each engine.

mod operations;
mod story;

pub use operations::{operations, stocked};
pub use story::story;

use crate::access::{self, Cast};
use crate::engine::json_of;
use crate::{Called, Engine, EngineError, Entry, Operation, Rows, told};
use prag_contracts_core::{Funds, subscription};
use prag_contracts_permit::Expected;
use prag_contracts_permit::testing::Person;
use prag_protocol::ledger::subscription::{SubscriptionMsg, SubscriptionQuery};
use serde_json::Value;

/// One thing that somebody does.
pub type Step<'a> = access::Step<'a, Act>;

/// A message or a question.
pub enum Act {
    /// A message, and how much uscrt comes along.
    Tell(SubscriptionMsg, u128),
    /// A question; where it takes a permit, what that permit allows.
    Ask(SubscriptionQuery<String>),
}

impl Step<'_> {
    /// Does it in the core alone: what [`told`] says of a message, or the reply, or the refusal's text.
    ///
    /// # Errors
    /// The core's text; for a permit that is not for administration, the shell's.
    pub fn natively(&self, rows: &mut Rows) -> Result<Value, String> {
        match &self.act {
            Act::Tell(message, amount) => {
                let (funds, message) = (coins(*amount), message.clone());
                let by = &self.by.address;
                let done = subscription::execute(rows, &self.env, by, &funds, message);
                let done = done.map_err(|error| error.to_string())?;
                Ok(told(&done.events, &done.payments))
            }
            Act::Ask(query) => {
                let caller = match query.permit().map(String::as_str) {
                    None => None,
                    Some("prag_admin") => Some(&self.by.address),
                    Some(_) => return Err("absent, or not for this account".to_owned()),
                };
                let reply = subscription::query(rows, &self.env, caller, query);
                let reply = reply.map_err(|error| error.to_string())?;
                Ok(serde_json::to_value(reply).unwrap_or(Value::Null))
            }
        }
    }

    fn message(&self, engine: &dyn Engine) -> Result<Vec<u8>, EngineError> {
        let mut message = match &self.act {
            Act::Tell(message, _) => serde_json::to_value(message),
            Act::Ask(query) => serde_json::to_value(query),
        }
        .map_err(EngineError::new)?;
        if let Act::Ask(query) = &self.act
            && let Some(permission) = query.permit()
        {
            let contract = engine.contract();
            let expected = Expected { chain_id: engine.chain_id(), contract: &contract };
            let expires = self.env.time.saturating_add(86_400);
            let permit = self.by.permit(&expected, &[permission], expires);
            let permit = serde_json::to_value(permit.map_err(EngineError::new)?);
            let permit = permit.map_err(EngineError::new)?;
            for body in message.as_object_mut().into_iter().flat_map(|object| object.values_mut()) {
                body["permit"] = permit.clone();
            }
        }
        json_of(&message)
    }
}

impl Operation for Step<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn perform(&self, engine: &mut dyn Engine) -> Result<Called, EngineError> {
        let message = self.message(engine)?;
        let by = self.by.address.as_str();
        match &self.act {
            Act::Tell(_, amount) => {
                engine.call_with(Entry::Execute, &self.env, by, &coins(*amount), &message)
            }
            Act::Ask(_) => engine.call(Entry::Query, &self.env, by, &message),
        }
    }
}

/// So much uscrt; nothing for 0.
#[must_use]
pub fn coins(amount: u128) -> Vec<Funds> {
    let coin = Funds { denom: DENOM.to_owned(), amount };
    if amount > 0 { vec![coin] } else { Vec::new() }
}

/// The admin of the stories.
fn admin(cast: &Cast) -> &Person {
    &cast.owner
}

const DENOM: &str = "uscrt";
