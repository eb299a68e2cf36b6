//! A TDX quote's report: what the image is, and what the guest bound.
//!
//! Layer: bottom of the workers shell.
//! Holds: the offsets of versions 4 and 5, the rules about attributes, the digest of an image.
//! Never: a signature; the chain checks those over the same bytes.
//! Invariant: the digest is that of `trust::evidence::Hardware::image`, so one list of measurements serves chain and
//! clients.
//!
//! Source: Intel TDX DCAP Quoting Library API, appendix A; the rules are those of Intel's verification library.

use crate::error::ShellError;
use sha2::{Digest, Sha256};

/// What a quote says. Believable once the chain has verified the quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Td {
    /// SHA-256(`"PRAG-IMAGE/v1"` ‖ LP("tdx", MRTD, RTMR0 to 3, MRCONFIGID, MROWNER, MROWNERCONFIG, attributes, XFAM)).
    pub(crate) image: [u8; 32],
    /// Chosen by the guest.
    pub(crate) report_data: [u8; 64],
}

/// Reads a quote whose guest is closed to its host.
///
/// # Errors
/// [`ShellError::Quote`] for other bytes; [`ShellError::Guest`] for a guest in debug mode and the like.
pub(crate) fn read(quote: &[u8]) -> Result<Td, ShellError> {
    let body = body(quote)?;
    closed(body)?;
    let parts = [
        b"tdx".as_slice(),
        part(body, MR_TD, REGISTER)?,
        part(body, RTMR, REGISTER)?,
        part(body, RTMR + REGISTER, REGISTER)?,
        part(body, RTMR + 2 * REGISTER, REGISTER)?,
        part(body, RTMR + 3 * REGISTER, REGISTER)?,
        part(body, MR_CONFIG_ID, REGISTER)?,
        part(body, MR_OWNER, REGISTER)?,
        part(body, MR_OWNER_CONFIG, REGISTER)?,
        part(body, ATTRIBUTES, 8)?,
        part(body, XFAM, 8)?,
    ];
    let mut hasher = Sha256::new_with_prefix("PRAG-IMAGE/v1");
    for part in parts {
        // Registers are 48 bytes long at most.
        hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(part);
    }
    Ok(Td { image: hasher.finalize().into(), report_data: fixed(body, REPORT_DATA)? })
}

/// The TD report of a quote.
fn body(quote: &[u8]) -> Result<&[u8], ShellError> {
    let version = u16::from_le_bytes(fixed(quote, 0)?);
    if u32::from_le_bytes(fixed(quote, 4)?) != TEE_TDX {
        return Err(ShellError::Quote("it is of another kind of TEE"));
    }
    let (offset, size) = match version {
        4 => (HEADER, TD_1_0),
        5 => {
            let kind = u16::from_le_bytes(fixed(quote, HEADER)?);
            let said = u32::from_le_bytes(fixed(quote, HEADER + 2)?);
            let said = usize::try_from(said).unwrap_or(usize::MAX);
            match (kind, said) {
                // The last is TD 1.5 with more behind it.
                (2, TD_1_0) | (3, TD_1_5) | (4, TD_1_5..) => (HEADER + 6, said),
                (2..=4, _) => return Err(ShellError::Quote("its body is of another size")),
                _ => return Err(ShellError::Quote("its body is of an unknown kind")),
            }
        }
        _ => return Err(ShellError::Quote("its version is unknown")),
    };
    part(quote, offset, size)
}

/// No debugging, profiling, migration or service TD; no attribute that nobody has named yet.
fn closed(body: &[u8]) -> Result<(), ShellError> {
    let attributes = u64::from_le_bytes(fixed(body, ATTRIBUTES)?);
    let rules = [
        (attributes & 0x01 == 0, "debug mode"),
        (attributes & 0x70 == 0, "profiling"),
        (attributes & SEPT_VE_DISABLE != 0, "SEPT_VE_DISABLE unset"),
        (attributes & MIGRATABLE == 0, "migration"),
        (attributes & SERVTD_EXT == 0, "service TDs"),
        (attributes & !DEFINED == 0, "reserved attributes"),
    ];
    for (holds, what) in rules {
        if !holds {
            return Err(ShellError::Guest(what));
        }
    }
    let bound = body.get(MR_SERVICE_TD..TD_1_5).unwrap_or_default();
    if bound.iter().any(|byte| *byte != 0) {
        return Err(ShellError::Guest("service TDs"));
    }
    Ok(())
}

fn part(bytes: &[u8], offset: usize, length: usize) -> Result<&[u8], ShellError> {
    let end = offset.checked_add(length);
    end.and_then(|end| bytes.get(offset..end)).ok_or(ShellError::Quote("it is too short"))
}

fn fixed<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], ShellError> {
    part(bytes, offset, N)?.try_into().map_err(|_| ShellError::Quote("it is too short"))
}

const TEE_TDX: u32 = 0x81;
const HEADER: usize = 48;
const TD_1_0: usize = 584;
const TD_1_5: usize = 648;
const REGISTER: usize = 48;
const ATTRIBUTES: usize = 120;
const XFAM: usize = 128;
const MR_TD: usize = 136;
const MR_CONFIG_ID: usize = 184;
const MR_OWNER: usize = 232;
const MR_OWNER_CONFIG: usize = 280;
const RTMR: usize = 328;
const REPORT_DATA: usize = 520;
const MR_SERVICE_TD: usize = 600;

const SERVTD_EXT: u64 = 1 << 17;
const SEPT_VE_DISABLE: u64 = 1 << 28;
const MIGRATABLE: u64 = 1 << 29;
/// Bits 0, 4 to 6, 16 to 22, 27 to 31, 62 and 63.
const DEFINED: u64 = 0xc000_0000_f87f_0071;
