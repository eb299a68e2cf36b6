//! `prag ledger usage`.
//!
//! Layer: client, below `cli`.
//! Holds: what was used, session by session, from this machine's own files.
//! Never: a countersignature that was not asked for.
//! Invariant: what is shown as countersigned is what the worker can be paid for.

use super::screen::{Screen, table};
use super::{Done, Setting, args};
use crate::error::units;
use crate::trusted::Trusted;
use crate::usage::{self, Usage};
use serde_json::json;

pub(super) async fn usage(setting: &Setting, trusted: Trusted, of: &args::UsageOf) -> Done {
    let Some(name) = &of.collection else {
        let session = hex::encode(setting.load_identity()?.session().public_key());
        return Ok(show(setting.screen, &usage::all(&setting.home, &session)?));
    };
    let client = setting.connect(trusted).await?;
    let id = client.resolve(name).await?;
    if of.settle || of.accept {
        client.settle(id, of.accept).await?;
    }
    let mut all = client.usage()?;
    all.retain(|usage| usage.whose.collection == id);
    Ok(show(setting.screen, &all))
}

fn show(screen: Screen, all: &[Usage]) -> bool {
    let values: Vec<_> = all
        .iter()
        .map(|usage| {
            json!({
                "collection": usage.whose.collection,
                "worker": usage.whose.worker,
                "countersigned": usage.countersigned(),
                "sequence": usage.voucher.as_ref().map(|signed| signed.voucher.sequence),
                "allowed": usage.allowed(),
                "pending": usage.pending(),
                "refused": usage.refused,
            })
        })
        .collect();
    screen.show(&values, || {
        if all.is_empty() {
            return "nothing metered".to_owned();
        }
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        let head =
            ["COLLECTION", "WORKER", "QUERIES", "CHUNKS", "EMBEDDED", "SERVED", "PENDING", ""];
        table(&head, &rows)
    });
    true
}

fn row(usage: &Usage) -> Vec<String> {
    let used = usage.countersigned();
    let numbers = [used.queries, used.chunks, used.embedded, used.input];
    let mut row = vec![usage.whose.collection.to_string(), usage.whose.worker.to_string()];
    row.extend(numbers.map(|number| number.to_string()));
    row.push(usage.pending().to_string());
    row.push(usage.refused.map_or(String::new(), |claim| {
        format!("refused: {} (allowed: {})", units(&claim.claimed), units(&claim.allowed))
    }));
    row
}
