//! The log of transitions, sealed in the worker's own store.
//!
//! Layer: ledger.
//! Holds: one sealed row per transition, in order, with what its sender signed.
//! Never: serves after a boot before a remembered head was shown, unless in development.
//! Invariant: a transition is durable before it is answered; height = number of transitions.

use super::kv::{Changes, State};
use super::market;
use super::transition::{Recorded, Transition};
use async_trait::async_trait;
use prag_client::ledger::{Ledger, LedgerError, LedgerHead, Scopes};
use prag_contracts_core::market::Market;
use prag_contracts_core::{self as core, AccessError, Env, access};
use prag_protocol::ledger::bank::Coin;
use prag_protocol::ledger::market::{
    Contracts, ExecuteMarket, MarketInit, MarketMsg, MarketQuery, MarketReply,
};
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply};
use prag_protocol::place::{Kind, Place};
use prag_protocol::{Address, CollectionId, Lineage};
use prag_store::{Batch, KeyRange, Shard};
use prag_trust::admission::AccessView;
use prag_trust::entropy::{Clock, Entropy};
use prag_trust::key::{Key, Ledger as LedgerPurpose};
use prag_trust::merkle::MerkleLog;
use prag_trust::seal::{LedgerState, Plain, Sealed};
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
    contracts: Contracts,
    /// Who begins the market, and how, once the ledger serves.
    begins: Option<(Address, MarketInit)>,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    tree: MerkleLog,
    time: u64,
    confirmed: bool,
    /// The market has begun: the worker that began it.
    market: Option<Address>,
    entropy: Box<dyn Entropy>,
}

/// What a ledger is opened with, beside what it lies on.
pub struct Opening {
    /// Random, chosen at the data directory's birth; fixes the ledger's id.
    pub genesis: [u8; 32],
    /// Serve without a remembered head.
    pub confirmed: bool,
    /// The worker's account, and how the contracts beside access begin, unless they have.
    pub market: Option<(Address, MarketInit)>,
}

impl EmbeddedLedger {
    /// Replay what `shard` holds.
    ///
    /// # Errors
    /// [`LedgerError::Tampered`] names the first height whose record failed; [`LedgerError::Refused`] for a market whose
    /// terms are out of bounds.
    pub fn open(
        opening: Opening,
        key: Key<LedgerPurpose>,
        shard: Arc<dyn Shard>,
        clock: Arc<dyn Clock>,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, LedgerError> {
        let Opening { genesis, confirmed, market: begins } = opening;
        let id = ledger_id(&genesis);
        let inner = Inner {
            state: State::default(),
            tree: MerkleLog::new(),
            time: 0,
            confirmed,
            market: None,
            entropy,
        };
        let contracts = market::contracts().ok_or_else(|| unavailable("contracts"))?;
        let ledger = Self { id, key, shard, clock, contracts, begins, inner: Mutex::new(inner) };
        ledger.replay()?;
        let mut inner = ledger.lock();
        inner.confirmed |= inner.tree.size() == 0;
        drop(inner);
        Ok(ledger)
    }

    /// Begin the market where it is to begin and has not: when it is first asked for, not at a boot, whose clock nobody has
    /// agreed with yet.
    fn begin(&self, inner: &mut Inner) -> Result<(), LedgerError> {
        inner.serving()?;
        if inner.market.is_some() {
            return Ok(());
        }
        let (account, init) = self.begins.clone().ok_or(LedgerError::NoMarket)?;
        self.append(inner, &account, &[], Recorded::Begins(Box::new(init))).map(drop)
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
                let recorded = Recorded::read(&transition.message).ok_or(damaged.clone())?;
                let env = Env { height: height + 1, time: transition.time };
                let begins = matches!(recorded, Recorded::Begins(_));
                let changes = self.apply(&inner, env, &transition.sender, recorded);
                let changes = changes.map_err(|_| damaged)?;
                if begins {
                    inner.market = Some(transition.sender);
                }
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
        recorded: Recorded,
    ) -> Result<u64, LedgerError> {
        let mut inner = self.lock();
        inner.serving()?;
        if matches!(recorded, Recorded::Market(_)) {
            self.begin(&mut inner)?;
        }
        self.append(&mut inner, sender, authorization, recorded)
    }

    /// One transition more, durable when this returns.
    fn append(
        &self,
        inner: &mut Inner,
        sender: &Address,
        authorization: &[u8],
        recorded: Recorded,
    ) -> Result<u64, LedgerError> {
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
            message: recorded.to_text().ok_or_else(|| unavailable("message"))?,
        };
        let env = Env { height: height + 1, time };
        let begins = matches!(recorded, Recorded::Begins(_));
        let changes = self.apply(inner, env, sender, recorded)?;
        let bytes = self.keep(height, &transition, nonce)?;
        inner.accept(changes, &bytes, time);
        if begins {
            inner.market = Some(sender.clone());
        }
        Ok(inner.tree.size())
    }

