//! A ledger that keeps shares, as a chain's contract would: real state machine, real evidence checks, real HPKE.

use crate::ledger::{Shifted, ledger};
use crate::stage::{Stage, keys};
use async_trait::async_trait;
use prag_client::ledger::{Ledger, LedgerError, LedgerHead};
use prag_client::system::OsEntropy;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, CollectionRecord, Placement};
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::CollectionState::{Locked, Ready};
use prag_protocol::wire::collections::VaultKind::{Chain, Owner};
use prag_protocol::{Address, CollectionId, Epoch};
use prag_tests::{VERSION, find};
use prag_trust::admission::AccessView;
use prag_trust::entropy::Clock;
use prag_trust::evidence::{Binding, BindingPurpose, Evidence, Policy, Verifier};
use prag_trust::key::Share;
use prag_trust::release::{Answer, Ask};
use prag_trust::sim::{SimVerifier, sim_measurement};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

type Place = (CollectionId, Epoch);

/// What the contract has beside the access state: shares, and images that it releases to.
struct Played {
    access: Arc<dyn Ledger>,
    clock: Shifted,
    kept: Mutex<HashMap<Place, Vec<u8>>>,
    images: Mutex<Vec<[u8; 32]>>,
    /// Seals to the asked key, but something else than the shares: a host that plays the chain.
    forges: Mutex<bool>,
    asked: Mutex<u32>,
}

impl Played {
    fn new(clock: &Shifted) -> Arc<Self> {
        Arc::new(Self {
            access: ledger(3, clock),
            clock: clock.clone(),
            kept: Mutex::default(),
            images: Mutex::new(vec![sim_measurement(VERSION)]),
            forges: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    async fn record(&self, collection: CollectionId) -> Option<CollectionRecord> {
        match self.access.query(AccessQuery::Collection { collection }).await {
            Ok(AccessReply::Collection(record)) => record.filter(|record| !record.destroyed),
            _ => None,
        }
    }

    async fn placement(&self, collection: CollectionId) -> Option<Placement> {
        match self.access.query(AccessQuery::Placement { collection, shard: 0 }).await {
            Ok(AccessReply::Placement(found)) => found,
            _ => None,
        }
    }
}

fn no() -> LedgerError {
    LedgerError::Refused("no".to_owned())
}

#[async_trait]
impl Ledger for Played {
    fn id(&self) -> [u8; 32] {
        self.access.id()
    }

    fn chain_id(&self) -> String {
        self.access.chain_id()
    }

    fn contract(&self) -> String {
        self.access.contract()
    }

    async fn execute(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: AccessMsg,
    ) -> Result<u64, LedgerError> {
        if let AccessMsg::DestroyCollection { collection } = &message {
            self.kept.lock().unwrap().retain(|(of, _), _| of != collection);
        }
        self.access.execute(sender, authorization, message).await
    }

    async fn view(
        &self,
        collection: CollectionId,
        caller: &Address,
        permit_name: &str,
    ) -> Result<AccessView, LedgerError> {
        self.access.view(collection, caller, permit_name).await
    }

    async fn query(&self, query: AccessQuery) -> Result<AccessReply, LedgerError> {
        self.access.query(query).await
    }

    async fn head(&self) -> LedgerHead {
        self.access.head().await
    }

    async fn confirm(&self, remembered: LedgerHead) -> Result<(), LedgerError> {
        self.access.confirm(remembered).await
    }

    fn keeps_shares(&self) -> bool {
        true
    }

    async fn keep_shares(
        &self,
        sender: &Address,
        authorization: &[u8],
        place: Place,
        chain: &Share,
        owner: Option<&Share>,
    ) -> Result<(), LedgerError> {
        let record = self.record(place.0).await.ok_or_else(no)?;
        if record.owner != *sender || authorization.is_empty() || record.epoch != place.1 {
            return Err(no());
        }
        let mut kept = chain.expose().to_vec();
        kept.extend(owner.iter().flat_map(|owner| *owner.expose()));
        self.kept.lock().unwrap().insert(place, kept);
        Ok(())
    }

    async fn release_shares(
        &self,
        account: &Address,
        ask: &Ask,
        evidence: &Evidence,
        binding: &Binding,
    ) -> Result<Answer, LedgerError> {
        *self.asked.lock().unwrap() += 1;
        let asked = ask.verify(&self.id()).map_err(|_| no())?;
        if ask.nonce != self.head().await.root {
            return Err(no());
        }
        let claims = Binding {
            purpose: BindingPurpose::Peer,
            sig_pk: ask.worker,
            nonce: ask.nonce,
            ledger_id: self.id(),
            ..*binding
        };
        let policy = Policy {
            measurements: self.images.lock().unwrap().clone(),
            ledger_ids: vec![self.id()],
            config_digests: vec![claims.config_digest],
            ..Policy::default()
        };
        let now = self.clock.now();
        let worker = SimVerifier.verify(evidence, &claims, &policy, now).map_err(|_| no())?;
        let record = self.record(ask.collection).await.ok_or_else(no)?;
        let placement = self.placement(ask.collection).await.ok_or_else(no)?;
        let placed = placement.account == *account
            && placement.worker == ask.worker
            && placement.epoch == ask.epoch
            && record.epoch == ask.epoch
            && now < placement.lease_until;
        if !placed {
            return Err(no());
        }
        let kept = self.kept.lock().unwrap().get(&(ask.collection, ask.epoch)).cloned();
        let mut secret = kept.ok_or_else(no)?;
        if *self.forges.lock().unwrap() {
            secret.fill(1);
        }
        Answer::seal(&secret, &asked, &worker, &mut OsEntropy).map_err(|_| no())
    }
}

/// A managed collection: the ledger holds both shares, and a restarted worker gets them back once it is placed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_managed_collection_comes_back_from_the_ledger() {
    let clock = Shifted::default();
    let played = Played::new(&clock);
    let mut stage = Stage::under(played.clone(), clock, &[Chain, Owner], true).await;
    stage.first.restart().await;
    let opened = stage.serving(&stage.first).await;
    assert_eq!((opened.state, keys(&opened).0), (Ready, Some(Chain)), "bound to its new key first");
    let owner = stage.owner().await;
    assert_eq!(find(&owner, stage.id).await.unwrap(), 3);
    assert_eq!(*played.asked.lock().unwrap(), 1);
}

/// Of a collection that is not managed the ledger has one half: the owner gives the other, and the ledger's half comes
/// from the ledger, not from the worker's disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledgers_half_is_not_enough() {
    let clock = Shifted::default();
    let played = Played::new(&clock);
    let mut stage = Stage::under(played.clone(), clock, &[Chain, Owner], false).await;
    stage.first.restart().await;
    let owner = stage.owner().await;
    let placed = owner.place(stage.id).await.unwrap();
    assert_eq!(placed.state, Locked);
    assert_eq!(keys(&placed), (None, vec!["chain owner-share-missing".to_owned()]));
    let half = played.kept.lock().unwrap().remove(&(stage.id, 1)).unwrap();
    let refused = owner.release(stage.id, 1).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::KeyMissing));
    played.kept.lock().unwrap().insert((stage.id, 1), half);
    let released = owner.release(stage.id, 1).await.unwrap();
    assert_eq!((released.state, keys(&released).0), (Ready, Some(Owner)));
}

