//! The workers contract's wasm does what its core does, on both engines: replies, payments, refusals, raw rows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

mod both;

use both::{engines, gas_does_not_grow};
use prag_contracts_vm::workers::{Act, START, Scene, Step, begun, operations, stocked, story};
use prag_contracts_vm::{Engine, Entry, Operation, Rows, seen};
use prag_protocol::ledger::workers::WorkersInit;

fn compare(step: &Step, engine: &mut dyn Engine, rows: &mut Rows) -> bool {
    let name = step.name;
    let native = step.natively(rows);
    let called = step.perform(engine).unwrap();
    println!("{:<10} {name:<32} {:>10} sdk gas", engine.prefix(), called.gas.sdk());
    let result = match &step.act {
        Act::Tell { .. } => called.result.map(|response| seen(&response)),
        Act::Ask(_) => called.result,
    };
    assert_eq!(result, native, "{name}");
    assert_eq!(engine.rows(), *rows, "{name}");
    native.is_ok()
}

/// Every step of the story, refusals included, natively and in wasm.
#[test]
fn wasm_does_what_the_core_does() {
    for mut engine in engines("workers") {
        let scene = Scene::new(engine.as_ref()).unwrap();
        let called = begun(engine.as_mut(), &scene).unwrap();
        assert!(called.result.is_ok(), "{called:?}");
        let mut rows = scene.born().unwrap();
        assert_eq!(engine.rows(), rows);
        let steps = story(&scene).unwrap();
        let passed = steps.iter().filter(|step| compare(step, engine.as_mut(), &mut rows)).count();
        let refused = steps.len() - passed;
        assert!(passed >= 35 && refused >= 15, "the story got shorter: {passed}, {refused}");
    }
}

/// Terms that give up what the chain can verify, or ask for what it cannot, begin nothing.
#[test]
fn other_terms_are_refused() {
    for mut engine in engines("workers") {
        let scene = Scene::new(engine.as_ref()).unwrap();
        let mut refuses = |change: &dyn Fn(&mut WorkersInit), text: String| {
            let mut init = scene.init().unwrap();
            change(&mut init);
            let message = serde_json::to_vec(&init).unwrap();
            let admin = init.admin.as_str();
            let called = engine.call(Entry::Instantiate, &START, admin, &message).unwrap();
            assert_eq!(called.result, Err(text));
            assert_eq!(engine.rows(), Rows::default());
        };
        let closed = scene.init().unwrap().terms.attested_only;
        let attested = format!("attested_only has to be {closed} on this chain");
        refuses(&|init| init.terms.attested_only = !closed, attested);
        if !closed {
            let approved = "approved_only has to be true on this chain".to_owned();
            refuses(&|init| init.terms.approved_only = false, approved);
            let nobody = "terms that want workers approved need an approver".to_owned();
            refuses(&|init| init.parties.approver = None, nobody);
        }
    }
}

/// Once every seat of a service is taken, an operation costs what it costs with ten times the workers.
#[test]
fn gas_does_not_grow_with_the_workers() {
    for mut engine in engines("workers") {
        let scene = Scene::new(engine.as_ref()).unwrap();
        let states = [1000, 10_000].map(|count| stocked(&scene, count).unwrap());
        gas_does_not_grow(engine.as_mut(), &states, &operations(&scene).unwrap(), 50);
    }
}