    fn keep(
        &self,
        height: u64,
        transition: &Transition,
        nonce: [u8; 12],
    ) -> Result<Vec<u8>, LedgerError> {
        let bytes = postcard::to_allocvec(transition).map_err(|_| unavailable("encoding"))?;
        let sealed = Plain::<LedgerState>::new(bytes.clone())
            .seal(&self.key, self.place(height), nonce)
            .map_err(|_| unavailable("sealing"))?;
        let mut write = Batch::new();
        write
            .put(row(height), sealed.into_bytes())
            .map_err(|_| unavailable("a transition is too large"))?;
        let durable = self.shard.commit(write).and_then(|seq| self.shard.durable(seq));
        durable.map_err(|_| unavailable("the ledger's storage failed"))?;
        Ok(bytes)
    }

    /// What a transition changes. The contracts decide.
    fn apply(
        &self,
        inner: &Inner,
        env: Env,
        sender: &Address,
        recorded: Recorded,
    ) -> Result<Changes, LedgerError> {
        let mut overlay = inner.state.overlay();
        match recorded {
            Recorded::Access(message) => {
                access::execute(&mut overlay, &env, sender, message).map_err(refused)?;
            }
            Recorded::Begins(init) => {
                let name = format!("{}/{}", self.chain_id(), self.contracts.workers);
                let names = (self.id, name.as_str());
                core::market::instantiate(&mut overlay, &env, &self.contracts, names, *init)
                    .map_err(market::refused)?;
            }
            Recorded::Market(call) => {
                let (contracts, worker) = (&self.contracts, inner.market.as_ref());
                let worker = worker.ok_or(LedgerError::NoMarket)?;
                let market = Market { verify: &market::Ed25519, contracts, worker };
                let ExecuteMarket { message, funds } = *call;
                core::market::execute(&mut overlay, &env, market, sender, &funds, message)
                    .map_err(market::refused)?;
            }
        }
        Ok(overlay.into_changes())
    }

    fn place(&self, height: u64) -> Place {
        let lineage = Lineage(self.id.first_chunk().copied().unwrap_or_default());
        let (collection, kind) = (CollectionId([0; 16]), Kind::LedgerState);
        Place { collection, lineage, kind, id: [0; 16], seq: height, epoch: 1 }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn serving(&self) -> Result<(), LedgerError> {
        if self.confirmed { Ok(()) } else { Err(LedgerError::Unconfirmed) }
    }

    fn accept(&mut self, changes: Changes, record: &[u8], time: u64) {
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

    /// Its state is sealed, and this process alone has the key.
    fn scopes(&self) -> Scopes {
        Scopes::Plain
    }

    async fn execute(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: AccessMsg,
    ) -> Result<u64, LedgerError> {
        let recorded = Recorded::Access(message);
        tokio::task::block_in_place(|| self.execute_now(sender, authorization, recorded))
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
        // The empty history is everybody's: whoever remembers nothing confirms nothing.
        let nothing = remembered.height == 0 && inner.tree.size() > 0;
        if nothing || inner.tree.root_at(remembered.height) != Some(remembered.root) {
            return Err(LedgerError::RolledBack);
        }
        inner.confirmed = true;
        Ok(())
    }

    fn has_market(&self) -> bool {
        self.begins.is_some() || self.lock().market.is_some()
    }

    async fn execute_market(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: MarketMsg,
        funds: &[Coin],
    ) -> Result<u64, LedgerError> {
        let recorded = Recorded::Market(Box::new(ExecuteMarket { message, funds: funds.to_vec() }));
        tokio::task::block_in_place(|| self.execute_now(sender, authorization, recorded))
    }

    async fn query_market(
        &self,
        caller: Option<&Address>,
        query: MarketQuery,
    ) -> Result<MarketReply, LedgerError> {
        let mut inner = self.lock();
        tokio::task::block_in_place(|| self.begin(&mut inner))?;
        let env = Env { height: inner.tree.size(), time: self.clock.now().max(inner.time) };
        let rows = inner.state.overlay();
        core::market::query(&rows, &env, &self.contracts, caller, &query).map_err(market::refused)
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
