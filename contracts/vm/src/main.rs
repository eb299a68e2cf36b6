//! Measures operations of every contract in both engines, and writes `contracts/GAS.md`.
//!
//! Layer: vm.
//! Holds: the tables, and what an epoch costs by them.
//! Never: a number that was not measured in this run.
//! Invariant: each operation is measured with 1, with 100 and with 10,000 grants, workers, subscribers or reports stored.

use prag_contracts_vm::access::{self, Cast};
use prag_contracts_vm::epoch::{self, Costs, grouped};
use prag_contracts_vm::workers::{self, Scene};
use prag_contracts_vm::{
    Engine, EngineError, Operation, Rows, Secret, Vanilla, built, package, rewards, subscription,
};
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    match table() {
        Ok(table) => {
            println!("{table}");
            match std::fs::write(package().join("../GAS.md"), table) {
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
    let mut costs = [Costs::default(), Costs::default()];
    for contract in ["access", "workers", "subscription", "rewards"] {
        let [secret, vanilla] =
            [wasm(contract, "secret")?.len(), wasm(contract, "cosmwasm")?.len()];
        writeln!(
            out,
            "`{contract}` compiles to {secret} bytes for Secret Network and {vanilla} bytes for other chains.\n"
        )?;
        for ((library, chain), costs) in CHAINS.into_iter().zip(&mut costs) {
            writeln!(out, "## {contract} on {chain}\n\n{COLUMNS}")?;
            for line in contract_lines(contract, library)? {
                costs.insert(contract, &line.name, line.sdk[2]);
                writeln!(out, "{}", line.shown())?;
            }
            writeln!(out)?;
        }
    }
    writeln!(out, "{EPOCH}")?;
    for ((_, chain), costs) in CHAINS.into_iter().zip(&costs) {
        writeln!(out, "{}", epoch::section(chain, costs)?)?;
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    Ok(out)
}

fn contract_lines(contract: &str, library: &str) -> Result<Vec<Line>, Box<dyn std::error::Error>> {
    let mut engine = opened(contract, library)?;
    let engine = engine.as_mut();
    let (cast, prefix) = (Cast::new(&engine.contract())?, engine.prefix());
    Ok(match contract {
        "access" => {
            let states = COUNTS.map(|count| access::stocked(&cast, prefix, count));
            measure(engine, states, &access::operations(&cast))?
        }
        "workers" => {
            let scene = Scene::new(engine)?;
            let states = COUNTS.map(|count| workers::stocked(&scene, count));
            measure(engine, states, &workers::operations(&scene)?)?
        }
        "rewards" => {
            let cast = Arc::new(cast);
            let mut stocked = |count| {
                let access = opened("access", library).map_err(|error| error.to_string())?;
                rewards::stocked(engine, &cast, access, count).map_err(|error| error.to_string())
            };
            let states = [stocked(COUNTS[0])?, stocked(COUNTS[1])?, stocked(COUNTS[2])?];
            measure(engine, states.map(Ok), &rewards::operations(&cast)?)?
        }
        _ => {
            let states = COUNTS.map(|count| subscription::stocked(&cast, prefix, count));
            measure(engine, states, &subscription::operations(&cast)?)?
        }
    })
}

/// What one operation costs.
struct Line {
    name: String,
    engine: u64,
    rows: String,
    /// With each of [`COUNTS`].
    sdk: [u64; 3],
}

impl Line {
    fn shown(&self) -> String {
        let [one, some, most] = self.sdk.map(grouped);
        let (name, engine, rows) = (&self.name, grouped(self.engine), &self.rows);
        format!("| {name} | {engine} | {rows} | {one} | {some} | {most} |")
    }
}

fn measure(
    engine: &mut dyn Engine,
    states: [Result<Rows, EngineError>; 3],
    operations: &[impl Operation],
) -> Result<Vec<Line>, EngineError> {
    let [one, some, many] = states;
    let states = [one?, some?, many?];
    let mut lines = Vec::new();
    for step in operations {
        let [one, some, most] = states.each_ref().map(|rows| step.cost(engine, rows));
        let (one, some, most) = (one?, some?, most?);
        lines.push(Line {
            name: step.name().to_owned(),
            engine: most.engine,
            rows: format!("{} / {} / {}", most.reads, most.writes, most.deletes),
            sdk: [one.sdk(), some.sdk(), most.sdk()],
        });
    }
    Ok(lines)
}

fn opened(
    contract: &str,
    library: &str,
) -> Result<Box<dyn Engine + Send>, Box<dyn std::error::Error>> {
    let wasm = wasm(contract, library)?;
    Ok(match library {
        "secret" => Box::new(Secret::new(&wasm)?),
        _ => Box::new(Vanilla::new(&wasm)?),
    })
}

fn wasm(contract: &str, library: &str) -> Result<Vec<u8>, String> {
    built(contract, library).ok_or(format!("{contract}-{library} is not built: make contracts"))
}

/// The builds, and where they run.
const CHAINS: [(&str, &str); 2] = [("cosmwasm", "a CosmWasm chain"), ("secret", "Secret Network")];
/// Grants, workers, subscribers or reports that are stored.
const COUNTS: [u32; 3] = [1, 100, 10_000];
const COLUMNS: &str = "\
| operation | engine gas | rows read / written / removed | SDK gas, 1 stored | 100 stored | 10,000 stored |
|---|--:|--:|--:|--:|--:|";
const HEADER: &str = "\
# Gas

Written by `make contracts-gas`: messages and questions, each from the same state, with 1, 100 and 10,000 grants of the
owner, all but the first relayed for a session of its own, beside one of a delegate (`access`), workers (`workers`),
subscribers (`subscription`) or reports of one epoch (`rewards`) stored; beside the workers one more waits to be
confirmed, where the chain cannot verify.
Engine gas (with 10,000) is `cosmwasm-vm`'s own, 140,000 of which are one SDK gas; for Secret it is two for every
instruction and its fixed costs of host functions, 1,000 of which are one SDK gas. SDK gas = engine gas + what the SDK's
store takes for the rows. With one stored some operations cost less: taking out the only member of a list moves no
other. A chain adds what does not depend on the contract: signature, transaction bytes, loading the wasm, and on Secret
the encryption of rows. Questions of `access` on Secret verify a permit and a signature; those of `subscription` that
carry a permit verify it on every chain, and a relayed message has its permit and signature verified.

A registration of a worker keeps 10 kB of report and 14 kB of collateral on the ledger, which is nearly all that it
costs; on Secret the chain verifies them first. A service has 512 seats, which 10,000 workers of one service have taken
and 100 have not: beyond that nothing grows. `get_next_worker` reads them all.

What `rewards` asks the other two contracts is not in its rows. Its leaves are of a report of 200 sessions: a proof of
eight hashes; of 2^20 sessions it has 20. Sums of more reports are longer numbers, by some bytes; nothing else grows.

";
const EPOCH: &str = "\
# What queries cost on a chain

Nothing, one by one: consumers countersign vouchers, workers keep them, and two roots for each worker and epoch, of what
sessions used and of what collections earn, go on the ledger. Beside the figures above the arithmetic takes an epoch of
seven days, 100 workers, 1,000 collections that one worker each serves, one leaf of each report demanded by somebody who
doubts, liveness windows of six hours, and for every transaction 71,000 SDK gas of the chain's own: 60,000 to load a
contract (wasmd 0.61, `DefaultInstanceCost`; for want of a figure of Secret's own there, too), 1,000 for a signature and
10 for each of 1,000 bytes (Cosmos SDK, `SigVerifyCostSecp256k1`, `TxSizeCostPerByte`). A contract that another one asks
is loaded, too: 60,000 more for each that is asked. Ten times as many queries of as many workers and collections cost
the same. Not in it, since they do not come with queries: registrations and their approvals (one a boot), anchors (one a
worker and cadence), grants, placements. Nor is `consume`, for grants with a quota: drawn query by query it costs what
the last sentence says.
";
