//! Reading as an attested reader: what an LLM worker does.
//!
//! Layer: client, above `sdk` and `attester`.
//! Holds: the session with a worker, opened on the first read and renewed before it ends. A worker keeps one session
//! of a key: processes that read side by side need identities of their own.
//! Never: a read outside the session; an answer that is not sealed to it.
//! Invariant: whoever reads with an [`Attester`] reads replies of the verified worker to this very request, or none.

use crate::attest::Session;
use crate::attester::Attester;
use crate::error::ClientError;
use crate::identity::Purpose;
use crate::sdk::{Asked, Call, Client};
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_protocol::wire::readers::{Challenge, OpenSession, ReaderSession};
use prag_trust::address::SessionKey;
use prag_trust::evidence::{Evidence, ReaderBinding};
use prag_trust::quote::nvidia;
use prag_trust::reply::{ReplyKey, SealedReply, Terms, open_reply};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// How a client reads: with whose evidence, and under which session.
pub(crate) struct Reading {
    attester: Arc<dyn Attester>,
    session: Mutex<Option<Arc<Attested>>>,
}

/// A session that one worker has opened for this reader.
struct Attested {
    key: ReplyKey,
    worker: [u8; 32],
    opened: ReaderSession,
}

impl Client {
    /// The same client, which from now on shows evidence before it reads, and takes sealed replies only.
    #[must_use]
    pub fn reading_as(mut self, attester: Box<dyn Attester>) -> Self {
        let (attester, session) = (Arc::from(attester), Mutex::default());
        self.reading = Some(Reading { attester, session });
        self
    }

    /// Shows evidence now, and returns what the worker made of it; reads do this by themselves.
    ///
    /// # Errors
    /// [`ClientError::Usage`] without an attester ([`Client::reading_as`]); [`ClientError::Attester`]; the worker's
    /// refusal.
    pub async fn attest_reader(&self) -> Result<ReaderSession, ClientError> {
        let none = || ClientError::Usage("this client has no evidence to show".to_owned());
        let reading = self.reading.as_ref().ok_or_else(none)?;
        let attested = Arc::new(self.open_session(reading).await?);
        *reading.session.lock().await = Some(Arc::clone(&attested));
        Ok(attested.opened.clone())
    }

    /// Asks for content of collection `id`, and opens the sealed answer.
    pub(crate) async fn ask_sealed<T: DeserializeOwned>(
        &self,
        reading: &Reading,
        id: CollectionId,
        call: &Call<'_>,
    ) -> Result<(T, Arc<Session>), ClientError> {
        let mut fresh = false;
        loop {
            let attested = self.attested(reading, fresh).await?;
            let opened = match self.send_asked(call).await {
                Ok((answer, asked)) => {
                    let plain = self.open(&attested, id, &asked, &answer.body);
                    plain.map(|plain| (plain, asked.session))
                }
                Err(error) => Err(error),
            };
            match opened {
                Ok((plain, session)) => {
                    let reply = serde_json::from_slice(&plain).map_err(|_| {
                        ClientError::Reply("its body is not what the route answers")
                    })?;
                    return Ok((reply, session));
                }
                // The worker has restarted, or another process of this identity has attested since.
                Err(error) if !fresh && lost(&error) => fresh = true,
                Err(error) => return Err(error),
            }
        }
    }

    fn open(
        &self,
        attested: &Attested,
        collection: CollectionId,
        asked: &Asked,
        body: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let sealed: SealedReply = serde_json::from_slice(body)
            .map_err(|_| ClientError::Reply("it is not sealed to this reader"))?;
        let terms = Terms { request: asked.request, collection };
        let session_key = self.identity().session().public_key();
        open_reply(&sealed, &attested.key, &session_key, asked.session.worker(), &terms)
            .map_err(|_| ClientError::Reply("it is not sealed to this reader for this request"))
    }

    /// A session that lives for another minute at least, with the worker that is there now; `fresh`: a new one.
    async fn attested(&self, reading: &Reading, fresh: bool) -> Result<Arc<Attested>, ClientError> {
        let worker = self.channel().session().await?.worker().sig_pk;
        let mut session = reading.session.lock().await;
        let soon = self.channel().now() + SPARE_SECONDS;
        match &*session {
            Some(one) if !fresh && one.worker == worker && one.opened.expires > soon => {
                Ok(Arc::clone(one))
            }
            _ => {
                let opened = Arc::new(self.open_session(reading).await?);
                *session = Some(Arc::clone(&opened));
                Ok(opened)
            }
        }
    }

    async fn open_session(&self, reading: &Reading) -> Result<Attested, ClientError> {
        let key = ReplyKey::random(self.channel().entropy().as_mut())?;
        let path = "/v1/sessions/challenge".to_owned();
        let (answer, asked) = self.send_asked(&Call::bare(Purpose::Data, "POST", path)).await?;
        let challenge: Challenge = serde_json::from_slice(&answer.body)
            .map_err(|_| ClientError::Reply("its challenge is none"))?;
        let binding = self.binding(&key, &challenge, &asked.session);
        let attester = Arc::clone(&reading.attester);
        let evidence = tokio::task::spawn_blocking(move || attester.evidence(&binding));
        let mut evidence = evidence.await.map_err(|_| ClientError::Attester("panicked"))??;
        sign_gpu(&mut evidence, self.identity().session(), &binding, self.channel().now())?;
        let body = OpenSession {
            evidence: serde_json::to_value(&evidence)
                .map_err(|_| ClientError::Crypto("encoding evidence"))?,
            nonce: challenge.nonce,
            sealing_key: binding.sealing_key,
        };
        let path = "/v1/sessions".to_owned();
        let opened = self.ask(&Call::json(Purpose::Data, "POST", path, &body)?).await?;
        Ok(Attested { key, worker: binding.worker, opened })
    }

    fn binding(&self, key: &ReplyKey, challenge: &Challenge, session: &Session) -> ReaderBinding {
        ReaderBinding {
            session_key: self.identity().session().public_key(),
            sealing_key: key.public_key(),
            nonce: challenge.nonce,
            worker: session.worker().sig_pk,
        }
    }
}

/// Whether the worker no longer knows the session, or knows another.
fn lost(error: &ClientError) -> bool {
    let required = Some(Code::ReaderAttestationRequired);
    matches!(error, ClientError::Reply(_)) || error.code() == required
}

/// Sign for the GPU beside the evidence, if there is one, as whoever asks with this session key.
fn sign_gpu(
    evidence: &mut Evidence,
    session: &SessionKey,
    binding: &ReaderBinding,
    now: u64,
) -> Result<(), ClientError> {
    let gpu = match evidence {
        Evidence::Tdx { gpu, .. } | Evidence::Snp { gpu, .. } => gpu,
        _ => return Ok(()),
    };
    let Some(gpu) = gpu else { return Ok(()) };
    let (nonce, root) = (binding.gpu_nonce(), nvidia::Root::Nvidia);
    let claims = nvidia::verify(&gpu.report, &gpu.chain, &nonce, root, now)
        .map_err(|_| ClientError::Attester("printed evidence of a GPU that does not verify"))?;
    let key = ed25519_dalek::SigningKey::from_bytes(session.expose());
    gpu.sign(&key, &claims.certificate_sha256, &nonce);
    Ok(())
}

/// A session is renewed this long before it ends, seconds.
const SPARE_SECONDS: u64 = 60;
