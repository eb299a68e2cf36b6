//! `prag-server`: the worker on real hardware.

use prag_server::boot::{BootError, Platform};
use std::process::ExitCode;

fn main() -> ExitCode {
    prag_server::cli::main_with(hardware)
}

/// Evidence from TDX or SNP. This version has no attester for either, so it refuses to start.
fn hardware() -> Result<Platform, BootError> {
    let report = std::path::Path::new("/sys/kernel/config/tsm/report");
    let why = if report.exists() {
        "this machine offers TEE reports, but this version cannot use them yet"
    } else {
        "this machine is no confidential VM: /sys/kernel/config/tsm/report is absent"
    };
    Err(BootError::Platform(format!(
        "{why}; to try PRAG out without privacy, run prag-server-sim (`make demo`)"
    )))
}
