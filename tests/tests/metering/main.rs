//! Usage by vouchers, over the real channel: every read of a grantee is counted once and countersigned, whatever is lost
//! on the way, whoever dies, and whoever lies.
//!
//! Layer: tests.
//! Holds: a metering worker, an owner, a grantee with the SDK; a proxy that loses replies; requests that no SDK makes.
//! Never: a counter read from inside the worker.
//! Invariant: what is countersigned is what was asked.

#![allow(clippy::unwrap_used, clippy::panic)]

mod cut;
mod deaths;
mod lost;
mod refusals;
mod stage;

use prag_client::identity::Purpose;
use prag_protocol::ledger::voucher::Counters;
use prag_protocol::problem::Code;
use prag_protocol::wire::metering::{Metered, Standing};
use prag_protocol::wire::models::{EmbeddingsRequest, Input, InputType};
use prag_protocol::wire::search::{
    ContextReply, ContextRequest, QueriesReply, QueryReply, QueryRequest,
};
use prag_tests::{SimReader, Wiretap, ask, json};
use stage::{Stage, asked};

/// Counters equal what was asked, unit by unit, by every route and through a restart; the owner's own use is not metered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_are_what_was_asked() {
    let mut stage = Stage::start_modelled(1).await;
    let reader = stage.reader().await;
    let mut twin = Counters::default();
    for round in 0..2 {
        let text = format!("the dose of round {round}, in mg");
        let request = EmbeddingsRequest {
            model: String::new(),
            input: Input::One(text.clone()),
            input_type: InputType::Query,
            encoding_format: None,
            user: None,
        };
        let tokens = reader.embeddings(&request).await.unwrap().usage.prompt_tokens;
        let query =
            QueryRequest { text: Some(text.clone()), k: Some(2), ..QueryRequest::default() };
        let hits = reader.query(stage.id, &query).await.unwrap().hits.len() as u64;
        twin.queries += 1;
        twin.chunks += hits;
        twin.embedded += tokens;
        assert_eq!(stage.countersigned(&reader), twin, "after a query");

        let context = ContextRequest { prompt: text, budget: 200, ..ContextRequest::default() };
        let reply = reader.context(stage.id, &context).await.unwrap();
        twin.queries += 1;
        twin.chunks += reply.citations.len() as u64;
        twin.embedded += tokens;
        twin.input += u64::from(reply.tokens);
        assert_eq!(stage.countersigned(&reader), twin, "after a context");

        let listed = reader.documents(stage.id).await.unwrap();
        // A page counts as the queries that could have returned it: 5 rows, at 2 a query.
        twin.queries += 3;
        for shown in [
            reader.document(stage.id, &listed[0].handle).await.unwrap(),
            reader.lookup(stage.id, listed[1].id.clone()).await.unwrap(),
        ] {
            twin.queries += u64::from(shown.chunks).div_ceil(2);
            twin.chunks += u64::from(shown.chunks);
        }
        assert_eq!(stage.countersigned(&reader), twin, "after documents");
        // What is not there costs nothing.
        let gone = reader.lookup(stage.id, "absent".parse().unwrap()).await.unwrap_err();
        assert_eq!(gone.code(), Some(Code::DocumentNotFound));
        stage.owner.query(stage.id, &query).await.unwrap();
        stage.lab.restart().await;
    }
    let [usage] = reader.usage().unwrap().try_into().unwrap();
    assert_eq!((usage.pending(), usage.refused), (0, None));
    assert!(twin.chunks > 0 && twin.embedded > 0 && twin.input > 0, "{twin:?}");
    assert!(stage.owner.usage().unwrap().iter().all(|usage| usage.voucher.is_none()));
}

/// Several queries in one request count as many, under one voucher; a retry under the same id counts nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_together_count_each() {
    let stage = Stage::start(16).await;
    let reader = stage.reader().await;
    let query = |number: u8| QueryRequest {
        vector: Some(vec![1.0, f32::from(number) / 100.0]),
        k: Some(9),
        ..QueryRequest::default()
    };
    for (round, count) in [(1, 5), (2, 1), (3, 9)] {
        let queries: Vec<_> = (0..count).map(|number| query(16 * round + number)).collect();
        let before = stage.countersigned(&reader).queries;
        reader.queries(stage.id, &queries).await.unwrap();
        assert_eq!(stage.countersigned(&reader), asked(before + u64::from(count)));
    }
    let body = br#"{"queries":[{"vector":[1,0]},{"vector":[0,1]}],"metering":{"request_id":"00112233445566778899aabbccddeeff"}}"#;
    let used = async || {
        let answer = stage.raw(&reader, "/queries", body).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let reply: Metered<QueriesReply> = serde_json::from_slice(&answer.body).unwrap();
        reply.voucher.unwrap().voucher.used.queries
    };
    assert_eq!((used().await, used().await), (17, 17));
}

/// Requests of one session at once, in two processes: all are counted, none twice, and every voucher fits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_all_count() {
    let stage = Stage::start(8).await;
    let readers = [stage.reader().await, stage.reader().await];
    for round in 0..4u8 {
        let all = (0..8u8).map(|number| {
            let question = f32::from(8 * round + number);
            stage.find(&readers[usize::from(number % 2)], question)
        });
        for found in together(all).await {
            found.unwrap();
        }
    }
    let [reader, _] = readers;
    let usage = reader.settle(stage.id, false).await.unwrap().unwrap();
    assert_eq!(usage.countersigned(), asked(32));
    assert_eq!(usage.pending(), 0);
}

