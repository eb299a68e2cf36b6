//! The privacy tax: what sealing, evidence, signatures and the channel cost.
//!
//! Layer: benches.
//! Holds: the parts of the suite, in the order of the table.
//! Never: a plain twin that does less than a plain engine would have to, or more.
//! Invariant: a row's two sides do the same work on the same data but for what the row is named after.

mod crypto;
mod evidence;
pub(crate) mod lab;
mod request;
mod scans;
mod sealed;
mod storage;
mod twin;
mod verify;

use crate::data::DataSet;
use crate::error::{BenchError, Step};
use crate::measure::Screen;
use crate::options::Options;
use crate::report::Sheet;

/// Runs the suite.
///
/// # Errors
/// [`BenchError`] of the first step that failed.
pub fn run(options: &Options, screen: &Screen, sheet: &mut Sheet) -> Result<(), BenchError> {
    let size = options.size();
    let queries = size.searches.max(size.requests);
    screen.now("making documents");
    let data = DataSet::new(options.corpus.as_deref(), size.rows, queries)?;
    let disk = tempfile::tempdir_in(options.disk()).step("making a folder for the databases")?;
    verify::run(size, screen, sheet)?;
    crypto::run(size, screen, sheet)?;
    let twin = storage::run(size, &data, disk.path(), screen, sheet)?;
    scans::run(size, &data, screen, sheet)?;
    request::run(size, &data, &twin, screen, sheet)
}
