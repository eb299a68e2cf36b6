//! The verifier over a test PKI that signs what the vendors sign: every check fails alone, by its own name.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::evidence::tests::{binding, gpu_policy, policy};
use crate::evidence::{BindingPurpose, Gpu, GpuPolicy};
use ed25519_dalek::SigningKey;
use prag_pki::nvidia::Gpu as MadeGpu;
use prag_pki::snp::{Authority, Evidence as MadeSnp, Product};
use prag_pki::tdx::Tdx as MadeTdx;
use prag_quote::QuoteError;
use prag_quote::snp::{Minimum, Tcb};
use std::sync::LazyLock;

/// A worker and its owner's policy; tests change one thing of either.
struct Stage {
    signing: SigningKey,
    binding: Binding,
    policy: Policy,
    tdx: MadeTdx,
    snp: MadeSnp,
    gpu: Option<MadeGpu>,
}

/// Made once: signing with RSA-4096 is slow.
static ROOTS: LazyLock<Roots> = LazyLock::new(|| {
    let authority = Authority::new(Product::Milan);
    Roots {
        tdx: Some(MadeTdx::new(1).build().root),
        snp: Some((authority.ark(), authority.ask())),
        asvk: None,
        nvidia: Some(MadeGpu::new(1).build().root),
    }
});

/// Within the dates of all that the test PKI makes.
fn now() -> u64 {
    MadeTdx::new(1).now
}

impl Stage {
    fn new() -> Self {
        let signing = SigningKey::from_bytes(&[7; 32]);
        let binding = Binding { sig_pk: signing.verifying_key().to_bytes(), ..binding() };
        let policy = Policy {
            measurements: Vec::new(),
            snp_minimum: Minimum { milan: Some(Tcb::default()), ..Minimum::default() },
            ..policy()
        };
        let mut tdx = MadeTdx::new(1);
        tdx.td.report_data = binding.report_data();
        let mut snp = MadeSnp::new(Product::Milan, 1);
        snp.report.report_data = binding.report_data();
        let mut stage = Self { signing, binding, policy, tdx, snp, gpu: None };
        for evidence in [stage.tdx(), stage.snp()] {
            let examined = stage.verifier().examine(&evidence, &stage.policy, now()).unwrap();
            stage.policy.measurements.push(examined.hardware.image());
        }
        stage
    }

    /// With a GPU that answers the nonce that the CPU binds.
    fn with_gpu() -> Self {
        let mut stage = Self::new();
        let mut gpu = MadeGpu::new(1);
        gpu.request.nonce = stage.binding.gpu_nonce();
        stage.gpu = Some(gpu);
        stage.tdx.td.report_data = stage.binding.report_data_with_gpu();
        stage.snp.report.report_data = stage.binding.report_data_with_gpu();
        let claims =
            stage.verifier().examine(&stage.tdx(), &stage.policy, now()).unwrap().gpu.unwrap();
        stage.policy.gpu = gpu_policy(claims);
        stage
    }

    fn verifier(&self) -> HardwareVerifier {
        HardwareVerifier::with_roots(ROOTS.clone())
    }

    fn gpu(&self) -> Option<Box<Gpu>> {
        let made = self.gpu.as_ref()?.build();
        let mut gpu = Gpu { chain: made.pem(), report: made.report, signature: [0; 64] };
        gpu.sign(&self.signing, &self.fingerprint(), &self.binding.gpu_nonce());
        Some(Box::new(gpu))
    }

    fn fingerprint(&self) -> [u8; 32] {
        let made = self.gpu.as_ref().unwrap().build();
        <sha2::Sha256 as sha2::Digest>::digest(&made.certificates[0]).into()
    }

    fn tdx(&self) -> Evidence {
        let made = self.tdx.build();
        Evidence::Tdx { quote: made.quote, collateral: made.collateral, gpu: self.gpu() }
    }

