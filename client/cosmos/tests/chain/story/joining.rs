//! Workers join: an image is approved, and each shows a TDX quote over its key and the chain's own challenge.
//!
//! Layer: tests, story.
//! Holds: machines, registrations, and the check of what the chain keeps.
//! Never: a key of Intel's: the quotes are in its format, under roots of the test's own, which no policy can name.
//! Invariant: what a third party verifies are the bytes that the chain keeps, and nothing that the worker handed over.

use super::stage::{STAKE, Story, clock};
use ed25519_dalek::{Signer, SigningKey};
use prag_client::ledger::Ledger;
use prag_contracts_core::workers::{evidence_hash, registration_digest};
use prag_cosmos::{Chain, Contract, KeptEvidence};
use prag_pki::tdx::{DAY, Tdx, Window};
use prag_protocol::Address;
use prag_protocol::ledger::workers::{
    EvidenceBinding, EvidenceRecord, LivelinessChallenge, Registration, WorkerRecord, WorkersMsg,
    WorkersQuery, WorkersReply,
};
use prag_trust::entropy::Clock;
use prag_trust::evidence::{
    Binding, BindingPurpose, Evidence, EvidenceError, HardwareVerifier, Policy, Roots, Verifier,
};

/// A confidential VM, its key of this boot, and the account that it works for.
struct Machine<'a> {
    by: &'a Chain,
    key: SigningKey,
    tdx: Tdx,
}

/// The key of a worker's boot.
pub(super) fn boot_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Seeds of the two workers' keys.
pub(super) const ANN: u8 = 41;
pub(super) const MAL: u8 = 42;

impl<'a> Machine<'a> {
    /// One that Intel's collateral speaks well of today.
    fn new(by: &'a Chain, seed: u8) -> Self {
        let (mut tdx, now) = (Tdx::new(7), clock().now());
        let month = Window { from: now - DAY, to: now + 29 * DAY };
        let dates = &mut tdx.dates;
        (dates.root_crl, dates.pck_crl, dates.tcb_info, dates.qe_identity) =
            (month, month, month, month);
        Self { by, key: boot_key(seed), tdx }
    }

    /// What its evidence binds when it registers.
    fn binding(&self, ledger_id: [u8; 32], nonce: [u8; 32]) -> Binding {
        Binding {
            purpose: BindingPurpose::Register,
            sig_pk: self.key.verifying_key().to_bytes(),
            tls_spki_sha256: [0; 32],
            nonce,
            ledger_id,
            config_digest: CONFIG,
            policy_epoch: 1,
        }
    }

    fn registration(&self, ledger_id: [u8; 32], live: &LivelinessChallenge) -> WorkersMsg {
        let binding = self.binding(ledger_id, live.challenge);
        let mut tdx = self.tdx.clone();
        tdx.td.report_data = binding.report_data();
        let shown = tdx.build();
        let (ip_address, payment_wallet) =
            ("https://worker.example".to_owned(), self.by.account().on_chain().clone());
        let hpke_key = [7; 32];
        let digest = registration_digest(&live.challenge, &hpke_key, &ip_address, &payment_wallet);
        WorkersMsg::RegisterWorker(Box::new(Registration {
            ip_address,
            payment_wallet,
            attestation_report: hex::encode(&shown.quote),
            worker_type: "all-MiniLM-L6-v2".to_owned(),
            collateral: String::from_utf8(shown.collateral).unwrap(),
            binding: EvidenceBinding {
                tls_spki_sha256: binding.tls_spki_sha256,
                ledger_id,
                config_digest: binding.config_digest,
                policy_epoch: binding.policy_epoch,
            },
            service: "retrieval".to_owned(),
            capacity: 1,
            signing_key: binding.sig_pk,
            hpke_key,
            window: live.window,
            proof: self.key.sign(&digest).to_bytes(),
        }))
    }

    fn verifier(&self) -> HardwareVerifier {
        HardwareVerifier::with_roots(Roots { tdx: Some(self.tdx.build().root), ..Roots::default() })
    }

    /// The digest of its image, as whoever approves it finds it.
    fn image(&self) -> [u8; 32] {
        let shown = self.tdx.build();
        let evidence =
            Evidence::Tdx { quote: shown.quote, collateral: shown.collateral, gpu: None };
        let now = clock().now();
        self.verifier().examine(&evidence, &Policy::default(), now).unwrap().hardware.image()
    }
}

impl Story {
    pub(super) async fn workers_join(&self) {
        let (ann, mal) = (Machine::new(&self.ann, ANN), Machine::new(&self.mal, MAL));
        let image = ann.image();
        let approve = WorkersMsg::ApproveMeasurement { measurement: image };
        self.refused("may not do that", &self.watcher, &self.workers, &approve, 0).await;
        self.tell("workers: approve_measurement", &self.admin, &self.workers, &approve, 0).await;
        tokio::join!(self.registers(&ann), self.registers(&mal));
        self.bill.say("two workers registered, each with a TDX quote over its key");
        self.anybody_verifies(&ann, &image).await;
        self.bill.say("read back from the chain by proof, the quote verifies, and binds that key");
        self.is_approved(&ann).await;
        self.is_approved(&mal).await;
        self.bill.say("whoever verified them says so: the workers may be chosen and paid");
    }

