//! A worker to ask, and those who ask it.
//!
//! Layer: benches, tax; over the laboratory of `tests`.
//! Holds: a worker with a full collection, an owner, readers with grants, and every way to ask it.
//! Never: a request that one way signs and another does not.
//! Invariant: each way carries the same signed inner request, and ends with the answer's body in hand.

use crate::data::{DataSet, Document};
use crate::error::{BenchError, Step};
use crate::measure::time;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http;
use prag_client::Client;
use prag_client::channel::Sent;
use prag_client::envelope::Request;
use prag_client::identity::Purpose;
use prag_client::system::OsEntropy;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{BulkLine, Format, PutDocument, SuppliedChunk};
use prag_protocol::wire::grants::PutGrant;
use prag_protocol::wire::operations::OperationState;
use prag_tests::{Lab, Wiretap};
use prag_trust::permit::Expected;
use prag_trust::request::{RequestParts, sign_request};
use std::time::Duration;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// A worker in this process, on loopback, with a collection.
pub(crate) struct Stage {
    /// The worker's.
    pub(crate) runtime: Runtime,
    /// Of whoever asks one question after another: one thread, which waits for each answer.
    pub(crate) desk: Runtime,
    pub(crate) collection: CollectionId,
    /// Has a grant.
    pub(crate) reader: Client,
    /// Has a grant with a quota: each query is written to the ledger.
    pub(crate) metered: Client,
    pub(crate) tap: Wiretap,
    /// The reader, through the tap.
    pub(crate) tapped: Client,
    url: String,
    inner: Router,
    plain: reqwest::Client,
    lab: Lab,
}

