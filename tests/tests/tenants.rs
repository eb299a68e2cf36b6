//! Two owners in one worker: neither learns anything of the other's documents.
//!
//! Layer: tests.
//! Holds: random writes of both, and every answer that could tell of them.
//! Never: a clock; how long an answer takes is not measured here.
//! Invariant: what one owner is answered is a function of what that owner did.

#![allow(clippy::unwrap_used, clippy::panic)]

use prag_client::Client;
use prag_client::identity::Purpose;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::VectorSource;
use prag_tests::{Lab, Wiretap, ask, compact, json as request};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An owner, the owner's collection, and what must be in it.
struct Tenant {
    client: Client,
    id: CollectionId,
    twin: BTreeMap<String, String>,
}

/// After every write of one owner, every answer to the other is the same as before, byte for byte; and each
/// sees just what that owner wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_of_one_change_nothing_for_the_other() {
    let lab = Lab::start().await;
    let tap = Wiretap::before(lab.address()).await;
    let mut tenants = Vec::new();
    for name in ["alice", "bob"] {
        let client = lab.client_at(name, &tap.url()).await;
        // The same name: names are each owner's own.
        let made = client.create_collection("notes", VectorSource::default()).await;
        let id = made.unwrap().id;
        tenants.push(Tenant { client, id, twin: BTreeMap::new() });
    }
    let mut dice = Dice(SEED);
    for step in 0..STEPS {
        let (writing, watching) = if dice.below(2) == 0 { (0, 1) } else { (1, 0) };
        let before = tenants[watching].answers(&tap).await;
        tenants[writing].write(&mut dice).await;
        let after = tenants[watching].answers(&tap).await;
        assert!(before == after, "step {step} of seed {SEED}");
        tenants[writing].sees_its_own().await;
    }
    assert!(tenants.iter().all(|tenant| tenant.twin.len() > 3));
}

impl Tenant {
    /// Puts, replaces or deletes a document, or compacts.
    async fn write(&mut self, dice: &mut Dice) {
        let id = format!("doc-{}", dice.below(12));
        match dice.below(8) {
            0 => compact(&self.client, self.id).await,
            1 => {
                let which = parse(json!({ "ids": [id] }));
                let reply = self.client.delete_documents(self.id, &which).await;
                let deleted = reply.unwrap().deleted == 1;
                assert_eq!(deleted, self.twin.remove(&id).is_some());
            }
            _ => {
                let words: Vec<_> =
                    (0..3 + dice.below(30)).map(|_| WORDS[dice.below(WORDS.len())]).collect();
                let content = words.join(" ");
                let document = parse(json!({ "id": id, "content": content }));
                self.client.put_document(self.id, &document).await.unwrap();
                self.twin.insert(id, content);
            }
        }
    }

    /// Status, body and size on the wire of everything this owner can ask about what there is.
    async fn answers(&self, tap: &Wiretap) -> Vec<(u16, Vec<u8>, usize)> {
        let path = |leaf: &str| format!("/v1/collections/{}{leaf}", self.id);
        let mut answers = Vec::new();
        for word in WORDS.iter().step_by(3) {
            for mode in ["sparse", "dense", "hybrid"] {
                let body = json!({ "text": word, "mode": mode, "exact": true }).to_string();
                answers.push(sized(&self.client, tap, "POST", &path("/query"), &body).await);
            }
        }
        let body = json!({ "prompt": WORDS.join(" "), "budget": 300 }).to_string();
        answers.push(sized(&self.client, tap, "POST", &path("/context"), &body).await);
        for path in [path(""), path("/documents"), "/v1/collections".to_owned()] {
            answers.push(sized(&self.client, tap, "GET", &path, "").await);
        }
        answers
    }

