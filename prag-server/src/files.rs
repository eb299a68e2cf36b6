//! Small files of the worker beside its shards: whole or not at all.
//!
//! Layer: bottom of the server.
//! Holds: one durable write.
//! Never: a secret: what is written here lies open.
//! Invariant: after a crash there is the old file, the new one, or none where there was none.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Write `bytes` to `path`, durably.
///
/// # Errors
/// What the file system says; `path` is then as it was, or has the new bytes, whole but perhaps not durable.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let staged = path.with_extension("new");
    let mut file = File::create(&staged)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&staged, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
