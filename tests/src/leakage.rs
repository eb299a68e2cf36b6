//! What each adversary sees, measured on a worker that does what workers do.
//!
//! Layer: tests.
//! Holds: one run over one collection, and the document that it gives.
//! Never: a judgement; what must not be seen is for the tests to assert.
//! Invariant: headings and rows are the same in every run, whatever the numbers are.

mod disk;
mod network;

use crate::{Lab, ask, json as request};
use prag_client::Client;
use prag_client::identity::Purpose;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::BulkLine;
use serde_json::{Value, json};
use std::fmt::Write;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Scale {
    /// Documents of the collection, of one chunk each.
    pub documents: u32,
    /// Requests of each kind that are timed.
    pub samples: usize,
}

/// A worker with one collection, its owner, and two grantees: one with a quota and one without.
pub(crate) struct Bench {
    pub(crate) lab: Lab,
    pub(crate) owner: Client,
    pub(crate) metered: Client,
    pub(crate) stranger: Client,
    pub(crate) id: CollectionId,
    /// Bytes of what was put: ids, titles, texts, metadata.
    pub(crate) plain: u64,
}

/// The document `docs/leakage.md`.
///
/// # Panics
/// Where the worker does not do what it should.
pub async fn measure(scale: Scale) -> String {
    let mut bench = Bench::start().await;
    let mut out = String::from(HEAD);
    let _ = writeln!(
        out,
        "One run: {} documents of one chunk each, vectors of 384 numbers, {} requests of each kind timed, {} cores, {} build.\n",
        scale.documents,
        scale.samples,
        std::thread::available_parallelism().map_or(0, usize::from),
        if cfg!(debug_assertions) { "a development" } else { "a release" }
    );
    out.push_str("## Host, operator, root, hypervisor; disk or object storage\n");
    disk::measure(&mut bench, scale, &mut out).await;
    out.push_str("\n## Network, TLS proxy\n");
    network::measure(&bench, scale, &mut out).await;
    out.push_str("\n## Everybody: `/metrics`\n");
    metrics(&bench, &mut out).await;
    out.push_str("\n## Chain observer\n");
    chain(&bench, &mut out).await;
    out.push_str("\n## Grantee\n");
    grantee(&bench, &mut out).await;
    out.push_str(REST);
    out
}

/// Headings, and the first cell of every row: what does not change from run to run.
#[must_use]
pub fn outline(document: &str) -> Vec<String> {
    let line = |line: &str| {
        if line.starts_with('#') {
            return Some(line.to_owned());
        }
        line.strip_prefix("| ").and_then(|row| row.split(" |").next()).map(str::to_owned)
    };
    document.lines().filter_map(line).collect()
}

impl Bench {
    async fn start() -> Self {
        // What is measured is not held to a pace.
        let lab = Lab::start_with(|settings| {
            (settings.rate_per_s, settings.rate_burst) = (10_000, 100_000);
        });
        let lab = lab.await;
        let (owner, metered) = (lab.client("owner").await, lab.client("metered").await);
        let stranger = lab.client("stranger").await;
        let made = owner.create_collection("measured", VectorSource::Supplied(384)).await;
        let id = made.unwrap().id;
        Self { lab, owner, metered, stranger, id, plain: 0 }
    }

    pub(crate) async fn put(&mut self, from: u32, to: u32) {
        let lines: Vec<BulkLine> = (from..to).map(|number| self.line(number)).collect();
        for part in lines.chunks(100) {
            self.owner.bulk(self.id, part).await.unwrap();
        }
    }

    fn line(&mut self, number: u32) -> BulkLine {
        let content = format!(
            "{} Passage {number}. {}",
            WORDS[number as usize % WORDS.len()],
            WORDS.join(" ")
        );
        let vector = vector(number);
        let line = json!({
            "id": format!("document-{number}"), "title": format!("Title {number}"), "content": content,
            "metadata": { "number": number },
            "chunks": [{ "start": 0, "end": content.len(), "vector": vector }],
        });
        self.plain += (content.len() + 40 + vector.len() * 4) as u64;
        parse(line)
    }

    /// Status and body of a request.
    pub(crate) async fn ask(&self, client: &Client, leaf: &str, body: &Value) -> (u16, Vec<u8>) {
        self.ask_of(client, self.id, leaf, body).await
    }

    /// As [`Bench::ask`], of any collection.
    pub(crate) async fn ask_of(
        &self,
        client: &Client,
        id: CollectionId,
        leaf: &str,
        body: &Value,
    ) -> (u16, Vec<u8>) {
        let path = format!("/v1/collections/{id}/{leaf}");
        let body = body.to_string();
        let answer = ask(client, Purpose::Data, &request("POST", &path, body.as_bytes())).await;
        (answer.status, answer.body)
    }

    /// The ledger's height.
    pub(crate) async fn height(&self) -> u64 {
        let path = format!("/v1/collections/{}/head", self.id);
        let answer = ask(&self.owner, Purpose::Data, &request("GET", &path, b"")).await;
        let head: Value = serde_json::from_slice(&answer.body).unwrap();
        head["ledger_height"].as_u64().unwrap()
    }

