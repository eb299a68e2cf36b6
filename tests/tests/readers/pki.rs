//! Readers with evidence in Intel's and AMD's formats, under roots of the test PKI.

use crate::stage::{SECRET, Stage};
use prag_client::attester::Attester;
use prag_client::error::ClientError;
use prag_pki::snp::{Authority, Evidence as MadeSnp, Product};
use prag_pki::tdx::{DAY, Tdx, Window};
use prag_protocol::problem::Code;
use prag_trust::evidence::{
    Binding, Evidence, EvidenceError, HardwareVerifier, Policy, Reader, ReaderBinding,
    ReaderPolicy, Roots, Verifier, Worker,
};
use prag_trust::quote::snp::{Minimum, Tcb};
use prag_trust::sim::SimVerifier;
use prag_trust::verified::Verified;

/// Hardware under the test PKI's roots; the worker itself runs in a simulated TEE.
struct TestRoots(HardwareVerifier);

impl TestRoots {
    fn boxed() -> Box<dyn Verifier> {
        let authority = Authority::new(Product::Milan);
        let roots = Roots {
            tdx: Some(made(|_| ()).build().root),
            snp: Some((authority.ark(), authority.ask())),
            ..Roots::default()
        };
        Box::new(Self(HardwareVerifier::with_roots(roots)))
    }
}

impl Verifier for TestRoots {
    fn verify(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        policy: &Policy,
        now: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        SimVerifier.verify(evidence, binding, policy, now)
    }

    fn verify_reader(
        &self,
        evidence: &Evidence,
        binding: &ReaderBinding,
        policy: &ReaderPolicy,
        now: u64,
    ) -> Result<Verified<Reader>, EvidenceError> {
        self.0.verify_reader(evidence, binding, policy, now)
    }

    fn image(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        now: u64,
    ) -> Result<[u8; 32], EvidenceError> {
        SimVerifier.image(evidence, binding, now)
    }
}

/// A TDX guest as `change` leaves it.
struct TdxReader(fn(&mut Tdx));

impl Attester for TdxReader {
    fn evidence(&self, binding: &ReaderBinding) -> Result<Evidence, ClientError> {
        let mut tdx = made(self.0);
        tdx.td.report_data = binding.report_data();
        let made = tdx.build();
        Ok(Evidence::Tdx { quote: made.quote, collateral: made.collateral, gpu: None })
    }
}

/// An SNP guest as `change` leaves it.
struct SnpReader(fn(&mut MadeSnp));

impl Attester for SnpReader {
    fn evidence(&self, binding: &ReaderBinding) -> Result<Evidence, ClientError> {
        let mut snp = MadeSnp::new(Product::Milan, 1);
        snp.report.report_data = binding.report_data();
        (self.0)(&mut snp);
        let vcek = Authority::new(Product::Milan).vcek(&snp.vcek);
        Ok(Evidence::Snp { report: snp.signed(), vcek, gpu: None })
    }
}

/// Collateral that is in date on the day of the test.
fn made(change: fn(&mut Tdx)) -> Tdx {
    let mut tdx = Tdx::new(1);
    let long = Window { from: tdx.now - 30 * DAY, to: tdx.now + 7300 * DAY };
    let dates = &mut tdx.dates;
    for window in [
        &mut dates.root,
        &mut dates.platform_ca,
        &mut dates.pck,
        &mut dates.tcb_signer,
        &mut dates.root_crl,
        &mut dates.pck_crl,
        &mut dates.tcb_info,
        &mut dates.qe_identity,
    ] {
        *window = long;
    }
    change(&mut tdx);
    tdx
}

/// Genuine evidence of a listed image reads; another image of the same machine does not; and what the worker's settings
/// ask of firmware is asked before anything else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn genuine_readers_read() {
    let stage = Stage::start_with(TestRoots::boxed, |settings| {
        let minimum = Minimum { milan: Some(Tcb::default()), ..Minimum::default() };
        settings.readers.snp_minimum = minimum;
    })
    .await;
    let reader =
        async |attester: Box<dyn Attester>| stage.lab.client("reader").await.reading_as(attester);
    let tdx = reader(Box::new(TdxReader(|_| ()))).await;
    let snp = reader(Box::new(SnpReader(|_| ()))).await;
    let images = [&tdx, &snp].map(async |client| client.attest_reader().await.unwrap().measurement);
    let [tdx_image, snp_image] = images;
    let images = vec![tdx_image.await, snp_image.await];
    assert_ne!(images[0], images[1]);

    stage.set_policy(vec![stage.lab.image()], images).await;
    for client in [&tdx, &snp] {
        client.attest_reader().await.unwrap();
        stage.reads_all(client).await;
    }
    let others: [Box<dyn Attester>; 2] = [
        Box::new(TdxReader(|tdx| tdx.td.mr_td[0] ^= 1)),
        Box::new(SnpReader(|snp| snp.report.measurement[0] ^= 1)),
    ];
    for other in others {
        let client = reader(other).await;
        client.attest_reader().await.unwrap();
        stage.reads_nothing(&client, Code::ReaderAttestationRequired).await;
    }
    let refused: [(Box<dyn Attester>, &str); 4] = [
        (Box::new(TdxReader(|tdx| tdx.td.tee_tcb_svn[0] = 3)), "TCB status"),
        (Box::new(TdxReader(|tdx| tdx.td.attributes[0] |= 1)), "debug"),
        (Box::new(TdxReader(|tdx| tdx.seed = 2)), "root"),
        (Box::new(SnpReader(|snp| snp.report.report_data[0] ^= 1)), "bind"),
    ];
    for (attester, why) in refused {
        let error = reader(attester).await.attest_reader().await.unwrap_err();
        assert_eq!(error.code(), Some(Code::EvidenceRefused));
        let said = error.to_string();
        assert!(said.to_lowercase().contains(&why.to_lowercase()), "{said}");
        assert!(!said.contains(SECRET));
    }
}

/// No AMD product and no old firmware is taken unless the settings name it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_is_strict() {
    let stage = Stage::start_with(TestRoots::boxed, |_| ()).await;
    let attested = stage.lab.client("reader").await.reading_as(Box::new(SnpReader(|_| ())));
    let error = attested.attest_reader().await.unwrap_err();
    assert_eq!(error.code(), Some(Code::EvidenceRefused));
    assert!(error.to_string().contains("product of the SNP chip"), "{error}");
}
