//! TDX evidence in Intel's production format, under a root of its own.
//!
//! Layer: tests; `prag-quote` and `trust` verify what is made here.
//! Holds: every field of quote, certificate and collateral, open to be made wrong, and one `build`.
//! Never: a key of Intel's; `Root::Intel` refuses all of it.
//! Invariant: the same fields give the same bytes; the defaults verify as `UpToDate` at [`Tdx::now`].
//!
//! Source: Intel TDX DCAP Quoting Library API, appendix A (quote 4 and 5); Intel SGX PCK Certificate and CRL
//! Profile Specification; Intel PCS API version 4 (TCB info 3, QE identity 2).

mod collateral;
mod quote;
mod x509;

use p256::ecdsa::SigningKey;
use sha2::{Digest, Sha256};

/// All of a TDX host: change fields, then [`Tdx::build`].
#[derive(Clone, Debug)]
pub struct Tdx {
    /// Every key comes from it: another seed, another root.
    pub seed: u64,
    /// The time at which the defaults verify, Unix seconds.
    pub now: u64,
    /// Which quote.
    pub format: Format,
    /// What the guest is.
    pub td: Td,
    /// What the PCK certificate says of the platform.
    pub platform: Platform,
    /// What the quoting enclave is.
    pub qe: Qe,
    /// What Intel's collateral asks for.
    pub tcb: Tcb,
    /// What Intel's collateral asks of the quoting enclave.
    pub qe_identity: QeIdentity,
    /// From when to when things hold.
    pub dates: Dates,
    /// Listed in the CRL of their issuer.
    pub revoked: Vec<Cert>,
    /// Signed by a stranger's key in place of the right one.
    pub forged: Option<Signed>,
}

/// A quote with the collateral for it.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The signed quote.
    pub quote: Vec<u8>,
    /// `dcap-qvl`'s `QuoteCollateralV3` in JSON.
    pub collateral: Vec<u8>,
    /// The root's certificate, DER.
    pub root: Vec<u8>,
    /// A time at which the defaults verify, Unix seconds.
    pub now: u64,
}

/// Quote version and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Version 4, TD 1.0.
    V4,
    /// Version 5, TD 1.0.
    V5Td10,
    /// Version 5, TD 1.5.
    V5Td15,
}

/// The TD report, fields as in Intel's.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Td {
    /// Byte 0: the module's SVN; byte 1: its version, 0 for the oldest.
    pub tee_tcb_svn: [u8; 16],
    pub mr_seam: [u8; 48],
    pub mr_signer_seam: [u8; 48],
    pub seam_attributes: [u8; 8],
    pub attributes: [u8; 8],
    pub xfam: [u8; 8],
    pub mr_td: [u8; 48],
    pub mr_config_id: [u8; 48],
    pub mr_owner: [u8; 48],
    pub mr_owner_config: [u8; 48],
    pub rtmr: [[u8; 48]; 4],
    pub report_data: [u8; 64],
    /// TD 1.5 only: of the module that runs now.
    pub tee_tcb_svn2: [u8; 16],
    /// TD 1.5 only.
    pub mr_service_td: [u8; 48],
}

/// The SGX extension of the PCK certificate.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Platform {
    pub ppid: [u8; 16],
    pub cpu_svn: [u8; 16],
    pub pce_svn: u8,
    pub pce_id: [u8; 2],
    pub fmspc: [u8; 6],
    pub instance_id: [u8; 16],
    pub dynamic: bool,
    pub cached_keys: bool,
    pub smt: bool,
}

/// The quoting enclave's report.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Qe {
    pub vendor: [u8; 16],
    pub misc_select: u32,
    pub attributes: [u8; 16],
    pub mr_signer: [u8; 32],
    pub product: u16,
    pub svn: u16,
}

/// The TCB info.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Tcb {
    /// `TDX`, or `SGX` for the wrong kind.
    pub id: &'static str,
    pub fmspc: [u8; 6],
    pub pce_id: [u8; 2],
    pub levels: Vec<Level>,
    pub module_signer: [u8; 48],
    /// The module's version as in `tee_tcb_svn[1]`, with its levels: SVN and status.
    pub modules: Vec<(u8, Vec<(u8, &'static str)>)>,
}

/// One TCB level.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Level {
    pub sgx: [u8; 16],
    pub pce_svn: u16,
    pub tdx: [u8; 16],
    pub status: &'static str,
    pub advisories: Vec<&'static str>,
}

/// The QE identity.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct QeIdentity {
    /// `TD_QE`, or `QE` for the wrong kind.
    pub id: &'static str,
    pub attributes: [u8; 16],
    pub mr_signer: [u8; 32],
    pub product: u16,
    /// SVN and status, highest first.
    pub levels: Vec<(u16, &'static str)>,
}

/// First and last second of validity.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Window {
    pub from: u64,
    pub to: u64,
}

/// From when to when things hold.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Dates {
    pub root: Window,
    pub platform_ca: Window,
    pub pck: Window,
    pub tcb_signer: Window,
    pub root_crl: Window,
    pub pck_crl: Window,
    pub tcb_info: Window,
    pub qe_identity: Window,
}

/// A certificate that a CRL may list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Cert {
    Root,
    PlatformCa,
    Pck,
    TcbSigner,
}

/// Something signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Signed {
    PlatformCa,
    Pck,
    TcbSigner,
    RootCrl,
    PckCrl,
    TcbInfo,
    QeIdentity,
    QeReport,
    /// The quote by a key that the quoting enclave does not vouch for.
    AttestationKey,
    /// The quote by another key than the one it names.
    Quote,
}

