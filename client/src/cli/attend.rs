//! `prag worker register|heartbeat`: the worker acts out of its own wallet, which never leaves its TEE;
//! `prag worker approve|retire|image`: the market's approver says what it holds of one, and its admin of which images
//! workers may be.
//!
//! Layer: client, below `cli`.
//! Holds: asking it, and what it says that it did; the approver's and the admin's messages.
//! Never: a registration that this machine makes: it has neither the worker's key nor its evidence.
//! Invariant: exit code 1 where the worker, asked to act, could not do all of it.

use super::Done;
use super::args::{ApproveWorker, ImageCommand, OneImage, RetireWorker, WorkerCommand};
use super::market::done;
use super::screen::{Screen, table};
use crate::error::ClientError;
use crate::sdk::Client;
use prag_protocol::ledger::market::{Attend, MarketMsg, MarketQuery};
use prag_protocol::ledger::workers::{Approval, WorkersMsg, WorkersQuery, WorkersReply};

pub(super) async fn run(client: &Client, screen: Screen, command: WorkerCommand) -> Done {
    let attend = match command {
        WorkerCommand::Register => Attend::Register,
        WorkerCommand::Heartbeat => Attend::Heartbeat,
        WorkerCommand::Approve(ApproveWorker { worker, evidence: evidence_hash, image }) => {
            let said = format!("{worker} is approved");
            let measurement = image;
            let message = WorkersMsg::ApproveWorker { worker, evidence_hash, measurement };
            return tell(client, screen, message, &said).await;
        }
        WorkerCommand::Retire(RetireWorker { worker }) => {
            let said = format!("{worker} is retired");
            return tell(client, screen, WorkersMsg::RetireWorker { worker }, &said).await;
        }
        WorkerCommand::Image(command) => return images(client, screen, command).await,
    };
    let said = client.attend(attend).await?;
    screen.show(&said, || {
        let mut lines = vec![format!("worker {}", said.account)];
        lines.extend(said.done.iter().map(|done| format!("  {done}")));
        lines.extend(said.failed.iter().map(|why| format!("  not done: {why}")));
        if said.done.is_empty() && said.failed.is_empty() {
            lines.push("  nothing was due".to_owned());
        }
        lines.join("\n")
    });
    Ok(said.failed.is_empty())
}

async fn images(client: &Client, screen: Screen, command: ImageCommand) -> Done {
    match command {
        ImageCommand::List => {
            let query = MarketQuery::Workers(WorkersQuery::Measurements {});
            let WorkersReply::Measurements(all) = client.query_market(&query).await? else {
                return Err(ClientError::Reply("the ledger answered another question"));
            };
            let now = client.channel().now();
            screen.show(&all, || {
                if all.is_empty() {
                    return "no image is approved".to_owned();
                }
                let since = |effective: u64| match effective <= now {
                    true => "effective".to_owned(),
                    false => format!("effective in {} s", effective.saturating_sub(now)),
                };
                let row = |one: &Approval| vec![hex::encode(one.measurement), since(one.effective)];
                table(&["IMAGE", ""], &all.iter().map(row).collect::<Vec<_>>())
            });
            Ok(true)
        }
        ImageCommand::Approve(OneImage { image: measurement }) => {
            let message = WorkersMsg::ApproveMeasurement { measurement };
            tell(client, screen, message, "the image is approved, once the timelock has passed")
                .await
        }
        ImageCommand::Retire(OneImage { image: measurement }) => {
            let message = WorkersMsg::RetireMeasurement { measurement };
            tell(client, screen, message, "the image is retired").await
        }
    }
}

async fn tell(client: &Client, screen: Screen, message: WorkersMsg, said: &str) -> Done {
    let message = MarketMsg::Workers(Box::new(message));
    let height = client.execute_market(message, Vec::new()).await?.height;
    done(screen, said, height)
}
