//! Sizes and times of messages.
//!
//! Layer: tests.
//! Holds: what a proxy counts, and what a clock beside it shows.
//! Never: what is in the messages.
//! Invariant: each row is one request's.

use super::{Bench, Scale, parse, vector};
use crate::Wiretap;
use prag_protocol::wire::collections::VectorSource;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Instant;

pub(super) async fn measure(bench: &Bench, scale: Scale, out: &mut String) {
    let tap = Wiretap::before(bench.lab.address()).await;
    let owner = bench.lab.client_at("owner", &tap.url()).await;
    let stranger = bench.lab.client_at("stranger", &tap.url()).await;
    let sized = async |client: &prag_client::Client, leaf: &str, body: &Value| {
        let (sent, received) = (tap.sent().len(), tap.received_len());
        let (status, _) = bench.ask(client, leaf, body).await;
        (status, tap.sent().len() - sent, tap.received_len() - received)
    };
    // A session's first message brings a secret along: some 130 bytes more, before padding.
    sized(&owner, "query", &json!({ "text": "x", "mode": "sparse" })).await;
    out.push_str("\n### Size of a request by the length of its text\n\n| bytes of the query | bytes of the request |\n|---|---|\n");
    for length in [1, 10, 50, 100, 200, 500, 1000, 4000, 16_000] {
        let body = json!({ "text": "x".repeat(length), "mode": "sparse" });
        let (_, sent, _) = sized(&owner, "query", &body).await;
        let _ = writeln!(out, "| {length} | {sent} |");
    }

    out.push_str(CLASSES);
    out.push_str("\n| request | found | nothing found | refused |\n|---|---|---|---|\n");
    let nothing = json!({ "must": [{ "has_id": ["no-such-document"] }] });
    let mut requests = Vec::new();
    for k in [1, 10, 100] {
        requests.push((
            format!("query, k {k}"),
            "query",
            json!({ "text": "river", "mode": "sparse", "k": k }),
        ));
    }
    requests.push((
        "query, k 10, with metadata".to_owned(),
        "query",
        json!({ "text": "river", "mode": "sparse", "k": 10, "with_metadata": true }),
    ));
    for budget in [300, 1000, 4000] {
        requests.push((
            format!("context, budget {budget}"),
            "context",
            json!({ "prompt": "river", "budget": budget }),
        ));
    }
    let long = "query, k 10, once any collection of the worker has a passage of 3 KiB";
    requests.push((
        long.to_owned(),
        "query",
        json!({ "text": "river", "mode": "sparse", "k": 10 }),
    ));
    for (label, leaf, body) in requests {
        if label == long {
            put_long(bench).await;
        }
        let mut missed = body.clone();
        missed["filter"] = nothing.clone();
        let (found, _, hit) = sized(&owner, leaf, &body).await;
        let (_, _, miss) = sized(&owner, leaf, &missed).await;
        let (status, _, refused) = sized(&stranger, leaf, &body).await;
        assert_eq!((found, status), (200, 403));
        let _ = writeln!(out, "| {label} | {hit} | {miss} | {refused} |");
    }

    out.push_str("\n### Times\nMedians, of requests one after another, of a collection that is not oblivious: nothing quantises them.\n\n| request | microseconds |\n|---|---|\n");
    bench.grant(json!({ "max_k": 10, "quota": 1_000_000 })).await;
    let query = json!({ "vector": vector(3), "k": 10 });
    let mut missed = query.clone();
    missed["filter"] = nothing;
    let words = json!({ "text": "which river runs past the orchard", "k": 10, "mode": "sparse" });
    let absent = prag_protocol::CollectionId([0xab; 16]);
    let kinds = [
        ("query, found", &bench.owner, bench.id, &query),
        ("query, nothing found", &bench.owner, bench.id, &missed),
        ("query, refused", &bench.stranger, bench.id, &query),
        ("query, no such collection", &bench.stranger, absent, &query),
        ("query under a quota (one durable row)", &bench.metered, bench.id, &query),
        ("query, words only", &bench.owner, bench.id, &words),
    ];
    // In turn, so that what else the machine does meets all kinds alike.
    let mut times = vec![Vec::new(); kinds.len()];
    for _ in 0..scale.samples {
        for (times, (_, client, id, body)) in times.iter_mut().zip(&kinds) {
            let start = Instant::now();
            bench.ask_of(client, *id, "query", body).await;
            times.push(start.elapsed());
        }
    }
    for (mut times, (label, ..)) in times.into_iter().zip(&kinds) {
        times.sort();
        let _ = writeln!(out, "| {label} | {} |", times[times.len() / 2].as_micros());
    }
}

/// A passage of 3 KiB, in a collection of its own.
async fn put_long(bench: &Bench) {
    let source = VectorSource::Supplied(2);
    let other = bench.owner.create_collection("long", source).await.unwrap().id;
    let content = "x".repeat(3 << 10);
    let chunk = json!({ "start": 0, "end": content.len(), "vector": [1.0, 0.0] });
    let document = parse(json!({ "id": "long", "content": content, "chunks": [chunk] }));
    bench.owner.put_document(other, &document).await.unwrap();
}

const CLASSES: &str = "\n### Size of a reply by the parameters of its request\n\
    A hit of a query has room by the worker's class: 1, 2, 4 or 8 KiB, by the longest passage (with title, headings\n\
    and id) that any collection on it ever stored, and 8 KiB once it has held one that was restored. It is one\n\
    for all collections and, while the worker runs, grows at most three times, so it tells no two apart; whoever\n\
    watches or asks sees when somebody stores a first passage of the next class.\n";
