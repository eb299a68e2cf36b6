//! Measures operations of the access, workers and subscription contracts in both engines, and writes
//! `contracts/GAS.md`.
//!
//! Layer: vm.
//! Holds: the table.
//! Never: a number that was not measured in this run.
//! Invariant: each operation is measured with 1, with 100 and with 10,000 grants, workers or subscribers stored.

use prag_contracts_vm::access::{self, Cast};
use prag_contracts_vm::workers::{self, Scene};
use prag_contracts_vm::{
    Engine, EngineError, Operation, Rows, Secret, Vanilla, built, subscription,
};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match table() {
        Ok(table) => {
            println!("{table}");
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../GAS.md");
            match std::fs::write(&path, table) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(&error),
            }
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("gas: {error}");
    ExitCode::FAILURE
}

fn table() -> Result<String, Box<dyn std::error::Error>> {
    let mut out = HEADER.to_owned();
    for contract in ["access", "workers", "subscription"] {
        let (vanilla, secret) = (wasm(contract, "cosmwasm")?, wasm(contract, "secret")?);
        writeln!(
            out,
            "`{contract}` compiles to {} bytes for Secret Network and {} bytes for other chains.\n",
            secret.len(),
            vanilla.len()
        )?;
        for (chain, mut engine) in [
            ("a CosmWasm chain", Box::new(Vanilla::new(&vanilla)?) as Box<dyn Engine>),
            ("Secret Network", Box::new(Secret::new(&secret)?)),
        ] {
            writeln!(out, "## {contract} on {chain}\n\n{COLUMNS}")?;
            for line in contract_lines(contract, engine.as_mut())? {
                writeln!(out, "{line}")?;
            }
            writeln!(out)?;
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    Ok(out)
}

fn contract_lines(contract: &str, engine: &mut dyn Engine) -> Result<Vec<String>, EngineError> {
    let (cast, prefix) = (Cast::new(&engine.contract())?, engine.prefix());
    match contract {
        "access" => {
            let states = COUNTS.map(|count| access::stocked(&cast, prefix, count));
            measure(engine, states, &access::operations(&cast))
        }
        "workers" => {
            let scene = Scene::new(engine)?;
            let states = COUNTS.map(|count| workers::stocked(&scene, count));
            measure(engine, states, &workers::operations(&scene))
        }
        _ => {
            let states = COUNTS.map(|count| subscription::stocked(&cast, prefix, count));
            measure(engine, states, &subscription::operations(&cast)?)
        }
    }
}

fn measure(
    engine: &mut dyn Engine,
    states: [Result<Rows, EngineError>; 3],
    operations: &[impl Operation],
) -> Result<Vec<String>, EngineError> {
    let [one, some, many] = states;
    let states = [one?, some?, many?];
    let mut lines = Vec::new();
    for step in operations {
        let [one, some, most] = states.each_ref().map(|rows| step.cost(engine, rows));
        let (one, some, most) = (one?, some?, most?);
        let rows = format!("{} / {} / {}", most.reads, most.writes, most.deletes);
        lines.push(format!(
            "| {} | {} | {rows} | {} | {} | {} |",
            step.name(),
            grouped(most.engine),
            grouped(one.sdk()),
            grouped(some.sdk()),
            grouped(most.sdk()),
        ));
    }
    Ok(lines)
}

fn wasm(contract: &str, library: &str) -> Result<Vec<u8>, String> {
    built(contract, library).ok_or(format!("{contract}-{library} is not built: make contracts"))
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let mut groups: Vec<&str> = if head.is_empty() { Vec::new() } else { vec![head] };
    groups.extend(tail.as_bytes().chunks(3).filter_map(|group| std::str::from_utf8(group).ok()));
    groups.join(",")
}

/// Grants, workers or subscribers that are stored.
const COUNTS: [u32; 3] = [1, 100, 10_000];
const COLUMNS: &str = "\
| operation | engine gas | rows read / written / removed | SDK gas, 1 stored | 100 stored | 10,000 stored |
|---|--:|--:|--:|--:|--:|";
const HEADER: &str = "\
# Gas

Written by `make contracts-gas`: messages and questions, each from the same state, with 1, 100 and 10,000 grants
(`access`), workers (`workers`) or subscribers (`subscription`) stored. Engine gas (with 10,000) is `cosmwasm-vm`'s own,
140,000 of which are one SDK gas; for Secret it is two for every instruction and its fixed costs of host functions, 1,000
of which are one SDK gas. SDK gas = engine gas + what the SDK's store takes for the rows. With one stored some operations
cost less: taking out the only member of a list moves no other. A chain adds what does not depend on the contract:
signature, transaction bytes, loading the wasm, and on Secret the encryption of rows. Questions of `access` on Secret
verify a permit and a signature; those of `subscription` that carry a permit verify it on every chain.

A registration of a worker keeps 10 kB of report and 14 kB of collateral on the ledger, which is nearly all that it costs;
on Secret the chain verifies them first. A service has 512 seats, which 10,000 workers of one service have taken and 100
have not: beyond that nothing grows. `get_next_worker` reads them all.

";
