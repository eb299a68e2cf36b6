//! Secret's engine itself: what a contract may not do there ends its call.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use prag_contracts_vm::access::START;
use prag_contracts_vm::{Engine, Entry, Secret};

/// A contract of a few lines. `allocate` hands out a fresh region of 4 KiB per call; 16 holds a region of "k".
fn contract(imports: &str, body: &str) -> Secret {
    let text = format!(
        r#"(module
            (import "env" "db_read" (func $db_read (param i32) (result i32)))
            (import "env" "db_write" (func $db_write (param i32 i32)))
            {imports}
            (memory (export "memory") 2)
            (global $next (mut i32) (i32.const 4096))
            (data (i32.const 16) "\40\00\00\00\01\00\00\00\01\00\00\00")
            (data (i32.const 64) "k")
            (func (export "interface_version_8"))
            (func (export "deallocate") (param i32))
            (func (export "allocate") (param $size i32) (result i32)
                global.get $next i32.const 4096 i32.add global.set $next
                global.get $next global.get $next i32.const 16 i32.add i32.store
                global.get $next local.get $size i32.store offset=4
                global.get $next)
            (func (export "instantiate") (param i32 i32 i32) (result i32) i32.const 0)
            (func (export "execute") (param $env i32) (param $info i32) (param $message i32)
                (result i32) {body})
            (func (export "query") (param $env i32) (param $message i32) (result i32) {body})
        )"#
    );
    Secret::new(&wat::parse_str(text).unwrap()).unwrap()
}

fn failure(engine: &mut Secret, entry: Entry) -> String {
    let message = br#"{"Ok":{}}"#;
    engine.call(entry, &START, "secret1sender", message).unwrap_err().to_string()
}

const ECHO: &str = "local.get $message";

/// The harness is sound: a contract that answers with its message is understood.
#[test]
fn an_echo_is_an_answer() {
    let mut engine = contract("", ECHO);
    let called = engine.call(Entry::Execute, &START, "secret1sender", br#"{"Ok":{}}"#).unwrap();
    assert!(called.result.is_ok());
    let called = engine.call(Entry::Execute, &START, "secret1sender", br#"{"Err":"no"}"#).unwrap();
    assert_eq!(called.result, Err("no".to_owned()));
}

#[test]
fn a_query_writes_nothing() {
    let body = format!("i32.const 16 i32.const 16 call $db_write {ECHO}");
    let mut engine = contract("", &body);
    assert!(failure(&mut engine, Entry::Query).contains("a query must not write"));
    assert!(engine.rows().0.is_empty());
    engine.call(Entry::Execute, &START, "secret1sender", br#"{"Ok":{}}"#).unwrap();
    assert_eq!(engine.rows().0.get(&b"k"[..]).unwrap(), b"k");
}

#[test]
fn regions_outside_the_memory_end_the_call() {
    for pointer in ["-1", "131061", "131072"] {
        let mut engine = contract("", &format!("i32.const {pointer} call $db_read"));
        let text = failure(&mut engine, Entry::Execute);
        assert!(text.contains("outside the memory"), "{pointer}: {text}");
    }
    let long = "i32.const 24 i32.const 9 i32.store i32.const 16 call $db_read";
    let text = failure(&mut contract("", long), Entry::Execute);
    assert!(text.contains("longer than its capacity"), "{text}");
}

#[test]
fn a_loop_without_end_runs_out_of_gas() {
    let text = failure(&mut contract("", "(loop br 0) unreachable"), Entry::Execute);
    assert!(text.contains("fuel"), "{text}");
}

/// Imports that nobody needs yet are there and say so, rather than answer; so does a question that is no smart query.
#[test]
fn no_answer_is_made_up() {
    let import = r#"(import "env" "ed25519_sign" (func $sign (param i32 i32) (result i64)))"#;
    let mut engine = contract(import, "i32.const 16 i32.const 16 call $sign i32.wrap_i64");
    assert!(failure(&mut engine, Entry::Execute).contains("no such import"));
    let import = r#"(import "env" "query_chain" (func $ask (param i32) (result i32)))"#;
    let mut engine = contract(import, "i32.const 16 call $ask");
    assert!(failure(&mut engine, Entry::Execute).contains("not JSON"));
}

/// What the gate refuses never runs.
#[test]
fn the_gate_stands_before_the_engine() {
    let wasm = wat::parse_str("(module (func (export \"execute\") f32.const 0 drop))").unwrap();
    assert!(Secret::new(&wasm).is_err());
}
