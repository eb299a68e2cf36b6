//! Evidence to verify: of a test PKI, and real.
//!
//! Layer: benches, tax.
//! Holds: one closure for each kind of evidence, which verifies it once.
//! Never: a copy of real evidence: it is read from where it lies; the wall clock.
//! Invariant: every closure was seen to accept its evidence before it is timed.

use crate::error::{BenchError, Step};
use ed25519_dalek::SigningKey;
use prag_pki::nvidia::Gpu as MadeGpu;
use prag_pki::real;
use prag_pki::snp::{Authority, Evidence as MadeSnp, Product};
use prag_pki::tdx::Tdx as MadeTdx;
use prag_trust::evidence::{
    Binding, BindingPurpose, CachedVerifier, Evidence, Gpu, GpuPolicy, HardwareVerifier, Policy,
    Roots, Tee, Verifier,
};
use prag_trust::quote::nvidia;
use prag_trust::quote::snp::{Minimum, Tcb};
use prag_trust::sim::{SimTee, SimVerifier, sim_measurement};
use sha2::{Digest, Sha256};

/// A kind of evidence, and how it is verified.
pub(super) struct Case {
    pub(super) id: &'static str,
    pub(super) figure: &'static str,
    pub(super) data: &'static str,
    pub(super) verify: Box<dyn Fn() -> Result<(), BenchError>>,
}

/// A worker whose evidence the test PKI signs, and a policy that allows it.
struct Made {
    signing: SigningKey,
    binding: Binding,
    policy: Policy,
    roots: Roots,
    now: u64,
}

/// Every kind that the test PKI makes, and the simulated one.
pub(super) fn made() -> Result<Vec<Case>, BenchError> {
    let made = Made::new();
    let gpu = made.gpu();
    let alone = gpu.clone();
    let (now, nonce, root) = (made.now, made.binding.gpu_nonce(), made.roots.nvidia.clone());
    let gpu_alone = move || {
        let root = root.as_deref().map_or(nvidia::Root::Nvidia, nvidia::Root::Other);
        let claims = nvidia::verify(&alone.report, &alone.chain, &nonce, root, now);
        claims.map(drop).step("a GPU's report")
    };
    let mut cases = vec![simulated()?];
    for (ids, figures, evidence) in [
        (
            ["verify/tdx", "verify/tdx-cached"],
            ["verify a TDX quote with collateral", "the same, seen before"],
            made.tdx(None),
        ),
        (
            ["verify/snp", "verify/snp-cached"],
            ["verify an SNP report with VCEK", "the same, seen before"],
            made.snp(None)?,
        ),
        (
            ["verify/tdx-gpu", "verify/tdx-gpu-cached"],
            ["verify a TDX quote and a GPU's report", "the same, seen before"],
            made.tdx(Some(gpu.clone())),
        ),
        (
            ["verify/snp-gpu", "verify/snp-gpu-cached"],
            ["verify an SNP report and a GPU's report", "the same, seen before"],
            made.snp(Some(gpu))?,
        ),
    ] {
        cases.extend(made.cases(ids, figures, evidence)?);
    }
    let alone = Case {
        id: "verify/gpu",
        figure: "verify a GPU's report with its chain",
        data: TEST_PKI,
        verify: Box::new(gpu_alone),
    };
    cases.push(alone);
    Ok(cases)
}

/// Real evidence, at a moment at which it held. `None`: it does not lie here.
pub(super) fn real() -> Vec<(&'static str, Option<Case>)> {
    vec![
        ("verify/real-tdx", real_tdx()),
        ("verify/real-snp", real_snp()),
        ("verify/real-gpu", real_gpu()),
    ]
}

fn simulated() -> Result<Case, BenchError> {
    let signing = SigningKey::from_bytes(&[7; 32]);
    let binding = binding(signing.verifying_key().to_bytes());
    let policy = Policy { measurements: vec![sim_measurement("bench")], ..policy() };
    let evidence = SimTee::new("bench").evidence(&binding, &signing).step("simulated")?;
    let verify = move || {
        SimVerifier.verify(&evidence, &binding, &policy, 0).map(drop).step("simulated evidence")
    };
    Ok(Case {
        id: "verify/sim",
        figure: "verify simulated evidence",
        data: "protects nothing",
        verify: Box::new(verify),
    })
}

impl Made {
    fn new() -> Self {
        let signing = SigningKey::from_bytes(&[7; 32]);
        let authority = Authority::new(Product::Milan);
        let tdx = MadeTdx::new(1).build();
        let roots = Roots {
            tdx: Some(tdx.root),
            snp: Some((authority.ark(), authority.ask())),
            asvk: None,
            nvidia: Some(MadeGpu::new(1).build().root),
        };
        let binding = binding(signing.verifying_key().to_bytes());
        Self { signing, binding, policy: policy(), roots, now: tdx.now }
    }

    fn report_data(&self, gpu: bool) -> [u8; 64] {
        if gpu { self.binding.report_data_with_gpu() } else { self.binding.report_data() }
    }

    fn tdx(&self, gpu: Option<Gpu>) -> Evidence {
        let mut tdx = MadeTdx::new(1);
        tdx.td.report_data = self.report_data(gpu.is_some());
        let made = tdx.build();
        Evidence::Tdx { quote: made.quote, collateral: made.collateral, gpu: gpu.map(Box::new) }
    }

