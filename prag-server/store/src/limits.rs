//! Every bound of the store, unit last.
//!
//! Layer: `prag-store`.
//! Holds: numbers that refuse work; an error that names a limit names one of these.
//! Never: tuning (that is each engine's own).
//! Invariant: every engine holds the same bounds.

/// Longest key, bytes. A key has at least one.
pub const KEY_BYTES_MAX: usize = 256;
/// Largest value, bytes.
pub const VALUE_BYTES_MAX: usize = 1 << 20;
/// Largest batch: keys, values and [`OPERATION_BYTES`] for each operation, bytes.
pub const BATCH_BYTES_MAX: usize = 4 << 20;
/// What one put or delete counts beside its key and value, so that their number is bounded too, bytes.
pub const OPERATION_BYTES: usize = 16;
/// Most keys of one `get_many`.
pub const READ_KEYS_MAX: usize = 8192;
/// Most bytes of values that one `get_many` returns.
pub const READ_BYTES_MAX: usize = 64 << 20;
/// Most rows of one page of a `scan`.
pub const PAGE_ROWS_MAX: usize = 8192;
/// A page ends with the row that takes it to this many bytes.
pub const PAGE_BYTES_MAX: usize = 8 << 20;
/// Largest blob, bytes.
pub const BLOB_BYTES_MAX: u64 = 1 << 30;
/// Most names of one page of a list of blobs.
pub const BLOB_NAMES_MAX: usize = 8192;
