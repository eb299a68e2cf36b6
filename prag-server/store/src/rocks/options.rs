//! How RocksDB is set up, and what its errors mean.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: options that all shards share, with one small block cache and one set of counters.
//! Never: RocksDB's messages, which may quote keys and paths.
//! Invariant: checksums are always verified, and a log damaged before its end is refused, not cut: cutting would
//! silently drop acknowledged batches. Only an unfinished last record is forgiven; `mark` tells it from damage.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rocksdb::statistics::{StatsLevel, Ticker};
use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, DBRecoveryMode, ErrorKind, InfoLogger,
    LogLevel, Options, WriteBufferManager,
};

use crate::error::StoreError;
use crate::names::ShardName;
use crate::traits::Reads;

/// What the shards of an engine share in memory at most, bytes: blocks that were read, and rows that are not in files
/// yet.
pub const SHARED_BYTES: u64 = (CACHE_BYTES + WRITE_BUFFERS_BYTES) as u64;

/// Options for all databases of an engine.
pub(super) struct Tuning {
    options: Options,
    blobs: Arc<AtomicU64>,
}

impl Tuning {
    pub(super) fn new() -> Self {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&Cache::new_lru_cache(CACHE_BYTES));
        table.set_block_size(BLOCK_BYTES);
        table.set_bloom_filter(10.0, false);

        let mut options = Options::default();
        options.set_block_based_table_factory(&table);
        options.set_compression_type(DBCompressionType::None);
        options.set_paranoid_checks(true);
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        options.set_track_and_verify_wals_in_manifest(true);
        options.set_manual_wal_flush(false);
        options.set_allow_mmap_reads(false);
        options.set_allow_mmap_writes(false);
        options.set_write_buffer_size(WRITE_BUFFER_BYTES);
        options.set_write_buffer_manager(&WriteBufferManager::new_write_buffer_manager(
            WRITE_BUFFERS_BYTES,
            false,
        ));
        options.set_arena_block_size(ARENA_BYTES);
        options.set_writable_file_max_buffer_size(FILE_BUFFER_BYTES);
        options.set_table_cache_num_shard_bits(0);
        options.set_max_write_buffer_number(2);
        options.set_max_total_wal_size(4 * WRITE_BUFFER_BYTES as u64);
        // A log, and the list of files, take room on disk before they need it: as much as a write buffer, which is
        // hundreds of times what a small shard holds. Beside a write buffer manager the second of these bounds nothing
        // else (`DBImpl::GetWalPreallocateBlockSize`).
        options.set_manifest_preallocation_size(PREALLOCATED_BYTES);
        options.set_db_write_buffer_size(PREALLOCATED_BYTES);
        options.set_max_background_jobs(2);
        options.set_max_file_opening_threads(1);
        options.set_max_open_files(OPEN_FILES_MAX);
        options.set_max_manifest_file_size(4 << 20);
        // Nothing is logged, and no shard holds a file and a buffer open for it.
        options.set_log_level(LogLevel::Fatal);
        options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| ()));
        options.set_stats_dump_period_sec(0);
        options.set_stats_persist_period_sec(0);
        options.enable_statistics();
        options.set_statistics_level(StatsLevel::ExceptHistogramOrTimers);
        Self { options, blobs: Arc::default() }
    }

    /// RocksDB's own counters, which all databases of these options share, and the blobs read beside them.
    pub(super) fn reads(&self) -> Reads {
        let rows = [Ticker::NumberKeysRead, Ticker::NumberDbSeek, Ticker::NumberDbNext];
        Reads {
            rows: rows.iter().map(|ticker| self.options.get_ticker_count(*ticker)).sum(),
            blobs: self.blobs.load(Ordering::Relaxed),
        }
    }

    /// Where blobs that are read are counted.
    pub(super) fn blob_reads(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.blobs)
    }

    /// Make a database in an empty folder.
    pub(super) fn create(&self, shard: ShardName, path: &Path) -> Result<DB, StoreError> {
        let mut options = self.options.clone();
        options.create_if_missing(true);
        options.set_error_if_exists(true);
        DB::open(&options, path).map_err(|error| failed(shard, &error))
    }

    /// Open a database that is there.
    pub(super) fn open(&self, shard: ShardName, path: &Path) -> Result<DB, StoreError> {
        DB::open(&self.options, path).map_err(|error| failed(shard, &error))
    }

    /// Open a database that is there without changing a file.
    pub(super) fn look(&self, shard: ShardName, path: &Path) -> Result<DB, StoreError> {
        DB::open_for_read_only(&self.options, path, false).map_err(|error| failed(shard, &error))
    }

    /// Open a checkpoint. All its files are held open, so it can be read even while it is being removed.
    pub(super) fn open_read_only(&self, shard: ShardName, path: &Path) -> Result<DB, StoreError> {
        let mut options = self.options.clone();
        options.set_max_open_files(-1);
        DB::open_for_read_only(&options, path, true).map_err(|error| failed(shard, &error))
    }
}

/// What an error of RocksDB says about the shard.
pub(super) fn failed(shard: ShardName, error: &rocksdb::Error) -> StoreError {
    let text: &str = error.as_ref();
    match error.kind() {
        ErrorKind::IOError if text.contains("No space left") => {
            StoreError::Io { shard, kind: io::ErrorKind::StorageFull }
        }
        ErrorKind::IOError if text.contains("No such file") => StoreError::Tampered(shard),
        ErrorKind::IOError if text.contains("lock file") || text.contains("lock hold") => {
            StoreError::Busy(shard)
        }
        ErrorKind::Corruption
        | ErrorKind::InvalidArgument
        | ErrorKind::NotFound
        | ErrorKind::NotSupported
        | ErrorKind::ColumnFamilyDropped
        | ErrorKind::MergeInProgress => StoreError::Tampered(shard),
        ErrorKind::IOError
        | ErrorKind::Incomplete
        | ErrorKind::ShutdownInProgress
        | ErrorKind::TimedOut
        | ErrorKind::Aborted
        | ErrorKind::Busy
        | ErrorKind::Expired
        | ErrorKind::TryAgain
        | ErrorKind::CompactionTooLarge
        | ErrorKind::Unknown => StoreError::Io { shard, kind: io::ErrorKind::Other },
    }
}

/// Blocks read and kept, for all shards together, bytes.
const CACHE_BYTES: usize = 32 << 20;
/// Smallest unit read and checked, bytes.
const BLOCK_BYTES: usize = 16 << 10;
/// Rows held in memory before they become a file, for each shard, bytes.
const WRITE_BUFFER_BYTES: usize = 4 << 20;
/// Rows held in memory before they become files, for all shards together, bytes: past seven eighths of it whoever
/// writes flushes, so it is well above what thousands of idle shards hold (one arena block each).
const WRITE_BUFFERS_BYTES: usize = 256 << 20;
/// Room on disk that files which grow take at a time, bytes.
const PREALLOCATED_BYTES: usize = 64 << 10;
/// By how much a shard's write buffer grows, bytes: thousands of shards hold a few rows each.
const ARENA_BYTES: usize = 32 << 10;
/// Bytes gathered before a write to a file; each open shard has two such files.
const FILE_BUFFER_BYTES: u64 = 16 << 10;
/// Files held open for each shard.
const OPEN_FILES_MAX: i32 = 64;
