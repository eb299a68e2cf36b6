//! The report: request and response, in bytes.
//!
//! Layer: `prag-pki::nvidia`.
//! Holds: every field, lengths among them, open to be made wrong.
//! Never: a signature.
//! Invariant: a length that is not set is the true one.

use super::hash;

/// `GET_MEASUREMENTS`.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Request {
    pub version: u8,
    pub code: u8,
    /// 1: with a signature.
    pub attributes: u8,
    /// 255: all measurements.
    pub operation: u8,
    pub nonce: [u8; 32],
    pub slot: u8,
}

/// `MEASUREMENTS`, without the signature.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Response {
    pub version: u8,
    pub code: u8,
    pub parameter: u8,
    pub slot: u8,
    /// As stated; else the true number.
    pub blocks_stated: Option<u8>,
    /// As stated; else the true length in bytes.
    pub record_bytes_stated: Option<u32>,
    pub blocks: Vec<Block>,
    pub nonce: [u8; 32],
    /// As stated; else the true length in bytes.
    pub opaque_bytes_stated: Option<u16>,
    /// Number and content.
    pub opaque: Vec<(u16, Vec<u8>)>,
    /// Behind the fields of the opaque data, and part of it.
    pub opaque_tail: Vec<u8>,
    /// Between opaque data and signature.
    pub tail: Vec<u8>,
}

/// One measurement.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Block {
    pub index: u8,
    pub specification: u8,
    /// As stated; else the true one.
    pub size_stated: Option<u16>,
    pub kind: u8,
    /// As stated; else the true one.
    pub value_bytes_stated: Option<u16>,
    pub value: Vec<u8>,
}

impl Request {
    pub(super) fn new(nonce: [u8; 32]) -> Self {
        Self { version: 0x11, code: 0xe0, attributes: 1, operation: 0xff, nonce, slot: 0 }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let head = [self.version, self.code, self.attributes, self.operation];
        [&head[..], &self.nonce, &[self.slot]].concat()
    }
}

impl Response {
    /// 64 measurements, and the opaque data of an H100 with driver 550.90.07.
    pub(super) fn new(seed: u64, fwid: [u8; 48]) -> Self {
        let block = |index: u8| Block::new(index, hash(seed, &format!("measurement {index}")));
        let nonce = hash(seed, "nonce of the GPU");
        Self {
            version: 0x11,
            code: 0x60,
            parameter: 0,
            slot: 0,
            blocks_stated: None,
            record_bytes_stated: None,
            blocks: (1..=64).map(block).collect(),
            nonce: *nonce.first_chunk().expect("32 of 48 bytes"),
            opaque_bytes_stated: None,
            opaque: vec![
                (6, vec![0, 0x9f, 0, 0x96, 1, 0, 0, 0]),
                (15, b"882\0\0\0\0\0\0".to_vec()),
                (17, b"1010\0".to_vec()),
                (18, b"0200\0".to_vec()),
                (3, b"550.90.07\0".to_vec()),
                (20, fwid.to_vec()),
                (21, vec![0x55]),
                (36, vec![0, 0]),
            ],
            opaque_tail: Vec::new(),
            tail: Vec::new(),
        }
    }

    /// Set the field `id` of the opaque data, or remove it.
    pub fn set(&mut self, id: u16, value: Option<&[u8]>) {
        self.opaque.retain(|(field, _)| *field != id);
        self.opaque.extend(value.map(|value| (id, value.to_vec())));
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let record: Vec<u8> = self.blocks.iter().flat_map(Block::bytes).collect();
        let field = |(id, value): &(u16, Vec<u8>)| {
            [&id.to_le_bytes()[..], &length(value).to_le_bytes(), value].concat()
        };
        let mut opaque: Vec<u8> = self.opaque.iter().flat_map(field).collect();
        opaque.extend_from_slice(&self.opaque_tail);
        let blocks = u8::try_from(self.blocks.len()).unwrap_or(u8::MAX);
        let blocks = self.blocks_stated.unwrap_or(blocks);
        let bytes = self.record_bytes_stated.unwrap_or(u32::from(length(&record)));
        let opaque_bytes = self.opaque_bytes_stated.unwrap_or(length(&opaque));
        [
            &[self.version, self.code, self.parameter, self.slot, blocks],
            &bytes.to_le_bytes()[..3],
            &record,
            &self.nonce,
            &opaque_bytes.to_le_bytes(),
            &opaque,
            &self.tail,
        ]
        .concat()
    }
}

impl Block {
    /// A hash, in DMTF's form.
    #[must_use]
    pub fn new(index: u8, value: [u8; 48]) -> Self {
        Self {
            index,
            specification: 1,
            size_stated: None,
            kind: 1,
            value_bytes_stated: None,
            value: value.to_vec(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let value_bytes = self.value_bytes_stated.unwrap_or(length(&self.value));
        let size = self.size_stated.unwrap_or(length(&self.value).saturating_add(3));
        [
            &[self.index, self.specification],
            &size.to_le_bytes()[..],
            &[self.kind],
            &value_bytes.to_le_bytes(),
            &self.value,
        ]
        .concat()
    }
}

fn length(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}
