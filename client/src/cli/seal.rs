//! `prag seal`.
//!
//! Layer: client, below `cli`.
//! Holds: sealing a folder, with progress.
//! Never: a connection; nothing leaves this machine.
//! Invariant: files that were left out are named.

use super::args;
use super::screen::clean;
use super::{Done, Setting};
use crate::corpus::seal_folder;
use crate::sources;
use crate::system::{OsEntropy, SystemClock};
use prag_trust::entropy::Clock;
use serde_json::json;

pub(super) fn seal(setting: &Setting, options: &args::Seal) -> Done {
    let identity = setting.load_identity()?;
    let total = sources::find(std::slice::from_ref(&options.folder))?.sources.len() as u64;
    let bar = setting.screen.progress(total);
    let now = SystemClock::default().now();
    let sealing = seal_folder(
        &options.folder,
        &options.output,
        &identity,
        &setting.shares(),
        now,
        &mut OsEntropy,
        &mut |_| bar.inc(1),
    )?;
    bar.finish_and_clear();
    let skipped: Vec<_> = sealing
        .skipped
        .iter()
        .map(|one| json!({ "id": one.id, "reason": one.reason.to_string() }))
        .collect();
    let value = json!({
        "file": options.output,
        "corpus": sealing.corpus,
        "records": sealing.records,
        "bytes": sealing.bytes,
        "skipped": skipped,
    });
    for one in &sealing.skipped {
        setting.screen.note(&format!("left out {}: {}", clean(&one.id), one.reason));
    }
    setting.screen.show(&value, || {
        format!(
            "sealed {} documents into {} ({} bytes)\ncorpus {}; its key share stays on this machine",
            sealing.records,
            options.output.display(),
            sealing.bytes,
            sealing.corpus
        )
    });
    Ok(sealing.skipped.is_empty())
}
