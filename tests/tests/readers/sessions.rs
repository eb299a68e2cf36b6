//! Sessions: evidence that is stolen, replayed, relayed or late opens none.

use crate::stage::{IMAGE, Stage, binding, challenge, open};
use prag_client::error::ClientError;
use prag_client::identity::Purpose;
use prag_protocol::problem::Code;
use prag_tests::{ask, code, json};
use prag_trust::evidence::{ReaderBinding, Verifier};
use prag_trust::sim::{SimTee, SimVerifier};

/// A session is the key that signs: another grantee has nothing of it, neither by asking beside it nor by showing the
/// same evidence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_of_use_to_its_key_alone() {
    let stage = Stage::start().await;
    stage.list(&[IMAGE]).await;
    let (victim, thief) = (stage.lab.client("reader").await, stage.plain().await);
    let nonce = challenge(&victim).await;
    let bound = binding(&victim, nonce).await;
    let evidence = SimTee::new(IMAGE).read(&bound);

    // The thief is first, with all that travelled: the challenge is not its own.
    assert_eq!(code(&open(&thief, &bound, &evidence).await), Code::ChallengeInvalid);
    // With a challenge of its own, the evidence is not over it.
    let own = ReaderBinding { nonce: challenge(&thief).await, ..bound };
    assert_eq!(code(&open(&thief, &own, &evidence).await), Code::EvidenceRefused);
    // A reader that is made to attest for the thief's challenge still binds its own key.
    let relayed = SimTee::new(IMAGE).read(&own);
    assert_eq!(code(&open(&thief, &own, &relayed).await), Code::EvidenceRefused);
    stage.reads_nothing(&thief, Code::ReaderAttestationRequired).await;

    assert_eq!(open(&victim, &bound, &evidence).await.status, 201);
    stage.reads_nothing(&thief, Code::ReaderAttestationRequired).await;
}

/// A challenge opens one session, with evidence over that challenge, these keys and this worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_answers_one_challenge() {
    let stage = Stage::start().await;
    let client = stage.lab.client("reader").await;
    let (first, second) = (challenge(&client).await, challenge(&client).await);
    let bound = binding(&client, first).await;
    let tee = SimTee::new(IMAGE);
    for other in [
        ReaderBinding { nonce: second, ..bound },
        ReaderBinding { sealing_key: [6; 32], ..bound },
        ReaderBinding { session_key: [6; 32], ..bound },
        ReaderBinding { worker: [6; 32], ..bound },
    ] {
        assert_eq!(code(&open(&client, &bound, &tee.read(&other)).await), Code::EvidenceRefused);
    }
    let evidence = tee.read(&bound);
    assert_eq!(open(&client, &bound, &evidence).await.status, 201);
    assert_eq!(code(&open(&client, &bound, &evidence).await), Code::ChallengeInvalid);
}

/// Evidence for one worker is none for another: neither its challenge nor its key is the other's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_is_for_one_worker() {
    let (here, there) = (Stage::start().await, Stage::start().await);
    there.list(&[IMAGE]).await;
    let client = here.lab.client("reader").await;
    let bound = binding(&client, challenge(&client).await).await;
    let evidence = SimTee::new(IMAGE).read(&bound);
    assert_eq!(open(&client, &bound, &evidence).await.status, 201);

    let client = there.lab.client("reader").await;
    assert_eq!(code(&open(&client, &bound, &evidence).await), Code::ChallengeInvalid);
    let own = ReaderBinding { nonce: challenge(&client).await, ..bound };
    let for_here = SimTee::new(IMAGE).read(&own);
    assert_eq!(code(&open(&client, &own, &for_here).await), Code::EvidenceRefused);
    there.reads_nothing(&client, Code::ReaderAttestationRequired).await;
}

/// A session ends by itself, within the life that the worker's settings give it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end() {
    let verifier = || -> Box<dyn Verifier> { Box::new(SimVerifier) };
    let stage = Stage::start_with(verifier, |settings| {
        settings.readers.session_s = 2;
        // What ends is the session, not the grantee's pace.
        (settings.rate_per_s, settings.rate_burst) = (10_000, 100_000);
    })
    .await;
    stage.list(&[IMAGE]).await;
    let client = stage.lab.client("reader").await;
    let bound = binding(&client, challenge(&client).await).await;
    let opened = open(&client, &bound, &SimTee::new(IMAGE).read(&bound)).await;
    assert_eq!(opened.status, 201);
    let path = format!("/v1/collections/{}/query", stage.id);
    let mut answered = 0;
    let refused = loop {
        let request = json("POST", &path, br#"{"vector":[1,0]}"#);
        let answer = ask(&client, Purpose::Data, &request).await;
        if answer.status != 200 {
            break answer;
        }
        answered += 1;
        assert!(answered < 100_000, "the session does not end");
    };
    assert_eq!(code(&refused), Code::ReaderAttestationRequired);
    assert!(answered > 0, "the session did not live");
}

/// A worker keeps one session of a key. Of two processes with one identity each gets its answers all the same, by
/// attesting anew; one that does not attest is told why it cannot read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_has_one_session() {
    let stage = Stage::start().await;
    stage.list(&[IMAGE]).await;
    let (one, other) = (stage.reader(IMAGE).await, stage.reader(IMAGE).await);
    for _ in 0..2 {
        stage.reads_all(&one).await;
        stage.reads_all(&other).await;
    }
    let plain = stage.lab.client("reader").await;
    let refused = stage.find(&plain).await.unwrap_err();
    assert!(matches!(refused, ClientError::Sealed), "{refused}");
}
