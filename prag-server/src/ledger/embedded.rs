//! The log of transitions, sealed in the worker's own store.
//!
//! Layer: ledger.
//! Holds: one sealed row per transition, in order, with what its sender signed.
//! Never: serves after a boot before a remembered head was shown, unless in development.
//! Invariant: a transition is durable before it is answered; height = number of transitions.

use super::kv::State;
use async_trait::async_trait;
use prag_client::ledger::{Ledger, LedgerError, LedgerHead};
use prag_contracts_core::{AccessError, Env, access};
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply};
use prag_protocol::place::{Kind, Place};
use prag_protocol::{Address, CollectionId, Lineage};
use prag_store::{Batch, KeyRange, Shard};
use prag_trust::admission::AccessView;
use prag_trust::entropy::{Clock, Entropy};
use prag_trust::key::{Key, Ledger as LedgerPurpose};
use prag_trust::merkle::MerkleLog;
use prag_trust::seal::{LedgerState, Plain, Sealed};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The contract's address where there is no chain.
const CONTRACT: &str = "secret1pragembeddedaccess";
/// The table byte of transitions in the worker's own shard.
const TABLE: u8 = 0x10;

/// The embedded ledger of one data directory.
pub struct EmbeddedLedger {
    id: [u8; 32],
    key: Key<LedgerPurpose>,
    shard: Arc<dyn Shard>,
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    tree: MerkleLog,
    time: u64,
    confirmed: bool,
    entropy: Box<dyn Entropy>,
}

/// One transition as it is stored.
#[derive(Serialize, Deserialize)]
struct Transition {
    salt: [u8; 16],
    time: u64,
    sender: Address,
    /// Permit, signature base and signature of the sender; empty for the worker's own metering.
    authorization: Vec<u8>,
    /// JSON of the message: postcard cannot carry its tagged forms.
    message: String,
}

impl EmbeddedLedger {
    /// Replay what `shard` holds. `genesis` is random, chosen at the data directory's birth, and fixes the ledger's id.
    ///
    /// # Errors
    /// [`LedgerError::Tampered`] names the first height whose record failed.
    pub fn open(
        genesis: [u8; 32],
        key: Key<LedgerPurpose>,
        shard: Arc<dyn Shard>,
        clock: Arc<dyn Clock>,
        entropy: Box<dyn Entropy>,
        confirmed: bool,
    ) -> Result<Self, LedgerError> {
        let id = ledger_id(&genesis);
        let inner =
            Inner { state: State::default(), tree: MerkleLog::new(), time: 0, confirmed, entropy };
        let ledger = Self { id, key, shard, clock, inner: Mutex::new(inner) };
        ledger.replay()?;
        let mut inner = ledger.lock();
        inner.confirmed |= inner.tree.size() == 0;
        drop(inner);
        Ok(ledger)
    }