    async fn sees_its_own(&self) {
        let collections = self.client.collections().await.unwrap();
        assert_eq!(collections.len(), 1);
        assert_eq!(
            (collections[0].id, collections[0].documents),
            (self.id, self.twin.len() as u64)
        );
        let listed = self.client.documents(self.id).await.unwrap();
        let ids: Vec<_> = listed.iter().map(|row| row.id.as_str().to_owned()).collect();
        let mut sorted = ids.clone();
        sorted.sort();
        assert!(sorted.iter().eq(self.twin.keys()), "{ids:?}");
        let query = parse(json!({ "text": WORDS.join(" "), "k": 100 }));
        for hit in self.client.query(self.id, &query).await.unwrap().hits {
            assert_eq!(self.twin.get(hit.document.as_str()), Some(&hit.text));
        }
    }
}

/// A foreign collection and one that never was answer alike on every route: status, body and size; and a
/// stranger's attempts leave it as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_is_absent() {
    let lab = Lab::start().await;
    let tap = Wiretap::before(lab.address()).await;
    let (alice, bob) =
        (lab.client_at("alice", &tap.url()).await, lab.client_at("bob", &tap.url()).await);
    let made = alice.create_collection("notes", VectorSource::default()).await;
    let foreign = made.unwrap().id;
    let document = parse(json!({ "id": "doc", "content": "what alice knows" }));
    let handle = alice.put_document(foreign, &document).await.unwrap().handle;
    let operation = alice.compact(foreign).await.unwrap().id;
    let address = bob.identity().address();
    let far = alice.channel().now() + 3600;

    let absent = CollectionId([0xab; 16]);
    let one = format!("/documents/{handle}");
    let grant = json!({ "grantee": alice.identity().address(), "expires": far }).to_string();
    let keys = json!({ "share": {} }).to_string();
    let corpora = json!({ "corpus": absent, "manifest": "", "share": {} }).to_string();
    let revoke = json!({ "grantee": address }).to_string();
    use Purpose::{Admin, Data};
    for (purpose, method, leaf, body) in [
        (Data, "GET", "", ""),
        (Data, "GET", "/documents", ""),
        (Data, "GET", &one[..], ""),
        (Data, "GET", "/head", ""),
        (Data, "POST", "/query", r#"{"text":"alice"}"#),
        (Data, "POST", "/query", r#"{"vector":[1.0]}"#),
        (Data, "POST", "/query", r#"{"text":"alice","token":"x"}"#),
        (Data, "POST", "/context", r#"{"prompt":"alice","budget":100}"#),
        (Data, "POST", "/documents/lookup", r#"{"id":"doc"}"#),
        (Data, "POST", "/documents/lookup", r#"{"id":"other"}"#),
        (Data, "PUT", "/documents", r#"{"id":"doc","content":"mine now"}"#),
        (Data, "POST", "/documents/bulk", r#"{"id":"doc","content":"mine now"}"#),
        (Data, "POST", "/corpora", &corpora),
        (Data, "POST", "/compact", ""),
        (Data, "DELETE", "/documents", r#"{"ids":["doc"]}"#),
        (Data, "DELETE", &one, ""),
        (Admin, "GET", "/policy", ""),
        (Admin, "PUT", "/policy", r#"{"workers":[],"readers":[]}"#),
        (Admin, "GET", "/grants", ""),
        (Admin, "POST", "/grants", &grant),
        (Admin, "DELETE", "/grants", &revoke),
        (Admin, "PUT", "/keys", &keys),
        (Admin, "DELETE", "", ""),
    ] {
        let mut answers = Vec::new();
        for id in [foreign, absent] {
            let path = format!("/v1/collections/{id}{leaf}");
            let media =
                if leaf.ends_with("bulk") { "application/x-ndjson" } else { "application/json" };
            let mut request = request(method, &path, body.as_bytes());
            request.media_type = media;
            let before = tap.received_len();
            let answer = ask(&bob, purpose, &request).await;
            answers.push((answer.status, text(&answer.body), tap.received_len() - before));
        }
        assert_eq!(answers[0], answers[1], "{method} {leaf}");
        assert_eq!(answers[0].0, 403, "{method} {leaf}: {answers:?}");
        assert!(!answers[0].1.contains(&foreign.to_string()), "{answers:?}");
    }
    let mut answers = Vec::new();
    for id in [operation, "ab".repeat(16)] {
        let path = format!("/v1/operations/{id}");
        answers.push(sized(&bob, &tap, "GET", &path, "").await);
    }
    assert!(answers[0] == answers[1] && answers[0].0 == 404);
    assert!(bob.collections().await.unwrap().is_empty());

    let kept = alice.documents(foreign).await.unwrap();
    assert_eq!(kept.len(), 1);
    let whole = alice.document(foreign, &kept[0].handle).await.unwrap();
    assert_eq!(whole.content.as_deref(), Some("what alice knows"));
    assert!(alice.grants(foreign).await.unwrap().is_empty());
}

/// A reply that finds much, little or nothing, and one that is refused, are of one size on the wire.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_tell_no_size() {
    let lab = Lab::start().await;
    let tap = Wiretap::before(lab.address()).await;
    let (alice, bob) =
        (lab.client_at("alice", &tap.url()).await, lab.client_at("bob", &tap.url()).await);
    let made = alice.create_collection("notes", VectorSource::default()).await;
    let id = made.unwrap().id;
    for number in 0..12 {
        let content = "\"river\" \\ harvest\n".repeat(1 + number * 8);
        let document = parse(json!({ "id": format!("doc-{number}"), "content": content }));
        alice.put_document(id, &document).await.unwrap();
    }
    let made = alice.create_collection("empty", VectorSource::default()).await;
    let empty = made.unwrap().id;
    let nothing = json!({ "must": [{ "has_id": ["no-such-document"] }] });
    for (leaf, asked) in [
        ("query", json!({ "text": "river harvest", "k": 10 })),
        ("context", json!({ "prompt": "river harvest", "budget": 2000 })),
        ("query", json!({ "text": "river harvest", "k": 10, "receipt": true })),
        ("context", json!({ "prompt": "river harvest", "budget": 2000, "receipt": true })),
    ] {
        let mut missed = asked.clone();
        missed["filter"] = nothing.clone();
        let mut sizes = Vec::new();
        for (client, id, asked) in [
            (&alice, id, &asked),
            (&alice, id, &missed),
            (&alice, empty, &asked),
            (&bob, id, &asked),
            (&bob, CollectionId([1; 16]), &asked),
        ] {
            let path = format!("/v1/collections/{id}/{leaf}");
            let (status, body, size) = sized(client, &tap, "POST", &path, &asked.to_string()).await;
            sizes.push((status, body.len(), size));
        }
        let statuses: Vec<_> = sizes.iter().map(|row| row.0).collect();
        assert_eq!(statuses, [200, 200, 200, 403, 403], "{leaf}");
        assert!(sizes[0].1 > sizes[1].1, "{leaf}: one finds, the other does not");
        assert!(sizes.iter().all(|row| row.2 == sizes[0].2), "{leaf}: {sizes:?}");
    }
}

/// An answer, and how many bytes of it the network saw.
async fn sized(
    client: &Client,
    tap: &Wiretap,
    method: &str,
    path: &str,
    body: &str,
) -> (u16, Vec<u8>, usize) {
    let before = tap.received_len();
    let answer = ask(client, Purpose::Data, &request(method, path, body.as_bytes())).await;
    (answer.status, answer.body, tap.received_len() - before)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// SplitMix64 (Steele, Lea and Flood 2014): a seed replays.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % limit as u64) as usize
    }
}

const SEED: u64 = 20_260_101;
const STEPS: u32 = 40;
const WORDS: [&str; 12] = [
    "river", "harvest", "engine", "violet", "granite", "lantern", "orchard", "copper", "meadow",
    "signal", "timber", "glacier",
];
