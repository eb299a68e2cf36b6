//! Two owners on one worker: nothing that one is told depends on what the other keeps.

use crate::model::Dice;
use crate::sender::Sender;
use crate::worker::Worker;
use prag_client::Client;
use prag_protocol::CollectionId;
use prag_protocol::metadata::Metadata;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{BulkLine, BulkStatus, Format, PutDocument};

const WORDS: [&str; 12] = [
    "harbour", "ledger", "orchard", "signal", "basin", "lantern", "quarry", "meadow", "anchor",
    "copper", "saddle", "thistle",
];

/// Replies to one owner are byte-identical before and after the other fills its collection with the
/// same ids and near copies; scores too, so term statistics are apart.
#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_does_not_show_in_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let worker = Worker::start_with(&data, &log, None, "warn");
    let first = Sender::new(&worker, folder.path(), 1).await;
    let second = Sender::new(&worker, folder.path(), 2).await;
    let mut dice = Dice(11);
    let mine = first
        .client
        .create_collection("mine", VectorSource::default())
        .await
        .unwrap()
        .id;
    fill(&first.client, mine, &mut dice, 40).await;
    let questions: Vec<(String, String)> = (0..60).map(|_| question(&mut dice)).collect();
    let before = ask(&first, mine, &questions).await;

    let theirs = second
        .client
        .create_collection("theirs", VectorSource::default())
        .await
        .unwrap()
        .id;
    fill(&second.client, theirs, &mut dice, 80).await;
    let after = ask(&first, mine, &questions).await;
    for ((before, after), (route, body)) in before.iter().zip(&after).zip(&questions) {
        assert_eq!(before, after, "{route} {body}");
    }
    assert!(
        before.iter().any(|(_, body)| body.contains("doc-")),
        "the questions have answers"
    );

    for (route, body) in questions.iter().take(10) {
        let path = format!("/v1/collections/{theirs}/{route}");
        let (status, body) = first.send(&first.letter("POST", &path, body)).await;
        assert_eq!(status, 403, "{body}");
        assert!(!WORDS.iter().any(|word| body.contains(word)), "{body}");
    }
}

async fn ask(
    owner: &Sender,
    id: CollectionId,
    questions: &[(String, String)],
) -> Vec<(u16, String)> {
    let mut replies = Vec::new();
    for (route, body) in questions {
        let path = format!("/v1/collections/{id}/{route}");
        replies.push(owner.send(&owner.letter("POST", &path, body)).await);
    }
    for route in ["", "/documents"] {
        let path = format!("/v1/collections/{id}{route}");
        let (status, body) = owner.send(&owner.letter("GET", &path, "")).await;
        replies.push((status, body));
    }
    replies.push(
        owner
            .send(&owner.letter("GET", "/v1/collections", ""))
            .await,
    );
    replies
}

async fn fill(client: &Client, id: CollectionId, dice: &mut Dice, count: u32) {
    let document = |number: u32, dice: &mut Dice| PutDocument {
        id: format!("doc-{number}").parse().unwrap(),
        title: words(dice, 2),
        format: Format::Text,
        content: words(dice, 12),
        metadata: Metadata::new(),
        chunks: None,
    };
    let lines: Vec<BulkLine> = (0..count)
        .map(|number| BulkLine::Document(document(number, dice)))
        .collect();
    for status in client.bulk(id, &lines).await.unwrap() {
        assert!(matches!(status, BulkStatus::Ok(_)));
    }
}

fn question(dice: &mut Dice) -> (String, String) {
    let count = 1 + dice.below(3);
    let text = words(dice, count);
    match dice.below(3) {
        0 => (
            "context".to_owned(),
            format!(r#"{{"prompt":"{text}","budget":300}}"#),
        ),
        1 => (
            "query".to_owned(),
            format!(r#"{{"text":"{text}","k":7,"mode":"sparse"}}"#),
        ),
        _ => ("query".to_owned(), format!(r#"{{"text":"{text}","k":5}}"#)),
    }
}

fn words(dice: &mut Dice, count: u64) -> String {
    let word = |dice: &mut Dice| WORDS[dice.below(WORDS.len() as u64) as usize];
    (0..count).map(|_| word(dice)).collect::<Vec<_>>().join(" ")
}
