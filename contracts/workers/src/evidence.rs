//! What the chain finds out about a registration's evidence.
//!
//! Layer: workers shell.
//! Holds: the way from a report's text to the core's verdict.
//! Never: evidence that a chain could check and did not: where quotes are verified, one that does not verify is refused.
//! Invariant: what is `Attested` was read from the very bytes that the chain verified.

use crate::error::ShellError;
use prag_contracts_core::workers::Verdict;
use prag_protocol::ledger::workers::{WorkersMsg, WorkersTerms};

/// Whether this build's chain verifies quotes.
const VERIFIED_HERE: bool = cfg!(feature = "secret");

/// Somebody verifies every worker: the chain does where it can, and elsewhere an approver. Without either, whoever has a
/// stake would be a worker, and be paid for vouchers that it countersigns itself.
///
/// # Errors
/// [`ShellError::Terms`] names the first term that is not what it has to be here.
pub(crate) fn fitting(terms: &WorkersTerms) -> Result<(), ShellError> {
    if terms.attested_only != VERIFIED_HERE {
        return Err(ShellError::Terms { term: "attested_only", must: VERIFIED_HERE });
    }
    if !VERIFIED_HERE && !terms.approved_only {
        return Err(ShellError::Terms { term: "approved_only", must: true });
    }
    Ok(())
}

/// What the chain vouches for; [`Verdict::Stored`] for messages without evidence.
///
/// # Errors
/// [`ShellError`] says which check the evidence failed.
#[cfg(feature = "secret")]
pub(crate) fn verdict(message: &WorkersMsg) -> Result<Verdict, ShellError> {
    verified(message, &chain::accepts)
}

/// No chain but Secret verifies quotes: they are kept whole for those who can.
///
/// # Errors
/// None.
#[cfg(not(feature = "secret"))]
pub(crate) fn verdict(_: &WorkersMsg) -> Result<Verdict, ShellError> {
    Ok(Verdict::Stored)
}

/// `accepts`: whether the chain's verifier accepts a quote with packed collateral, at the time of the block.
#[cfg(any(feature = "secret", test))]
pub(crate) fn verified(
    message: &WorkersMsg,
    accepts: &dyn Fn(&[u8], &[u8]) -> bool,
) -> Result<Verdict, ShellError> {
    let WorkersMsg::RegisterWorker(registration) = message else {
        return Ok(Verdict::Stored);
    };
    // Anything else than hex is evidence of a kind that the chain cannot verify, such as an SNP report in base64. The
    // terms of this chain refuse it.
    let Some(quote) = unhex(registration.attestation_report.trim_ascii()) else {
        return Ok(Verdict::Stored);
    };
    let td = crate::quote::read(&quote)?;
    let collateral = crate::collateral::packed(&registration.collateral)?;
    if !accepts(&quote, &collateral) {
        return Err(ShellError::Refused);
    }
    Ok(Verdict::Attested { measurement: td.image, report_data: td.report_data })
}

/// The bytes of hexadecimal text, in either case.
#[cfg(any(feature = "secret", test))]
fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|at| u8::try_from(at).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

#[cfg(all(feature = "secret", target_arch = "wasm32"))]
mod chain {
    prag_contracts_shell::import_quotes!();

    /// The chain's own verification: signatures up to Intel's root, revocation, dates, TCB.
    pub(super) fn accepts(quote: &[u8], collateral: &[u8]) -> bool {
        // A function of the host's is no `Fn`.
        let verify = |quote, collateral| dcap_quote_verify(quote, collateral);
        prag_contracts_shell::quote_accepted(verify, quote, collateral)
    }
}

/// Outside of a chain nothing vouches for a quote.
#[cfg(all(feature = "secret", not(target_arch = "wasm32")))]
mod chain {
    pub(super) fn accepts(_: &[u8], _: &[u8]) -> bool {
        false
    }
}
