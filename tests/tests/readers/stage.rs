//! An owner with a collection of one document, a grantee, and what each of them asks.

use prag_client::Client;
use prag_client::envelope::Answer;
use prag_client::error::ClientError;
use prag_client::identity::Purpose;
use prag_protocol::CollectionId;
use prag_protocol::metadata::Metadata;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{Format, PutDocument, SuppliedChunk};
use prag_protocol::wire::grants::PutGrant;
use prag_protocol::wire::policy::SetPolicy;
use prag_protocol::wire::readers::{Challenge, OpenSession};
use prag_protocol::wire::search::{ContextRequest, QueryRequest};
use prag_server::settings::Settings;
use prag_tests::{Lab, SimReader, ask, json};
use prag_trust::evidence::{Evidence, ReaderBinding, Verifier};
use prag_trust::sim::{SimVerifier, sim_measurement};

pub(crate) const IMAGE: &str = "an LLM worker";
pub(crate) const SECRET: &str = "dose: 5 mg";

pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) owner: Client,
    pub(crate) id: CollectionId,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        Self::start_with(|| Box::new(SimVerifier), |_| ()).await
    }

    pub(crate) async fn start_with(
        verifier: fn() -> Box<dyn Verifier>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let lab = Lab::start_judging(verifier, change).await;
        let owner = lab.client("owner").await;
        let made = owner.create_collection("notes", VectorSource::Supplied(2)).await.unwrap();
        let stage = Self { lab, owner, id: made.id };
        stage.put(&stage.owner, 0, SECRET).await;
        stage.grant("reader").await;
        stage
    }

    /// Reading and writing for `name`.
    pub(crate) async fn grant(&self, name: &str) {
        let grant = PutGrant {
            grantee: self.lab.client(name).await.identity().address().clone(),
            read: true,
            write: true,
            max_k: 20,
            quota: None,
            expires: self.owner.channel().now() + 3600,
            scope: None,
            scope_salt: None,
            delegate: 0,
        };
        self.owner.put_grant(self.id, &grant).await.unwrap();
    }

    /// The grantee, without evidence; who attested with the same key before has a session all the same.
    pub(crate) async fn plain(&self) -> Client {
        self.grant("plain").await;
        self.lab.client("plain").await
    }

    /// The grantee, attesting as an image.
    pub(crate) async fn reader(&self, image: &'static str) -> Client {
        self.attested("reader", image).await
    }

    pub(crate) async fn attested(&self, name: &str, image: &'static str) -> Client {
        self.lab.client(name).await.reading_as(Box::new(SimReader(image)))
    }

    /// This worker serves, and readers of these images read.
    pub(crate) async fn list(&self, readers: &[&str]) {
        let readers = readers.iter().map(|name| image(name)).collect();
        self.set_policy(vec![self.lab.image()], readers).await;
    }

    pub(crate) async fn set_policy(&self, workers: Vec<[u8; 32]>, readers: Vec<[u8; 32]>) {
        self.owner.set_policy(self.id, &SetPolicy { workers, readers }).await.unwrap();
    }

    pub(crate) async fn put(&self, client: &Client, number: u32, content: &str) {
        self.try_put(client, number, content).await.unwrap();
    }

    pub(crate) async fn try_put(
        &self,
        client: &Client,
        number: u32,
        content: &str,
    ) -> Result<(), ClientError> {
        let end = u32::try_from(content.len()).unwrap();
        let document = PutDocument {
            id: format!("d{number}").parse().unwrap(),
            title: "t".repeat(128),
            format: Format::Text,
            content: content.to_owned(),
            metadata: Metadata::new(),
            chunks: Some(vec![SuppliedChunk { start: 0, end, vector: vec![1.0, number as f32] }]),
        };
        client.put_document(self.id, &document).await.map(drop)
    }

    /// How many chunks a query finds.
    pub(crate) async fn find(&self, client: &Client) -> Result<usize, ClientError> {
        let query =
            QueryRequest { vector: Some(vec![1.0, 0.0]), k: Some(20), ..QueryRequest::default() };
        Ok(client.query(self.id, &query).await?.hits.len())
    }

    pub(crate) async fn reads_all(&self, client: &Client) {
        assert_eq!(self.find(client).await.unwrap(), 1);
        let context = client.context(self.id, &context()).await.unwrap();
        assert!(context.context.contains(SECRET), "{context:?}");
        let listed = client.documents(self.id).await.unwrap();
        let shown = client.document(self.id, &listed[0].handle).await.unwrap();
        let found = client.lookup(self.id, "d0".parse().unwrap()).await.unwrap();
        for content in [shown.content, found.content] {
            assert_eq!(content.as_deref(), Some(SECRET));
        }
    }

    pub(crate) async fn reads_nothing(&self, client: &Client, code: Code) {
        let refused = [
            self.find(client).await.err(),
            client.context(self.id, &context()).await.err(),
            client.documents(self.id).await.err(),
            client.document(self.id, &"0".repeat(32)).await.err(),
            client.lookup(self.id, "d0".parse().unwrap()).await.err(),
        ];
        for (row, error) in refused.into_iter().enumerate() {
            assert_eq!(error.unwrap().code(), Some(code), "row {row}");
        }
    }

    /// A session does not outlive its worker's boot; a reader attests to the next one by itself.
    pub(crate) async fn restart_forgets_sessions(mut self) {
        self.list(&[IMAGE]).await;
        let attested = self.reader(IMAGE).await;
        self.reads_all(&attested).await;
        self.lab.restart().await;
        let plain = self.lab.client("reader").await;
        self.reads_nothing(&plain, Code::ReaderAttestationRequired).await;
        self.reads_all(&attested).await;
    }
}

/// The digest of an image of this name.
pub(crate) fn image(name: &str) -> [u8; 32] {
    sim_measurement(name)
}

/// A challenge for the client's key.
pub(crate) async fn challenge(client: &Client) -> [u8; 32] {
    let answer = ask(client, Purpose::Data, &json("POST", "/v1/sessions/challenge", b"")).await;
    serde_json::from_slice::<Challenge>(&answer.body).unwrap().nonce
}

/// What honest evidence of the client binds.
pub(crate) async fn binding(client: &Client, nonce: [u8; 32]) -> ReaderBinding {
    ReaderBinding {
        session_key: client.identity().session().public_key(),
        sealing_key: [5; 32],
        nonce,
        worker: client.channel().session().await.unwrap().worker().sig_pk,
    }
}

/// What `client` gets for showing `evidence` of an image that bound `binding`.
pub(crate) async fn open(client: &Client, binding: &ReaderBinding, evidence: &Evidence) -> Answer {
    let evidence = serde_json::to_value(evidence).unwrap();
    let (nonce, sealing_key) = (binding.nonce, binding.sealing_key);
    let body = serde_json::to_vec(&OpenSession { evidence, nonce, sealing_key }).unwrap();
    ask(client, Purpose::Data, &json("POST", "/v1/sessions", &body)).await
}

fn context() -> ContextRequest {
    ContextRequest {
        prompt: "dose".to_owned(),
        budget: 200,
        passages: None,
        filter: None,
        fusion: None,
        token: None,
        receipt: false,
        metering: None,
    }
}
