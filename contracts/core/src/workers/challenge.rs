//! What a worker signs, and what its report binds.
//!
//! Layer: bottom of core, workers.
//! Holds: the frozen bytes.
//! Never: keys; whether anything was signed.
//! Invariant: two things to sign never share bytes: each has its domain, and its parts their lengths.
//!
//! A challenge follows from the ledger, the worker and the window, so it could be signed ahead of
//! time by whoever has the key. Nobody but the measured program has it, and that signs for the
//! window of its own ledger view only. What an answer proves is that this program ran in this window.

use prag_protocol::Address;
use prag_protocol::ledger::workers::EvidenceBinding;
use sha2::{Digest, Sha256};

/// The challenge of one worker in one window.
///
/// SHA-256(`"PRAG-LIVE/v1"` ‖ LP(ledger, worker, window as u64 big-endian)); LP puts the length of
/// each part, u32 big-endian, before it.
#[must_use]
pub fn challenge(ledger: &str, worker: &Address, window: u64) -> [u8; 32] {
    let parts: [&[u8]; 3] = [ledger.as_bytes(), worker.as_str().as_bytes(), &window.to_be_bytes()];
    digest("PRAG-LIVE/v1", &parts)
}

/// What a registration's proof signs: SHA-256(`"PRAG-REGISTER/v1"` ‖ LP(challenge, hpke_key,
/// ip_address, payment_wallet)).
#[must_use]
pub fn registration_digest(
    challenge: &[u8; 32],
    hpke_key: &[u8; 32],
    ip_address: &str,
    payment_wallet: &Address,
) -> [u8; 32] {
    let wallet = payment_wallet.as_str().as_bytes();
    digest("PRAG-REGISTER/v1", &[challenge, hpke_key, ip_address.as_bytes(), wallet])
}

/// Whether a report's data are those of a worker that registers with this key, nonce and claims.
///
/// First half = SHA-256(`"PRAG-RA/v1"` ‖ LP("register", signing_key, tls_spki_sha256, nonce,
/// ledger_id, config_digest, policy_epoch as u64 big-endian)); second half = zeros, or with a GPU
/// SHA-256(`"PRAG-GPU/v1"` ‖ first half). The same bytes as `trust::evidence::Binding`'s.
pub(super) fn binds(
    report_data: &[u8; 64],
    signing_key: &[u8; 32],
    nonce: &[u8; 32],
    claims: &EvidenceBinding,
) -> bool {
    let half = digest(
        "PRAG-RA/v1",
        &[
            b"register",
            signing_key,
            &claims.tls_spki_sha256,
            nonce,
            &claims.ledger_id,
            &claims.config_digest,
            &claims.policy_epoch.to_be_bytes(),
        ],
    );
    let gpu: [u8; 32] =
        Sha256::new().chain_update("PRAG-GPU/v1").chain_update(half).finalize().into();
    let (first, second) = report_data.split_at(32);
    first == half && (second == [0; 32] || second == gpu)
}

/// SHA-256 of text.
pub(super) fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// SHA-256(domain ‖ LP(parts)).
pub(super) fn digest(domain: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix(domain);
    for part in parts {
        // Every part is bounded far below 2^32 bytes.
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        hasher.update(length.to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
