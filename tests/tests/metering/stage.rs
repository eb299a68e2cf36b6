//! A metering worker, an owner with a collection, a grantee, and what each of them asks.

use prag_client::Client;
use prag_client::envelope::Answer;
use prag_client::error::ClientError;
use prag_client::identity::Purpose;
use prag_protocol::CollectionId;
use prag_protocol::ledger::voucher::Counters;
use prag_protocol::metadata::Metadata;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{Format, PutDocument, SuppliedChunk};
use prag_protocol::wire::grants::PutGrant;
use prag_protocol::wire::search::QueryRequest;
use prag_server::settings::{Metering, Settings};
use prag_tests::{Lab, ask, json};

pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) owner: Client,
    pub(crate) id: CollectionId,
}

/// What so many calls of [`Stage::find`] cost.
pub(crate) fn asked(queries: u64) -> Counters {
    Counters { queries, chunks: 2 * queries, ..Counters::default() }
}

/// Settings of a worker that lends so many queries; no pace gets in the way.
pub(crate) fn lends(credit: u64) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.metering = Some(Metering { credit });
        (settings.rate_per_s, settings.rate_burst) = (10_000, 100_000);
    }
}

impl Stage {
    /// Two chunks with vectors of their own.
    pub(crate) async fn start(credit: u64) -> Self {
        Self::on(Lab::start_with(lends(credit)).await, None).await
    }

    pub(crate) async fn start_mortal(credit: u64) -> Self {
        Self::on(Lab::start_mortal(lends(credit)).await, Some(1_000)).await
    }

    async fn on(lab: Lab, quota: Option<u64>) -> Self {
        let owner = lab.client("owner").await;
        let made = owner.create_collection("notes", VectorSource::Supplied(2)).await.unwrap();
        let stage = Self { lab, owner, id: made.id };
        let content = "dose: 5 mg, twice".to_owned();
        let vectors = [vec![1.0, 0.0], vec![1.0, 0.1]];
        stage.put("d0", content, vectors).await;
        stage.grant("reader", 20, quota).await;
        stage
    }

    /// Five documents that the worker embeds; a grant of two hits a query.
    pub(crate) async fn start_modelled(credit: u64) -> Self {
        let lab = Lab::start_with(lends(credit)).await;
        let owner = lab.client("owner").await;
        let model = VectorSource::Model("all-MiniLM-L6-v2".to_owned());
        let id = owner.create_collection("notes", model).await.unwrap().id;
        for number in 0..5 {
            let sentence = format!("Patient {number} gets a dose of {number} mg in the morning. ");
            let document = PutDocument {
                id: format!("d{number}").parse().unwrap(),
                title: String::new(),
                format: Format::Text,
                content: sentence.repeat(40),
                metadata: Metadata::new(),
                chunks: None,
            };
            owner.put_document(id, &document).await.unwrap();
        }
        let stage = Self { lab, owner, id };
        stage.grant("reader", 2, None).await;
        stage
    }

    async fn put(&self, id: &str, content: String, vectors: [Vec<f32>; 2]) {
        let (end, [first, second]) = (u32::try_from(content.len()).unwrap(), vectors);
        let chunks = vec![
            SuppliedChunk { start: 0, end: end / 2, vector: first },
            SuppliedChunk { start: end / 2, end, vector: second },
        ];
        let document = PutDocument {
            id: id.parse().unwrap(),
            title: String::new(),
            format: Format::Text,
            content,
            metadata: Metadata::new(),
            chunks: Some(chunks),
        };
        self.owner.put_document(self.id, &document).await.unwrap();
    }

    /// A document of two chunks that are as long as chunks may be, in letters that JSON escapes.
    pub(crate) async fn put_long(&self) {
        let content = "word \"quoted\" ".repeat(2 * 4096 / 14);
        self.put("long", content, [vec![0.0, 1.0], vec![0.1, 1.0]]).await;
    }

    pub(crate) async fn grant(&self, name: &str, max_k: u32, quota: Option<u64>) {
        let grant = PutGrant {
            grantee: self.lab.account(name),
            read: true,
            write: false,
            max_k,
            quota,
            expires: self.owner.channel().now() + 3600,
            scope: None,
            scope_salt: None,
            delegate: 0,
        };
        self.owner.put_grant(self.id, &grant).await.unwrap();
    }

    /// The grantee, in a process of its own.
    pub(crate) async fn reader(&self) -> Client {
        self.lab.client("reader").await
    }

    /// One of many questions, each with two hits.
    pub(crate) async fn find(&self, client: &Client, number: f32) -> Result<(), ClientError> {
        let vector = Some(vec![1.0, number / 100.0]);
        let query = QueryRequest { vector, k: Some(9), ..QueryRequest::default() };
        let hits = client.query(self.id, &query).await?.hits;
        assert_eq!(hits.len(), 2);
        Ok(())
    }

    /// All that the client has countersigned.
    pub(crate) fn countersigned(&self, client: &Client) -> Counters {
        let all = client.usage().unwrap();
        all.first().map_or_else(Counters::default, |usage| usage.countersigned())
    }

    /// What `client` gets for a body that no SDK made.
    pub(crate) async fn raw(&self, client: &Client, leaf: &str, body: &[u8]) -> Answer {
        let path = format!("/v1/collections/{}{leaf}", self.id);
        ask(client, Purpose::Data, &json("POST", &path, body)).await
    }
}
