//! A worker that is played by hand: it can show and sign whatever a test wants.

use crate::stage::Stage;
use ed25519_dalek::SigningKey;
use prag_client::channel::Sent;
use prag_client::system::OsEntropy;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::peer::{PeerChallenge, PeerRelease, PeerReleased};
use prag_tests::{VERSION, json};
use prag_trust::entropy::random;
use prag_trust::evidence::{Binding, BindingPurpose, Evidence, Tee};
use prag_trust::key::{Share, derive_kek};
use prag_trust::release::{Ask, ReleaseKey, SignedAnswer, Terms};
use prag_trust::sim::SimTee;

/// What it shows; the default is the first worker's like.
pub(crate) struct Hand {
    pub(crate) signing: SigningKey,
    pub(crate) version: &'static str,
    pub(crate) purpose: BindingPurpose,
    pub(crate) epoch: u32,
    /// In place of the giver's challenge, in the evidence only.
    pub(crate) other_nonce: Option<[u8; 32]>,
    /// In place of the giver's settings.
    pub(crate) config_digest: Option<[u8; 32]>,
    /// In place of the giver's ledger.
    pub(crate) ledger_id: Option<[u8; 32]>,
}

/// One request, ready to be sent.
pub(crate) struct Request {
    pub(crate) release: PeerRelease,
    ask: Ask,
    key: ReleaseKey,
    evidence: Evidence,
}

impl Hand {
    pub(crate) fn new() -> Self {
        Self {
            signing: SigningKey::from_bytes(&random(&mut OsEntropy).unwrap()),
            version: VERSION,
            purpose: BindingPurpose::Peer,
            epoch: 1,
            other_nonce: None,
            config_digest: None,
            ledger_id: None,
        }
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// A challenge, a request over it, and the giver's answer: both shares, checked against the ledger's commitment.
    pub(crate) async fn ask(&self, stage: &Stage) -> Result<[Share; 2], Problem> {
        let nonce = challenge(stage).await?;
        let request = self.request(stage, nonce).await;
        self.send(stage, &request).await
    }

    pub(crate) async fn request(&self, stage: &Stage, nonce: [u8; 32]) -> Request {
        let owner = stage.owner().await;
        let session = owner.channel().session().await.unwrap();
        let hex32 = |text: &str| -> [u8; 32] { hex::decode(text).unwrap().try_into().unwrap() };
        let terms = Terms { collection: stage.id, epoch: self.epoch, nonce };
        let key = ReleaseKey::random(&mut OsEntropy).unwrap();
        let ask = Ask::sign(&terms, session.worker().sig_pk, &key, &self.signing);
        let shown = session.attestation();
        let binding = Binding {
            purpose: self.purpose,
            sig_pk: self.public(),
            tls_spki_sha256: [0; 32],
            nonce: self.other_nonce.unwrap_or(nonce),
            ledger_id: self.ledger_id.unwrap_or(hex32(&shown.ledger_id)),
            config_digest: self.config_digest.unwrap_or(hex32(&shown.config_digest)),
            policy_epoch: shown.policy_epoch,
        };
        let evidence = SimTee::new(self.version).evidence(&binding, &self.signing).unwrap();
        let release = PeerRelease {
            ask: serde_json::to_value(ask).unwrap(),
            evidence: serde_json::to_value(&evidence).unwrap(),
        };
        Request { release, ask, key, evidence }
    }

    pub(crate) async fn send(
        &self,
        stage: &Stage,
        request: &Request,
    ) -> Result<[Share; 2], Problem> {
        let body = serde_json::to_vec(&request.release).unwrap();
        let reply: PeerReleased = post(stage, "/v1/peer/release", &body).await?;
        let owner = stage.owner().await;
        let session = owner.channel().session().await.unwrap();
        let signed: SignedAnswer = serde_json::from_value(reply.answer).unwrap();
        let answer = signed.verify(&request.ask, session.worker()).unwrap();
        let secret = answer.open(&request.ask, &request.key, &request.evidence).unwrap();
        let (chain, rest) = secret.split_first_chunk::<32>().unwrap();
        let (owner, rest) = rest.split_first_chunk::<32>().unwrap();
        let said: serde_json::Value = serde_json::from_slice(rest).unwrap();
        assert_eq!(said["entry"]["name"], "notes");
        let shares = [chain, owner].map(Share::from_bytes);
        let kek = derive_kek(&shares[0], &shares[1], stage.id, self.epoch);
        assert!(kek.opens(&commitment(stage).await, stage.id, self.epoch));
        Ok(shares)
    }

    /// Refused, by this code.
    pub(crate) async fn refused(&self, stage: &Stage, code: Code) -> Problem {
        let problem = self.ask(stage).await.err().unwrap();
        assert_eq!(problem.code, code, "{problem}");
        problem
    }
}

pub(crate) async fn challenge(stage: &Stage) -> Result<[u8; 32], Problem> {
    let challenge: PeerChallenge = post(stage, "/v1/peer/challenge", b"{}").await?;
    Ok(hex::decode(challenge.nonce).unwrap().try_into().unwrap())
}

async fn commitment(stage: &Stage) -> [u8; 32] {
    use prag_protocol::ledger::{AccessQuery, AccessReply};
    let query = AccessQuery::Collection { collection: stage.id };
    match stage.ledger.query(query).await.unwrap() {
        AccessReply::Collection(Some(record)) => record.commitment,
        other => panic!("{other:?}"),
    }
}

/// One request inside the first worker's channel, without any signature or permit.
async fn post<T: serde::de::DeserializeOwned>(
    stage: &Stage,
    path: &str,
    body: &[u8],
) -> Result<T, Problem> {
    let owner = stage.owner().await;
    let channel = owner.channel();
    let session = channel.session().await.unwrap();
    let Ok(Sent::Answer(answer)) = channel.send(&session, &json("POST", path, body), &[]).await
    else {
        panic!("the gateway did not open the message");
    };
    serde_json::from_slice(&answer.body).map_err(|_| serde_json::from_slice(&answer.body).unwrap())
}
