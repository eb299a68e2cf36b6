//! The key that only this guest on this chip gets back: SEV-SNP's derived key.
//!
//! Layer: server, `platform`.
//! Holds: what is mixed into the key, and the firmware version that a data directory was sealed under.
//! Never: the key anywhere but in wiped memory; a sealing key for TDX, which has none.
//! Invariant: another image, policy, SVN or chip, or firmware older than that at the first boot, gives another key or
//! none.
//!
//! Source: AMD SEV-SNP Firmware ABI (56860), MSG_KEY_REQ. The key hangs from the VCEK. Newer firmware still derives
//! the keys of older versions, older firmware never those of newer ones: so the version is written down at the first
//! boot and asked for again. Whoever edits that file gets a key that opens nothing.

use super::{PlatformError, file};
use crate::files::write_whole;
use prag_trust::quote::snp;
use serde::{Deserialize, Serialize};
use sev::firmware::guest::{DerivedKey, GuestFieldSelect};
use std::path::Path;
use zeroize::Zeroizing;

/// The sealing root of the data directory `data`. `report`: an SNP report of this guest, of which nothing is believed but
/// its versions. Blocks for milliseconds.
///
/// # Errors
/// [`PlatformError::Sealing`] where the processor refuses, and those of the file of versions.
pub fn sealing_root(data: &Path, report: &[u8]) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
    derived(data, report, &mut ask)
}

fn derived(
    data: &Path,
    report: &[u8],
    ask: &mut dyn FnMut(DerivedKey) -> Result<Zeroizing<[u8; 32]>, PlatformError>,
) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
    let now = snp::parse(report)?;
    let path = data.join(FILE);
    let (known, at) = match file(&path, WHAT, FILE_BYTES_MAX) {
        Ok(bytes) => {
            let versions = serde_json::from_slice(&bytes);
            (true, versions.map_err(|_| PlatformError::Malformed(WHAT))?)
        }
        Err(PlatformError::Read(_, std::io::ErrorKind::NotFound)) => {
            (false, Versions { version: 1, tcb: now.committed_tcb, svn: now.guest_svn })
        }
        Err(error) => return Err(error),
    };
    let Versions { version: 1, tcb, svn } = at else {
        return Err(PlatformError::Malformed(WHAT));
    };
    let mut fields = GuestFieldSelect::default();
    fields.set_guest_policy(true);
    fields.set_measurement(true);
    fields.set_svn(true);
    fields.set_tcb_version(true);
    // `false`: under the VCEK, the chip's own key, not one that migrates.
    let key = ask(DerivedKey::new(false, fields, LEVEL, svn, tcb, None))?;
    if !known {
        keep(&path, &at)?;
    }
    Ok(key)
}

/// Versions that were mixed in. Not secret, not believed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versions {
    version: u32,
    tcb: u64,
    svn: u32,
}

fn keep(path: &Path, versions: &Versions) -> Result<(), PlatformError> {
    let bytes = serde_json::to_vec(versions).map_err(|_| PlatformError::Malformed(WHAT))?;
    write_whole(path, &bytes).map_err(|error| PlatformError::Io(WHAT, error.kind()))
}

#[cfg(target_os = "linux")]
fn ask(request: DerivedKey) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
    use sev::error::UserApiError;
    use sev::firmware::guest::Firmware;
    let device = "/dev/sev-guest does not open: load its driver (`modprobe sev-guest`), run the worker as root";
    let mut firmware = Firmware::open().map_err(|_| PlatformError::Sealing(device))?;
    firmware.get_derived_key(Some(MESSAGE), request).map(Zeroizing::new).map_err(|error| {
        PlatformError::Sealing(match error {
            UserApiError::FirmwareError(_) => {
                "it refuses; its firmware may be older than at the first boot"
            }
            _ => "the kernel or the host refuses",
        })
    })
}

#[cfg(not(target_os = "linux"))]
fn ask(_request: DerivedKey) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
    Err(PlatformError::Sealing("only Linux asks for it"))
}

const WHAT: &str = "the versions of the sealing key";
const FILE: &str = "sealing-versions.json";
const FILE_BYTES_MAX: usize = 4 << 10;
/// VMPL that is mixed in: the level that owns the guest's memory, as in the evidence.
const LEVEL: u32 = 0;
/// Version of the message that every firmware takes.
const MESSAGE: u32 = 1;

#[cfg(test)]
mod tests;
