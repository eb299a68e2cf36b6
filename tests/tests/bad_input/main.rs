//! Bad input: whatever is sent, a 4xx with a stable code, nothing written, and the worker serves on.
//!
//! Layer: tests.
//! Holds: a scene with a filled worker, and the one way to look at a refusal ([`Scene::refused`]).
//! Never: a request that does not go over the real channel, unless it is the channel that is attacked.
//! Invariant: after every refusal all documents, heads and the ledger are what they were before.

#![allow(clippy::unwrap_used, clippy::panic)]

mod auth;
mod channel;
mod collections;
mod documents;
mod letter;
mod readers;
mod sealed;
mod search;

use letter::Letter;
use prag_client::Client;
use prag_client::envelope::Answer;
use prag_client::identity::Purpose;
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::PutDocument;
use prag_protocol::wire::grants::PutGrant;
use prag_tests::{Lab, ask, hour_grant, json};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

/// A worker with an owner, a collection of each kind with one document each, and a reader of the first.
pub(crate) struct Scene {
    pub(crate) lab: Lab,
    pub(crate) owner: Client,
    /// May read `embedded`, five hits at once.
    pub(crate) reader: Client,
    /// The worker embeds.
    pub(crate) embedded: CollectionId,
    /// Two dimensions, supplied.
    pub(crate) supplied: CollectionId,
    _turn: MutexGuard<'static, ()>,
}

/// Everything of the owner's that a write would change.
#[derive(Debug, PartialEq)]
struct State {
    /// Id, documents, chunks and signed head.
    collections: Vec<(CollectionId, u64, u64, Option<Value>)>,
    ledger: Value,
}

impl Scene {
    /// Scenes take turns: one of them measures the memory of the process that all share.
    pub(crate) async fn new() -> Self {
        let turn = TURN.lock().await;
        let lab = Lab::start().await;
        let (owner, reader) = (lab.client("owner").await, lab.client("reader").await);
        let make = async |name, vectors| owner.create_collection(name, vectors).await.unwrap().id;
        let embedded = make("embedded", VectorSource::default()).await;
        let supplied = make("supplied", VectorSource::Supplied(2)).await;
        put(&owner, embedded, DOCUMENT).await;
        put(&owner, supplied, WITH_VECTOR).await;
        let grant = PutGrant { write: false, ..hour_grant(&reader) };
        owner.put_grant(embedded, &grant).await.unwrap();
        Self { lab, owner, reader, embedded, supplied, _turn: turn }
    }

    /// The path of something in `embedded`; `rest` is empty or begins with `/`.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/collections/{}{rest}", self.embedded)
    }

    /// Sends the owner's letter, which must be refused with `code` and change nothing.
    pub(crate) async fn refused(&self, letter: &Letter, code: Code) -> Answer {
        self.refused_from(&self.owner, letter, code).await
    }

    /// As [`Scene::refused`], from anybody.
    pub(crate) async fn refused_from(
        &self,
        sender: &Client,
        letter: &Letter,
        code: Code,
    ) -> Answer {
        let before = self.state().await;
        let answer = letter.send(sender).await;
        is_problem(answer.status, &answer.body, code, &letter.label());
        assert_eq!(self.state().await, before, "{}", letter.label());
        answer
    }

    /// Each of `bodies`, sent to `path`, must be refused with its code and change nothing.
    pub(crate) async fn table(&self, method: &'static str, path: &str, bodies: &[(String, Code)]) {
        for (body, code) in bodies {
            let letter = Letter::new(method, path, body.as_str());
            self.refused(&letter, *code).await;
        }
    }

    /// Runs `attack`, after which nothing may be different, and the worker must answer a search.
    pub(crate) async fn stands<T>(&self, attack: impl AsyncFnOnce(&Self) -> T) -> T {
        let before = self.state().await;
        let done = attack(self).await;
        assert_eq!(self.state().await, before);
        let path = self.path("/query");
        let query = Letter::new("POST", &path, r#"{"text":"a river"}"#);
        assert_eq!(query.send(&self.owner).await.status, 200);
        done
    }

    async fn state(&self) -> State {
        let rows = self.owner.collections().await.unwrap();
        let row = |row: prag_protocol::wire::collections::Collection| {
            (row.id, row.documents, row.chunks, row.head)
        };
        let path = self.path("/head");
        let head = ask(&self.owner, Purpose::Data, &json("GET", &path, b"")).await;
        assert_eq!(head.status, 200);
        let head: Value = serde_json::from_slice(&head.body).unwrap();
        State {
            collections: rows.into_iter().map(row).collect(),
            ledger: head["ledger_height"].clone(),
        }
    }
}

/// A problem document (RFC 9457) of this code, with a 4xx status; `label` says of what.
pub(crate) fn is_problem(status: u16, body: &[u8], code: Code, label: &str) {
    let text = String::from_utf8_lossy(body);
    assert!((400..500).contains(&status), "{label}: {status} {text}");
    let problem: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(problem["code"], code.as_str(), "{label}: {text}");
    assert_eq!(problem["status"], status, "{label}: {text}");
    let kind = problem["type"].as_str().unwrap();
    assert!(kind.ends_with(code.as_str()), "{label}: {text}");
}

/// Rows of a table, from what is easy to write.
pub(crate) fn rows<const N: usize>(bodies: [&str; N], code: Code) -> Vec<(String, Code)> {
    bodies.map(|body| (body.to_owned(), code)).into()
}

async fn put(owner: &Client, id: CollectionId, document: &str) {
    let document: PutDocument = serde_json::from_str(document).unwrap();
    owner.put_document(id, &document).await.unwrap();
}

static TURN: Mutex<()> = Mutex::const_new(());
const DOCUMENT: &str =
    r#"{"id":"first","content":"A river runs to the sea.","metadata":{"lang":"en","year":2020}}"#;
const WITH_VECTOR: &str =
    r#"{"id":"first","content":"text","chunks":[{"start":0,"end":4,"vector":[1,0]}]}"#;
