//! The network that flows run on.
//!
//! Layer: flows.
//! Holds: one instance of each contract, and shorthands for telling and asking them.
//! Never: a contract's state, other than by its own queries.
//! Invariant: an error of a message is the contract's own text.

use crate::relay;
use cosmwasm_std::{Addr, BlockInfo, Coin};
use cw_multi_test::{App, AppResponse, ContractWrapper, Executor, IntoAddr};
use prag_protocol::ledger::workers::WorkersInit;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply};
use serde::{Serialize, de::DeserializeOwned};

/// A chain with every contract on it.
pub struct Network {
    /// The chain.
    pub app: App,
    /// The access contract.
    pub access: Addr,
    /// A contract that passes messages on.
    pub relay: Addr,
}

impl Network {
    /// A fresh chain; `rich` has 1,000,000 uscrt.
    ///
    /// # Errors
    /// The chain's text, if a contract does not instantiate.
    pub fn new() -> Result<Self, String> {
        let mut app = App::new(|router, _, storage| {
            let coins = vec![Coin::new(1_000_000_u128, "uscrt")];
            // A fresh bank takes any balance.
            let _ = router.bank.init_balance(storage, &"rich".into_addr(), coins);
        });
        let access = app.store_code(Box::new(ContractWrapper::new(
            prag_access::execute,
            prag_access::instantiate,
            prag_access::query,
        )));
        let relay = app.store_code(relay::contract());
        let mut born = |code, label: &str| {
            let admin = "deployer".into_addr();
            let born =
                app.instantiate_contract(code, admin, &cosmwasm_std::Empty {}, &[], label, None);
            born.map_err(|error| error.root_cause().to_string())
        };
        let (access, relay) = (born(access, "access")?, born(relay, "relay")?);
        Ok(Self { app, access, relay })
    }

    /// A workers contract, which begins with terms of its own.
    ///
    /// # Errors
    /// The contract's text, if it refuses them.
    pub fn workers(&mut self, init: &WorkersInit) -> Result<Addr, String> {
        let code = self.app.store_code(Box::new(ContractWrapper::new(
            prag_workers::execute,
            prag_workers::instantiate,
            prag_workers::query,
        )));
        let admin = "deployer".into_addr();
        let born = self.app.instantiate_contract(code, admin, init, &[], "workers", None);
        born.map_err(|error| error.root_cause().to_string())
    }

    /// What an account has of a currency.
    ///
    /// # Errors
    /// The bank's text.
    pub fn balance(&self, of: &Addr, denom: &str) -> Result<u128, String> {
        let balance = self.app.wrap().query_balance(of, denom);
        balance.map(|coin| coin.amount.u128()).map_err(|error| error.to_string())
    }

    /// Another instance of the same code.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn another(&mut self) -> Result<Addr, String> {
        let code = self.app.contract_data(&self.access).map_err(|error| error.to_string())?.code_id;
        let (admin, nothing) = ("deployer".into_addr(), cosmwasm_std::Empty {});
        let born = self.app.instantiate_contract(code, admin, &nothing, &[], "another", None);
        born.map_err(|error| error.root_cause().to_string())
    }

    /// Tells a contract something.
    ///
    /// # Errors
    /// The refusal's text.
    pub fn tell<M: Serialize + core::fmt::Debug>(
        &mut self,
        by: &str,
        contract: &Addr,
        message: &M,
        funds: &[Coin],
    ) -> Result<AppResponse, String> {
        let told = self.app.execute_contract(by.into_addr(), contract.clone(), message, funds);
        told.map_err(|error| error.root_cause().to_string())
    }

    /// Tells the access contract something.
    ///
    /// # Errors
    /// The refusal's text.
    pub fn access(&mut self, by: &str, message: &AccessMsg) -> Result<AppResponse, String> {
        let contract = self.access.clone();
        self.tell(by, &contract, message, &[])
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// The refusal's text.
    pub fn ask<Q: Serialize, R: DeserializeOwned>(
        &self,
        contract: &Addr,
        query: &Q,
    ) -> Result<R, String> {
        let asked = self.app.wrap().query_wasm_smart(contract, query);
        asked.map_err(|error| error.to_string())
    }

    /// Asks the access contract.
    ///
    /// # Errors
    /// The refusal's text.
    pub fn asked(&self, query: &AccessQuery) -> Result<AccessReply, String> {
        self.ask(&self.access, query)
    }

    /// Lets so many seconds pass, a block every six.
    pub fn wait(&mut self, seconds: u64) {
        self.app.update_block(|block: &mut BlockInfo| {
            block.time = block.time.plus_seconds(seconds);
            block.height = block.height.saturating_add(seconds / 6).saturating_add(1);
        });
    }

    /// The chain's clock, Unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.app.block_info().time.seconds()
    }
}