/// An image that the ledger does not take, a stranger's account, or shares that a host made up: locked, and why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_refuses_and_forgeries_do_not_open() {
    let clock = Shifted::default();
    let played = Played::new(&clock);
    let mut stage = Stage::under(played.clone(), clock, &[Chain, Owner], true).await;
    stage.first.restart().await;
    let owner = stage.owner().await;
    played.images.lock().unwrap().clear();
    let refused = owner.place(stage.id).await.unwrap();
    assert_eq!((refused.state, keys(&refused).1), (Locked, vec!["chain refused".to_owned()]));
    played.images.lock().unwrap().push(sim_measurement(VERSION));
    *played.forges.lock().unwrap() = true;
    let refused = owner.place(stage.id).await.unwrap();
    assert_eq!((refused.state, keys(&refused).1), (Locked, vec!["chain commitment".to_owned()]));
    *played.forges.lock().unwrap() = false;
    assert_eq!(owner.place(stage.id).await.unwrap().state, Ready);
}

/// A ledger that keeps no shares takes no managed collection: nothing is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_ledger_that_keeps_shares_manages() {
    use prag_protocol::wire::collections::VectorSource;
    let stage = Stage::start(&[Owner]).await;
    let owner = stage.owner().await;
    let height = stage.ledger.head().await.height;
    let made = owner.create_managed_collection("managed", VectorSource::Supplied(2)).await;
    let problem = made.unwrap_err();
    assert_eq!(problem.code(), Some(Code::InvalidField));
    assert_eq!(stage.ledger.head().await.height, height);
}
