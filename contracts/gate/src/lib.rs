//! Would Secret Network store this wasm?
//!
//! Layer: contracts, host side: runs natively, before anything is sent to a chain.
//! Holds: the rules of Secret's store check, one error each, and the list of our contracts.
//! Never: execution; a rule that Secret does not have.
//! Invariant: what passes parses as WebAssembly's first version plus sign extension, and has no float anywhere.
//!
//! Source: SecretNetwork, `cosmwasm/packages/sgx-vm/src/compatability.rs`, and the enclave's `contract-engine/src/wasm3`.

mod floats;
mod names;

pub use names::{CONTRACTS, FEATURES, IMPORTS, REQUIRED_EXPORTS};

use floats::{float_instruction, is_float};
use parity_wasm::elements::{External, Internal, Module, Type};

/// Why Secret would refuse a module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// More bytes than a chain stores.
    #[error("the module has {bytes} bytes; at most {WASM_BYTES_MAX}")]
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// Not a module, or one with instructions or sections of a later version.
    #[error("the module does not parse as WebAssembly 1 with sign extension: {0}")]
    Parse(String),
    /// A start function would run before the chain's gas counts.
    #[error("the module has a start function")]
    Start,
    /// A float in a type, a global, a local or an instruction.
    #[error("the module holds a float: {0}")]
    Float(String),
    /// Not exactly one memory of its own.
    #[error("the module must define exactly one memory and import none")]
    Memories,
    /// The chain sets the maximum.
    #[error("the memory's maximum must be unset")]
    MemoryMaximum,
    /// More pages than the chain gives at the start.
    #[error("the memory starts with {pages} pages; at most {PAGES_MAX}")]
    MemoryPages {
        /// Its pages.
        pages: u32,
    },
    /// Something that the chain calls is missing.
    #[error("the export {0} is missing")]
    Export(&'static str),
    /// The chain offers no such import.
    #[error("the chain has no import {0}")]
    Import(String),
    /// The chain lacks a feature that the module asks for.
    #[error("the chain lacks the feature {0}")]
    Feature(String),
}

/// What passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Bytes of the module.
    pub bytes: usize,
    /// Functions that it imports.
    pub imports: usize,
    /// Pages of memory that it starts with.
    pub pages: u32,
}

/// Runs every rule.
///
/// # Errors
/// [`GateError`]: the first rule that the module breaks.
pub fn check(wasm: &[u8]) -> Result<Passed, GateError> {
    if wasm.len() > WASM_BYTES_MAX {
        return Err(GateError::TooLarge { bytes: wasm.len() });
    }
    let module = parity_wasm::deserialize_buffer::<Module>(wasm)
        .map_err(|error| GateError::Parse(error.to_string()))?;
    if module.start_section().is_some() {
        return Err(GateError::Start);
    }
    let pages = memory(&module)?;
    exports(&module)?;
    let imports = imports(&module)?;
    floats(&module)?;
    Ok(Passed { bytes: wasm.len(), imports, pages })
}

/// Pages of the one memory.
fn memory(module: &Module) -> Result<u32, GateError> {
    let imported = module.import_section().is_some_and(|section| {
        section.entries().iter().any(|entry| matches!(entry.external(), External::Memory(_)))
    });
    let [memory] = module.memory_section().map_or(&[][..], |section| section.entries()) else {
        return Err(GateError::Memories);
    };
    if imported {
        return Err(GateError::Memories);
    }
    if memory.limits().maximum().is_some() {
        return Err(GateError::MemoryMaximum);
    }
    let pages = memory.limits().initial();
    if pages > PAGES_MAX { Err(GateError::MemoryPages { pages }) } else { Ok(pages) }
}

fn exports(module: &Module) -> Result<(), GateError> {
    let entries = module.export_section().map_or(&[][..], |section| section.entries());
    let is_function = |name: &str| {
        let named = |entry: &&parity_wasm::elements::ExportEntry| entry.field() == name;
        entries
            .iter()
            .find(named)
            .is_some_and(|entry| matches!(entry.internal(), Internal::Function(_)))
    };
    if let Some(missing) = REQUIRED_EXPORTS.into_iter().find(|name| !is_function(name)) {
        return Err(GateError::Export(missing));
    }
    let required = entries.iter().filter_map(|entry| entry.field().strip_prefix("requires_"));
    let mut required = required.filter(|feature| !feature.is_empty());
    match required.find(|feature| !FEATURES.contains(feature)) {
        Some(feature) => Err(GateError::Feature(feature.to_owned())),
        None => Ok(()),
    }
}

/// How many functions the module imports, all of them the chain's.
fn imports(module: &Module) -> Result<usize, GateError> {
    let entries = module.import_section().map_or(&[][..], |section| section.entries());
    let offered = |entry: &&parity_wasm::elements::ImportEntry| {
        entry.module() == "env"
            && IMPORTS.contains(&entry.field())
            && matches!(entry.external(), External::Function(_))
    };
    match entries.iter().find(|entry| !offered(entry)) {
        Some(entry) => Err(GateError::Import(format!("{}.{}", entry.module(), entry.field()))),
        None => Ok(entries.len()),
    }
}

fn floats(module: &Module) -> Result<(), GateError> {
    let float = |place: &str| Err(GateError::Float(place.to_owned()));
    for Type::Function(kind) in module.type_section().map_or(&[][..], |section| section.types()) {
        if kind.params().iter().chain(kind.results()).any(is_float) {
            return float("a function's type");
        }
    }
    for global in module.global_section().map_or(&[][..], |section| section.entries()) {
        if is_float(&global.global_type().content_type()) {
            return float("a global");
        }
    }
    for body in module.code_section().map_or(&[][..], |section| section.bodies()) {
        if body.locals().iter().any(|local| is_float(&local.value_type())) {
            return float("a local");
        }
        if let Some(found) = body.code().elements().iter().find(|found| float_instruction(found)) {
            return Err(GateError::Float(found.to_string()));
        }
    }
    Ok(())
}

/// Most bytes of a module.
pub const WASM_BYTES_MAX: usize = 2 << 20;
/// Most pages of memory at the start.
pub const PAGES_MAX: u32 = 192;
