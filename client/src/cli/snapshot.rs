//! `prag snapshot`.
//!
//! Layer: client, below `cli`.
//! Holds: snapshots made, listed, verified, restored and pruned, with progress and plain words.
//! Never: a path of the worker's: targets have names.
//! Invariant: success is said only where everything was checked; what a restoration loses is said before it is done.

use super::args::{SnapshotCommand, SnapshotOf, VerifySnapshot};
use super::rotate::follow;
use super::screen::{Screen, clean, facts, table};
use super::{Done, Setting};
use crate::error::ClientError;
use crate::remembered::Remembered;
use crate::sdk::Client;
use crate::snapshots::Restoration;
use crate::snapshots::offline::{Inspected, Inspection, inspect};
use indicatif::HumanBytes;
use prag_protocol::CollectionId;
use prag_protocol::wire::operations::Operation;
use prag_protocol::wire::snapshots::{AtTarget, Checked, Snapshot, Snapshots, Standing};
use serde_json::json;
use std::path::Path;

pub(super) async fn run(client: &Client, screen: Screen, command: SnapshotCommand) -> Done {
    match command {
        SnapshotCommand::Create(of) => create(client, screen, of).await,
        SnapshotCommand::List(of) => list(client, screen, of).await,
        SnapshotCommand::Verify(options) => verify(client, screen, options).await,
        SnapshotCommand::Restore(options) => {
            let restoration = Restoration {
                target: options.of.target,
                snapshot: options.snapshot,
                older: options.older,
                replace: options.replace,
            };
            restore(client, screen, &options.of.collection, restoration).await
        }
        SnapshotCommand::Prune(options) => {
            let id = client.resolve(&options.of.collection).await?;
            let pruned = client.prune_snapshots(id, options.of.target, options.keep).await?;
            screen.show(&pruned, || {
                format!(
                    "removed {} snapshots and {} objects ({}) from {}",
                    pruned.removed.len(),
                    pruned.objects,
                    HumanBytes(pruned.bytes),
                    clean(&pruned.target)
                )
            });
            Ok(true)
        }
    }
}

async fn create(client: &Client, screen: Screen, of: SnapshotOf) -> Done {
    let id = client.resolve(&of.collection).await?;
    let started = client.create_snapshot(id, &AtTarget { target: of.target }).await?;
    let checked = ended(client, screen, started).await?;
    client.snapshot_made(&checked)?;
    client.remember_history(id).await?;
    screen.show(&checked, || {
        let made = &checked.snapshot;
        let fresh = format!(
            "{} of {} objects written, {} of {}",
            made.new_objects,
            made.objects,
            HumanBytes(made.new_bytes),
            HumanBytes(made.bytes)
        );
        described("snapshot", made, [("written", fresh)])
    });
    Ok(true)
}

async fn list(client: &Client, screen: Screen, of: SnapshotOf) -> Done {
    let id = client.resolve(&of.collection).await?;
    let found = client.snapshots(id, &AtTarget { target: of.target }).await?;
    screen.show(&found, || listed(&found));
    Ok(true)
}

fn listed(found: &Snapshots) -> String {
    let rows: Vec<Vec<String>> = found
        .data
        .iter()
        .map(|one| {
            vec![
                one.id.clone(),
                one.created.to_string(),
                writes(one),
                one.epoch.to_string(),
                one.documents.to_string(),
                HumanBytes(one.bytes).to_string(),
            ]
        })
        .collect();
    let mut text =
        format!("target {} (of {})\n", clean(&found.target), clean(&found.targets.join(", ")));
    if rows.is_empty() {
        text.push_str("no snapshot opens with the collection's keys");
    } else {
        let head = ["SNAPSHOT", "UNIX TIME", "WRITES", "EPOCH", "DOCUMENTS", "SIZE"];
        text.push_str(&table(&head, &rows));
    }
    for closed in &found.closed {
        text.push_str(&format!("\n{} does not open: {}", clean(&closed.id), clean(&closed.reason)));
    }
    text
}

async fn verify(client: &Client, screen: Screen, options: VerifySnapshot) -> Done {
    let id = client.resolve(&options.of.collection).await?;
    let started = client.verify_snapshot(id, options.of.target, options.snapshot).await?;
    let checked = ended(client, screen, started).await?;
    client.snapshot_made(&checked)?;
    screen.show(&checked, || {
        let stands = match checked.standing {
            Standing::Unknown => "this machine remembers no head to compare with",
            Standing::Equal => "the head that this machine remembers",
            Standing::Newer => "continues the head that this machine remembers",
            Standing::Older => "older than the head that this machine remembers",
            Standing::Other => "ANOTHER HISTORY than the one that this machine remembers",
        };
        let rows =
            [("head", stands.to_owned()), ("checked", "every hash, seal and root".to_owned())];
        described("verified", &checked.snapshot, rows)
    });
    Ok(checked.standing != Standing::Other)
}

