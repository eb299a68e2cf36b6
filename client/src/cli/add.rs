//! `prag add`.
//!
//! Layer: client, below `cli`.
//! Holds: files, folders and sealed corpus files, in batches, with progress.
//! Never: a whole corpus in memory; a refused document that is passed over in silence.
//! Invariant: what the summary counts as added is durable on the worker.

use super::Done;
use super::args;
use super::screen::{Screen, clean};
use crate::corpus::CorpusReader;
use crate::error::ClientError;
use crate::receipt::ReceiptFile;
use crate::sdk::Client;
use crate::sources;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indicatif::ProgressBar;
use prag_protocol::CollectionId;
use prag_protocol::wire::documents::{Ack, BulkLine, BulkStatus, Outcome, SealedLine};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What became of everything that was to be added.
#[derive(Default, Serialize)]
struct Summary {
    documents: u64,
    created: u64,
    updated: u64,
    unchanged: u64,
    chunks: u64,
    tokens: u64,
    seconds: f64,
    ignored_files: u64,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Refused {
    id: String,
    code: String,
    detail: String,
}

/// Lines on their way, and how to show how far they are.
struct Upload<'a> {
    client: &'a Client,
    collection: CollectionId,
    ack: Ack,
    bar: ProgressBar,
    started: Instant,
    lines: Vec<BulkLine>,
    bytes: usize,
    receipts: Option<ReceiptFile>,
    summary: Summary,
}

pub(super) async fn add(client: &Client, screen: Screen, options: &args::Add) -> Done {
    let (corpora, plain): (Vec<PathBuf>, Vec<PathBuf>) =
        options.paths.iter().cloned().partition(|path| CorpusReader::recognises(path));
    let found = sources::find(&plain)?;
    let collection = client.resolve(&options.collection).await?;
    client.remember_history(collection).await?;
    let mut upload = Upload {
        client,
        collection,
        ack: options.ack.into(),
        bar: screen.progress(found.sources.len() as u64),
        started: Instant::now(),
        lines: Vec::new(),
        bytes: 0,
        receipts: options.receipt.as_deref().map(ReceiptFile::create).transpose()?,
        summary: Summary { ignored_files: found.ignored, ..Summary::default() },
    };
    upload.plain(&found.sources).await?;
    for path in &corpora {
        upload.sealed(path, options.restart, screen).await?;
    }
    upload.bar.finish_and_clear();
    let mut summary = upload.summary;
    summary.seconds = upload.started.elapsed().as_secs_f64();
    client.remember_history(collection).await?;
    for one in &summary.refused {
        screen.note(&format!("refused {}: {} ({})", clean(&one.id), clean(&one.detail), one.code));
    }
    screen.show(&summary, || summary.describe());
    Ok(summary.refused.is_empty())
}

