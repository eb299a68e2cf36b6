//! A worker, an owner with a filled collection, and whoever the owner grants it to.

use prag_client::Client;
use prag_client::channel::Sent;
use prag_client::envelope::{Answer, Request};
use prag_client::identity::Purpose;
use prag_client::system::OsEntropy;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{BulkLine, BulkStatus};
use prag_protocol::wire::search::QueryRequest;
use prag_server::settings::Settings;
use prag_tests::{Lab, compact, get};
use prag_trust::entropy::random;
use prag_trust::key::Share;
use prag_trust::permit::Expected;
use prag_trust::release::{Terms, seal_share};
use prag_trust::request::{RequestParts, sign_request};
use serde_json::{Value, json};

pub(crate) struct Scene {
    pub(crate) lab: Lab,
    pub(crate) owner: Client,
    /// Two dimensions, supplied; document `dN` has one chunk in the direction of N degrees.
    pub(crate) id: CollectionId,
}

impl Scene {
    pub(crate) async fn with(documents: u32, change: impl FnOnce(&mut Settings)) -> Self {
        let lab = Lab::start_with(change).await;
        let owner = lab.client("owner").await;
        let made = owner.create_collection("attacked", VectorSource::Supplied(2)).await.unwrap();
        let scene = Self { lab, owner, id: made.id };
        let lines: Vec<BulkLine> = (0..documents).map(line).collect();
        let statuses = scene.owner.bulk(scene.id, &lines).await.unwrap();
        assert!(statuses.iter().all(|status| matches!(status, BulkStatus::Ok(_))));
        scene
    }

    /// The person called `name`, granted to read for an hour on `terms`.
    pub(crate) async fn grantee(&self, name: &str, terms: Value) -> Client {
        let url = self.lab.url();
        self.grantee_at(name, terms, &url).await
    }

    /// As [`Scene::grantee`], through `url`.
    pub(crate) async fn grantee_at(&self, name: &str, mut terms: Value, url: &str) -> Client {
        let client = self.lab.client_at(name, url).await;
        terms["grantee"] = json!(client.identity().address());
        if terms["expires"].is_null() {
            terms["expires"] = json!(self.owner.channel().now() + 3600);
        }
        self.owner.put_grant(self.id, &parse(terms)).await.unwrap();
        client
    }

    /// A query in the direction of document `number`.
    pub(crate) fn near(&self, number: u32) -> QueryRequest {
        QueryRequest { vector: Some(direction(number).to_vec()), ..QueryRequest::default() }
    }

    /// A document of so many chunks.
    pub(crate) async fn put_long(&self, id: &str, chunks: usize) {
        let content = "part of it. ".repeat(chunks);
        let chunk = |number: usize| json!({ "start": number * 12, "end": number * 12 + 11, "vector": direction(number as u32) });
        let chunks: Vec<Value> = (0..chunks).map(chunk).collect();
        let document = parse(json!({ "id": id, "content": content, "chunks": chunks }));
        self.owner.put_document(self.id, &document).await.unwrap();
    }

    /// Makes segments of the tail, and waits for it.
    pub(crate) async fn compact(&self) {
        compact(&self.owner, self.id).await;
    }

    /// What everybody may read.
    pub(crate) async fn metrics(&self) -> String {
        get(self.lab.address(), "/metrics").await
    }

    /// One of its numbers.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let metrics = self.metrics().await;
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    }
}

fn line(number: u32) -> BulkLine {
    let content = format!("content {number} of words that are told apart by their number");
    let end = content.len();
    BulkLine::Document(parse(json!({
        "id": format!("d{number}"),
        "title": format!("Title {number}"),
        "content": content,
        "metadata": { "even": number.is_multiple_of(2) },
        "chunks": [{ "start": 0, "end": end, "vector": direction(number) }],
    })))
}

fn direction(number: u32) -> [f32; 2] {
    let angle = (f64::from(number)).to_radians();
    [angle.cos() as f32, angle.sin() as f32]
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// How a request is signed.
pub(crate) struct Signing {
    /// The worker that is meant.
    pub(crate) worker: [u8; 32],
    /// The ledger that the permit is for.
    pub(crate) expected: Expected,
    /// When the permit was made, Unix seconds.
    pub(crate) permit_made: u64,
    /// When the request is signed, Unix seconds.
    pub(crate) created: u64,
}

impl Signing {
    /// As the SDK signs now, for the worker that `client` talks to.
    pub(crate) async fn now(client: &Client) -> Self {
        let session = client.channel().session().await.unwrap();
        // A worker that has restarted since has other keys.
        let session = client.channel().renew(&session).await.unwrap();
        let (chain_id, contract) =
            (session.attestation().chain_id.clone(), session.attestation().contract.clone());
        let now = client.channel().now();
        Self {
            worker: session.worker().sig_pk,
            expected: Expected { chain_id, contract },
            permit_made: now,
            created: now,
        }
    }
}

/// The headers of a request with a permit for data.
pub(crate) fn sign(client: &Client, request: &Request<'_>, signing: &Signing) -> Headers {
    let identity = client.identity();
    let permit = identity.permit(Purpose::Data, &signing.expected, signing.permit_made).unwrap();
    let parts = RequestParts {
        method: request.method,
        path: request.path,
        query: request.query,
        body: request.body,
    };
    let nonce = random(&mut OsEntropy).unwrap();
    let key = identity.session();
    sign_request(key, &parts, &permit, &signing.worker, signing.created, nonce).unwrap().headers
}

/// Sends a request with headers that were made before.
pub(crate) async fn send_signed(
    client: &Client,
    request: &Request<'_>,
    headers: &[(String, String)],
) -> Answer {
    let session = client.channel().session().await.unwrap();
    match client.channel().send(&session, request, headers).await.unwrap() {
        Sent::Answer(answer) => answer,
        Sent::Refused(status) => panic!("the gateway refused: {status}"),
        Sent::Moved => panic!("the worker shows another TLS key"),
    }
}

/// Some share, sealed and signed by `client` for the worker that it talks to.
pub(crate) async fn released(client: &Client, id: CollectionId, epoch: u32) -> Value {
    let session = client.channel().session().await.unwrap();
    let terms = Terms { collection: id, epoch, nonce: random(&mut OsEntropy).unwrap() };
    let share = Share::random(&mut OsEntropy).unwrap();
    let (worker, keys) = (session.worker(), session.keys());
    let owner = client.identity().session();
    let sealed = seal_share(&share, worker, keys, &terms, owner, &mut OsEntropy);
    serde_json::to_value(sealed.unwrap()).unwrap()
}

type Headers = Vec<(String, String)>;