impl Tdx {
    /// A platform, a guest and collateral that fit each other: quote 4, `UpToDate`.
    pub fn new(seed: u64) -> Self {
        let mut attributes = [0; 16];
        attributes[0] = 0x11;
        let qe_signer = hash(seed, "qe signer");
        let (fmspc, pce_id) = ([0xb0, 0xc0, 0x6f, 0, 0, 0], [0, 0]);
        Self {
            seed,
            now: ISSUED + 15 * DAY,
            format: Format::V4,
            td: Td::new(seed),
            platform: Platform {
                ppid: first(hash(seed, "ppid")),
                cpu_svn: CPU_SVN,
                pce_svn: 11,
                pce_id,
                fmspc,
                instance_id: first(hash(seed, "instance")),
                dynamic: true,
                cached_keys: false,
                smt: true,
            },
            qe: Qe {
                vendor: INTEL_QE,
                misc_select: 0,
                attributes,
                mr_signer: qe_signer,
                product: 2,
                svn: 6,
            },
            tcb: Tcb {
                id: "TDX",
                fmspc,
                pce_id,
                levels: vec![
                    Level::new(11, 5, "UpToDate", &[]),
                    Level::new(8, 4, "SWHardeningNeeded", &["INTEL-SA-00001"]),
                    Level::new(5, 3, "OutOfDate", &["INTEL-SA-00002"]),
                    Level::new(3, 3, "Revoked", &[]),
                ],
                module_signer: [0; 48],
                modules: vec![
                    (1, vec![(4, "UpToDate"), (2, "OutOfDate")]),
                    (3, vec![(3, "UpToDate")]),
                ],
            },
            qe_identity: QeIdentity {
                id: "TD_QE",
                attributes,
                mr_signer: qe_signer,
                product: 2,
                levels: vec![(4, "UpToDate"), (2, "OutOfDate")],
            },
            dates: Dates::new(),
            revoked: Vec::new(),
            forged: None,
        }
    }

    /// Sign it all.
    pub fn build(&self) -> Evidence {
        let pki = x509::Pki::new(self);
        Evidence {
            quote: quote::signed(self, &pki),
            collateral: collateral::signed(self, &pki),
            root: pki.root.clone(),
            now: self.now,
        }
    }

    /// The key for `what`: the named one, or a stranger's where that signature is forged.
    fn signer(&self, what: Signed, name: &str) -> SigningKey {
        self.key(if self.forged == Some(what) { "stranger" } else { name })
    }

    fn key(&self, name: &str) -> SigningKey {
        (0u8..=u8::MAX)
            .find_map(|n| SigningKey::from_slice(&hash(self.seed, &format!("{name} {n}"))).ok())
            .expect("of 256 hashes one is below the order of P-256")
    }
}

impl Td {
    fn new(seed: u64) -> Self {
        let register = |name: &str| {
            let mut register = [0; 48];
            register[..32].copy_from_slice(&hash(seed, name));
            register[32..].copy_from_slice(&hash(seed, name)[..16]);
            register
        };
        let svn = [5, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Self {
            tee_tcb_svn: svn,
            mr_seam: register("seam"),
            mr_signer_seam: [0; 48],
            seam_attributes: [0; 8],
            attributes: [0, 0, 0, 0x10, 0, 0, 0, 0],
            xfam: [0xe7, 0x02, 0x06, 0, 0, 0, 0, 0],
            mr_td: register("td"),
            mr_config_id: [0; 48],
            mr_owner: [0; 48],
            mr_owner_config: [0; 48],
            rtmr: ["rtmr0", "rtmr1", "rtmr2", "rtmr3"].map(register),
            report_data: [7; 64],
            tee_tcb_svn2: svn,
            mr_service_td: [0; 48],
        }
    }
}

impl Level {
    /// The default platform's SVNs, but for PCE and module.
    pub fn new(
        pce_svn: u16,
        module: u8,
        status: &'static str,
        advisories: &[&'static str],
    ) -> Self {
        let tdx = [module, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Self { sgx: CPU_SVN, pce_svn, tdx, status, advisories: advisories.to_vec() }
    }
}

impl Dates {
    fn new() -> Self {
        let years = Window { from: ISSUED - 365 * DAY, to: ISSUED + 3650 * DAY };
        let month = Window { from: ISSUED, to: ISSUED + 30 * DAY };
        Self {
            root: years,
            platform_ca: years,
            pck: years,
            tcb_signer: years,
            root_crl: month,
            pck_crl: month,
            tcb_info: month,
            qe_identity: month,
        }
    }
}

fn hash(seed: u64, name: &str) -> [u8; 32] {
    let parts = Sha256::new().chain_update(b"prag-pki/tdx").chain_update(seed.to_le_bytes());
    parts.chain_update(name).finalize().into()
}

fn first(hash: [u8; 32]) -> [u8; 16] {
    *hash.first_chunk().expect("16 of 32 bytes")
}

/// One day in seconds.
pub const DAY: u64 = 86_400;
/// 2026-01-01T00:00:00Z.
const ISSUED: u64 = 1_767_225_600;
const CPU_SVN: [u8; 16] = [2, 2, 2, 2, 3, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
/// Source: Intel TDX DCAP Quoting Library API, appendix A.3.1, "QE Vendor ID".
const INTEL_QE: [u8; 16] = [
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
];