    async fn registers(&self, machine: &Machine<'_>) {
        let live = self.challenge(machine.by.account().on_chain()).await;
        let message = machine.registration(self.ledger.id(), &live);
        let (by, to) = (machine.by, &self.workers);
        self.tell("workers: register_worker", by, to, &message, STAKE).await;
    }

    /// The approver confirms what is on record, and nothing else.
    async fn is_approved(&self, machine: &Machine<'_>) {
        let worker = machine.by.account().on_chain().clone();
        let record = self.worker(machine.by).await.unwrap();
        assert!(record.pending);
        let kept = self.worker_registry().await.kept_evidence(&worker).await.unwrap().unwrap();
        let measurement = machine.image();
        let approve = |evidence_hash| {
            let worker = worker.clone();
            WorkersMsg::ApproveWorker { worker, evidence_hash, measurement }
        };
        let hash = evidence_hash(&record, &kept.record);
        let (to, other) = (&self.workers, approve([0; 32]));
        self.refused("other evidence", &self.admin, to, &other, 0).await;
        self.refused("may not do that", &self.watcher, to, &approve(hash), 0).await;
        let unlisted = WorkersMsg::ApproveWorker {
            worker: worker.clone(),
            evidence_hash: hash,
            measurement: [0; 32],
        };
        self.refused("not approved", &self.admin, to, &unlisted, 0).await;
        self.tell("workers: approve_worker", &self.admin, to, &approve(hash), 0).await;
        assert!(!self.worker(machine.by).await.unwrap().pending);
    }

    /// The challenge of the running window for an account, by proof.
    pub(super) async fn challenge(&self, worker: &Address) -> LivelinessChallenge {
        let query = WorkersQuery::GetLivelinessChallenge { worker: worker.clone() };
        match self.worker_registry().await.query(&query).await.unwrap() {
            WorkersReply::Challenge(live) => live,
            other => panic!("{other:?}"),
        }
    }

    /// A worker's record, by proof.
    pub(super) async fn worker(&self, by: &Chain) -> Option<WorkerRecord> {
        let worker = by.account().on_chain().clone();
        match self.worker_registry().await.query(&WorkersQuery::Worker { worker }).await.unwrap() {
            WorkersReply::Worker(record) => record.map(|record| *record),
            other => panic!("{other:?}"),
        }
    }

    async fn worker_registry(&self) -> Contract {
        self.workers.reached(self.seen().await).await
    }

    /// What `prag evidence verify` does, with what the chain keeps.
    async fn anybody_verifies(&self, machine: &Machine<'_>, image: &[u8; 32]) {
        let registry = self.worker_registry().await;
        let kept = registry.kept_evidence(machine.by.account().on_chain()).await.unwrap().unwrap();
        let WorkersReply::Measurements(approved) =
            registry.query(&WorkersQuery::Measurements {}).await.unwrap()
        else {
            panic!("measurements");
        };
        let now = self.seen().await.header().await.unwrap().time();
        assert!(approved.iter().all(|one| one.effective <= now), "the timelock has passed");
        let policy = Policy {
            measurements: approved.into_iter().map(|one| one.measurement).collect(),
            ledger_ids: vec![self.ledger.id()],
            config_digests: vec![CONFIG],
            ..Policy::default()
        };
        let key = self.worker(machine.by).await.unwrap().signing_key;
        let EvidenceRecord { nonce, binding: claims, .. } = kept.record.clone();
        let binding = Binding {
            purpose: BindingPurpose::Register,
            sig_pk: key,
            tls_spki_sha256: claims.tls_spki_sha256,
            nonce,
            ledger_id: claims.ledger_id,
            config_digest: claims.config_digest,
            policy_epoch: claims.policy_epoch,
        };
        let evidence = tdx(&kept);
        let verify = |verifier: HardwareVerifier, binding: &Binding| {
            verifier.verify(&evidence, binding, &policy, now)
        };
        let worker = verify(machine.verifier(), &binding).unwrap();
        assert_eq!((worker.sig_pk, worker.measurement), (key, *image));
        let other = Binding { sig_pk: boot_key(MAL).verifying_key().to_bytes(), ..binding };
        assert_eq!(verify(machine.verifier(), &other), Err(EvidenceError::Binding));
        assert!(verify(HardwareVerifier::default(), &binding).is_err(), "Intel signed none of it");
    }

    pub(super) async fn the_worker_is_alive(&self) {
        self.until(self.window).await;
        let account = self.ann.account().on_chain();
        let live = self.challenge(account).await;
        assert!(!live.answered, "the registration answered the window before");
        let answer = |key: u8| WorkersMsg::ReportLiveliness {
            window: live.window,
            signature: boot_key(key).sign(&live.challenge).to_bytes(),
        };
        let reason = "the signature";
        self.refused(reason, &self.ann, &self.workers, &answer(MAL), 0).await;
        let (by, to) = (&self.ann, &self.workers);
        self.tell("workers: report_liveliness", by, to, &answer(ANN), 0).await;
        assert!(self.challenge(account).await.answered);
        self.bill.say("the challenge of the next window is answered by the attested key");
    }
}

fn tdx(kept: &KeptEvidence) -> Evidence {
    let collateral = kept.collateral.clone().into_bytes();
    Evidence::Tdx { quote: hex::decode(&kept.report).unwrap(), collateral, gpu: None }
}

/// The digest of both machines' settings.
const CONFIG: [u8; 32] = [5; 32];
