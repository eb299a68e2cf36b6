//! The memory limit at work: room for writes, and what is told of it.
//!
//! Layer: flow.
//! Holds: the limit of this boot, and the check before each write.
//! Never: a search that is refused, unless its shard has to be opened first.
//! Invariant: a write is refused before it is embedded, and leaves nothing behind.

use super::{Worker, problems};
use crate::collection::memory::{Accounts, Charge, Component, Full};
use crate::collection::tiers::Shape;
use crate::collection::upkeep::Upkeep;
use crate::machine;
use crate::settings::Settings;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::attestation::MemoryStanding;
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
    pub(super) fn new(settings: &Settings) -> Self {
        let machine = machine::memory_bytes();
        let share = machine.map_or(u64::MAX, |bytes| bytes / 4 * 3);
        let limit = settings.memory.limit.map_or(share, |limit| limit.0);
        let accounts = Accounts::new(limit);
        let base = machine::resident_bytes().unwrap_or_default();
        let fixed = [
            accounts.charge(Component::Base, base),
            accounts.charge(Component::Storage, prag_store::SHARED_BYTES),
        ];
        if accounts.total() > accounts.write_limit() {
            tracing::warn!(limit, base, "memory.limit is below what the worker needs to start");
        }
        Self { accounts, _fixed: fixed, ceiling: machine.map_or(u64::MAX, |bytes| bytes / 16 * 15) }
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
        let _ = writeln!(
            out,
            "# HELP prag_memory_bytes Memory in use, as it is counted against the limit.\n# TYPE prag_memory_bytes gauge"
        );
        for part in Component::ALL {
            let (name, bytes) = (part.name(), accounts.used(part));
            let _ = writeln!(out, "prag_memory_bytes{{component=\"{name}\"}} {bytes}");
        }
        let mut gauge = |name: &str, help: &str, value: u64| {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
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

/// How builds run on this machine.
pub(super) fn upkeep(settings: &Settings) -> Upkeep {
    let shape = Shape { freeze_rows: settings.freeze_rows, fan: settings.merge_segments };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = match settings.build_threads {
        0 => cores.div_ceil(2),
        threads => threads,
    };
    Upkeep::new(shape, threads, settings.build_mib_per_s << 20)
}

/// What a put takes while it is under way: text, vectors, batches and their sealed form, about.
pub(super) fn put_bytes(put: &PutDocument) -> u64 {
    PUT_BYTES + PUT_COPIES * put.content.len() as u64
}

impl Worker {
    /// Refuses where builds are so far behind that searches would scan for long.
    ///
    /// # Errors
    /// `overloaded`; worth a retry once the freeze is done.
    pub(super) fn check_tail(&self, rows: usize) -> Result<(), Problem> {
        let most = self.0.settings.freeze_rows.saturating_mul(TAIL_FREEZES_MAX).max(TAIL_ROWS_MIN);
        if rows < most {
            return Ok(());
        }
        let detail = "rows wait for a freeze in this collection: writes come in faster than segments are built";
        Err(Problem::new(Code::Overloaded, detail).limit(u64::try_from(most).unwrap_or(u64::MAX)))
    }
}

/// Copies of a text while it is put, its vectors included.
const PUT_COPIES: u64 = 6;
const PUT_BYTES: u64 = 4096;
/// A tail of so many times the rows that start a freeze takes no more.
const TAIL_FREEZES_MAX: usize = 16;
/// But never fewer than this.
const TAIL_ROWS_MIN: usize = 100_000;