    fn snp(&self) -> Evidence {
        let vcek = Authority::new(Product::Milan).vcek(&self.snp.vcek);
        Evidence::Snp { report: self.snp.signed(), vcek, gpu: self.gpu() }
    }

    fn verdict(&self, evidence: &Evidence) -> Result<Verified<Worker>, EvidenceError> {
        self.verifier().verify(evidence, &self.binding, &self.policy, now())
    }

    fn refused(change: impl FnOnce(&mut Self)) -> [EvidenceError; 2] {
        let mut stage = Self::new();
        change(&mut stage);
        [stage.tdx(), stage.snp()].map(|evidence| stage.verdict(&evidence).unwrap_err())
    }

    fn refused_gpu(change: impl FnOnce(&mut Self)) -> [EvidenceError; 2] {
        let mut stage = Self::with_gpu();
        change(&mut stage);
        [stage.tdx(), stage.snp()].map(|evidence| stage.verdict(&evidence).unwrap_err())
    }
}

/// Both kinds, with a GPU and without, give a worker with the claims that were bound.
#[test]
fn genuine_evidence_gives_a_worker() {
    for stage in [Stage::new(), Stage::with_gpu()] {
        for (evidence, kind) in [(stage.tdx(), "tdx"), (stage.snp(), "snp")] {
            let worker = stage.verdict(&evidence).unwrap();
            assert_eq!((worker.kind, worker.sig_pk), (kind, stage.binding.sig_pk));
            assert_eq!((worker.config_digest, worker.ledger_id), ([5; 32], [4; 32]));
            assert_eq!(worker.evidence_hash, evidence.hash());
            assert_eq!(worker.policy_digest, stage.policy.digest());
            assert!(stage.policy.measurements.contains(&worker.measurement));
        }
    }
}

/// What the worker claims must be what the hardware signed: key, nonce, ledger, settings, purpose.
#[test]
fn another_claim_is_not_bound() {
    let changes: [fn(&mut Binding); 7] = [
        |binding| binding.sig_pk[0] ^= 1,
        |binding| binding.tls_spki_sha256[0] ^= 1,
        |binding| binding.nonce[0] ^= 1,
        |binding| binding.ledger_id[0] ^= 1,
        |binding| binding.config_digest[0] ^= 1,
        |binding| binding.policy_epoch += 1,
        |binding| binding.purpose = BindingPurpose::Peer,
    ];
    for change in changes {
        let errors = Stage::refused(|stage| change(&mut stage.binding));
        assert_eq!(errors, [EvidenceError::Binding; 2]);
    }
}

/// The policy names image, ledger and settings; each that is missing is its own refusal.
#[test]
fn the_policy_is_asked() {
    let refused = |change: fn(&mut Policy)| Stage::refused(|stage| change(&mut stage.policy));
    assert_eq!(refused(|policy| policy.measurements.clear()), [EvidenceError::Measurement; 2]);
    assert_eq!(refused(|policy| policy.ledger_ids.clear()), [EvidenceError::Ledger; 2]);
    assert_eq!(refused(|policy| policy.config_digests.clear()), [EvidenceError::Configuration; 2]);
    let older = EvidenceError::PolicyEpoch { worker: 6, policy: 7 };
    assert_eq!(refused(|policy| policy.epoch = 7), [older; 2]);
    let mut stage = Stage::new();
    stage.policy.snp_minimum = Minimum::default();
    let product = EvidenceError::Quote(QuoteError::Forbidden("product of the SNP chip"));
    assert_eq!(stage.verdict(&stage.snp()).unwrap_err(), product);
}

