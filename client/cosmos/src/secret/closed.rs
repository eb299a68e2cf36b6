//! The access contract of Secret Network, as a worker's ledger reads and tells it.
//!
//! Layer: `cosmos::secret`, above `contract`, `question` and `pulses`; below `cosmos`' ledger.
//! Holds: questions that as many nodes as must answer alike, out of the state under the newest verified header; pulses;
//! what was answered under that header; owners' words for this worker, of collections that it does not serve.
//! Never: an answer out of a state from before this account's last proven pulse; an answer at all once that is older
//! than the settings allow.
//! Invariant: a pulse is an execute with a fresh nonce whose success two headers prove, and each answer shows the nonce out
//! of the enclave. So all nodes together can show a state that is as old as the last pulse, and none from before it.
//!
//! What remains: within that time nodes may show an older state; and a node that knows which ciphertext is which row may
//! show rows of different age together, since enclaves do not prove what they read to answer a question.

use super::contract::Said;
use super::hosts::Hosts;
use super::pulses::Pulses;
use super::question::Asker;
use super::replies::{about, absent, fits, state};
use super::{CodeHash, NetworkKey, SecretContract, SecretSettings};
use crate::transaction::Sender;
use crate::{CosmosError, VerifiedHeader};
use prag_client::introduction::Introduction;
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
    hosts: Hosts,
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
            hosts: Hosts::default(),
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
        self.pulses.sends(nonce, self.clock.now());
        let height = self.execute(&json).await?;
        let block = self.sender.rows.header_at(height).await?;
        self.pulses.proven(&nonce, height, block.time());
        // What was answered before may be of a state from before it.
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Answered::default();
        Ok(true)
    }

    /// That a pulse was proven lately enough for an answer.
    pub(crate) fn holds(&self) -> Result<(), CosmosError> {
        self.pulses.hold(self.clock.now())
    }

    /// Whether what is answered from now on is of a state from after Unix second `then`; where it is not, a pulse is due
    /// at once, after which it will be.
    pub(crate) async fn is_after(&self, then: u64) -> bool {
        let header = self.sender.rows.header().await;
        header.is_ok_and(|header| self.pulses.after(then, state(&header)))
    }

    /// Whom an introduction has to name.
    pub(crate) fn guest(&self) -> [u8; 32] {
        self.asker.guest()
    }

    /// As [`Closed::ask`] of an admission, by the caller's word. Where the contract says that the collection is the
    /// caller's, further questions about it are asked by that word too, while it holds.
    pub(crate) async fn ask_introduced(
        &self,
        query: AccessQuery,
        word: Introduction,
    ) -> Result<AccessReply, CosmosError> {
        let AccessQuery::Admission { collection, caller, .. } = &query else {
            return Err(CosmosError::Setting("question"));
        };
        let (collection, caller) = (*collection, caller.clone());
        let reply = self.ask_with(query, Some(&word)).await?;
        if let AccessReply::Admission(Admission { collection: Some(record), .. }) = &reply
            && record.owner == caller
        {
            self.hosts.keep(collection, word, self.clock.now());
        }
        Ok(reply)
    }

    /// The answer to `query`, in the chain's spelling.
    ///
    /// What is hidden from this account answers like what is absent, where that opens nothing; a policy or writer, whose
    /// absence would, is refused.
    pub(crate) async fn ask(&self, query: AccessQuery) -> Result<AccessReply, CosmosError> {
        let word = about(&query).and_then(|id| self.hosts.of(id, self.clock.now()));
        self.ask_with(query, word.as_ref()).await
    }

    async fn ask_with(
        &self,
        query: AccessQuery,
        word: Option<&Introduction>,
    ) -> Result<AccessReply, CosmosError> {
        let header = self.sender.rows.header().await?;
        self.holds()?;
        // By somebody's word another answer is given than without.
        let key = serde_json::to_vec(&(&query, word.map(|word| &word.signature)));
        let key = key.map_err(|_| CosmosError::Setting("question"))?;
        let known = self.known(&header, &key);
        let found = match known {
            Some(found) => found,
            None => {
                let found = self.answer(&header, &query, word).await?;
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
        word: Option<&Introduction>,
    ) -> Result<Option<AccessReply>, CosmosError> {
        let height = state(header);
        let json = self.asker.signed(query, word, header.time())?;
        let sealed = self.contract.seal_for_all(&json, self.chance().as_mut())?;
        let expected = self.pulses.expected(height);
        let read = move |answer: Vec<u8>| {
            let answer = serde_json::from_slice::<FreshReply>(&answer);
            let FreshReply { reply, pulse } = answer.map_err(|_| CosmosError::Cipher)?;
            if !pulse.is_some_and(|pulse| expected.contains(&pulse.nonce)) {
                return Ok(Said::Old);
            }
            Ok(Said::Answer(reply.map(|reply| match reply {
                // Which block it is, nodes say as they like: the header says so.
                AccessReply::Admission(admission) => {
                    AccessReply::Admission(Admission { height: 0, time: 0, ..admission })
                }
                reply => reply,
            })))
        };
        match self.contract.asked(sealed, Some(height), read).await {
            Ok(None) => Ok(None),
            Ok(Some(reply)) if fits(query, &reply) => Ok(Some(reply)),
            Ok(Some(_)) => Err(CosmosError::Contract("it answers another question")),
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

/// In the contract's words: a question whose time is not now.
const UNTIL: &str = "until must be";
/// Answers that are kept under one header.
const ANSWERS_MAX: usize = 4096;

#[cfg(test)]
mod tests;
