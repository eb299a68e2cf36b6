//! A contract's own queries over rows that are each proven.
//!
//! Layer: `cosmos`, above `nodes`.
//! Holds: the newest verified header, the rows that were proven under it, and those that are proven ahead for the next.
//! Never: the contract's answer to a query: a node could make it up. The core computes it here.
//! Invariant: every row of an answer is of one height, and an answer names that height.

mod lead;

use crate::nodes::Nodes;
use crate::proof::contract_key;
use crate::{CosmosError, LightClient, Network, Question, TrustedHeader, VerifiedHeader};
use prag_contracts_core::{Env, Kv};
use prag_protocol::ledger::LEDGER_PAGE_ROWS_MAX;
use prag_trust::entropy::Clock;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// The state of one chain, as far as it was asked for.
pub(crate) struct Rows {
    pub(crate) nodes: Arc<Nodes>,
    network: Network,
    clock: Arc<dyn Clock>,
    light: Mutex<LightClient>,
    newest: std::sync::Mutex<Option<Newest>>,
    /// Held by whoever asks for a newer header, so that others wait for that one.
    asking: Mutex<()>,
    /// How and when asking failed last, if it has not succeeded since.
    failed: std::sync::Mutex<Option<(Instant, CosmosError)>>,
    /// Somebody calls [`Rows::follow`]: readers take what is known, and wait for no node.
    followed: AtomicBool,
    /// No answer may be of an older state: what this process did must show.
    floor: AtomicU64,
}

/// The newest header, when it was fetched, and what was proven under it.
#[derive(Clone)]
struct Newest {
    header: VerifiedHeader,
    fetched: Instant,
    rows: Arc<std::sync::Mutex<Proven>>,
}

/// Rows of the contracts' store by key.
type Proven = HashMap<Vec<u8>, Row>;

/// What was proven of a key.
#[derive(Clone)]
struct Row {
    /// `None` is proven to be absent.
    value: Option<Vec<u8>>,
    /// An answer was made of it.
    used: Arc<AtomicBool>,
}

