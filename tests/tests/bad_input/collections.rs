//! Collections that cannot be made, and grants that cannot be given.
//!
//! Layer: tests.
//! Holds: creation, release of keys, grants; shares that were sealed for something else.
//! Never: documents.
//! Invariant: the ledger stays where it is.

use crate::Scene;
use crate::letter::Letter;
use prag_client::Client;
use prag_client::system::OsEntropy;
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_trust::entropy::random;
use prag_trust::key::Share;
use prag_trust::release::{Terms, seal_share};
use serde_json::{Value, json};

/// Collections that cannot be made, and grants that cannot be given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collections_and_grants_are_checked() {
    let scene = Scene::new().await;
    let fresh = CollectionId(random(&mut OsEntropy).unwrap());
    let share = released(&scene.owner, fresh, 1).await;
    let body = |id: CollectionId, change: Value| {
        let mut body = json!({"id": id.to_string(), "name": "third", "share": share});
        let fields = body.as_object_mut().unwrap();
        fields.extend(change.as_object().unwrap().clone());
        body.to_string()
    };
    let taken = released(&scene.owner, scene.embedded, 1).await;
    let later = released(&scene.owner, fresh, 2).await;
    let strangers = released(&scene.reader, fresh, 1).await;
    let mut cases = vec![
        (body(scene.embedded, json!({"share": taken})), Code::Conflict),
        (body(fresh, json!({"name": "embedded"})), Code::Conflict),
        (body(fresh, json!({"name": " "})), Code::EmptyText),
        (body(fresh, json!({"name": "n".repeat(129)})), Code::TooLarge),
        (body(fresh, json!({"colour": 1})), Code::UnknownField),
        (body(fresh, json!({"id": "00"})), Code::InvalidField),
        // Sealed for another collection, for another epoch, by another person; no share at all.
        (body(scene.supplied, json!({})), Code::CiphertextInvalid),
        (body(fresh, json!({"share": taken})), Code::CiphertextInvalid),
        (body(fresh, json!({"share": later})), Code::CiphertextInvalid),
        (body(fresh, json!({"share": strangers})), Code::CiphertextInvalid),
        (body(fresh, json!({"share": {}})), Code::CiphertextInvalid),
    ];
    for vectors in [
        json!({"supplied": 0}),
        json!({"supplied": 4097}),
        json!({"model": "none"}),
        json!({"guessed": 1}),
    ] {
        let body = body(fresh, json!({ "vectors": vectors }));
        cases.push((body, Code::InvalidField));
    }
    for (body, code) in cases {
        let letter = Letter::new("POST", "/v1/collections", body).admin();
        scene.refused(&letter, code).await;
    }
    let keys = json!({ "share": share }).to_string();
    let keys = Letter::new("PUT", &scene.path("/keys"), keys).admin();
    scene.refused(&keys, Code::CiphertextInvalid).await;

    let reader = scene.reader.identity().address().as_str().to_owned();
    let later = scene.owner.channel().now() + 600;
    let scope = json!({"must": [{"key": "lang", "range": {"lt": "f"}}]});
    for (change, code) in [
        (json!({"max_k": 0}), Code::InvalidField),
        (json!({"max_k": 1001}), Code::InvalidField),
        (json!({"expires": 1}), Code::InvalidField),
        (json!({"expires": u64::MAX}), Code::InvalidField),
        (json!({"read": false}), Code::InvalidField),
        (json!({"grantee": "nobody"}), Code::InvalidField),
        (json!({ "scope": scope }), Code::BadFilter),
        (json!({ "scope": [] }), Code::BadFilter),
        (json!({ "scope": {} }), Code::BadFilter),
        (json!({"colour": 1}), Code::UnknownField),
    ] {
        let mut body = json!({"grantee": reader, "expires": later});
        let fields = body.as_object_mut().unwrap();
        fields.extend(change.as_object().unwrap().clone());
        let letter = Letter::new("POST", &scene.path("/grants"), body.to_string()).admin();
        scene.refused(&letter, code).await;
    }
}

/// A share sealed to the worker by `client`, as JSON.
pub(crate) async fn released(client: &Client, id: CollectionId, epoch: u32) -> Value {
    let session = client.channel().session().await.unwrap();
    let terms = Terms { collection: id, epoch, nonce: random(&mut OsEntropy).unwrap() };
    let share = Share::random(&mut OsEntropy).unwrap();
    let owner = client.identity().session();
    let (worker, keys) = (session.worker(), session.keys());
    let sealed = seal_share(&share, worker, keys, &terms, owner, &mut OsEntropy);
    serde_json::to_value(sealed.unwrap()).unwrap()
}
