//! A naive twin of one collection, fed with the same writes.

use prag_client::Client;
use prag_protocol::metadata::Metadata;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{
    BulkLine, BulkStatus, DeleteDocuments, Format, PutDocument, SuppliedChunk,
};
use prag_protocol::{CollectionId, DocumentId};
use std::collections::{BTreeMap, BTreeSet};

/// Seeded chance (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ x >> 31) % bound
    }
}

/// What must be there, and what may be: writes that were sent and not answered.
pub(crate) struct Model {
    id: CollectionId,
    certain: BTreeMap<String, String>,
    /// Sent, unanswered: each document's content as it may be now, `None` for deleted.
    open: Vec<(String, Option<String>)>,
    acknowledged_size: u64,
    version: u64,
    /// Requests that were answered.
    pub(crate) acknowledged: u64,
}

impl Model {
    pub(crate) async fn create(client: &Client) -> Self {
        let made = client.create_collection("twin", VectorSource::Supplied(4)).await.unwrap();
        Self {
            id: made.id,
            certain: BTreeMap::new(),
            open: Vec::new(),
            acknowledged_size: 0,
            version: 0,
            acknowledged: 0,
        }
    }

    /// Put, replace and delete, alone and in bulk, until dropped.
    pub(crate) async fn write_for_ever(&mut self, client: &Client, dice: &mut Dice) {
        loop {
            self.open.clear();
            let size = match dice.below(10) {
                0..6 => self.put(client, dice).await,
                6..8 => self.bulk(client, dice).await,
                _ => self.delete(client, dice).await,
            };
            for (id, content) in self.open.drain(..) {
                match content {
                    Some(content) => self.certain.insert(id, content),
                    None => self.certain.remove(&id),
                };
            }
            self.acknowledged_size = self.acknowledged_size.max(size);
            self.acknowledged += 1;
        }
    }

    async fn put(&mut self, client: &Client, dice: &mut Dice) -> u64 {
        let document = self.document(dice);
        self.open.push((document.id.as_str().to_owned(), Some(document.content.clone())));
        size(&client.put_document(self.id, &document).await.unwrap().head)
    }

    async fn bulk(&mut self, client: &Client, dice: &mut Dice) -> u64 {
        let mut documents = BTreeMap::new();
        for _ in 0..=dice.below(12) {
            let document = self.document(dice);
            documents.insert(document.id.as_str().to_owned(), document);
        }
        let lines: Vec<BulkLine> = documents.into_values().map(BulkLine::Document).collect();
        for line in &lines {
            let BulkLine::Document(document) = line else { panic!("a document") };
            self.open.push((document.id.as_str().to_owned(), Some(document.content.clone())));
        }
        let statuses = client.bulk(self.id, &lines).await.unwrap();
        let sizes = statuses.iter().map(|status| match status {
            BulkStatus::Ok(reply) => size(&reply.head),
            BulkStatus::Problem(problem) => panic!("{problem}"),
        });
        sizes.max().unwrap()
    }

    async fn delete(&mut self, client: &Client, dice: &mut Dice) -> u64 {
        let id = name(dice);
        self.open.push((id.clone(), None));
        let which =
            DeleteDocuments { ids: Some(vec![id.parse().unwrap()]), filter: None, purge: false };
        size(&client.delete_documents(self.id, &which).await.unwrap().head)
    }

    /// Compare with the worker: every certain document is there; an open one is as before or as sent.
    pub(crate) async fn check(&mut self, client: &Client, round: u32) {
        let head = client.check_history(self.id).await.unwrap();
        assert!(
            head.size >= self.acknowledged_size,
            "round {round}: the head is older than acknowledged"
        );
        let listed = client.documents(self.id).await.unwrap();
        let mut now = BTreeMap::new();
        for info in listed {
            let whole = client.lookup(self.id, info.id.clone()).await.unwrap();
            now.insert(info.id.as_str().to_owned(), whole.content.unwrap());
        }
        let names: BTreeSet<String> = now.keys().chain(self.certain.keys()).cloned().collect();
        for name in names {
            let (is, was) = (now.get(&name), self.certain.get(&name));
            let sent = self.open.iter().any(|(id, content)| *id == name && content.as_ref() == is);
            assert!(is == was || sent, "round {round}: {name} is {is:?}, was {was:?}");
        }
        self.certain = now;
        self.open.clear();
    }

    /// Segments of the collection now.
    pub(crate) async fn segments(&self, client: &Client) -> u32 {
        client.collection(self.id).await.unwrap().segments
    }

    fn document(&mut self, dice: &mut Dice) -> PutDocument {
        self.version += 1;
        let content =
            format!("version {} {}", self.version, "word ".repeat(dice.below(40) as usize));
        let id: DocumentId = name(dice).parse().unwrap();
        let end = u32::try_from(content.len()).unwrap();
        let vector = (0..4).map(|_| dice.below(1000) as f32 / 500.0 - 1.001).collect();
        PutDocument {
            id,
            title: String::new(),
            format: Format::Text,
            content,
            metadata: Metadata::new(),
            chunks: Some(vec![SuppliedChunk { start: 0, end, vector }]),
        }
    }
}

fn name(dice: &mut Dice) -> String {
    format!("document-{}", dice.below(40))
}

fn size(head: &serde_json::Value) -> u64 {
    head["head"]["size"].as_u64().unwrap()
}
