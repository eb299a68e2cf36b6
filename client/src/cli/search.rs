//! `prag query` and `prag context`.
//!
//! Layer: client, below `cli`.
//! Holds: hits and cited passages on the screen.
//! Never: an answer from a history that went back since this machine last looked.
//! Invariant: what is shown from documents cannot drive the terminal.

use super::Done;
use super::args;
use super::screen::{Screen, clean, clean_lines};
use crate::error::ClientError;
use crate::receipt::ReceiptFile;
use crate::sdk::Client;
use prag_protocol::CollectionId;
use prag_protocol::filter::Filter;
use prag_protocol::limits::{QUERIES_HITS_MAX, QUERIES_MAX};
use prag_protocol::wire::search::{Citation, ContextRequest, Hit, Mode, QueryReply, QueryRequest};
use serde::Serialize;
use std::io::Read;

pub(super) async fn query(client: &Client, screen: Screen, options: &args::Query) -> Done {
    let texts = texts(&options.text, options.lines)?;
    let id = client.resolve(&options.collection).await?;
    check(client, id).await?;
    let mut file = options.receipt.as_deref().map(ReceiptFile::create).transpose()?;
    let common = QueryRequest {
        k: Some(options.k),
        mode: options.mode.map(|mode| match mode {
            args::Mode::Hybrid => Mode::Hybrid,
            args::Mode::Dense => Mode::Dense,
            args::Mode::Sparse => Mode::Sparse,
        }),
        filter: filter(options.filter.as_deref())?,
        exact: options.exact,
        with_metadata: options.metadata,
        ..QueryRequest::default()
    };
    if !options.lines {
        let text = texts.into_iter().next();
        let request = QueryRequest { text, ..common };
        let reply = match &mut file {
            None => client.query(id, &request).await?,
            Some(file) => {
                let (reply, kept) = client.query_with_receipt(id, &request).await?;
                file.keep(&kept)?;
                reply
            }
        };
        screen.show(&reply, || show_hits(screen, &reply));
        return Ok(true);
    }
    let requests: Vec<_> = texts.iter().map(|text| of_text(&common, text)).collect();
    let mut replies = Vec::with_capacity(texts.len());
    for some in requests.chunks(at_once(options.k)) {
        match &mut file {
            None => replies.extend(client.queries(id, some).await?),
            Some(file) => {
                for (reply, kept) in client.queries_with_receipts(id, some).await? {
                    file.keep(&kept)?;
                    replies.push(reply);
                }
            }
        }
    }
    let answers: Vec<_> =
        texts.iter().zip(&replies).map(|(text, reply)| Answer { text, reply }).collect();
    screen.show(&answers, || {
        let shown = |answer: &Answer<'_>| {
            let head = screen.bold(&format!("> {}", clean(answer.text)));
            format!("{head}\n\n{}", show_hits(screen, answer.reply))
        };
        answers.iter().map(shown).collect::<Vec<_>>().join("\n\n")
    });
    Ok(true)
}

/// One query of many, and its answer.
#[derive(Serialize)]
struct Answer<'a> {
    text: &'a str,
    #[serde(flatten)]
    reply: &'a QueryReply,
}

fn of_text(common: &QueryRequest, text: &str) -> QueryRequest {
    QueryRequest { text: Some(text.to_owned()), ..common.clone() }
}

/// How many queries one request takes, of `k` hits each.
fn at_once(k: u32) -> usize {
    ((QUERIES_HITS_MAX / k.max(1)) as usize).clamp(1, QUERIES_MAX)
}

/// What is sought: one text, or one a line.
fn texts(argument: &str, lines: bool) -> Result<Vec<String>, ClientError> {
    if !lines {
        return Ok(vec![text(argument)?]);
    }
    if argument != "-" {
        let what = "--lines reads queries from standard input: give `-` as the text";
        return Err(ClientError::Usage(what.to_owned()));
    }
    let text = text(argument)?;
    let texts = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let texts: Vec<String> = texts.map(str::to_owned).collect();
    if texts.is_empty() {
        return Err(ClientError::Usage("standard input holds no query".to_owned()));
    }
    Ok(texts)
}

fn show_hits(screen: Screen, reply: &QueryReply) -> String {
    if reply.hits.is_empty() {
        return "nothing found".to_owned();
    }
    let hits = reply.hits.iter().enumerate();
    hits.map(|(index, hit)| show_hit(screen, index + 1, hit)).collect::<Vec<_>>().join("\n\n")
}

pub(super) async fn context(client: &Client, screen: Screen, options: &args::Context) -> Done {
    let id = client.resolve(&options.collection).await?;
    check(client, id).await?;
    let file = options.receipt.as_deref().map(ReceiptFile::create).transpose()?;
    let request = ContextRequest {
        prompt: text(&options.prompt)?,
        budget: options.budget,
        passages: options.passages,
        filter: filter(options.filter.as_deref())?,
        ..ContextRequest::default()
    };
    let reply = match file {
        None => client.context(id, &request).await?,
        Some(mut file) => {
            let (reply, kept) = client.context_with_receipt(id, &request).await?;
            file.keep(&kept)?;
            reply
        }
    };
    screen.show(&reply, || {
        let mut lines = vec![clean_lines(&reply.context), String::new()];
        lines.extend(reply.citations.iter().map(|citation| show_citation(screen, citation)));
        lines.push(screen.dim(&format!("{} of {} tokens", reply.tokens, reply.budget)));
        lines.join("\n")
    });
    Ok(true)
}

/// A filter from the command line.
pub(super) fn filter(json: Option<&str>) -> Result<Option<Filter>, ClientError> {
    json.map(serde_json::from_str)
        .transpose()
        .map_err(|error| ClientError::Usage(format!("the filter is not acceptable: {error}")))
}

/// Where this machine remembers a head, the worker must continue it before it is asked anything.
pub(super) async fn check(client: &Client, id: CollectionId) -> Result<(), ClientError> {
    if client.channel().remembered().head(id)?.is_some() {
        client.check_history(id).await?;
    }
    Ok(())
}

pub(super) fn text(argument: &str) -> Result<String, ClientError> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(INPUT_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(ClientError::file("reading standard input"))?;
    Ok(text)
}

fn show_hit(screen: Screen, number: usize, hit: &Hit) -> String {
    let place = place(hit.document.as_str(), &hit.heading_path, hit.start, hit.end);
    let head = format!("[{number}] {:.3}  {}", hit.score, clean(&hit.title));
    let metadata = hit.metadata.as_ref().and_then(|fields| serde_json::to_string(fields).ok());
    let mut out = format!("{}\n    {}", screen.bold(&head), screen.dim(&place));
    if let Some(fields) = metadata {
        out.push_str(&format!("\n    {}", screen.dim(&clean(&fields))));
    }
    for line in clean_lines(&hit.text).lines() {
        out.push_str(&format!("\n    {line}"));
    }
    out
}

fn show_citation(screen: Screen, one: &Citation) -> String {
    let place = place(one.document.as_str(), &one.heading_path, one.start, one.end);
    let head = format!("[{}] {:.3}  {}", one.number, one.score, clean(&one.title));
    format!("{}  {}", screen.bold(&head), screen.dim(&format!("{place}, {} tokens", one.tokens)))
}

fn place(document: &str, headings: &[String], start: u32, end: u32) -> String {
    let mut parts = vec![clean(document)];
    parts.extend(headings.iter().map(|heading| clean(heading)));
    format!("{} (bytes {start} to {end})", parts.join(" › "))
}

/// More than any prompt may have, so that the worker's own limit answers.
const INPUT_BYTES_MAX: u64 = 1 << 20;
