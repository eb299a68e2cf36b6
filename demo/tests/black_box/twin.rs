//! Thousands of random steps: exact search, filters and listings equal a naive twin's.

use crate::model::Dice;
use crate::worker::{User, Worker};
use prag_client::Client;
use prag_protocol::filter::Filter;
use prag_protocol::metadata::Metadata;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{DeleteDocuments, Format, PutDocument, SuppliedChunk};
use prag_protocol::wire::search::{Mode, QueryRequest};
use prag_protocol::{CollectionId, DocumentId};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

const STEPS: u32 = 3000;
const DIMENSION: usize = 8;
const DOCUMENTS: u64 = 60;

/// A document as the twin keeps it: per chunk a unit vector.
struct Twin {
    documents: BTreeMap<String, (Metadata, Vec<Vec<f32>>)>,
}

/// Upsert, delete, query, list, compact and restart in random order; answers equal at every step.
#[test]
fn answers_equal_the_naive_twin() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("settings.toml"), "freeze_rows = 64\nmerge_segments = 3\n").unwrap();
    let (data, log, settings) = (at("data"), at("log"), at("settings.toml"));
    let start = || Worker::start_with(&data, &log, Some(&settings), "warn");
    let mut worker = start();
    let connect = |worker: &Worker| User { home: at("owner"), address: worker.address };
    connect(&worker).ok(&["keys", "new"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut client = runtime.block_on(connect(&worker).client());
    let made = client.create_collection("twin", VectorSource::Supplied(8));
    let id = runtime.block_on(made).unwrap().id;
    let mut twin = Twin { documents: BTreeMap::new() };
    let mut dice = Dice(7);
    for step in 0..STEPS {
        match dice.below(1000) {
            0..450 => runtime.block_on(twin.put(&client, id, &mut dice)),
            450..560 => runtime.block_on(twin.delete(&client, id, &mut dice)),
            560..960 => runtime.block_on(twin.query(&client, id, &mut dice, step)),
            960..985 => runtime.block_on(twin.list(&client, id)),
            985..995 => drop(runtime.block_on(client.compact(id)).unwrap()),
            _ => {
                worker.kill();
                worker = start();
                client = runtime.block_on(connect(&worker).client());
            }
        }
    }
    runtime.block_on(twin.list(&client, id));
    let segments = runtime.block_on(client.collection(id)).unwrap().segments;
    assert!(segments > 0, "segments were searched too");
}

impl Twin {
    async fn put(&mut self, client: &Client, id: CollectionId, dice: &mut Dice) {
        let name = format!("d{}", dice.below(DOCUMENTS));
        let count = 1 + dice.below(3) as usize;
        let content = "word ".repeat(count);
        let vectors: Vec<Vec<f32>> = (0..count).map(|_| vector(dice)).collect();
        let chunk = |(i, vector): (usize, &Vec<f32>)| SuppliedChunk {
            start: u32::try_from(5 * i).unwrap(),
            end: u32::try_from(5 * i + 4).unwrap(),
            vector: vector.clone(),
        };
        let metadata = metadata(dice);
        let put = PutDocument {
            id: name.parse().unwrap(),
            title: String::new(),
            format: Format::Text,
            content,
            metadata: metadata.clone(),
            chunks: Some(vectors.iter().enumerate().map(chunk).collect()),
        };
        client.put_document(id, &put).await.unwrap();
        self.documents.insert(name, (metadata, vectors.iter().map(|v| unit(v)).collect()));
    }

    async fn delete(&mut self, client: &Client, id: CollectionId, dice: &mut Dice) {
        let name = format!("d{}", dice.below(DOCUMENTS));
        let ids: Vec<DocumentId> = vec![name.parse().unwrap()];
        let which = DeleteDocuments { ids: Some(ids), filter: None, purge: false };
        let reply = client.delete_documents(id, &which).await.unwrap();
        assert_eq!(reply.deleted, u64::from(self.documents.remove(&name).is_some()));
    }

    async fn query(&self, client: &Client, id: CollectionId, dice: &mut Dice, step: u32) {
        let (query, filter) = (vector(dice), filter(dice));
        let k = 1 + dice.below(20) as usize;
        let request = QueryRequest {
            vector: Some(query.clone()),
            k: u32::try_from(k).ok(),
            mode: Some(Mode::Dense),
            filter: filter.clone(),
            exact: true,
            ..QueryRequest::default()
        };
        let reply = client.query(id, &request).await.unwrap();
        let expected = self.search(&unit(&query), filter.as_ref());
        assert_eq!(reply.hits.len(), expected.len().min(k), "step {step}");
        let distinct: BTreeSet<(&str, u32)> =
            reply.hits.iter().map(|hit| (hit.document.as_str(), hit.chunk)).collect();
        assert_eq!(distinct.len(), reply.hits.len(), "step {step}: a hit came twice");
        for (rank, hit) in reply.hits.iter().enumerate() {
            let name = hit.document.as_str();
            let score = expected.iter().find(|(id, chunk, _)| id == name && *chunk == hit.chunk);
            let (_, _, score) = score.unwrap_or_else(|| panic!("step {step}: {name} is no answer"));
            assert!((hit.score - score).abs() < 2e-3, "step {step}: score of {name}");
            assert!((hit.score - expected[rank].2).abs() < 2e-3, "step {step}: rank {rank}");
        }
    }

    /// All rows that the filter lets through, best first.
    fn search(&self, query: &[f32], filter: Option<&Filter>) -> Vec<(String, u32, f32)> {
        let mut rows = Vec::new();
        for (name, (metadata, vectors)) in &self.documents {
            if filter.is_some_and(|filter| !filter.matches(name, metadata)) {
                continue;
            }
            for (chunk, vector) in (0u32..).zip(vectors) {
                let score = vector.iter().zip(query).map(|(a, b)| a * b).sum();
                rows.push((name.clone(), chunk, score));
            }
        }
        rows.sort_by(|a: &(String, u32, f32), b| b.2.total_cmp(&a.2));
        rows
    }

    async fn list(&self, client: &Client, id: CollectionId) {
        let listed = client.documents(id).await.unwrap();
        let listed: Vec<(String, Metadata)> =
            listed.into_iter().map(|info| (info.id.as_str().to_owned(), info.metadata)).collect();
        let expected: Vec<(String, Metadata)> = self
            .documents
            .iter()
            .map(|(name, (metadata, _))| (name.clone(), metadata.clone()))
            .collect();
        assert_eq!(listed, expected);
    }
}

fn vector(dice: &mut Dice) -> Vec<f32> {
    (0..DIMENSION).map(|_| dice.below(2001) as f32 / 1000.0 - 1.0003).collect()
}

fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter().map(|x| x / norm).collect()
}

