//! A SecretVM's quote over the test PKI: good for one connection, under a policy that takes the form, and for nothing else.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::evidence::tests::{binding, gpu_policy, policy};
use crate::evidence::{
    CachedVerifier, Gpu, GpuPolicy, HardwareVerifier, Reader, ReaderBinding, ReaderPolicy, Roots,
    Verifier,
};
use ed25519_dalek::SigningKey;
use prag_pki::nvidia::Gpu as MadeGpu;
use prag_pki::snp::{Authority, Evidence as MadeSnp, Product};
use prag_pki::tdx::Tdx as MadeTdx;
use prag_quote::snp::{Minimum, Tcb};

/// A worker in a SecretVM, what it said over one connection, and its owner's policy.
struct Stage {
    signing: SigningKey,
    said: Binding,
    connection: ConnectionKey,
    policy: Policy,
    tdx: MadeTdx,
    gpu: Option<MadeGpu>,
}

fn now() -> u64 {
    MadeTdx::new(1).now
}

fn verifier() -> HardwareVerifier {
    HardwareVerifier::with_roots(Roots {
        tdx: Some(MadeTdx::new(1).build().root),
        nvidia: Some(MadeGpu::new(1).build().root),
        ..Roots::default()
    })
}

impl Stage {
    fn new(gpu: bool) -> Self {
        let signing = SigningKey::from_bytes(&[7; 32]);
        let connection = ConnectionKey::of_handshake(b"this VM's key");
        let said = Binding {
            sig_pk: signing.verifying_key().to_bytes(),
            tls_spki_sha256: connection.spki_sha256(),
            ..binding()
        };
        let mut tdx = MadeTdx::new(1);
        tdx.td.rtmr[3] = [9; 48];
        tdx.td.report_data = [0; 64];
        tdx.td.report_data[..32].copy_from_slice(&connection.spki_sha256());
        let policy = Policy { measurements: Vec::new(), secret_vm: true, ..policy() };
        let mut stage = Self { signing, said, connection, policy, tdx, gpu: None };
        if gpu {
            let mut made = MadeGpu::new(1);
            made.request.nonce = [8; 32];
            stage.tdx.td.report_data[32..].copy_from_slice(&[8; 32]);
            stage.gpu = Some(made);
        }
        let examined = verifier().examine(&stage.evidence(), &stage.policy, now()).unwrap();
        stage.policy.measurements.push(examined.hardware.image());
        if let Some(claims) = examined.gpu {
            stage.policy.gpu = gpu_policy(claims);
        }
        stage
    }

    fn evidence(&self) -> Evidence {
        let made = self.tdx.build();
        let gpu = self.gpu.as_ref().map(|gpu| {
            let built = gpu.build();
            let fingerprint = Sha256::digest(&built.certificates[0]).into();
            let mut gpu = Gpu { chain: built.pem(), report: built.report, signature: [0; 64] };
            gpu.sign(&self.signing, &fingerprint, &[8; 32]);
            Box::new(gpu)
        });
        Evidence::Tdx { quote: made.quote, collateral: made.collateral, gpu }
    }

    fn verdict(&self) -> Result<Verified<Worker>, EvidenceError> {
        let (said, connection) = (&self.said, &self.connection);
        let evidence = self.evidence();
        let plain = verifier().verify_secret_vm(&evidence, said, connection, &self.policy, now());
        let cached = CachedVerifier::new(verifier());
        for _ in 0..2 {
            let again = cached.verify_secret_vm(&evidence, said, connection, &self.policy, now());
            assert_eq!(again, plain);
        }
        plain
    }

    fn refused(gpu: bool, change: impl FnOnce(&mut Self)) -> EvidenceError {
        let mut stage = Self::new(gpu);
        change(&mut stage);
        stage.verdict().unwrap_err()
    }
}

const OTHER_KEY: EvidenceError =
    EvidenceError::SecretVm("names another TLS key than this connection's");
const GPU_UNSAID: EvidenceError = EvidenceError::SecretVm("does not say whether it has a GPU");

/// With a GPU and without: the worker is what the connection said, of the image that the quote shows.
#[test]
fn a_secret_vm_vouches_for_its_connection() {
    for stage in [Stage::new(false), Stage::new(true)] {
        let worker = stage.verdict().unwrap();
        assert_eq!(worker.sig_pk, stage.said.sig_pk);
        assert_eq!(worker.tls_spki_sha256, stage.connection.spki_sha256());
        assert_eq!((worker.kind, worker.measurement), ("tdx", stage.policy.measurements[0]));
        assert_eq!(worker.evidence_hash, stage.evidence().hash());
    }
}

/// The form is off unless the policy names it; and a verifier of bound evidence never takes it for such.
#[test]
fn the_policy_must_name_the_form() {
    let refused = Stage::refused(false, |stage| stage.policy.secret_vm = false);
    assert_eq!(refused, EvidenceError::SecretVm("is not allowed by the policy"));
    let stage = Stage::new(false);
    let verdict = verifier().verify(&stage.evidence(), &stage.said, &stage.policy, now());
    assert_eq!(verdict.unwrap_err(), EvidenceError::Binding);
    let unknowing: Result<_, _> = NoForms.verify_secret_vm(
        &stage.evidence(),
        &stage.said,
        &stage.connection,
        &stage.policy,
        0,
    );
    assert_eq!(unknowing.unwrap_err(), EvidenceError::Kind("tdx"));
}

