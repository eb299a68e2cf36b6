//! `prag receipt verify` and `prag receipt show`: what was signed, offline.
//!
//! Layer: client, below `cli`.
//! Holds: a receipt's claims, line by line, and its entries with what they stand for.
//! Never: a request to anybody; a claim that was not checked under the word "holds".
//! Invariant: the first check that fails ends the verdict, and is named with its line.

use super::args::{ReceiptPath, VerifyReceipt};
use super::claims::Line;
use super::screen::{clean, clean_lines, instant};
use super::{Done, Setting, evidence, policy};
use crate::error::ClientError;
use crate::receipt::{self, Judged, OpenedChunk, Opening, Record};
use crate::trusted::Trusted;
use prag_protocol::wire::documents::Outcome;
use prag_protocol::wire::receipt::OpenedDocument;
use prag_protocol::wire::search::{Fusion, Mode};
use prag_trust::receipt::{Asked, Batch, Deed, Passage, Receipt, Written};
use serde_json::{Value, json};

/// A receipt on the screen.
struct Shown {
    line: usize,
    kind: &'static str,
    claims: Vec<Line>,
    entries: Vec<String>,
}

pub(super) fn verify(setting: &Setting, mut trusted: Trusted, options: &VerifyReceipt) -> Done {
    match &options.policy {
        Some(path) => trusted.judge_by(policy::read(path)?),
        None => trusted.follow(&setting.home)?,
    }
    let at = options.at.as_deref().map(evidence::instant).transpose()?;
    let mut all = Vec::new();
    let found = receipt::verify(&options.file, &trusted, at, |judged| {
        all.push(judge(&judged, trusted.first_use));
    })?;
    let screen = setting.screen;
    screen.show(&value(&all, true), || {
        let plural = if found == 1 { "receipt holds" } else { "receipts hold" };
        let verdict = format!("{found} {plural}, signed by workers that the policy allows");
        format!("{}\n{}", screen.bold(&verdict), text(&all))
    });
    Ok(true)
}

pub(super) fn show(setting: &Setting, options: &ReceiptPath) -> Done {
    let mut all = Vec::new();
    receipt::file::read(&options.file, &mut |line, _, record: Record| {
        let claimed = record.signed().and_then(|signed| Ok(signed.claimed()?));
        let receipt = claimed.map_err(ClientError::Receipt)?;
        let mut entries = entries(&receipt, &record.opening);
        if let Opening::Retrieval(opened) = &record.opening {
            let texts = opened.chunks.iter().map(|chunk| clean_lines(&chunk.text));
            for (entry, text) in entries.iter_mut().zip(texts) {
                text.lines().for_each(|line| entry.push_str(&format!("\n      {line}")));
            }
        }
        let claims = claims(&receipt, &record.opening);
        all.push(Shown { line, kind: kind(&receipt), claims, entries });
        Ok(())
    })?;
    let screen = setting.screen;
    screen.show(&value(&all, false), || {
        let verdict = "not checked: `prag receipt verify` does";
        format!("{}\n{}", screen.bold(verdict), text(&all))
    });
    Ok(true)
}

fn judge(judged: &Judged, first_use: bool) -> Shown {
    let Judged { line: number, worker, at, checked } = judged;
    let as_claimed = if first_use { ", as the worker claims: the policy names none" } else { "" };
    let mut claims = vec![
        line("evidence", format!("{}, judged as of {}", worker.kind, instant(*at))),
        line("image", hex::encode(worker.measurement)),
        line("ledger", format!("{}{as_claimed}", hex::encode(worker.ledger_id))),
        line("configuration", format!("{}{as_claimed}", hex::encode(worker.config_digest))),
        line("signature", "holds under the key that the evidence binds"),
    ];
    claims.extend(self::claims(&checked.receipt, &checked.opening));
    let proofs = match checked.receipt.head {
        Some(_) => "every entry opens its hash and lies in the tree that is named for it",
        None => "every entry opens its hash; a reader with a scope is shown no trees",
    };
    claims.push(line("entries", proofs));
    let entries = entries(&checked.receipt, &checked.opening);
    Shown { line: *number, kind: kind(&checked.receipt), claims, entries }
}

