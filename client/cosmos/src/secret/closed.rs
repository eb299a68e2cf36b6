//! The access contract of Secret Network, as a worker's ledger reads and tells it.
//!
//! Layer: `cosmos::secret`, above `contract`, `question` and `pulses`; below `cosmos`' ledger.
//! Holds: questions that as many nodes as must answer alike, out of the state under the newest verified header; pulses;
//! what was answered under that header.
//! Never: an answer out of a state from before this account's last proven pulse; an answer at all once that is older
//! than the settings allow.
//! Invariant: a pulse is an execute with a fresh nonce whose success two headers prove, and each answer shows the nonce out
//! of the enclave. So all nodes together can show a state that is as old as the last pulse, and none from before it.
//!
//! What remains: within that time nodes may show an older state; and a node that knows which ciphertext is which row may
//! show rows of different age together, since enclaves do not prove what they read to answer a question.

use super::contract::Said;
use super::pulses::Pulses;
use super::question::Asker;
use super::{CodeHash, NetworkKey, SecretContract, SecretSettings};
use crate::transaction::Sender;
use crate::{CosmosError, VerifiedHeader};
use prag_protocol::ledger::{AccessQuery, AccessReply, Admission, FreshReply, PulseMsg};
use prag_trust::address::{SessionKey, WalletKey};
use prag_trust::entropy::{Clock, Entropy, random};
use prag_trust::permit::Expected;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The contract, for one account.
pub(crate) struct Closed {
    sender: Arc<Sender>,
    contract: SecretContract,
    asker: Asker,
    pulses: Pulses,
    /// One pulse at a time.
    pulsing: tokio::sync::Mutex<()>,
    answered: Mutex<Answered>,
    chance: Mutex<Box<dyn Entropy>>,
    clock: Arc<dyn Clock>,
}

/// What was answered under one header; `None` where it is hidden from this account.
#[derive(Default)]
struct Answered {
    header: [u8; 32],
    answers: HashMap<Vec<u8>, Option<AccessReply>>,
}

/// What the contract takes beside the ledger's messages.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Own {
    Pulse(PulseMsg),
}

impl Closed {
    /// The contract that `settings`, which were checked, name. `key` signs questions for the account of `wallet`.
    pub(crate) fn open(
        settings: &SecretSettings,
        sender: Arc<Sender>,
        (wallet, key): (&WalletKey, SessionKey),
        (clock, chance): (Arc<dyn Clock>, Box<dyn Entropy>),
    ) -> Result<Self, CosmosError> {
        let SecretSettings { network, contract, code_hash, network_key, execute_every_s } =
            settings;
        let expected =
            Expected { chain_id: network.chain_id.clone(), contract: contract.as_str().to_owned() };
        let (code, network_key) = (CodeHash(*code_hash), NetworkKey(*network_key));
        let of = Arc::clone(&sender);
        Ok(Self {
            contract: SecretContract::of(of, contract.clone(), code, network_key)?,
            sender,
            asker: Asker::new(wallet, key, expected)?,
            pulses: Pulses::new(*execute_every_s),
            pulsing: tokio::sync::Mutex::new(()),
            answered: Mutex::default(),
            chance: Mutex::new(chance),
            clock,
        })
    }

    /// Executes `json` in the name of this account; returns the height at which it holds.
    pub(crate) async fn execute(&self, json: &[u8]) -> Result<u64, CosmosError> {
        let sealed = self.contract.seal(json, self.chance().as_mut())?;
        let (height, _) = self.contract.told(sealed).await?;
        Ok(height)
    }

    /// Sends a pulse if it is time for one, and waits until it is proven; true if one was.
    ///
    /// # Errors
    /// As of any transaction. What was answered before goes on until the last pulse is too old.
    pub(crate) async fn pulse_if_due(&self) -> Result<bool, CosmosError> {
        let _alone = self.pulsing.lock().await;
        if !self.pulses.due(self.clock.now()) {
            return Ok(false);
        }
        let nonce: [u8; 32] = random(self.chance().as_mut()).map_err(|_| CosmosError::Cipher)?;
        let json = serde_json::to_vec(&Own::Pulse(PulseMsg { nonce }));
        let json = json.map_err(|_| CosmosError::Setting("message"))?;
        self.pulses.sends(nonce);
        let height = self.execute(&json).await?;
        let block = self.sender.rows.header_at(height).await?;
        self.pulses.proven(&nonce, height, block.time());
        Ok(true)
    }

    /// That a pulse was proven lately enough for an answer.
    pub(crate) fn holds(&self) -> Result<(), CosmosError> {
        self.pulses.hold(self.clock.now())
    }

