//! The wasm does what the core does, on both engines: same replies, same refusals, same raw rows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

mod both;

use both::{engines, gas_does_not_grow};
use prag_contracts_vm::access::{Act, COLLECTION, Cast, START, Step, operations, stocked, story};
use prag_contracts_vm::{Engine, Entry, Operation, Rows, seen};
use serde_json::{Value, json};

fn instantiated(engine: &mut dyn Engine, cast: &Cast) {
    let owner = cast.owner.address.as_str();
    let called = engine.call(Entry::Instantiate, &START, owner, b"{}").unwrap();
    assert!(called.result.is_ok(), "{called:?}");
    assert_eq!(engine.rows(), Rows::default(), "an empty ledger has no rows");
}

fn compare(step: &Step<'_>, engine: &mut dyn Engine, rows: &mut Rows) {
    let name = step.name;
    let native = step.natively(rows);
    let called = step.perform(engine).unwrap();
    println!("{:<10} {name:<40} {:>10} sdk gas", engine.prefix(), called.gas.sdk());
    match (&step.act, native) {
        (Act::Ask { hidden: true, .. }, _) if engine.closed() => {
            let text = "absent, or not for this account".to_owned();
            assert_eq!(called.result, Err(text), "{name}");
        }
        (Act::Ask { .. }, native) => assert_eq!(called.result, native, "{name}"),
        (Act::Tell(_) | Act::Relay { .. } | Act::Pulse(_) | Act::Buy { .. }, native) => {
            assert_eq!(called.result.map(|response| seen(&response)), native, "{name}");
        }
    }
    assert_eq!(engine.rows(), *rows, "{name}");
}

/// Every step of the story, refusals included, natively and in wasm.
#[test]
fn wasm_does_what_the_core_does() {
    for mut engine in engines("access") {
        let cast = Cast::new(&engine.contract()).unwrap();
        instantiated(engine.as_mut(), &cast);
        let mut rows = Rows::default();
        let steps = story(&cast);
        for step in &steps {
            compare(step, engine.as_mut(), &mut rows);
        }
        let told = steps.iter().filter(|step| matches!(step.act, Act::Tell(_))).count();
        assert!(told >= 30, "the story got shorter");
    }
}

/// With 10,000 grants stored an operation costs what it costs with 100. (With one, it may cost less: taking out the
/// only member of a list moves no other.)
#[test]
fn gas_does_not_grow_with_what_is_stored() {
    for mut engine in engines("access") {
        let cast = Cast::new(&engine.contract()).unwrap();
        let states = [1, 100, 10_000].map(|count| stocked(&cast, engine.prefix(), count).unwrap());
        assert!(states[2].0.len() > states[0].0.len() + 29_000);
        gas_does_not_grow(engine.as_mut(), &states, &operations(&cast), 100);
    }
}

/// What is no message, or carries an address of another chain, is refused before the core sees it.
#[test]
fn foreign_input_is_refused() {
    for mut engine in engines("access") {
        let cast = Cast::new(&engine.contract()).unwrap();
        let rows = stocked(&cast, engine.prefix(), 1).unwrap();
        engine.set_rows(rows.clone());
        let owner = cast.owner.address.as_str();
        let id = COLLECTION.to_string();
        let mut broken = cast.stranger.address.to_string();
        let last = if broken.ends_with('q') { "p" } else { "q" };
        broken.replace_range(broken.len() - 1.., last);
        let transfer = |to: &str| json!({ "transfer": { "collection": id, "to": to } });
        for (message, why) in [
            (
                transfer("osmo1q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9uyzh5v"),
                "to is no address of this chain",
            ),
            (transfer(&broken), "to is no address of this chain"),
            (transfer("not an address"), ""),
            (json!({ "destroy_collection": { "collection": id, "force": true } }), ""),
            (json!({ "forget": {} }), ""),
            (json!({}), ""),
        ] {
            let bytes = serde_json::to_vec(&message).unwrap();
            let called = engine.call(Entry::Execute, &START, owner, &bytes).unwrap();
            let text = called.result.unwrap_err();
            assert!(text.contains(why), "{message}: {text}");
            assert_eq!(engine.rows(), rows, "{message}");
        }
        let called = engine.call(Entry::Query, &START, owner, b"[1").unwrap();
        assert!(called.result.is_err());
    }
}

/// Where everybody reads along, events name no account and no collection.
#[test]
fn events_tell_little() {
    for mut engine in engines("access") {
        let cast = Cast::new(&engine.contract()).unwrap();
        engine.set_rows(stocked(&cast, engine.prefix(), 1).unwrap());
        for step in operations(&cast) {
            if let (
                Act::Tell(_) | Act::Relay { .. } | Act::Pulse(_) | Act::Buy { .. },
                Ok(response),
            ) = (&step.act, step.perform(engine.as_mut()).unwrap().result)
            {
                let text = response.to_string();
                assert!(!text.contains(&format!("{}1", engine.prefix())), "{}: {text}", step.name);
                let open = text.contains(&COLLECTION.to_string());
                assert!(!open || engine.closed(), "{}: {text}", step.name);
                let plain = |attribute: &Value| attribute["encrypted"] == json!(true);
                let attributes = response["attributes"].as_array().unwrap();
                assert!(!engine.closed() || attributes.iter().all(plain), "{}: {text}", step.name);
            }
        }
    }
}
