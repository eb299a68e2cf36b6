//! Every bound, in one place, unit last.
//!
//! Layer: protocol.
//! Holds: numbers that refuse work; a limit named in an error is one of these.
//! Never: tuning knobs (those are the server's settings).
//! Invariant: what is over a bound is refused whole, before it is parsed.

/// Largest request body, bytes.
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// Deepest JSON nesting of a request.
pub const JSON_DEPTH_MAX: usize = 32;
/// Largest document, bytes of UTF-8.
pub const DOCUMENT_BYTES_MAX: usize = 2 << 20;
/// Most chunks of one document.
pub const DOCUMENT_CHUNKS_MAX: usize = 8192;
/// Longest document title, bytes.
pub const TITLE_BYTES_MAX: usize = 512;
/// Longest cited text of one chunk, bytes.
pub const CHUNK_BYTES_MAX: usize = 4096;
/// Narrowest room that a query's reply gives a hit, bytes of JSON.
pub const HIT_BYTES_MIN: u32 = 1024;
/// Widest room that a query's reply gives a hit, bytes of JSON: 4 KiB of text, title, headings and id. Longer ones, of
/// many escapes, share what other hits of the reply leave, or are refused by name.
pub const HIT_BYTES_MAX: u32 = 8192;
/// Longest heading path of a chunk, bytes over all headings.
pub const HEADING_PATH_BYTES_MAX: usize = 1024;
/// Most lines of one bulk request.
pub const BULK_LINES_MAX: usize = 1000;
/// Longest collection name, bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Most collections of one owner on a worker.
pub const COLLECTIONS_PER_OWNER_MAX: usize = 256;
/// Most hits of one query.
pub const K_MAX: u32 = 1000;
/// Most queries of one request.
pub const QUERIES_MAX: usize = 64;
/// Most hits of all queries of one request.
pub const QUERIES_HITS_MAX: u32 = K_MAX;
/// Longest query text, bytes.
pub const QUERY_BYTES_MAX: usize = 16 << 10;
/// Largest context budget, tokens.
pub const BUDGET_TOKENS_MAX: u32 = 32_768;
/// Most passages that a context is packed from.
pub const CONTEXT_PASSAGES_MAX: u32 = 200;
/// Largest vector dimension.
pub const DIMENSION_MAX: usize = 4096;
/// Most texts of one embeddings request.
pub const EMBEDDING_INPUTS_MAX: usize = 256;
/// Most ids of one delete request.
pub const DELETE_IDS_MAX: usize = 1000;
/// Most documents or chunks of one receipt.
pub const RECEIPT_ENTRIES_MAX: usize = 4096;
/// Most rows of one page of a listing.
pub const PAGE_ROWS_MAX: u32 = 1000;
/// Longest opaque cursor, token or idempotency key, bytes.
pub const TOKEN_BYTES_MAX: usize = 512;
/// Request ids that a metered session's worker remembers: a retry within so many others is not counted again.
pub const REQUEST_IDS_MAX: usize = 64;
/// Times that a counted request is served again under its id.
pub const REQUEST_REPEATS_MAX: u8 = 8;
/// Most metered sessions of one collection on a worker.
pub const METERED_SESSIONS_MAX: usize = 4096;
/// Most of them that act for one account and owe something, or are new.
pub const METERED_SESSIONS_PER_ACCOUNT_MAX: usize = 16;
/// Most that act for one account, those included that owe nothing and wait for their report to the ledger.
pub const METERED_SESSIONS_KEPT_MAX: usize = 256;
/// Requests signed further from the worker's clock than this are refused, seconds.
pub const CLOCK_SKEW_SECONDS_MAX: u64 = 60;
/// Most records of one sealed corpus file.
pub const CORPUS_RECORDS_MAX: usize = 1 << 20;