    /// The answer to `query`, in the chain's spelling.
    ///
    /// What is hidden from this account answers like what is absent, where that opens nothing; a policy or writer, whose
    /// absence would, is refused.
    pub(crate) async fn ask(&self, query: AccessQuery) -> Result<AccessReply, CosmosError> {
        let header = self.sender.rows.header().await?;
        self.holds()?;
        let key = serde_json::to_vec(&query).map_err(|_| CosmosError::Setting("question"))?;
        let known = self.known(&header, &key);
        let found = match known {
            Some(found) => found,
            None => {
                let found = self.answer(&header, &query).await?;
                self.keep(&header, key, found.clone());
                found
            }
        };
        match found {
            Some(AccessReply::Admission(admission)) => {
                let (height, time) = (state(&header), header.time());
                Ok(AccessReply::Admission(Admission { height, time, ..admission }))
            }
            Some(reply) => Ok(reply),
            None => absent(&query, &header),
        }
    }

    async fn answer(
        &self,
        header: &VerifiedHeader,
        query: &AccessQuery,
    ) -> Result<Option<AccessReply>, CosmosError> {
        let height = state(header);
        let json = self.asker.signed(query, header.time())?;
        let sealed = self.contract.seal_for_all(&json, self.chance().as_mut())?;
        let expected = self.pulses.expected(height);
        let read = move |answer: Vec<u8>| {
            let answer = serde_json::from_slice::<FreshReply>(&answer);
            let FreshReply { reply, pulse } = answer.map_err(|_| CosmosError::Cipher)?;
            if !pulse.is_some_and(|pulse| expected.contains(&pulse.nonce)) {
                return Ok(Said::Old);
            }
            Ok(Said::Answer(match reply {
                // Which block it is, nodes say as they like: the header says so.
                AccessReply::Admission(admission) => {
                    AccessReply::Admission(Admission { height: 0, time: 0, ..admission })
                }
                reply => reply,
            }))
        };
        match self.contract.asked(sealed, Some(height), read).await {
            Ok(reply) if fits(query, &reply) => Ok(Some(reply)),
            Ok(_) => Err(CosmosError::Contract("it answers another question")),
            Err(CosmosError::Refused(words)) if words.contains(HIDDEN) => Ok(None),
            // It was signed under the newest header: the nodes' clock is that of an older state.
            Err(CosmosError::Refused(words)) if words.contains(UNTIL) => Err(CosmosError::OldState),
            Err(other) => Err(other),
        }
    }

    fn known(&self, header: &VerifiedHeader, key: &[u8]) -> Option<Option<AccessReply>> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let same = answered.header == header.hash();
        same.then(|| answered.answers.get(key).cloned()).flatten()
    }

    /// Kept for whoever asks the same under the same header.
    fn keep(&self, header: &VerifiedHeader, key: Vec<u8>, found: Option<AccessReply>) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.header != header.hash() {
            *answered = Answered { header: header.hash(), answers: HashMap::new() };
        }
        if answered.answers.len() < ANSWERS_MAX {
            answered.answers.insert(key, found);
        }
    }

    fn chance(&self) -> std::sync::MutexGuard<'_, Box<dyn Entropy>> {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The height whose block left the state that `header` commits to.
fn state(header: &VerifiedHeader) -> u64 {
    header.height().saturating_sub(1)
}

/// Whether the answer is one to this question.
fn fits(query: &AccessQuery, reply: &AccessReply) -> bool {
    use {AccessQuery as Q, AccessReply as R};
    matches!(
        (query, reply),
        (Q::Collection { .. }, R::Collection(_))
            | (Q::Grant { .. }, R::Grant(_))
            | (Q::PermitRevoked { .. }, R::PermitRevoked(_))
            | (Q::Placement { .. }, R::Placement(_))
            | (Q::Writer { .. }, R::Writer(_))
            | (Q::Anchor { .. }, R::Anchor(_))
            | (Q::Policy { .. }, R::Policy(_))
            | (Q::Admission { .. }, R::Admission(_))
            | (Q::Collections { .. } | Q::Shared { .. }, R::Collections { .. })
            | (Q::Grants { .. }, R::Grants { .. })
    )
}

/// What an account is told of what is hidden from it.
fn absent(query: &AccessQuery, header: &VerifiedHeader) -> Result<AccessReply, CosmosError> {
    Ok(match query {
        AccessQuery::Collection { .. } => AccessReply::Collection(None),
        AccessQuery::Grant { .. } => AccessReply::Grant(None),
        AccessQuery::Placement { .. } => AccessReply::Placement(None),
        AccessQuery::Admission { .. } => AccessReply::Admission(Admission {
            height: state(header),
            time: header.time(),
            collection: None,
            grant: None,
            permit_revoked: false,
            policy: None,
        }),
        AccessQuery::PermitRevoked { .. }
        | AccessQuery::Writer { .. }
        | AccessQuery::Anchor { .. }
        | AccessQuery::Policy { .. }
        | AccessQuery::Collections { .. }
        | AccessQuery::Shared { .. }
        | AccessQuery::Grants { .. } => return Err(CosmosError::Refused(HIDDEN.to_owned())),
    })
}

/// The contract's words, for what is hidden, and for a question whose time is not now.
const HIDDEN: &str = "absent, or not for this account";
const UNTIL: &str = "until must be";
/// Answers that are kept under one header.
const ANSWERS_MAX: usize = 4096;

#[cfg(test)]
mod tests;
