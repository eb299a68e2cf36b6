//! The ledger, by its kind in the settings.
//!
//! Layer: server, `boot`.
//! Holds: the embedded ledger in the worker's own shard; or one on a chain, what follows that chain, and on Secret what
//! bounds how old its nodes' answers are.
//! Never: a chain that is believed without a proof; a boot that waits for one without end, or that fails for want of one.
//! Invariant: the worker's clock is not before what its ledger has seen.

use super::BootError;
use super::born::{Born, entropy, state};
use crate::clock::WorkerClock;
use crate::ledger::{EmbeddedLedger, Opening};
use crate::settings::Ledger as Kind;
use crate::settings::ledger::{Reach, explain};
use crate::vault::{ChainHeader, Genesis};
use prag_client::ledger::Ledger;
use prag_cosmos::{CosmosError, CosmosLedger, TrustedHeader};
use prag_store::Shard;
use prag_trust::address::SessionKey;
use prag_trust::key::{Key, Vault};
use std::sync::Arc;
use std::time::Duration;

/// A chain that is followed for as long as somebody holds its ledger.
struct Followed {
    header: ChainHeader,
    clock: Arc<WorkerClock>,
    /// What is written down; the next one is, once it is far enough.
    kept: u64,
    /// How following failed last, so that it is said once.
    failed: Option<CosmosError>,
}

impl Born {
    /// The ledger that the settings name. Blocks; for some seconds where a chain does not answer.
    pub(super) fn ledger(
        &self,
        genesis: &Genesis,
        key: &Arc<Key<Vault>>,
        own: &Arc<dyn Shard>,
    ) -> Result<Arc<dyn Ledger>, BootError> {
        match &self.settings.ledger {
            Kind::Embedded {} => self.embedded(genesis, key, own),
            Kind::Cosmos(chain) => {
                let settings = chain.settings(self.settings.staleness_s);
                let open = |resume, clock: Arc<WorkerClock>| {
                    let ledger = CosmosLedger::open(settings, resume, &genesis.wallet, clock)?;
                    match &chain.market {
                        Some(contracts) => ledger.with_market(contracts.clone()),
                        None => Ok(ledger),
                    }
                };
                Ok(self.on_chain(&chain.reach(), (key, own), open)?)
            }
            Kind::Secret(chain) => {
                let settings = chain.settings(self.settings.staleness_s);
                let signer = (&genesis.wallet, SessionKey::from_bytes(self.signing.as_bytes()));
                let open = |resume, clock: Arc<WorkerClock>| {
                    CosmosLedger::open_secret(settings, resume, signer, clock, entropy())
                };
                let ledger = self.on_chain(&chain.reach(), (key, own), open)?;
                pulse(&ledger);
                Ok(ledger)
            }
        }
    }

    fn embedded(
        &self,
        genesis: &Genesis,
        key: &Key<Vault>,
        own: &Arc<dyn Shard>,
    ) -> Result<Arc<dyn Ledger>, BootError> {
        let (clock, own) = (Arc::<WorkerClock>::clone(&self.clock), Arc::clone(own));
        let account = &genesis.account;
        let market = self.settings.market.as_ref();
        let market = market.map(|market| Ok((account.clone(), market.init(account)?)));
        let opening = Opening {
            genesis: genesis.ledger,
            confirmed: self.settings.dev,
            market: market.transpose().map_err(BootError::Settings)?,
        };
        let ledger = EmbeddedLedger::open(opening, key.derive(), own, clock, entropy());
        let ledger = ledger.map_err(|error| state(&error))?;
        self.clock.raise(ledger.time());
        Ok(Arc::new(ledger))
    }