impl Rows {
    /// `resume`: a header to begin with that is later than the network's trusted one.
    pub(crate) fn open(
        network: &Network,
        resume: Option<TrustedHeader>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CosmosError> {
        let start = resume.unwrap_or(network.trusted);
        Ok(Self {
            nodes: Arc::new(Nodes::open(network)?),
            network: network.clone(),
            clock,
            light: Mutex::new(LightClient::new(network, start)?),
            newest: std::sync::Mutex::new(None),
            asking: Mutex::new(()),
            failed: std::sync::Mutex::new(None),
            followed: AtomicBool::new(false),
            floor: AtomicU64::new(0),
        })
    }

    /// From now on no answer is of a state before `height`.
    pub(crate) fn raise(&self, height: u64) {
        self.floor.fetch_max(height, Ordering::Relaxed);
    }

    /// The header that answers are of now.
    pub(crate) async fn header(&self) -> Result<VerifiedHeader, CosmosError> {
        Ok(self.newest().await?.header)
    }

    /// The header that answers are of; asks no node, and says why where there is none.
    pub(crate) fn shown(&self) -> Result<VerifiedHeader, CosmosError> {
        let header = lock(&self.newest).as_ref().map(|one| one.header.clone());
        let fresh = match &header {
            Some(header) => self.fresh(header),
            None => Err(CosmosError::Silent),
        };
        // What went wrong with the nodes says more than what follows from it.
        fresh.map_err(|error| self.failure(None).unwrap_or(error))?;
        header.ok_or(CosmosError::Silent)
    }

    /// The core's answer to `question` over the rows of `contract`, in the chain's spelling of addresses.
    pub(crate) async fn answer<Q: Question>(
        &self,
        contract: &[u8; 32],
        question: &Q,
    ) -> Result<Q::Answer, CosmosError> {
        let newest = self.newest().await?;
        // The state is that of the height before; the header's time is when that was agreed on.
        let height = newest.header.height().saturating_sub(1);
        let env = Env { height, time: newest.header.time() };
        let mut mine = Proven::new();
        for _ in 0..ROUNDS_MAX {
            let missing = match attempt(&newest.rows, &mine, contract, &env, question) {
                Err(Missing(keys)) => keys,
                Ok(answer) => return answer,
            };
            let found = self.fetch(&newest.header, missing).await?;
            let mut shared = lock(&newest.rows);
            if shared.len().saturating_add(found.len()) <= ROWS_MAX {
                shared.extend(found.clone());
            }
            drop(shared);
            mine.extend(found);
        }
        Err(CosmosError::Damaged(height))
    }

    /// Rows, each proven; some at a time.
    async fn fetch(
        &self,
        header: &VerifiedHeader,
        keys: Vec<Vec<u8>>,
    ) -> Result<Proven, CosmosError> {
        let mut found = Proven::new();
        for some in keys.chunks(AT_ONCE_MAX) {
            let mut asked = JoinSet::new();
            for key in some.iter().cloned() {
                let (nodes, header) = (Arc::clone(&self.nodes), header.clone());
                asked.spawn(async move {
                    let row = nodes.row(&header, WASM_STORE, &key).await;
                    (key, row)
                });
            }
            for (key, value) in asked.join_all().await {
                let row = Row { value: value?, used: Arc::default() };
                found.insert(key, row);
            }
        }
        Ok(found)
    }

    /// Leads on to the newest header, and proves the rows that answers were made of under the one before: whoever asks
    /// for them again waits for no node. From the first call on, readers take what this has found.
    pub(crate) async fn follow(&self) -> Result<VerifiedHeader, CosmosError> {
        let followed = self.followed.load(Ordering::Relaxed);
        let found = self.ahead().await;
        // Not before there is something: whoever asks first may find a node that answers.
        if found.is_ok() && !followed {
            self.followed.store(true, Ordering::Relaxed);
        }
        found
    }

    /// Leads on to the newest header, now.
    pub(crate) async fn ahead(&self) -> Result<VerifiedHeader, CosmosError> {
        let _alone = self.asking.lock().await;
        let header = self.next().await?;
        let known = lock(&self.newest).clone();
        let rows = match known {
            Some(one) if one.header == header => Proven::new(),
            Some(one) => {
                let used = used(&one.rows);
                // What is not proven now is proven when somebody asks.
                self.fetch(&header, used).await.unwrap_or_default()
            }
            None => Proven::new(),
        };
        self.fresh(&header)?;
        self.show(header.clone(), rows);
        Ok(header)
    }

    /// The newest header that is fresh, agreed on, and shows what this process did.
    async fn newest(&self) -> Result<Newest, CosmosError> {
        if let Some(one) = self.known()? {
            return Ok(one);
        }
        let begun = Instant::now();
        let _alone = match self.asking.try_lock() {
            Ok(alone) => alone,
            // Nodes that are silent take their time: one waits for them, not everybody.
            Err(_) => match self.failure(None) {
                Some(failed) => return Err(failed),
                None => self.asking.lock().await,
            },
        };
        if let Some(failed) = self.failure(Some(begun)) {
            return Err(failed);
        }
        for _ in 0..NEXT_BLOCK_TRIES {
            if let Some(one) = self.known()? {
                return Ok(one);
            }
            let header = self.next().await?;
            self.show(header, Proven::new());
            if self.floor.load(Ordering::Relaxed) >= lock(&self.newest).as_ref().map_or(0, height) {
                tokio::time::sleep(NEXT_BLOCK_WAIT).await;
            }
        }
        Err(CosmosError::Silent)
    }

    /// What may be answered of without asking a node: new enough, and later than what this process did.
    fn known(&self) -> Result<Option<Newest>, CosmosError> {
        let newest = lock(&self.newest);
        let floor = self.floor.load(Ordering::Relaxed);
        let Some(one) = newest.as_ref().filter(|one| height(one) > floor) else { return Ok(None) };
        if !self.followed.load(Ordering::Relaxed) && one.fetched.elapsed() >= HEADER_LIFE {
            return Ok(None);
        }
        self.fresh(&one.header)?;
        Ok(Some(one.clone()))
    }

    /// The newest header that the nodes lead to, and agree on.
    async fn next(&self) -> Result<VerifiedHeader, CosmosError> {
        let found = match self.advance().await {
            Ok(header) => self.nodes.agree(&header).await.map(|()| header),
            Err(error) => Err(error),
        };
        let failed = found.as_ref().err().map(|error| (Instant::now(), error.clone()));
        *lock(&self.failed) = failed;
        found
    }

    /// How asking failed last, if that was after `since`.
    fn failure(&self, since: Option<Instant>) -> Option<CosmosError> {
        let failed = lock(&self.failed).clone();
        failed.filter(|(at, _)| since.is_none_or(|since| *at > since)).map(|(_, error)| error)
    }

    /// From now on answers are of `header`, unless they are of a later one.
    fn show(&self, header: VerifiedHeader, rows: Proven) {
        let mut newest = lock(&self.newest);
        match &mut *newest {
            Some(one) if one.header == header => one.fetched = Instant::now(),
            Some(one) if one.header.height() > header.height() => {}
            other => {
                let rows = Arc::new(std::sync::Mutex::new(rows));
                *other = Some(Newest { header, fetched: Instant::now(), rows });
            }
        }
    }

    fn fresh(&self, header: &VerifiedHeader) -> Result<(), CosmosError> {
        let age = self.clock.now().saturating_sub(header.time());
        let max = self.network.staleness_s;
        if age <= max { Ok(()) } else { Err(CosmosError::Stale { age, max }) }
    }

    /// A row of a module of the chain, such as `acc`, or of the contracts' module itself.
    pub(crate) async fn module(
        &self,
        store: &str,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, CosmosError> {
        let newest = self.newest().await?;
        self.nodes.row(&newest.header, store, key).await
    }
}

/// Keys of rows that an answer depends on, and that are not known.
struct Missing(Vec<Vec<u8>>);

/// The core's answer, if it depends on rows alone that are `shared` or `mine`.
fn attempt<Q: Question>(
    shared: &std::sync::Mutex<Proven>,
    mine: &Proven,
    contract: &[u8; 32],
    env: &Env,
    question: &Q,
) -> Result<Result<Q::Answer, CosmosError>, Missing> {
    let kv = Known { contract, shared: lock(shared), mine, missing: RefCell::default() };
    let answer = question.answer(&kv, env);
    let missing = kv.missing.into_inner();
    if missing.is_empty() { Ok(answer) } else { Err(Missing(missing)) }
}

/// A store that knows some rows, and notes which others were asked for.
struct Known<'a> {
    contract: &'a [u8; 32],
    shared: MutexGuard<'a, Proven>,
    mine: &'a Proven,
    missing: RefCell<Vec<Vec<u8>>>,
}

impl Kv for Known<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let place = contract_key(self.contract, key);
        match self.shared.get(&place).or_else(|| self.mine.get(&place)) {
            Some(row) => {
                row.used.store(true, Ordering::Relaxed);
                row.value.clone()
            }
            None => {
                self.missing.borrow_mut().push(place);
                None
            }
        }
    }

    // A query borrows its store and cannot call these.
    fn put(&mut self, _: &[u8], _: &[u8]) {}
    fn delete(&mut self, _: &[u8]) {}
}

