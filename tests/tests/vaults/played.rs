//! A ledger that keeps shares, as a chain's contract would: real state machine, real evidence checks, real HPKE. It may
//! also take messages of their senders only, and fall silent after so many transactions.

use crate::ledger::{Shifted, ledger};
use async_trait::async_trait;
use prag_client::ledger::{Authorization, Deposit, Ledger, LedgerError, LedgerHead};
use prag_client::relay::Relay;
use prag_client::system::OsEntropy;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, CollectionRecord, Placement};
use prag_protocol::{Address, CollectionId, Epoch};
use prag_tests::VERSION;
use prag_trust::address::WalletKey;
use prag_trust::admission::AccessView;
use prag_trust::entropy::Clock;
use prag_trust::evidence::{Binding, BindingPurpose, Evidence, Policy, Verifier};
use prag_trust::permit::Expected;
use prag_trust::release::{Answer, Ask};
use prag_trust::sim::{SimVerifier, sim_measurement};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What is kept of one key.
struct Kept {
    commitment: [u8; 32],
    secret: Vec<u8>,
}

/// When the ledger falls silent.
#[derive(Clone, Copy)]
pub(crate) struct Silence {
    /// After so many transactions.
    pub(crate) after: u32,
    /// Whether the next one still happens, and only its answer is lost.
    pub(crate) answer_only: bool,
}

/// What the contract has beside the access state: shares, and images that it releases to.
pub(crate) struct Played {
    access: Arc<dyn Ledger>,
    clock: Shifted,
    kept: Mutex<HashMap<(CollectionId, Epoch), Kept>>,
    pub(crate) images: Mutex<Vec<[u8; 32]>>,
    /// Seals to the asked key, but something else than the shares: a host that plays the chain.
    pub(crate) forges: Mutex<bool>,
    pub(crate) asked: Mutex<u32>,
    relayed: bool,
    silence: Mutex<Option<Silence>>,
}

impl Played {
    pub(crate) fn new(clock: &Shifted) -> Arc<Self> {
        Self::made(clock, false)
    }

    /// One that takes each message of its sender only.
    pub(crate) fn relayed(clock: &Shifted) -> Arc<Self> {
        Self::made(clock, true)
    }

    fn made(clock: &Shifted, relayed: bool) -> Arc<Self> {
        Arc::new(Self {
            access: ledger(3, clock),
            clock: clock.clone(),
            kept: Mutex::default(),
            images: Mutex::new(vec![sim_measurement(VERSION)]),
            forges: Mutex::default(),
            asked: Mutex::default(),
            relayed,
            silence: Mutex::default(),
        })
    }

    /// Falls silent as `silence` says; `None`: answers again.
    pub(crate) fn fall_silent(&self, silence: Option<Silence>) {
        *self.silence.lock().unwrap() = silence;
    }