    /// The ledger on a chain that is reached like this, as `open` opens it, followed from now on.
    fn on_chain(
        &self,
        reach: &Reach<'_>,
        (key, own): (&Arc<Key<Vault>>, &Arc<dyn Shard>),
        open: impl FnOnce(Option<TrustedHeader>, Arc<WorkerClock>) -> Result<CosmosLedger, CosmosError>,
    ) -> Result<Arc<CosmosLedger>, BootError> {
        let chain = reach.chain_id;
        let header = ChainHeader::new(Arc::clone(key), Arc::clone(own), entropy(), chain);
        let kept = header.fetch().map_err(|error| state(&error))?;
        let resume = kept.map(|(height, hash)| TrustedHeader { height, hash });
        let ledger = open(resume, Arc::clone(&self.clock)).map_err(explain)?;
        let ledger = ledger.with_payers(reach.payers());
        tracing::info!(
            chain,
            account = %ledger.account().on_chain(),
            "the worker's account pays for its transactions: send it some {}",
            reach.gas_price.denom
        );
        Ok(self.follow(ledger, header, resume))
    }

    /// The ledger, followed from now on for as long as somebody holds it.
    fn follow(
        &self,
        ledger: CosmosLedger,
        header: ChainHeader,
        resume: Option<TrustedHeader>,
    ) -> Arc<CosmosLedger> {
        let ledger = Arc::new(ledger);
        let clock = Arc::clone(&self.clock);
        let kept = resume.map_or(0, |header| header.height);
        let mut followed = Followed { header, clock, kept, failed: None };
        let first = async {
            followed.step(&ledger).await;
            let weak = Arc::downgrade(&ledger);
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(PAUSE).await;
                    let Some(ledger) = weak.upgrade() else { return };
                    followed.step(&ledger).await;
                }
            });
        };
        tokio::runtime::Handle::current().block_on(first);
        ledger
    }
}

/// Sends, beside everything else, what proves that no state from before is shown; each failure is said once.
fn pulse(ledger: &Arc<CosmosLedger>) {
    let weak = Arc::downgrade(ledger);
    let beat = async move {
        let mut failed = None;
        loop {
            let Some(ledger) = weak.upgrade() else { return };
            match ledger.pulse().await {
                Ok(false) => {}
                Ok(true) => {
                    if failed.take().is_some() {
                        tracing::info!("the chain takes this worker's executes again");
                    }
                }
                Err(error) => {
                    if failed.as_ref() != Some(&error) {
                        tracing::warn!(
                            %error,
                            "no execute shows that the nodes are up to date: nothing serves once the last is too old"
                        );
                    }
                    failed = Some(error);
                }
            }
            drop(ledger);
            tokio::time::sleep(if failed.is_some() { RETRY } else { PAUSE }).await;
        }
    };
    tokio::runtime::Handle::current().spawn(beat);
}

impl Followed {
    /// Leads the ledger on to the chain's newest header, and says what changed.
    async fn step(&mut self, ledger: &CosmosLedger) {
        let found = match tokio::time::timeout(PATIENCE, ledger.follow()).await {
            Ok(found) => found,
            Err(_) => Err(CosmosError::Silent),
        };
        match found {
            Ok(header) => {
                self.clock.raise(header.time());
                if self.failed.take().is_some() {
                    tracing::info!(height = header.height(), "the chain answers again");
                }
                if header.height() >= self.kept.saturating_add(KEEP_EVERY) {
                    match self.header.keep(header.height(), &header.hash()) {
                        Ok(()) => self.kept = header.height(),
                        Err(error) => tracing::warn!(%error, "a verified header was not kept"),
                    }
                }
            }
            Err(error) => {
                if self.failed.as_ref() != Some(&error) {
                    tracing::warn!(%error, "the chain is not followed: its last state serves until it is stale");
                }
                self.failed = Some(error);
            }
        }
    }
}

/// Between two looks at the chain.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two tries to send a pulse.
const RETRY: Duration = Duration::from_secs(5);
/// How long one look may take; what it did not prove is proven when somebody asks.
const PATIENCE: Duration = Duration::from_secs(20);
/// A header is kept when it is this many blocks after the last: some minutes, well within any trusting period.
const KEEP_EVERY: u64 = 100;
