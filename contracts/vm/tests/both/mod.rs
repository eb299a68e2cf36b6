//! What the test of every story does: its contract in both engines, and the price of what is stored.

use prag_contracts_vm::{Engine, Gas, Operation, Rows, Secret, Vanilla, built};

/// Both engines with this contract, as far as it is built.
pub(crate) fn engines(contract: &str) -> Vec<Box<dyn Engine + Send>> {
    let mut engines: Vec<Box<dyn Engine + Send>> = Vec::new();
    match built(contract, "cosmwasm") {
        Some(wasm) => engines.push(Box::new(Vanilla::new(&wasm).unwrap())),
        None => println!("skipped: {contract}-cosmwasm.wasm is not built; run `make contracts`"),
    }
    match built(contract, "secret") {
        Some(wasm) => engines.push(Box::new(Secret::new(&wasm).unwrap())),
        None => println!("skipped: {contract}-secret.wasm is not built; run `make contracts`"),
    }
    engines
}

/// Every operation passes over each of `states`, and over the last one costs what it costs over the one before: as many
/// rows, and gas that is more by at most one part in `parts`. A byte more in a counter is no growth; a walk over 10,000
/// rows would be 10,000,000.
pub(crate) fn gas_does_not_grow(
    engine: &mut dyn Engine,
    states: &[Rows],
    operations: &[impl Operation],
    parts: u64,
) {
    for step in operations {
        let name = step.name();
        let gas: Vec<Gas> = states.iter().map(|rows| step.cost(engine, rows).unwrap()).collect();
        let line: Vec<u64> = gas.iter().map(Gas::sdk).collect();
        println!("{:<10} {name:<32} {line:?}", engine.prefix());
        let [.., some, many] = gas[..] else { panic!("two states at least") };
        let rows = |gas: Gas| (gas.reads, gas.writes, gas.deletes);
        assert_eq!(rows(some), rows(many), "{name}");
        assert!(many.sdk() <= some.sdk() + some.sdk() / parts, "{name}: {line:?}");
    }
}
