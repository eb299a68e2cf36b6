//! Names that Secret's store check knows, and the contracts that have to pass it.
//!
//! Layer: bottom of the gate.
//! Holds: lists.
//! Never: a name that only vanilla CosmWasm has: `abort`, `db_scan`, `db_next`.
//! Invariant: every contract of ours stands in [`CONTRACTS`].

/// Our contracts: `target/wasm/<contract>-<library>.wasm`.
pub const CONTRACTS: [&str; 4] = ["access", "workers", "rewards", "subscription"];

/// Functions that the chain calls.
pub const REQUIRED_EXPORTS: [&str; 4] =
    ["interface_version_8", "allocate", "deallocate", "instantiate"];

/// Functions that the chain offers, all of module `env`.
pub const IMPORTS: [&str; 17] = [
    "db_read",
    "db_write",
    "db_remove",
    "addr_validate",
    "addr_canonicalize",
    "addr_humanize",
    "secp256k1_verify",
    "secp256k1_recover_pubkey",
    "secp256k1_sign",
    "ed25519_verify",
    "ed25519_batch_verify",
    "ed25519_sign",
    "dcap_quote_verify",
    "debug",
    "query_chain",
    "gas_evaporate",
    "check_gas",
];

/// Features that the chain has; a module asks for one by exporting `requires_<feature>`.
pub const FEATURES: [&str; 4] = ["staking", "stargate", "ibc3", "random"];
