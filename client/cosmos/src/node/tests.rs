#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::fixture::serve::listen;
use crate::json::Status;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::post;

/// A node that answers every call with `body`.
async fn answers(body: String) -> Node {
    serve(Router::new().route("/", post(move || async move { body }))).await
}

async fn serve(app: Router) -> Node {
    Node::open(3, &listen(app).await).unwrap()
}

async fn status(node: &Node, bytes_max: usize) -> Result<u64, CosmosError> {
    let status: Status = node.call("status", json!({}), bytes_max).await?;
    Ok(status.sync_info.latest_block_height)
}

const STATUS: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"sync_info":{"latest_block_height":"42"}}}"#;

/// An answer is taken up to its bound, and not one byte beyond.
#[tokio::test]
async fn answers_are_bounded() {
    let node = answers(STATUS.to_owned()).await;
    assert_eq!(status(&node, STATUS.len()).await, Ok(42));
    let too_long = CosmosError::Node { node: 3, reason: "answers at too great a length" };
    assert_eq!(status(&node, STATUS.len() - 1).await, Err(too_long.clone()));
    let endless = answers(" ".repeat(1 << 22)).await;
    assert_eq!(status(&endless, 1 << 16).await, Err(too_long));
}

/// What is no answer is an error of that node; what is a refusal carries its code.
#[tokio::test]
async fn other_answers_are_errors() {
    for body in
        ["", "{", "[]", r#"{"result":{"sync_info":{"latest_block_height":42}}}"#, r#"{"id":1}"#]
    {
        let node = answers(body.to_owned()).await;
        assert!(
            matches!(status(&node, 4096).await, Err(CosmosError::Node { node: 3, .. })),
            "{body}"
        );
    }
    let failure = r#"{"error":{"code":-32603,"message":"Internal error","data":"tx not found"}}"#;
    let node = answers(failure.to_owned()).await;
    let log = "Internal error: tx not found".to_owned();
    assert_eq!(status(&node, 4096).await, Err(CosmosError::Code { node: 3, code: -32603, log }));

    let moved = Router::new()
        .route("/", post(|| async { Redirect::temporary("/other") }))
        .route("/other", post(|| async { (StatusCode::OK, STATUS) }));
    let node = serve(moved).await;
    assert!(status(&node, 4096).await.is_err(), "a redirect leads elsewhere");
    let silent = Node::open(3, "http://127.0.0.1:1").unwrap();
    assert_eq!(status(&silent, 4096).await, Err(silent.fails("does not answer")));
}

/// A text is cut between characters.
#[test]
fn cut_between_characters() {
    assert_eq!(cut("short"), "short");
    let long = "ü".repeat(LOG_BYTES_MAX);
    assert_eq!(cut(&long).len(), LOG_BYTES_MAX);
    let odd = format!("a{long}");
    assert_eq!(cut(&odd).len(), LOG_BYTES_MAX - 1);
}
