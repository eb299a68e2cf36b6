//! Reading rows in one snapshot.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: nothing; works on a database that is lent to it.
//! Never: a row beyond the bounds, which only a forged file can hold.
//! Invariant: every call reads one snapshot.

use rocksdb::{DB, ReadOptions, WriteBatch, WriteOptions};

use super::options::failed;
use super::state::{CALLERS, STATE_KEY, StateRow, on_disk};
use crate::batch::{KeyRange, Page};
use crate::error::StoreError;
use crate::limits::{
    BATCH_BYTES_MAX, KEY_BYTES_MAX, PAGE_BYTES_MAX, READ_BYTES_MAX, VALUE_BYTES_MAX,
};
use crate::names::ShardName;

/// The values at `keys`, which are within the bounds.
pub(super) fn get_many(
    shard: ShardName,
    db: &DB,
    keys: &[&[u8]],
) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let snapshot = db.snapshot();
    let mut options = ReadOptions::default();
    options.set_snapshot(&snapshot);
    let mut bytes = 0;
    keys.iter()
        .map(|key| {
            let found =
                db.get_pinned_opt(on_disk(key), &options).map_err(|error| failed(shard, &error))?;
            let Some(value) = found else { return Ok(None) };
            if value.len() > VALUE_BYTES_MAX {
                return Err(StoreError::Tampered(shard));
            }
            bytes += value.len();
            if bytes > READ_BYTES_MAX { Err(StoreError::Read) } else { Ok(Some(value.to_vec())) }
        })
        .collect()
}

/// A page of `range`; `limit` is within the bounds.
pub(super) fn scan(
    shard: ShardName,
    db: &DB,
    range: &KeyRange,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Page, StoreError> {
    let (mut page, mut bytes) = (Page::default(), 0);
    let mut options = bounded(range, after);
    options.fill_cache(false);
    let mut rows = db.raw_iterator_opt(options);
    rows.seek_to_first();
    while let Some((key, value)) = rows.item() {
        let key = checked(shard, key, value)?;
        if page.rows.len() == limit || bytes >= PAGE_BYTES_MAX {
            page.more = true;
            break;
        }
        bytes += key.len() + value.len();
        page.rows.push((key.to_vec(), value.to_vec()));
        rows.next();
    }
    rows.status().map_err(|error| failed(shard, &error))?;
    Ok(page)
}

/// Copy the rows of `range` into the empty database `target` of the shard `to`; the state that it goes on from.
pub(super) fn copy(
    from: ShardName,
    db: &DB,
    to: ShardName,
    target: &DB,
    range: &KeyRange,
) -> Result<StateRow, StoreError> {
    let snapshot = db.snapshot();
    let state = snapshot.get(STATE_KEY).map_err(|error| failed(from, &error))?;
    let state =
        state.as_deref().and_then(StateRow::from_bytes).ok_or(StoreError::Tampered(from))?;

    let mut options = bounded(range, None);
    options.fill_cache(false);
    let mut rows = snapshot.raw_iterator_opt(options);
    let mut unlogged = WriteOptions::default();
    unlogged.disable_wal(true);
    let mut write = WriteBatch::default();
    rows.seek_to_first();
    while let Some((key, value)) = rows.item() {
        checked(from, key, value)?;
        write.put(key, value);
        if write.size_in_bytes() >= BATCH_BYTES_MAX {
            let full = std::mem::take(&mut write);
            target.write_opt(full, &unlogged).map_err(|error| failed(to, &error))?;
        }
        rows.next();
    }
    rows.status().map_err(|error| failed(from, &error))?;
    target.write_opt(write, &unlogged).map_err(|error| failed(to, &error))?;
    Ok(StateRow { epoch: 0, seq: state.seq })
}

fn bounded(range: &KeyRange, after: Option<&[u8]>) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(on_disk(&range.resume(after)));
    options.set_iterate_upper_bound(match &range.end {
        Some(end) => on_disk(end),
        None => vec![CALLERS + 1],
    });
    options
}

/// The caller's key of a row within the bounds.
fn checked<'a>(shard: ShardName, key: &'a [u8], value: &[u8]) -> Result<&'a [u8], StoreError> {
    match key.split_first() {
        Some((&CALLERS, key))
            if !key.is_empty() && key.len() <= KEY_BYTES_MAX && value.len() <= VALUE_BYTES_MAX =>
        {
            Ok(key)
        }
        _ => Err(StoreError::Tampered(shard)),
    }
}