/// Every part of an image is in its digest.
#[test]
fn each_part_makes_another_image() {
    let tdx: [fn(&mut MadeTdx); 9] = [
        |tdx| tdx.td.mr_td[0] ^= 1,
        |tdx| tdx.td.rtmr[0][0] ^= 1,
        |tdx| tdx.td.rtmr[1][0] ^= 1,
        |tdx| tdx.td.rtmr[2][0] ^= 1,
        |tdx| tdx.td.rtmr[3][0] ^= 1,
        |tdx| tdx.td.mr_config_id[0] ^= 1,
        |tdx| tdx.td.mr_owner[0] ^= 1,
        |tdx| tdx.td.mr_owner_config[0] ^= 1,
        |tdx| tdx.td.xfam[0] ^= 4,
    ];
    for change in tdx {
        let mut stage = Stage::new();
        change(&mut stage.tdx);
        assert_eq!(stage.verdict(&stage.tdx()).unwrap_err(), EvidenceError::Measurement);
    }
    let snp: [fn(&mut MadeSnp); 5] = [
        |snp| snp.report.measurement[0] ^= 1,
        |snp| snp.report.host_data[0] ^= 1,
        |snp| snp.report.policy ^= 1 << 16,
        |snp| snp.report.id_key_digest[0] ^= 1,
        |snp| snp.report.author_key_digest[0] ^= 1,
    ];
    for change in snp {
        let mut stage = Stage::new();
        change(&mut stage.snp);
        assert_eq!(stage.verdict(&stage.snp()).unwrap_err(), EvidenceError::Measurement);
    }
}

/// A GPU answers this worker's nonce, is signed for by its key, and is one that the policy names.
#[test]
fn a_gpu_is_bound_and_allowed() {
    let refused = |change: fn(&mut Stage)| Stage::refused_gpu(change);
    let nonce = EvidenceError::Quote(QuoteError::Nonce("GPU report"));
    assert_eq!(refused(|stage| stage.gpu.as_mut().unwrap().request.nonce[0] ^= 1), [nonce; 2]);
    let missing = refused(|stage| {
        let plain = Stage::new();
        (stage.gpu, stage.tdx, stage.snp) = (None, plain.tdx, plain.snp);
    });
    assert_eq!(missing, [EvidenceError::GpuMissing; 2]);
    let devices = refused(|stage| stage.policy.gpu.devices.clear());
    assert_eq!(devices, [EvidenceError::Gpu("device"); 2]);
    let drivers = refused(|stage| stage.policy.gpu.drivers.clear());
    assert_eq!(drivers, [EvidenceError::Gpu("driver"); 2]);
    let vbioses = refused(|stage| stage.policy.gpu.vbioses.clear());
    assert_eq!(vbioses, [EvidenceError::Gpu("VBIOS"); 2]);
    // Without a policy for GPUs, none may be there.
    let none = refused(|stage| stage.policy.gpu = GpuPolicy::default());
    assert_eq!(none, [EvidenceError::Gpu("device"); 2]);
    let other = refused(|stage| stage.signing = SigningKey::from_bytes(&[8; 32]));
    assert_eq!(other, [EvidenceError::GpuSignature; 2]);
    // The CPU binds the GPU's nonce: without it, or with another, nothing is bound.
    let unbound = refused(|stage| {
        stage.tdx.td.report_data[32..].copy_from_slice(&[9; 32]);
        stage.snp.report.report_data[32..].copy_from_slice(&[9; 32]);
        stage.gpu.as_mut().unwrap().request.nonce = [9; 32];
    });
    assert_eq!(unbound, [EvidenceError::Binding; 2]);
    // Evidence without the GPU's part does not pass for that of a worker without one.
    let hidden = refused(|stage| {
        stage.gpu = None;
        stage.policy.gpu = GpuPolicy::default();
    });
    assert_eq!(hidden, [EvidenceError::Binding; 2]);
}

