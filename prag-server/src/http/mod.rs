//! REST: what a request looks like on the wire, and what an answer looks like.
//!
//! Layer: top of `prag-server`; calls `flow`, or `sealed` before the worker is open, and nothing below them.
//! Holds: routes, the gateway of the encrypted channel, padding, status codes, the OpenAPI document.
//! Never: a key of a collection, the order of work, a decision about access.
//! Invariant: both ways in (channel, and plain where the settings allow it) reach one inner router, and
//! nothing of a request but method, route template and status class is ever traced.

mod auth;
mod collections;
mod connections;
mod documents;
mod door;
mod gateway;
mod grants;
mod json;
mod market;
mod openapi;
mod pad;
mod peer;
mod policy;
mod prices;
mod problem;
mod readers;
mod router;
mod sealed;
mod search;
pub mod serve;
mod snapshots;
mod system;
mod target;
#[cfg(test)]
mod tests;
mod vouchers;

pub use openapi::document;
pub use problem::ProblemBody;
pub use router::{inner, outer};
pub use serve::{Serves, Settings, serve, serve_until};
