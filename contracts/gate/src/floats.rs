//! Where a float can hide.
//!
//! Layer: bottom of the gate.
//! Holds: two predicates.
//! Never: a list of instructions that could be incomplete.
//! Invariant: an instruction with a float operand, result or block type is found.

use parity_wasm::elements::{Instruction, ValueType};

pub(crate) fn is_float(kind: &ValueType) -> bool {
    matches!(kind, ValueType::F32 | ValueType::F64)
}

/// Every instruction that touches a float, and every block that results in one, names the type in its derived
/// `Debug` form: `F32Add`, `I32TruncSF64`, `Block(Value(F32))`.
pub(crate) fn float_instruction(instruction: &Instruction) -> bool {
    let name = format!("{instruction:?}");
    name.contains("F32") || name.contains("F64")
}
