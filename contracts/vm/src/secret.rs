//! The Secret build in a small engine with Secret's imports.
//!
//! Layer: vm.
//! Holds: instances, gas, the host's functions. `cosmwasm-vm` knows only vanilla's imports and cannot load it.
//! Never: encryption, or a made-up answer: an import that no contract of ours calls traps.
//! Invariant: WebAssembly 1 with sign extension and nothing else; a query writes nothing.
//!
//! Source of the costs: SecretNetwork, `cosmwasm/enclaves/shared/contract-engine/src/{gas.rs, wasm3/gas.rs}`: two for
//! every instruction, a fixed cost for each host function, a thousand in one SDK gas.

mod host;
mod regions;

use crate::engine::{answer, env_json, info_json, no_peers};
use crate::{Called, Engine, EngineError, Entry, Gas, Peers, Rows, SharedRows};
use host::{Host, Quotes};
use prag_contracts_core::{Env, Funds};
use wasmi::{CompilationMode, Config, Linker, Module, OperatorCost, Store};

/// One contract of Secret Network.
pub struct Secret {
    module: Module,
    linker: Linker<Host>,
    rows: SharedRows,
    quotes: Quotes,
    peers: Peers,
}

impl Secret {
    /// Checks the wasm as Secret's store message does, and loads it.
    ///
    /// # Errors
    /// [`EngineError`] says what the gate or the engine refused.
    pub fn new(wasm: &[u8]) -> Result<Self, EngineError> {
        prag_contracts_gate::check(wasm).map_err(EngineError::new)?;
        let engine = wasmi::Engine::new(&config());
        let module = Module::new(&engine, wasm).map_err(EngineError::new)?;
        let linker = host::imports(&engine).map_err(EngineError::new)?;
        let (quotes, peers) = (Quotes::new(), no_peers());
        Ok(Self { module, linker, rows: SharedRows::default(), quotes, peers })
    }
}

impl Engine for Secret {
    fn prefix(&self) -> &'static str {
        host::PREFIX
    }

    fn chain_id(&self) -> &'static str {
        "secret-4"
    }

    fn contract(&self) -> String {
        CONTRACT.to_owned()
    }

    fn closed(&self) -> bool {
        true
    }

    fn rows(&self) -> Rows {
        self.rows.copy()
    }

    fn set_rows(&mut self, rows: Rows) {
        self.rows.replace(rows);
    }

    fn accept_quote(&mut self, quote: &[u8], collateral: &[u8]) {
        self.quotes.insert((quote.to_vec(), collateral.to_vec()));
    }

    fn set_peers(&mut self, peers: Peers) {
        self.peers = peers;
    }

    fn call_with(
        &mut self,
        entry: Entry,
        env: &Env,
        sender: &str,
        funds: &[Funds],
        message: &[u8],
    ) -> Result<Called, EngineError> {
        let (rows, quotes, peers) = (self.rows.clone(), self.quotes.clone(), self.peers.clone());
        let host = Host { rows, quotes, peers, gas: 0, readonly: entry == Entry::Query };
        let mut store = Store::new(self.module.engine(), host);
        store.set_fuel(FUEL).map_err(EngineError::new)?;
        let instance = self
            .linker
            .instantiate_and_start(&mut store, &self.module)
            .map_err(EngineError::new)?;
        self.rows.take_gas();
        let mut arguments = vec![env_json(env, self.chain_id(), CONTRACT)];
        if entry != Entry::Query {
            arguments.push(info_json(sender, funds));
        }
        arguments.push(message.to_vec());
        let bytes = regions::call(&mut store, instance, entry.export(), &arguments)
            .map_err(EngineError::new)?;
        let fuel = FUEL.saturating_sub(store.get_fuel().map_err(EngineError::new)?);
        let engine = fuel.saturating_mul(INSTRUCTION).saturating_add(store.data().gas);
        let mut gas = self.rows.take_gas();
        gas.add(Gas { engine, multiplier: MULTIPLIER, ..Gas::default() });
        Ok(Called { result: answer(entry, &bytes, "Ok", "Err")?, gas })
    }
}

fn config() -> Config {
    // The engine's own table takes nothing for these; Secret takes the same for every instruction.
    let costs = OperatorCost {
        nop: 1,
        drop: 1,
        block: 1,
        loop_: 1,
        unreachable: 1,
        return_: 1,
        else_: 1,
        end: 1,
        ..OperatorCost::default()
    };
    let mut config = Config::default();
    config
        .wasm_sign_extension(true)
        .wasm_mutable_global(false)
        .wasm_saturating_float_to_int(false)
        .wasm_multi_value(false)
        .wasm_multi_memory(false)
        .wasm_bulk_memory(false)
        .wasm_reference_types(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .floats(false)
        .allow_start_fn(false)
        .consume_fuel(true)
        .operator_cost(costs)
        .compilation_mode(CompilationMode::Eager);
    config
}

/// Secret's gas for one instruction.
const INSTRUCTION: u64 = 2;
/// Secret's gas in one SDK gas.
const MULTIPLIER: u64 = 1000;
/// Instructions of one call: several times what the dearest operation takes.
const FUEL: u64 = 25_000_000;
const CONTRACT: &str = "secret1q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zsv4vj2x";
