//! Being a registered worker: with fresh evidence at each boot, and alive in each window.
//!
//! Layer: flow, attend.
//! Holds: when to register, when to answer, and what a registration says.
//! Never: a wallet's key but the worker's own; another key than that of this boot.
//! Invariant: evidence is over the challenge of the running window, and the key that it binds signs the registration.

use super::Scene;
use crate::attestation::POLICY_EPOCH;
use crate::flow::problems::another;
use crate::flow::{Worker, problems};
use crate::settings::MarketWorker;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use prag_contracts_core::workers::{evidence_hash, registration_digest};
use prag_protocol::ledger::bank::Coin;
use prag_protocol::ledger::coin::Amount;
use prag_protocol::ledger::market::MarketMsg;
use prag_protocol::ledger::workers::{
    EvidenceBinding, LivelinessChallenge, Registration, WorkerRecord, WorkersConfig, WorkersMsg,
    WorkersQuery, WorkersReply,
};
use prag_protocol::problem::{Code, Problem};
use prag_trust::evidence::{Binding, BindingPurpose, Evidence};

impl Worker {
    /// Register where this boot has not, answer where this window has no answer yet.
    pub(super) async fn stay_registered(&self, scene: &Scene<'_>) -> Result<Vec<String>, Problem> {
        let record = self.own_record().await?;
        if record.as_ref().is_some_and(|record| record.leaving.is_some()) {
            return Ok(Vec::new());
        }
        let window = self.terms().await?.terms.window_seconds;
        let holds = record.is_some_and(|record| {
            record.signing_key == self.worker_key()
                && record.ip_address == self.url(scene.market)
                && record.capacity == scene.market.capacity
                && record.evidence_expires > self.now().saturating_add(window)
        });
        if !holds {
            return Ok(vec![self.register(scene.market).await?]);
        }
        let challenge = self.window_challenge().await?;
        if challenge.answered {
            return Ok(Vec::new());
        }
        let signature = self.0.parts.signing.sign(&challenge.challenge).to_bytes();
        let message = WorkersMsg::ReportLiveliness { window: challenge.window, signature };
        self.act(MarketMsg::Workers(Box::new(message)), &[]).await?;
        Ok(vec![format!("answered for window {}", challenge.window)])
    }

    /// Register, or register anew.
    pub(super) async fn register(&self, market: &MarketWorker) -> Result<String, Problem> {
        let terms = self.terms().await?.terms;
        let challenge = self.window_challenge().await?;
        let staked = self.own_record().await?.map_or(0, |record| record.stake);
        let needed = terms.stake_per_capacity.get().saturating_mul(market.capacity.into());
        let (worker, said, window) = (self.clone(), market.clone(), challenge.window);
        let work = move || worker.registration(&said, &challenge);
        let registration =
            tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
        let url = registration.ip_address.clone();
        let missing = Amount::try_from(needed.saturating_sub(staked)).ok();
        let stake = missing.map(|amount| Coin { denom: terms.denom, amount });
        let message = WorkersMsg::RegisterWorker(Box::new(registration));
        let funds: Vec<Coin> = stake.into_iter().collect();
        self.act(MarketMsg::Workers(Box::new(message)), &funds).await?;
        Ok(format!("registered {url} in window {window}"))
    }

