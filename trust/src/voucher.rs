//! Vouchers: what a session has used, signed by the worker and by the session's key.
//!
//! Layer: `trust`, above `address` and `verified`.
//! Holds: both signatures, made and checked, over the frozen bytes of `prag_protocol::ledger::voucher`.
//! Never: whether a count is right: whoever counted compares.
//! Invariant: a `Verified` voucher is within its bounds, and each signature that it carries holds.

use crate::address::{SessionKey, ed25519_holds};
use crate::verified::Verified;
use ed25519_dalek::{Signer, SigningKey};
use prag_protocol::ledger::voucher::{OfferedVoucher, Role, SignedVoucher, Voucher};

/// A number is out of its bounds, or a signature is not that of the key that the voucher names. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the voucher's numbers or signatures do not hold")]
pub struct VoucherError;

/// Sign as the worker, whose key of this boot the voucher then names.
#[must_use]
pub fn offer(mut voucher: Voucher, worker: &SigningKey) -> OfferedVoucher {
    voucher.worker_key = worker.verifying_key().to_bytes();
    let worker_signature = worker.sign(&voucher.signed_bytes(Role::Worker)).to_bytes();
    OfferedVoucher { voucher, worker_signature }
}

/// Check what a worker claims to have counted.
///
/// # Errors
/// [`VoucherError`].
pub fn verify_offer(offer: OfferedVoucher) -> Result<Verified<OfferedVoucher>, VoucherError> {
    holds(&offer.voucher, Role::Worker, &offer.worker_signature)?;
    Ok(Verified::new(offer))
}

/// Sign as the consumer what was found to be right. With another key than the session's, the signature is void.
#[must_use]
pub fn countersign(offer: Verified<OfferedVoucher>, session: &SessionKey) -> SignedVoucher {
    let OfferedVoucher { voucher, worker_signature } = offer.into_inner();
    let consumer_signature = session.sign(&voucher.signed_bytes(Role::Consumer));
    SignedVoucher { voucher, worker_signature, consumer_signature }
}

/// Check both signatures.
///
/// # Errors
/// [`VoucherError`].
pub fn verify_signed(signed: SignedVoucher) -> Result<Verified<SignedVoucher>, VoucherError> {
    holds(&signed.voucher, Role::Worker, &signed.worker_signature)?;
    holds(&signed.voucher, Role::Consumer, &signed.consumer_signature)?;
    Ok(Verified::new(signed))
}

fn holds(v: &Voucher, role: Role, signature: &[u8; 64]) -> Result<(), VoucherError> {
    let key = if role == Role::Worker { &v.worker_key } else { &v.session };
    let holds = v.check().is_ok() && ed25519_holds(key, &v.signed_bytes(role), signature);
    if holds { Ok(()) } else { Err(VoucherError) }
}
