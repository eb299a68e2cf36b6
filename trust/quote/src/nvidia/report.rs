//! The report: an SPDM request and the signed response to it.
//!
//! Layer: `prag-quote::nvidia`; knows no certificate.
//! Holds: the layout of both messages, of measurement blocks and of NVIDIA's opaque data.
//! Never: a byte that belongs to no field, or a field twice.
//! Invariant: a [`Report`] is a request for all measurements, signed, and a response to that very request.

use p384::ecdsa::Signature;

use super::Mode;
use crate::QuoteError;
use crate::error::bounded;

/// A report that parses; nothing is verified yet.
pub(super) struct Report<'a> {
    pub(super) nonce: [u8; 32],
    pub(super) measurements: Vec<(u8, [u8; 48])>,
    pub(super) opaque: Opaque,
    /// All but the signature.
    pub(super) signed: &'a [u8],
    pub(super) signature: Signature,
}

impl<'a> Report<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, QuoteError> {
        bounded("GPU report", bytes, REPORT_BYTES_MAX)?;
        let mut rest = Bytes(bytes);
        let [version, code, attributes, operation] = rest.array("request of the GPU report")?;
        if version != SPDM_1_1 {
            return Err(QuoteError::Unsupported("SPDM version of the request"));
        }
        if code != GET_MEASUREMENTS {
            return Err(QuoteError::Unsupported("code of the SPDM request"));
        }
        if attributes != WITH_SIGNATURE {
            return Err(QuoteError::Forbidden("SPDM request for an unsigned answer"));
        }
        if operation != ALL_MEASUREMENTS {
            return Err(QuoteError::Forbidden("SPDM request for a part of the measurements"));
        }
        let nonce = rest.array("request of the GPU report")?;
        let [slot] = rest.array("request of the GPU report")?;

        let [version, code, _, answered] = rest.array("response of the GPU report")?;
        if version != SPDM_1_1 {
            return Err(QuoteError::Unsupported("SPDM version of the response"));
        }
        if code != MEASUREMENTS {
            return Err(QuoteError::Unsupported("code of the SPDM response"));
        }
        if answered != slot {
            return Err(QuoteError::Forbidden("SPDM response from another slot"));
        }
        let [blocks, a, b, c] = rest.array("response of the GPU report")?;
        let record = u32::from_le_bytes([a, b, c, 0]) as usize;
        let measurements = measurements(rest.take(record, "measurements of the GPU report")?)?;
        if measurements.len() != usize::from(blocks) {
            return Err(QuoteError::Format("number of the GPU's measurements"));
        }
        let _of_the_gpu: [u8; 32] = rest.array("response of the GPU report")?;
        let length = rest.u16("opaque data of the GPU report")?;
        let opaque = Opaque::parse(rest.take(length, "opaque data of the GPU report")?)?;

        // `r || s`, both big endian, as NVIDIA's verifier reads it.
        let signature = rest.0;
        let signature = Signature::from_slice(signature)
            .map_err(|_| QuoteError::Format("signature of the GPU report"))?;
        let signed = &bytes[..bytes.len() - rest.0.len()];
        Ok(Self { nonce, measurements, opaque, signed, signature })
    }
}

/// Blocks of index, specification, size; then kind, size, value.
///
/// Source: DSP0274 1.1, "Measurement block" and "DMTF specification for the Measurement field".
fn measurements(record: &[u8]) -> Result<Vec<(u8, [u8; 48])>, QuoteError> {
    let part = "measurement of the GPU report";
    let (mut rest, mut all) = (Bytes(record), Vec::new());
    let mut last = 0;
    while !rest.0.is_empty() {
        let [index, specification] = rest.array(part)?;
        if index <= last {
            return Err(QuoteError::Format("order of the GPU's measurements"));
        }
        if specification != DMTF {
            return Err(QuoteError::Unsupported("specification of the GPU's measurements"));
        }
        let size = rest.u16(part)?;
        let mut block = Bytes(rest.take(size, part)?);
        let [kind] = block.array(part)?;
        if kind & RAW != 0 {
            return Err(QuoteError::Unsupported("measurement of the GPU that is no hash"));
        }
        let size = block.u16(part)?;
        let value = block.take(size, part)?;
        match value.try_into() {
            Ok(hash) if block.0.is_empty() => all.push((index, hash)),
            _ => return Err(QuoteError::Format("size of the GPU's measurements")),
        }
        last = index;
    }
    Ok(all)
}

/// NVIDIA's part of the response: number and content of each field.
pub(super) struct Opaque(pub(super) Vec<(u16, Vec<u8>)>);