/// What the receipt says of itself.
fn claims(receipt: &Receipt, opening: &Opening) -> Vec<Line> {
    let mut lines = vec![
        line("worker_key", hex::encode(receipt.worker)),
        line("time", instant(receipt.time)),
        line("collection", receipt.collection.to_string()),
        line("key_epoch", receipt.epoch.to_string()),
        line("profile", hex::encode(receipt.profile)),
        line("units", receipt.units.to_string()),
    ];
    if let Some(head) = &receipt.head {
        let root = hex::encode(head.root);
        lines.push(line("head", format!("{} batches, root {root}", head.size)));
        lines.push(line("lineage", head.lineage.to_string()));
    }
    match (&receipt.deed, opening) {
        (Deed::Retrieval(signed), Opening::Retrieval(opened)) => {
            lines.push(line("asked", asked(&signed.asked)));
            lines.extend(opened.text.iter().map(|text| line("query", text.clone())));
            let vector = opened.vector.iter();
            lines.extend(vector.map(|vector| line("vector", format!("{} numbers", vector.len()))));
            let filter = opened.filter.iter().filter_map(|one| serde_json::to_string(one).ok());
            lines.extend(filter.map(|filter| line("filter", filter)));
        }
        (Deed::Deletion(deletion), _) => {
            let purged =
                if deletion.purged { "from segments too" } else { "not from segments yet" };
            lines.push(line("purged", purged));
            let batches: Vec<String> = deletion.batches.iter().map(batch).collect();
            lines.push(line("deleted_by", batches.join(", ")));
        }
        (Deed::Retrieval(_) | Deed::Write(_), _) => {}
    }
    lines
}

/// One line for each entry that is both signed and shown.
fn entries(receipt: &Receipt, opening: &Opening) -> Vec<String> {
    match (&receipt.deed, opening) {
        (Deed::Retrieval(signed), Opening::Retrieval(opened)) => {
            signed.passages.iter().zip(&opened.chunks).map(|(one, chunk)| hit(one, chunk)).collect()
        }
        (Deed::Write(signed), Opening::Write(opened)) => {
            signed.iter().zip(opened).map(|(one, document)| put(one, document)).collect()
        }
        (Deed::Deletion(_), Opening::Deletion(opened)) => {
            opened.iter().map(|one| one.id.as_str().to_owned()).collect()
        }
        (Deed::Retrieval(_) | Deed::Write(_) | Deed::Deletion(_), _) => Vec::new(),
    }
}

fn hit(passage: &Passage, shown: &OpenedChunk) -> String {
    let OpenedChunk { document, chunk, start, end, .. } = shown;
    let (document, score) = (document.as_str(), f64::from(passage.score) / 1000.0);
    let place = passage.part.as_ref().map_or_else(String::new, |part| {
        let (index, hashes) = (part.at.index, part.at.proof.len());
        let root = hex::encode(part.root);
        format!("; leaf {index} of {}, by {hashes} hashes under root {root}", part.size)
    });
    format!("{document} chunk {chunk} (bytes {start} to {end}), score {score:.3}{place}")
}

fn put(written: &Written, shown: &OpenedDocument) -> String {
    let outcome = match (written.outcome, &written.batch) {
        (Outcome::Created, Some(one)) => format!("created by {}", batch(one)),
        (Outcome::Updated, Some(one)) => format!("updated by {}", batch(one)),
        (Outcome::Created | Outcome::Updated | Outcome::Unchanged, _) => "unchanged".to_owned(),
    };
    format!("{} (BLAKE3 {}) {outcome}", shown.id.as_str(), shown.content_hash)
}

fn batch(batch: &Batch) -> String {
    format!("batch {}", batch.at.index)
}

fn asked(asked: &Asked) -> String {
    let Asked { budget, k, mode, exact, ef, fusion } = asked;
    let mode = match mode {
        Mode::Dense => "dense",
        Mode::Sparse => "sparse",
        Mode::Hybrid => "hybrid",
    };
    let fusion = match fusion {
        Fusion::Linear { weight } => format!("linear {weight}"),
        Fusion::Rrf { k } => format!("RRF {k}"),
        Fusion::Dbsf => "DBSF".to_owned(),
    };
    let what = if *budget > 0 {
        format!("{budget} tokens of at most {k} passages")
    } else {
        format!("{k} hits")
    };
    let walk = if *exact { "exact".to_owned() } else { format!("breadth {ef}") };
    format!("{what}, {mode}, {walk}, fusion {fusion}")
}

fn kind(receipt: &Receipt) -> &'static str {
    match receipt.deed {
        Deed::Write(_) => "write",
        Deed::Retrieval(_) => "retrieval",
        Deed::Deletion(_) => "deletion",
    }
}

fn value(all: &[Shown], holds: bool) -> Value {
    let one = |shown: &Shown| {
        let claims: serde_json::Map<String, Value> = shown
            .claims
            .iter()
            .map(|line| (line.name.to_owned(), line.value.clone().into()))
            .collect();
        json!({ "line": shown.line, "kind": shown.kind, "claims": claims, "entries": shown.entries })
    };
    json!({ "holds": holds.then_some(true), "receipts": all.iter().map(one).collect::<Vec<_>>() })
}

fn text(all: &[Shown]) -> String {
    let mut out = String::new();
    for shown in all {
        out.push_str(&format!("line {}: {}\n", shown.line, shown.kind));
        for line in &shown.claims {
            out.push_str(&format!("  {:<18} {}\n", line.name, clean(&line.value)));
        }
        for (number, entry) in (1..).zip(&shown.entries) {
            out.push_str(&format!("  [{number}] {}\n", clean_lines(entry)));
        }
    }
    out
}

fn line(name: &'static str, value: impl Into<String>) -> Line {
    Line { name, value: value.into() }
}
