//! Each rule of the gate is broken by a module that breaks nothing else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use prag_contracts_gate::{GateError, IMPORTS, PAGES_MAX, WASM_BYTES_MAX, check};

const GOOD: &str = r#"(module
    (import "env" "db_read" (func (param i32) (result i32)))
    (memory (export "memory") 17)
    (func (export "interface_version_8"))
    (func (export "allocate") (param i32) (result i32) i32.const 0)
    (func (export "deallocate") (param i32))
    (func (export "instantiate") (param i32 i32 i32) (result i32) i32.const 0)
    (func $more (param i32) (result i32) local.get 0)
)"#;

const MORE: &str = "(func $more (param i32) (result i32) local.get 0)";
const MEMORY: &str = r#"(memory (export "memory") 17)"#;

fn verdict(text: &str) -> Result<(), GateError> {
    check(&wat::parse_str(text).unwrap()).map(|_| ())
}

/// The good module with one piece replaced.
fn with(piece: &str, other: &str) -> Result<(), GateError> {
    assert!(GOOD.contains(piece), "{piece}");
    verdict(&GOOD.replace(piece, other))
}

#[test]
fn the_plain_module_passes() {
    let passed = check(&wat::parse_str(GOOD).unwrap()).unwrap();
    assert_eq!((passed.imports, passed.pages), (1, 17));
}

/// Sign extension is the one later feature that Secret takes.
#[test]
fn sign_extension_passes() {
    for body in ["i32.extend8_s", "i32.extend16_s"] {
        let more = format!("(func $more (param i32) (result i32) local.get 0 {body})");
        assert_eq!(with(MORE, &more), Ok(()), "{body}");
    }
}

#[test]
fn later_instructions_are_refused() {
    let bodies = [
        ("bulk memory", "local.get 0 i32.const 0 i32.const 0 memory.copy local.get 0"),
        ("bulk memory", "local.get 0 i32.const 0 i32.const 0 memory.fill local.get 0"),
        ("saturating", "local.get 0 f32.convert_i32_s i32.trunc_sat_f32_s"),
        ("vectors", "local.get 0 i32x4.splat i32x4.extract_lane 0"),
        ("tail calls", "local.get 0 return_call $more"),
        ("multi-value blocks", "(block (result i32 i32) local.get 0 local.get 0) drop"),
        ("reference types", "ref.null func drop local.get 0"),
    ];
    for (what, body) in bodies {
        let more = format!("(func $more (param i32) (result i32) {body})");
        let refused = with(MORE, &more).unwrap_err();
        assert!(matches!(refused, GateError::Parse(_)), "{what}: {refused:?}");
    }
    let two = "(func $more (param i32) (result i32 i32) local.get 0 local.get 0)";
    assert!(matches!(with(MORE, two).unwrap_err(), GateError::Parse(_)), "two results");
    assert!(matches!(check(b"\0asm").unwrap_err(), GateError::Parse(_)), "no module");
}

#[test]
fn a_float_anywhere_is_refused() {
    let places = [
        ("parameter", "(func $more (param f32))"),
        ("result", "(func $more (result f64) unreachable)"),
        ("local", "(func $more (local f64))"),
        ("global", "(global f32 (f32.const 0))"),
        ("constant", "(func $more f64.const 1 drop)"),
        ("block", "(func $more (block (result f32) unreachable) drop)"),
        ("load", "(func $more i32.const 0 f32.load drop)"),
        ("conversion", "(func $more i32.const 0 f64.load i32.trunc_f64_s drop)"),
        ("comparison", "(func $more i32.const 0 f32.load i32.const 0 f32.load f32.lt drop)"),
        ("reinterpretation", "(func $more i32.const 0 f32.reinterpret_i32 drop)"),
    ];
    for (place, more) in places {
        let refused = with(MORE, more).unwrap_err();
        assert!(matches!(refused, GateError::Float(_)), "{place}: {refused:?}");
    }
}