impl Opaque {
    fn parse(data: &[u8]) -> Result<Self, QuoteError> {
        let part = "opaque data of the GPU report";
        let (mut rest, mut fields) = (Bytes(data), Self(Vec::new()));
        while !rest.0.is_empty() {
            let id = u16::from_le_bytes(rest.array(part)?);
            let size = rest.u16(part)?;
            let value = rest.take(size, part)?;
            if fields.0.len() == FIELDS_MAX || fields.field(id).is_some() {
                return Err(QuoteError::Format("repeated field of the GPU report"));
            }
            fields.0.push((id, value.to_vec()));
        }
        Ok(fields)
    }

    fn field(&self, id: u16) -> Option<&[u8]> {
        self.0.iter().find(|(field, _)| *field == id).map(|(_, value)| value.as_slice())
    }

    /// Printable ASCII before zeros.
    pub(super) fn text(&self, id: u16) -> Result<Option<String>, QuoteError> {
        let Some(value) = self.field(id) else { return Ok(None) };
        let end = value.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let text = &value[..end];
        if text.is_empty() || text.len() > TEXT_BYTES_MAX || !text.iter().all(u8::is_ascii_graphic)
        {
            return Err(QuoteError::Format("text in the GPU report"));
        }
        Ok(Some(text.iter().copied().map(char::from).collect()))
    }

    pub(super) fn driver_version(&self) -> Result<String, QuoteError> {
        self.text(DRIVER_VERSION)?.ok_or(QuoteError::Format("driver version of the GPU report"))
    }

    /// Eight bytes `d c b a e 0 0 0`, written `aa.bb.cc.dd.ee`.
    pub(super) fn vbios_version(&self) -> Result<String, QuoteError> {
        match self.field(VBIOS_VERSION) {
            Some(&[d, c, b, a, e, _, _, _]) => {
                Ok(format!("{a:02X}.{b:02X}.{c:02X}.{d:02X}.{e:02X}"))
            }
            _ => Err(QuoteError::Format("VBIOS version of the GPU report")),
        }
    }

    pub(super) fn fwid(&self) -> Result<[u8; 48], QuoteError> {
        let value = self.field(FWID).and_then(|value| value.try_into().ok());
        value.ok_or(QuoteError::Format("firmware id of the GPU report"))
    }

    pub(super) fn mode(&self) -> Result<Option<Mode>, QuoteError> {
        let Some(value) = self.field(FEATURE_FLAG) else { return Ok(None) };
        let value = value.try_into().map_err(|_| QuoteError::Format("mode of the GPU report"))?;
        Ok(Some(match u16::from_le_bytes(value) {
            0 => Mode::Single,
            1 => Mode::Multi,
            2 => Mode::ProtectedPcie,
            other => Mode::Other(other),
        }))
    }

    pub(super) fn protected_pcie(&self) -> Result<Option<bool>, QuoteError> {
        match self.field(PROTECTED_PCIE) {
            None => Ok(None),
            Some(&[0x55]) => Ok(Some(false)),
            Some(&[0xaa]) => Ok(Some(true)),
            Some(_) => Err(QuoteError::Format("protected PCIe status of the GPU report")),
        }
    }
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize, part: &'static str) -> Result<&'a [u8], QuoteError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(QuoteError::Format(part))?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], QuoteError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(QuoteError::Format(part))?;
        self.0 = tail;
        Ok(*head)
    }

    fn u16(&mut self, part: &'static str) -> Result<usize, QuoteError> {
        self.array(part).map(u16::from_le_bytes).map(usize::from)
    }
}

/// A report's size in bytes; Hopper's have 4 KiB.
pub const REPORT_BYTES_MAX: usize = 16 << 10;
const FIELDS_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 64;

// Source: DSP0274 1.1, `GET_MEASUREMENTS` request and `MEASUREMENTS` response.
const SPDM_1_1: u8 = 0x11;
const GET_MEASUREMENTS: u8 = 0xe0;
const MEASUREMENTS: u8 = 0x60;
const WITH_SIGNATURE: u8 = 1;
const ALL_MEASUREMENTS: u8 = 0xff;
const DMTF: u8 = 1;
const RAW: u8 = 0x80;

// Fields of the opaque data. Source: NVIDIA attestation SDK, `OpaqueData` of the SPDM response.
const DRIVER_VERSION: u16 = 3;
const VBIOS_VERSION: u16 = 6;
pub(super) const CHIP_SKU: u16 = 15;
pub(super) const PROJECT: u16 = 17;
pub(super) const PROJECT_SKU: u16 = 18;
const FWID: u16 = 20;
const PROTECTED_PCIE: u16 = 21;
const FEATURE_FLAG: u16 = 36;
