//! Workers on evidence in Intel's format, under the test PKI: who is whose like.

use ed25519_dalek::SigningKey;
use prag_client::system::OsEntropy;
use prag_client::vault::VaultError;
use prag_pki::tdx::Tdx;
use prag_protocol::CollectionId;
use prag_server::vault::Portrait;
use prag_trust::entropy::Clock;
use prag_trust::evidence::{
    Binding, BindingPurpose, Evidence, HardwareVerifier, Policy, Roots, Tee, TeeError, Verifier,
};
use prag_trust::release::{Ask, ReleaseKey, Terms};
use std::sync::Arc;

/// A TDX guest of some image.
struct Guest(Tdx);

impl Tee for Guest {
    fn evidence(&self, binding: &Binding, _worker: &SigningKey) -> Result<Evidence, TeeError> {
        let mut guest = self.0.clone();
        guest.td.report_data = binding.report_data();
        let made = guest.build();
        Ok(Evidence::Tdx { quote: made.quote, collateral: made.collateral, gpu: None })
    }

    fn kind(&self) -> &'static str {
        "tdx"
    }
}

/// It is when the test PKI's certificates hold.
struct Then;

impl Clock for Then {
    fn now(&self) -> u64 {
        Tdx::new(1).now
    }
}

fn guest(change: impl FnOnce(&mut Tdx)) -> Guest {
    let mut guest = Tdx::new(1);
    change(&mut guest);
    Guest(guest)
}

fn verifier() -> HardwareVerifier {
    HardwareVerifier::with_roots(Roots { tdx: Some(Tdx::new(1).build().root), ..Roots::default() })
}

fn portrait(key: u8, guest: Guest) -> Portrait {
    Portrait {
        tee: Arc::new(guest),
        verifier: Arc::new(verifier()),
        signing: SigningKey::from_bytes(&[key; 32]),
        clock: Arc::new(Then),
        ledger_id: [4; 32],
        config_digest: [5; 32],
        policy_epoch: 1,
        platform: Policy::default(),
    }
}

/// What `giver` makes of a request with the evidence of `guest`, and of its image.
fn judged(
    giver: &Portrait,
    guest: &Guest,
    images: Option<&[[u8; 32]]>,
) -> (Result<(), VaultError>, [u8; 32]) {
    let asker = SigningKey::from_bytes(&[7; 32]);
    let own = giver.signing.verifying_key().to_bytes();
    let key = ReleaseKey::random(&mut OsEntropy).unwrap();
    let terms = Terms { collection: CollectionId([3; 16]), epoch: 1, nonce: [11; 32] };
    let ask = Ask::sign(&terms, own, &key, &asker).verify(&own).unwrap();
    let binding = Binding {
        purpose: BindingPurpose::Peer,
        sig_pk: ask.worker,
        tls_spki_sha256: [0; 32],
        nonce: ask.nonce,
        ledger_id: [4; 32],
        config_digest: [5; 32],
        policy_epoch: 1,
    };
    let evidence = guest.evidence(&binding, &asker).unwrap();
    let image = verifier().image(&evidence, &binding, Then.now()).unwrap();
    (giver.verify(&ask, &evidence, images).map(drop), image)
}

/// The same image is a like; another one, down to a runtime register, is not; unless the ledger lists it, and then the
/// giver's own is none. A quote of another root is nobody's.
#[test]
fn images_are_compared_in_genuine_formats() {
    let giver = portrait(8, guest(|_| ()));
    let (same, own) = judged(&giver, &guest(|_| ()), None);
    assert_eq!(same, Ok(()));
    let (other, listed) = judged(&giver, &guest(|guest| guest.td.rtmr[2][0] ^= 1), None);
    assert_eq!(other, Err(VaultError::Evidence));
    assert_ne!(own, listed);
    let changed = guest(|guest| guest.td.rtmr[2][0] ^= 1);
    assert_eq!(judged(&giver, &changed, Some(&[listed])).0, Ok(()));
    assert_eq!(judged(&giver, &guest(|_| ()), Some(&[listed])).0, Err(VaultError::Evidence));
    assert_eq!(judged(&giver, &guest(|_| ()), Some(&[])).0, Err(VaultError::Evidence));

    // A giver whose own evidence does not hold cannot tell its like, and gives nothing.
    let lost = portrait(8, guest(|guest| guest.seed = 2));
    assert_eq!(judged(&lost, &guest(|_| ()), None).0, Err(VaultError::NoEvidence));
    assert_eq!(judged(&lost, &guest(|_| ()), Some(&[own])).0, Ok(()));
}
