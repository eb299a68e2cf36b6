//! Who speaks for a request: its signature, and the session where it has a bond and the call is a search; a worker that
//! does not take its word is asked again, signed, and after some times is not given it any more.

use super::*;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prag_protocol::CollectionId;
use prag_protocol::wire::channel::{BOND_HEADER, RESUMED_ANSWER_TYPE, RESUMPTION_HEADER};
use prag_protocol::wire::search::{QueryReply, QueryRequest};
use prag_trust::permit::PermitCache;
use prag_trust::request::{Bond, VOUCHED, Word, check_request};
use prag_trust::resumed::{Label, Resumption};

/// What a worker that lets its client go on under a secret knows.
#[derive(Default)]
pub(super) struct Resumes {
    keys: Option<Resumption>,
    bond: Option<Arc<Bond>>,
    permits: PermitCache,
    /// Whether each request under the secret was signed, and whether it was taken.
    asked: Vec<(bool, bool)>,
}

/// Takes the secret that a sealed message brings.
pub(super) fn take(worker: &Worker, header: &dyn Fn(&str) -> Option<String>) {
    let mut resumes = worker.resumes.lock().unwrap();
    let (Some(resumes), Some(secret)) = (resumes.as_mut(), header(RESUMPTION_HEADER)) else {
        return;
    };
    let mut bytes = [0; 32];
    hex::decode_to_slice(secret, &mut bytes).unwrap();
    let statement = header(BOND_HEADER).unwrap();
    let own = worker.key.verifying_key().to_bytes();
    resumes.keys = Some(Resumption::new(&bytes));
    resumes.bond = Bond::open(statement.as_bytes(), &bytes, &own).map(Arc::new);
    assert!(resumes.bond.is_some());
    let permit = URL_SAFE_NO_PAD.decode(header("prag-permit").unwrap()).unwrap();
    resumes.permits.verify(&permit, SystemClock::default().now(), &expected()).unwrap();
}

/// Answers a message under the secret; `None` for others.
pub(super) fn answer(worker: &Worker, body: &[u8]) -> Option<Response> {
    Label::of(body)?;
    let mut resumes = worker.resumes.lock().unwrap();
    let Resumes { keys, bond, permits, asked: all } = resumes.as_mut()?;
    let keys = keys.as_ref()?;
    let (number, inner) = keys.open_request(body)?;
    let asked = decoded(&inner);
    let header = |name: &str| asked.header().get(name.as_bytes()).map(text);
    let (path, method) = (text(asked.control().path()?), text(asked.control().method()?));
    let parts = RequestParts { method: &method, path: &path, query: "", body: asked.content() };
    let now = SystemClock::default().now();
    let own = worker.key.verifying_key().to_bytes();
    let word = header(VOUCHED);
    let held = match (&word, bond) {
        (Some(said), Some(bond)) => {
            let word = Word::new(Arc::clone(bond), number);
            word.caller(said, &parts, now, &expected(), permits).is_ok()
        }
        (Some(_), None) => false,
        (None, _) => check_request(&header, &parts, now, &own, &expected(), permits).is_ok(),
    };
    assert_eq!(word.is_none(), header("signature").is_some());
    all.push((word.is_none(), held));
    let reply = QueryReply { hits: Vec::new(), profile: String::new(), receipt: None };
    let (status, reply) = match (held, path.ends_with("/query")) {
        (false, _) => (401u16, r#"{"code":"signature-invalid","detail":"no"}"#.to_owned()),
        (true, true) => (200, serde_json::to_string(&reply).unwrap()),
        (true, false) => (200, r#"{"data":[]}"#.to_owned()),
    };
    let sealed = keys.seal_answer(number, &encoded(status, reply))?;
    Some(([("content-type", RESUMED_ANSWER_TYPE)], sealed).into_response())
}

/// The session speaks for searches, a signature for everything else; a worker that has forgotten the permit is shown it
/// again, and takes the session's word from then on; one that never takes it is given it three times.
#[tokio::test]
async fn searches_are_vouched_for_by_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let (url, worker) = start().await;
    *worker.resumes.lock().unwrap() = Some(Resumes::default());
    let client = connect(&url, &home, simulated()).await.unwrap();
    let (id, query) = (CollectionId([1; 16]), QueryRequest::default());
    client.collections().await.unwrap();
    client.query(id, &query).await.unwrap();
    client.collections().await.unwrap();
    client.query(id, &query).await.unwrap();
    worker.resumes.lock().unwrap().as_mut().unwrap().permits = PermitCache::default();
    client.query(id, &query).await.unwrap();
    client.query(id, &query).await.unwrap();
    worker.resumes.lock().unwrap().as_mut().unwrap().bond = None;
    for _ in 0..4 {
        client.query(id, &query).await.unwrap();
    }
    let resumes = worker.resumes.lock().unwrap();
    let asked = &resumes.as_ref().unwrap().asked;
    let (word, signature) = (false, true);
    let wanted = [
        (word, true),
        (signature, true),
        (word, true),
        (word, false),
        (signature, true),
        (word, true),
        (word, false),
        (signature, true),
        (word, false),
        (signature, true),
        (signature, true),
        (signature, true),
    ];
    assert_eq!(*asked, wanted);
    assert_eq!(worker.seen.lock().unwrap().len(), 1, "one message was sealed to the key");
}
