//! What a chain sees of a message: which actions, and what is paid to whom.
//!
//! Layer: vm.
//! Holds: the same JSON from the core's side and from a contract's response.
//! Never: an order of its own.
//! Invariant: the two are equal where the shell told the chain all that the core said, and nothing else.

use prag_contracts_core::Payment;
use serde::Serialize;
use serde_json::{Value, json};

/// `actions` and `payments` of a transition: what the contract's response has to show.
#[must_use]
pub fn told(events: &[impl Serialize], payments: &[Payment]) -> Value {
    let actions: Vec<Value> = events.iter().map(action).collect();
    let payments = payments.iter().map(|Payment { to, denom, amount }| {
        json!({ "to_address": to, "amount": [{ "denom": denom, "amount": amount.to_string() }] })
    });
    json!({ "actions": actions, "payments": payments.collect::<Vec<_>>() })
}

/// The same of a contract's response. Messages to others than the bank are null.
#[must_use]
pub fn seen(response: &Value) -> Value {
    let list = |name: &str| response[name].as_array().cloned().unwrap_or_default();
    let attributes = list("attributes").into_iter();
    let actions = attributes.filter(|one| one["key"] == "action").map(|one| one["value"].clone());
    let payments = list("messages").into_iter().map(|sub| sub["msg"]["bank"]["send"].clone());
    json!({ "actions": actions.collect::<Vec<_>>(), "payments": payments.collect::<Vec<_>>() })
}

/// The name of an event; null for one that has none, so that it is missed.
fn action(event: &impl Serialize) -> Value {
    let name = |event: Value| event.as_object()?.keys().next().cloned();
    serde_json::to_value(event).ok().and_then(name).map_or(Value::Null, Value::from)
}