#[test]
fn a_start_function_is_refused() {
    let more = format!("(func $begin) (start $begin) {MORE}");
    assert_eq!(with(MORE, &more), Err(GateError::Start));
}

#[test]
fn memory_is_one_open_and_small() {
    assert_eq!(with(MEMORY, ""), Err(GateError::Memories));
    let imported = r#"(import "env" "memory" (memory 17))"#;
    assert_eq!(
        verdict(&GOOD.replace(MEMORY, "").replace("(module", &format!("(module {imported}"))),
        Err(GateError::Memories)
    );
    assert_eq!(with(MEMORY, r#"(memory (export "memory") 17 192)"#), Err(GateError::MemoryMaximum));
    let pages = |pages: u32| with(MEMORY, &format!(r#"(memory (export "memory") {pages})"#));
    assert_eq!(pages(PAGES_MAX), Ok(()));
    assert_eq!(pages(PAGES_MAX + 1), Err(GateError::MemoryPages { pages: PAGES_MAX + 1 }));
}

#[test]
fn every_required_export_is_required() {
    for name in ["interface_version_8", "allocate", "deallocate", "instantiate"] {
        let other = GOOD.replace(&format!(r#""{name}""#), r#""other""#);
        assert_eq!(verdict(&other), Err(GateError::Export(name)));
    }
    // The name alone does not do: it has to be a function.
    let global = r#"(global (export "instantiate") i32 (i32.const 0))"#;
    let other = GOOD.replace(r#""instantiate""#, r#""other""#).replace(MORE, global);
    assert_eq!(verdict(&other), Err(GateError::Export("instantiate")));
}

#[test]
fn only_the_chains_imports_are_offered() {
    for name in IMPORTS {
        assert_eq!(with(r#""env" "db_read""#, &format!(r#""env" "{name}""#)), Ok(()), "{name}");
    }
    for name in ["abort", "db_scan", "db_next", "bls12_381_aggregate_g1", "DB_READ", ""] {
        let refused = GateError::Import(format!("env.{name}"));
        assert_eq!(with(r#""env" "db_read""#, &format!(r#""env" "{name}""#)), Err(refused));
    }
    let refused = GateError::Import("wasi.db_read".to_owned());
    assert_eq!(with(r#""env" "db_read""#, r#""wasi" "db_read""#), Err(refused));
    let import = r#"(import "env" "db_read" (func (param i32) (result i32)))"#;
    assert_eq!(
        with(import, r#"(import "env" "db_read" (global i32))"#),
        Err(GateError::Import("env.db_read".to_owned()))
    );
}

#[test]
fn only_the_chains_features_are_required() {
    let asks =
        |feature: &str| with(MORE, &format!(r#"{MORE} (func (export "requires_{feature}"))"#));
    for feature in ["staking", "stargate", "ibc3", "random", ""] {
        assert_eq!(asks(feature), Ok(()), "{feature}");
    }
    for feature in ["iterator", "cosmwasm_1_1", "cosmwasm_2_2", "Staking"] {
        assert_eq!(asks(feature), Err(GateError::Feature(feature.to_owned())));
    }
}

/// The bound is on bytes, and holds on both of its sides: a custom section fills the module up.
#[test]
fn size_is_bounded() {
    let filled = |bytes: usize| {
        let mut wasm = wat::parse_str(GOOD).unwrap();
        // Section id 0, its length as five bytes of LEB128, a name of one byte, zeros.
        let body = bytes - wasm.len() - 6;
        wasm.push(0);
        for at in 0..5 {
            let seven = u8::try_from((body >> (7 * at)) & 0x7f).unwrap();
            wasm.push(if at < 4 { seven | 0x80 } else { seven });
        }
        wasm.extend([1, b'x']);
        wasm.resize(bytes, 0);
        check(&wasm)
    };
    assert_eq!(filled(WASM_BYTES_MAX).unwrap().bytes, WASM_BYTES_MAX);
    let bytes = WASM_BYTES_MAX + 1;
    assert_eq!(filled(bytes), Err(GateError::TooLarge { bytes }));
}
