//! The network that flows run on.
//!
//! Layer: flows.
//! Holds: one instance of each contract, and shorthands for telling and asking them.
//! Never: a contract's state, other than by its own queries.
//! Invariant: an error of a message is the contract's own text.

use crate::{lax, relay};
use cosmwasm_std::{Addr, BlockInfo, Coin};
use cw_multi_test::{App, AppResponse, ContractWrapper, Executor, IntoAddr};
use prag_contracts_shell::Peer;
use prag_protocol::Address;
use prag_protocol::ledger::rewards::RewardsInit;
use prag_protocol::ledger::workers::{Parties, WorkersInit, WorkersTerms};
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply};
use serde::{Serialize, de::DeserializeOwned};

/// A chain with every contract on it.
pub struct Network {
    /// The chain.
    pub app: App,
    /// The access contract.
    pub access: Addr,
    /// The subscription contract; its admin is `deployer`.
    pub subscription: Addr,
    /// The workers contract; its admin is `deployer`, who also confirms evidence, and nobody may slash yet.
    pub workers: Addr,
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
        let subscription = app.store_code(Box::new(ContractWrapper::new(
            prag_subscription::execute,
            prag_subscription::instantiate,
            prag_subscription::query,
        )));
        let relay = app.store_code(relay::contract());
        let access = born(&mut app, access, "access", &cosmwasm_std::Empty {})?;
        let relay = born(&mut app, relay, "relay", &cosmwasm_std::Empty {})?;
        let subscription = born(&mut app, subscription, "subscription", &cosmwasm_std::Empty {})?;
        let workers = workers(&mut app, &workers_init()?)?;
        Ok(Self { app, access, subscription, workers, relay })
    }

    /// A rewards contract that asks this network's access and workers contracts; its admin is `deployer`.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn rewards(&mut self, init: RewardsInit) -> Result<Addr, String> {
        let code = ContractWrapper::new(
            prag_rewards::execute,
            prag_rewards::instantiate,
            prag_rewards::query,
        );
        let code = self.app.store_code(Box::new(code.with_reply(prag_rewards::reply)));
        let (access, workers) = (peer(&self.access)?, peer(&self.workers)?);
        let message = prag_rewards::InstantiateMsg { rewards: init, access, workers };
        born(&mut self.app, code, "rewards", &message)
    }

    /// How much uscrt somebody has.
    ///
    /// # Panics
    /// Where the bank does not answer: nothing is not an answer.
    #[must_use]
    pub fn has(&self, account: &Addr) -> u128 {
        let balance = self.app.wrap().query_balance(account, "uscrt");
        balance.expect("a bank knows every account").amount.into()
    }

    /// Another workers contract, which begins with terms of its own.
    ///
    /// # Errors
    /// The contract's text, if it refuses them.
    pub fn workers(&mut self, init: &WorkersInit) -> Result<Addr, String> {
        workers(&mut self.app, init)
    }

    /// A registry of the core's alone, which no shell has held back from such terms.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn lax_workers(&mut self, attested: bool, approved: bool) -> Result<Addr, String> {
        let mut init = workers_init()?;
        (init.terms.attested_only, init.terms.approved_only) = (attested, approved);
        let code = self.app.store_code(lax::contract());
        born(&mut self.app, code, "lax", &init)
    }

    /// Another access contract, of the same code.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn another(&mut self) -> Result<Addr, String> {
        let code = self.app.contract_data(&self.access).map_err(|error| error.to_string())?.code_id;
        born(&mut self.app, code, "another", &cosmwasm_std::Empty {})
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

fn born(app: &mut App, code: u64, label: &str, message: &impl Serialize) -> Result<Addr, String> {
    let admin = "deployer".into_addr();
    let born = app.instantiate_contract(code, admin, message, &[], label, None);
    born.map_err(|error| error.root_cause().to_string())
}

fn workers(app: &mut App, init: &WorkersInit) -> Result<Addr, String> {
    let code = app.store_code(Box::new(ContractWrapper::new(
        prag_workers::execute,
        prag_workers::instantiate,
        prag_workers::query,
    )));
    born(app, code, "workers", init)
}

fn peer(contract: &Addr) -> Result<Peer, String> {
    Ok(Peer { address: spelled(contract)?, code_hash: String::new() })
}

fn workers_init() -> Result<WorkersInit, String> {
    let admin = spelled(&"deployer".into_addr())?;
    let treasury = spelled(&"treasury".into_addr())?;
    let parties = Parties { rewards: None, treasury, approver: Some(admin.clone()) };
    let terms = WorkersTerms {
        denom: "uscrt".parse().map_err(|error| format!("{error}"))?,
        stake_per_capacity: 1000_u128.try_into().map_err(|error| format!("{error}"))?,
        window_seconds: 6 * 3600,
        evidence_seconds: 90 * 86_400,
        timelock_seconds: 60,
        unbonding_seconds: 86_400,
        missed_ppm: 1000,
        attested_only: false,
        approved_only: true,
    };
    Ok(WorkersInit { admin, parties, terms })
}

fn spelled(addr: &Addr) -> Result<Address, String> {
    addr.as_str().parse().map_err(|error| format!("{error}"))
}
