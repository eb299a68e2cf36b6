//! `prag rotate` and `prag compact`.
//!
//! Layer: client, below `cli`.
//! Holds: long work on whole collections, with its progress.
//! Never: success before the worker says so.
//! Invariant: whoever is interrupted here can give the same command again.

use super::Done;
use super::args;
use super::screen::Screen;
use crate::error::ClientError;
use crate::sdk::Client;
use prag_protocol::CollectionId;
use prag_protocol::wire::operations::{Operation, OperationState};
use serde_json::json;
use std::time::Duration;

pub(super) async fn rotate(client: &Client, screen: Screen, options: &args::Rotate) -> Done {
    let id = client.resolve(&options.collection).await?;
    let rotated = client.rotate(id).await?;
    let mut done = true;
    if options.reencrypt {
        screen.note(&format!("{id} is at key epoch {}; sealing anew", rotated.epoch));
        let operation = client.reencrypt(id).await?;
        done = follow(client, screen, operation).await?.state == OperationState::Succeeded;
        client.remember_history(id).await?;
    }
    let value = json!({
        "collection": id,
        "epoch": rotated.epoch,
        "height": rotated.height,
        "reencrypted": options.reencrypt && done,
    });
    screen.show(&value, || text(id, rotated.epoch, options.reencrypt.then_some(done)));
    Ok(done)
}

/// `sealed_anew`: whether that succeeded, where it was asked for.
fn text(id: CollectionId, epoch: u32, sealed_anew: Option<bool>) -> String {
    let sealed = match sealed_anew {
        Some(true) => "everything is sealed anew",
        Some(false) => {
            "sealing anew did not succeed: what is stored keeps its keys; give `prag compact`"
        }
        None => "what is stored keeps its keys until `prag compact` or `prag rotate --reencrypt`",
    };
    format!(
        "{id} is at key epoch {epoch}; {sealed}\nits new key share is kept on this machine: back it up"
    )
}

pub(super) async fn compact(client: &Client, screen: Screen, which: &args::One) -> Done {
    let id = client.resolve(&which.collection).await?;
    let operation = client.compact(id).await?;
    let operation = follow(client, screen, operation).await?;
    screen.show(&operation, || "compacted".to_owned());
    Ok(operation.state == OperationState::Succeeded)
}

/// Waits for the end of long work and shows how far it is.
pub(super) async fn follow(
    client: &Client,
    screen: Screen,
    mut operation: Operation,
) -> Result<Operation, ClientError> {
    let bar = screen.percent();
    while operation.state == OperationState::Running {
        bar.set_position(operation.percent());
        tokio::time::sleep(PAUSE).await;
        operation = client.operation(&operation.id).await?;
    }
    bar.finish_and_clear();
    match &operation.problem {
        Some(problem) => Err(problem.clone().into()),
        None => Ok(operation),
    }
}

const PAUSE: Duration = Duration::from_millis(500);
