//! The attester alone: where the vendor's part comes from, and who judges it.

use crate::machine::{
    Guest, Kernel, attester, binding, gpu_helper, now, policy_for, rules, tdx, tsm, vcek, verifier,
};
use crate::server::Vendor;
use ed25519_dalek::SigningKey;
use prag_pki::tdx::DAY;
use prag_server::platform::{Attester, PlatformError};
use prag_server::settings::EvidenceSources;
use prag_trust::entropy::Clock;
use prag_trust::evidence::{EvidenceError, Policy, Verifier, Worker};
use prag_trust::quote::QuoteError;
use prag_trust::verified::Verified;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A time that tests move.
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// Asks as a worker does: off the async runtime.
async fn ask(attester: &Arc<Attester>) -> Result<prag_trust::evidence::Evidence, PlatformError> {
    let attester = Arc::clone(attester);
    let work = move || attester.ask(&binding(&key()), &key());
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// The verdict of a client that wants just what this machine is.
async fn verdict(attester: &Arc<Attester>) -> Result<Verified<Worker>, EvidenceError> {
    let other = Arc::clone(attester);
    let work = move || {
        let binding = binding(&key());
        let evidence = other.ask(&binding, &key()).unwrap();
        let (ledgers, settings) = (vec![binding.ledger_id], vec![binding.config_digest]);
        let policy =
            Policy { ledger_ids: ledgers, config_digests: settings, ..policy_for(&evidence) };
        verifier().verify(&evidence, &binding, &policy, now())
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

/// Evidence verifies with the vendor's part from a file, from the host's table, and from the vendor's servers, with a GPU
/// and without; and it binds the GPU.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_source_gives_evidence_that_holds() {
    let vendor = Vendor::default();
    vendor.put_collateral(&tdx());
    let chip =
        format!("/vcek/v1/Milan/{}?blSPL=09&teeSPL=02&snpSPL=23&ucodeSPL=213", "05".repeat(64));
    vendor.put(&chip, None, vcek());
    let address = vendor.serve().await;
    let (collateral, certificate) = (file(&tdx().build().collateral), file(&vcek()));
    let none = EvidenceSources::default;
    let bare = || Kernel::without_certificates(Guest::snp());
    let machines = [
        (
            Kernel::new(Guest::tdx()),
            EvidenceSources { collateral: Some(collateral.path().into()), ..none() },
        ),
        (
            Kernel::new(Guest::tdx()),
            EvidenceSources { pccs: Some(format!("{address}/")), ..none() },
        ),
        (Kernel::new(Guest::snp()), none()),
        (bare(), EvidenceSources { vcek: Some(certificate.path().into()), ..none() }),
        (bare(), EvidenceSources { kds: Some(address), ..none() }),
    ];
    for (row, (kernel, sources)) in machines.into_iter().enumerate() {
        let with_gpu = EvidenceSources { gpu_helper: gpu_helper("{nonce}"), ..sources.clone() };
        for sources in [sources, with_gpu] {
            let kernel = kernel.clone();
            let gpu = !sources.gpu_helper.is_empty();
            let made = tokio::task::spawn_blocking(move || attester(kernel, &sources)).await;
            let attester = Arc::new(made.unwrap().unwrap());
            let worker = verdict(&attester).await.unwrap_or_else(|error| panic!("{row}: {error}"));
            assert_eq!(worker.kind, if row < 2 { "tdx" } else { "snp" });
            assert_eq!(ask(&attester).await.unwrap().gpu().is_some(), gpu);
        }
    }
}

/// Collateral is fetched once for many questions, again when it grows old or nears its end, and an outage shows only
/// when the old one has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collateral_is_kept_and_renewed() {
    let vendor = Vendor::default();
    vendor.put_collateral(&tdx());
    let sources =
        EvidenceSources { pccs: Some(vendor.serve().await), ..EvidenceSources::default() };
    let clock = Arc::new(Hands(AtomicU64::new(now())));
    let (kernel, hands) = (Box::new(Kernel::new(Guest::tdx())), Arc::clone(&clock));
    let attester = Arc::new(Attester::detect(kernel, tsm(), &sources, hands).unwrap());
    let set = |time: u64| clock.0.store(time, Ordering::Relaxed);

    let first = ask(&attester).await.unwrap();
    assert_eq!(vendor.asked().len(), 4);
    ask(&attester).await.unwrap();
    assert_eq!(vendor.asked().len(), 0);
    let end = tdx().dates.tcb_info.to;
    set(end - 1800);
    ask(&attester).await.unwrap();
    assert_eq!(vendor.asked().len(), 4, "near its end it is fetched again");

    vendor.set_down(true);
    set(end - 1);
    assert!(ask(&attester).await.unwrap().kind() == first.kind());
    set(end + DAY);
    let refused = ask(&attester).await.err().unwrap();
    assert!(matches!(refused, PlatformError::Fetch(..)), "{refused}");
    vendor.set_down(false);
    set(end + 2 * DAY);
    ask(&attester).await.unwrap();
}

/// A server that lies can only make evidence fail: wrong collateral is passed on and refused by the verifier; what is too
/// large, malformed, missing or elsewhere is not even passed on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lying_server_makes_evidence_fail() {
    let tcb = "/tdx/certification/v4/tcb?fmspc=B0C06F000000";
    let bodies: [(&str, Vec<u8>); 4] = [
        ("does not parse", b"{}".to_vec()),
        ("does not parse", br#"{"tcbInfo":{"nextUpdate":"soon"},"signature":""}"#.to_vec()),
        ("over its limit", vec![b' '; (128 << 10) + 1]),
        ("chain is missing", br#"{"tcbInfo":{},"signature":""}"#.to_vec()),
    ];
    for (why, body) in bodies {
        let vendor = Vendor::default();
        vendor.put_collateral(&tdx());
        let header = (why != "chain is missing").then_some(("TCB-Info-Issuer-Chain", "x"));
        vendor.put(tcb, header, body);
        let pccs = Some(vendor.serve().await);
        let sources = EvidenceSources { pccs, ..EvidenceSources::default() };
        let attester = Arc::new(attester(Kernel::new(Guest::tdx()), &sources).unwrap());
        let refused = ask(&attester).await.err().unwrap().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    // Another host's collateral: the same names, other keys.
    let vendor = Vendor::default();
    let mut other = tdx();
    other.seed = 2;
    vendor.put_collateral(&other);
    let pccs = Some(vendor.serve().await);
    let sources = EvidenceSources { pccs, ..EvidenceSources::default() };
    let attester = Arc::new(attester(Kernel::new(Guest::tdx()), &sources).unwrap());
    let evidence = ask(&attester).await.unwrap();
    assert!(verifier().examine(&evidence, &rules(), now()).is_err());
}

/// Without a source for the vendor's part there is no attester, and the message names the setting.
#[test]
fn without_a_source_the_setting_is_named() {
    let none = EvidenceSources::default();
    let refused = |kernel| attester(kernel, &none).err().unwrap().to_string();
    assert!(refused(Kernel::new(Guest::tdx())).contains("evidence.pccs"));
    let bare = refused(Kernel::without_certificates(Guest::snp()));
    assert!(bare.contains("evidence.vcek") && bare.contains("evidence.kds"), "{bare}");
    let cloud = refused(Kernel::without_certificates(Guest::snp_cloud()));
    assert!(cloud.contains("VLEK") && cloud.contains("evidence.vcek"), "{cloud}");
    let sources = EvidenceSources { vcek: Some("/nowhere/vcek".into()), ..none.clone() };
    let error = attester(Kernel::new(Guest::snp()), &sources).err().unwrap();
    assert!(matches!(error, PlatformError::Read(..)), "{error}");
    let sources = EvidenceSources { collateral: Some("/nowhere".into()), ..none };
    let error = attester(Kernel::new(Guest::tdx()), &sources).err().unwrap();
    assert!(matches!(error, PlatformError::Read(..)), "{error}");
}

/// A cloud's VLEK comes from the host's table, and the verifier refuses it for want of the ASVK.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vlek_is_passed_on_and_refused() {
    let kernel = Kernel::new(Guest::snp_cloud());
    let attester = Arc::new(attester(kernel, &EvidenceSources::default()).unwrap());
    let evidence = ask(&attester).await.unwrap();
    let refused = verifier().examine(&evidence, &rules(), now()).unwrap_err();
    let expected = QuoteError::Unsupported("SNP report signed by a VLEK");
    assert_eq!(refused, EvidenceError::Quote(expected));
}

/// A GPU that does not answer means no evidence at all, never evidence without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_gpu_means_no_evidence() {
    for command in [&["false"][..], &["/nowhere/helper"], &["echo", "{}"]] {
        let gpu_helper = command.iter().map(|&part| part.to_owned()).collect();
        let sources = EvidenceSources { gpu_helper, ..EvidenceSources::default() };
        let attester = Arc::new(attester(Kernel::new(Guest::snp()), &sources).unwrap());
        assert!(ask(&attester).await.is_err(), "{command:?}");
    }
}