/// Without the setting nothing is metered: no voucher, no file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_setting_nothing_is_metered() {
    let mut stage = Stage::start(1).await;
    stage.lab.restart_with(|settings| settings.metering = None).await;
    let reader = stage.reader().await;
    for number in 0..3u8 {
        stage.find(&reader, f32::from(number)).await.unwrap();
    }
    assert!(reader.usage().unwrap().is_empty());
    assert_eq!(reader.settle(stage.id, false).await.unwrap(), None);
    let answer = stage.raw(&reader, "/query", br#"{"vector":[1,0]}"#).await;
    assert_eq!(serde_json::from_slice::<Metered<QueryReply>>(&answer.body).unwrap().voucher, None);
}

/// An attested reader's voucher is inside the seal, with the reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vouchers_are_sealed_with_replies() {
    let stage = Stage::start(4).await;
    let reader = stage.reader().await.reading_as(Box::new(SimReader("an LLM worker")));
    reader.attest_reader().await.unwrap();
    for (leaf, body) in [
        ("/query", &br#"{"vector":[1,0]}"#[..]),
        ("/context", br#"{"prompt":"dose","budget":100}"#),
        ("/vouchers", b"{}"),
    ] {
        let answer = stage.raw(&reader, leaf, body).await;
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 200, "{leaf}: {body}");
        assert!(body.starts_with(r#"{"sealed":"#) && !body.contains("voucher"), "{leaf}");
    }
    let context =
        ContextRequest { prompt: "dose".into(), budget: 100, ..ContextRequest::default() };
    // What was asked past the SDK is more than it knows of.
    assert_eq!(reader.context(stage.id, &context).await.unwrap_err().kind(), "over-claim");
    let usage = reader.settle(stage.id, true).await.unwrap().unwrap();
    assert_eq!(usage.countersigned().queries, 3);
    stage.find(&reader, 1.0).await.unwrap();
    assert_eq!(stage.countersigned(&reader).queries, 4);
}

/// From outside a reply has one length: metered, not metered, refused, or refused because something is owed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metering_shows_in_no_length() {
    let stage = Stage::start(2).await;
    let tap = Wiretap::before(stage.lab.address()).await;
    let owner = stage.lab.client_at("owner", &tap.url()).await;
    let reader = stage.lab.client_at("reader", &tap.url()).await;
    let outsider = stage.lab.client_at("outsider", &tap.url()).await;
    for (leaf, body) in
        [("query", r#"{"vector":[1,0],"k":10}"#), ("context", r#"{"prompt":"dose","budget":8000}"#)]
    {
        let path = format!("/v1/collections/{}/{leaf}", stage.id);
        let mut sizes = Vec::new();
        for (client, status) in [
            (&owner, 200),
            (&reader, if leaf == "query" { 200 } else { 402 }),
            (&reader, 402),
            (&outsider, 403),
        ] {
            if leaf == "query" && status == 402 {
                // The second one is the last that is lent.
                ask(client, Purpose::Data, &json("POST", &path, body.as_bytes())).await;
            }
            let before = tap.received_len();
            let answer = ask(client, Purpose::Data, &json("POST", &path, body.as_bytes())).await;
            assert_eq!(answer.status, status, "{leaf}");
            sizes.push(tap.received_len() - before);
        }
        assert!(sizes.iter().all(|size| *size == sizes[0]), "{leaf}: {sizes:?}");
    }
}

/// The longest reply that a voucher comes with still fits its bucket: whole hits, and a sealed voucher beside them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voucher_fits_beside_everything() {
    let stage = Stage::start(9).await;
    stage.put_long().await;
    let reader = stage.reader().await.reading_as(Box::new(SimReader("an LLM worker")));
    let query =
        QueryRequest { vector: Some(vec![0.0, 1.0]), k: Some(2), ..QueryRequest::default() };
    assert_eq!(reader.query(stage.id, &query).await.unwrap().hits.len(), 2);
    let context =
        ContextRequest { prompt: "word".into(), budget: 8000, ..ContextRequest::default() };
    let reply: ContextReply = reader.context(stage.id, &context).await.unwrap();
    assert!(reply.tokens > 500, "{}", reply.tokens);
}

/// How a session stands is told to it, and a hand-in is all that changes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_asks_how_it_stands() {
    let stage = Stage::start(4).await;
    let reader = stage.reader().await;
    let standing = |body: Vec<u8>| serde_json::from_slice::<Standing>(&body).unwrap();
    let none = stage.raw(&reader, "/vouchers", b"{}").await;
    assert_eq!(standing(none.body), Standing::default());
    stage.find(&reader, 1.0).await.unwrap();
    let one = standing(stage.raw(&reader, "/vouchers", b"{}").await.body);
    assert_eq!(one.offered.unwrap().voucher.used, asked(1));
    assert_eq!(one.countersigned, None, "it comes with the next request");
    stage.find(&reader, 2.0).await.unwrap();
    let two = standing(stage.raw(&reader, "/vouchers", b"{}").await.body);
    assert_eq!(two.countersigned.unwrap().voucher.used, asked(1));
}

/// All of them at once, in their order.
async fn together<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|cx| {
        let mut waits = false;
        for (future, done) in &mut all {
            if done.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(output) => *done = Some(output),
                    std::task::Poll::Pending => waits = true,
                }
            }
        }
        if waits { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    all.into_iter().map(|(_, done)| done.unwrap()).collect()
}