    /// Whether it has fallen silent.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(*self.silence.lock().unwrap(), Some(Silence { after: 0, answer_only: false }))
    }

    /// The epochs that something of `id` is kept for, and how many bytes.
    pub(crate) fn kept(&self, id: CollectionId) -> Vec<(Epoch, usize)> {
        let kept = self.kept.lock().unwrap();
        let of = kept.iter().filter(|((of, _), _)| *of == id);
        let mut found: Vec<_> = of.map(|((_, epoch), kept)| (*epoch, kept.secret.len())).collect();
        found.sort_unstable();
        found
    }

    /// Takes what is kept of one key away.
    pub(crate) fn lose(&self, id: CollectionId, epoch: Epoch) -> impl FnOnce(&Self) + use<> {
        let kept = self.kept.lock().unwrap().remove(&(id, epoch)).unwrap();
        move |played| drop(played.kept.lock().unwrap().insert((id, epoch), kept))
    }

    /// A transaction, unless it is silent.
    async fn transaction<T>(
        &self,
        work: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        let silent = || LedgerError::Unavailable("silent".to_owned());
        let last = match &mut *self.silence.lock().unwrap() {
            None => false,
            Some(Silence { after: 0, answer_only: false }) => return Err(silent()),
            Some(silence @ Silence { after: 0, .. }) => {
                silence.answer_only = false;
                true
            }
            Some(silence) => {
                silence.after -= 1;
                false
            }
        };
        let done = work.await;
        if last { Err(silent()) } else { done }
    }

    async fn told(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: AccessMsg,
    ) -> Result<u64, LedgerError> {
        if self.relayed && !authorization.is_empty() {
            let expected = Expected { chain_id: self.chain_id(), contract: self.contract() };
            let now = self.clock.now();
            let relay = Relay::check(authorization, &expected, sender, &message, now);
            relay.map_err(|_| no())?;
        }
        if let AccessMsg::RotateEpoch { collection, epoch, commitment } = &message {
            let kept = self.kept.lock().unwrap();
            let there = kept.get(&(*collection, *epoch));
            there.filter(|kept| kept.commitment == *commitment).ok_or_else(no)?;
        }
        let height = self.access.execute(sender, authorization, message.clone()).await?;
        let mut kept = self.kept.lock().unwrap();
        match message {
            AccessMsg::DestroyCollection { collection } => {
                kept.retain(|(of, _), _| *of != collection);
            }
            AccessMsg::RotateEpoch { collection, epoch, .. } => {
                kept.retain(|(of, at), _| *of != collection || *at >= epoch);
            }
            _ => {}
        }
        Ok(height)
    }

    async fn takes(&self, sender: &Address, deposit: &Deposit<'_>) -> Result<(), LedgerError> {
        let Deposit { collection, epoch, commitment, chain, owner } = deposit;
        let record = self.record(*collection).await.ok_or_else(no)?;
        let current = record.epoch == *epoch && record.commitment == *commitment;
        if record.owner != *sender || !(current || record.epoch + 1 == *epoch) {
            return Err(no());
        }
        let mut secret = chain.expose().to_vec();
        secret.extend(owner.iter().flat_map(|owner| *owner.expose()));
        let kept = Kept { commitment: *commitment, secret };
        self.kept.lock().unwrap().insert((*collection, *epoch), kept);
        Ok(())
    }

    async fn releases(
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
            && (placement.epoch == ask.epoch || placement.epoch == ask.epoch + 1)
            && record.epoch == ask.epoch
            && now < placement.lease_until;
        if !placed {
            return Err(no());
        }
        let place = (ask.collection, ask.epoch);
        let kept = self.kept.lock().unwrap().get(&place).map(|kept| kept.secret.clone());
        let mut secret = kept.ok_or_else(no)?;
        if *self.forges.lock().unwrap() {
            secret.fill(1);
        }
        Answer::seal(&secret, &asked, &worker, &mut OsEntropy).map_err(|_| no())
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
        if self.relayed {
            // Signed messages name an address of the chain.
            let contract = WalletKey::from_bytes(&[5; 32]).unwrap().address();
            return contract.as_str().to_owned();
        }
        self.access.contract()
    }

    fn authorization(&self) -> Authorization {
        if self.relayed { Authorization::Relay } else { Authorization::Request }
    }

    async fn execute(
        &self,
        sender: &Address,
        authorization: &[u8],
        message: AccessMsg,
    ) -> Result<u64, LedgerError> {
        self.transaction(self.told(sender, authorization, message)).await
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
        deposit: &Deposit<'_>,
    ) -> Result<(), LedgerError> {
        if authorization.is_empty() {
            return Err(no());
        }
        self.transaction(self.takes(sender, deposit)).await
    }

    async fn release_shares(
        &self,
        account: &Address,
        ask: &Ask,
        evidence: &Evidence,
        binding: &Binding,
    ) -> Result<Answer, LedgerError> {
        self.transaction(self.releases(account, ask, evidence, binding)).await
    }
}
