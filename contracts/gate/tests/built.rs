//! What `make contracts` built is what Secret would store.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use prag_contracts_gate::{CONTRACTS, GateError, check};
use std::path::PathBuf;

fn built(contract: &str, library: &str) -> Option<Vec<u8>> {
    let folder = PathBuf::from("../../target/wasm");
    let wasm = std::fs::read(folder.join(format!("{contract}-{library}.wasm"))).ok();
    if wasm.is_none() {
        println!("skipped: {contract}-{library}.wasm is not built; run `make contracts`");
    }
    wasm
}

#[test]
fn every_secret_build_passes() {
    for contract in CONTRACTS {
        if let Some(wasm) = built(contract, "secret") {
            let passed = check(&wasm).unwrap_or_else(|refused| panic!("{contract}: {refused}"));
            println!("{contract}-secret: {passed:?}");
        }
    }
}

/// The gate can tell the two builds apart: the other library imports what Secret lacks.
#[test]
fn no_other_build_passes() {
    for contract in CONTRACTS {
        if let Some(wasm) = built(contract, "cosmwasm") {
            assert_eq!(check(&wasm), Err(GateError::Import("env.abort".to_owned())), "{contract}");
        }
    }
}

/// Every contract that is built is checked, and the other way round.
#[test]
fn the_lists_agree() {
    let script = std::fs::read_to_string("../../scripts/contracts.sh").unwrap();
    let line = script.lines().find_map(|line| line.strip_prefix("contracts=(")).unwrap();
    let built: Vec<&str> = line.trim_end_matches(')').split_whitespace().collect();
    assert_eq!(built, CONTRACTS);
}
