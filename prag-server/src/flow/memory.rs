//! The memory limit at work: room for writes, and what is told of it.
//!
//! Layer: flow.
//! Holds: the limit of this boot, and the check before each write.
//! Never: a search that is refused, unless its shard has to be opened first.
//! Invariant: a write is refused before it is embedded, and leaves nothing behind.

use super::{Worker, problems};
use crate::collection::memory::{Accounts, Charge, Component, Full};
use crate::machine;
use crate::metrics::figure;
use crate::settings::Settings;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::attestation::MemoryStanding;
use prag_protocol::wire::collections::Profile;
use prag_protocol::wire::documents::PutDocument;
use std::fmt::Write;
use std::sync::Arc;

/// What is counted, and what is never given back.
pub(super) struct Memory {
    pub(super) accounts: Arc<Accounts>,
    _fixed: [Charge; 2],
    /// Whatever is counted, the process may not hold more than this: the machine ends it soon after. Bytes.
    ceiling: u64,
}

impl Memory {
    /// The limit of these settings on this machine; what the process holds now is its base.
    ///
    /// # Errors
    /// `memory-limit` where the settings' own limit is below what is needed before a shard is opened.
    pub(super) fn new(settings: &Settings) -> Result<Self, Problem> {
        let machine = machine::memory_bytes();
        let share = machine.map_or(u64::MAX, |bytes| bytes / 4 * 3);
        let limit = settings.memory.limit.map_or(share, |limit| limit.0);
        let places = machine::open_files().map_or(u64::MAX, |files| {
            (files.saturating_sub(OTHER_FILES) / SHARD_FILES).max(PLACES_MIN)
        });
        let accounts = Accounts::with_shards(limit, places);
        let base = machine::resident_bytes().unwrap_or_default();
        let fixed = [
            accounts.charge(Component::Base, base),
            accounts.charge(Component::Storage, prag_store::SHARED_BYTES),
        ];
        if accounts.total() >= accounts.write_limit() {
            let detail = format!(
                "`memory.limit` is {} MiB, of which {} are left to writes: the worker needs {} MiB before it opens a \
                 collection",
                limit >> 20,
                accounts.write_limit() >> 20,
                accounts.total().div_ceil(1 << 20)
            );
            if settings.memory.limit.is_some() {
                return Err(Problem::new(Code::MemoryLimit, detail).field("memory.limit"));
            }
            tracing::warn!(
                "{detail}; it is three quarters of what this machine has, and no write is taken"
            );
        }
        let ceiling = machine.map_or(u64::MAX, |bytes| bytes / 16 * 15);
        Ok(Self { accounts, _fixed: fixed, ceiling })
    }

    /// Take room for a write of so many bytes, until the charge is dropped.
    ///
    /// # Errors
    /// `memory-limit`.
    pub(super) fn room(&self, bytes: u64) -> Result<Charge, Problem> {
        let held = machine::resident_bytes().unwrap_or_default();
        if held.saturating_add(bytes) > self.ceiling {
            let full = Full { needed: bytes, used: held, limit: self.ceiling };
            return Err(problems::memory(full));
        }
        self.accounts.reserve_write(bytes).map_err(problems::memory)
    }

    /// How full the worker is, for whoever asks.
    pub(super) fn standing(&self) -> MemoryStanding {
        MemoryStanding {
            used_mib: self.accounts.total() >> 20,
            write_limit_mib: self.accounts.write_limit() >> 20,
            limit_mib: self.accounts.limit() >> 20,
        }
    }

    /// Lines for `/metrics`.
    pub(super) fn render(&self, out: &mut String) {
        let accounts = &self.accounts;
        let help = "Memory in use, as it is counted against the limit, in steps of a MiB.";
        let _ = writeln!(out, "# HELP prag_memory_bytes {help}\n# TYPE prag_memory_bytes gauge");
        for part in Component::ALL {
            let (name, bytes) = (part.name(), stepped(accounts.used(part)));
            let _ = writeln!(out, "prag_memory_bytes{{component=\"{name}\"}} {bytes}");
        }
        let mut gauge = |name: &str, help: &str, value: u64| {
            figure(out, name, "gauge", help, stepped(value));
        };
        gauge("prag_memory_used_bytes", "The sum of all components.", accounts.total());
        gauge("prag_memory_limit_bytes", "The setting `memory.limit`.", accounts.limit());
        let help = "From here on writes are refused; the rest is for builds.";
        gauge("prag_memory_write_limit_bytes", help, accounts.write_limit());
        let held = machine::resident_bytes().unwrap_or_default();
        gauge("prag_memory_resident_bytes", "What the kernel says that the process holds.", held);
        let (plain, kept) = accounts.texts();
        gauge("prag_text_plain_bytes", "Texts of segments, as they were sent.", plain);
        gauge("prag_text_kept_bytes", "The same texts, as they are kept in memory.", kept);
    }
}

/// What a put takes while it is under way, and what stays of it in the tail: text, vectors, batches and their sealed
/// form, about.
pub(super) fn put_bytes(profile: &Profile, put: &PutDocument) -> u64 {
    let text = put.content.len() as u64;
    let chunk = TOKEN_BYTES * u64::from(profile.chunk_tokens.max(CHUNK_TOKENS_MIN));
    let rows = put.chunks.as_ref().map_or(text / chunk + 1, |chunks| chunks.len() as u64);
    let vector = u64::from(profile.dimension) * size_of::<f32>() as u64;
    PUT_BYTES + PUT_COPIES * text + rows * (VECTOR_COPIES * vector + ROW_BYTES)
}

/// A number of bytes as it is shown: to the byte, it would tell how long the text is that somebody has just written.
fn stepped(bytes: u64) -> u64 {
    bytes.div_ceil(STEP_BYTES).saturating_mul(STEP_BYTES)
}

impl Worker {
    /// What memory is used for, to the byte.
    #[must_use]
    pub fn memory(&self) -> &Arc<Accounts> {
        &self.0.memory.accounts
    }
}

/// Copies of a text while it is put: as sent, cut, in the batch, encoded, sealed, and in the tail.
const PUT_COPIES: u64 = 6;
const PUT_BYTES: u64 = 4096;
/// Copies of a vector: made, in the batch, encoded, sealed, and in the tail.
const VECTOR_COPIES: u64 = 5;
/// What else a row takes.
const ROW_BYTES: u64 = 1024;
/// A token is seldom shorter.
const TOKEN_BYTES: u64 = 2;
/// The smallest chunks that the settings allow.
const CHUNK_TOKENS_MIN: u32 = 32;
/// Steps of what is shown.
const STEP_BYTES: u64 = 1 << 20;
/// Files of an open shard.
const SHARD_FILES: u64 = 9;
/// Files that are left to connections, the worker's own shard, and snapshots.
const OTHER_FILES: u64 = 1536;
/// Shards that may be open however few files there are.
const PLACES_MIN: u64 = 16;
