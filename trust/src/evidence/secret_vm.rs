//! A SecretVM's own evidence: it binds the VM's TLS key, and no worker.
//!
//! Layer: `trust::evidence`, over `hardware`.
//! Holds: the second accepted layout of report data, and what must hold in place of the claims that it leaves open.
//! Never: a worker without the key of the very connection that it spoke over; SNP; a legacy certificate hash.
//! Invariant: what a connection said is believed only if the quote names that connection's key, and RTMR3 pins what runs.

use super::hardware::{Examined, Hardware};
use super::{Binding, Evidence, EvidenceError, Policy, Worker};
use crate::verified::Verified;
use sha2::{Digest, Sha256};

/// The server's key of one TLS connection, as the side that made the handshake saw it.
///
/// A SecretVM asks for one quote at its start, over `[SHA-256(SPKI of its TLS certificate) | GPU nonce, or zeros]`.
/// The quote has no nonce: it is old, and anybody may hand it on. What is fresh is the handshake, which proves the key
/// that the quote names. So a worker's keys count only over that connection, and its ledger, configuration and nonce
/// are what it said there: believed because the image is allowed, not because hardware bound them. A TLS key that
/// leaves the VM, now or in a year, speaks for every worker in it. That is weaker than [`Binding`], and policies leave
/// it out unless they say `secret_vm`.
///
/// What is pinned. RTMR3 is extended with the SHA-256 of the compose file, then of the root file system, then of other
/// files; the digest of an image covers the register's value, so another compose file is another image. Beyond that
/// digest the form asks that RTMR3 is not all zeros (nothing was measured, so anything may run), and that the evidence
/// is TDX: on SNP the compose file stands in the kernel's command line, and a report does not tell whether the
/// hypervisor put that into the measurement.
///
/// Source: scrtlabs `secret-vm-build` (`init-tdx`) and `secretvm-verify` (`vm.py`, `rtmr.ts`). Their older form, the
/// SHA-256 of the whole certificate, is not accepted.
///
/// It cannot be made from a hash that somebody claims:
///
/// ```compile_fail,E0423
/// let claimed = prag_trust::evidence::ConnectionKey([0; 32]);
/// ```
///
/// ```
/// let seen = prag_trust::evidence::ConnectionKey::of_handshake(b"the server's SPKI, DER");
/// assert_eq!(seen, prag_trust::evidence::ConnectionKey::of_handshake(b"the server's SPKI, DER"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionKey([u8; 32]);

impl ConnectionKey {
    /// The key that a handshake proved. `spki`: SubjectPublicKeyInfo of the server's certificate, DER.
    #[must_use]
    pub fn of_handshake(spki: &[u8]) -> Self {
        Self(Sha256::digest(spki).into())
    }

    /// SHA-256 of the SPKI, as evidence names it.
    #[must_use]
    pub fn spki_sha256(&self) -> [u8; 32] {
        self.0
    }
}

/// Whether the form is to be looked at at all.
pub(super) fn admit(evidence: &Evidence, policy: &Policy) -> Result<(), EvidenceError> {
    if !policy.secret_vm {
        return Err(EvidenceError::SecretVm("is not allowed by the policy"));
    }
    match evidence {
        Evidence::Tdx { .. } => Ok(()),
        Evidence::Snp { .. } => Err(EvidenceError::SecretVm("is accepted from TDX only")),
        #[cfg(feature = "sim")]
        Evidence::Sim { .. } => Err(EvidenceError::Kind(evidence.kind())),
    }
}

/// The worker that said `said` over `connection`, if what was examined names that connection.
pub(super) fn bound(
    examined: &Examined,
    evidence: &Evidence,
    said: &Binding,
    connection: &ConnectionKey,
    policy: &Policy,
) -> Result<Verified<Worker>, EvidenceError> {
    let Hardware::Tdx(claims) = &examined.hardware else {
        return Err(EvidenceError::SecretVm("is accepted from TDX only"));
    };
    if claims.td.report_data[..32] != connection.0 || said.tls_spki_sha256 != connection.0 {
        return Err(EvidenceError::SecretVm("names another TLS key than this connection's"));
    }
    let nonce = examined.hardware.second_half();
    if evidence.gpu().is_some() == (nonce == [0; 32]) {
        return Err(EvidenceError::SecretVm("does not say whether it has a GPU"));
    }
    if claims.td.rtmr[3] == [0; 48] {
        return Err(EvidenceError::SecretVm("pins no compose file: RTMR3 is empty"));
    }
    examined.signed_for(evidence, &said.sig_pk)?;
    policy.allow_hardware(examined)?;
    Worker::allowed(evidence, examined.hardware.image(), said, policy)
}

#[cfg(test)]
mod tests;
