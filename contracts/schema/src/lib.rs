//! JSON schemas of what contracts are told, asked, and answer.
//!
//! Layer: contracts, host side.
//! Holds: the list of all schemas; the files of the same names beside this crate's manifest.
//! Never: a schema written by hand: all come from the types that contracts parse.
//! Invariant: the files are current; a test fails where they are not.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use std::path::PathBuf;

/// One file: its path below this crate, and its text.
pub struct File {
    /// `<contract>/<message>.json`.
    pub path: &'static str,
    /// JSON, indented.
    pub text: String,
}

/// Every schema.
#[must_use]
pub fn files() -> Vec<File> {
    use prag_protocol::ledger::rewards::{RewardsMsg, RewardsQuery, RewardsReply};
    use prag_protocol::ledger::subscription::{SubscriptionMsg, SubscriptionReply};
    use prag_protocol::ledger::workers::{WorkersInit, WorkersMsg, WorkersQuery, WorkersReply};
    use prag_protocol::ledger::{AccessQuery, AccessReply, FreshReply};
    vec![
        file::<prag_access::InstantiateMsg>("access/instantiate.json"),
        file::<prag_access::ExecuteMsg>("access/execute.json"),
        file::<AccessQuery>("access/query.json"),
        file::<prag_access::SignedQueryMsg>("access/query_on_secret.json"),
        file::<AccessReply>("access/reply.json"),
        file::<FreshReply>("access/reply_fresh_on_secret.json"),
        file::<WorkersInit>("workers/instantiate.json"),
        file::<WorkersMsg>("workers/execute.json"),
        file::<WorkersQuery>("workers/query.json"),
        file::<WorkersReply>("workers/reply.json"),
        file::<prag_rewards::InstantiateMsg>("rewards/instantiate.json"),
        file::<RewardsMsg>("rewards/execute.json"),
        file::<prag_rewards::SecretMsg>("rewards/execute_on_secret.json"),
        file::<RewardsQuery>("rewards/query.json"),
        file::<RewardsReply>("rewards/reply.json"),
        file::<prag_subscription::InstantiateMsg>("subscription/instantiate.json"),
        file::<SubscriptionMsg>("subscription/execute.json"),
        file::<prag_subscription::QueryMsg>("subscription/query.json"),
        file::<SubscriptionReply>("subscription/reply.json"),
    ]
}

/// Where the file lies: in the package's folder, as `cargo run` and `cargo test` name it.
#[must_use]
pub fn place(file: &File) -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.unwrap_or_default().join(file.path)
}

fn file<T: JsonSchema>(path: &'static str) -> File {
    let generator = SchemaGenerator::new(SchemaSettings::draft07());
    let schema = generator.into_root_schema_for::<T>();
    // A schema is JSON already; printing it cannot fail.
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    File { path, text: text + "\n" }
}