fn metadata(dice: &mut Dice) -> Metadata {
    let lang = ["en", "de", "fr"][dice.below(3) as usize];
    let when = format!("20{:02}-01-01T00:00:00Z", dice.below(30));
    let (year, flag) = (dice.below(10), dice.below(2) == 0);
    let mut fields = vec![format!(r#""lang":"{lang}""#)];
    if dice.below(2) == 0 {
        fields.push(format!(r#""year":{year},"weight":{}.5"#, dice.below(5)));
    }
    if dice.below(2) == 0 {
        fields.push(format!(r#""flag":{flag},"when":{{"datetime":"{when}"}},"gone":null"#));
    }
    serde_json::from_str(&format!("{{{}}}", fields.join(","))).unwrap()
}

fn filter(dice: &mut Dice) -> Option<Filter> {
    let conditions = [
        r#"{"key":"lang","match":{"value":"en"}}"#,
        r#"{"key":"lang","match":{"any":["de","fr"]}}"#,
        r#"{"key":"lang","match":{"except":["de"]}}"#,
        r#"{"key":"year","range":{"gte":3,"lt":8}}"#,
        r#"{"key":"weight","range":{"gt":1.5}}"#,
        r#"{"key":"flag","match":{"value":true}}"#,
        r#"{"key":"when","range":{"gte":{"datetime":"2010-01-01T00:00:00Z"}}}"#,
        r#"{"exists":{"key":"year"}}"#,
        r#"{"is_null":{"key":"gone"}}"#,
        r#"{"has_id":["d1","d2","d3","d4","d5","d6"]}"#,
    ];
    let mut pick = || conditions[dice.below(conditions.len() as u64) as usize];
    let (a, b, c) = (pick(), pick(), pick());
    let text = match dice.below(4) {
        0 => return None,
        1 => format!(r#"{{"must":[{a}]}}"#),
        2 => format!(r#"{{"must":[{a}],"must_not":[{b}]}}"#),
        _ => format!(r#"{{"should":[{a},{b}],"must_not":[{c}]}}"#),
    };
    Some(serde_json::from_str(&text).unwrap())
}