    pub(crate) async fn grant(&self, terms: Value) {
        let mut terms = terms;
        terms["grantee"] = json!(self.metered.identity().address());
        terms["expires"] = json!(self.owner.channel().now() + 3600);
        self.owner.put_grant(self.id, &parse(terms)).await.unwrap();
    }
}

async fn metrics(bench: &Bench, out: &mut String) {
    out.push_str("Unsigned, in the open; exact, memory in steps of a MiB. Totals over all collections; nothing tells two collections or callers apart.\n\n");
    out.push_str("| field | value in this run |\n|---|---|\n");
    let text = crate::get(bench.lab.address(), "/metrics").await;
    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.split_once(' ').unwrap();
        let _ = writeln!(out, "| {name} | {value} |");
    }
}

async fn chain(bench: &Bench, out: &mut String) {
    out.push_str(
        "Addresses, ids, digests, integers (`attacks::chain` reads every transition). On the embedded ledger, transitions a request makes:\n\n",
    );
    out.push_str("| request | transitions |\n|---|---|\n");
    let query = json!({ "vector": vector(3), "k": 5 });
    let mut before = bench.height().await;
    let mut row = async |what: &str| {
        let after = bench.height().await;
        let _ = writeln!(out, "| {what} | {} |", after - before);
        before = after;
    };
    bench.ask(&bench.owner, "query", &query).await;
    row("query by the owner").await;
    bench.grant(json!({ "max_k": 10 })).await;
    row("grant").await;
    bench.ask(&bench.metered, "query", &query).await;
    row("query under a grant without a quota").await;
    bench.grant(json!({ "max_k": 10, "quota": 1000 })).await;
    row("grant with a quota").await;
    bench.ask(&bench.metered, "query", &query).await;
    row("query under a grant with a quota").await;
    bench.owner.put_document(bench.id, &document("one more")).await.unwrap();
    row("put of a document").await;
    bench.lab.anchor().await;
    row("anchor, at its cadence, if any head moved").await;
}

async fn grantee(bench: &Bench, out: &mut String) {
    out.push_str("| what | as measured |\n|---|---|\n");
    bench.grant(json!({ "max_k": 10, "quota": 1_000_000 })).await;
    let query = json!({ "text": "Passage 17 river", "vector": vector(3), "k": 10 });
    let (_, body) = bench.ask(&bench.metered, "query", &query).await;
    let reply: Value = serde_json::from_slice(&body).unwrap();
    let scores: Vec<String> =
        reply["hits"].as_array().unwrap().iter().map(|hit| hit["score"].to_string()).collect();
    let longest =
        scores.iter().map(|score| score.split('.').nth(1).map_or(0, str::len)).max().unwrap();
    let _ = writeln!(out, "| digits of a score after the point, at most | {longest} |");
    let used = async || bench.owner.grants(bench.id).await.unwrap()[0].used;
    let _ = writeln!(out, "| units of a query | {} |", used().await);
    let before = used().await;
    bench.metered.documents_page(bench.id, None, Some(100)).await.unwrap();
    let _ = writeln!(
        out,
        "| units of a page of 100 documents, at a k of 10 | {} |",
        used().await - before
    );
    let before = used().await;
    bench.metered.lookup(bench.id, "document-1".parse().unwrap()).await.unwrap();
    let _ = writeln!(out, "| units of a whole document of one chunk | {} |", used().await - before);
    out.push_str("| requests a second, and at once | the settings `rate_per_s` and `rate_burst`, 50 and 200 |\n");
    out.push_str("| shown to the owner alone | `dump`: half of the documents were returned; `probing`: most of the last 64 searches asked for what is there, or for nearly the same |\n");
}

pub(crate) fn vector(number: u32) -> Vec<f32> {
    (0..384u32).map(|place| ((number * 7 + place * 13) as f32).sin()).collect()
}

pub(crate) fn document(id: &str) -> prag_protocol::wire::documents::PutDocument {
    let content = WORDS.join(" ");
    let chunk = json!({ "start": 0, "end": content.len(), "vector": vector(1) });
    parse(json!({ "id": id, "content": content, "chunks": [chunk] }))
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

const WORDS: [&str; 12] = [
    "river", "harvest", "engine", "violet", "granite", "lantern", "orchard", "copper", "meadow",
    "signal", "timber", "glacier",
];
const HEAD: &str = "# What leaks, as measured\n\n\
    Made by `cargo run -p prag-tests --example leakage > docs/leakage.md`; a test checks that its rows are current. Sizes and counts hold on\n\
    every machine, times on the one that measured them. What must never be seen, and which test shows it, is in [threats.md](threats.md).\n\n";
const REST: &str = "\n## Malicious writer\n\
    Sees what a grantee sees, within its scope, and whether its own writes were taken. Measured: nothing more.\n\
    \n## Malicious worker operator\n\
    Sees what the host sees. The caller's permit and signature are inside the channel: `attacks::operator` replays them elsewhere, in vain.\n\
    \n## One broken TEE host\n\
    Sees all that was placed on it, in its current epochs: every text, vector, query and key of those collections, and of no other.\n";