/// A reader's keys are what its hardware signed, for this worker and challenge; which image it is, is told and not
/// judged.
#[test]
fn genuine_evidence_gives_a_reader() {
    let mut stage = Stage::new();
    let binding = ReaderBinding {
        session_key: stage.binding.sig_pk,
        sealing_key: [2; 32],
        nonce: [3; 32],
        worker: [4; 32],
    };
    let policy = ReaderPolicy {
        snp_minimum: stage.policy.snp_minimum,
        session_s: 60,
        ..ReaderPolicy::default()
    };
    stage.tdx.td.report_data = binding.report_data();
    stage.snp.report.report_data = binding.report_data();
    let verdict = |evidence: &Evidence, binding: &ReaderBinding, policy: &ReaderPolicy| {
        stage.verifier().verify_reader(evidence, binding, policy, now())
    };
    for (evidence, image) in [stage.tdx(), stage.snp()].iter().zip(&stage.policy.measurements) {
        let reader = verdict(evidence, &binding, &policy).unwrap();
        assert_eq!((reader.session_key, reader.sealing_key), (binding.session_key, [2; 32]));
        assert_eq!((reader.measurement, reader.expires), (*image, now() + 60));
        for other in [
            ReaderBinding { session_key: [0; 32], ..binding },
            ReaderBinding { sealing_key: [0; 32], ..binding },
            ReaderBinding { nonce: [0; 32], ..binding },
            ReaderBinding { worker: [0; 32], ..binding },
        ] {
            let refused = verdict(evidence, &other, &policy).unwrap_err();
            assert_eq!(refused, EvidenceError::Binding);
        }
        let gpu = GpuPolicy { required: true, ..GpuPolicy::default() };
        let policy = ReaderPolicy { gpu, ..policy.clone() };
        assert_eq!(verdict(evidence, &binding, &policy).unwrap_err(), EvidenceError::GpuMissing);
    }
    let product = EvidenceError::Quote(QuoteError::Forbidden("product of the SNP chip"));
    let strict = verdict(&stage.snp(), &binding, &ReaderPolicy::default());
    assert_eq!(strict.unwrap_err(), product);
    // A worker's evidence makes no reader, and a reader's no worker.
    let worker = Stage::new();
    let refused = verdict(&worker.tdx(), &binding, &policy).unwrap_err();
    assert_eq!(refused, EvidenceError::Binding);
    assert_eq!(stage.verdict(&stage.tdx()).unwrap_err(), EvidenceError::Binding);
}

/// A reader's GPU answers its nonce, is signed for by its session key, and is one that the worker's settings name.
#[test]
fn a_readers_gpu_is_bound_and_allowed() {
    let mut stage = Stage::with_gpu();
    let binding = ReaderBinding {
        session_key: stage.binding.sig_pk,
        sealing_key: [2; 32],
        nonce: [3; 32],
        worker: [4; 32],
    };
    stage.tdx.td.report_data = binding.report_data_with_gpu();
    stage.gpu.as_mut().unwrap().request.nonce = binding.gpu_nonce();
    let mut evidence = stage.tdx();
    let policy = ReaderPolicy { gpu: stage.policy.gpu.clone(), ..ReaderPolicy::default() };
    let verdict = |evidence: &Evidence, policy: &ReaderPolicy| {
        stage.verifier().verify_reader(evidence, &binding, policy, now()).map(drop)
    };
    assert_eq!(verdict(&evidence, &policy), Err(EvidenceError::GpuSignature));
    let Evidence::Tdx { gpu: Some(gpu), .. } = &mut evidence else { panic!("a GPU") };
    let fingerprint = stage.fingerprint();
    gpu.sign(&stage.signing, &fingerprint, &binding.gpu_nonce());
    assert_eq!(verdict(&evidence, &policy), Ok(()));
    assert_eq!(verdict(&evidence, &ReaderPolicy::default()), Err(EvidenceError::Gpu("device")));
}

