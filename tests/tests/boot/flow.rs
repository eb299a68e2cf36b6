//! Workers on hardware of the test PKI, and clients that trust its roots.

use crate::machine::{
    Guest, Kernel, attester, binding, gpu_helper, gpu_helper_swapped_after, ground, policy_for, tdx,
};
use crate::{fill, found};
use ed25519_dalek::SigningKey;
use prag_client::ClientError;
use prag_server::boot::{BootError, boot};
use prag_server::settings::{EvidenceSources, Settings};
use prag_tests::{Lab, Wiretap, account_in};
use prag_trust::evidence::{BindingPurpose, EvidenceError, Policy};
use prag_trust::quote::QuoteError;
use std::path::PathBuf;

/// What this machine's owner expects of it.
async fn expected(kernel: Kernel, sources: EvidenceSources) -> Policy {
    let work = move || {
        let key = SigningKey::from_bytes(&[7; 32]);
        let evidence = attester(kernel, &sources).unwrap().ask(&binding(&key), &key).unwrap();
        policy_for(&evidence)
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn sources(collateral: PathBuf, gpu: bool) -> EvidenceSources {
    EvidenceSources {
        collateral: Some(collateral),
        gpu_helper: if gpu { gpu_helper("{nonce}") } else { Vec::new() },
        ..EvidenceSources::default()
    }
}

fn collateral() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collateral.json");
    std::fs::write(&path, tdx().build().collateral).unwrap();
    (folder, path)
}

/// SEV-SNP and TDX, with a GPU and without: from evidence over an upload to an answer, and again after a restart. TDX has
/// no sealing key: there the steward opens the worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_on_hardware_serves() {
    let (_folder, collateral) = collateral();
    for (guest, gpu) in
        [(Guest::snp(), false), (Guest::snp(), true), (Guest::tdx(), false), (Guest::tdx(), true)]
    {
        let kernel = Kernel::new(guest.clone());
        let sources = sources(collateral.clone(), gpu);
        let policy = expected(kernel.clone(), sources.clone()).await;
        let steward = matches!(guest, Guest::Tdx(_));
        let mut lab = Lab::start_for(ground(kernel, policy), |settings, homes| {
            settings.evidence = sources;
            settings.steward = steward.then(|| account_in(homes, "steward"));
        })
        .await;
        if steward {
            lab.steward("steward").await.unwrap().unlock().await.unwrap();
        }
        let id = fill(&lab.client("owner").await).await;
        let client = lab.client("owner").await;
        assert_eq!(found(&client, id).await.unwrap(), 1);
        let session = client.channel().session().await.unwrap();
        assert_eq!(session.worker().kind, if steward { "tdx" } else { "snp" });
        lab.restart().await;
        if steward {
            lab.steward("steward").await.unwrap().unlock().await.unwrap();
        }
        assert_eq!(found(&lab.client("owner").await, id).await.unwrap(), 1);
    }
}

/// Another image, a GPU that answers another nonce, no GPU where one is due: the client stops at the evidence, and sends
/// nothing but its question for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_worker_gets_no_request() {
    let good = Kernel::new(Guest::snp());
    let none = EvidenceSources::default();
    let with = |gpu_helper| EvidenceSources { gpu_helper, ..EvidenceSources::default() };
    let plain = expected(good.clone(), none.clone()).await;
    let gpu = expected(good.clone(), with(gpu_helper("{nonce}"))).await;
    let nonce = EvidenceError::Quote(QuoteError::Nonce("GPU report"));
    let folder = tempfile::tempdir().unwrap();
    let replayed = with(gpu_helper_swapped_after(&folder.path().join("asked")));
    let rows = [
        (
            Kernel::new(Guest::snp().changed()),
            none.clone(),
            plain.clone(),
            EvidenceError::Measurement,
        ),
        (good.clone(), replayed, gpu.clone(), nonce),
        (good.clone(), none, gpu, EvidenceError::GpuMissing),
        (good, with(gpu_helper("{nonce}")), plain, EvidenceError::Gpu("device")),
    ];
    for (kernel, sources, policy, error) in rows {
        let change = |settings: &mut Settings| settings.evidence = sources;
        let lab = Lab::start_on(ground(kernel, policy), change).await;
        let tap = Wiretap::before(lab.address()).await;
        let refused = lab.connect(BindingPurpose::Serve, "owner", &tap.url()).await.err().unwrap();
        assert!(matches!(&refused, ClientError::Evidence(found) if *found == error), "{refused}");
        let sent = String::from_utf8(tap.sent()).unwrap();
        assert!(sent.starts_with("GET /v1/attestation?nonce="), "{sent}");
        assert_eq!(sent.matches("HTTP/1.1").count(), 1, "{sent}");
    }
}

/// A worker knows by its own evidence what it is, as a client would: with a GPU that answers another nonce it does not boot,
/// and leaves a reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_own_evidence_fails_does_not_boot() {
    let replayed =
        EvidenceSources { gpu_helper: gpu_helper(&"07".repeat(32)), ..EvidenceSources::default() };
    let mut lab = Lab::start_on(ground(Kernel::new(Guest::snp()), Policy::default()), |_| ()).await;
    lab.stop().await;
    let settings = Settings { evidence: replayed, ..lab.settings().clone() };
    let platform = (ground(Kernel::new(Guest::snp()), Policy::default()).platform)(&settings);
    let refused = boot(settings, platform).await.err().unwrap();
    let nonce = matches!(&refused, BootError::Platform(why) if why.contains("another nonce"));
    assert!(nonce, "{refused}");
}