/// A request that is ready to be sent, once.
pub(crate) struct Ready {
    method: &'static str,
    path: String,
    body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Stage {
    /// Boots, makes the collection, fills and compacts it.
    pub(crate) fn new(data: &DataSet) -> Result<Self, BenchError> {
        let runtime = Runtime::new().step("a runtime")?;
        let lab = runtime.block_on(Lab::start_with(|settings| {
            settings.plain = true;
            // Only when it is asked for: a freeze in the background would run into the requests.
            settings.freeze_rows = FREEZE_ROWS_MAX;
            // A reader that asks without pause would be slowed down: the pace is a setting, and not what is measured.
            (settings.rate_per_s, settings.rate_burst) = (PACE_MAX, BURST_MAX);
        }));
        let collection = runtime.block_on(fill(&lab, data))?;
        let desk = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let desk = desk.step("a runtime of one thread")?;
        // Connections live where they are made.
        let reader = desk.block_on(lab.client("reader"));
        let metered = desk.block_on(lab.client("metered"));
        // The SDK's first message opens the session, and says that it vouches for what follows.
        desk.block_on(reader.collections()).step("the reader's session")?;
        let tap = runtime.block_on(Wiretap::before(lab.address()));
        let tapped = desk.block_on(lab.client_at("reader", &tap.url()));
        let plain = reqwest::Client::builder().no_proxy().tls_certs_only(std::iter::empty());
        let plain = plain.build().step("an HTTP client")?;
        let (url, inner) = (lab.url(), prag_server::http::inner(lab.worker().clone()));
        Ok(Self { runtime, desk, collection, reader, metered, tap, tapped, url, inner, plain, lab })
    }

    /// The reader, so many times: each with its own session and connections.
    pub(crate) fn readers(&self, count: usize) -> Vec<Client> {
        (0..count).map(|_| self.runtime.block_on(self.lab.client("reader"))).collect()
    }

    /// Stops the worker in good order.
    pub(crate) fn end(self) {
        let Self { runtime, mut lab, inner, .. } = self;
        drop(inner);
        runtime.block_on(lab.stop());
    }

    /// Signs a request as the reader.
    pub(crate) fn sign(
        &self,
        method: &'static str,
        path: String,
        body: Vec<u8>,
    ) -> Result<Ready, BenchError> {
        let channel = self.reader.channel();
        let session = self.desk.block_on(channel.session()).step("a session")?;
        let expected = Expected {
            chain_id: session.attestation().chain_id.clone(),
            contract: session.attestation().contract.clone(),
        };
        let (now, identity) = (channel.now(), self.reader.identity());
        let permit = identity.permit(Purpose::Data, &expected, now).step("a permit")?;
        let nonce = prag_trust::entropy::random(&mut OsEntropy).step("a nonce")?;
        let parts = RequestParts { method, path: &path, query: "", body: &body };
        let worker = session.worker().sig_pk;
        let signed = sign_request(identity.session(), &parts, &permit, &worker, now, nonce);
        let headers = signed.step("signing a request")?.headers;
        Ok(Ready { method, path, body, headers })
    }

    /// Straight into the inner router: no socket, no channel.
    pub(crate) fn in_process(&self, ready: Ready) -> Result<Duration, BenchError> {
        time(|| {
            let mut request = http::Request::builder().method(ready.method).uri(ready.path);
            for (name, value) in &ready.headers {
                request = request.header(name, value);
            }
            if !ready.body.is_empty() {
                request = request.header("content-type", JSON);
            }
            let request = request.body(Body::from(ready.body)).step("a request")?;
            self.desk.block_on(async {
                let answer = self.inner.clone().oneshot(request).await.step("the router")?;
                let status = answer.status().as_u16();
                let body = to_bytes(answer.into_body(), REPLY_BYTES_MAX).await.step("a reply")?;
                answered(status, body)
            })
        })
    }

    /// HTTP over loopback to a worker that serves in the open.
    pub(crate) fn in_the_open(&self, ready: Ready) -> Result<Duration, BenchError> {
        time(|| self.desk.block_on(self.open_request(&self.url, ready)))
    }

    /// The same, through the tap. Answers bytes sent and received.
    pub(crate) fn open_bytes(&self, ready: Ready) -> Result<(usize, usize), BenchError> {
        let url = self.tap.url();
        self.counted(|| self.desk.block_on(self.open_request(&url, ready)).map(drop))
    }

    /// Sealed to the worker's attested keys, over loopback.
    pub(crate) fn sealed(&self, ready: &Ready) -> Result<Duration, BenchError> {
        time(|| self.through(&self.reader, ready))
    }

    /// The same, through the tap. Answers bytes sent and received.
    pub(crate) fn sealed_bytes(&self, ready: &Ready) -> Result<(usize, usize), BenchError> {
        self.counted(|| self.through(&self.tapped, ready).map(drop))
    }

    fn through(&self, client: &Client, ready: &Ready) -> Result<Vec<u8>, BenchError> {
        self.desk.block_on(async {
            let session = client.channel().session().await.step("a session")?;
            let request = Request {
                method: ready.method,
                path: &ready.path,
                query: "",
                media_type: JSON,
                body: &ready.body,
            };
            match client.channel().send(&session, &request, &ready.headers).await {
                Ok(Sent::Answer(answer)) => answered(answer.status, answer.body),
                Ok(Sent::Refused(status)) => Err(BenchError::new("the gateway", status)),
                Ok(Sent::Moved) => Err(BenchError::new("the channel", "another TLS key")),
                Err(error) => Err(BenchError::new("the channel", error)),
            }
        })
    }

    async fn open_request(&self, url: &str, ready: Ready) -> Result<Vec<u8>, BenchError> {
        let method = reqwest::Method::from_bytes(ready.method.as_bytes()).step("a method")?;
        let mut request = self.plain.request(method, format!("{url}{}", ready.path));
        for (name, value) in &ready.headers {
            request = request.header(name, value);
        }
        if !ready.body.is_empty() {
            request = request.header("content-type", JSON).body(ready.body);
        }
        let answer = request.send().await.step("plain HTTP")?;
        let status = answer.status().as_u16();
        answered(status, answer.bytes().await.step("a plain reply")?.to_vec())
    }

    fn counted(
        &self,
        ask: impl FnOnce() -> Result<(), BenchError>,
    ) -> Result<(usize, usize), BenchError> {
        let before = (self.tap.sent().len(), self.tap.received_len());
        ask()?;
        Ok((self.tap.sent().len() - before.0, self.tap.received_len() - before.1))
    }
}

fn answered<B: AsRef<[u8]>>(status: u16, body: B) -> Result<B, BenchError> {
    if status == 200 {
        return Ok(body);
    }
    Err(BenchError::new("an answer", String::from_utf8_lossy(body.as_ref())))
}

/// The collection, filled and compacted; `reader` may read it, and `metered`, with a quota.
async fn fill(lab: &Lab, data: &DataSet) -> Result<CollectionId, BenchError> {
    let owner = lab.client("owner").await;
    let vector = data.documents.first().and_then(|document| document.vectors.first());
    let dimension = vector.step("a document")?.len();
    let source = VectorSource::Supplied(u32::try_from(dimension).step("a dimension")?);
    let made = owner.create_collection("bench", source).await.step("a collection")?;
    for documents in data.documents.chunks(BULK) {
        let lines: Vec<BulkLine> = documents.iter().map(line).collect::<Result<_, _>>()?;
        owner.bulk(made.id, &lines).await.step("filling the collection")?;
    }
    let mut operation = owner.compact(made.id).await.step("compacting")?;
    while operation.state == OperationState::Running {
        tokio::time::sleep(POLL).await;
        operation = owner.operation(&operation.id).await.step("compacting")?;
    }
    let collection = owner.collection(made.id).await.step("the collection")?;
    let whole = data.documents.len() as u64;
    if (collection.documents, collection.segments) != (whole, 1) {
        return Err(BenchError::new("filling the collection", "not all of it is in one segment"));
    }
    let (reader, metered) = (lab.client("reader").await, lab.client("metered").await);
    for (client, quota) in [(&reader, None), (&metered, Some(u64::from(u32::MAX)))] {
        let grant = PutGrant {
            grantee: client.identity().address().clone(),
            read: true,
            write: false,
            max_k: 10,
            quota,
            expires: owner.channel().now() + 86_400,
            scope: None,
            scope_salt: None,
            delegate: 0,
        };
        owner.put_grant(made.id, &grant).await.step("a grant")?;
    }
    Ok(made.id)
}

fn line(document: &Document) -> Result<BulkLine, BenchError> {
    let chunks = document.spans.iter().zip(&document.vectors);
    let chunks =
        chunks.map(|(&(start, end), vector)| SuppliedChunk { start, end, vector: vector.clone() });
    Ok(BulkLine::Document(PutDocument {
        id: document.id.parse().step("a document's id")?,
        title: String::new(),
        format: Format::Text,
        content: document.content.clone(),
        metadata: document.metadata.clone(),
        chunks: Some(chunks.collect()),
    }))
}

const JSON: &str = "application/json";
const REPLY_BYTES_MAX: usize = 32 << 20;
/// Documents of a request: 8 chunks of 384 numbers are 40 KiB of JSON.
const BULK: usize = 48;
/// The most that a worker takes.
const FREEZE_ROWS_MAX: usize = 4_000_000;
/// The most that a worker's settings take.
const PACE_MAX: u64 = 10_000;
const BURST_MAX: u64 = 100_000;
const POLL: Duration = Duration::from_millis(50);