    fn snp(&self, gpu: Option<Gpu>) -> Result<Evidence, BenchError> {
        let mut snp = MadeSnp::new(Product::Milan, 1);
        snp.report.report_data = self.report_data(gpu.is_some());
        let vcek = Authority::new(Product::Milan).vcek(&snp.vcek);
        Ok(Evidence::Snp { report: snp.signed(), vcek, gpu: gpu.map(Box::new) })
    }

    fn gpu(&self) -> Gpu {
        let mut gpu = MadeGpu::new(1);
        gpu.request.nonce = self.binding.gpu_nonce();
        let made = gpu.build();
        let leaf = made.certificates.first().map(Vec::as_slice).unwrap_or_default();
        let fingerprint: [u8; 32] = Sha256::digest(leaf).into();
        let mut gpu = Gpu { chain: made.pem(), report: made.report, signature: [0; 64] };
        gpu.sign(&self.signing, &fingerprint, &self.binding.gpu_nonce());
        gpu
    }

    /// The whole verifier over `evidence`, under a policy that names just its image and its GPU: each time anew, and with
    /// a verdict that a first look left.
    fn cases(
        &self,
        ids: [&'static str; 2],
        figures: [&'static str; 2],
        evidence: Evidence,
    ) -> Result<[Case; 2], BenchError> {
        let verifier = HardwareVerifier::with_roots(self.roots.clone());
        let examined = verifier.examine(&evidence, &self.policy, self.now).step(ids[0])?;
        let mut policy = self.policy.clone();
        policy.measurements = vec![examined.hardware.image()];
        if let Some(gpu) = examined.gpu {
            policy.gpu = GpuPolicy {
                required: true,
                devices: vec![gpu.device],
                drivers: vec![gpu.driver_version],
                vbioses: vec![gpu.vbios_version],
            };
        }
        let (binding, now) = (self.binding, self.now);
        let case = |at: usize, verifier: Box<dyn Verifier>| -> Result<Case, BenchError> {
            let (id, evidence, policy) = (ids[at], evidence.clone(), policy.clone());
            verifier.verify(&evidence, &binding, &policy, now).step(id)?;
            let verify =
                move || verifier.verify(&evidence, &binding, &policy, now).map(drop).step(id);
            Ok(Case { id, figure: figures[at], data: TEST_PKI, verify: Box::new(verify) })
        };
        let cached = CachedVerifier::new(verifier.clone());
        Ok([case(0, Box::new(verifier))?, case(1, Box::new(cached))?])
    }
}

/// Intel's own sample, which ships with `dcap-qvl`.
fn real_tdx() -> Option<Case> {
    let folder = real::package("dcap-qvl")?.join("sample");
    let read = |name: &str| std::fs::read(folder.join(name)).ok();
    let (quote, collateral) = (read("tdx_quote")?, read("tdx_quote_collateral.json")?);
    let evidence = Evidence::Tdx { quote, collateral, gpu: None };
    Some(examined("verify/real-tdx", "verify a real TDX quote (TD 1.0)", evidence, JULY_2025))
}

fn real_snp() -> Option<Case> {
    let report = real::vector("snp/trustee-report.bin")?;
    let vcek = real::vector("snp/trustee-vcek.der")?;
    let evidence = Evidence::Snp { report, vcek, gpu: None };
    Some(examined("verify/real-snp", "verify a real SNP report (Milan)", evidence, NOVEMBER_2023))
}

fn real_gpu() -> Option<Case> {
    let report = hex::decode(real::vector("nvidia/hopper-report.hex")?.trim_ascii()).ok()?;
    let chain = real::vector("nvidia/hopper-chain.pem")?;
    let nonce: [u8; 32] = report.get(4..36)?.try_into().ok()?;
    let verify = move || {
        let claims = nvidia::verify(&report, &chain, &nonce, nvidia::Root::Nvidia, JANUARY_2026);
        claims.map(drop).step("a real GPU's report")
    };
    Some(Case {
        id: "verify/real-gpu",
        figure: "verify a real GPU's report (Hopper)",
        data: REAL,
        verify: Box::new(verify),
    })
}

/// Signatures, dates and firmware under the vendors' roots: nobody knows whom real evidence binds.
fn examined(id: &'static str, figure: &'static str, evidence: Evidence, now: u64) -> Case {
    let policy = policy();
    let verify = move || {
        let verifier = HardwareVerifier::default();
        verifier.examine(&evidence, &policy, now).map(drop).step(id)
    };
    Case { id, figure, data: REAL, verify: Box::new(verify) }
}

fn binding(sig_pk: [u8; 32]) -> Binding {
    Binding {
        purpose: BindingPurpose::Serve,
        sig_pk,
        tls_spki_sha256: [2; 32],
        nonce: [3; 32],
        ledger_id: [4; 32],
        config_digest: [5; 32],
        policy_epoch: 6,
    }
}

fn policy() -> Policy {
    Policy {
        epoch: 6,
        ledger_ids: vec![[4; 32]],
        config_digests: vec![[5; 32]],
        snp_minimum: Minimum { milan: Some(Tcb::default()), ..Minimum::default() },
        ..Policy::default()
    }
}

const TEST_PKI: &str = "test PKI, the vendors' formats";
const REAL: &str = "real evidence, at a past moment";
/// In the window of the sample's collateral.
const JULY_2025: u64 = 1_752_919_234;
const NOVEMBER_2023: u64 = 1_700_000_000;
const JANUARY_2026: u64 = 1_767_225_600;
