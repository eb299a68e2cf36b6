//! How long a look at evidence takes, and how long one at evidence that was looked at a moment ago.
//!
//! `cargo run --release -p prag-trust --example verdicts`. Evidence is the test PKI's, in the vendors' formats.

#![allow(clippy::unwrap_used, clippy::panic)]

use ed25519_dalek::SigningKey;
use prag_pki::nvidia::Gpu as MadeGpu;
use prag_pki::snp::{Authority, Evidence as MadeSnp, Product};
use prag_pki::tdx::Tdx as MadeTdx;
use prag_quote::snp::{Minimum, Tcb};
use prag_trust::evidence::{
    Binding, BindingPurpose, CachedVerifier, Evidence, Gpu, GpuPolicy, HardwareVerifier, Policy,
    Roots, Verifier,
};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

const ROUNDS: usize = 200;

fn main() {
    let signing = SigningKey::from_bytes(&[7; 32]);
    let binding = Binding {
        purpose: BindingPurpose::Serve,
        sig_pk: signing.verifying_key().to_bytes(),
        tls_spki_sha256: [2; 32],
        nonce: [3; 32],
        ledger_id: [4; 32],
        config_digest: [5; 32],
        policy_epoch: 6,
    };
    let authority = Authority::new(Product::Milan);
    let roots = Roots {
        tdx: Some(MadeTdx::new(1).build().root),
        snp: Some((authority.ark(), authority.ask())),
        nvidia: Some(MadeGpu::new(1).build().root),
        ..Roots::default()
    };
    let now = MadeTdx::new(1).now;
    println!("median of {ROUNDS} rounds, microseconds");
    println!("{:<12} {:>9} {:>9}", "evidence", "miss", "hit");
    for (name, evidence) in [
        ("tdx", tdx(binding.report_data(), None)),
        ("tdx + gpu", tdx(binding.report_data_with_gpu(), Some(gpu(&binding, &signing)))),
        ("snp", snp(&authority, binding.report_data())),
    ] {
        let verifier = HardwareVerifier::with_roots(roots.clone());
        let policy = policy(&verifier, &evidence, now);
        let cache = CachedVerifier::new(verifier.clone());
        let worker = cache.verify(&evidence, &binding, &policy, now).unwrap();
        let miss = median(|| verifier.verify(&evidence, &binding, &policy, now).unwrap() == worker);
        let hit = median(|| cache.verify(&evidence, &binding, &policy, now).unwrap() == worker);
        println!("{name:<12} {:>9} {:>9}", miss.as_micros(), hit.as_micros());
    }
}

/// Time of one call; the two kinds run one after the other on the same machine.
fn median(call: impl Fn() -> bool) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            assert!(call());
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}

fn tdx(report_data: [u8; 64], gpu: Option<Box<Gpu>>) -> Evidence {
    let mut made = MadeTdx::new(1);
    made.td.report_data = report_data;
    let made = made.build();
    Evidence::Tdx { quote: made.quote, collateral: made.collateral, gpu }
}

fn snp(authority: &Authority, report_data: [u8; 64]) -> Evidence {
    let mut made = MadeSnp::new(Product::Milan, 1);
    made.report.report_data = report_data;
    Evidence::Snp { report: made.signed(), vcek: authority.vcek(&made.vcek), gpu: None }
}

fn gpu(binding: &Binding, signing: &SigningKey) -> Box<Gpu> {
    let mut made = MadeGpu::new(1);
    made.request.nonce = binding.gpu_nonce();
    let made = made.build();
    let fingerprint = Sha256::digest(&made.certificates[0]).into();
    let mut gpu = Gpu { chain: made.pem(), report: made.report, signature: [0; 64] };
    gpu.sign(signing, &fingerprint, &binding.gpu_nonce());
    Box::new(gpu)
}

/// The policy that allows this evidence and no other.
fn policy(verifier: &HardwareVerifier, evidence: &Evidence, now: u64) -> Policy {
    let mut policy = Policy {
        epoch: 6,
        ledger_ids: vec![[4; 32]],
        config_digests: vec![[5; 32]],
        snp_minimum: Minimum { milan: Some(Tcb::default()), ..Minimum::default() },
        ..Policy::default()
    };
    let examined = verifier.examine(evidence, &policy, now).unwrap();
    policy.measurements.push(examined.hardware.image());
    if let Some(claims) = examined.gpu {
        policy.gpu = GpuPolicy {
            required: true,
            devices: vec![claims.device],
            drivers: vec![claims.driver_version],
            vbioses: vec![claims.vbios_version],
        };
    }
    policy
}
