//! The access contract's story, and the operations that are measured.
//!
//! Layer: vm, above the engines.
//! Holds: who says and asks what, and what the core says to the same.
//! Never: an expectation that is not the core's own.
//! Invariant: a step means the same natively and on each engine.

mod operations;
mod story;

pub use operations::{operations, stocked};
pub use story::story;

use crate::engine::json_of;
use crate::{Called, Engine, EngineError, Entry, Operation, Rows, told};
use prag_access::{OwnMsg, SignedQueryMsg};
use prag_contracts_core::access::{Relayed, Sold};
use prag_contracts_core::{Env, Funds, access};
use prag_contracts_permit::testing::{Person, account, relayed, signed};
use prag_contracts_permit::{Expected, PermitParams, RelayTerms};
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessMsg, AccessQuery, BuyMsg, Offer, PulseMsg};
use serde_json::Value;

/// Who acts.
pub struct Cast {
    /// Owns the collection.
    pub owner: Person,
    /// Has a grant.
    pub reader: Person,
    /// Holds the placement.
    pub worker: Person,
    /// Has nothing.
    pub stranger: Person,
    /// Ten units for five.
    pub offer: Offer,
}

/// One thing that somebody does.
pub struct Step<'a, A = Act> {
    /// Its name in tables.
    pub name: &'static str,
    /// Who does it.
    pub by: &'a Person,
    /// What.
    pub act: A,
    /// Under which header.
    pub env: Env,
}

/// A message or a question.
pub enum Act {
    /// A message.
    Tell(AccessMsg),
    /// A message that somebody else sends, under a permit for administration.
    Relay {
        /// The message.
        message: AccessMsg,
        /// Its place in the session's order.
        sequence: u64,
    },
    /// A pulse of its own.
    Pulse(PulseMsg),
    /// A grant that is paid for.
    Buy {
        /// On which terms.
        message: BuyMsg,
        /// What comes along.
        funds: Vec<Funds>,
    },
    /// A question.
    Ask {
        /// The question.
        query: AccessQuery,
        /// What the permit allows, where one is needed.
        permission: &'static str,
        /// For a worker: through whose placement it asks.
        shard: Option<u32>,
        /// Not for this person, where storage is closed.
        hidden: bool,
    },
}

impl Cast {
    /// The people of the stories, on the chain where `contract` lies.
    ///
    /// # Errors
    /// [`EngineError`] if `contract` is no address.
    pub fn new(contract: &str) -> Result<Self, EngineError> {
        let person = |number| Person::new(number, contract).map_err(EngineError::new);
        let offer = Offer {
            amount: 5.try_into().map_err(EngineError::new)?,
            denom: "uscrt".parse().map_err(EngineError::new)?,
            seconds: 3600,
            max_k: 10,
            quota: Some(10),
        };
        Ok(Self {
            owner: person(1)?,
            reader: person(2)?,
            worker: person(3)?,
            stranger: person(4)?,
            offer,
        })
    }
}

impl Step<'_> {
    /// Does it in the core alone: what [`told`] says of a message, or the reply, or the refusal's text.
    ///
    /// # Errors
    /// The core's text.
    pub fn natively(&self, rows: &mut Rows) -> Result<Value, String> {
        match &self.act {
            Act::Tell(message) => {
                let events = access::execute(rows, &self.env, &self.by.address, message.clone());
                Ok(told(&events.map_err(|error| error.to_string())?, &[]))
            }
            Act::Relay { message, sequence } => {
                let by = Relayed {
                    account: &self.by.address,
                    session_key: &self.by.session_key(),
                    permit_name: &self.permit_name(),
                    sequence: *sequence,
                };
                let events = access::relay(rows, &self.env, by, message.clone());
                Ok(told(&events.map_err(|error| error.to_string())?, &[]))
            }
            Act::Pulse(pulse) => {
                let events = access::pulse(rows, &self.env, &self.by.address, *pulse);
                Ok(told(&events.map_err(|error| error.to_string())?, &[]))
            }
            Act::Buy { message, funds } => {
                let sold = access::buy(rows, &self.env, &self.by.address, funds, message.clone());
                let Sold { event, payment } = sold.map_err(|error| error.to_string())?;
                Ok(told(&[event], &[payment]))
            }
            Act::Ask { query, .. } => {
                let reply = access::query(rows, &self.env, query.clone());
                let reply = reply.map_err(|error| error.to_string())?;
                Ok(serde_json::to_value(reply).unwrap_or(Value::Null))
            }
        }
    }

    /// The name of this person's permits, on any chain.
    fn permit_name(&self) -> String {
        let nowhere = Expected { chain_id: "", contract: "" };
        let params = PermitParams::new(&nowhere, &self.by.session_key(), &[], PERMIT_ENDS);
        params.permit_name
    }

    fn relayed(
        &self,
        engine: &dyn Engine,
        message: &AccessMsg,
        sequence: u64,
    ) -> Result<Vec<u8>, EngineError> {
        let contract = engine.contract();
        let expected = Expected { chain_id: engine.chain_id(), contract: &contract };
        let permit = self.by.permit(&expected, &["prag_admin"], PERMIT_ENDS);
        let permit = permit.map_err(EngineError::new)?;
        let terms = RelayTerms { sequence, until: self.env.time.saturating_add(60) };
        let signed = relayed(self.by, &expected, permit, terms, &json_of(message)?);
        json_of(&OwnMsg::Relayed(Box::new(signed)))
    }

    fn question(
        &self,
        engine: &dyn Engine,
        query: &AccessQuery,
        permission: &str,
        shard: Option<u32>,
    ) -> Result<Vec<u8>, EngineError> {
        let query = json_of(query)?;
        if !engine.closed() {
            return Ok(query);
        }
        let (contract, now) = (engine.contract(), self.env.time);
        let expected = Expected { chain_id: engine.chain_id(), contract: &contract };
        let permit = self.by.permit(&expected, &[permission], PERMIT_ENDS);
        let permit = permit.map_err(EngineError::new)?;
        let until = now.saturating_add(60);
        let question = signed(self.by, &expected, permit, shard, until, &query);
        json_of(&SignedQueryMsg::WithPermit(Box::new(question)))
    }
}

impl Operation for Step<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn perform(&self, engine: &mut dyn Engine) -> Result<Called, EngineError> {
        let mut sender = self.by.address.clone();
        let mut coins = &[][..];
        let (entry, message) = match &self.act {
            Act::Tell(message) => (Entry::Execute, json_of(message)?),
            Act::Relay { message, sequence } => {
                sender = account(engine.prefix(), PAYER).map_err(EngineError::new)?;
                (Entry::Execute, self.relayed(engine, message, *sequence)?)
            }
            Act::Pulse(pulse) => (Entry::Execute, json_of(&OwnMsg::Pulse(*pulse))?),
            Act::Buy { message, funds } => {
                coins = funds;
                (Entry::Execute, json_of(&OwnMsg::Buy(message.clone()))?)
            }
            Act::Ask { query, permission, shard, .. } => {
                (Entry::Query, self.question(engine, query, permission, *shard)?)
            }
        };
        engine.call_with(entry, &self.env, sender.as_str(), coins, &message)
    }
}

/// Where the stories begin.
pub const START: Env = Env { height: 100, time: 1_700_000_000 };
/// When the permits of the stories end.
const PERMIT_ENDS: u64 = START.time + 86_400;
/// Who sends what others signed; it has nothing else.
const PAYER: u32 = 2_000_000;
/// The collection of the stories.
pub const COLLECTION: CollectionId = CollectionId([0xc0; 16]);
