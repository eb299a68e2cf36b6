//! Which image this worker is.
//!
//! Layer: server; called by `boot`.
//! Holds: one question to the worker's own evidence.
//! Never: a setting: the host would say what it likes.
//! Invariant: the digest is that of evidence over this boot's key; another machine's evidence, handed in by the host,
//! does not bind it.

use crate::boot::BootError;
use crate::vault::Portrait;
use prag_client::system::OsEntropy;
use prag_trust::entropy::random;
use prag_trust::evidence::{Binding, BindingPurpose};

/// The digest of the image that runs here, as policies list it. Blocks for as long as the platform takes.
///
/// # Errors
/// [`BootError::Platform`] where the platform gives no evidence, or evidence that does not hold.
pub(crate) fn own_image(portrait: &Portrait) -> Result<[u8; 32], BootError> {
    let failed = |why: &dyn std::error::Error| {
        BootError::Platform(format!("this worker's own evidence does not say what it runs: {why}"))
    };
    let binding = Binding {
        purpose: BindingPurpose::Serve,
        sig_pk: portrait.signing.verifying_key().to_bytes(),
        tls_spki_sha256: [0; 32],
        nonce: random(&mut OsEntropy).map_err(|error| failed(&error))?,
        ledger_id: portrait.ledger_id,
        config_digest: portrait.config_digest,
        policy_epoch: portrait.policy_epoch,
    };
    let evidence =
        portrait.tee.evidence(&binding, &portrait.signing).map_err(|error| failed(&error))?;
    let now = portrait.clock.now();
    portrait.verifier.image(&evidence, &binding, now).map_err(|error| failed(&error))
}
