//! The import that Secret offers beyond its library: the verifier of quotes.
//!
//! Layer: shell.
//! Holds: its declaration, and how bytes get there and the answer back.
//! Never: a verdict of our own; what the chain's verifier calls anything but good is refused.
//! Invariant: regions outlive the call, and the host only reads them.
//!
//! Source: SecretNetwork, `contract-engine`, `dcap_quote_verify`: an error code in the upper half; in the lower half the
//! result of Intel's library, as in `sgx_ql_qv_result_t`.

/// Declares `dcap_quote_verify`, so that only contracts that call it import it.
#[macro_export]
macro_rules! import_quotes {
    () => {
        unsafe extern "C" {
            /// Traps where a pointer is no region; it has no other effect.
            safe fn dcap_quote_verify(quote: u32, collateral: u32) -> u64;
        }
    };
}

/// Whether the chain accepts a TDX quote with this collateral at the time of the block.
#[cfg(feature = "secret")]
pub fn quote_accepted(verify: impl Fn(u32, u32) -> u64, quote: &[u8], collateral: &[u8]) -> bool {
    let (Some(quote), Some(collateral)) = (Region::over(quote), Region::over(collateral)) else {
        return false;
    };
    let (Some(first), Some(second)) = (address(&quote), address(&collateral)) else {
        return false;
    };
    matches!(verify(first, second), OK | SW_HARDENING_NEEDED)
}

/// How CosmWasm describes bytes to a host.
#[cfg(feature = "secret")]
#[repr(C)]
struct Region {
    offset: u32,
    capacity: u32,
    length: u32,
}

#[cfg(feature = "secret")]
impl Region {
    fn over(bytes: &[u8]) -> Option<Box<Self>> {
        let length = u32::try_from(bytes.len()).ok()?;
        let offset = u32::try_from(bytes.as_ptr().expose_provenance()).ok()?;
        Some(Box::new(Self { offset, capacity: length, length }))
    }
}

#[cfg(feature = "secret")]
fn address(region: &Region) -> Option<u32> {
    u32::try_from(core::ptr::from_ref(region).expose_provenance()).ok()
}

/// `SGX_QL_QV_RESULT_OK`, without an error.
#[cfg(feature = "secret")]
const OK: u64 = 0;
/// `SGX_QL_QV_RESULT_SW_HARDENING_NEEDED`: up to date, and the guest has to be built with known mitigations.
#[cfg(feature = "secret")]
const SW_HARDENING_NEEDED: u64 = 0xa007;