fn height(one: &Newest) -> u64 {
    one.header.height()
}

/// Keys of the rows that answers were made of, as many as are proven ahead.
fn used(rows: &std::sync::Mutex<Proven>) -> Vec<Vec<u8>> {
    let rows = lock(rows);
    let used = rows.iter().filter(|(_, row)| row.used.load(Ordering::Relaxed));
    used.map(|(key, _)| key.clone()).take(AHEAD_ROWS_MAX).collect()
}

fn lock<T>(shared: &std::sync::Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store of the chain's contract module.
pub(crate) const WASM_STORE: &str = "wasm";
/// A page of a list: the contract's terms, its count, its members, their rows, which some questions read one by one, and
/// two to spare. A round finds one row more at least, or is the last.
const ROUNDS_MAX: usize = 5 + LEDGER_PAGE_ROWS_MAX as usize;
/// Rows that are asked for at one time.
const AT_ONCE_MAX: usize = 16;
/// Rows kept under one header.
const ROWS_MAX: usize = 4096;
/// Rows proven ahead for the next header.
const AHEAD_ROWS_MAX: usize = 512;
/// How long the newest header is the newest without asking: about a block.
const HEADER_LIFE: Duration = Duration::from_secs(1);
const NEXT_BLOCK_WAIT: Duration = Duration::from_millis(500);
const NEXT_BLOCK_TRIES: usize = 60;
