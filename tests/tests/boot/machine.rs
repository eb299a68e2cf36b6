//! A confidential VM of the test PKI: its kernel's answers, its vendor's part, its GPU.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prag_client::system::{OsEntropy, SystemClock};
use prag_client::trusted::Trusted;
use prag_pki::nvidia::Gpu as MadeGpu;
use prag_pki::snp::{Authority, Evidence as MadeSnp, Product, table};
use prag_pki::tdx::{DAY, Tdx as MadeTdx, Window};
use prag_server::boot::{Platform, detect_through};
use prag_server::platform::configfs::Files;
use prag_server::platform::{Attester, PlatformError};
use prag_server::settings::{EvidenceSources, Settings};
use prag_tests::Ground;
use prag_trust::entropy::{Clock, random};
use prag_trust::evidence::{
    Binding, BindingPurpose, Evidence, Examined, GpuPolicy, HardwareVerifier, Policy, Roots,
};
use prag_trust::quote::snp::{Minimum, Tcb};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use zeroize::Zeroizing;

/// Milan's keys, made once: signing with RSA-4096 is slow.
static AMD: LazyLock<[Vec<u8>; 4]> = LazyLock::new(|| {
    let authority = Authority::new(Product::Milan);
    let (vcek, vlek) =
        (MadeSnp::new(Product::Milan, 5).vcek, MadeSnp::cloud(Product::Milan, 5).vcek);
    [authority.ark(), authority.ask(), authority.vcek(&vcek), authority.vlek(&vlek)]
});

/// The real time: clients have no other.
pub(crate) fn now() -> u64 {
    SystemClock::default().now()
}

/// A TDX host whose collateral was issued yesterday, for four weeks.
pub(crate) fn tdx() -> MadeTdx {
    let mut made = MadeTdx::new(1);
    let month = Window { from: now() / DAY * DAY - DAY, to: now() / DAY * DAY + 28 * DAY };
    made.now = now();
    made.dates.root_crl = month;
    made.dates.pck_crl = month;
    made.dates.tcb_info = month;
    made.dates.qe_identity = month;
    made
}

/// The certificate of the chip.
pub(crate) fn vcek() -> Vec<u8> {
    AMD[2].clone()
}

/// A guest, as its kernel shows it.
#[derive(Clone)]
pub(crate) enum Guest {
    Tdx(Box<MadeTdx>),
    Snp(Box<MadeSnp>),
}

impl Guest {
    pub(crate) fn tdx() -> Self {
        Self::Tdx(Box::new(tdx()))
    }

    pub(crate) fn snp() -> Self {
        Self::Snp(Box::new(MadeSnp::new(Product::Milan, 5)))
    }

    /// On a cloud that signs with its own key.
    pub(crate) fn snp_cloud() -> Self {
        Self::Snp(Box::new(MadeSnp::cloud(Product::Milan, 5)))
    }

    /// Of another image.
    pub(crate) fn changed(mut self) -> Self {
        match &mut self {
            Self::Tdx(made) => made.td.mr_td[0] ^= 1,
            Self::Snp(made) => made.report.measurement[0] ^= 1,
        }
        self
    }

    fn provider(&self) -> &'static str {
        match self {
            Self::Tdx(_) => "tdx_guest\n",
            Self::Snp(_) => "sev_guest\n",
        }
    }

    fn outblob(&self, inblob: &[u8]) -> Vec<u8> {
        let inblob = inblob.try_into().unwrap();
        match self.clone() {
            Self::Tdx(mut made) => {
                made.td.report_data = inblob;
                made.build().quote
            }
            Self::Snp(mut made) => {
                made.report.report_data = inblob;
                made.signed()
            }
        }
    }
}

/// A kernel of plain files: they come with a folder, answer a write, and go with it.
#[derive(Clone)]
pub(crate) struct Kernel {
    guest: Guest,
    auxblob: Option<Vec<u8>>,
}

impl Kernel {
    /// Its host gives the certificate of the signer with each report.
    pub(crate) fn new(guest: Guest) -> Self {
        let auxblob = match &guest {
            Guest::Tdx(_) => None,
            Guest::Snp(made) if made.report.key_info == 0 => Some(table(&[(VCEK, &AMD[2])])),
            Guest::Snp(_) => Some(table(&[(VLEK, &AMD[3])])),
        };
        Self { guest, auxblob }
    }

    /// Its host gives reports only.
    pub(crate) fn without_certificates(guest: Guest) -> Self {
        Self { auxblob: None, ..Self::new(guest) }
    }
}

impl Files for Kernel {
    fn create(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)?;
        fs::write(folder.join("generation"), "0\n")?;
        fs::write(folder.join("provider"), self.guest.provider())?;
        fs::write(folder.join("inblob"), "")?;
        fs::write(folder.join("outblob"), "")
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::write(file, bytes)?;
        let folder = file.parent().unwrap();
        fs::write(folder.join("outblob"), self.guest.outblob(bytes))?;
        fs::write(folder.join("generation"), "1\n")?;
        self.auxblob.as_ref().map_or(Ok(()), |aux| fs::write(folder.join("auxblob"), aux))
    }

    fn remove(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)
    }
}

