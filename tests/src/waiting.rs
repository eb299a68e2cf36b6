//! Long work, to its end.
//!
//! Layer: tests, over the client.
//! Holds: [`follow`], [`compact`].
//! Never: a limit of its own: work that hangs hangs its test.
//! Invariant: work that runs is never shown as done.

use prag_client::{Client, ClientError};
use prag_protocol::CollectionId;
use prag_protocol::wire::operations::{Operation, OperationState};
use std::time::Duration;

/// Wait until `operation` has succeeded.
///
/// # Errors
/// What it failed of, or as [`Client::operation`].
///
/// # Panics
/// Where it runs and says that it is done.
pub async fn follow(client: &Client, mut operation: Operation) -> Result<Operation, ClientError> {
    while operation.state == OperationState::Running {
        assert!(operation.percent() < 100 && operation.done <= operation.total);
        tokio::time::sleep(Duration::from_millis(10)).await;
        operation = client.operation(&operation.id).await?;
    }
    match operation.problem {
        Some(problem) => Err(problem.into()),
        None => {
            assert_eq!(operation.state, OperationState::Succeeded);
            Ok(operation)
        }
    }
}

/// Make segments of a collection's tail.
///
/// # Panics
/// Where that fails.
pub async fn compact(client: &Client, id: CollectionId) {
    follow(client, client.compact(id).await.unwrap()).await.unwrap();
}
