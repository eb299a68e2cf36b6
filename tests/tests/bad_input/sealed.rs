//! Sealed corpora that were tampered with.
//!
//! Layer: tests.
//! Holds: a corpus of two records, and every wrong way to open and send it.
//! Never: a plain document.
//! Invariant: a record that does not open writes nothing.

use crate::Scene;
use crate::collections::released;
use crate::documents::{base64, bulk};
use crate::letter::Letter;
use prag_client::corpus::{CorpusReader, seal_documents};
use prag_client::system::OsEntropy;
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_protocol::wire::documents::PutDocument;
use serde_json::{Value, json};

struct Sealed {
    corpus: CollectionId,
    manifest: Vec<u8>,
    records: Vec<Vec<u8>>,
}

/// Lines open only where, when and as they were sealed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_lines_are_checked() {
    let scene = Scene::new().await;
    let sealed = Sealed::new(&scene);
    let path = scene.path("/documents/bulk");
    let line = |record: u64, bytes: &[u8]| {
        let corpus = sealed.corpus.to_string();
        json!({"corpus": corpus, "record": record, "sealed": base64(bytes)})
    };
    let good = [line(0, &sealed.records[0]), line(1, &sealed.records[1])];
    let unread = async |path: &str, lines: &[Value], code: Code| {
        let statuses = bulk(&scene.owner, path, lines).await;
        assert_eq!(statuses.len(), lines.len());
        for status in statuses {
            assert_eq!(status["problem"]["code"], code.as_str(), "{status}");
        }
    };
    scene.stands(async |_| unread(&path, &good, Code::CorpusNotOpen).await).await;

    let (id, owner) = (scene.embedded, &scene.owner);
    let opened = owner.open_corpus(id, sealed.corpus, &sealed.manifest);
    assert_eq!(opened.await.unwrap().records, 2);
    let mut tampered = Vec::new();
    let first = &sealed.records[0];
    for at in [0, 15, first.len() / 2, first.len() - 1] {
        let mut record = first.clone();
        record[at] ^= 1;
        tampered.push(line(0, &record));
    }
    tampered.push(line(1, first));
    tampered.push(line(0, &first[..first.len() - 1]));
    tampered.push(line(0, &first[..8]));
    tampered.push(line(0, b""));
    let elsewhere = format!("/v1/collections/{}/documents/bulk", scene.supplied);
    let (mut not_base64, mut unknown) = (good[0].clone(), good[0].clone());
    not_base64["sealed"] = json!("***");
    unknown["colour"] = json!(1);
    scene
        .stands(async |_| {
            unread(&path, &tampered, Code::CiphertextInvalid).await;
            unread(&path, &[line(2, first)], Code::InvalidField).await;
            unread(&path, &[line(u64::MAX, first)], Code::InvalidField).await;
            unread(&path, &[not_base64], Code::InvalidField).await;
            unread(&path, &[unknown], Code::UnknownField).await;
            unread(&elsewhere, &good, Code::CorpusNotOpen).await;
            assert!(bulk(&scene.reader, &path, &good).await.is_empty());
        })
        .await;
    let statuses = bulk(&scene.owner, &path, &good).await;
    assert!(statuses.iter().all(|status| status["ok"].is_object()));
}

/// A corpus opens with its own share and its own manifest only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corpora_open_with_their_own_keys() {
    let scene = Scene::new().await;
    let sealed = Sealed::new(&scene);
    let strange = released(&scene.owner, sealed.corpus, 1).await;
    let other = released(&scene.owner, scene.embedded, 1).await;
    let manifest = base64(&sealed.manifest);
    let body = |manifest: &str, share: &Value| {
        let corpus = sealed.corpus.to_string();
        json!({"corpus": corpus, "manifest": manifest, "share": share}).to_string()
    };
    let long = "A".repeat(8192);
    let cases = [
        (body(&manifest, &other), Code::CiphertextInvalid),
        (body(&manifest, &strange), Code::CiphertextInvalid),
        (body(&manifest, &json!({})), Code::CiphertextInvalid),
        (body("", &strange), Code::CiphertextInvalid),
        (body("***", &strange), Code::InvalidField),
        (body(&long, &strange), Code::TooLarge),
    ];
    scene.table("POST", &scene.path("/corpora"), &cases).await;
    let mut tampered = sealed.manifest.clone();
    tampered[20] ^= 1;
    scene
        .stands(async |scene: &Scene| {
            let owner = &scene.owner;
            let refused = owner.open_corpus(scene.embedded, sealed.corpus, &tampered);
            let code = refused.await.unwrap_err().code();
            assert_eq!(code, Some(Code::CiphertextInvalid));
        })
        .await;
    // The corpus is still not open: its lines are refused.
    let corpus = sealed.corpus.to_string();
    let line = json!({"corpus": corpus, "record": 0, "sealed": base64(&sealed.records[0])});
    let statuses = bulk(&scene.owner, &scene.path("/documents/bulk"), &[line]).await;
    assert_eq!(statuses[0]["problem"]["code"], "corpus-not-open");
    // And nobody else opens it, whatever they hold.
    let body = body(&manifest, &strange);
    let letter = Letter::new("POST", &scene.path("/corpora"), body);
    scene.refused_from(&scene.reader, &letter, Code::Forbidden).await;
}

impl Sealed {
    fn new(scene: &Scene) -> Self {
        let documents = ["alpha", "beta"].map(|id| {
            let body = json!({"id": id, "content": format!("The text of {id}.")});
            serde_json::from_value::<PutDocument>(body).unwrap()
        });
        let file = scene.lab.scratch().join("two.sealed");
        let owner = &scene.owner;
        let now = owner.channel().now();
        let (identity, shares) = (owner.identity(), owner.shares());
        let documents = documents.into_iter();
        seal_documents(documents, &file, identity, shares, now, &mut OsEntropy).unwrap();
        let mut reader = CorpusReader::open(&file).unwrap();
        let mut records = Vec::new();
        while let Some((_, record)) = reader.next_record().unwrap() {
            records.push(record);
        }
        Self { corpus: reader.header().corpus, manifest: reader.manifest().to_vec(), records }
    }
}