/// A worker learns its own image from its own evidence, however old its firmware is, and from nobody else's.
#[test]
fn a_worker_learns_its_image() {
    let mut stage = Stage::new();
    stage.tdx.td.tee_tcb_svn[0] = 3;
    assert!(matches!(stage.verdict(&stage.tdx()), Err(EvidenceError::Quote(_))), "out of date");
    for (evidence, image) in [stage.tdx(), stage.snp()].iter().zip(&stage.policy.measurements) {
        assert_eq!(stage.verifier().image(evidence, &stage.binding, now()), Ok(*image));
        let other = Binding { sig_pk: [0; 32], ..stage.binding };
        let refused = stage.verifier().image(evidence, &other, now());
        assert_eq!(refused, Err(EvidenceError::Binding));
        let refused = HardwareVerifier::default().image(evidence, &stage.binding, now());
        assert!(matches!(refused, Err(EvidenceError::Quote(_))), "another root");
    }
}

/// The vendors' own roots refuse all that the test PKI makes, and no policy can name another root.
#[test]
fn the_vendors_roots_are_the_default() {
    let stage = Stage::with_gpu();
    for evidence in [stage.tdx(), stage.snp()] {
        let verifier = HardwareVerifier::default();
        let verdict = verifier.verify(&evidence, &stage.binding, &stage.policy, now());
        assert!(matches!(verdict, Err(EvidenceError::Quote(_))), "{:?}", verdict.err());
    }
    let roots = Roots { nvidia: None, ..ROOTS.clone() };
    let verifier = HardwareVerifier::with_roots(roots);
    let verdict = verifier.verify(&stage.tdx(), &stage.binding, &stage.policy, now());
    assert!(
        matches!(verdict, Err(EvidenceError::Quote(QuoteError::Chain(_)))),
        "{:?}",
        verdict.err()
    );
    let text = serde_json::to_string(&stage.policy).unwrap();
    let named = text.replacen('{', r#"{"roots":{},"#, 1);
    assert!(serde_json::from_str::<Policy>(&named).is_err());
}

/// The digest of an image is frozen: these parts, in this order.
#[test]
fn golden_image() {
    let stage = Stage::new();
    let examined = stage.verifier().examine(&stage.tdx(), &stage.policy, now()).unwrap();
    let td = &stage.tdx.td;
    let parts: [&[u8]; 11] = [
        b"tdx",
        &td.mr_td,
        &td.rtmr[0],
        &td.rtmr[1],
        &td.rtmr[2],
        &td.rtmr[3],
        &td.mr_config_id,
        &td.mr_owner,
        &td.mr_owner_config,
        &td.attributes,
        &td.xfam,
    ];
    assert_eq!(examined.hardware.image(), digest("PRAG-IMAGE/v1", &parts));
    let examined = stage.verifier().examine(&stage.snp(), &stage.policy, now()).unwrap();
    let report = &stage.snp.report;
    let (policy, vmpl) = (report.policy.to_be_bytes(), 0u32.to_be_bytes());
    let parts: [&[u8]; 7] = [
        b"snp",
        &report.measurement,
        &report.host_data,
        &policy,
        &report.id_key_digest,
        &report.author_key_digest,
        &vmpl,
    ];
    assert_eq!(examined.hardware.image(), digest("PRAG-IMAGE/v1", &parts));
}

/// The workers contract reads the same digest from the same quote (`contracts/workers`, its golden test of that value).
#[test]
fn golden_image_of_the_contract() {
    let mut stage = Stage::new();
    let td = &mut stage.tdx.td;
    td.mr_td = [1; 48];
    td.rtmr = [[2; 48], [3; 48], [4; 48], [5; 48]];
    (td.mr_config_id, td.mr_owner, td.mr_owner_config) = ([6; 48], [7; 48], [8; 48]);
    (td.attributes, td.xfam) = ([0, 0, 0, 0x10, 0, 0, 0, 0], [0xe7, 2, 6, 0, 0, 0, 0, 0]);
    let examined = stage.verifier().examine(&stage.tdx(), &stage.policy, now()).unwrap();
    let golden = "98c3951824cd337a21a255a59b5b10c7aad5886275568775230106cedd3521ee";
    assert_eq!(hex::encode(examined.hardware.image()), golden);
}
