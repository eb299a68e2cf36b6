//! Hostile permits, signatures, evidence, shares and scopes. Quotes, reports and certificates are fuzzed in `trust/quote`, seals
//! in `trust/seal`.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::address::{SessionKey, WalletKey};
use crate::entropy::{Entropy, EntropyError};
use crate::evidence::{Binding, BindingPurpose, Evidence, HardwareVerifier, Policy, Verifier};
use crate::head::{Head, SignedHead};
use crate::key::{Key, Scope};
use crate::permit::{Expected, Permissions, Permit, PermitParams};
use crate::release::ReleasedShare;
use crate::request::{NonceCache, RequestParts, sign_request, verify_request};
use crate::scope::{ScopeTerms, SealedScope};
use ed25519_dalek::SigningKey;
use prag_fuzz::fuzz;
use prag_protocol::{CollectionId, Lineage};

const NOW: u64 = 1_700_000_000;
const WORKER: [u8; 32] = [3; 32];

fn expected() -> Expected {
    Expected { chain_id: "prag-embedded-1".to_owned(), contract: "secret1contract".to_owned() }
}

fn permit() -> Permit {
    let session = SessionKey::from_bytes(&[9; 32]).public_key();
    let params = PermitParams::new(&expected(), &session, Permissions::QueryAndIngest, NOW + 999);
    Permit::sign(&WalletKey::from_bytes(&[7; 32]).unwrap(), params).unwrap()
}

/// A permit that verifies is the one that was signed: no change of its bytes gives another right.
#[test]
fn permits() {
    let whole = permit().verify(NOW, &expected()).unwrap().into_inner();
    fuzz(2, &[permit().to_json().unwrap()], |bytes| {
        if let Ok(permit) = Permit::from_json(bytes)
            && let Ok(delegation) = permit.verify(NOW, &expected())
        {
            let delegation = delegation.into_inner();
            assert!(
                delegation.address == whole.address && delegation.permissions == whole.permissions
            );
            assert!(
                delegation.session_key == whole.session_key && delegation.expires == whole.expires
            );
        }
    });
}

/// Headers that verify over a request are those that were signed for it.
#[test]
fn request_signatures() {
    let parts = RequestParts { method: "POST", path: "/v1/x", query: "a=1", body: b"{}" };
    let key = SessionKey::from_bytes(&[9; 32]);
    let signed = sign_request(&key, &parts, &permit(), &WORKER, NOW, [5; 16]).unwrap().headers;
    // As bytes: a line for each header.
    let good: Vec<u8> =
        signed.iter().flat_map(|(name, value)| format!("{name}: {value}\n").into_bytes()).collect();
    fuzz(2, &[good], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let headers: Vec<_> = text.lines().filter_map(|line| line.split_once(": ")).collect();
        let header = |name: &str| {
            let mut found = headers.iter().filter(|row| row.0 == name);
            let first = found.next().map(|row| row.1.to_owned());
            first.filter(|_| found.next().is_none())
        };
        let mut nonces = NonceCache::new(9);
        if verify_request(&header, &parts, NOW, &WORKER, &expected(), &mut nonces).is_ok() {
            for (name, value) in &signed {
                if name != "prag-permit" {
                    assert_eq!(header(name).as_ref(), Some(value));
                }
            }
        }
    });
}

/// Evidence of any kind is refused or verified, and so is what a policy's bytes say.
#[test]
fn evidence() {
    let binding = Binding {
        purpose: BindingPurpose::Serve,
        sig_pk: [1; 32],
        tls_spki_sha256: [2; 32],
        nonce: [3; 32],
        ledger_id: [4; 32],
        config_digest: [5; 32],
        policy_epoch: 6,
    };
    let kinds = [
        Evidence::Tdx { quote: vec![4; 700], collateral: b"{}".to_vec(), gpu: None },
        Evidence::Snp { report: vec![2; 1184], vcek: vec![0x30; 300], gpu: None },
    ];
    let good: Vec<_> = kinds.iter().map(|kind| serde_json::to_vec(kind).unwrap()).collect();
    let policy = Policy { measurements: vec![[1; 32]], epoch: 6, ..Policy::default() };
    fuzz(10, &good, |bytes| {
        if let Ok(evidence) = serde_json::from_slice::<Evidence>(bytes) {
            let verdict = HardwareVerifier::default().verify(&evidence, &binding, &policy, NOW);
            assert!(verdict.is_err());
            let _ = evidence.hash();
        }
    });
    fuzz(1, &[serde_json::to_vec(&policy).unwrap()], |bytes| {
        if let Ok(policy) = serde_json::from_slice::<Policy>(bytes) {
            let _ = policy.digest();
        }
    });
}

/// Shares and heads read back as they were, or are refused; a head that holds is the one that was signed.
#[test]
fn shares_and_heads() {
    let hex = |bytes: usize| "0a".repeat(bytes);
    let share = format!(
        concat!(
            r#"{{"collection":"{}","epoch":1,"nonce":"{}","worker":"{}","release_key":"{}","evidence_hash":"{}","#,
            r#""policy_digest":"{}","signer":"{}","encapsulated":"{}","ciphertext":"{}","signature":"{}"}}"#
        ),
        hex(16),
        hex(32),
        hex(32),
        hex(32),
        hex(32),
        hex(32),
        hex(32),
        hex(32),
        hex(48),
        hex(64)
    );
    assert!(serde_json::from_str::<ReleasedShare>(&share).is_ok());
    fuzz(1, &[share.into_bytes()], |bytes| {
        if let Ok(share) = serde_json::from_slice::<ReleasedShare>(bytes) {
            let again = serde_json::to_vec(&share).unwrap();
            assert!(serde_json::from_slice::<ReleasedShare>(&again).unwrap() == share);
        }
    });
    let signer = SigningKey::from_bytes(&[7; 32]);
    let head = Head { lineage: Lineage([1; 16]), writer_epoch: 1, size: 2, root: [3; 32] };
    let key = signer.verifying_key().to_bytes();
    fuzz(10, &[serde_json::to_vec(&head.sign(&signer)).unwrap()], |bytes| {
        if let Ok(signed) = serde_json::from_slice::<SignedHead>(bytes)
            && signed.verify(&key).is_ok()
        {
            assert_eq!(signed.head, head);
        }
    });
}

struct Ones;

impl Entropy for Ones {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        out.fill(1);
        Ok(())
    }
}

/// A scope that opens is the one that was sealed.
#[test]
fn sealed_scopes() {
    let key = Key::<Scope>::random(&mut Ones).unwrap();
    let (collection, lineage) = (CollectionId([1; 16]), Lineage([2; 16]));
    let (grantee, salt) = ("secret1reader".parse().unwrap(), [3; 32]);
    let json = r#"{"must":[{"key":"team","match":{"value":"ops"}}]}"#;
    let terms = ScopeTerms { collection, grantee: &grantee, salt: &salt, json };
    let text = terms.seal(&key, lineage, 1).unwrap();
    fuzz(2, &[text.clone().into_bytes()], |bytes| {
        let read = String::from_utf8_lossy(bytes);
        if let Ok(sealed) = SealedScope::parse(&read)
            && sealed.open(&key, lineage, collection, &grantee).is_ok()
        {
            assert_eq!(read, text);
        }
    });
}
