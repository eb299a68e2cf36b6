//! The subscription wasm does what the core does, on both engines: same replies, refusals, payments, raw rows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

mod both;

use both::{engines, gas_does_not_grow};
use prag_contracts_core::subscription;
use prag_contracts_vm::access::{Cast, START};
use prag_contracts_vm::subscription::{Act, Step, operations, stocked, story};
use prag_contracts_vm::{Engine, Entry, Operation, Rows, seen};

fn compare(step: &Step<'_>, engine: &mut dyn Engine, rows: &mut Rows) {
    let name = step.name;
    let native = step.natively(rows);
    let called = step.perform(engine).unwrap();
    println!("{:<10} {name:<40} {:>10} sdk gas", engine.prefix(), called.gas.sdk());
    let result = match &step.act {
        Act::Tell(..) => called.result.map(|response| seen(&response)),
        Act::Ask(_) => called.result,
    };
    assert_eq!(result, native, "{name}");
    assert_eq!(engine.rows(), *rows, "{name}");
}

/// Every step of the story, refusals included, natively and in wasm.
#[test]
fn wasm_does_what_the_core_does() {
    for mut engine in engines("subscription") {
        let cast = Cast::new(&engine.contract()).unwrap();
        let mut rows = Rows::default();
        let admin = &cast.owner.address;
        subscription::instantiate(&mut rows, admin).unwrap();
        let born = engine.call(Entry::Instantiate, &START, admin.as_str(), b"{}").unwrap();
        assert!(born.result.is_ok(), "{born:?}");
        assert_eq!(engine.rows(), rows);
        let steps = story(&cast).unwrap();
        for step in &steps {
            compare(step, engine.as_mut(), &mut rows);
        }
        let paid = steps.iter().filter(|step| matches!(step.act, Act::Tell(_, 1..))).count();
        assert!(paid >= 9 && steps.len() >= 75, "the story got shorter: {paid}, {}", steps.len());
    }
}

/// With 10,000 subscribers stored an operation costs what it costs with 100.
#[test]
fn gas_does_not_grow_with_what_is_stored() {
    for mut engine in engines("subscription") {
        let cast = Cast::new(&engine.contract()).unwrap();
        let states = [1, 100, 10_000].map(|count| stocked(&cast, engine.prefix(), count).unwrap());
        assert!(states[2].0.len() > states[0].0.len() + 50_000);
        gas_does_not_grow(engine.as_mut(), &states, &operations(&cast).unwrap(), 100);
    }
}

/// Receivers of another chain are refused before the core sees them, and so is the admin at birth.
#[test]
fn foreign_addresses_are_refused() {
    for mut engine in engines("subscription") {
        let cast = Cast::new(&engine.contract()).unwrap();
        let admin = cast.owner.address.as_str();
        let foreign = "osmo1q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9uyzh5v";
        let birth = format!(r#"{{"admin":"{foreign}"}}"#);
        let called = engine.call(Entry::Instantiate, &START, admin, birth.as_bytes()).unwrap();
        assert_eq!(called.result, Err("admin is no address of this chain".to_owned()));
        assert_eq!(engine.rows(), Rows::default());
        let rows = stocked(&cast, engine.prefix(), 1).unwrap();
        engine.set_rows(rows.clone());
        for (message, field) in [
            (format!(r#"{{"register_subscriber":{{"public_key":"{foreign}"}}}}"#), "public_key"),
            (format!(r#"{{"set_admin":{{"public_key":"{foreign}"}}}}"#), "public_address"),
            (format!(r#"{{"withdraw":{{"denom":"uscrt","amount":"1","to":"{foreign}"}}}}"#), "to"),
        ] {
            let called = engine.call(Entry::Execute, &START, admin, message.as_bytes()).unwrap();
            assert_eq!(called.result, Err(format!("{field} is no address of this chain")));
            assert_eq!(engine.rows(), rows);
        }
    }
}
