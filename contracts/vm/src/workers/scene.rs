//! The people of the stories, and what they say.
//!
//! Layer: vm, workers.
//! Holds: accounts, keys, terms, registrations on either kind of chain.
//! Never: an order of steps.
//! Invariant: on a chain that verifies quotes, whoever registers shows one; elsewhere a text that is only stored.

use super::evidence::{evidence, hex, image, report_data};
use super::{Act, Step};
use crate::engine::json_of;
use crate::{Called, Engine, EngineError, Entry, Rows};
use ed25519_dalek::{Signer, SigningKey};
use prag_contracts_core::workers::{self, Verdict, challenge, evidence_hash, registration_digest};
use prag_contracts_core::{Env, Funds};
use prag_contracts_permit::testing::account;
use prag_protocol::Address;
use prag_protocol::ledger::workers::{
    EvidenceBinding, Parties, Registration, WorkersInit, WorkersMsg, WorkersQuery, WorkersReply,
    WorkersTerms,
};

/// Where a story plays.
pub struct Scene {
    /// Whether the chain verifies quotes.
    pub(super) verifies: bool,
    pub(super) prefix: &'static str,
    ledger: String,
    pub(super) admin: Address,
    pub(super) rewards: Address,
    pub(super) treasury: Address,
    pub(super) ann: Address,
    pub(super) bob: Address,
    pub(super) cal: Address,
    pub(super) stranger: Address,
    /// Confirms evidence, where the chain cannot verify it.
    pub(super) judge: Address,
    /// Registers, and has not been confirmed.
    pub(super) dan: Address,
}

impl Scene {
    /// On an engine's chain.
    ///
    /// # Errors
    /// [`EngineError`] if its prefix is none.
    pub fn new(engine: &dyn Engine) -> Result<Self, EngineError> {
        let prefix = engine.prefix();
        let person = |number: u32| account(prefix, number).map_err(EngineError::new);
        Ok(Self {
            verifies: engine.closed(),
            prefix,
            ledger: format!("{}/{}", engine.chain_id(), engine.contract()),
            admin: person(1_000_001)?,
            rewards: person(1_000_002)?,
            treasury: person(1_000_003)?,
            ann: person(1_000_004)?,
            bob: person(1_000_005)?,
            cal: person(1_000_006)?,
            stranger: person(1_000_007)?,
            judge: person(1_000_008)?,
            dan: person(1_000_009)?,
        })
    }

    /// What the contract begins with.
    ///
    /// # Errors
    /// [`EngineError`] with the text of a constant that is not what it has to be.
    pub fn init(&self) -> Result<WorkersInit, EngineError> {
        let terms = WorkersTerms {
            denom: DENOM.parse().map_err(EngineError::new)?,
            stake_per_capacity: STAKE.try_into().map_err(EngineError::new)?,
            window_seconds: WINDOW,
            evidence_seconds: 20 * WINDOW,
            timelock_seconds: WINDOW,
            unbonding_seconds: WINDOW,
            missed_ppm: 10_000,
            attested_only: self.verifies,
            approved_only: !self.verifies,
        };
        let rewards = Some(self.rewards.clone());
        let approver = Some(self.judge.clone());
        let parties = Parties { rewards, treasury: self.treasury.clone(), approver };
        Ok(WorkersInit { admin: self.admin.clone(), parties, terms })
    }

    /// The rows of a contract that has just begun, natively.
    ///
    /// # Errors
    /// As [`Scene::init`], and the core's.
    pub fn born(&self) -> Result<Rows, EngineError> {
        let mut rows = Rows::default();
        workers::instantiate(&mut rows, &self.ledger, self.init()?).map_err(EngineError::new)?;
        Ok(rows)
    }

    /// A registration of capacity 2 in the window of `env`, with evidence of that window, changed, and then signed.
    pub(super) fn registration(
        &self,
        who: &Address,
        env: &Env,
        change: impl FnOnce(&mut Registration),
    ) -> Act {
        let window = window(env);
        let nonce = challenge(&self.ledger, who, window);
        let signing_key = key(who).verifying_key().to_bytes();
        let binding = EvidenceBinding {
            tls_spki_sha256: [2; 32],
            ledger_id: [4; 32],
            config_digest: [5; 32],
            policy_epoch: 6,
        };
        let shown = evidence(report_data(&signing_key, &nonce, &binding));
        let mut registration = Registration {
            ip_address: url(who),
            payment_wallet: self.stranger.clone(),
            attestation_report: hex(&shown.quote),
            worker_type: "small".to_owned(),
            collateral: shown.collateral,
            binding,
            service: SERVICE.to_owned(),
            capacity: 2,
            signing_key,
            hpke_key: [7; 32],
            window,
            proof: [0; 64],
        };
        change(&mut registration);
        let Registration { hpke_key, ip_address, payment_wallet, .. } = &registration;
        let digest = registration_digest(&nonce, hpke_key, ip_address, payment_wallet);
        registration.proof = key(who).sign(&digest).to_bytes();
        let message = Box::new(WorkersMsg::RegisterWorker(Box::new(registration)));
        let funds = vec![Funds { denom: DENOM.to_owned(), amount: 2 * STAKE }];
        let (verdict, quote) = if self.verifies {
            (shown.verdict, Some((shown.quote, shown.packed)))
        } else {
            (Verdict::Stored, None)
        };
        Act::Tell { message, funds, verdict: Ok(verdict), quote }
    }

