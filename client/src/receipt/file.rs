//! Receipt files: receipts behind the evidence that their signer showed.
//!
//! Layer: client, below `cli`.
//! Holds: JSON lines: the format, then an attestation before the receipts of its worker, one receipt a line.
//! Never: a file that others may read, or one that was there before; a line that is over its bound.
//! Invariant: a receipt is judged by the last attestation above it, and by nothing that its worker says elsewhere.

use super::{Checked, Kept, Record, Refusal};
use crate::attest::{self, Session};
use crate::error::ClientError;
use crate::trusted::Trusted;
use prag_protocol::ledger::hex32;
use prag_trust::evidence::{Binding, BindingPurpose, Evidence, Worker};
use prag_trust::verified::Verified;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

/// A line of a receipt file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// The first line: the file's format.
    PragReceipts(u32),
    /// What the signer of the receipts below proved.
    Attestation(Box<Shown>),
    /// A receipt.
    Receipt(Record),
}

/// Evidence, and the claims that it binds; nothing else of an attestation outlives its hour.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    evidence: Evidence,
    #[serde(with = "hex32")]
    worker_key: [u8; 32],
    #[serde(with = "hex32")]
    tls_spki_sha256: [u8; 32],
    #[serde(with = "hex32")]
    nonce: [u8; 32],
    #[serde(with = "hex32")]
    ledger_id: [u8; 32],
    #[serde(with = "hex32")]
    config_digest: [u8; 32],
    policy_epoch: u64,
}

impl Shown {
    /// What the worker of a session showed for it.
    pub(super) fn of(session: &Session) -> Self {
        let (evidence, binding) = session.proof();
        let Binding { purpose: _, sig_pk, tls_spki_sha256, nonce, .. } = *binding;
        let Binding { ledger_id, config_digest, policy_epoch, .. } = *binding;
        let (evidence, worker_key) = (evidence.clone(), sig_pk);
        Self {
            evidence,
            worker_key,
            tls_spki_sha256,
            nonce,
            ledger_id,
            config_digest,
            policy_epoch,
        }
    }

    /// The worker behind it, judged as of Unix second `at`.
    ///
    /// # Errors
    /// [`ClientError::EvidenceFile`].
    pub fn verify(&self, trusted: &Trusted, at: u64) -> Result<Verified<Worker>, ClientError> {
        let binding = Binding {
            purpose: BindingPurpose::Serve,
            sig_pk: self.worker_key,
            tls_spki_sha256: self.tls_spki_sha256,
            nonce: self.nonce,
            ledger_id: self.ledger_id,
            config_digest: self.config_digest,
            policy_epoch: self.policy_epoch,
        };
        attest::verify_worker(&self.evidence, &binding, trusted, at)
            .map_err(ClientError::EvidenceFile)
    }
}

/// A receipt file that is being written.
pub struct ReceiptFile {
    file: File,
    last: Option<Shown>,
}

impl ReceiptFile {
    /// A new, private file; one that is there already is left alone.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn create(path: &Path) -> Result<Self, ClientError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(ClientError::file("making the receipt file"))?;
        let mut made = Self { file, last: None };
        made.write(&Line::PragReceipts(FORMAT))?;
        Ok(made)
    }

    /// Adds a receipt, on disk when this returns.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn keep(&mut self, kept: &Kept) -> Result<(), ClientError> {
        if self.last.as_ref() != Some(&kept.shown) {
            self.write(&Line::Attestation(Box::new(kept.shown.clone())))?;
            self.last = Some(kept.shown.clone());
        }
        self.write(&Line::Receipt(kept.record.clone()))?;
        self.file.sync_data().map_err(ClientError::file(WRITING))
    }

    fn write(&mut self, line: &Line) -> Result<(), ClientError> {
        let mut bytes =
            serde_json::to_vec(line).map_err(|_| ClientError::Crypto("encoding a receipt"))?;
        bytes.push(b'\n');
        self.file.write_all(&bytes).map_err(ClientError::file(WRITING))
    }
}

/// A receipt that holds, and who signed it.
pub struct Judged {
    /// The line of the file, from 1.
    pub line: usize,
    /// The signer.
    pub worker: Verified<Worker>,
    /// As of when its evidence was judged, Unix seconds.
    pub at: u64,
    /// The receipt.
    pub checked: Checked,
}

/// Checks every receipt of a file, offline, and hands each on; answers how many there were.
///
/// Evidence is judged as of `at`, or else as of the time that the receipt itself states.
///
/// # Errors
/// [`ClientError::ReceiptLine`], of the first check that failed; a file without a receipt is refused too.
pub fn verify(
    path: &Path,
    trusted: &Trusted,
    at: Option<u64>,
    mut each: impl FnMut(Judged),
) -> Result<usize, ClientError> {
    let mut found = 0;
    read(path, &mut |number, shown, record| {
        let signed = record.signed().and_then(|signed| Ok(signed.claimed()?.time));
        let at = at.map_or(signed, Ok).map_err(ClientError::Receipt)?;
        let worker = shown.verify(trusted, at)?;
        let checked = record.check(&worker).map_err(ClientError::Receipt)?;
        each(Judged { line: number, worker, at, checked });
        found += 1;
        Ok(())
    })?;
    Ok(found)
}

/// Hands each receipt on with its line and the attestation above it; nothing is verified.
pub(crate) fn read(
    path: &Path,
    each: &mut dyn FnMut(usize, &Shown, Record) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let file = File::open(path).map_err(ClientError::file(READING))?;
    let mut input = BufReader::new(file);
    let (mut shown, mut found) = (None, false);
    for number in 1.. {
        let at = |reason| ClientError::ReceiptLine { line: number, reason: Box::new(reason) };
        let Some(line) = next(&mut input).map_err(at)? else { break };
        match (line, number) {
            (Line::PragReceipts(FORMAT), 1) => {}
            (Line::Attestation(attestation), 2..) => shown = Some(attestation),
            (Line::Receipt(record), 2..) => {
                let shown = shown.as_deref().ok_or_else(|| at(form("place in the file")))?;
                each(number, shown, record).map_err(at)?;
                found = true;
            }
            (Line::PragReceipts(_) | Line::Attestation(_) | Line::Receipt(_), _) => {
                return Err(at(form("format")));
            }
        }
    }
    if found { Ok(()) } else { Err(form("file, which holds no receipt,")) }
}

fn next(input: &mut impl BufRead) -> Result<Option<Line>, ClientError> {
    let mut bytes = Vec::new();
    let limit = LINE_BYTES_MAX as u64 + 1;
    let size = input.take(limit).read_until(b'\n', &mut bytes);
    match size.map_err(ClientError::file(READING))? {
        0 => Ok(None),
        size if size > LINE_BYTES_MAX => Err(ClientError::TooLarge {
            what: "a line of the receipt file",
            size,
            limit: LINE_BYTES_MAX,
        }),
        _ => serde_json::from_slice(&bytes).map(Some).map_err(|_| {
            // A program without a kind of evidence does not know its fields either: say so.
            if bytes.starts_with(br#"{"attestation""#) {
                ClientError::Attestation("it does not parse, or is of a kind not known here")
            } else {
                form("line")
            }
        }),
    }
}

fn form(what: &'static str) -> ClientError {
    ClientError::Receipt(Refusal::Form(what))
}

/// The file's format.
const FORMAT: u32 = 1;
/// Longest line, bytes: what a worker's longest reply holds.
const LINE_BYTES_MAX: usize = 32 << 20;
const READING: &str = "reading the receipt file";
const WRITING: &str = "writing the receipt file";
