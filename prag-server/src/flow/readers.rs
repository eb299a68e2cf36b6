//! Attested readers: their sessions, and replies for their eyes alone.
//!
//! Layer: flow.
//! Holds: challenge, evidence and session in their order; the choice between an open and a sealed reply.
//! Never: a session for another key than the one that signed the request.
//! Invariant: whoever has a live session is answered under its attested key, and in no other way.

use super::admit::Reader;
use super::{Worker, problems};
use crate::sessions::SessionError;
use prag_client::system::OsEntropy;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::readers::{Challenge, OpenSession, ReaderSession};
use prag_trust::evidence::{Evidence, ReaderBinding};
use prag_trust::permit::Permission;
use prag_trust::reply::{ReplyError, SealedReply, Terms, seal_reply};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use serde::Serialize;
use zeroize::Zeroizing;

/// What a read is answered.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Answer<T> {
    /// As it is, inside the channel.
    Open(T),
    /// The same as JSON, sealed to the attested reader that asked.
    Sealed(SealedReply),
}

impl Worker {
    /// A challenge for the key that signed the request.
    ///
    /// # Errors
    /// `permission-missing` without a permit to query.
    pub fn challenge(&self, caller: &Verified<Caller>) -> Result<Challenge, Problem> {
        may_query(caller)?;
        let sessions = &self.0.parts.sessions;
        let challenge = sessions.challenge(&caller.session_key, self.now(), &mut OsEntropy);
        let (nonce, expires) =
            challenge.map_err(|_| Problem::new(Code::Internal, "no randomness"))?;
        Ok(Challenge { nonce, expires })
    }

    /// Opens a session for the key that signed the request, if the evidence binds that key.
    ///
    /// # Errors
    /// `challenge-invalid`, `evidence-refused` with the check that failed, `overloaded`.
    pub async fn open_session(
        &self,
        caller: &Verified<Caller>,
        open: OpenSession,
    ) -> Result<ReaderSession, Problem> {
        may_query(caller)?;
        let sessions = &self.0.parts.sessions;
        // Before any evidence is parsed: only an answer to a challenge of ours is worth the work.
        sessions.check(&open.nonce, &caller.session_key, self.now()).map_err(session)?;
        let evidence: Evidence = serde_json::from_value(open.evidence).map_err(|_| {
            Problem::new(Code::InvalidField, "not evidence of a kind known here").field("evidence")
        })?;
        let binding = ReaderBinding {
            session_key: caller.session_key,
            sealing_key: open.sealing_key,
            nonce: open.nonce,
            worker: self.worker_key(),
        };
        let worker = self.clone();
        let verify = move || {
            let (policy, now) = (&worker.0.settings.readers, worker.now());
            worker.0.parts.verifier.verify_reader(&evidence, &binding, policy, now)
        };
        let verdict = tokio::task::spawn_blocking(verify).await.map_err(problems::internal)?;
        let reader = verdict.map_err(|error| {
            Problem::new(Code::EvidenceRefused, format!("your evidence: {error}"))
        })?;
        let opened = ReaderSession {
            kind: reader.kind.to_owned(),
            measurement: reader.measurement,
            expires: reader.expires,
        };
        sessions.open(&open.nonce, reader, self.now()).map_err(session)?;
        Ok(opened)
    }

    /// A reply as its reader may see it.
    pub(super) async fn answer<T: Serialize + Send + 'static>(
        &self,
        caller: &Verified<Caller>,
        reader: &Reader,
        reply: T,
    ) -> Result<Answer<T>, Problem> {
        let Some(to) = reader.granted.reader().cloned() else {
            return Ok(Answer::Open(reply));
        };
        let terms = Terms { request: caller.request, collection: reader.granted.collection() };
        let worker = self.clone();
        let seal = move || {
            let failed = |_| Problem::new(Code::Internal, "the reply cannot be encoded");
            let body = Zeroizing::new(serde_json::to_vec(&reply).map_err(failed)?);
            let signing = &worker.0.parts.signing;
            let sealed = seal_reply(&body, &to, &terms, signing, &mut OsEntropy);
            sealed.map(Answer::Sealed).map_err(|error| match error {
                ReplyError::Key => {
                    Problem::new(Code::InvalidField, "no X25519 key").field("sealing_key")
                }
                _ => Problem::new(Code::Internal, error.to_string()),
            })
        };
        tokio::task::spawn_blocking(seal).await.map_err(problems::internal)?
    }
}

fn may_query(caller: &Caller) -> Result<(), Problem> {
    if caller.permissions.allow(Permission::Query) {
        return Ok(());
    }
    Err(Problem::new(Code::PermissionMissing, "the permit must carry prag_query"))
}

fn session(error: SessionError) -> Problem {
    let code = match error {
        SessionError::Challenge => Code::ChallengeInvalid,
        SessionError::Full => Code::Overloaded,
    };
    Problem::new(code, error.to_string())
}