    /// The confirmation of what a registration in the window of `env` puts on record, on either kind of chain.
    ///
    /// # Errors
    /// [`EngineError`] if the core refuses the registration.
    pub(super) fn confirmation(&self, who: &Address, env: &Env) -> Result<WorkersMsg, EngineError> {
        let mut init = self.init()?;
        init.terms.attested_only = false;
        let mut rows = Rows::default();
        workers::instantiate(&mut rows, &self.ledger, init).map_err(EngineError::new)?;
        let mut step = register("", self, who, *env);
        if let Act::Tell { verdict, .. } = &mut step.act {
            *verdict = Ok(Verdict::Stored);
        }
        step.natively(&mut rows).map_err(EngineError::new)?;
        confirmation(&rows, who, env)
    }

    /// The answer to the challenge of the window of `env`, by the worker's own key.
    pub(super) fn answer(&self, who: &Address, env: &Env) -> WorkersMsg {
        let window = window(env);
        let signature = key(who).sign(&challenge(&self.ledger, who, window)).to_bytes();
        WorkersMsg::ReportLiveliness { window, signature }
    }
}

/// Begins the contract on an engine.
///
/// # Errors
/// [`EngineError`] if it trapped.
pub fn begun(engine: &mut dyn Engine, scene: &Scene) -> Result<Called, EngineError> {
    engine.call(Entry::Instantiate, &START, scene.admin.as_str(), &json_of(&scene.init()?)?)
}

/// A message without funds and evidence.
pub(super) fn tell(name: &'static str, by: &Address, env: Env, message: WorkersMsg) -> Step {
    let message = Box::new(message);
    let act = Act::Tell { message, funds: Vec::new(), verdict: Ok(Verdict::Stored), quote: None };
    Step { name, by: by.clone(), act, env }
}

/// A registration in the window of `env`.
pub(super) fn register(name: &'static str, scene: &Scene, who: &Address, env: Env) -> Step {
    let act = scene.registration(who, &env, |_| {});
    Step { name, by: who.clone(), act, env }
}

/// The confirmation of what is on record.
///
/// # Errors
/// [`EngineError`] if there is no such worker.
pub(super) fn confirmation(
    rows: &Rows,
    worker: &Address,
    env: &Env,
) -> Result<WorkersMsg, EngineError> {
    let ask = |query| workers::query(rows, env, query).map_err(EngineError::new);
    let worker = worker.clone();
    let record = ask(WorkersQuery::Worker { worker: worker.clone() })?;
    let evidence = ask(WorkersQuery::Evidence { worker: worker.clone() })?;
    match (record, evidence) {
        (WorkersReply::Worker(Some(record)), WorkersReply::Evidence(Some(evidence))) => {
            let evidence_hash = evidence_hash(&record, &evidence);
            Ok(WorkersMsg::ApproveWorker { worker, evidence_hash, measurement: image() })
        }
        _ => Err(EngineError::new("nothing is on record of the worker")),
    }
}

/// So many windows after the start.
pub(super) fn at(windows: u64) -> Env {
    let height = START.height.saturating_add(windows.saturating_mul(100));
    let time = START.time.saturating_add(windows.saturating_mul(WINDOW));
    Env { height, time }
}

pub(super) fn window(env: &Env) -> u64 {
    env.time / WINDOW
}

pub(super) fn url(who: &Address) -> String {
    // Letters and digits: the end of an address is a host's label.
    let last = who.as_str().len().saturating_sub(12);
    format!("https://{}.example", who.as_str().get(last..).unwrap_or_default())
}

fn key(who: &Address) -> SigningKey {
    use sha2::{Digest, Sha256};
    SigningKey::from_bytes(&Sha256::digest(who.as_str()).into())
}

/// Where the stories begin: the first second of a window.
pub const START: Env = Env { height: 100, time: 1_700_040_000 };
pub(super) const WINDOW: u64 = 600;
pub(super) const STAKE: u128 = 1000;
pub(super) const DENOM: &str = "uscrt";
pub(super) const SERVICE: &str = "retrieval";
