//! The cosmwasm build in `cosmwasm-vm`, the engine of wasmd.
//!
//! Layer: vm.
//! Holds: static check, compilation once, a fresh instance per call.
//! Never: the file cache of that crate, which is `unsafe`.
//! Invariant: gas is the engine's own; storage is charged as wasmd's store does.

use crate::engine::{answer, env_json, info_json, no_peers};
use crate::{Called, Engine, EngineError, Entry, Gas, Peers, Rows, SharedRows};
use cosmwasm_std::{ContractResult, QuerierResult, SystemError, SystemResult, WasmQuery};
use cosmwasm_vm::internals::{Logger, check_wasm, compile_module, instance_from_module};
use cosmwasm_vm::testing::{MOCK_CONTRACT_ADDR, MockApi, MockQuerier};
use cosmwasm_vm::{
    Backend, BackendResult, GasInfo, Size, Storage, WasmLimits, call_execute_raw,
    call_instantiate_raw, call_query_raw, capabilities_from_csv,
};
use prag_contracts_core::{Env, Funds};

/// One contract in `cosmwasm-vm`.
pub struct Vanilla {
    engine: wasmer::Engine,
    module: wasmer::Module,
    rows: SharedRows,
    peers: Peers,
}

impl Vanilla {
    /// Checks the wasm as wasmd's store message does, and compiles it.
    ///
    /// # Errors
    /// [`EngineError`] says what the check or the compiler refused.
    pub fn new(wasm: &[u8]) -> Result<Self, EngineError> {
        let capabilities = capabilities_from_csv(CAPABILITIES);
        check_wasm(wasm, &capabilities, &WasmLimits::default(), Logger::Off)
            .map_err(EngineError::new)?;
        let (module, engine) =
            compile_module(wasm, Some(Size::mebi(32))).map_err(EngineError::new)?;
        Ok(Self { engine, module, rows: SharedRows::default(), peers: no_peers() })
    }
}

impl Engine for Vanilla {
    fn prefix(&self) -> &'static str {
        "cosmwasm"
    }

    fn chain_id(&self) -> &'static str {
        "prag-test-1"
    }

    fn contract(&self) -> String {
        MOCK_CONTRACT_ADDR.to_owned()
    }

    fn closed(&self) -> bool {
        false
    }

    fn rows(&self) -> Rows {
        self.rows.copy()
    }

    fn set_rows(&mut self, rows: Rows) {
        self.rows.replace(rows);
    }

    fn accept_quote(&mut self, _: &[u8], _: &[u8]) {}

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
        let api = MockApi::default();
        let mut querier: MockQuerier = MockQuerier::new(&[]);
        let peers = self.peers.clone();
        querier.update_wasm(move |query| asked(&peers, query));
        let backend = Backend { api, storage: self.rows.clone(), querier };
        let store = wasmer::Store::new(self.engine.clone());
        let mut instance = instance_from_module(store, &self.module, backend, GAS_LIMIT, None)
            .map_err(EngineError::new)?;
        self.rows.take_gas();
        let header = env_json(env, self.chain_id(), MOCK_CONTRACT_ADDR);
        let info = info_json(sender, funds);
        let bytes = match entry {
            Entry::Instantiate => call_instantiate_raw(&mut instance, &header, &info, message),
            Entry::Execute => call_execute_raw(&mut instance, &header, &info, message),
            Entry::Query => call_query_raw(&mut instance, &header, message),
        };
        let bytes = bytes.map_err(EngineError::new)?;
        let engine = instance.create_gas_report().used_internally;
        let mut gas = self.rows.take_gas();
        gas.add(Gas { engine, multiplier: MULTIPLIER, ..Gas::default() });
        Ok(Called { result: answer(entry, &bytes, "ok", "error")?, gas })
    }
}

impl Storage for SharedRows {
    fn get(&self, key: &[u8]) -> BackendResult<Option<Vec<u8>>> {
        let (value, gas) = SharedRows::get(self, key);
        (Ok(value), external(gas))
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> BackendResult<()> {
        (Ok(()), external(self.put(key, value)))
    }

    fn remove(&mut self, key: &[u8]) -> BackendResult<()> {
        (Ok(()), external(self.delete(key)))
    }
}

/// What another contract answers.
fn asked(peers: &Peers, query: &WasmQuery) -> QuerierResult {
    let WasmQuery::Smart { contract_addr, msg } = query else {
        return SystemResult::Err(SystemError::UnsupportedRequest {
            kind: "not a smart query".to_owned(),
        });
    };
    match peers(contract_addr, msg) {
        Ok(reply) => SystemResult::Ok(ContractResult::Ok(reply.into())),
        Err(text) => SystemResult::Ok(ContractResult::Err(text)),
    }
}

fn external(gas: Gas) -> GasInfo {
    GasInfo::with_externally_used(gas.storage.saturating_mul(MULTIPLIER))
}

/// CosmWasm gas in one SDK gas (wasmd, `DefaultGasMultiplier`).
const MULTIPLIER: u64 = 140_000;
const GAS_LIMIT: u64 = 1_000_000_000_000;
const CAPABILITIES: &str = "iterator,staking,stargate,cosmwasm_1_1,cosmwasm_1_2,cosmwasm_1_3,cosmwasm_1_4,cosmwasm_2_0,cosmwasm_2_1,cosmwasm_2_2";
