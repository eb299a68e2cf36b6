//! Messages of one account that another one sends and pays for.
//!
//! Layer: protocol, ledger part.
//! Holds: what a permit must allow for each message, and the bounds, as contracts and clients keep them.
//! Never: signatures, or the wire shape: each side verifies with its own library.
//! Invariant: a message that is not listed does not compile.

use super::AccessMsg;

/// What the permit of a session key must allow, for a message that the key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relaying {
    /// Anything: whoever holds a permit may give it up.
    AnyPermit,
    /// `prag_admin`.
    Administration,
    /// Nothing suffices.
    Never,
}

impl AccessMsg {
    /// Owners, delegates and grantees may have their messages relayed. A worker's may not be: they speak for the TEE to which its
    /// wallet is sealed, which pays for itself, and no permit hands that on to a session key.
    #[must_use]
    pub fn relaying(&self) -> Relaying {
        match self {
            Self::RevokePermit { .. } => Relaying::AnyPermit,
            Self::CreateCollection { .. }
            | Self::DestroyCollection { .. }
            | Self::Transfer { .. }
            | Self::RotateEpoch { .. }
            | Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::Place { .. }
            | Self::Unplace { .. }
            | Self::SetPolicy { .. }
            | Self::SetPrice { .. } => Relaying::Administration,
            Self::Rebind { .. }
            | Self::ClaimWriter { .. }
            | Self::Anchor { .. }
            | Self::Consume { .. } => Relaying::Never,
        }
    }
}

/// Furthest end of a relayed message's life from now, seconds.
pub const RELAY_SECONDS_MAX: u64 = 300;
/// Longest message that is relayed, bytes of JSON: a grant with the longest scope fits.
pub const RELAYED_MESSAGE_BYTES_MAX: usize = 6144;
/// Longest of all with permit and signature, bytes of JSON.
pub const RELAY_BYTES_MAX: usize = 16 << 10;
