//! What the channel, the signatures and the grant add to a request.
//!
//! Layer: benches, tax.
//! Holds: the same inner request through every way into the worker, and rows that set two ways against each other.
//! Never: signing within a way's time. The whole call of the SDK signs nothing: its session vouches for it, where every
//! other way carries a signature that the worker verifies.
//! Invariant: all ways are asked in each round, with the round's own query.

use super::lab::{Ready, Stage};
use super::storage::{Arm, K};
use super::twin::Twin;
use crate::data::DataSet;
use crate::error::{BenchError, Step};
use crate::measure::{Measured, Screen, Side, interleave, time};
use crate::options::Size;
use crate::report::{Row, Sheet, Unit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use prag_client::Client;
use prag_client::system::OsEntropy;
use prag_protocol::wire::search::QueryRequest;
use prag_server::channel::KeyRing;
use prag_trust::resumed::{Resumption, SECRET_BYTES};
use std::cell::Cell;
use std::time::Duration;

/// Adds the rows.
pub(super) fn run(
    size: Size,
    data: &DataSet,
    twin: &Twin,
    screen: &Screen,
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    screen.now("filling a worker");
    let stage = Stage::new(data)?;
    small(&stage, size, screen, sheet)?;
    queries(&stage, size, data, twin, screen, sheet)?;
    let sizes = wire(&stage, data, sheet)?;
    channel(size, sizes, screen, sheet)?;
    stage.end();
    Ok(())
}

/// The smallest request: nothing but the ways themselves counts.
fn small(stage: &Stage, size: Size, screen: &Screen, sheet: &mut Sheet) -> Result<(), BenchError> {
    let ready = || stage.sign("GET", "/v1/models".to_owned(), Vec::new());
    let sides = vec![
        Side::new("in process", |_| stage.in_process(ready()?)),
        Side::new("plain HTTP", |_| stage.in_the_open(ready()?)),
        Side::new("channel", |_| stage.sealed(&ready()?)),
    ];
    let measured = interleave(sides, WARM, size.requests, screen.now("asking small things"))?;
    let [inner, plain, sealed] = &measured[..] else {
        return Err(BenchError::new("asking", "three ways"));
    };
    let data = "GET /v1/models";
    let mut row = |id, figure, subject: &Measured, baseline: &Measured| {
        let row = Row::single(id, figure, data, Unit::Seconds, subject)?;
        sheet.add(row.against(subject, baseline)?);
        Ok::<(), BenchError>(())
    };
    row("request/small/http", "a small request: HTTP's part", plain, inner)?;
    row("request/small/channel", "a small request: the channel's part", sealed, plain)
}

/// A query by vector, from the bare index up to the SDK's whole call.
fn queries(
    stage: &Stage,
    size: Size,
    data: &DataSet,
    twin: &Twin,
    screen: &Screen,
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    let vector = |round: usize| &data.queries[round % data.queries.len()];
    let ready = |round: usize| query(stage, vector(round));
    let whole = |client: &Client, round: usize| {
        let request = request(vector(round));
        time(|| {
            let asked = client.query(stage.collection, &request);
            stage.desk.block_on(asked).step("a query").and_then(full)
        })
    };
    let sides = vec![
        Side::whole("bare index", |round| twin.search(vector(round))),
        Side::new("in process", |round| stage.in_process(ready(round)?)),
        Side::new("plain HTTP", |round| stage.in_the_open(ready(round)?)),
        Side::new("channel", |round| stage.sealed(&ready(round)?)),
        Side::new("SDK", |round| whole(&stage.reader, round)),
        Side::new("SDK, quota", |round| whole(&stage.metered, round)),
        Side::new("SDK, 16 at once", |round| together(stage, data, round)),
    ];
    let measured = interleave(sides, WARM, size.requests, screen.now("asking queries"))?;
    let [index, inner, plain, sealed, sdk, metered, together] = &measured[..] else {
        return Err(BenchError::new("asking", "seven ways"));
    };
    let mut row = |id, figure, subject: &Measured, baseline: &Measured, bar: Option<f64>| {
        let mut row = Row::single(id, figure, &data.name, Unit::Seconds, subject)?;
        row.bar = bar;
        sheet.add(row.against(subject, baseline)?);
        Ok::<(), BenchError>(())
    };
    row("request/query/admission", "a query: signature, permit, grant, JSON", inner, index, None)?;
    row("request/query/http", "a query: HTTP's part", plain, inner, None)?;
    row("request/query/channel", "a query: the channel's part", sealed, plain, None)?;
    row(
        "request/query/sdk",
        "a query: the SDK's part, without a signature at either end",
        sdk,
        sealed,
        None,
    )?;
    row("request/query/quota", "a query: a grant with a quota (one fsync)", metered, sdk, None)?;
    row("request/query/whole", "a query, whole: SDK to SDK", sdk, index, Some(2.0))?;
    let figure = "the same, a sixteenth of a request of 16 queries";
    row("request/query/together", figure, together, index, Some(2.0))
}

/// What each of several queries in one request takes.
fn together(stage: &Stage, data: &DataSet, round: usize) -> Result<Duration, BenchError> {
    let vectors = data.queries.iter().cycle().skip(round * TOGETHER % data.queries.len());
    let requests: Vec<_> = vectors.take(TOGETHER).map(|vector| request(vector)).collect();
    let whole = time(|| {
        let asked = stage.desk.block_on(stage.reader.queries(stage.collection, &requests));
        let replies = asked.step("queries")?.into_iter().map(full);
        replies.collect::<Result<Vec<_>, _>>()
    })?;
    Ok(whole / TOGETHER as u32)
}

/// Bytes on the wire, one request on a connection that is open already. Answers the lengths of the sealed messages.
fn wire(stage: &Stage, data: &DataSet, sheet: &mut Sheet) -> Result<(usize, usize), BenchError> {
    let vector = data.queries.first().step("a query")?;
    let mut sizes = [(0, 0); 2];
    for _ in 0..2 {
        // The first round opens the connections.
        sizes =
            [stage.sealed_bytes(&query(stage, vector)?)?, stage.open_bytes(query(stage, vector)?)?];
    }
    let [sealed, plain] = sizes;
    for (id, figure, sealed, plain) in [
        ("wire/request", "bytes of a query's request, HTTP's head included", sealed.0, plain.0),
        ("wire/reply", "bytes of its reply, padded for k 10", sealed.1, plain.1),
    ] {
        let sealed = Measured::once("channel", sealed as f64);
        let plain = Measured::once("plain HTTP", plain as f64);
        let row = Row::single(id, figure, "a query by vector, k 10", Unit::Bytes, &sealed)?;
        sheet.add(row.against(&sealed, &plain)?);
    }
    Ok(sealed)
}

/// The channel's cryptography alone, on messages as long as a query's: a session's first message, and those that follow.
fn channel(
    size: Size,
    (request, reply): (usize, usize),
    screen: &Screen,
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    let ring = KeyRing::new(Box::new(OsEntropy), NOW).step("a key ring")?;
    let keys = ring.key_set(&SigningKey::from_bytes(&[7; 32]), NOW).step("a key set")?;
    let config = STANDARD.decode(&keys.ohttp_config).step("a key configuration")?;
    let (request, reply) = (vec![1; request], vec![2; reply]);
    let once = |_| {
        let sender = ohttp::ClientRequest::from_encoded_config(&config).step("a sender")?;
        let (message, opener) = sender.encapsulate(&request).step("encapsulating")?;
        let opened = ring.decapsulate(&message, NOW).step("decapsulating")?;
        opened.resume(&SECRET, None, NOW);
        let sealed = opened.seal.seal(&reply).step("sealing a reply")?;
        opener.decapsulate(&sealed).step("opening a reply").map(drop)
    };
    once(0)?;
    let (client, number) = (Resumption::new(&SECRET), Cell::new(0));
    let resumed = |_| {
        let number = number.replace(number.get() + 1);
        let message = client.seal_request(number, &request).step("sealing a request")?;
        let opened = ring.resume(&message, NOW).step("opening a request")?;
        let sealed = opened.seal.seal(&reply).step("sealing a reply")?;
        client.open_answer(number, &sealed).step("opening a reply").map(drop)
    };
    let bar = screen.now("sealing messages");
    let sides = vec![Side::whole("a key exchange each", once), Side::whole("resumed", resumed)];
    let measured = interleave(sides, WARM, size.checks, bar)?;
    let [once, resumed] = &measured[..] else {
        return Err(BenchError::new("sealing", "two ways"));
    };
    let figure = "the channel's cryptography alone, request and reply, client and worker";
    let data = format!("{} and {} bytes", request.len(), reply.len());
    let row = Row::single("request/query/crypto", figure, &data, Unit::Seconds, resumed)?;
    sheet.add(row.against(resumed, once)?);
    Ok(())
}

fn query(stage: &Stage, vector: &[f32]) -> Result<Ready, BenchError> {
    let body = serde_json::to_vec(&request(vector)).step("a query's body")?;
    stage.sign("POST", format!("/v1/collections/{}/query", stage.collection), body)
}

fn request(vector: &[f32]) -> QueryRequest {
    let k = u32::try_from(K).ok();
    QueryRequest { vector: Some(vector.to_vec()), k, ..QueryRequest::default() }
}

/// An answer that found less was another, cheaper question.
fn full(
    reply: prag_protocol::wire::search::QueryReply,
) -> Result<prag_protocol::wire::search::QueryReply, BenchError> {
    let found = reply.hits.len();
    if found == K { Ok(reply) } else { Err(BenchError::new("a query", format!("{found} hits"))) }
}

const SECRET: [u8; SECRET_BYTES] = [5; SECRET_BYTES];
/// Queries of a request of several.
const TOGETHER: usize = 16;
const WARM: usize = 10;
const NOW: u64 = 1_800_000_000;
