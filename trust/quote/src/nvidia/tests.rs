#![allow(clippy::unwrap_used, clippy::panic)]

mod hostile;
mod made;
mod real;

use super::*;
use prag_pki::nvidia::Gpu;

/// The evidence of `gpu`, verified as [`Root::Other`] and with the nonce of the defaults.
fn check(gpu: &Gpu) -> Result<GpuClaims, QuoteError> {
    let evidence = gpu.build();
    let root = Root::Other(&evidence.root);
    verify(&evidence.report, &evidence.pem(), &[7; 32], root, gpu.now)
}

/// The refusal of a GPU that `change` made wrong.
fn refusal(change: impl FnOnce(&mut Gpu)) -> QuoteError {
    let mut gpu = Gpu::new(1);
    change(&mut gpu);
    check(&gpu).unwrap_err()
}
