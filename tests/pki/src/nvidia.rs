//! GPU evidence in NVIDIA's format, under a root of our own.
//!
//! Layer: `prag-pki`.
//! Holds: a GPU with its chain, and a report of it, which agree until a test makes them disagree.
//! Never: a key or a signature of NVIDIA's.
//! Invariant: the same fields give the same bytes; the defaults hold at [`Gpu::now`].
//!
//! Source: DMTF DSP0274 1.1; NVIDIA attestation SDK; the shape of GH100 certificates.

mod certificate;
mod report;

pub use certificate::{Certificate, Dice};
pub use report::{Block, Request, Response};

use p384::ecdsa::SigningKey;
use p384::ecdsa::signature::Signer;
use sha2::{Digest, Sha384};

/// A GPU that was asked: change fields, then [`Gpu::build`].
#[derive(Clone, Debug)]
pub struct Gpu {
    /// Every key comes from it: another seed, another root.
    pub seed: u64,
    /// The time at which the defaults hold, Unix seconds.
    pub now: u64,
    /// The signing certificate first, the root last.
    pub chain: Vec<Certificate>,
    /// What the GPU was asked.
    pub request: Request,
    /// What it answers.
    pub response: Response,
    /// The report is signed with a stranger's key.
    pub forged: bool,
}

/// What a worker would hand out.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Request, response, signature.
    pub report: Vec<u8>,
    /// DER of each certificate, the signing one first.
    pub certificates: Vec<Vec<u8>>,
    /// The root's certificate, DER.
    pub root: Vec<u8>,
}

impl Gpu {
    /// A Hopper that answers `[7; 32]` under root, model, provisioner and chip, as NVIDIA's chains have them.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let fwid = hash(seed, "firmware");
        let leaf = Certificate {
            dice: Dice::Hopper { version: 1, device_key: None, fwid },
            ..Certificate::leaf("GH100 A01 GSP FMC LF")
        };
        let issuers = [
            "GH100 A01 GSP BROM",
            "PRAG test GH100 Provisioner ICA 1",
            "PRAG test GH100 Identity",
            "PRAG test Device Identity CA",
        ];
        Self {
            seed,
            now: 1_800_000_000,
            chain: [leaf].into_iter().chain(issuers.map(Certificate::issuer)).collect(),
            request: Request::new([7; 32]),
            response: Response::new(seed, fwid),
            forged: false,
        }
    }

    /// The same with Blackwell's form of the firmware id.
    #[must_use]
    pub fn blackwell(seed: u64) -> Self {
        let mut gpu = Self::new(seed);
        gpu.chain[0].common_name = "GB100 A01 GSP FMC LF".into();
        let fwids = vec![hash(seed, "firmware"), [0; 48]];
        gpu.chain[0].dice = Dice::Blackwell { fwids, flags: 0x8000_0001 };
        gpu
    }

    /// Sign it all.
    #[must_use]
    pub fn build(&self) -> Evidence {
        let certificates: Vec<Vec<u8>> =
            (0..self.chain.len()).map(|index| certificate::signed(self, index)).collect();
        let mut report = [self.request.bytes(), self.response.bytes()].concat();
        let key = if self.forged { self.key("stranger") } else { self.level(0) };
        let signature: p384::ecdsa::Signature = key.sign(&report);
        report.extend_from_slice(&signature.to_bytes());
        let root = certificates.last().cloned().unwrap_or_default();
        Evidence { report, certificates, root }
    }

    /// The key of the certificate at `index`.
    fn level(&self, index: usize) -> SigningKey {
        self.key(&format!("level {index}"))
    }

    fn key(&self, name: &str) -> SigningKey {
        (0u8..=u8::MAX)
            .find_map(|n| SigningKey::from_slice(&hash(self.seed, &format!("{name} {n}"))).ok())
            .expect("of 256 hashes one is below the order of P-384")
    }
}

impl Evidence {
    /// All certificates, PEM.
    #[must_use]
    pub fn pem(&self) -> Vec<u8> {
        use x509_cert::der::pem::{LineEnding, encode_string};
        let block = |der: &Vec<u8>| {
            encode_string("CERTIFICATE", LineEnding::LF, der).expect("small values encode")
        };
        self.certificates.iter().map(block).collect::<String>().into_bytes()
    }

    /// All certificates, DER one after the other.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        self.certificates.concat()
    }
}

fn hash(seed: u64, name: &str) -> [u8; 48] {
    let parts = Sha384::new().chain_update(b"prag-pki/nvidia").chain_update(seed.to_le_bytes());
    parts.chain_update(name).finalize().into()
}
