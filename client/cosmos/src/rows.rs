//! A contract's own queries over rows that are each proven.
//!
//! Layer: `cosmos`, above `nodes`.
//! Holds: the newest verified header, and the rows that were proven under it.
//! Never: the contract's answer to a query: a node could make it up. The core computes it here.
//! Invariant: every row of an answer is of one height, and an answer names that height.

use crate::light::Judged;
use crate::nodes::Nodes;
use crate::proof::contract_key;
use crate::{CosmosError, LightClient, Network, Question, TrustedHeader, VerifiedHeader};
use prag_contracts_core::{Env, Kv};
use prag_trust::entropy::Clock;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
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
    newest: Mutex<Option<Newest>>,
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

/// Rows of the contracts' store by key; `None` is proven to be absent.
type Proven = HashMap<Vec<u8>, Option<Vec<u8>>>;

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
            newest: Mutex::new(None),
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
            for (key, row) in asked.join_all().await {
                found.insert(key, row?);
            }
        }
        Ok(found)
    }

    /// The newest header that is fresh, agreed on, and shows what this process did.
    async fn newest(&self) -> Result<Newest, CosmosError> {
        let mut newest = self.newest.lock().await;
        let mut tries = 0;
        loop {
            let floor = self.floor.load(Ordering::Relaxed);
            let shows = |one: &Newest| one.header.height() > floor;
            if let Some(one) = &*newest
                && one.fetched.elapsed() < HEADER_LIFE
                && shows(one)
            {
                self.fresh(&one.header)?;
                return Ok(one.clone());
            }
            let header = self.advance().await?;
            self.nodes.agree(&header).await?;
            match &mut *newest {
                Some(one) if one.header == header => one.fetched = Instant::now(),
                other => {
                    let rows = Arc::default();
                    *other = Some(Newest { header, fetched: Instant::now(), rows });
                }
            }
            if newest.as_ref().is_some_and(shows) {
                continue;
            }
            tries += 1;
            if tries > NEXT_BLOCK_TRIES {
                return Err(CosmosError::Silent);
            }
            tokio::time::sleep(NEXT_BLOCK_WAIT).await;
        }
    }

    fn fresh(&self, header: &VerifiedHeader) -> Result<(), CosmosError> {
        let age = self.clock.now().saturating_sub(header.time());
        let max = self.network.staleness_s;
        if age <= max { Ok(()) } else { Err(CosmosError::Stale { age, max }) }
    }

    /// Leads the light client to the newest block that can be reached: a node may boast.
    async fn advance(&self) -> Result<VerifiedHeader, CosmosError> {
        let mut light = self.light.lock().await;
        let mut last = CosmosError::Silent;
        for height in self.nodes.heights().await? {
            let target = height.max(light.height());
            match self.lead(&mut light, target).await {
                Ok(header) => return Ok(header),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Leads `light` to `target`, by way of blocks between where too few validators are the same.
    async fn lead(
        &self,
        light: &mut LightClient,
        target: u64,
    ) -> Result<VerifiedHeader, CosmosError> {
        let now = self.clock.now();
        let mut header = match light.header() {
            Some(header) => header?,
            None => {
                let begin = |block| light.first(block, now);
                let first = self.nodes.block(light.height(), begin).await?;
                light.trust(first)
            }
        };
        let mut next = target;
        for _ in 0..STEPS_MAX {
            if header.height() >= target {
                return Ok(header);
            }
            let judged = {
                let judge = |block| light.judge(block, now);
                self.nodes.block(next, judge).await?
            };
            let ahead = next - header.height();
            match judged {
                Judged::Follows(follower) => (header, next) = (light.trust(*follower), target),
                // The very next block is never too far.
                Judged::TooFar => next = header.height() + ahead / 2,
            }
        }
        Err(CosmosError::Header { height: target, reason: "it is too far from the trusted one" })
    }

    /// The verified header at `height`: back from the newest one where it is near, or led to from the one in the
    /// settings.
    pub(crate) async fn header_at(&self, height: u64) -> Result<VerifiedHeader, CosmosError> {
        let mut light = self.light.lock().await;
        let top = match light.header() {
            Some(header) if light.height() >= height => header?,
            Some(_) | None => self.lead(&mut light, height).await?,
        };
        drop(light);
        if top.height().saturating_sub(height) <= BACK_MAX {
            return self.down_to(top, height).await;
        }
        if height < self.network.trusted.height {
            return Err(CosmosError::Header { height, reason: "it is before the trusted one" });
        }
        let mut other = LightClient::new(&self.network, self.network.trusted)?;
        self.lead(&mut other, height).await
    }

    /// The newest verified height, fetched now; `None` where no node can lead on.
    pub(crate) async fn reached(&self) -> Option<u64> {
        self.advance().await.ok().map(|header| header.height())
    }

    /// From a verified header back to an earlier one, each named by the one after it.
    async fn down_to(
        &self,
        mut header: VerifiedHeader,
        height: u64,
    ) -> Result<VerifiedHeader, CosmosError> {
        while header.height() > height {
            header = self.nodes.before(&header).await?;
        }
        Ok(header)
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
        match self.mine.get(&place).or_else(|| self.shared.get(&place)) {
            Some(row) => row.clone(),
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

fn lock(rows: &std::sync::Mutex<Proven>) -> MutexGuard<'_, Proven> {
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store of the chain's contract module.
pub(crate) const WASM_STORE: &str = "wasm";
/// A page of a list: the contract's terms, its count, its members, their rows, and one to spare.
const ROUNDS_MAX: usize = 6;
/// Rows that are asked for at one time.
const AT_ONCE_MAX: usize = 16;
/// Rows kept under one header.
const ROWS_MAX: usize = 4096;
/// Blocks that may lie between the trusted header and the newest.
const STEPS_MAX: usize = 256;
/// Headers that are fetched one by one, back from the newest.
const BACK_MAX: u64 = 128;
/// How long the newest header is the newest without asking: about a block.
const HEADER_LIFE: Duration = Duration::from_secs(1);
const NEXT_BLOCK_WAIT: Duration = Duration::from_millis(500);
const NEXT_BLOCK_TRIES: usize = 60;