struct NoForms;

impl Verifier for NoForms {
    fn verify(
        &self,
        evidence: &Evidence,
        _: &Binding,
        _: &Policy,
        _: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        Err(EvidenceError::Kind(evidence.kind()))
    }

    fn verify_reader(
        &self,
        evidence: &Evidence,
        _: &ReaderBinding,
        _: &ReaderPolicy,
        _: u64,
    ) -> Result<Verified<Reader>, EvidenceError> {
        Err(EvidenceError::Kind(evidence.kind()))
    }

    fn image(&self, evidence: &Evidence, _: &Binding, _: u64) -> Result<[u8; 32], EvidenceError> {
        Err(EvidenceError::Kind(evidence.kind()))
    }
}

/// The quote is public: shown over another connection, or for another key than the connection's, it is worth nothing.
#[test]
fn a_quote_replayed_over_another_connection_is_refused() {
    let other = ConnectionKey::of_handshake(b"the relay's key");
    assert_eq!(Stage::refused(false, |stage| stage.connection = other), OTHER_KEY);
    let honest_relay = Stage::refused(false, |stage| {
        stage.connection = other;
        stage.said.tls_spki_sha256 = other.spki_sha256();
    });
    assert_eq!(honest_relay, OTHER_KEY);
    let lies = Stage::refused(false, |stage| stage.said.tls_spki_sha256 = [1; 32]);
    assert_eq!(lies, OTHER_KEY);
    let unbound = Stage::refused(false, |stage| stage.tdx.td.report_data[0] ^= 1);
    assert_eq!(unbound, OTHER_KEY);
}

/// Another compose file is another image; without one measured there is nothing to allow.
#[test]
fn the_compose_file_is_pinned() {
    let other = Stage::refused(false, |stage| stage.tdx.td.rtmr[3][0] ^= 1);
    assert_eq!(other, EvidenceError::Measurement);
    let none = Stage::refused(false, |stage| {
        stage.tdx.td.rtmr[3] = [0; 48];
        let examined = verifier().examine(&stage.evidence(), &stage.policy, now()).unwrap();
        stage.policy.measurements.push(examined.hardware.image());
    });
    assert_eq!(none, EvidenceError::SecretVm("pins no compose file: RTMR3 is empty"));
}

/// A GPU stands in the second half, and one that does not is not hidden there.
#[test]
fn the_second_half_is_the_gpu() {
    let hidden = Stage::refused(true, |stage| {
        stage.gpu = None;
        stage.policy.gpu = GpuPolicy::default();
    });
    assert_eq!(hidden, GPU_UNSAID);
    let zeros = Stage::refused(true, |stage| {
        stage.tdx.td.report_data[32..].fill(0);
        stage.gpu.as_mut().unwrap().request.nonce = [0; 32];
    });
    assert_eq!(zeros, GPU_UNSAID);
    let other = Stage::refused(true, |stage| stage.signing = SigningKey::from_bytes(&[6; 32]));
    assert_eq!(other, EvidenceError::GpuSignature);
    let missing = Stage::refused(false, |stage| stage.policy.gpu.required = true);
    assert_eq!(missing, EvidenceError::GpuMissing);
}

/// What was only said is still held against the policy.
#[test]
fn what_was_said_must_be_allowed() {
    let ledger = Stage::refused(false, |stage| stage.said.ledger_id[0] ^= 1);
    assert_eq!(ledger, EvidenceError::Ledger);
    let settings = Stage::refused(false, |stage| stage.said.config_digest[0] ^= 1);
    assert_eq!(settings, EvidenceError::Configuration);
    let epoch = Stage::refused(false, |stage| stage.said.policy_epoch = 5);
    assert_eq!(epoch, EvidenceError::PolicyEpoch { worker: 5, policy: 6 });
}

/// SNP has no register for the compose file.
#[test]
fn snp_is_refused() {
    let stage = Stage::new(false);
    let mut snp = MadeSnp::new(Product::Milan, 1);
    snp.report.report_data[..32].copy_from_slice(&stage.connection.spki_sha256());
    snp.report.report_data[32..].fill(0);
    let authority = Authority::new(Product::Milan);
    let roots = Roots { snp: Some((authority.ark(), authority.ask())), ..Roots::default() };
    let evidence =
        Evidence::Snp { report: snp.signed(), vcek: authority.vcek(&snp.vcek), gpu: None };
    let mut policy = stage.policy.clone();
    policy.snp_minimum = Minimum { milan: Some(Tcb::default()), ..Minimum::default() };
    let verifier = HardwareVerifier::with_roots(roots);
    let image = verifier.examine(&evidence, &policy, now()).unwrap().hardware.image();
    policy.measurements.push(image);
    let verdict =
        verifier.verify_secret_vm(&evidence, &stage.said, &stage.connection, &policy, now());
    assert_eq!(verdict.unwrap_err(), EvidenceError::SecretVm("is accepted from TDX only"));
}
