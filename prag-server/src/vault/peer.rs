//! Vault kind `peer`: shares from another attested worker that obeys the same ledger.
//!
//! Layer: vault.
//! Holds: the asking side: the other's evidence, its challenge, our evidence over it, its answer.
//! Never: a request outside the attested channel; an answer of anybody but the worker whose evidence verified in it;
//! anything learnt on first use.
//! Invariant: nothing is asked before the other worker's evidence showed this worker's like.

use super::handover::unpack;
use super::portrait::Portrait;
use async_trait::async_trait;
use prag_client::attest::Session;
use prag_client::channel::{Channel, Sent};
use prag_client::envelope::Request;
use prag_client::error::ClientError;
use prag_client::home::Home;
use prag_client::remembered::Remembered;
use prag_client::system::OsEntropy;
use prag_client::trusted::Trusted;
use prag_client::vault::{Fetched, KeyVault, VaultError, Wanted};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::VaultKind;
use prag_protocol::wire::peer::{PeerChallenge, PeerRelease, PeerReleased};
use prag_trust::entropy::Clock;
use prag_trust::release::SignedAnswer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// One other worker.
pub struct PeerVault {
    url: String,
    portrait: Arc<Portrait>,
}

impl PeerVault {
    /// The worker at `url`.
    #[must_use]
    pub fn new(url: String, portrait: Arc<Portrait>) -> Self {
        Self { url, portrait }
    }

    async fn ask(&self, wanted: &Wanted<'_>) -> Result<Fetched, VaultError> {
        let channel = self.connect(wanted).await?;
        let session = channel.session().await.map_err(explain)?;
        let challenge: PeerChallenge =
            post(&channel, &session, "/v1/peer/challenge", &serde_json::json!({})).await?;
        let mut nonce = [0u8; 32];
        hex::decode_to_slice(&challenge.nonce, &mut nonce).map_err(|_| VaultError::Answer)?;
        let peer = session.worker();
        let asking = self.portrait.ask(wanted, peer.sig_pk, nonce).await?;
        let json = |value: Result<_, serde_json::Error>| value.map_err(|_| VaultError::NoEvidence);
        let release = PeerRelease {
            ask: json(serde_json::to_value(asking.ask))?,
            evidence: json(serde_json::to_value(&asking.evidence))?,
        };
        let released: PeerReleased = post(&channel, &session, "/v1/peer/release", &release).await?;
        let signed: SignedAnswer =
            serde_json::from_value(released.answer).map_err(|_| VaultError::Answer)?;
        let answer = signed.verify(&asking.ask, peer).map_err(|_| VaultError::Answer)?;
        unpack(&asking.open(answer)?)
    }

    /// A channel to the worker, once its evidence showed this worker's like.
    async fn connect(&self, wanted: &Wanted<'_>) -> Result<Channel, VaultError> {
        let (portrait, images) = (Arc::clone(&self.portrait), wanted.images.map(<[_]>::to_vec));
        let policy = tokio::task::spawn_blocking(move || portrait.policy(images.as_deref()));
        let trusted = Trusted {
            verifier: Box::new(Arc::clone(&self.portrait.verifier)),
            policy: policy.await.map_err(|_| VaultError::NoEvidence)??,
            first_use: false,
            warning: None,
        };
        // Nothing is learnt on first use, so nothing is ever kept there.
        let nowhere = Remembered::new(&Home::at(Path::new("/nonexistent")));
        let clock = Box::new(SharedClock(Arc::clone(&self.portrait.clock)));
        Channel::connect(&self.url, trusted, nowhere, clock, Box::new(OsEntropy))
            .await
            .map_err(explain)
    }
}

#[async_trait]
impl KeyVault for PeerVault {
    fn kind(&self) -> VaultKind {
        VaultKind::Peer
    }

    async fn fetch(&self, wanted: &Wanted<'_>) -> Result<Fetched, VaultError> {
        let answered = tokio::time::timeout(ANSWER_WITHIN, self.ask(wanted)).await;
        answered.unwrap_or(Err(VaultError::Unreachable))
    }
}

/// One request inside the channel. Not signed by a permit: the evidence speaks.
async fn post<T: DeserializeOwned>(
    channel: &Channel,
    session: &Session,
    path: &str,
    body: &impl Serialize,
) -> Result<T, VaultError> {
    let body = serde_json::to_vec(body).map_err(|_| VaultError::NoEvidence)?;
    let media_type = "application/json";
    let request = Request { method: "POST", path, query: "", media_type, body: &body };
    let answer = match channel.send(session, &request, &[]).await.map_err(explain)? {
        Sent::Answer(answer) => answer,
        Sent::Refused(_) => return Err(VaultError::Unreachable),
    };
    serde_json::from_slice(&answer.body).map_err(|_| refusal(&answer.body))
}

fn refusal(body: &[u8]) -> VaultError {
    let problem = serde_json::from_slice::<Problem>(body).map(|problem| problem.code);
    match problem {
        Ok(Code::LedgerStale | Code::LedgerUnconfirmed) => VaultError::Stale,
        Ok(Code::KeyMissing | Code::ShardUnavailable) => VaultError::Missing,
        Ok(Code::Overloaded) => VaultError::Unreachable,
        Ok(_) => VaultError::Refused,
        Err(_) => VaultError::Answer,
    }
}

fn explain(error: ClientError) -> VaultError {
    match error {
        ClientError::Evidence(_)
        | ClientError::Attestation(_)
        | ClientError::Keys(_)
        | ClientError::Pin(_) => VaultError::Evidence,
        ClientError::Reply(_) => VaultError::Answer,
        _ => VaultError::Unreachable,
    }
}

/// The worker's clock, for the channel.
struct SharedClock(Arc<dyn Clock>);

impl Clock for SharedClock {
    fn now(&self) -> u64 {
        self.0.now()
    }
}

/// Evidence on both sides, and four round trips.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