async fn restore(
    client: &Client,
    screen: Screen,
    collection: &str,
    restoration: Restoration,
) -> Done {
    let id = client.resolve(collection).await?;
    let started = client.restore_snapshot(id, &restoration).await?;
    let checked = ended(client, screen, started).await?;
    let head = client.restored(id, &checked, restoration.older).await?;
    screen.show(&checked, || {
        let now = format!("{} writes, writer epoch {}", head.size, head.writer_epoch);
        described("restored", &checked.snapshot, [("collection", id.to_string()), ("serves", now)])
    });
    Ok(true)
}

/// Without a worker and without a key: what a folder holds, against its own word and what is remembered here.
pub(super) fn offline(setting: &Setting, options: &VerifySnapshot) -> Done {
    let folder = options.folder.as_deref().unwrap_or(Path::new("."));
    let id: CollectionId = options.of.collection.parse().map_err(|_| {
        let text = "a folder is looked at without a worker, which alone knows names: give the collection's id";
        ClientError::Usage(text.to_owned())
    })?;
    let only = options.snapshot.as_deref();
    let bar = setting.screen.bytes();
    let remembered = Remembered::new(&setting.home);
    let found = inspect(folder, id, &remembered, only, &|bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    let sound = found.missing.is_empty()
        && !found.snapshots.is_empty()
        && found.snapshots.iter().all(|one| one.faults.is_empty());
    let shown: Vec<_> = found.snapshots.iter().map(as_json).collect();
    let missing: Vec<_> = found.missing.iter().map(|one| &one.id).collect();
    let value = json!({
        "sound": sound, "snapshots": shown, "missing": missing, "strays": found.strays
    });
    setting.screen.show(&value, || inspected(&found));
    Ok(sound)
}

fn as_json(one: &Inspected) -> serde_json::Value {
    let faults: Vec<String> = one.faults.iter().map(ToString::to_string).collect();
    json!({
        "id": one.id, "epoch": one.epoch, "objects": one.objects, "bytes": one.bytes,
        "remembered": one.made.is_some(), "faults": faults
    })
}

fn inspected(found: &Inspection) -> String {
    let mut lines = Vec::new();
    for one in &found.snapshots {
        let word = if one.faults.is_empty() { "whole" } else { "DAMAGED" };
        let known = match &one.made {
            Some(made) => format!("as it was made, at {} writes", made.head.size),
            None => "not remembered here: only its own word was checked".to_owned(),
        };
        lines.push(format!(
            "{}  {word}  epoch {}, {} objects, {}; {known}",
            one.id,
            one.epoch,
            one.objects,
            HumanBytes(one.bytes)
        ));
        lines.extend(one.faults.iter().take(FAULTS_SHOWN).map(|fault| format!("  {fault}")));
        if one.faults.len() > FAULTS_SHOWN {
            lines.push(format!("  and {} more", one.faults.len() - FAULTS_SHOWN));
        }
    }
    for made in &found.missing {
        let text = "this machine remembers it, and the folder does not have it";
        lines.push(format!("{}  MISSING  {text}", clean(&made.id)));
    }
    if found.snapshots.is_empty() {
        lines.push("the folder has no snapshot of this collection".to_owned());
    }
    if found.strays > 0 {
        lines.push(format!(
            "{} objects belong to no snapshot; `prag snapshot prune` removes them",
            found.strays
        ));
    }
    lines.push("seals were not opened: that takes a worker with the keys".to_owned());
    lines.join("\n")
}

/// Waits for the end, and takes what it found.
async fn ended(
    client: &Client,
    screen: Screen,
    started: Operation,
) -> Result<Checked, ClientError> {
    let operation = follow(client, screen, started).await?;
    operation.checked.ok_or(ClientError::Reply("it does not say which snapshot it was"))
}

fn described(
    title: &str,
    one: &Snapshot,
    more: impl IntoIterator<Item = (&'static str, String)>,
) -> String {
    let rows = [
        ("id", clean(&one.id)),
        ("target", clean(&one.target)),
        ("writes", writes(one)),
        ("key epoch", one.epoch.to_string()),
        ("documents", format!("{} in {} chunks", one.documents, one.chunks)),
        ("size", format!("{} in {} objects", HumanBytes(one.bytes), one.objects)),
    ];
    facts(title, rows.into_iter().chain(more))
}

fn writes(one: &Snapshot) -> String {
    let number = |field: &str| one.head.get(field).and_then(serde_json::Value::as_u64).unwrap_or(0);
    format!("{} (writer epoch {})", number("size"), number("writer_epoch"))
}

const FAULTS_SHOWN: usize = 10;
