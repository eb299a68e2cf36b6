//! Clients that ask, each one query after the other, for a while.
//!
//! Layer: benches, search.
//! Holds: the clients of our worker (the SDK: vouched for, sealed, verified), of a server that speaks plain HTTP, and of
//! Postgres.
//! Never: more questions under way than clients.
//! Invariant: a latency is from a client's call to the answer in its hand.

use super::engine::Loaded;
use super::sweep::K;
use crate::error::{BenchError, Step};
use crate::vectors::Matrix;
use prag_client::Client;
use prag_protocol::CollectionId;
use prag_protocol::wire::search::QueryRequest;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Has as many clients as `asking` has functions ask for `time`; each is given the numbers of its queries.
pub(super) fn load<A, F>(
    runtime: &Runtime,
    asking: Vec<A>,
    time: Duration,
) -> Result<Loaded, BenchError>
where
    A: Fn(usize) -> F + Send + 'static,
    F: Future<Output = Result<Vec<u32>, BenchError>> + Send + 'static,
{
    runtime.block_on(async {
        let begin = Instant::now();
        let client = |(first, ask): (usize, A)| {
            tokio::spawn(async move {
                let (mut latencies, mut query) = (Vec::new(), first * STRIDE);
                while begin.elapsed() < time {
                    let asked = Instant::now();
                    let found = ask(query).await?;
                    if found.len() != K {
                        return Err(BenchError::new("a query", format!("{} hits", found.len())));
                    }
                    latencies.push(asked.elapsed().as_secs_f64());
                    query += 1;
                }
                Ok(latencies)
            })
        };
        let clients: Vec<_> = asking.into_iter().enumerate().map(client).collect();
        let mut latencies = Vec::new();
        for client in clients {
            latencies.extend(client.await.step("a client")??);
        }
        Ok(Loaded { seconds: begin.elapsed().as_secs_f64(), latencies })
    })
}

/// One question to our worker.
pub(super) async fn ask_ours(
    client: Arc<Client>,
    collection: CollectionId,
    queries: Arc<Matrix>,
    ef: usize,
    query: usize,
) -> Result<Vec<u32>, BenchError> {
    let request = QueryRequest {
        vector: Some(queries.row(query % queries.len()).to_vec()),
        k: u32::try_from(K).ok(),
        ef: u32::try_from(ef).ok(),
        ..QueryRequest::default()
    };
    let reply = client.query(collection, &request).await.step("a query")?;
    let row = |hit: &prag_protocol::wire::search::Hit| {
        let document = hit.document.as_str().strip_prefix("document-")?.parse::<u32>().ok()?;
        Some(document * crate::data::CHUNKS_PER_DOCUMENT as u32 + hit.chunk)
    };
    reply.hits.iter().map(row).collect::<Option<_>>().step("a hit's row")
}

/// One question to Chroma.
pub(super) async fn ask_chroma(
    client: reqwest::Client,
    url: Arc<str>,
    queries: Arc<Matrix>,
    query: usize,
) -> Result<Vec<u32>, BenchError> {
    let vector = queries.row(query % queries.len());
    let body = serde_json::json!({ "query_embeddings": [vector], "n_results": K, "include": [] });
    let body = serde_json::to_vec(&body).step("a question")?;
    let asked = client.post(&*url).header("content-type", "application/json").body(body);
    let answer = asked.send().await.step("Chroma")?.bytes().await.step("Chroma")?;
    let found: Found = serde_json::from_slice(&answer).step("Chroma")?;
    let ids = found.ids.first().step("Chroma")?;
    ids.iter().map(|id| id.parse().step("Chroma")).collect()
}

/// A connection to Postgres, with the question prepared: a vector in, ids and passages out, as our worker answers.
pub(super) struct Asker {
    client: tokio_postgres::Client,
    question: tokio_postgres::Statement,
}

impl Asker {
    pub(super) async fn new(place: &str) -> Result<Self, BenchError> {
        let connected = tokio_postgres::connect(place, tokio_postgres::NoTls).await;
        let (client, connection) = connected.step("Postgres")?;
        tokio::spawn(connection);
        let question = format!("SELECT id, body FROM items ORDER BY v <#> $1 LIMIT {K}");
        let question = client.prepare(&question).await.step("Postgres")?;
        Ok(Self { client, question })
    }
}

/// One question to Postgres.
pub(super) async fn ask_postgres(
    asker: Arc<Asker>,
    queries: Arc<Matrix>,
    query: usize,
) -> Result<Vec<u32>, BenchError> {
    let vector = pgvector::Vector::from(queries.row(query % queries.len()).to_vec());
    let rows = asker.client.query(&asker.question, &[&vector]).await.step("Postgres")?;
    let row = |row: &tokio_postgres::Row| {
        let body: &str = row.try_get(1).step("Postgres")?;
        let id: i32 = row.try_get(0).step("Postgres")?;
        if body.is_empty() {
            return Err(BenchError::new("Postgres", "a row without its passage"));
        }
        u32::try_from(id).step("Postgres")
    };
    rows.iter().map(row).collect()
}

#[derive(serde::Deserialize)]
struct Found {
    ids: Vec<Vec<String>>,
}

/// Clients begin at queries so far apart.
const STRIDE: usize = 37;