impl Upload<'_> {
    async fn plain(&mut self, sources: &[sources::Source]) -> Result<(), ClientError> {
        for source in sources {
            match sources::load(source) {
                Ok(document) => self.push(BulkLine::Document(document)).await?,
                Err(reason) => {
                    self.bar.inc(1);
                    self.summary.refused.push(Refused {
                        id: source.id.clone(),
                        code: "unusable-file".to_owned(),
                        detail: reason.to_string(),
                    });
                }
            }
        }
        self.flush().await
    }

    /// Records go in order, so that a later run can go on after the last one that is durable.
    async fn sealed(
        &mut self,
        path: &Path,
        restart: bool,
        screen: Screen,
    ) -> Result<(), ClientError> {
        let mut reader = CorpusReader::open(path)?;
        let header = reader.header();
        let (client, collection) = (self.client, self.collection);
        client.open_corpus(collection, header.corpus, reader.manifest()).await?;
        let mut opened = Instant::now();
        let remembered = client.channel().remembered();
        let done = if restart { 0 } else { remembered.progress(collection, header.corpus)? };
        if done > 0 {
            screen.note(&format!("going on after record {done} (--restart begins again)"));
        }
        self.bar.inc_length(header.records.saturating_sub(done));
        while let Some((record, sealed)) = reader.next_record()? {
            if record < done {
                continue;
            }
            if opened.elapsed() > REOPEN_AFTER {
                let manifest = reader.manifest();
                client.open_corpus(collection, header.corpus, manifest).await?;
                opened = Instant::now();
            }
            let line =
                SealedLine { corpus: header.corpus, record, sealed: STANDARD.encode(sealed) };
            let waiting = self.lines.len();
            self.push(BulkLine::Sealed(line)).await?;
            if self.lines.len() <= waiting && self.summary.refused.is_empty() {
                let durable = (record + 1).saturating_sub(self.lines.len() as u64);
                remembered.set_progress(collection, header.corpus, Some(durable))?;
            }
        }
        self.flush().await?;
        remembered.set_progress(collection, header.corpus, None)
    }

    /// Queues a line; sends the queue first where the line would not fit.
    async fn push(&mut self, line: BulkLine) -> Result<(), ClientError> {
        let bytes = line_bytes(&line);
        if self.lines.len() >= LINES_MAX
            || (!self.lines.is_empty() && self.bytes + bytes > BYTES_MAX)
        {
            self.flush().await?;
        }
        self.lines.push(line);
        self.bytes += bytes;
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), ClientError> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.lines);
        self.bytes = 0;
        let (id, ack) = (self.collection, self.ack);
        let statuses = match &mut self.receipts {
            None => self.client.bulk_when(id, &lines, ack).await?,
            Some(file) => {
                let (statuses, kept) = self.client.bulk_with_receipt(id, &lines, ack).await?;
                file.keep(&kept)?;
                statuses
            }
        };
        for (line, status) in lines.iter().zip(statuses) {
            self.summary.count(line, status);
        }
        self.bar.inc(lines.len() as u64);
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let rate = self.summary.tokens as f64 / seconds;
        self.bar.set_message(format!("{} chunks, {rate:.0} tokens/s", self.summary.chunks));
        Ok(())
    }
}

impl Summary {
    fn count(&mut self, line: &BulkLine, status: BulkStatus) {
        match status {
            BulkStatus::Ok(reply) => {
                self.documents += 1;
                self.chunks += u64::from(reply.chunks);
                self.tokens += reply.tokens;
                match reply.outcome {
                    Outcome::Created => self.created += 1,
                    Outcome::Updated => self.updated += 1,
                    Outcome::Unchanged => self.unchanged += 1,
                }
            }
            BulkStatus::Problem(problem) => self.refused.push(Refused {
                id: match line {
                    BulkLine::Document(document) => document.id.as_str().to_owned(),
                    BulkLine::Sealed(line) => format!("record {}", line.record),
                },
                code: problem.code.as_str().to_owned(),
                detail: problem.detail,
            }),
        }
    }

    fn describe(&self) -> String {
        let rate = self.tokens as f64 / self.seconds.max(0.001);
        let mut text = format!(
            "{} documents: {} new, {} changed, {} unchanged; {} chunks, {} tokens in {:.1} s ({rate:.0} tokens/s)",
            self.documents,
            self.created,
            self.updated,
            self.unchanged,
            self.chunks,
            self.tokens,
            self.seconds
        );
        if self.ignored_files > 0 {
            text.push_str(&format!("\n{} files of other kinds were left out", self.ignored_files));
        }
        if !self.refused.is_empty() {
            text.push_str(&format!("\n{} documents were refused", self.refused.len()));
        }
        text
    }
}

/// About what the line takes in a request.
fn line_bytes(line: &BulkLine) -> usize {
    match line {
        BulkLine::Document(document) => serde_json::to_vec(document).map_or(0, |bytes| bytes.len()),
        BulkLine::Sealed(line) => line.sealed.len() + 128,
    }
}

/// Most lines of one request: few enough that progress shows.
const LINES_MAX: usize = 32;
/// Bytes of lines that go together; a larger document goes alone. Embedding 512 KiB takes two cores a minute.
const BYTES_MAX: usize = 512 << 10;
/// Workers keep a corpus's key for an hour.
const REOPEN_AFTER: Duration = Duration::from_secs(30 * 60);
