//! `prag worker register|heartbeat`: the worker acts out of its own wallet, which never leaves its TEE;
//! `prag worker approve|retire`: the market's approver says what it holds of one.
//!
//! Layer: client, below `cli`.
//! Holds: asking it, and what it says that it did; the approver's messages.
//! Never: a registration that this machine makes: it has neither the worker's key nor its evidence.
//! Invariant: exit code 1 where the worker, asked to act, could not do all of it.

use super::Done;
use super::args::{ApproveWorker, RetireWorker, WorkerCommand};
use super::market::done;
use super::screen::Screen;
use crate::sdk::Client;
use prag_protocol::ledger::market::{Attend, MarketMsg};
use prag_protocol::ledger::workers::WorkersMsg;

pub(super) async fn run(client: &Client, screen: Screen, command: WorkerCommand) -> Done {
    let attend = match command {
        WorkerCommand::Register => Attend::Register,
        WorkerCommand::Heartbeat => Attend::Heartbeat,
        WorkerCommand::Approve(ApproveWorker { worker, evidence: evidence_hash }) => {
            let said = format!("{worker} is approved");
            let message = WorkersMsg::ApproveWorker { worker, evidence_hash };
            return tell(client, screen, message, &said).await;
        }
        WorkerCommand::Retire(RetireWorker { worker }) => {
            let said = format!("{worker} is retired");
            return tell(client, screen, WorkersMsg::RetireWorker { worker }, &said).await;
        }
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

async fn tell(client: &Client, screen: Screen, message: WorkersMsg, said: &str) -> Done {
    let message = MarketMsg::Workers(Box::new(message));
    let height = client.execute_market(message, Vec::new()).await?.height;
    done(screen, said, height)
}