    /// What it says of itself. Blocks for as long as the TEE does.
    fn registration(
        &self,
        market: &MarketWorker,
        challenge: &LivelinessChallenge,
    ) -> Result<Registration, Problem> {
        let parts = &self.0.parts;
        let failed = |what: &str| Problem::new(Code::Device, format!("no {what}"));
        let binding = Binding {
            purpose: BindingPurpose::Register,
            sig_pk: self.worker_key(),
            tls_spki_sha256: parts.tls.as_ref().map_or([0; 32], |tls| tls.spki_sha256()),
            nonce: challenge.challenge,
            ledger_id: parts.ledger.id(),
            config_digest: parts.config_digest,
            policy_epoch: POLICY_EPOCH,
        };
        let evidence = parts.tee.evidence(&binding, &parts.signing);
        let (report, collateral) = text(&evidence.map_err(|_| failed("evidence"))?)?;
        let keys = parts.ring.key_set(&parts.signing, self.now()).map_err(|_| failed("keys"))?;
        let mut hpke_key = [0; 32];
        hex::decode_to_slice(&keys.release_key, &mut hpke_key).map_err(|_| failed("keys"))?;
        let url = self.url(market);
        // It is signed as the contract will read it.
        let wallet = parts.ledger.spelled(market.wallet.as_ref().unwrap_or(&parts.account));
        let digest = registration_digest(&challenge.challenge, &hpke_key, &url, &wallet);
        Ok(Registration {
            ip_address: url,
            payment_wallet: wallet,
            attestation_report: report,
            worker_type: self.0.settings.model_name.clone(),
            collateral,
            binding: EvidenceBinding {
                tls_spki_sha256: binding.tls_spki_sha256,
                ledger_id: binding.ledger_id,
                config_digest: binding.config_digest,
                policy_epoch: binding.policy_epoch,
            },
            service: market.service.clone(),
            capacity: market.capacity,
            signing_key: binding.sig_pk,
            hpke_key,
            window: challenge.window,
            proof: parts.signing.sign(&digest).to_bytes(),
        })
    }

    /// Whose word this worker waits for, and on what, where the terms want somebody's.
    pub(super) async fn awaited(&self) -> Result<Option<String>, Problem> {
        let Some(record) = self.own_record().await?.filter(|record| record.pending) else {
            return Ok(None);
        };
        let query = WorkersQuery::Evidence { worker: record.worker.clone() };
        let WorkersReply::Evidence(Some(evidence)) = self.registry(query).await? else {
            return Err(another());
        };
        let hash = hex::encode(evidence_hash(&record, &evidence));
        Ok(Some(format!(
            "nobody chooses or pays this worker until the market's approver has verified its evidence {hash} and \
             confirms it: prag evidence verify --worker {}",
            record.worker
        )))
    }

    fn url(&self, market: &MarketWorker) -> String {
        let settings = &self.0.settings;
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        market.url.clone().unwrap_or_else(|| format!("{scheme}://{}", settings.listen))
    }

    pub(super) async fn own_record(&self) -> Result<Option<WorkerRecord>, Problem> {
        let worker = self.ledger_account();
        match self.registry(WorkersQuery::Worker { worker }).await? {
            WorkersReply::Worker(record) => Ok(record.map(|record| *record)),
            _ => Err(another()),
        }
    }

    pub(super) async fn terms(&self) -> Result<WorkersConfig, Problem> {
        match self.registry(WorkersQuery::Config {}).await? {
            WorkersReply::Config(config) => Ok(*config),
            _ => Err(another()),
        }
    }

    async fn window_challenge(&self) -> Result<LivelinessChallenge, Problem> {
        let worker = self.ledger_account();
        match self.registry(WorkersQuery::GetLivelinessChallenge { worker }).await? {
            WorkersReply::Challenge(challenge) => Ok(challenge),
            _ => Err(another()),
        }
    }
}

/// Evidence as registries keep it: a TDX quote in hex, an SNP report in base64, and what a verifier needs beside it.
fn text(evidence: &Evidence) -> Result<(String, String), Problem> {
    let plain = |_| Problem::new(Code::Device, "the collateral is no text");
    match evidence {
        Evidence::Tdx { quote, collateral, .. } => {
            Ok((hex::encode(quote), String::from_utf8(collateral.clone()).map_err(plain)?))
        }
        Evidence::Snp { report, vcek, .. } => Ok((STANDARD.encode(report), STANDARD.encode(vcek))),
        // Any other kind is no evidence outside a demonstration; it travels as what it is.
        other => {
            let json = serde_json::to_string(other);
            let failed = |_| Problem::new(Code::Device, "no evidence");
            Ok((json.map_err(failed)?, String::new()))
        }
    }
}