/// A folder that stands for `/sys/kernel/config/tsm`; it stays until the process ends.
pub(crate) fn tsm() -> PathBuf {
    static ROOT: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("report")).unwrap();
        root
    });
    ROOT.path().to_owned()
}

/// The attester of a machine, with the system's clock.
pub(crate) fn attester(
    kernel: Kernel,
    sources: &EvidenceSources,
) -> Result<Attester, PlatformError> {
    let clock = Arc::new(SystemClock::default());
    Attester::detect(Box::new(kernel), tsm(), sources, clock)
}

/// What a verifier of these machines trusts.
pub(crate) fn verifier() -> HardwareVerifier {
    HardwareVerifier::with_roots(Roots {
        tdx: Some(tdx().build().root),
        snp: Some((AMD[0].clone(), AMD[1].clone())),
        asvk: None,
        nvidia: Some(MadeGpu::new(1).build().root),
    })
}

/// Rules that take any firmware of Milan and only up-to-date TDX hosts; no image yet.
pub(crate) fn rules() -> Policy {
    let milan = Some(Tcb::default());
    Policy { snp_minimum: Minimum { milan, ..Minimum::default() }, ..Policy::default() }
}

/// The policy of somebody who has seen `evidence` and wants just that.
pub(crate) fn policy_for(evidence: &Evidence) -> Policy {
    let Examined { hardware, gpu, .. } = verifier().examine(evidence, &rules(), now()).unwrap();
    let gpu = gpu.map_or(GpuPolicy::default(), |claims| GpuPolicy {
        required: true,
        devices: vec![claims.device],
        drivers: vec![claims.driver_version],
        vbioses: vec![claims.vbios_version],
    });
    Policy { measurements: vec![hardware.image()], gpu, ..rules() }
}

/// Claims of a worker with `key`, and a nonce of ours.
pub(crate) fn binding(key: &ed25519_dalek::SigningKey) -> Binding {
    Binding {
        purpose: BindingPurpose::Serve,
        sig_pk: key.verifying_key().to_bytes(),
        tls_spki_sha256: [0; 32],
        nonce: random(&mut OsEntropy).unwrap(),
        ledger_id: [4; 32],
        config_digest: [5; 32],
        policy_epoch: 1,
    }
}

/// Workers on `kernel`, and clients that trust the image and GPU of `policy`. An SNP guest's sealing key is pretended:
/// there is no processor to ask.
pub(crate) fn ground(kernel: Kernel, policy: Policy) -> Ground {
    let platform = move |settings: &Settings| {
        let files = Box::new(kernel.clone());
        let mut platform: Platform = detect_through(files, settings, &tsm()).unwrap();
        platform.verifier = Box::new(verifier());
        if matches!(kernel.guest, Guest::Snp(_)) {
            platform.sealing_root = Box::new(|_| Ok(Zeroizing::new([7; 32])));
        }
        platform
    };
    let trusted = move || Trusted {
        verifier: Box::new(verifier()),
        policy: policy.clone(),
        first_use: true,
        warning: None,
    };
    Ground { platform: Box::new(platform), trusted: Box::new(trusted) }
}

/// A GPU helper: this very program, asked for its one line. `nonce`: what it answers, usually `{nonce}`.
pub(crate) fn gpu_helper(nonce: &str) -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let script = r#"PRAG_GPU_NONCE="$2" "$1" --exact machine::a_gpu_answers --nocapture | sed -n 's/^.*GPU: //p'"#;
    let parts = ["sh", "-c", script, "sh", program.to_str().unwrap(), nonce];
    parts.iter().map(|&part| part.to_owned()).collect()
}

/// A helper that answers the first nonce, as a worker asks at its boot, and from then on an old one. `mark`: a folder that
/// is not there yet, and tells that it was asked.
pub(crate) fn gpu_helper_swapped_after(mark: &Path) -> Vec<String> {
    let mut parts = gpu_helper("{nonce}");
    let replay = format!(r#"mkdir "$3" 2>/dev/null || set -- "$1" {}; "#, "07".repeat(32));
    parts[2].insert_str(0, &replay);
    parts.push(mark.to_str().unwrap().to_owned());
    parts
}

/// As [`gpu_helper`] runs it; without a nonce there is nothing to answer.
#[test]
fn a_gpu_answers() {
    let Ok(nonce) = std::env::var("PRAG_GPU_NONCE") else { return };
    let mut gpu = MadeGpu::new(1);
    gpu.request.nonce = hex::decode(nonce).unwrap().try_into().unwrap();
    let made = gpu.build();
    let chain = String::from_utf8(made.pem()).unwrap();
    let answer = serde_json::json!({ "report": STANDARD.encode(made.report), "chain": chain });
    println!("GPU: {answer}");
}

/// In the order of its text.
pub(crate) const VCEK: [u8; 16] = 0x63da758d_e664_4564_adc5_f4b93be8accd_u128.to_be_bytes();
const VLEK: [u8; 16] = 0xa8074bc2_a25a_483e_aae6_39c045a0b8a1_u128.to_be_bytes();