    /// Unix seconds of the last transition, 0 before the first. It was later than this at some time.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.lock().time
    }

    fn replay(&self) -> Result<(), LedgerError> {
        let mut inner = self.lock();
        let mut after = None;
        loop {
            let page = self
                .shard
                .scan(&KeyRange::prefix(&[TABLE]), after.as_deref(), 1024)
                .map_err(|_| LedgerError::Tampered(inner.tree.size()))?;
            for (key, value) in &page.rows {
                let height = inner.tree.size();
                let damaged = LedgerError::Tampered(height);
                if *key != row(height) {
                    return Err(damaged);
                }
                let sealed = Sealed::<LedgerState>::from_bytes(value.clone());
                let plain =
                    sealed.open(&self.key, self.place(height)).map_err(|_| damaged.clone())?;
                let transition: Transition =
                    postcard::from_bytes(plain.expose()).map_err(|_| damaged.clone())?;
                let message =
                    serde_json::from_str(&transition.message).map_err(|_| damaged.clone())?;
                let changes = {
                    let mut overlay = inner.state.overlay();
                    let env = Env { height: height + 1, time: transition.time };
                    access::execute(&mut overlay, &env, &transition.sender, message)
                        .map_err(|_| damaged)?;
                    overlay.into_changes()
                };
                inner.accept(changes, plain.expose(), transition.time);
            }
            match page.rows.into_iter().next_back() {
                Some((key, _)) if page.more => after = Some(key),
                Some(_) | None => return Ok(()),
            }
        }
    }

    fn execute_now(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: AccessMsg,
    ) -> Result<u64, LedgerError> {
        let mut inner = self.lock();
        inner.serving()?;
        let height = inner.tree.size();
        let time = self.clock.now().max(inner.time);
        let mut salt = [0; 16];
        inner.entropy.fill(&mut salt).map_err(|_| unavailable("no randomness"))?;
        let mut nonce = [0; 12];
        inner.entropy.fill(&mut nonce).map_err(|_| unavailable("no randomness"))?;
        let transition = Transition {
            salt,
            time,
            sender: sender.clone(),
            authorization: authorization.to_vec(),
            message: serde_json::to_string(&message).map_err(|_| unavailable("message"))?,
        };
        let changes = {
            let mut overlay = inner.state.overlay();
            let env = Env { height: height + 1, time };
            access::execute(&mut overlay, &env, sender, message).map_err(refused)?;
            overlay.into_changes()
        };
        let bytes = postcard::to_allocvec(&transition).map_err(|_| unavailable("encoding"))?;
        let sealed = Plain::<LedgerState>::new(bytes.clone())
            .seal(&self.key, self.place(height), nonce)
            .map_err(|_| unavailable("sealing"))?;
        let mut write = Batch::new();
        write
            .put(row(height), sealed.into_bytes())
            .map_err(|_| unavailable("a transition is too large"))?;
        let durable = self.shard.commit(write).and_then(|seq| self.shard.durable(seq));
        durable.map_err(|_| unavailable("the ledger's storage failed"))?;
        inner.accept(changes, &bytes, time);
        Ok(inner.tree.size())
    }

    fn place(&self, height: u64) -> Place {
        let mut lineage = [0; 16];
        lineage.copy_from_slice(&self.id[..16]);
        Place {
            collection: CollectionId([0; 16]),
            lineage: Lineage(lineage),
            kind: Kind::LedgerState,
            id: [0; 16],
            seq: height,
            epoch: 1,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn serving(&self) -> Result<(), LedgerError> {
        if self.confirmed { Ok(()) } else { Err(LedgerError::Unconfirmed) }
    }

    fn accept(&mut self, changes: super::kv::Changes, record: &[u8], time: u64) {
        self.state.keep(changes);
        let mut hasher = blake3::Hasher::new_derive_key("prag 2026 ledger transition v1");
        hasher.update(record);
        self.tree.append(hasher.finalize().as_bytes());
        self.time = time;
    }

    fn ask(&self, now: u64, query: AccessQuery) -> Result<AccessReply, LedgerError> {
        self.serving()?;
        let env = Env { height: self.tree.size(), time: now.max(self.time) };
        access::query(&self.state.overlay(), &env, query)
            .map_err(|error| LedgerError::Refused(error.to_string()))
    }
}

#[async_trait]
impl Ledger for EmbeddedLedger {
    fn id(&self) -> [u8; 32] {
        self.id
    }

    fn chain_id(&self) -> String {
        format!("prag-embedded-{}", hex::encode(&self.id[..8]))
    }

    fn contract(&self) -> String {
        CONTRACT.to_owned()
    }

    async fn execute(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: AccessMsg,
    ) -> Result<u64, LedgerError> {
        tokio::task::block_in_place(|| self.execute_now(sender, authorization, message))
    }

    async fn view(
        &self,
        collection: CollectionId,
        caller: &Address,
        permit_name: &str,
    ) -> Result<AccessView, LedgerError> {
        let query = AccessQuery::Admission {
            collection,
            caller: caller.clone(),
            permit_name: permit_name.to_owned(),
        };
        match self.lock().ask(self.clock.now(), query)? {
            AccessReply::Admission(view) => Ok(view),
            _ => Err(unavailable("an answer to another question")),
        }
    }

    async fn query(&self, query: AccessQuery) -> Result<AccessReply, LedgerError> {
        self.lock().ask(self.clock.now(), query)
    }

    async fn head(&self) -> LedgerHead {
        let inner = self.lock();
        LedgerHead { height: inner.tree.size(), root: inner.tree.root() }
    }

    async fn confirm(&self, remembered: LedgerHead) -> Result<(), LedgerError> {
        let mut inner = self.lock();
        if inner.tree.root_at(remembered.height) != Some(remembered.root) {
            return Err(LedgerError::RolledBack);
        }
        inner.confirmed = true;
        Ok(())
    }
}

fn ledger_id(genesis: &[u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("prag 2026 embedded ledger id v1");
    hasher.update(genesis);
    *hasher.finalize().as_bytes()
}

fn row(height: u64) -> Vec<u8> {
    [&[TABLE], &height.to_be_bytes()[..]].concat()
}

fn refused(error: AccessError) -> LedgerError {
    match error {
        AccessError::Quota { left } => LedgerError::Quota(left),
        other => LedgerError::Refused(other.to_string()),
    }
}

fn unavailable(what: &str) -> LedgerError {
    LedgerError::Unavailable(what.to_owned())
}

#[cfg(test)]
mod tests;
