//! Every kind of bad input: a 4xx with a stable code, nothing written, and the worker serves on.

use crate::sender::{Change, Letter, Sender};
use crate::worker::Worker;
use prag_client::ledger::LedgerHead;
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_trust::permit::Permissions;
use std::fs;

struct Scene {
    folder: tempfile::TempDir,
    worker: Worker,
    owner: Sender,
    embedded: CollectionId,
    supplied: CollectionId,
}

/// Bodies that no route takes.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_refused_by_name() {
    let scene = Scene::new().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let long_title = format!(
        r#"{{"id":"x","content":"text","title":"{}"}}"#,
        "t".repeat(600)
    );
    let long = format!(r#"{{"id":"x","content":"{}"}}"#, "word ".repeat(500_000));
    let nested = format!("{}{}{}", r#"{"must":["#.repeat(9), "", "]}".repeat(9));
    let nested = format!(r#"{{"text":"x","filter":{nested}}}"#);
    let cases: Vec<(&str, &str, String, Code)> = vec![
        ("PUT", "documents", "{".into(), Code::Malformed),
        ("PUT", "documents", deep, Code::TooDeep),
        (
            "PUT",
            "documents",
            r#"{"id":"x","content":"text","color":1}"#.into(),
            Code::UnknownField,
        ),
        (
            "PUT",
            "documents",
            r#"{"id":"x","content":""}"#.into(),
            Code::EmptyText,
        ),
        (
            "PUT",
            "documents",
            r#"{"id":"x","content":" \n\t "}"#.into(),
            Code::EmptyText,
        ),
        (
            "PUT",
            "documents",
            r#"{"id":"","content":"text"}"#.into(),
            Code::InvalidField,
        ),
        (
            "PUT",
            "documents",
            r#"{"id":7,"content":"text"}"#.into(),
            Code::InvalidField,
        ),
        ("PUT", "documents", long_title, Code::TooLarge),
        ("PUT", "documents", long, Code::TooLarge),
        (
            "PUT",
            "documents",
            r#"{"id":"x","content":"text","metadata":{"a":{"b":1}}}"#.into(),
            Code::InvalidField,
        ),
        (
            "POST",
            "query",
            r#"{"text":"x","k":0}"#.into(),
            Code::InvalidField,
        ),
        (
            "POST",
            "query",
            r#"{"text":"x","k":100000}"#.into(),
            Code::InvalidField,
        ),
        (
            "POST",
            "query",
            r#"{"text":"x","ef":9999999}"#.into(),
            Code::InvalidField,
        ),
        ("POST", "query", "{}".into(), Code::InvalidField),
        ("POST", "query", r#"{"text":" "}"#.into(), Code::EmptyText),
        ("POST", "query", nested, Code::BadFilter),
        (
            "POST",
            "query",
            r#"{"text":"x","filter":{"must":[{"key":"a","range":{"gte":"tall"}}]}}"#.into(),
            Code::BadFilter,
        ),
        (
            "POST",
            "query",
            r#"{"text":"x","filter":{"may":[]}}"#.into(),
            Code::BadFilter,
        ),
        (
            "POST",
            "query",
            r#"{"text":"x","fusion":{"linear":{"weight":7}}}"#.into(),
            Code::InvalidField,
        ),
        (
            "POST",
            "query",
            r#"{"vector":[1,2,3]}"#.into(),
            Code::WrongDimension,
        ),
        (
            "POST",
            "context",
            r#"{"prompt":"x","budget":1}"#.into(),
            Code::InvalidField,
        ),
        (
            "POST",
            "context",
            r#"{"prompt":"x","budget":1000000}"#.into(),
            Code::InvalidField,
        ),
        ("DELETE", "documents", "{}".into(), Code::InvalidField),
        (
            "DELETE",
            "documents",
            r#"{"filter":{}}"#.into(),
            Code::BadFilter,
        ),
    ];
    for (method, route, body, code) in cases {
        let path = format!("/v1/collections/{}/{route}", scene.embedded);
        scene
            .refused(&scene.owner.letter(method, &path, &body), code)
            .await;
    }
    scene.unchanged().await;
}

/// Vectors that are none.
#[tokio::test(flavor = "multi_thread")]
async fn vectors_are_checked() {
    let scene = Scene::new().await;
    let path = format!("/v1/collections/{}", scene.supplied);
    for (vector, code) in [
        ("[1]", Code::WrongDimension),
        ("[1,2,3]", Code::WrongDimension),
        ("[0,0]", Code::BadVector),
        ("[1e999,0]", Code::BadVector),
        ("[1e300,0]", Code::BadVector),
    ] {
        let query = format!(r#"{{"vector":{vector},"mode":"dense"}}"#);
        scene
            .refused(
                &scene.owner.letter("POST", &format!("{path}/query"), &query),
                code,
            )
            .await;
        let put = format!(
            r#"{{"id":"x","content":"text","chunks":[{{"start":0,"end":4,"vector":{vector}}}]}}"#
        );
        scene
            .refused(
                &scene
                    .owner
                    .letter("PUT", &format!("{path}/documents"), &put),
                code,
            )
            .await;
    }
    for vector in ["[NaN,0]", "[null,0]", r#"["a",0]"#] {
        let query = format!(r#"{{"vector":{vector},"mode":"dense"}}"#);
        let (status, body) = scene
            .owner
            .send(&scene.owner.letter("POST", &format!("{path}/query"), &query))
            .await;
        assert!((400..500).contains(&status), "{vector}: {status} {body}");
    }
    let outside = r#"{"id":"x","content":"text","chunks":[{"start":2,"end":9,"vector":[1,0]}]}"#;
    scene
        .refused(
            &scene
                .owner
                .letter("PUT", &format!("{path}/documents"), outside),
            Code::InvalidField,
        )
        .await;
    scene.unchanged().await;
}

/// Permits and signatures that do not hold.
#[tokio::test(flavor = "multi_thread")]
async fn callers_are_checked() {
    let scene = Scene::new().await;
    let path = format!("/v1/collections/{}/query", scene.embedded);
    let letter = || scene.owner.letter("POST", &path, r#"{"text":"x"}"#);
    let foreign = prag_trust::permit::Expected {
        chain_id: "secret-4".into(),
        ..scene.owner.expected.clone()
    };
    let changed: Change = |headers| {
        let permit = headers
            .iter_mut()
            .find(|(name, _)| name == "prag-permit")
            .unwrap();
        permit.1 = permit.1.replace('A', "B");
    };
    let bare: Change = Vec::clear;
    let cases: Vec<(Letter<'_>, &[Code])> = vec![
        (
            Letter {
                expires: -10,
                ..letter()
            },
            &[Code::PermitExpired],
        ),
        (
            Letter {
                expected: foreign,
                ..letter()
            },
            &[Code::PermitInvalid],
        ),
        (
            Letter {
                change: Some(changed),
                ..letter()
            },
            &[Code::SignatureInvalid, Code::PermitInvalid],
        ),
        (
            Letter {
                change: Some(bare),
                ..letter()
            },
            &[Code::SignatureInvalid, Code::PermitInvalid],
        ),
        (
            Letter {
                permissions: Permissions::Admin,
                ..letter()
            },
            &[Code::PermissionMissing, Code::Forbidden],
        ),
        (
            Letter {
                permissions: Permissions::Ingest,
                ..letter()
            },
            &[Code::PermissionMissing, Code::Forbidden],
        ),
        (
            Letter {
                created: -90,
                ..letter()
            },
            &[Code::ClockSkew],
        ),
        (
            Letter {
                created: 90,
                ..letter()
            },
            &[Code::ClockSkew],
        ),
        (
            Letter {
                worker: Some([7; 32]),
                ..letter()
            },
            &[Code::SignatureInvalid],
        ),
        (
            Letter {
                sent_body: Some(br#"{"text":"y"}"#.to_vec()),
                ..letter()
            },
            &[Code::SignatureInvalid],
        ),
    ];
    for (letter, codes) in cases {
        let (status, body) = scene.owner.send(&letter).await;
        assert!((400..500).contains(&status), "{status} {body}");
        assert!(codes.contains(&code(&body)), "{codes:?}: {body}");
    }
    let twice = Letter {
        nonce: Some([5; 16]),
        ..letter()
    };
    assert_eq!(scene.owner.send(&twice).await.0, 200);
    scene.refused(&twice, Code::Replayed).await;
    scene.unchanged().await;
}

/// An absent collection and a foreign one: the same bytes. A revoked, expired or used-up grant: refused.
#[tokio::test(flavor = "multi_thread")]
async fn absent_and_foreign_answer_alike() {
    let scene = Scene::new().await;
    let stranger = Sender::new(&scene.worker, scene.folder.path(), 2).await;
    for (method, route, body) in [
        ("POST", "query", r#"{"text":"x"}"#),
        ("POST", "context", r#"{"prompt":"x","budget":100}"#),
        ("PUT", "documents", r#"{"id":"x","content":"text"}"#),
        ("GET", "documents", ""),
        ("GET", "head", ""),
        ("POST", "compact", ""),
    ] {
        let ask = async |id: String| {
            stranger
                .send(&stranger.letter(method, &format!("/v1/collections/{id}/{route}"), body))
                .await
        };
        let foreign = ask(scene.embedded.to_string()).await;
        let absent = ask("0".repeat(32)).await;
        assert_eq!(foreign, absent, "{route}");
        assert_eq!(code(&foreign.1), Code::Forbidden);
    }
    let listed = stranger
        .send(&stranger.letter("GET", "/v1/collections", ""))
        .await;
    assert_eq!(listed, (200, r#"{"data":[]}"#.to_owned()));
    scene.unchanged().await;
}

/// Bulk: the bad lines are refused one by one, the good ones stand.
#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_spare_the_good() {
    let scene = Scene::new().await;
    let path = format!("/v1/collections/{}/documents/bulk", scene.embedded);
    let sealed = format!(
        r#"{{"corpus":"{}","record":0,"sealed":"AAAA"}}"#,
        "1".repeat(32)
    );
    let lines = [
        r#"{"id":"good","content":"good text"}"#,
        "{",
        r#"{"id":"x","content":""}"#,
        &sealed,
    ];
    let mut letter = scene.owner.letter("POST", &path, &lines.join("\n"));
    letter.media_type = "application/x-ndjson";
    let (status, body) = scene.owner.send(&letter).await;
    assert_eq!(status, 200, "{body}");
    let answers: Vec<&str> = body.lines().collect();
    assert_eq!(answers.len(), 4, "{body}");
    assert!(answers[0].contains("created"), "{}", answers[0]);
    for (answer, code) in answers[1..]
        .iter()
        .zip(["malformed", "empty-text", "corpus-not-open"])
    {
        assert!(answer.contains(code), "{answer}");
    }
    assert_eq!(
        scene
            .owner
            .client
            .collection(scene.embedded)
            .await
            .unwrap()
            .documents,
        2
    );
}

/// What is not the channel's is refused outside; noise and replays in it are refused too.
#[tokio::test(flavor = "multi_thread")]
async fn the_door_is_narrow() {
    let scene = Scene::new().await;
    let base = format!("http://{}", scene.worker.address);
    let http = reqwest::Client::new();
    let outside = http
        .get(format!("{base}/v1/collections"))
        .send()
        .await
        .unwrap();
    assert_eq!(code(&outside.text().await.unwrap()), Code::ChannelRequired);
    let gateway = format!("{base}/gateway");
    let post = async |body: Vec<u8>| {
        let request = http
            .post(&gateway)
            .header("content-type", "message/ohttp-req")
            .body(body);
        request.send().await.map(|reply| reply.status().as_u16())
    };
    assert!((400..500).contains(&post(vec![7; 500]).await.unwrap()));
    assert!((400..500).contains(&post(Vec::new()).await.unwrap()));
    let peak = scene.worker.peak_kib();
    // Far over the limit: refused by status, or the connection is closed before all of it was read.
    if let Ok(status) = post(vec![0; 100 << 20]).await {
        assert_eq!(status, 413);
    }
    let grown = scene.worker.peak_kib() - peak;
    assert!(grown < 32 << 10, "100 MB sent, {grown} KiB held");
    let remembered = LedgerHead {
        height: 1,
        root: [9; 32],
    };
    let other = scene
        .owner
        .client
        .confirm_ledger(remembered.height, &"09".repeat(32))
        .await;
    assert_eq!(other.unwrap_err().code(), Some(Code::LedgerStale));
    scene.unchanged().await;
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let worker = Worker::start_with(
            &folder.path().join("data"),
            &folder.path().join("log"),
            None,
            "warn",
        );
        let owner = Sender::new(&worker, folder.path(), 1).await;
        let embedded = owner
            .client
            .create_collection("e", VectorSource::default())
            .await
            .unwrap()
            .id;
        let supplied = owner
            .client
            .create_collection("s", VectorSource::Supplied(2))
            .await
            .unwrap()
            .id;
        let first = r#"{"id":"first","content":"the first document"}"#;
        let put = owner.letter(
            "PUT",
            &format!("/v1/collections/{embedded}/documents"),
            first,
        );
        assert_eq!(owner.send(&put).await.0, 200);
        Self {
            folder,
            worker,
            owner,
            embedded,
            supplied,
        }
    }

    async fn refused(&self, letter: &Letter<'_>, expected: Code) {
        let (status, body) = self.owner.send(letter).await;
        let shown =
            String::from_utf8_lossy(&letter.body[..letter.body.len().min(100)]).into_owned();
        assert!((400..500).contains(&status), "{shown}: {status} {body}");
        assert_eq!(code(&body), expected, "{shown}: {body}");
    }

    /// One document in one collection, none in the other, and a worker that answers and did not panic.
    async fn unchanged(&self) {
        let embedded = self.owner.client.collection(self.embedded).await.unwrap();
        let supplied = self.owner.client.collection(self.supplied).await.unwrap();
        assert_eq!((embedded.documents, supplied.documents), (1, 0));
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
        assert!(!log.contains("panicked"), "{log}");
    }
}

fn code(body: &str) -> Code {
    let problem: serde_json::Value =
        serde_json::from_str(body).unwrap_or_else(|_| panic!("no problem: {body}"));
    serde_json::from_value(problem["code"].clone()).unwrap_or_else(|_| panic!("no code: {body}"))
}
